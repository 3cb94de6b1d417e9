"""How long and how much is measured."""

from __future__ import annotations

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a benchmark is told; the defaults take some minutes in all."""

    #: How long tasks stream through the durable store without a pause.
    seconds: float = 6.0
    #: Of everything that is measured again and again, in turns with its floor.
    rounds: int = 3
    #: How long one round of a throughput takes.
    round_seconds: float = 1.5
    #: Tasks that wait.
    queued: int = 1_000_000
    #: Workers that are connected and have nothing to do.
    connected: int = 10_000
    #: How long those are watched.
    idle_seconds: float = 8.0
    #: Round trips of one round, one at a time.
    round_trips: int = 300


DEFAULT = Settings()
