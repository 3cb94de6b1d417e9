"""The peers: workers with what they take and hold, clients with what they wait for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wiretask_protocol.errors import ErrorCode, WireError
from wiretask_protocol.machines import ASSIGNMENT, AssignmentEvent, AssignmentState
from wiretask_protocol.messages import ToScheduler
from wiretask_scheduler.core.grants import EVERYTHING, Grant
from wiretask_scheduler.core.ready import Lane
from wiretask_scheduler.core.records import StoredTask
from wiretask_scheduler.core.shelves import Turns
from wiretask_scheduler.core.tasks import Task


@dataclass(slots=True, kw_only=True, eq=False)
class Peer:
    """One accepted connection."""

    number: int
    name: str
    principal: str
    frame_limit: int
    in_flight: int
    grant: Grant = EVERYTHING
    #: The last seq received and the last one sent.
    received: int = 0
    sent: int = 0
    #: The last seq for which an Accepted was sent.
    accepted: int = 0

    def sees(self, owner: str) -> bool:
        """Whether what belongs to a principal is there for it."""
        return owner == self.principal or self.grant.admin

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
    #: Ids that the store is asked about, and what it has said of those that its next messages name.
    asked: set[bytes] = field(default_factory=set)
    known: dict[bytes, StoredTask | None] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class Worker(Peer):
    """A worker: what it takes, and the leases that it holds. It outlives its connection for a while (`number` 0)."""

    session: bytes
    #: The token of the session that this one has taken over, until its peer shows that it has got the answer: it would
    #: name that one again.
    former: bytes = b""
    queues: dict[str, int] = field(default_factory=dict)
    #: The types that it knows, and how often the code of each may run and fail where a task does not say.
    types: dict[str, int] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    #: What it has of each resource, and what of it is used up.
    resources: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    slots: int = 0
    #: How much it runs at a time; what it has besides waits there.
    concurrency: int = 0
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
    #: The last lease that it has begun, in the order of arrival.
    begun: int = 0
    #: Where a lease is that is not just sent, or begun as `begun` says.
    states: dict[int, AssignmentState] = field(default_factory=dict)
    #: Leases that it has had for a while: since when, by the monotonic clock.
    since: dict[int, float] = field(default_factory=dict)
    #: Leases that it has had for a while and has not begun.
    waiting: dict[int, Task] = field(default_factory=dict)
    #: The cost of what is asked back from others for it.
    promised: int = 0
    draining: bool = False
    lanes: list[Lane] = field(default_factory=list)
    #: Whose turn it is among its queues.
    turns: Turns = field(default_factory=Turns)
    joined: float = 0.0
    done: int = 0
    #: Whether it was here before the restart and has not come back: it has until the end of the grace.
    awaited: bool = False
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

    @property
    def idle(self) -> int:
        """How much cost it could begin at once."""
        return min(self.free, (self.concurrency or self.slots) - self.outstanding - self.promised)

    def can_take(self, lane: Lane) -> bool:
        """Whether the tasks of a lane are for it at all."""
        return (
            lane.queue.name in self.queues
            and lane.type in self.types
            and lane.limit <= self.frame_limit
            and lane.cost <= max(self.slots, 1)
            and self.labels.issuperset(lane.requires)
            and all(amount <= self.resources.get(name, 0) for name, amount in lane.resources)
        )

    def room(self, lane: Lane, most: int) -> int:
        """How many tasks of a lane it takes now, of so much cost at most."""
        count = most // lane.cost
        for name, amount in lane.resources:
            if amount:
                count = min(count, (self.resources.get(name, 0) - self.used.get(name, 0)) // amount)
        return max(count, 0)

    def hold_many(self, tasks: Sequence[Task], leases: Sequence[int]) -> None:
        """Takes leases on tasks of one lane in: they cost the same."""
        options = tasks[0].options
        self.leases.update(zip(leases, tasks, strict=True))
        self.outstanding += options.cost * len(tasks)
        self.outstanding_octets += sum([task.size for task in tasks])
        for name, amount in options.resources:
            self.used[name] = self.used.get(name, 0) + amount * len(tasks)

    def hold(self, task: Task, lease: int) -> None:
        """Takes a lease in."""
        self.leases[lease] = task
        self.outstanding += task.options.cost
        self.outstanding_octets += task.size
        for name, amount in task.options.resources:
            self.used[name] = self.used.get(name, 0) + amount

    def state(self, lease: int) -> AssignmentState:
        """Where a lease that it holds is in its life."""
        known = self.states.get(lease)
        if known is not None:
            return known
        return AssignmentState.BEGUN if lease <= self.begun else AssignmentState.SENT

    def advance(self, lease: int, event: AssignmentEvent) -> bool:
        """Something happens to a lease that it holds; False if the machine does not know that here."""
        target = ASSIGNMENT[self.state(lease)][event]
        if target is None:
            return False
        self.states[lease] = target
        return True

    def release(self, lease: int) -> Task | None:
        """Lets go of a lease; None if it does not hold it."""
        task = self.leases.pop(lease, None)
        if task is not None:
            self._free(task)
            self.forget(lease)
        return task

    def revoke(self, lease: int) -> None:
        """Takes a lease away that it still works on."""
        self.revoked[lease] = self.leases.pop(lease)
        self.forget(lease)

    def forget(self, lease: int) -> None:
        """Lets go of what is noted of a lease."""
        if self.states:
            self.states.pop(lease, None)
        if self.since:
            self.since.pop(lease, None)
        if self.waiting:
            self.waiting.pop(lease, None)

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
        for name, amount in task.options.resources:
            self.used[name] -= amount
