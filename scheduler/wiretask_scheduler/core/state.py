"""Everything that the core remembers, and the few operations that all its parts share.

The parts are modules of functions over a `State`: submissions take tasks in, delivery hands them out, reports take
results, endings end tasks, sessions follow the workers, explain tells why.
"""

from __future__ import annotations

from collections.abc import Callable

from wiretask_protocol.machines import TaskMachineEvent
from wiretask_protocol.messages import Accepted, Error
from wiretask_scheduler.core.peers import Client, Peer, Worker
from wiretask_scheduler.core.ready import Lane, Ready
from wiretask_scheduler.core.settings import Settings
from wiretask_scheduler.core.tasks import Task, Tasks, move
from wiretask_scheduler.core.timers import Timers
from wiretask_scheduler.core.turn import Now, Turn, Updated

#: Leases that one durable ceiling allows: at a million a second it is raised twice in an hour.
LEASE_STEP = 1 << 32
#: Lanes that are kept before the first sweep; a program has dozens.
_LANES = 1024


class State:
    """The tables of the core."""

    def __init__(self, settings: Settings, jitter: Callable[[], float], token: Callable[[], bytes]) -> None:
        self.settings = settings
        self.jitter = jitter
        self.token = token
        self.turn = Turn()
        self.tasks = Tasks()
        self.ready = Ready()
        self.timers = Timers()
        self.clients: dict[int, Client] = {}
        self.workers: dict[int, Worker] = {}
        #: Workers by session, those included whose connection is gone but may come back.
        self.sessions: dict[bytes, Worker] = {}
        self.last_seq = 0
        self.next_lease = 1
        self.lease_ceiling = 1
        #: Whether tasks of before a restart are held back until their workers have had time to come back.
        self.grace = False
        self.held_back: list[Task] = []
        #: Set by the shell: the store takes no new tasks.
        self.store_full = False
        #: Whether there may be something to hand out.
        self.unsettled = False
        self._sweep_at = _LANES
        self.counts: dict[str, int] = dict.fromkeys(
            ("submitted", "dispatched", "succeeded", "dead", "cancelled", "expired", "retried", "returned", "stale"), 0
        )

    def lease(self) -> int:
        """A new lease: higher than every one before it, also before a restart."""
        if self.next_lease + LEASE_STEP // 2 > self.lease_ceiling:
            self.lease_ceiling = max(self.lease_ceiling, self.next_lease) + LEASE_STEP
            self.turn.changes.lease_ceiling = self.lease_ceiling
        lease = self.next_lease
        self.next_lease += 1
        return lease

    def make_ready(self, task: Task, *, first: bool = False) -> None:
        """Puts a ready task into its lane; `first` if it comes back and had its turn."""
        lane, new = self.ready.lane(task.options, task.size)
        if new:
            self.introduce(lane)
        if first:
            lane.push_back(task)
        else:
            lane.push(task)
        self.unsettled = True
        if new and len(self.ready) > self._sweep_at:
            self._sweep()

    def bury(self, task: Task) -> None:
        """A ready task has left out of turn."""
        lane, _ = self.ready.lane(task.options, task.size)
        lane.bury()

    def _sweep(self) -> None:
        """Lets go of lanes that have nothing: names that were used once cost no memory for ever."""
        self.ready.discard_empty()
        for worker in self.workers.values():
            worker.lanes = [lane for lane in worker.lanes if lane.count]
        self._sweep_at = max(_LANES, 2 * len(self.ready))

    def introduce(self, lane: Lane) -> None:
        """Tells the workers of a new lane."""
        for worker in self.workers.values():
            if worker.can_take(lane):
                worker.lanes.append(lane)

    def take_back(self, task: Task) -> None:
        """A delivery has ended without a result and through no fault of the task: others may have it."""
        move(task, TaskMachineEvent.GIVE_BACK)
        task.lease = 0
        task.holder = b""
        self.make_ready(task, first=True)

    def record(self, task: Task) -> None:
        """Writes what a restart must know of a task."""
        rare = task.rare
        self.turn.changes.updated.append(
            Updated(
                task.seq,
                int(task.state),
                rare.failures if rare else 0,
                rare.crashes if rare else 0,
                rare.losses if rare else 0,
                rare.due if rare else None,
                task.lease,
                task.holder or None,
                error_line(task),
            )
        )

    def accept(self, peer: Peer) -> None:
        """Says that everything received of a peer is taken; leaves, as all does, when it is durable.

        Called when a batch is done, and before a Result: the Accepted of a Submit precedes the Result of its task.
        """
        if peer.accepted != peer.received:
            peer.accepted = peer.received
            self.turn.send(peer.number, Accepted(peer.received))

    def refuse(self, peer: int, error: Error) -> None:
        """Answers a request with an error."""
        self.turn.send(peer, error)

    def at_wall(self, now: Now, millis: int) -> float:
        """A point by the wall clock as one by the monotonic clock."""
        return now.monotonic + millis / 1000 - now.wall


def error_line(task: Task) -> str | None:
    """The last error of a task as the store keeps it: its class and what it says, by a newline."""
    rare = task.rare
    if rare is None or rare.error_type is None:
        return None
    return f"{rare.error_type}\n{rare.error_message or ''}"
