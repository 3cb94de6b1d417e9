"""The spec as the generator has written it down (`golden/spec.json`): all that the suite knows of the protocol."""

from __future__ import annotations

import json
import pkgutil
from functools import lru_cache
from typing import Any, NamedTuple

#: Who reads what arrives on a connection, and the machine that says what may arrive.
SIDES = {
    "scheduler": "scheduler_connection",
    "worker": "worker_connection",
    "client": "client_connection",
}


class Event(NamedTuple):
    """A message that may arrive, and of which kind it is where its kinds are events of their own (Hello.open)."""

    message: str
    kind: str | None

    @property
    def name(self) -> str:
        """As the machines write it."""
        return self.message if self.kind is None else "%s.%s" % self


class Machine:
    """One state machine: `table[state][event]` is the next state, or None where the spec lists nothing."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.initial: str = body["initial"]
        self.table: dict[str, dict[str, str | None]] = body["table"]
        self.final = frozenset(body["final"])
        self.local = frozenset(body["local"])

    def reading(self) -> list[str]:
        """The states in which something may arrive."""
        return [state for state in self.table if state not in self.final and state not in self.local]


class Spec:
    """What `spec.json` says, by name."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.digest: str = body["digest"]
        self.versions = [int(number) for number in body["versions"]]
        self.messages: dict[str, dict[str, Any]] = body["messages"]
        self.commands = {message["command"]: name for name, message in self.messages.items()}
        self.structs: dict[str, dict[str, Any]] = body["structs"]
        self.relayed: dict[str, dict[str, Any]] = body["relayed"]
        self.enums: dict[str, dict[str, Any]] = body["enums"]
        self.flags: dict[str, dict[str, Any]] = body["flags"]
        self.errors: dict[str, dict[str, Any]] = body["errors"]
        self.error_texts: dict[str, str] = body["error_texts"]
        self.error_names = {error["code"]: name for name, error in self.errors.items()}
        self.limits: dict[str, dict[str, Any]] = body["limits"]
        self.machines = {name: Machine(machine) for name, machine in body["machines"].items()}
        self.requirements: list[dict[str, str]] = body["requirements"]
        self.rules: list[dict[str, str]] = body["rules"]
        self.command_ranges: list[dict[str, Any]] = body["command_ranges"]
        self.examples: list[dict[str, Any]] = body["examples"]
        self.first_command: int = body["first_command"]

    def machine(self, side: str) -> Machine:
        """The machine of a connection, seen by one side."""
        return self.machines[SIDES[side]]

    def events(self) -> list[Event]:
        """Every message, and every kind of those whose kinds the machines tell apart."""
        named = {event for side in SIDES for event in self.machine(side).table[self.machine(side).initial]}
        events: list[Event] = []
        for message in self.messages:
            kinds = sorted(event for event in named if event.startswith(message + "."))
            events += [Event(message, kind.partition(".")[2]) for kind in kinds] or [Event(message, None)]
        return events

    def requirement(self, identifier: str) -> dict[str, str] | None:
        """A requirement or a rule between fields, by its id."""
        return next((item for item in [*self.requirements, *self.rules] if item["id"] == identifier), None)


@lru_cache(maxsize=1)
def load() -> Spec:
    """The spec of this suite."""
    return Spec(json.loads(read("spec.json")))


def read(name: str) -> str:
    """A file of the golden folder."""
    return resource("golden/" + name).decode("utf-8")


def resource(name: str) -> bytes:
    """A file of the package, which may lie in a zip."""
    data = pkgutil.get_data("wiretask_conformance", name)
    assert data is not None, name
    return data
