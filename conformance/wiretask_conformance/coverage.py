"""What of the spec the suite looks at: the items that the spec asks for, less those that cases cover, less the waivers.

A new field, limit, error or transition in the spec is an item that nothing covers: the gate is red on the same day. A
waiver (`waivers.json`) says why an item is not covered; one that excuses nothing is an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from wiretask_conformance import cells, golden, scenario
from wiretask_conformance.patterns import matches
from wiretask_conformance.spec import SIDES, Spec, resource
from wiretask_conformance.wire import WIDTHS

#: A list of this many items has no limit but that of its count.
_UNLIMITED_ITEMS = 0xFFFF
_SECTION = ("order", "twice", "unknown", "critical", "count-more", "count-less", "zero", "most")
#: Errors of frames and payloads have these codes; of them only time can show the last one.
_DECODING = range(100, 300)
_OF_TIME = {"FRAME_TOO_SLOW"}
#: Limits that are seen on octets alone, and those that end something after a time.
_OCTETS = ("frame_limit", "handshake_frame_limit")
_TIMERS = ("handshake_deadline", "heartbeat", "silence", "resume_grace", "dedup_window")
_COUNTED = ("in_flight", "crash_limit", "loss_limit")
#: Machines whose events are not messages: what they do is seen from outside.
_LIVES = ("task", "assignment")


class Part(NamedTuple):
    """One kind of items: how many there are, and which are neither covered nor waived."""

    name: str
    wanted: int
    waived: int
    missing: tuple[str, ...]


class Coverage(NamedTuple):
    """All kinds, and what is wrong with the waivers."""

    parts: tuple[Part, ...]
    problems: tuple[str, ...]
    waived: tuple[tuple[str, str], ...]

    @property
    def complete(self) -> bool:
        """Whether everything is covered or waived, and every waiver is needed."""
        return not self.problems and not any(part.missing for part in self.parts)


def measure(spec: Spec) -> Coverage:
    """The coverage of this suite."""
    octets = {item for case in golden.load(spec, max(spec.versions)) for item in case.covers}
    played = {item for role in scenario.FILES for one in scenario.load(role) for item in _shown(one)}
    played |= {item for role in SIDES for one in cells.cells(spec, role) for item in one.covers}
    octets |= {item for item in played if item.startswith("requirement:")}
    waivers = json.loads(resource("waivers.json").decode("utf-8"))["waivers"]
    used: set[int] = set()
    waived: list[tuple[str, str]] = []
    parts: list[Part] = []
    for name, wanted, covered in _kinds(spec, octets, played):
        open_ = [item for item in dict.fromkeys(wanted) if item not in covered]
        missing: list[str] = []
        for item in open_:
            number = next((n for n, waiver in enumerate(waivers) if matches(waiver["item"], item)), None)
            if number is None:
                missing.append(item)
            else:
                used.add(number)
                waived.append((item, waivers[number]["why"]))
        parts.append(Part(name, len(dict.fromkeys(wanted)), len(open_) - len(missing), tuple(missing)))
    unused = [waiver["item"] for number, waiver in enumerate(waivers) if number not in used]
    stale = ["waivers.json: %s waives nothing; delete it" % item for item in unused]
    return Coverage(tuple(parts), tuple(stale), tuple(waived))


def _shown(one: scenario.Scenario) -> Iterator[str]:
    """What a scenario covers: also the requirements that it is about."""
    yield from one.covers
    for requirement in one.requires:
        yield "requirement:" + requirement


def lines(coverage: Coverage) -> Iterator[str]:
    """The coverage in words: one line for each kind, and what is missing."""
    for part in coverage.parts:
        waived = ", %d waived" % part.waived if part.waived else ""
        yield "%-20s %d/%d%s" % (part.name, part.wanted - len(part.missing) - part.waived, part.wanted, waived)
    for part in coverage.parts:
        yield from ("  MISSING %s" % item for item in part.missing)
    yield from ("  %s" % problem for problem in coverage.problems)
    done = sum(part.wanted - len(part.missing) for part in coverage.parts)
    total = sum(part.wanted for part in coverage.parts)
    percent = 100 if coverage.complete else min(99, 100 * done // total)
    yield "coverage %d %%: %d of %d items, %d of them waived" % (percent, done, total, len(coverage.waived))


def _kinds(spec: Spec, octets: set[str], played: set[str]) -> Iterator[tuple[str, list[str], set[str]]]:
    yield "fields", list(_fields(spec)), octets
    yield "tags", list(_tags(spec)), octets
    yield "tag sections", ["section:%s:%s" % (owner, how) for owner in _owners(spec) for how in _SECTION], octets
    yield "rules", ["rule:%s:%s" % (rule["id"], how) for rule in spec.rules for how in ("kept", "broken")], octets
    yield "errors of octets", ["error:%s:decode" % name for name in spec.errors if _decoding(spec, name)], octets
    yield "command ranges", ["command:%d-%d" % (item["from"], item["to"]) for item in spec.command_ranges], octets
    yield "limits of octets", ["limit:%s:%s" % (name, how) for name in _OCTETS for how in ("at", "over")], octets
    yield "cells, as octets", list(_cells(spec)), octets
    yield "cells, as played", list(_cells(spec)), played
    yield "requirements", ["requirement:" + item["id"] for item in spec.requirements], octets
    yield "errors on the wire", ["error:%s:wire" % name for name in spec.errors], played
    yield "timers", ["timer:%s:%s" % (name, how) for name in _TIMERS for how in ("fires", "prevented")], played
    yield "limits", ["limit:%s:%s" % (name, how) for name in _COUNTED for how in ("at", "over")], played
    yield "outcomes and reasons", list(_values(spec)), played
    yield "lives", list(_lives(spec)), played


def _decoding(spec: Spec, name: str) -> bool:
    return spec.errors[name]["code"] in _DECODING and name not in _OF_TIME


def _owners(spec: Spec) -> dict[str, dict[str, Any]]:
    """Everything that has a section of tags."""
    return {**spec.messages, **spec.relayed}


def _fields(spec: Spec) -> Iterator[str]:
    for name, owner in {**_owners(spec), **spec.structs}.items():
        for field in [*owner["fields"], *owner.get("tags", {}).values()]:
            for shown in _classes(spec, field["type"]):
                yield "field:%s.%s:%s" % (name, field["name"], shown)


def _classes(spec: Spec, type_: dict[str, Any]) -> Iterator[str]:
    """The values of a type that make a difference."""
    kind = type_["is"]
    if kind == "integer":
        top = (1 << 8 * WIDTHS[type_["integer"]]) - 1
        yield from ("min", "max")
        yield from ["below"] * (type_["min"] > 0)
        yield from ["above"] * (type_["max"] < top)
    elif kind == "boolean":
        yield from ("false", "true", "other")
    elif kind == "enum":
        yield from (*spec.enums[type_["name"]]["values"], "unknown")
    elif kind == "flags":
        yield from (*spec.flags[type_["name"]]["bits"], "none", "all", "undefined")
    elif kind == "text":
        yield from ("empty", "max", "nul", "utf8")
        yield from ["above"] * (type_["max"] + 1 < 1 << 8 * WIDTHS[type_["prefix"]])
        yield from ["pattern"] * (type_["pattern"] is not None)
    elif kind == "bytes":
        yield from ("empty", "some")
    elif kind == "list":
        yield from ("empty", "one", "short")
        yield from ["max", "above"] * (type_["max"] < _UNLIMITED_ITEMS)


def _tags(spec: Spec) -> Iterator[str]:
    for name, owner in _owners(spec).items():
        for tag in owner["tags"].values():
            where = "tag:%s.%s:" % (name, tag["name"])
            yield from (where + "present", where + "absent")
            if tag["type"]["is"] not in ("text", "bytes"):
                yield from (where + "short", where + "long")


def _cells(spec: Spec) -> Iterator[str]:
    for side in SIDES:
        for state in spec.machine(side).reading():
            yield from ("cell:%s/%s/%s" % (side, state, event.name) for event in spec.events())


def _values(spec: Spec) -> Iterator[str]:
    """What an implementation is seen to say, or is seen to understand."""
    for name in ("Outcome", "TaskState", "WaitReason", "GoodbyeReason", "ReturnReason", "CancelMode"):
        yield from ("enum:%s.%s" % (name, value) for value in spec.enums[name]["values"])


def _lives(spec: Spec) -> Iterator[str]:
    for name in _LIVES:
        for state, row in spec.machines[name].table.items():
            if state not in spec.machines[name].final:
                yield from ("transition:%s/%s/%s" % (name, state, event) for event, to in row.items() if to is not None)
