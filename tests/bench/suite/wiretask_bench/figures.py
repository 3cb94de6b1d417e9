"""What a benchmark finds out: one row of the table each, with its floor from the same minute and its goals."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Literal

import msgspec

Better = Literal["more", "less"]


class Goal(msgspec.Struct, frozen=True):
    """What a row shall reach, and whether it does."""

    says: str
    met: bool


class Row(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line of the table."""

    name: str
    what: str
    #: What has measured it.
    benchmark: str = ""
    unit: str = ""
    better: Better = "more"
    #: Nothing where it could not be measured: the notes say why.
    value: float | None = None
    #: What the same machine did in the same minute with the least that such a thing can be.
    floor: str = ""
    floor_value: float | None = None
    #: Value by floor, once for each time that both were measured side by side.
    ratios: list[float] = []
    goals: list[Goal] = []
    notes: list[str] = []
    error: str = ""

    @property
    def ratio(self) -> float | None:
        """Their median."""
        return statistics.median(self.ratios) if self.ratios else None

    @property
    def met(self) -> bool | None:
        """Whether all goals are; nothing where nothing was measured."""
        return all(goal.met for goal in self.goals) if self.goals and self.value is not None else None


class Peer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How another system does the work of the rows `durable` and `memory`."""

    name: str
    system: str
    settings: str
    #: What of the tasks it has accepted a power cut leaves.
    survives: str
    rates: list[float] = []
    p50_ms: float | None = None
    p99_ms: float | None = None
    bytes_per_task: float | None = None
    error: str = ""

    @property
    def rate(self) -> float | None:
        """Tasks a second, the median of the rounds."""
        return statistics.median(self.rates) if self.rates else None


class Results(msgspec.Struct, kw_only=True):
    """One run."""

    when: str
    machine: dict[str, str]
    settings: dict[str, float]
    rows: list[Row] = []
    peers: list[Peer] = []
    #: Peers that were not found, and what was missing.
    missing: list[str] = []

    def row(self, name: str) -> Row | None:
        """The row of that name."""
        return next((row for row in self.rows if row.name == name), None)

    def peer(self, name: str) -> Peer | None:
        """The peer of that name."""
        return next((peer for peer in self.peers if peer.name == name), None)


def at_least(value: float, least: float, what: str) -> Goal:
    """A goal that is met from a value on."""
    return Goal(f"≥ {what}", value >= least)


def at_most(value: float, most: float, what: str) -> Goal:
    """A goal that is met up to a value."""
    return Goal(f"≤ {what}", value <= most)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of them lies."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def decode(octets: bytes) -> Results:
    """A run that was written down. Raises msgspec.ValidationError."""
    return msgspec.json.decode(octets, type=Results)


def encode(results: Results) -> bytes:
    """A run, to be written down."""
    return msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n"
