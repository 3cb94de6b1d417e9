"""The line that counts: on a terminal, and nowhere else."""

import io
import sys

import pytest

from wiretask_conformance.results import Result
from wiretask_conformance.ticker import Ticker

CLEAR = "\r\x1b[K"


class Terminal(io.StringIO):
    """Standard error that is one, or not."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def result(id: str, verdict: str) -> Result:
    return Result(id, id, "scenario", "MUST", (), verdict, 0.0)


def shown(monkeypatch: pytest.MonkeyPatch, *results: Result, about: str = "", terminal: bool = True) -> list[str]:
    """What stood in the line, one after the other."""
    error = Terminal(terminal=terminal)
    monkeypatch.setattr(sys, "stderr", error)
    with Ticker(3, about) as ticker:
        for one in results:
            ticker.tick(one)
    return error.getvalue().split(CLEAR)[1:]


def test_it_counts_what_is_done_and_what_has_failed_and_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, result("a", "pass"), result("b", "fail"), result("c", "not_applicable")) == [
        "0 of 3",
        "1 of 3",
        "2 of 3, 1 failed",
        "3 of 3, 1 failed",
        "",
    ]


def test_a_case_that_is_played_again_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    again = [result("a", "timeout"), result("a", "flaky"), result("b", "pass")]
    assert shown(monkeypatch, *again) == ["0 of 3", "1 of 3, 1 failed", "1 of 3", "2 of 3", ""]


def test_one_run_of_several_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, about="run 2 of 5: ") == ["run 2 of 5: 0 of 3", ""]


def test_where_there_is_no_terminal_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, result("a", "fail"), terminal=False) == []
