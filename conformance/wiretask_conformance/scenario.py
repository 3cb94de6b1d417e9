"""A scenario: what the suite does as every other party, step by step, and what it expects of the implementation.

Written by hand in `scenarios/*.json` (schema.json says their form, conformance/README.md the verbs), or made for each
cell of the state machines (`cells`).
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from wiretask_conformance.spec import resource

Step = dict[str, Any]
#: The files of the scenarios that were written by hand, by who is under test.
FILES = {"worker": "worker.json", "client": "client.json", "scheduler": "scheduler.json", "both": "both.json"}


class Scenario(NamedTuple):
    """What is done and expected, for one role under test."""

    id: str
    name: str
    role: str
    about: str
    level: str
    requires: tuple[str, ...]
    covers: tuple[str, ...]
    #: Features without which it does not apply.
    needs: tuple[str, ...]
    #: Limits that the scheduler under test must have, as adapters get them; with one, it gets a scheduler of its own.
    config: dict[str, Any]
    #: Whether it must have the implementation for itself.
    alone: bool
    kind: str
    steps: tuple[Step, ...]
    since: int = 1


def load(role: str) -> list[Scenario]:
    """The scenarios for a role that were written by hand."""
    entries = json.loads(resource("scenarios/" + FILES[role]).decode("utf-8"))["scenarios"]
    return [_scenario(entry, role) for entry in entries]


def templates() -> dict[str, Any]:
    """What a message says where a scenario does not."""
    made: dict[str, Any] = json.loads(resource("scenarios/templates.json").decode("utf-8"))
    return made


def _scenario(entry: dict[str, Any], role: str) -> Scenario:
    return Scenario(
        entry["id"],
        entry["name"],
        role,
        entry["about"],
        entry.get("level", "MUST"),
        tuple(entry.get("requires", ())),
        tuple(entry.get("covers", ())),
        tuple(entry.get("needs", ())),
        {name: str(value) for name, value in entry.get("config", {}).items()},
        entry.get("alone", False) or "config" in entry,
        "scenario",
        tuple(entry["steps"]),
        entry.get("since", 1),
    )
