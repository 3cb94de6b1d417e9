"""Permanent ids: a case keeps the one it was given first, and what an id stands for changes only with `--bless`.

An id is the hash of the first name that its case had. A case that is renamed is known by what is sent and what is
expected; one that vanishes leaves its id among the retired, where nobody takes it again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from wiretask_codegen.model import Place
from wiretask_codegen.problems import Problems

Case = dict[str, Any]

#: What a case asks and what must be answered. All else may change: its name, what it covers, where it lies.
_MEANING = (
    *("kind", "frame", "struct", "octets", "message", "side", "state", "limit", "chunks", "end", "value", "expect"),
    *("level", "since"),
)
#: Problems that are shown one by one.
_SHOWN = 20
_REMEDY = "if that is meant, generate with --bless and have it reviewed"


class Register:
    """The cases that are there already, and the ids that are taken."""

    def __init__(self, folder: Path, place: str) -> None:
        self.folder = folder
        #: How refusals name the folder.
        self._place = place
        self._places: dict[str, Place] = {}
        self.old = list(self._read())
        self.retired: list[dict[str, str]] = _retired(folder)
        self._taken = {case["id"] for case in self.old} | {entry["id"] for entry in self.retired}

    def name(self, cases: list[Case]) -> None:
        """Gives every case its id: its own if it was there before, else a new one."""
        by_name = {case["name"]: case for case in self.old}
        left = {case["id"] for case in self.old}
        for case in cases:
            old = by_name.get(case["name"])
            if old is not None and _same(old, case):
                case["id"] = old["id"]
                left.discard(old["id"])
        by_meaning: dict[str, list[Case]] = {}
        for old in self.old:
            if old["id"] in left:
                by_meaning.setdefault(_meaning(old), []).append(old)
        for case in cases:
            if case["id"] is None and (renamed := by_meaning.get(_meaning(case))):
                case["id"] = renamed.pop(0)["id"]
                left.discard(case["id"])
        for case in cases:
            if case["id"] is None:
                old = by_name.get(case["name"])
                case["id"] = old["id"] if old is not None and old["id"] in left else self._fresh(case["name"])
                left.discard(case["id"])
        self.retired += [{"id": case["id"], "name": case["name"]} for case in self.old if case["id"] in left]

    def _fresh(self, name: str) -> str:
        """An id that nobody has had."""
        attempt, salted = 1, name
        while (identity := "c-" + hashlib.sha256(salted.encode()).hexdigest()[:10]) in self._taken:
            attempt += 1
            salted = f"{name}#{attempt}"
        self._taken.add(identity)
        return identity

    def check(self, cases: Iterable[Case]) -> None:
        """Refuses to change or to drop a case that is there already. Raises SpecError."""
        new = {case["id"]: case for case in cases}
        found: list[tuple[Place, str]] = []
        for old in self.old:
            case = new.get(old["id"])
            if case is None:
                found.append((self._places[old["id"]], f"{old['name']} ({old['id']}) would vanish"))
            elif not _same(old, case):
                text = f"{old['name']} ({old['id']}) would change from {_short(old)} to {_short(case)}"
                found.append((self._places[old["id"]], text))
        problems = Problems()
        for place, text in found[:_SHOWN]:
            problems.add(place, "D001", f"{text}; {_REMEDY}")
        if len(found) > _SHOWN:
            place = Place(file=f"{self._place}/manifest.json", line=1)
            problems.add(place, "D001", f"and {len(found) - _SHOWN} more; {_REMEDY}")
        problems.refuse_if_any()

    def _read(self) -> Iterator[Case]:
        """The cases of the files that the manifest names; one case a line, after the line that opens the file."""
        for name in _files(self.folder):
            for line, case in enumerate(json.loads((self.folder / name).read_text(encoding="utf-8"))["cases"], 2):
                self._places[case["id"]] = Place(file=f"{self._place}/{name}", line=line)
                yield case


def _files(folder: Path) -> list[str]:
    manifest = folder / "manifest.json"
    if manifest.exists():
        files: list[str] = json.loads(manifest.read_text(encoding="utf-8"))["files"]
        return files
    return []


def _retired(folder: Path) -> list[dict[str, str]]:
    path = folder / "retired.json"
    retired: list[dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))["retired"] if path.exists() else []
    return retired


def _meaning(case: Case) -> str:
    """What a case asks and expects, as text. The value of a legal frame follows from its octets."""
    keys = [key for key in _MEANING if key in case and (key != "value" or case["kind"] == "encode")]
    return json.dumps({key: case[key] for key in keys})


def _same(old: Case, new: Case) -> bool:
    """Whether both ask and expect the same; the value counts wherever it was written before."""
    return _meaning(old) == _meaning(new) and old.get("value", new.get("value")) == new.get("value")


def _short(case: Case) -> str:
    text = json.dumps({key: case[key] for key in _MEANING if key in case and key not in ("kind", "level", "since")})
    return text if len(text) <= 300 else f"{text[:300]}…"
