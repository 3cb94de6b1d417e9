"""What is called slower, what is not, and what is committed."""

import pytest
from sample import peer, results, row

from wiretask_bench import guard
from wiretask_bench.benchmarks import BENCHMARKS
from wiretask_bench.figures import decode, encode


@pytest.mark.parametrize(
    ("then", "now", "better", "verdict"),
    [
        (0.30, 0.30, "more", "same"),
        (0.30, 0.28, "more", "same"),
        (0.30, 0.20, "more", "slower"),
        (0.30, 0.50, "more", "faster"),
        (1.00, 1.05, "less", "same"),
        (1.00, 1.50, "less", "slower"),
        (1.00, 0.60, "less", "faster"),
    ],
)
def test_a_ratio_is_judged_by_which_way_is_better(then, now, better, verdict):
    change = guard.compare(row(ratios=[now], better=better), row(ratios=[then], better=better), 0.15)
    assert (change.slower, change.faster) == (verdict == "slower", verdict == "faster")


def test_a_slower_machine_is_not_a_slower_program():
    now = row(value=9_000.0, floor_value=30_000.0, ratios=[0.3])
    assert not guard.compare(now, row(ratios=[0.3]), 0.15).slower


def test_what_varies_within_a_run_is_allowed_between_runs():
    steady, shaky = row(ratios=[0.30, 0.30, 0.30]), row(ratios=[0.20, 0.24, 0.28])
    assert guard.compare(row(ratios=[0.24, 0.24, 0.24]), steady, 0.15).slower
    assert not guard.compare(shaky, steady, 0.15).slower


def test_a_run_that_varies_wildly_does_not_hide_everything():
    change = guard.compare(row(ratios=[0.01, 0.1, 0.9]), row(ratios=[0.3]), 0.15)
    assert change.allowed == pytest.approx(0.3)
    assert change.slower


def test_what_has_another_floor_or_none_or_is_measured_otherwise_cannot_be_compared():
    assert guard.compare(row(), row(floor="another"), 0.15) is None
    assert guard.compare(row(what="with 1 000 queued"), row(what="with 5 queued"), 0.15) is None
    assert guard.compare(row(ratios=[]), row(), 0.15) is None
    assert guard.compare(row(), row(ratios=[]), 0.15) is None


def test_a_change_says_what_was_and_what_is():
    change = guard.compare(row(ratios=[0.2]), row(ratios=[0.3]), 0.15)
    assert str(change) == "durable: 0.20 × bare relay, was 0.30 ×: 50% worse (15% is allowed)"


def test_what_is_slow_once_is_measured_again_and_acquitted():
    asked = []

    def again(benchmark):
        asked.append(benchmark.name)
        return [row(ratios=[0.31])]

    run = results(row(ratios=[0.1]), row("memory"))
    assert guard.slower(run, results(row(), row("memory")), again) == []
    assert asked == ["durable"]
    assert run.row("durable").ratios == [0.31]


def test_what_is_slow_each_time_is_slower():
    asked = []

    def again(benchmark):
        asked.append(benchmark.name)
        return [row(ratios=[0.1])]

    (change,) = guard.slower(results(row(ratios=[0.1])), results(row()), again)
    assert change.row.name == "durable"
    assert asked == ["durable"] * guard.AGAIN


def test_another_row_of_the_same_benchmark_is_not_suspected_by_a_repetition():
    committed = results(row("latency-memory", benchmark="latency"), row("latency-durable", benchmark="latency"))

    def again(benchmark):
        good, bad = ("latency-memory", [0.3]), ("latency-durable", [0.01])
        return [row(name, ratios, "latency") for name, ratios in (good, bad)]

    run = results(row("latency-memory", [0.01], "latency"), row("latency-durable", [0.3], "latency"))
    assert guard.slower(run, committed, again) == []


def test_a_repetition_that_fails_does_not_acquit():
    def again(benchmark):
        return [row(ratios=[], value=None, error="it hangs")]

    assert guard.slower(results(row(ratios=[0.1])), results(row()), again)


def test_what_can_no_longer_be_measured_is_lost_and_what_was_not_asked_for_is_not():
    committed = results(row(), row("memory"), row("arrays", ratios=[]))
    run = results(row(ratios=[], error="it fell over"), row("arrays", ratios=[]))
    assert guard.lost(run, committed) == ["durable"]


def test_what_is_measured_otherwise_is_named():
    run = results(row(what="with 5 queued"), row("memory"), row("threads"), row("start"))
    committed = results(row(what="with 1 000 queued"), row("memory"), row("threads", floor="another"))
    assert [each.name for each in guard.otherwise(run, committed)] == ["durable", "threads"]


def test_a_blessing_of_some_rows_keeps_the_others_and_the_order():
    committed = results(row(), row("memory"), peers=[peer("gearmand", 1.0)], missing=["dask (…)"])
    blessed = guard.blessed(results(row("memory", [0.9])), committed)
    assert [(each.name, each.ratio) for each in blessed.rows] == [("durable", 0.3), ("memory", 0.9)]
    assert [each.name for each in blessed.peers] == ["gearmand"]
    assert blessed.missing == ["dask (…)"]


def test_a_first_blessing_needs_nothing_before_it():
    assert guard.blessed(results(row()), None).rows == [row()]


def test_what_is_written_down_is_read_as_it_was():
    run = results(row(), peers=[peer("gearmand", 1.0)])
    assert decode(encode(run)) == run


def test_every_benchmark_allows_some_change_and_ends():
    assert all(0 < each.tolerance < 0.5 and 0 < each.limit_seconds <= 300 for each in BENCHMARKS.values())
