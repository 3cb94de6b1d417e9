"""What the core wants done: rows for the store and messages for the peers.

Output commit: the shell writes the `changes` of a turn, and releases `sends`, `lookups` and `closes` only when they are
durable, in order for each peer. So nobody ever hears of anything that a crash could undo.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from wiretask_protocol.messages import AnyMessage, Error

if TYPE_CHECKING:
    from wiretask_scheduler.core.facts import Fact, FactKey
    from wiretask_scheduler.core.tasks import Attempt, Links, Options, Task


#: The latest point in time that a store can keep, in milliseconds; a peer may name any 64 bits.
LATEST_MILLIS = (1 << 63) - 1


class Now(NamedTuple):
    """A moment, by two clocks, in seconds: leases and waits go by the first, dates by the second."""

    monotonic: float
    wall: float

    @property
    def millis(self) -> int:
        """The wall clock as the store writes it."""
        return int(self.wall * 1000)


class Inserted(NamedTuple):
    """A new row of a task. Its id may be there already: then the row that is there stays (see `Broker.conflicted`)."""

    seq: int
    id: bytes
    options: Options
    state: int
    submitted: int
    due: int | None
    expires: int | None
    note: str | None
    envelope: bytes
    links: Links | None = None


class Ended(NamedTuple):
    """A task has ended: its row keeps the report for its retention. Its envelope goes, unless it is dead."""

    seq: int
    state: int
    outcome: int
    attempt: int
    report: bytes | None
    history: tuple[Attempt, ...]
    ended: int
    forget: int
    #: Whether the envelope is kept, for another life.
    keep: bool = False


class Updated(NamedTuple):
    """What a restart must know of a task that lives on. Without a session nobody has it; `lease` is its last one."""

    seq: int
    state: int
    attempt: int
    crashes: int
    losses: int
    due: int | None
    lease: int
    session: bytes | None
    history: tuple[Attempt, ...]


class Revived(NamedTuple):
    """A dead task lives again, under a new seq."""

    dead: int
    seq: int


@dataclass(slots=True)
class Changes:
    """The rows of a turn, by kind; the order of the kinds is the order in which they are written."""

    inserted: list[Inserted] = field(default_factory=list)
    updated: list[Updated] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    #: Dead tasks that live again, and those that are forgotten, by their seq.
    revived: list[Revived] = field(default_factory=list)
    purged: list[int] = field(default_factory=list)
    #: What else is true from now on; None where it is not true any more.
    facts: dict[FactKey, Fact | None] = field(default_factory=dict)
    #: Facts of a kind whose keys begin so: until when they are kept, 0 for not at all. After `facts`.
    ranges: list[tuple[int, bytes, int]] = field(default_factory=list)
    #: Sessions that have begun: token and the worker's name.
    sessions: list[tuple[bytes, str]] = field(default_factory=list)
    #: Tokens of sessions that are over.
    sessions_over: list[bytes] = field(default_factory=list)
    #: Leases below this may be issued once it is durable; 0 where it has not changed.
    lease_ceiling: int = 0

    def __bool__(self) -> bool:
        return bool(
            self.inserted
            or self.updated
            or self.ended
            or self.facts
            or self.sessions
            or self.sessions_over
            or self.lease_ceiling
            or self.ranges
            or self.revived
            or self.purged
        )

    def rows(self) -> int:
        """How many rows there are."""
        return len(self.inserted) + len(self.updated) + len(self.ended) + len(self.facts)


class Dispatch(NamedTuple):
    """A Task to send: the shell joins the envelope to it. Not sent if the lease is not current any more."""

    task: Task
    lease: int
    attempt: int
    #: Longest time until it must have begun, in milliseconds; 0 is no bound.
    remaining: int


class Lookup(NamedTuple):
    """A question about a task that is not in memory: the shell asks the store and calls `Broker.found`."""

    peer: int
    seq: int
    task_id: bytes
    kind: Literal["query", "await", "submit", "dependency"]


Send = AnyMessage | Dispatch

#: What can happen to a task that an operator may want to see at once.
NoticeKind = Literal["dead", "retried", "cancelled", "expired", "revived"]


class Notice(NamedTuple):
    """Something has happened to a task."""

    what: NoticeKind
    task_id: bytes
    type: str
    queue: str
    attempt: int
    error_type: str | None
    error_message: str | None
    worker: str | None


@dataclass(slots=True)
class Turn:
    """What one batch of messages, or the passing of time, has led to."""

    changes: Changes = field(default_factory=Changes)
    #: For each peer what to send it, in order.
    sends: dict[int, list[Send]] = field(default_factory=dict)
    lookups: list[Lookup] = field(default_factory=list)
    #: Peers whose connection is to be closed, after an Error where there is one.
    closes: list[tuple[int, Error | None]] = field(default_factory=list)
    #: For those who watch, if there are any.
    notices: list[Notice] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.sends or self.changes or self.lookups or self.closes)

    def send(self, peer: int, message: Send) -> None:
        """Queues a message for a peer."""
        queue = self.sends.get(peer)
        if queue is None:
            self.sends[peer] = [message]
        else:
            queue.append(message)
