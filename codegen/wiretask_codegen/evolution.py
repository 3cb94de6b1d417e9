"""What may follow on a released version, and what may not.

A release freezes the spec in normal form under spec/released. Every later spec is compared with all of them: each
difference is either allowed by a rule (new tags, new open values, new messages) or refused with the rule's number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wiretask_codegen.model import Place, Spec
from wiretask_codegen.normal import normal
from wiretask_codegen.problems import Problem, Problems, SpecError

RULES = {
    "E01": "a released message, struct or enum stays; to end its use, leave it and say so in its about",
    "E02": "fixed fields of a released message are frozen; put new data into a new tag",
    "E03": "a released tag keeps its number, its name and its type; take a new number for something new",
    "E04": "a new tag of a released message says since: the version that brings it",
    "E05": "a closed enum never changes; only open enums get new values",
    "E06": "a released value keeps its number and its name; take a new number for something new",
    "E07": "a released error keeps its code, its scope and its retry advice; add another error",
    "E08": "a released message keeps its command, its flows and its sequence; add another message",
    "E09": "a released limit keeps its value, floor and ceiling; add another one",
    "E10": "a released machine keeps its transitions; a new version brings a new one",
    "E11": "a released requirement keeps its level and its number; add another one",
    "E12": "a lock in spec/released is never edited; restore it from the version history",
    "E13": "the integer of a released enum or set of flags is frozen; add another type",
    "E14": "a version that is said to be released has a lock; run python -m wiretask_codegen release N",
}


def release(spec: Spec, version: int, root: Path) -> Path:
    """Writes the lock of a version. Raises SpecError if there is one already, or if the spec has no such version."""
    path = root / "released" / f"v{version}.json"
    place = f"{root.name}/protocol.yaml"
    if version not in {known.number for known in spec.versions}:
        raise SpecError([Problem(place, 1, "E14", f"version {version} is not in the spec; add it to versions")])
    if path.exists():
        raise SpecError([Problem(f"{root.name}/released/{path.name}", 1, "E12", RULES["E12"])])
    body = normal(spec)
    path.write_text(json.dumps({"version": version, "sha256": _digest(body), "spec": body}, indent=1) + "\n")
    return path


def check(spec: Spec, root: Path) -> None:
    """Compares the spec with every release. Raises SpecError."""
    problems = Problems()
    locked: set[int] = set()
    for path in sorted((root / "released").glob("v*.json")):
        name = f"{root.name}/released/{path.name}"
        lock = json.loads(path.read_text())
        if _digest(lock["spec"]) != lock["sha256"]:
            problems.add(Place(file=name, line=1), "E12", RULES["E12"])
            continue
        locked.add(lock["version"])
        _compare(lock["spec"], spec, lock["version"], problems)
    for version in spec.versions:
        if version.status == "released" and version.number not in locked:
            problems.add(Place(file=f"{root.name}/protocol.yaml", line=1), "E14", RULES["E14"])
    problems.refuse_if_any()


def _digest(body: object) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


class _Places:
    """Where the parts of the present spec stand; what is gone stands where it would."""

    def __init__(self, spec: Spec) -> None:
        self._found: dict[tuple[str, ...], Place] = {}
        first = spec.messages[0].place.file.split("/", maxsplit=1)[0]
        self._files = {kind: f"{first}/{file}.yaml" for kind, file in _FILES.items()}
        for kind in ("messages", "structs", "relayed", "enums", "flags", "errors", "limits", "machines"):
            for part in getattr(spec, kind):
                self._found[kind, part.name] = part.place
                for inner in (*getattr(part, "fields", ()), *getattr(part, "tagged", ())):
                    self._found[kind, part.name, inner.name] = inner.place
                for value in getattr(part, "values", ()):
                    self._found[kind, part.name, value.name] = value.place
        for message in spec.messages:
            for requirement in message.requirements:
                self._found["requirements", requirement.id] = requirement.place

    def of(self, *path: str) -> Place:
        """The place of a part, or of the nearest one around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._found:
                return self._found[path[:length]]
        return Place(file=self._files[path[0]], line=1)


_FILES = {
    "messages": "messages",
    "requirements": "messages",
    "structs": "types",
    "relayed": "types",
    "enums": "types",
    "flags": "types",
    "errors": "errors",
    "limits": "protocol",
    "machines": "machines",
}


def _compare(old: dict[str, Any], spec: Spec, version: int, problems: Problems) -> None:
    new: dict[str, Any] = normal(spec)
    places = _Places(spec)

    def refuse(rule: str, what: str, *path: str) -> None:
        problems.add(places.of(*path), rule, f"{what} differs from version {version}: {RULES[rule]}")

    for kind in ("messages", "structs", "relayed"):
        for name, part in old[kind].items():
            if name not in new[kind]:
                refuse("E01", f"{name}, which is gone,", kind, name)
            else:
                for rule, what, inner in _part_differences(part, new[kind][name], version):
                    refuse(rule, f"{what} of {name}", kind, name, inner)
    for name, enum in old["enums"].items():
        for rule, what, inner in _enum_differences(enum, new["enums"].get(name)):
            refuse(rule, f"{what} of {name}", "enums", name, inner)
    for name, flags in old["flags"].items():
        for rule, what, inner in _flags_differences(flags, new["flags"].get(name)):
            refuse(rule, f"{what} of {name}", "flags", name, inner)
    for kind, rule in (("errors", "E07"), ("limits", "E09"), ("machines", "E10"), ("requirements", "E11")):
        for name, part in old[kind].items():
            if new[kind].get(name) != part:
                refuse(rule, name, kind, name)


Difference = tuple[str, str, str]


def _part_differences(old: dict[str, Any], new: dict[str, Any], version: int) -> Iterator[Difference]:
    """Differences of a message, a struct or a relayed struct."""
    for index, field in enumerate(old["fields"]):
        if index >= len(new["fields"]) or new["fields"][index] != field:
            yield "E02", f"the field {field['name']}", field["name"]
    for field in new["fields"][len(old["fields"]) :]:
        yield "E02", f"the new field {field['name']}", field["name"]
    for key in ("command", "since", "flows", "sequenced", "relay", "critical_tags"):
        if old.get(key) != new.get(key):
            yield "E08", f"the {key}", ""
    for number, tag in old.get("tags", {}).items():
        if new["tags"].get(number) != tag:
            yield "E03", f"the tag {number}, {tag['name']},", tag["name"]
    for number, tag in new.get("tags", {}).items():
        if number not in old["tags"] and tag["since"] <= version:
            yield "E04", f"the new tag {number}, {tag['name']},", tag["name"]


def _enum_differences(old: dict[str, Any], new: dict[str, Any] | None) -> Iterator[Difference]:
    if new is None:
        yield "E01", "the enum, which is gone,", ""
        return
    if (old["repr"], old["closed"]) != (new["repr"], new["closed"]):
        yield "E13", "the integer or the kind", ""
    for name, value in old["values"].items():
        if new["values"].get(name) != value:
            yield "E06", f"the value {name}", name
    for name in new["values"]:
        if old["closed"] and name not in old["values"]:
            yield "E05", f"the new value {name}", name


def _flags_differences(old: dict[str, Any], new: dict[str, Any] | None) -> Iterator[Difference]:
    if new is None:
        yield "E01", "the set of flags, which is gone,", ""
        return
    if old["repr"] != new["repr"]:
        yield "E13", "the integer", ""
    for name, bit in old["bits"].items():
        if new["bits"].get(name) != bit:
            yield "E06", f"the flag {name}", name
