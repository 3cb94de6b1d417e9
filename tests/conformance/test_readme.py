"""What the page says is so: its words are those of the program, and no number in it can go stale."""

import re
from pathlib import Path

import pytest

import wiretask_conformance
from wiretask_conformance import interrupts, results, testee
from wiretask_conformance.__main__ import GATE, main

PAGE = (Path(wiretask_conformance.__file__).parents[1] / "README.md").read_text()


def helped(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit, match="0"):
        main([*words, "--help"])
    return capsys.readouterr().out


def test_every_option_of_a_run_stands_in_the_table_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    shown = {*re.findall(r"(--[a-z][a-z-]+)", helped(capsys, "codec").partition("options:")[2])}
    table = PAGE.partition("| option | |")[2].partition("\n\n")[0]
    assert {*re.findall(r"(--[a-z][a-z-]+)", table)} == shown - {"--help"}


def test_every_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    commands = re.findall(r"^    (\w+) ", helped(capsys).partition("COMMAND")[2], re.MULTILINE)
    assert commands
    assert [command for command in commands if command not in PAGE] == []


def test_every_exit_code_is_said() -> None:
    """On the page as in the code."""
    said = PAGE.partition("Exit codes: ")[2].partition("\n\n")[0]
    codes = {int(code) for code in re.findall(r"\d+", said)}
    stopped = {interrupts.said(kind())[1] for kind in (KeyboardInterrupt, interrupts.Terminated, interrupts.HungUp)}
    ours = {results.CONFORMANT, results.WRONG, results.USAGE, results.CONTRACT, results.HARNESS, GATE, *stopped}
    assert codes == ours


def test_the_features_that_may_lack_are_those_that_are_known() -> None:
    listed = re.search(r"have \(`([a-z ]+)`\); cases that need one", PAGE)
    assert listed is not None
    assert set(listed[1].split()) == testee.FEATURES


def test_no_number_of_cases_is_said() -> None:
    """Whoever adds a case does not come here."""
    assert re.findall(r"\d+ (?:golden|frames|cases|scenarios|mutants|requirements)", PAGE) == []


def test_nothing_is_installed_that_no_registry_has() -> None:
    assert re.findall(r"pip install (?!nox)\S+", PAGE) == []
