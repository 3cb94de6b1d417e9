"""The command, as it is typed."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from sample import results, row

from wiretask_bench import cli
from wiretask_bench.figures import decode, encode

HERE = Path(__file__).parent
TINY = ("--rounds", "1", "--round-seconds", "0.1")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs it with prepared rows; the committed results are in a folder of the test."""
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    monkeypatch.setattr(cli, "COMMITTED", tmp_path / "results.json")
    monkeypatch.setattr(cli.chart, "draw", lambda run, path: path.write_text("drawn"))

    def run(*words, rows=()):
        monkeypatch.setattr(cli.Runner, "rows", lambda self, benchmark, settings: list(rows))
        return CliRunner().invoke(cli.command, ["--output", str(tmp_path / "out"), *words])

    run.folder = tmp_path
    return run


def bless(run, *rows):
    (run.folder / "results.json").write_bytes(encode(results(*rows)))


def test_an_unknown_row_or_peer_is_refused_with_those_that_there_are(run):
    done = run("--rows", "durabel")
    assert done.exit_code == 2
    assert "there is no durabel; take some of durable, memory, threads" in done.output
    assert run("--peer", "kafka").exit_code == 2


def test_a_guard_with_nothing_to_compare_with_says_how_to_make_it(run):
    done = run("--guard", "--rows", "durable")
    assert done.exit_code == 2
    assert "write results.json with --bless" in done.output


def test_a_run_writes_its_figures_and_its_chart(run):
    done = run("--rows", "durable", rows=[row()])
    assert done.exit_code == 0
    assert decode((run.folder / "out" / "results.json").read_bytes()).row("durable") == row()
    assert (run.folder / "out" / "chart.svg").read_text() == "drawn"
    assert not (run.folder / "results.json").exists()


def test_what_could_not_be_measured_is_an_error(run):
    done = run("--rows", "durable", rows=[row(ratios=[], value=None, error="it fell over")])
    assert done.exit_code == 1
    assert "durable could not be measured" in done.output


def test_the_guard_says_what_is_slower(run):
    bless(run, row(ratios=[0.3]))
    done = run("--guard", "--rows", "durable", rows=[row(ratios=[0.1])])
    assert done.exit_code == 1
    assert "slower  durable: 0.10 × bare relay, was 0.30 ×" in done.output


def test_the_guard_says_what_is_faster_and_that_nothing_is_slower(run):
    bless(run, row(ratios=[0.3]))
    done = run("--guard", "--rows", "durable", rows=[row(ratios=[0.6])])
    assert done.exit_code == 0
    assert "faster  durable: 0.60 × bare relay, was 0.30 ×" in done.output
    assert "nothing is slower than on 2030-01-01" in done.output


def test_the_guard_misses_what_can_no_longer_be_measured(run):
    bless(run, row(ratios=[0.3]))
    done = run("--guard", "--rows", "durable", rows=[row(ratios=[])])
    assert done.exit_code == 1
    assert "gone    durable" in done.output


def test_the_guard_says_what_was_measured_otherwise(run):
    bless(run, row(what="with 1 000 000 queued"))
    done = run("--guard", "--rows", "durable", rows=[row(what="with 5 000 queued", ratios=[0.1])])
    assert done.exit_code == 0
    assert "not compared: durable, which was measured otherwise (with 1 000 000 queued)" in done.output


def test_an_interruption_has_an_exit_code_of_its_own(run, monkeypatch):
    def interrupt(runner, benchmark, settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.Runner, "rows", interrupt)
    done = CliRunner().invoke(cli.command, ["--output", str(run.folder / "out"), "--rows", "durable"])
    assert done.exit_code == 130
    assert "everything that was started is ended" in done.output


def test_a_blessing_writes_what_is_committed(run):
    bless(run, row(ratios=[0.3]), row("memory"))
    done = run("--bless", "--rows", "durable", rows=[row(ratios=[0.5])])
    assert done.exit_code == 0
    committed = decode((run.folder / "results.json").read_bytes())
    assert [(each.name, each.ratio) for each in committed.rows] == [("durable", 0.5), ("memory", 0.3)]


def test_the_table_of_the_readme_names_the_command_without_paths(run):
    done = run("--markdown", "--rows", "durable", "--peers-python", "/home/me/python", rows=[row()])
    assert "`nox -s bench -- --rows durable` measures all of this" in done.output
    assert "/home/me" not in done.output


@pytest.mark.slow
@pytest.mark.processes
def test_a_tiny_row_is_measured_from_end_to_end(tmp_path):
    words = [sys.executable, str(HERE), "--rows", "memory,arrays", *TINY, "--output", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    run = decode((tmp_path / "results.json").read_bytes())
    memory, arrays = run.row("memory"), run.row("arrays")
    assert memory.value > 0
    assert memory.ratios[0] == pytest.approx(memory.value / memory.floor_value)
    assert (arrays.value, arrays.notes) == (None, ["not built"])
    assert {path.name for path in tmp_path.iterdir()} == {"results.json", "chart.svg"}


@pytest.mark.slow
@pytest.mark.processes
def test_the_durable_row_looks_at_the_log_and_at_what_is_kept(tmp_path):
    words = [sys.executable, str(HERE), "--rows", "durable", "--seconds", "0.5", *TINY, "--output", str(tmp_path)]
    assert subprocess.run(words, capture_output=True, text=True, check=False, timeout=100).returncode == 0
    says = [goal.says for goal in decode((tmp_path / "results.json").read_bytes()).row("durable").goals]
    assert [any(words in goal for goal in says) for words in ("slowest", "of log", "growth of the file")] == [True] * 3
