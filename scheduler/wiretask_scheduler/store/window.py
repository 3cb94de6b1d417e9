"""The store's window: what the scheduler asks of any store, whether memory, a file or a database shared by many.

`claim` and `load` at the start, then `commit` for each group of turns, in order, from one thread. The other calls read,
may come from any thread, and see what has been committed. The core never learns which store it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from wiretask_scheduler.core.records import StoredSession, StoredTask
from wiretask_scheduler.core.turn import Changes


class StoreError(Exception):
    """The store cannot be used; the text is one line with the remedy. The process ends: a retry may lie."""


class StoreFullError(Exception):
    """Nothing was written: no space is left. The same commit can be tried again."""


class StoreBusyError(Exception):
    """Nothing was written: somebody else holds the database. The same commit can be tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a store had at the start: the tasks that have not ended, and what must never go back."""

    tasks: Sequence[StoredTask]
    sessions: Sequence[StoredSession]
    lease_ceiling: int
    last_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What a commit found: ids that were there already, of tasks that have ended; their new rows were not written."""

    conflicts: Sequence[bytes] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a list, newest first; `next` continues it (None at the end)."""

    tasks: Sequence[StoredTask]
    next: int | None


class Store(Protocol):
    """A store."""

    #: Whether what it has committed survives the process.
    durable: bool

    def claim(self, shard: str) -> int:
        """Makes this process the only writer of a shard. Returns its epoch. Raises StoreError if another one is."""
        ...

    def load(self, shard: str) -> Loaded:
        """What the store has."""
        ...

    def commit(self, epoch: int, changes: Sequence[Changes]) -> Committed:
        """Writes all of them, in order, or none. Raises StoreFullError, StoreBusyError (try again) or StoreError."""
        ...

    def maintain(self, millis: int) -> None:
        """Housekeeping between commits: forgets what may be forgotten by the wall clock `millis`, in a bounded slice."""
        ...

    def bodies(self, seqs: Sequence[int]) -> dict[int, bytes]:
        """The envelopes of live tasks."""
        ...

    def tasks(self, ids: Sequence[bytes]) -> dict[bytes, StoredTask]:
        """The rows of tasks, with their reports where they are kept."""
        ...

    def list_tasks(self, *, before: int | None, state: int | None, most: int) -> Page:
        """Tasks, newest first, from before a seq."""
        ...

    def close(self) -> None:
        """Lets go of everything."""
        ...
