"""The peers: workers with what they take and hold, clients with what they wait for."""

from __future__ import annotations

from dataclasses import dataclass, field

from wiretask_protocol.errors import ErrorCode, WireError
from wiretask_protocol.messages import ToScheduler
from wiretask_scheduler.core.ready import Lane
from wiretask_scheduler.core.records import StoredTask
from wiretask_scheduler.core.tasks import Task


@dataclass(slots=True, kw_only=True, eq=False)
class Peer:
    """One accepted connection."""

    number: int
    name: str
    principal: str
    frame_limit: int
    in_flight: int
    #: The last seq received and the last one sent.
    received: int = 0
    sent: int = 0
    #: The last seq for which an Accepted was sent.
    accepted: int = 0

    def take(self, seq: int, command: int) -> None:
        """Counts a sequenced message. Raises WireError for a seq that is not the next one."""
        if seq != self.received + 1:
            detail = f"seq {seq} came after {self.received}; each is one more than the one before"
            raise WireError(ErrorCode.BAD_SEQUENCE, "seq", 0, command=command, detail=detail)
        self.received = seq

    def next(self) -> int:
        """The seq of the next sequenced message to this peer."""
        self.sent += 1
        return self.sent


@dataclass(slots=True, kw_only=True, eq=False)
class Client(Peer):
    """A client."""

    #: Messages that wait until the store has said what it knows of the repeated Submits among them.
    backlog: list[ToScheduler] = field(default_factory=list)
    #: Ids that the store is asked about, and what it has said: a task that has ended, or nothing.
    asked: set[bytes] = field(default_factory=set)
    known: dict[bytes, StoredTask | None] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class Worker(Peer):
    """A worker: what it takes, and the leases that it holds. It outlives its connection for a while (`number` 0)."""

    session: bytes
    queues: dict[str, int] = field(default_factory=dict)
    #: The types that it knows, and how often the code of each may run and fail where a task does not say.
    types: dict[str, int] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    slots: int = 0
    octets: int = 0
    #: Tasks sent, less Results and Returns received, by cost; and the octets of their envelopes.
    outstanding: int = 0
    outstanding_octets: int = 0
    #: In the order in which they were sent.
    leases: dict[int, Task] = field(default_factory=dict)
    #: Leases that were taken away and that it has not answered yet: they use up its slots until it does.
    revoked: dict[int, Task] = field(default_factory=dict)
    #: Superseded leases, by the seq of the Cancel that says so: nothing is reported of them, its Accepted frees them.
    superseded: dict[int, int] = field(default_factory=dict)
    begun: int = 0
    draining: bool = False
    lanes: list[Lane] = field(default_factory=list)
    #: How much of each queue it has had, divided by the queue's weight.
    served: dict[str, float] = field(default_factory=dict)
    joined: float = 0.0
    done: int = 0
    #: Whether it was lost by silence, so that what it had counts as lost and not as crashed.
    silent: bool = False

    @property
    def free(self) -> int:
        """How much cost it takes now."""
        if self.draining or not self.number:
            return 0
        if self.octets and self.outstanding_octets >= self.octets:
            return 0
        return self.slots - self.outstanding

    def can_take(self, lane: Lane) -> bool:
        """Whether the tasks of a lane are for it at all."""
        return (
            lane.queue in self.queues
            and lane.type in self.types
            and lane.limit <= self.frame_limit
            and lane.cost <= max(self.slots, 1)
        )

    def hold(self, task: Task, lease: int) -> None:
        """Takes a lease in."""
        self.leases[lease] = task
        self.outstanding += task.options.cost
        self.outstanding_octets += task.size

    def release(self, lease: int) -> Task | None:
        """Lets go of a lease; None if it does not hold it."""
        task = self.leases.pop(lease, None)
        if task is not None:
            self._free(task)
        return task

    def revoke(self, lease: int) -> None:
        """Takes a lease away that it still works on."""
        self.revoked[lease] = self.leases.pop(lease)

    def settle(self, lease: int) -> None:
        """It has answered a lease that was taken away."""
        task = self.revoked.pop(lease, None)
        if task is not None:
            self._free(task)

    def heard(self, seq: int) -> None:
        """It has accepted what was sent up to a seq, the news of superseded leases among it."""
        for cancel in [cancel for cancel in self.superseded if cancel <= seq]:
            self.settle(self.superseded.pop(cancel))

    def _free(self, task: Task) -> None:
        self.outstanding -= task.options.cost
        self.outstanding_octets -= task.size
