"""The golden cases: what is sent to an implementation, and what it must say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

GOLDEN = Path(__file__).parent / "golden"


class Case(NamedTuple):
    """One frame. `error` is None for a legal one; else its name, with the field and the offset."""

    id: str
    name: str
    frame: bytes
    error: str | None
    field: str | None
    offset: int | None


def load() -> list[Case]:
    """Every golden case."""
    manifest: dict[str, Any] = json.loads((GOLDEN / "cases.json").read_text(encoding="utf-8"))
    cases: list[Case] = []
    for entry in manifest["cases"]:
        expect = entry["expect"] or {}
        frame = bytes.fromhex(entry["frame"])
        cases.append(
            Case(entry["id"], entry["name"], frame, expect.get("error"), expect.get("field"), expect.get("offset"))
        )
    return cases


def digest() -> str:
    """SHA-256 of the spec that the cases are from."""
    manifest: dict[str, Any] = json.loads((GOLDEN / "cases.json").read_text(encoding="utf-8"))
    return str(manifest["spec"])
