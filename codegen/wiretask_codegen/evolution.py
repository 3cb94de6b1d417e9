"""What may follow on a released version, and what may not.

A release freezes the spec in normal form as spec/released/vN.json, with its digest. Every later spec is compared with
all of them: each difference is allowed (new tags, new values, new messages …), or refused with a rule and its remedy.
The numbers of the rules are never used again for another one.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from wiretask_codegen.differences import Difference, differences
from wiretask_codegen.model import Place, Spec
from wiretask_codegen.normal import frozen
from wiretask_codegen.places import Places
from wiretask_codegen.problems import Problem, Problems, SpecError

RULES = {
    "E01": "a released message, struct, enum or set of flags stays; to end its use, say so in its about",
    "E02": "fixed fields are frozen; put new data into a new tag",
    "E03": "a released tag keeps its number, name and type; give what is new a new number, retire a tag under reserved",
    "E04": "what is new to a released version says since: the version that brings it",
    "E05": "a closed enum and a set of flags never change; use an open enum or a new tag",
    "E06": "a released value keeps its number and name; give what is new a new number, retire a value under reserved",
    "E07": "a released error keeps its code, scope and retry advice; add another one, retire an error under reserved",
    "E08": "a released message keeps its command, flows and sequence; add another message",
    "E09": "a released limit keeps its value, floor, ceiling, unit and error; add another one",
    "E10": "a released machine keeps its states and transitions; only new events lead elsewhere",
    "E11": "a released requirement keeps its level and its number; add another one",
    "E12": "a lock is written by release and never edited; restore it from the version history",
    "E13": "the integer and the kind of an enum are frozen; add another enum",
    "E14": "a version is released when it has a lock in spec/released, and only then; release it or mend its status",
    "E15": "the rules of a released message are frozen; a new one holds only when a new tag is present",
    "E16": "the frame never changes; a new version has the same",
    "E17": "the golden examples of a released version stay; add another one",
}


def release(spec: Spec, version: int, root: Path) -> Path:
    """Writes the lock of a version that the spec calls a draft. Raises SpecError."""
    known = {item.number: item for item in spec.versions}
    path = root / "released" / f"v{version}.json"
    if version not in known:
        place = spec.versions[-1].place
        text = f"version {version} is not in the spec; add it to versions"
        raise SpecError([Problem(place.file, place.line, "E14", text)])
    if path.exists():
        raise SpecError([Problem(f"{root.name}/released/{path.name}", 1, "E12", f"is there already: {RULES['E12']}")])
    body = frozen(spec)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"version": version, "sha256": _digest(body), "spec": body}, indent=1) + "\n")
    return path


def check(spec: Spec, root: Path, problems: Problems) -> None:
    """Notes every difference from a release that is not allowed."""
    locks = load_locks(root, problems)
    for version in spec.versions:
        if (version.status == "released") != (version.number in locks):
            what = "no lock" if version.status == "released" else "a lock, and is called a draft"
            problems.add(version.place, "E14", f"version {version.number} has {what}: {RULES['E14']}")
    for number in locks.keys() - {version.number for version in spec.versions}:
        problems.add(spec.versions[-1].place, "E14", f"version {number} has a lock and is not listed: {RULES['E14']}")
    places = Places(spec)
    for number, lock in locks.items():
        for found in differences(lock, frozen(spec), number):
            if found.rule is not None:
                text = f"{found.what} differs from version {number}: {RULES[found.rule]}"
                problems.add(places.of(*found.path), found.rule, text)


def diff(spec: Spec, version: int, root: Path) -> list[tuple[Place, Difference]]:
    """Everything that differs from a released version, allowed or not, in the order of the files. Raises SpecError."""
    problems = Problems()
    locks = load_locks(root, problems)
    problems.refuse_if_any()
    if version not in locks:
        place = spec.versions[-1].place
        raise SpecError([Problem(place.file, place.line, "E14", f"version {version} has no lock; name a released one")])
    places = Places(spec)
    found = [(places.of(*item.path), item) for item in differences(locks[version], frozen(spec), version)]
    return sorted(found, key=lambda pair: (pair[0].file, pair[0].line, pair[1].what))


def load_locks(root: Path, problems: Problems) -> dict[int, dict[str, Any]]:
    """The frozen spec of every released version; notes locks that are not as they were written."""
    locks: dict[int, dict[str, Any]] = {}
    for path in sorted((root / "released").glob("v*.json")):
        try:
            lock = json.loads(path.read_text(encoding="utf-8"))
            good = lock["sha256"] == _digest(lock["spec"]) and path.name == f"v{lock['version']}.json"
        except (OSError, ValueError, KeyError, TypeError):
            good = False
        if good:
            locks[lock["version"]] = lock["spec"]
        else:
            problems.add(
                Place(file=f"{root.name}/released/{path.name}", line=1), "E12", f"is not whole: {RULES['E12']}"
            )
    return dict(sorted(locks.items()))


def _digest(body: object) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
