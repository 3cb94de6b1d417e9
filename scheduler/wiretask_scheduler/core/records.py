"""What the store gives back: tasks and sessions as they were written."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from wiretask_scheduler.core.facts import Fact
from wiretask_scheduler.core.tasks import Attempt, Links, Options


class StoredTask(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of a task. Times by the wall clock, in milliseconds; `outcome` is None while it lives."""

    seq: int
    id: bytes
    options: Options
    state: int
    submitted: int
    size: int = 0
    failures: int = 0
    crashes: int = 0
    losses: int = 0
    due: int | None = None
    expires: int | None = None
    lease: int = 0
    session: bytes | None = None
    history: tuple[Attempt, ...] = ()
    links: Links | None = None
    #: Of a task that has ended:
    attempt: int = 1
    outcome: int | None = None
    report: bytes | None = None
    ended: int | None = None


#: What else was kept: its kind, its key and what it says.
StoredFact = tuple[int, bytes, Fact]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSession:
    """A session that was open when the scheduler stopped."""

    token: bytes
    name: str
