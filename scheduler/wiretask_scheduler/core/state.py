"""Everything that the core remembers, and the few operations that all its parts share.

The parts are modules of functions over a `State`: admission says whether a task is taken in, submissions take it in,
delivery hands tasks out, reports take results, endings end tasks, sessions follow the workers, dependencies, groups,
limits and uniques say what must wait for what, recurring makes tasks by the calendar, operations do what an operator
asks for, explain tells why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wiretask_protocol.limits import RELAY_HEADROOM
from wiretask_protocol.machines import TaskMachineEvent, TaskMachineState
from wiretask_protocol.messages import Accepted, Error
from wiretask_scheduler.core import limits
from wiretask_scheduler.core.dependencies import Dependencies
from wiretask_scheduler.core.latencies import Stopwatch
from wiretask_scheduler.core.peers import Client, Peer, Worker
from wiretask_scheduler.core.queues import Queues
from wiretask_scheduler.core.ready import Lane, Ready
from wiretask_scheduler.core.recurring import Calendar, Recurring
from wiretask_scheduler.core.settings import Settings
from wiretask_scheduler.core.tasks import Attempt, Task, Tasks, move
from wiretask_scheduler.core.timers import Timers
from wiretask_scheduler.core.turn import Notice, NoticeKind, Now, Turn, Updated

#: Leases that one durable ceiling allows: at a million a second it is raised twice in an hour.
LEASE_STEP = 1 << 32
#: Lanes that are kept before the first sweep; a program has dozens.
_LANES = 1024
#: What is counted since the start.
_COUNTED = (
    "submitted",
    "dispatched",
    "succeeded",
    "dead",
    "cancelled",
    "expired",
    "retried",
    "returned",
    "revived",
    "stale",
)
#: How a task went that is remembered: what a Status can carry.
_HISTORY = 64
_MESSAGE_CHARACTERS = 500
#: What people can read of one turn is far less.
_NOTICES = 100


class State:
    """The tables of the core."""

    def __init__(
        self, settings: Settings, jitter: Callable[[], float], token: Callable[[], bytes], calendar: Calendar
    ) -> None:
        self.settings = settings
        self.jitter = jitter
        self.token = token
        #: The moment of what is being handled.
        self.now = Now(0.0, 0.0)
        self.turn = Turn()
        self.tasks = Tasks()
        self.queues = Queues(settings.queue_length_limit, settings.queue_length_limits)
        self.ready = Ready()
        self.gates = limits.Gates()
        self.dependencies = Dependencies()
        self.recurring = Recurring(calendar)
        #: By unique key: the id of the task that holds it.
        self.uniques: dict[bytes, bytes] = {}
        self.timers = Timers()
        self.clients: dict[int, Client] = {}
        self.workers: dict[int, Worker] = {}
        #: Workers by session, those included whose connection is gone but may come back.
        self.sessions: dict[bytes, Worker] = {}
        #: By the token of a session that was taken over: the token of its heir, whose worker may not know it yet.
        self.heirs: dict[bytes, bytes] = {}
        #: How long what has ended is remembered where nobody says more, in milliseconds; the same for what is dead.
        self.usual_retention = int(settings.retention_seconds * 1000)
        self.dead_retention = max(self.usual_retention, int(settings.dead_retention_seconds * 1000))
        self.last_seq = 0
        self.next_lease = 1
        self.lease_ceiling = 1
        #: Whether tasks of before a restart are held back until their workers have had time to come back.
        self.grace = False
        self.held_back: dict[Task, None] = {}
        #: The task with a worker that another worker has died with: there is one at a time.
        self.suspect: Task | None = None
        #: Whether a worker has leases that it has not begun for a while.
        self.waiting = False
        #: Whether nobody looks for such leases at the moment, because there are so many workers.
        self.resting = False
        #: Leases that are asked back: for whom, and what they cost.
        self.retracting: dict[int, tuple[Worker, int]] = {}
        #: Set by the shell: the store takes no new tasks.
        self.store_full = False
        #: Whether there may be something to hand out.
        self.unsettled = False
        self._sweep_at = _LANES
        self.counts: dict[str, int] = dict.fromkeys(_COUNTED, 0)
        self.stopwatch = Stopwatch()
        #: Whether anybody wants to be told what happens to tasks (`Turn.notices`).
        self.watched = False

    @property
    def largest(self) -> int:
        """Octets that an envelope may have, the results of a group included."""
        return self.settings.frame_limit - RELAY_HEADROOM

    def leases(self, count: int) -> range:
        """So many new leases: higher than every one before them, also before a restart."""
        if self.next_lease + LEASE_STEP // 2 > self.lease_ceiling:
            self.lease_ceiling = max(self.lease_ceiling, self.next_lease) + LEASE_STEP
            self.turn.changes.lease_ceiling = self.lease_ceiling
        leases = range(self.next_lease, self.next_lease + count)
        self.next_lease = leases.stop
        return leases

    # -- which tasks there are --

    def add(self, task: Task) -> None:
        """Takes a task in."""
        self.tasks.add(task)
        self.queues[task.options.queue].live += 1

    def remove(self, task: Task) -> None:
        """Lets go of a task that has ended."""
        self.tasks.remove(task)
        self.queues[task.options.queue].live -= 1

    # -- tasks that are ready --

    def make_ready(self, task: Task, *, first: bool = False) -> None:
        """Lets a ready task through its limits, and to its lane; `first` if it comes back and had its turn."""
        if task.options.limited and not limits.approach(self, task, first=first):
            return
        self.line_up(task, first=first)

    def line_up(self, task: Task, *, first: bool) -> None:
        """Puts a task into its lane that no limit holds up."""
        lane = self.lane(task)
        if task.options.fairness is not None and lane.turns is None:
            self.ready.take_turns(lane.queue)
        if first:
            lane.put_back(task)
        else:
            lane.put(task)
        self._look_round()

    def line_up_many(self, tasks: Sequence[Task]) -> None:
        """Puts new tasks into the lane of the first, which is that of all; they have no limit and no tenant."""
        self.lane(tasks[0]).put_many(tasks)
        self._look_round()

    def _look_round(self) -> None:
        """Something is in a lane that was not there."""
        self.unsettled = True
        if len(self.ready) > self._sweep_at:
            self._sweep()

    def lane(self, task: Task) -> Lane:
        """The lane of a task. Workers hear of a new one, whoever asked for it: it will be there for the next task."""
        lane, new = self.ready.lane(task, self.queues[task.options.queue])
        if new:
            for worker in self.workers.values():
                if worker.can_take(lane):
                    worker.lanes.append(lane)
        return lane

    def vacate(self, task: Task, former: TaskMachineState) -> None:
        """A task has left the place that its former state gave it; call it after `move`."""
        if former is TaskMachineState.LEASED:
            self.answered(task.lease)
            task.lease = 0
            task.holder = b""
            if self.suspect is task:
                self.suspect = None
                self.unsettled = True
            if task.options.limited:
                limits.leave(self, task)
        elif former is TaskMachineState.READY:
            if self.held_back and task in self.held_back:
                del self.held_back[task]
                return
            in_lane = task.gate is None
            if task.options.limited:
                limits.leave(self, task)
            if in_lane:
                self.lane(task).bury()

    def answered(self, lease: int) -> None:
        """A lease that may have been asked back is answered: nobody waits for it any more."""
        promise = self.retracting.pop(lease, None) if self.retracting else None
        if promise is not None:
            taker, cost = promise
            taker.promised -= cost

    def bound(self, task: Task) -> None:
        """Sees to it that a task is taken away from a worker which does not stop it at its time limit."""
        seconds = task.options.time_limit / 1000 + self.settings.time_limit_margin_seconds
        self.timers.at(self.now.monotonic + seconds, "limit", (task, task.lease))

    def take_back(self, task: Task) -> None:
        """A delivery has ended without a result and through no fault of the task: others may have it."""
        task.rarely().former = task.lease
        move(task, TaskMachineEvent.GIVE_BACK)
        self.vacate(task, TaskMachineState.LEASED)
        self.make_ready(task, first=True)

    def _sweep(self) -> None:
        """Lets go of lanes that have nothing: names that were used once cost no memory for ever."""
        self.ready.discard_empty()
        for worker in self.workers.values():
            worker.lanes = [lane for lane in worker.lanes if lane.count]
        self._sweep_at = max(_LANES, 2 * len(self.ready))

    # -- what is written of a task --

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
                task.lease or (rare.former if rare else 0),
                task.holder or None,
                rare.history if rare else (),
            )
        )

    def note(self, task: Task, outcome: int, error_type: str | None, message: str | None, worker: str) -> None:
        """Remembers how a delivery of a task went that did not succeed."""
        rare = task.rarely()
        if error_type is not None:
            rare.error_type = error_type
            rare.error_message = (message or "")[:_MESSAGE_CHARACTERS] or None
        attempt = Attempt(task.attempt, outcome, self.now.millis, worker, error_type, rare.error_message)
        rare.history = (*rare.history[1 - _HISTORY :], attempt)

    def tell(self, what: NoticeKind, task: Task, worker: str | None = None) -> None:
        """Tells those who watch what has happened to a task, a bounded number of times in a turn."""
        notices = self.turn.notices
        if self.watched and len(notices) < _NOTICES:
            rare = task.rare
            error_type, error_message = (rare.error_type, rare.error_message) if rare is not None else (None, None)
            options = task.options
            notices.append(
                Notice(what, task.id, options.type, options.queue, task.attempt, error_type, error_message, worker)
            )

    # -- peers --

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

    # -- time --

    def millis_at(self, monotonic: float) -> int:
        """A point by the monotonic clock as one by the wall clock."""
        return round((self.now.wall + monotonic - self.now.monotonic) * 1000)
