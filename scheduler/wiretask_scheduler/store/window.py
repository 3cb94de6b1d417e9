"""The store's window: what the scheduler asks of any store, whether memory, a file or a database shared by many.

`claim` and `load` at the start, then `commit` for each group of turns and `maintain` between them, in order, from one
thread. The other calls read, may come from any thread, and see what has been committed. The core never learns which
store it has.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from wiretask_protocol.messages import TaskState
from wiretask_scheduler.core.records import StoredFact, StoredSession, StoredTask
from wiretask_scheduler.core.turn import Changes

#: States of tasks that have not ended.
LIVE_STATES = frozenset({TaskState.WAITING, TaskState.SCHEDULED, TaskState.READY, TaskState.LEASED})


class StoreError(Exception):
    """The store cannot be used; the text is one line with the remedy. The process ends: a retry may lie."""


class StoreFullError(Exception):
    """Nothing was written: no space is left. The same commit can be tried again."""


class StoreBusyError(Exception):
    """Nothing was written: somebody else holds the database. The same commit can be tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a store had at the start: the tasks that have not ended, and what must never go back."""

    #: By seq. Read as they are taken: millions of them are never all here at once.
    tasks: Iterator[StoredTask]
    sessions: Sequence[StoredSession]
    #: By kind and key.
    facts: Sequence[StoredFact] = ()
    lease_ceiling: int
    last_seq: int
    #: Octets of new tasks that there is room for.
    room: int = sys.maxsize


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What a commit found: ids that were there already, of tasks that have ended; their new rows were not written."""

    conflicts: Sequence[bytes] = field(default=())
    #: Octets of new tasks that there is room for.
    room: int = sys.maxsize
    #: How long the disk took to have it, after everything was written.
    sync_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a list, newest first; `next` continues it (None at the end)."""

    tasks: Sequence[StoredTask]
    next: int | None


class Search(NamedTuple):
    """Which tasks of a list are meant; None is any. A queue or a type that ends in `*` is what begins so."""

    queue: str | None = None
    type: str | None = None
    #: The class of the last error.
    error: str | None = None
    #: Ended, or submitted where it lives, at this moment or before; by the wall clock, in milliseconds.
    until: int | None = None

    def names(self, task_type: str, queue: str) -> bool:
        """Whether a task of this type in this queue is meant, as far as that says it."""
        return _named(self.type, task_type) and _named(self.queue, queue)


def _named(wanted: str | None, name: str) -> bool:
    if wanted is None:
        return True
    return name.startswith(wanted[:-1]) if wanted.endswith("*") else name == wanted


#: All tasks.
EVERYTHING = Search()


class Store(Protocol):
    """A store."""

    #: Whether what it has committed survives the process.
    durable: bool

    def claim(self, shard: str) -> int:
        """Makes this process the only writer of a shard. Returns its epoch. Raises StoreError if another one is."""
        ...

    def load(self, shard: str) -> Loaded:
        """What the store has. Take all tasks before the first commit."""
        ...

    def commit(self, epoch: int, changes: Sequence[Changes]) -> Committed:
        """Writes all of them, in order, or none. Raises StoreFullError, StoreBusyError (try again) or StoreError."""
        ...

    def maintain(self, millis: int) -> bool:
        """Housekeeping between commits, by the wall clock: forgets a bounded slice of what may be forgotten.

        Returns whether there is more to do. Raises like `commit`.
        """
        ...

    def make_room(self) -> bool:
        """Gives up what was kept for a full disk; whether that was anything. Then try the commit again."""
        ...

    def regain_room(self) -> bool:
        """Takes that again; whether it has it, and room for new tasks. While it has not, take none."""
        ...

    def bodies(self, seqs: Sequence[int]) -> dict[int, bytes]:
        """The envelopes of live tasks."""
        ...

    def tasks(self, ids: Sequence[bytes]) -> dict[bytes, StoredTask]:
        """Tasks that have ended, with their reports where they are kept."""
        ...

    def list_tasks(self, *, before: int | None, state: int | None, most: int, search: Search = EVERYTHING) -> Page:
        """Tasks, newest first, from before a seq, without their reports.

        A page may be short, or empty, before the end: `next` tells. For a state in `LIVE_STATES`, all tasks that live:
        what they are at this moment only the core knows. What a search leaves out may be in it, too: it saves work, and
        who asks looks again.
        """
        ...

    def envelope(self, seq: int) -> bytes | None:
        """What a task was submitted with, where it is kept: it lives, or is dead."""
        ...

    def facts(self, kind: int, prefix: bytes) -> Sequence[tuple[bytes, bytes]]:
        """Keys and values of the facts of a kind whose keys begin so, in their order."""
        ...

    def close(self) -> None:
        """Lets go of everything. Never raises StoreFullError or StoreBusyError."""
        ...
