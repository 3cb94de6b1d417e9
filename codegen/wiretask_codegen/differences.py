"""What differs between two specs in normal form, and by which rule it is allowed or not.

Knows nothing of files or releases. A difference without a rule is one that every peer of the old version can live
with: new tags, new values of open enums, new messages, and what is retired with its number and its name reserved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: the rule that forbids it (None: allowed), what differs, and the path of names to it."""

    rule: str | None
    what: str
    path: tuple[str, ...]


def differences(old: Plain, new: Plain, version: int) -> Iterator[Difference]:
    """Every difference of a new spec from an old one, whose version is given."""
    yield from _frame(old, new)
    for kind in ("messages", "structs", "relayed"):
        yield from _parts(kind, old[kind], new[kind], version)
    yield from _enums(old["enums"], new["enums"], version)
    yield from _flags(old["flags"], new["flags"])
    yield from _errors(old, new)
    for kind, rule in (("limits", "E09"), ("requirements", "E11")):
        yield from _frozen(kind, rule, old[kind], new[kind])
    yield from _machines(old["machines"], new["machines"])
    yield from _frozen("examples", "E17", old["examples"], new["examples"])


def _frame(old: Plain, new: Plain) -> Iterator[Difference]:
    """The frame stays; only what a range has reserved for later versions may be given a meaning."""
    for key, before in old["frame"].items():
        after = new["frame"][key]
        if key.endswith("_ranges"):
            same = all(item in after for item in before if item[2] != "reserved")
        else:
            same = after == before
        if not same:
            yield Difference("E16", f"the {key.replace('_', ' ')} of the frame", ("frame",))


def _frozen(kind: str, rule: str, old: Plain, new: Plain) -> Iterator[Difference]:
    """Parts that stay as they are for ever; others may come."""
    word = kind.removesuffix("s")
    for name, part in old.items():
        if name not in new:
            yield Difference(rule, f"the {word} {name}, which is gone,", (kind, name))
        elif new[name] != part:
            yield Difference(rule, f"the {word} {name}", (kind, name))
    yield from _new(kind, old, new)


def _new(kind: str, old: Plain, new: Plain) -> Iterator[Difference]:
    for name in new.keys() - old.keys():
        yield Difference(None, f"the {kind.removesuffix('s')} {name} is new", (kind, name))


def _parts(kind: str, old: Plain, new: Plain, version: int) -> Iterator[Difference]:
    """Messages, structs and relayed structs."""
    for name, part in old.items():
        if name not in new:
            yield Difference("E01", f"{name}, which is gone,", (kind, name))
            continue
        for difference in _part(part, new[name], version):
            yield Difference(difference.rule, f"{difference.what} of {name}", (kind, name, *difference.path))
    for name in new.keys() - old.keys():
        late = new[name].get("since", version + 1) > version
        yield Difference(None if late else "E04", f"{name}, which is new,", (kind, name))


def _part(old: Plain, new: Plain, version: int) -> Iterator[Difference]:
    for index, field in enumerate(old["fields"]):
        if index >= len(new["fields"]) or new["fields"][index] != field:
            yield Difference("E02", f"the field {field['name']}", (field["name"],))
    for field in new["fields"][len(old["fields"]) :]:
        yield Difference("E02", f"the new field {field['name']}", (field["name"],))
    for key in ("command", "since", "flows", "sequenced", "relay", "critical_tags"):
        if old.get(key) != new.get(key):
            yield Difference("E08", f"the {key}", ())
    yield from _tags(old, new, version)
    yield from _rules(old, new)


def _tags(old: Plain, new: Plain, version: int) -> Iterator[Difference]:
    before, after = old.get("tags", {}), new.get("tags", {})
    for number, tag in before.items():
        what = f"the tag {number}, {tag['name']},"
        if number in after:
            if after[number] != tag:
                yield Difference("E03", what, (after[number]["name"],))
        elif new["reserved"].get(number) == tag["name"] and int(number) < 0x8000:
            yield Difference(None, f"{what} is retired", ())
        else:
            yield Difference("E03", f"{what} which is gone,", ())
    for number in after.keys() - before.keys():
        tag = after[number]
        rule = "E04" if tag["since"] <= version else None
        yield Difference(rule, f"the new tag {number}, {tag['name']},", (tag["name"],))


def _rules(old: Plain, new: Plain) -> Iterator[Difference]:
    """A new rule binds only who uses what is new: old peers know nothing of it."""
    for name, rule in old["rules"].items():
        if new["rules"].get(name) != rule:
            yield Difference("E15", f"the rule {name}", (name,))
    added = {tag["name"] for number, tag in new.get("tags", {}).items() if number not in old.get("tags", {})}
    for name in new["rules"].keys() - old["rules"].keys():
        needs = {f"present {tag}" for tag in added}
        when = str(new["rules"][name]["when"] or "")
        bound = when in needs or any(part in needs for part in when.split(" and ") if " or " not in when)
        yield Difference(None if bound else "E15", f"the new rule {name}", (name,))


def _enums(old: Plain, new: Plain, version: int) -> Iterator[Difference]:
    for name, enum in old.items():
        if name not in new:
            yield Difference("E01", f"{name}, which is gone,", ("enums", name))
            continue
        for difference in _enum(enum, new[name], version):
            yield Difference(difference.rule, f"{difference.what} of {name}", ("enums", name, *difference.path))
    yield from _new("enums", old, new)


def _enum(old: Plain, new: Plain, version: int) -> Iterator[Difference]:
    if (old["repr"], old["closed"]) != (new["repr"], new["closed"]):
        yield Difference("E13", "the integer or the kind", ())
    for name, value in old["values"].items():
        if name in new["values"]:
            if new["values"][name] != value:
                yield Difference("E06", f"the value {name}", (name,))
        elif new["reserved"].get(str(value)) == name and not old["closed"]:
            yield Difference(None, f"the value {name} is retired", ())
        else:
            yield Difference("E06", f"the value {name}, which is gone,", ())
    for name in new["values"].keys() - old["values"].keys():
        late = new["since"].get(name, 1) > version
        rule = "E05" if old["closed"] else None if late else "E04"
        yield Difference(rule, f"the new value {name}", (name,))


def _flags(old: Plain, new: Plain) -> Iterator[Difference]:
    for name, flags in old.items():
        if name not in new:
            yield Difference("E01", f"{name}, which is gone,", ("flags", name))
            continue
        if flags["repr"] != new[name]["repr"]:
            yield Difference("E13", f"the integer of {name}", ("flags", name))
        bits = new[name]["bits"]
        for flag, bit in flags["bits"].items():
            if bits.get(flag) != bit:
                yield Difference("E06", f"the flag {flag} of {name}", ("flags", name, flag))
        for flag in bits.keys() - flags["bits"].keys():
            yield Difference("E05", f"the new flag {flag} of {name}", ("flags", name, flag))
    yield from _new("flags", old, new)


def _errors(old: Plain, new: Plain) -> Iterator[Difference]:
    for name, error in old["errors"].items():
        if name in new["errors"]:
            if new["errors"][name] != error:
                yield Difference("E07", f"the error {name}", ("errors", name))
        elif new["reserved_errors"].get(str(error["code"])) == name:
            yield Difference(None, f"the error {name} is retired", ("errors", name))
        else:
            yield Difference("E07", f"the error {name}, which is gone,", ("errors", name))
    yield from _new("errors", old["errors"], new["errors"])


def _machines(old: Plain, new: Plain) -> Iterator[Difference]:
    """Every pair that was decided stays decided; what follows on new events is free."""
    for name, machine in old.items():
        if name not in new:
            yield Difference("E10", f"the machine {name}, which is gone,", ("machines", name))
            continue
        for key in ("initial", "otherwise"):
            if machine[key] != new[name][key]:
                yield Difference("E10", f"the {key} of {name}", ("machines", name))
        for state, targets in machine["table"].items():
            after = new[name]["table"].get(state, {})
            for event, target in targets.items():
                if event not in after or after[event] != target:
                    yield Difference("E10", f"{state} on {event} of {name}", ("machines", name, state))
            for event in after.keys() - targets.keys():
                yield Difference(None, f"{state} on {event} of {name} is new", ("machines", name, state))
        for key in ("final", "local"):
            for state in set(machine[key]) ^ {item for item in new[name][key] if item in machine["table"]}:
                yield Difference("E10", f"{state} of {name} ({key})", ("machines", name, state))
    yield from _new("machines", old, new)
