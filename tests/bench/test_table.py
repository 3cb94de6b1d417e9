"""What a run looks like: on a terminal, in the README, as a chart; and the goals that name a peer."""

import io
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console
from sample import everything, peer, results, row

from wiretask_bench import beside, chart
from wiretask_bench.markdown import markdown
from wiretask_bench.table import table
from wiretask_bench.words import latency, number, times, whole


def shown(run):
    out = io.StringIO()
    Console(file=out, width=200).print(table(run))
    return out.getvalue()


@pytest.mark.parametrize(
    ("value", "words"),
    [(1_079_918, "1 080 000"), (99_949, "99 900"), (350, "350"), (12.34, "12.3"), (0.614, "0.61"), (0.0123, "0.012")],
)
def test_numbers_have_three_digits_that_count(value, words):
    assert number(value) == words


def test_times_and_latencies():
    assert (times(0.314), times(61.7), times(0.0049)) == ("0.31 ×", "62 ×", "1/204")
    assert whole(1_234_567) == "1 234 567"
    assert (latency(0.15, 0.23), latency(None, 0.23)) == ("0.15 / 0.23", "")


def test_the_table_has_ours_with_floors_and_goals():
    text = shown(everything())
    line = next(line for line in text.splitlines() if "what durable is" in line)
    assert [cell.strip() for cell in line.strip("│").split("│")] == [
        "what durable is",
        "99 000 tasks/s",
        "0.30 ×",
        "bare relay: 330 000",
        "✗ ≥ 100 000",
    ]
    assert "✓ ≤ 128 MiB of log: 70" in text


def test_what_is_not_built_or_has_failed_says_so():
    text = shown(everything())
    assert "not built" in text
    assert "failed: ImportError: no protobuf" in text
    assert "failed: it did not listen" in text


def test_peers_stand_in_the_same_table_fastest_first():
    text = shown(everything())
    assert text.index("arrays") < text.index("gearmand 1.0") < text.index("redis-lists-synced 1.0") < text.index("dask")
    line = next(line for line in text.splitlines() if "gearmand 1.0" in line)
    assert "1.06 ×" in line
    assert "906 bytes per queued task" in text


def test_the_readme_has_one_order_whoever_is_ahead():
    text = markdown(everything(), "nox -s bench -- --peers")
    systems = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("|")]
    assert systems[2:6] == ["gearmand 1.0", "bare relay of the same frames", "**Wiretask**", "redis-lists-synced 1.0"]
    assert "| **Wiretask** | SQLite | 99 000 | 0.61 / 1.30 | 214 | all: every commit synced |" in text
    assert "| gearmand 1.0 | the best | 350 000 | 0.15 / 0.23 | 906 | nothing |" in text


def test_the_readme_says_what_was_not_measured_and_on_what():
    text = markdown(everything(), "nox -s bench -- --peers")
    assert "| what arrays is | not built | bare relay: 330 000 | ✗ ≥ 700 000 |" in text
    assert "Not installed there, so not measured: celery (no redis-server on the PATH)." in text
    assert "`nox -s bench -- --peers` measures" in text
    assert "SQLite 3.40, 2030-01-01 00:00 UTC, commit abc1234." in text


def test_a_goal_beside_a_peer_is_judged_where_that_peer_has_run():
    run = results(row(value=99_000.0), row("memory", value=200_000.0), peers=[peer("redis-lists-synced", 90_000.0)])
    beside.judge(run)
    (goal,) = run.row("durable").goals
    assert (goal.says, goal.met) == ("≥ 1.2 × Redis lists, AOF always: 1.10 ×", False)
    assert run.row("memory").goals == []


def test_a_row_without_a_figure_is_judged_beside_nobody():
    run = results(row(value=None), peers=[peer("redis-lists-synced", 90_000.0)])
    beside.judge(run)
    assert run.row("durable").goals == []


@pytest.mark.slow
def test_the_chart_has_every_system_and_every_ratio(tmp_path):
    path = tmp_path / "chart.svg"
    chart.draw(everything(), path)
    text = path.read_text()
    assert ET.fromstring(text).tag.endswith("svg")
    for words in ("gearmand 1.0 (gearmand)", "Wiretask, SQLite, synced", "latency-durable", "350 000"):
        assert f">{words}</text>" in text
    assert "codec-decode" not in text


@pytest.mark.slow
def test_a_chart_of_nothing_is_a_chart(tmp_path):
    chart.draw(results(row("arrays", (), value=None)), tmp_path / "chart.svg")
    assert (tmp_path / "chart.svg").stat().st_size
