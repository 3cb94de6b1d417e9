"""A case in words: every case has some, the octets are all there, and the arrow is where the error is."""

import json
import re

import pytest

from wiretask_conformance import golden, performance, scenario, spec
from wiretask_conformance.explain import Explainer, dump
from wiretask_conformance.wire import Mark

SPEC = spec.load()
EXPLAINER = Explainer(SPEC)
CASES = {case.name: case for case in golden.load(SPEC, max(SPEC.versions))}


def explained(identifier: str) -> list[str]:
    return EXPLAINER.explain(identifier).splitlines()


def shown(lines: list[str]) -> str:
    """The octets of a dump, in one row."""
    rows = [re.match(r" +\d+  ((?:[0-9a-f]{2} ?)+)", line) for line in lines]
    return "".join(row[1].replace(" ", "") for row in rows if row)


@pytest.mark.slow
def test_every_case_is_explained() -> None:
    for case in CASES.values():
        assert EXPLAINER.explain(case.id).startswith(f"{case.id}  {case.name}  ({case.kind}, {case.level})\n")


@pytest.mark.parametrize("role", scenario.FILES)
def test_every_scenario_is_explained_with_all_of_its_steps(role: str) -> None:
    for played in performance.scenarios(SPEC, role):
        lines = explained(played.id)
        assert lines[:2] == [f"{played.id}  {played.name}  ({played.kind}, {played.level})", played.about]
        assert [int(line[:3]) for line in lines if re.match(r" *\d+  [a-z_]+ ", line)] == [
            *range(1, 1 + len(played.steps))
        ]


def test_an_id_and_a_name_are_explained_alike() -> None:
    case = CASES["Accepted/many"]
    assert explained(case.id) == explained(case.name)


@pytest.mark.parametrize("identifier", ["", "nothing", "Accepted", "Accepted/*", "accepted/many", "Accepted/many "])
def test_who_is_no_case_is_not_explained(identifier: str) -> None:
    with pytest.raises(KeyError):
        EXPLAINER.explain(identifier)


@pytest.mark.slow
def test_the_arrow_is_at_the_octet_where_the_error_is() -> None:
    """In the row of the field that begins there, or behind the last octet where it would begin."""
    for case in CASES.values():
        if case.kind != "decode" or case.expected.get("offset") is None:
            continue
        lines = [line for line in explained(case.id) if line.endswith("<-- here")]
        assert len(lines) == 1, case.name
        start, rest = lines[0].split(maxsplit=1)
        octets = len(shown([lines[0]])) // 2
        at = 5 + case.expected["offset"]
        assert int(start) <= at <= int(start) + octets or "more octets" in rest, case.name


@pytest.mark.slow
def test_a_frame_is_shown_whole() -> None:
    for case in CASES.values():
        lines = explained(case.id)
        if case.kind == "decode" and not any("more octets" in line for line in lines):
            assert shown(lines) == case.octets, case.name


def test_the_line_to_try_by_hand_is_the_request() -> None:
    lines = explained("Accepted/many")
    line = lines[lines.index("by hand, one line to the adapter's standard input after its start:") + 1]
    assert json.loads(line) == {"seq": 2, **CASES["Accepted/many"].requests[0]}


@pytest.mark.parametrize(
    ("role", "command"),
    [
        ("worker", "./your-adapter"),
        ("client", "./your-adapter"),
        ("scheduler", "./your-adapter"),
        ("both", "./your-client ---- ./your-scheduler"),
    ],
)
def test_how_to_play_a_scenario_alone_is_a_command_that_works(role: str, command: str) -> None:
    played = scenario.load(role)[0]
    assert explained(played.id)[-1] == f"alone: wiretask-conformance {role} --run {played.id} -- {command}"


# Rows


def test_a_row_has_where_it_lies_what_it_is_and_the_arrow() -> None:
    assert list(dump(b"\x08\x00\x01", [Mark(0, 1, "command"), Mark(1, 3, "seq")], 1)) == [
        "     0  08                                               command",
        "     1  00 01                                            seq   <-- here",
    ]


def test_what_is_behind_the_last_mark_has_not_been_read() -> None:
    assert [line.split("  ")[-1].strip() for line in dump(b"abc", [Mark(0, 1, "kind")], None)] == ["kind", "(not read)"]


def test_an_error_behind_the_last_octet_has_a_row_of_its_own() -> None:
    rows = list(dump(b"a", [Mark(0, 1, "kind")], 1))
    assert [row.split() for row in rows] == [["0", "61", "kind"], ["1", "<--", "here"]]


def test_a_long_field_is_cut_in_the_middle_of_nothing() -> None:
    rows = list(dump(bytes(200), [Mark(0, 200, "body")], None))
    assert len(rows) == 6
    assert rows[-1].strip() == "… 120 more octets"
    assert [row.endswith("body") for row in rows] == [True] + [False] * 5


@pytest.mark.parametrize("marks", [[], [Mark(0, 0, "empty")]])
def test_nothing_is_no_row(marks: list[Mark]) -> None:
    assert list(dump(b"", marks, None)) == []
