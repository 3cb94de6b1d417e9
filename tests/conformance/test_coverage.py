"""What of a spec nobody looks at: an item that is new is missing on the same day, and a waiver must waive something."""

import json
import re
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any, NamedTuple

import pytest

from wiretask_conformance import __main__, cells, coverage, golden, scenario, spec
from wiretask_conformance.coverage import Coverage, Part
from wiretask_conformance.spec import Spec

BODY: dict[str, Any] = json.loads(spec.read("spec.json"))
#: The first of each kind of thing that a spec has, whatever it has today.
MESSAGE, ENUM = "Hello", "Outcome"


class Covering(NamedTuple):
    """A case, a scenario or a cell, as far as the coverage looks at it."""

    covers: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()


Measure = Callable[..., Coverage]


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> Measure:
    """Measures a spec against cases, scenarios and waivers that are made up; `everything` covers all there was."""
    every = tuple(item for _, wanted, _ in coverage._kinds(Spec(BODY), set(), set()) for item in wanted)

    def measure(
        body: dict[str, Any] = BODY,
        *,
        octets: Iterable[str] = every,
        played: Iterable[str] = every,
        celled: Iterable[str] = (),
        requires: Iterable[str] = (),
        waivers: Iterable[str] = (),
    ) -> Coverage:
        text = json.dumps({"waivers": [{"item": item, "why": f"not {item}"} for item in waivers]})
        monkeypatch.setattr(coverage, "resource", {"waivers.json": text.encode()}.__getitem__)
        monkeypatch.setattr(golden, "load", lambda spec, version: [Covering(tuple(octets))])
        monkeypatch.setattr(scenario, "load", lambda role: [Covering(tuple(played), tuple(requires))])
        monkeypatch.setattr(cells, "cells", lambda spec, role: [Covering(tuple(celled))])
        return coverage.measure(Spec(body))

    return measure


def changed(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """The spec with something new in it."""
    body = deepcopy(BODY)
    change(body)
    return body


def missing(found: Coverage) -> list[str]:
    return [item for part in found.parts for item in part.missing]


def without(*items: str) -> list[str]:
    """Everything but these."""
    every = [item for _, wanted, _ in coverage._kinds(Spec(BODY), set(), set()) for item in wanted]
    assert set(items) <= set(every)
    return [item for item in every if item not in items]


def test_a_suite_that_looks_at_everything_is_complete(measure: Measure) -> None:
    found = measure()
    assert (found.complete, missing(found), found.problems, found.waived) == (True, [], (), ())


def test_a_suite_that_looks_at_nothing_misses_everything(measure: Measure) -> None:
    found = measure(octets=(), played=())
    assert not found.complete
    assert [len(part.missing) for part in found.parts] == [part.wanted for part in found.parts]
    assert all(part.wanted for part in found.parts)


# What is new in a spec


def field(name: str, **type_: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda body: body["messages"][MESSAGE]["fields"].append({"name": name, "type": type_})


def tag(number: int, name: str, **type_: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda body: body["messages"][MESSAGE]["tags"].update({str(number): {"name": name, "type": type_}})


def error(name: str, code: int) -> Callable[[dict[str, Any]], Any]:
    return lambda body: body["errors"].update({name: {**next(iter(body["errors"].values())), "code": code}})


@pytest.mark.parametrize(
    ("change", "items"),
    [
        (field("new", **{"is": "boolean"}), ["field:Hello.new:false", "field:Hello.new:true", "field:Hello.new:other"]),
        (
            field("new", **{"is": "integer", "integer": "u8", "min": 1, "max": 9}),
            [f"field:Hello.new:{at}" for at in ("min", "max", "below", "above")],
        ),
        (
            field("new", **{"is": "integer", "integer": "u8", "min": 0, "max": 255}),
            ["field:Hello.new:min", "field:Hello.new:max"],
        ),
        (
            field("new", **{"is": "text", "prefix": "u8", "max": 255, "pattern": None}),
            [f"field:Hello.new:{at}" for at in ("empty", "max", "nul", "utf8")],
        ),
        (
            field("new", **{"is": "text", "prefix": "u8", "max": 254, "pattern": "[a-z]*"}),
            [f"field:Hello.new:{at}" for at in ("empty", "max", "nul", "utf8", "above", "pattern")],
        ),
        (field("new", **{"is": "bytes"}), ["field:Hello.new:empty", "field:Hello.new:some"]),
        (
            field("new", **{"is": "list", "max": 0xFFFF}),
            [f"field:Hello.new:{at}" for at in ("empty", "one", "short")],
        ),
        (
            field("new", **{"is": "list", "max": 9}),
            [f"field:Hello.new:{at}" for at in ("empty", "one", "short", "max", "above")],
        ),
        (
            tag(0x7001, "new", **{"is": "bytes"}),
            ["field:Hello.new:empty", "field:Hello.new:some", "tag:Hello.new:present", "tag:Hello.new:absent"],
        ),
        (
            tag(0x7001, "new", **{"is": "fixed", "size": 4}),
            [f"tag:Hello.new:{at}" for at in ("present", "absent", "short", "long")],
        ),
        (error("NEW", 199), ["error:NEW:decode", "error:NEW:wire"]),
        (error("NEW", 299), ["error:NEW:decode", "error:NEW:wire"]),
        (error("NEW", 300), ["error:NEW:wire"]),
        (error("NEW", 4000), ["error:NEW:wire"]),
        (
            lambda body: body["rules"].append({"id": "R-NEW-001"}),
            ["rule:R-NEW-001:kept", "rule:R-NEW-001:broken"],
        ),
        (lambda body: body["requirements"].append({"id": "R-NEW-001"}), ["requirement:R-NEW-001"]),
        (lambda body: body["command_ranges"].append({"from": 300, "to": 301}), ["command:300-301"]),
        (lambda body: body["enums"][ENUM]["values"].update(new=200), ["enum:Outcome.new"]),
        (
            lambda body: body["machines"]["task"]["table"].update(new={"go": "ready", "stay": None}),
            ["transition:task/new/go"],
        ),
        (
            lambda body: body["machines"]["worker_connection"]["table"].update(new={}),
            [f"cell:worker/new/{event.name}" for event in Spec(BODY).events()] * 2,
        ),
    ],
)
def test_what_is_new_is_missing(measure: Measure, change: Callable[[dict[str, Any]], Any], items: list[str]) -> None:
    found = measure(changed(change))
    # A value of an enum is one of each of its fields, too: only what has its name is looked at.
    new = [item for item in missing(found) if re.search(r"\bnew\b|NEW|300-", item) and not enumerated(item)]
    assert new == items
    assert not found.complete


def enumerated(item: str) -> bool:
    return item.startswith("field:") and item.endswith(":new")


def test_a_new_value_is_missing_in_every_field_that_can_have_it(measure: Measure) -> None:
    found = measure(changed(lambda body: body["enums"][ENUM]["values"].update(new=200)))
    assert "field:Result.outcome:new" in missing(found)


@pytest.mark.parametrize("kind", ["messages", "structs", "relayed"])
def test_a_new_field_is_missing_wherever_it_is(measure: Measure, kind: str) -> None:
    owner = next(iter(BODY[kind]))
    new = {"name": "new", "type": {"is": "bytes"}}
    found = measure(changed(lambda body: body[kind][owner]["fields"].append(new)))
    assert missing(found) == [f"field:{owner}.new:empty", f"field:{owner}.new:some"]


def test_a_new_message_is_missing_in_every_state(measure: Measure) -> None:
    new = {**BODY["messages"]["Accepted"], "command": 99}
    found = missing(measure(changed(lambda body: body["messages"].update(New=new))))
    assert {"section:New:twice", "cell:scheduler/greeting/New", "field:New.seq:max"} <= set(found)
    assert all("New" in item for item in found)


# Who covers what


def test_an_item_that_nobody_covers_is_missing_and_named(measure: Measure) -> None:
    gone = without("tag:Hello.role:absent")
    found = measure(octets=gone, played=gone)
    assert missing(found) == ["tag:Hello.role:absent"]
    assert "  MISSING tag:Hello.role:absent" in coverage.lines(found)


@pytest.mark.parametrize("item", ["field:Hello.kind:unknown", "error:TRUNCATED:decode", "rule:R-HEL-003:kept"])
def test_what_is_about_octets_is_covered_by_octets_alone(measure: Measure, item: str) -> None:
    assert missing(measure(octets=without(item))) == [item]
    assert missing(measure(played=without(item))) == []


@pytest.mark.parametrize(
    "item", ["error:TRUNCATED:wire", "timer:silence:fires", "limit:in_flight:over", "enum:Outcome.failed"]
)
def test_what_is_about_parts_is_covered_by_scenarios_alone(measure: Measure, item: str) -> None:
    assert missing(measure(played=without(item))) == [item]
    assert missing(measure(octets=without(item))) == []


def test_a_cell_is_covered_as_octets_and_as_played(measure: Measure) -> None:
    cell = "cell:worker/accepted/Hello.ping"
    assert missing(measure(octets=without(cell), played=without(cell))) == [cell, cell]
    assert missing(measure(octets=without(cell), played=without(cell), celled=[cell])) == [cell]


def test_a_requirement_is_covered_by_who_says_that_he_is_about_it(measure: Measure) -> None:
    """By a frame that covers it, or by a scenario that requires it: which says the same."""
    identifier = BODY["requirements"][0]["id"]
    item = f"requirement:{identifier}"
    gone = without(item)
    assert missing(measure(octets=gone, played=gone)) == [item]
    assert missing(measure(octets=gone, played=gone, requires=[identifier])) == []
    assert missing(measure(octets=gone, played=gone, requires=[identifier[:-1], identifier + "0"])) == [item]


def test_what_is_covered_and_is_not_in_the_spec_counts_for_nothing(measure: Measure) -> None:
    """Of a message that is gone, or misspelt."""
    assert missing(measure(octets=["field:Hello.kind:Open", "everything"])) == missing(measure(octets=()))


# Waivers


def test_a_waiver_excuses_what_is_missing_and_says_why(measure: Measure) -> None:
    item = "tag:Hello.role:absent"
    gone = without(item)
    found = measure(octets=gone, played=gone, waivers=[item])
    assert (found.complete, found.waived, missing(found)) == (True, ((item, f"not {item}"),), [])
    assert [(part.name, part.waived) for part in found.parts if part.waived] == [("tags", 1)]


def test_a_waiver_may_be_a_pattern(measure: Measure) -> None:
    """Of states and events: a star stays in its segment."""
    rows = ["transition:assignment/retracting/returned", "transition:assignment/retracting/gone"]
    table = {row.rpartition("/")[2]: "done" for row in rows}
    body = changed(lambda body: body["machines"]["assignment"]["table"].update(retracting=table))
    gone = [item for item in without() if not item.startswith("transition:assignment/retracting/")]
    assert missing(measure(body, octets=gone, played=gone)) == rows
    assert measure(body, octets=gone, played=gone, waivers=["transition:assignment/retracting/*"]).complete
    assert not measure(body, octets=gone, played=gone, waivers=["transition:*"]).complete


@pytest.mark.parametrize(
    "waiver",
    ["tag:Hello.role:present", "tag:Hello.role:gone", "tag:Hello.role", "Tag:Hello.role:absent", "nothing", "", "*/x"],
)
def test_a_waiver_that_waives_nothing_is_an_error(measure: Measure, waiver: str) -> None:
    found = measure(waivers=[waiver])
    assert (found.complete, missing(found)) == (False, [])
    assert found.problems == (f"waivers.json: {waiver} waives nothing; delete it",)


@pytest.mark.parametrize("second", ["tag:Hello.role:absent", "tag:Hello.role:*", "tag:*"])
def test_a_second_waiver_of_the_same_waives_nothing(measure: Measure, second: str) -> None:
    gone = without("tag:Hello.role:absent")
    found = measure(octets=gone, played=gone, waivers=["tag:Hello.role:absent", second])
    assert found.problems == (f"waivers.json: {second} waives nothing; delete it",)


def test_a_waiver_of_two_things_is_needed_as_long_as_one_is_missing(measure: Measure) -> None:
    gone = without("tag:Hello.role:absent")
    assert measure(octets=gone, played=gone, waivers=["tag:Hello.role:*"]).complete


def test_our_own_waivers_say_why() -> None:
    """Whether each waives something is what the gate says: `python -m wiretask_conformance coverage`."""
    waivers = json.loads(spec.resource("waivers.json"))["waivers"]
    assert [waiver for waiver in waivers if not re.fullmatch(r"[A-Z].{20,}\.", waiver["why"])] == []


# What is said


def found(*parts: Part, problems: tuple[str, ...] = (), waived: tuple[tuple[str, str], ...] = ()) -> Coverage:
    return Coverage(parts, problems, waived)


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (
            found(Part("tags", 4, 0, ())),
            ["tags                 4/4", "coverage 100 %: 4 of 4 items, 0 of them waived"],
        ),
        (
            found(Part("tags", 4, 1, ()), waived=(("a", "b"),)),
            ["tags                 3/4, 1 waived", "coverage 100 %: 4 of 4 items, 1 of them waived"],
        ),
        (
            found(Part("tags", 3, 1, ("tag:a",)), Part("rules", 1, 0, ()), waived=(("a", "b"),)),
            [
                "tags                 1/3, 1 waived",
                "rules                1/1",
                "  MISSING tag:a",
                "coverage 75 %: 3 of 4 items, 1 of them waived",
            ],
        ),
        (
            found(Part("tags", 4, 0, ()), problems=("x waives nothing",)),
            ["tags                 4/4", "  x waives nothing", "coverage 99 %: 4 of 4 items, 0 of them waived"],
        ),
        (
            found(Part("tags", 1000, 0, ("tag:a",))),
            ["tags                 999/1000", "  MISSING tag:a", "coverage 99 %: 999 of 1000 items, 0 of them waived"],
        ),
        (
            found(Part("tags", 1, 0, ("tag:a",))),
            ["tags                 0/1", "  MISSING tag:a", "coverage 0 %: 0 of 1 items, 0 of them waived"],
        ),
    ],
)
def test_only_what_is_complete_is_100_per_cent(measured: Coverage, said: list[str]) -> None:
    assert list(coverage.lines(measured)) == said


@pytest.mark.parametrize(
    ("measured", "code"),
    [
        (found(Part("tags", 4, 1, ())), 0),
        (found(Part("tags", 4, 0, ("tag:a",))), 5),
        (found(Part("tags", 4, 0, ()), problems=("x waives nothing",)), 5),
    ],
)
def test_the_gate_is_red_where_something_is_missing_or_waived_for_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], measured: Coverage, code: int
) -> None:
    monkeypatch.setattr(coverage, "measure", lambda spec: measured)
    assert __main__.main(["coverage"]) == code
    assert capsys.readouterr().out.splitlines() == list(coverage.lines(measured))
