"""The data alone, for who wants to write tests in their own language: all of it, and each case as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from wiretask_conformance import cells, golden, scenario
from wiretask_conformance.spec import SIDES, Spec, read, resource

#: Files that are copied as they are.
_GOLDEN = ("manifest.json", "schema.json", "spec.json")
_SCENARIOS = (*scenario.FILES.values(), "templates.json", "schema.json")


def copy(spec: Spec, folder: Path, version: int) -> int:
    """Writes the data of a version and returns how many cases there are. Raises OSError."""
    for name in _GOLDEN:
        _write(folder / "golden" / name, read(name).encode("utf-8"))
    for name in json.loads(read("manifest.json"))["files"]:
        _write(folder / "golden" / name, read(name).encode("utf-8"))
    for name in _SCENARIOS:
        _write(folder / "scenarios" / name, resource("scenarios/" + name))
    cases = golden.load(spec, version)
    for case in cases:
        if case.octets:
            _write(folder / "frames" / (case.name + ".bin"), bytes.fromhex(case.octets))
    made = [played._asdict() for role in SIDES for played in cells.cells(spec, role)]
    _write(folder / "scenarios" / "cells.json", _text({"schema": "wiretask-scenarios-1", "scenarios": made}))
    return len(cases)


def _text(body: dict[str, Any]) -> bytes:
    return (json.dumps(body, indent=1) + "\n").encode("utf-8")


def _write(path: Path, octets: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(octets)
