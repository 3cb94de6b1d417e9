"""What must hold each time that a task is handed out, and at each word between the scheduler and its peers.

It hears what comes in and what goes out, stands beside the core when that gives tasks to a worker, and believes nobody's
counts: it knows what was asked for, when, and what was said since.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.machines import TaskMachineState
from wiretask_protocol.messages import (
    Accepted,
    Await,
    Cancel,
    Error,
    Goodbye,
    Result,
    Resume,
    Return,
    ReturnReason,
    Submit,
    SubmitFlags,
    UniqueUntil,
)
from wiretask_scheduler.core import Dispatch, Now, delivery

#: Times are kept in milliseconds on the way, and by another clock in the store.
_ROUNDING = 0.01
#: A scheduler looks at its timers when it can.
_LATE_SECONDS = 1.0

Wrong = Callable[[bytes, str], None]


class Promises:
    """What was promised, as far as one has to see everything that happens for it. `wrong` is told what is broken."""

    def __init__(self, wrong: Wrong) -> None:
        self._wrong = wrong
        self._submits: dict[bytes, Submit] = {}
        #: When each of them came for the first time, and since when it is known to be there: one that may have been sent
        #: before is taken in when the store has said that it was not.
        self._first: dict[bytes, float] = {}
        self._there: dict[bytes, float] = {}
        self._live: set[bytes] = set()
        #: The highest lease of each task that ever left.
        self._highest: dict[bytes, int] = {}
        #: When the leases that have not left yet were made, and when tasks of each rate key have started.
        self._made: dict[int, tuple[float, str | None]] = {}
        self._starts: dict[tuple[str, str], list[float]] = defaultdict(list)
        #: Tasks that a worker has been chosen for, and those that were given another life: they hold no key.
        self.handed: set[bytes] = set()
        self.revived: set[bytes] = set()
        self.lives = 0
        #: Whether the clock on the wall was moved: what a restart computes of dates goes with it.
        self.jumped = False
        #: For how long a scheduler has stood still: it hears of what has come meanwhile before it looks at its timers.
        self.stood_still = 0.0
        self.begin()

    def begin(self) -> None:
        """A scheduler begins, with peers that know nothing of it."""
        self.lives += 1
        self._live.clear()
        self._made.clear()
        #: How often each peer has asked for each result.
        self._asked: Counter[tuple[int, bytes]] = Counter()
        #: The highest lease of each task in this life, and what was reported under a lower one, by peer and seq.
        self._current: dict[bytes, int] = {}
        self._stale: dict[int, dict[int, bytes]] = defaultdict(dict)
        #: Leases that workers have: of which task, and at which peer; when peers have left; and what must be in the
        #: answer to a Resume.
        self._held: dict[int, tuple[bytes, int]] = {}
        self._left: dict[int, float] = {}
        self._must_keep: dict[int, set[int]] = {}
        #: Since when tasks have been with workers, by task and lease.
        self._since: dict[tuple[bytes, int], float] = {}

    def watch(self, broker: Any) -> None:
        """Stands beside a core from now on."""
        broker.state.promises = self
        self._window = broker.state.settings.resume_window_seconds

    # -- what is said --

    def heard(self, peer: int, message: Any, now: float) -> None:
        """The scheduler has got a message."""
        match message:
            case Submit(task_id=task_id):
                self._submits[task_id] = message
                self._first.setdefault(task_id, now)
                if task_id not in self._live:
                    self._there.pop(task_id, None)
                if message.flags & SubmitFlags.WANT_RESULT:
                    self._asked[peer, task_id] += 1
            case Await(task_id=task_id):
                self._asked[peer, task_id] += 1
            case Result(task_id=task_id, lease=lease, seq=seq):
                self._held.pop(lease, None)
                if lease < self._current.get(task_id, 0):
                    self._stale[peer][seq] = task_id
            case Return(lease=lease, reason=reason) if reason != ReturnReason.KEPT:
                self._held.pop(lease, None)
            case Goodbye():
                self._held = {lease: held for lease, held in self._held.items() if held[1] != peer}
            case Resume(leases=leases):
                self._must_keep[peer] = {held.lease for held in leases if self._is_held(held.lease, held.task_id, now)}
                for lease in self._must_keep[peer]:
                    # They are its own from now on, also while the answer waits for the disk.
                    self._held[lease] = self._held[lease][0], peer

    def _is_held(self, lease: int, task_id: bytes, now: float) -> bool:
        """Whether a lease is surely still that of who names it: it had it a moment ago."""
        task, peer = self._held.get(lease, (b"", 0))
        recent = now - self._left.get(peer, now) < self._window - _ROUNDING
        return task == task_id and recent and self._current.get(task_id) == lease

    def left(self, peer: int, now: float) -> None:
        """The connection of a peer is over, as the scheduler has heard."""
        self._left.setdefault(peer, now)

    def said(self, peer: int, message: Any) -> None:
        """What the scheduler has said leaves."""
        match message:
            case Dispatch(task=task, lease=lease):
                self._leaves(peer, task, lease)
            case Resume(leases=leases):
                kept = {held.lease for held in leases}
                for lease in self._must_keep.pop(peer, set()) - kept:
                    if lease in self._held:
                        self._wrong(self._held[lease][0], f"the lease {lease} was named in time, and is not kept")
                for held in leases:
                    if held.lease in self._held:
                        self._held[held.lease] = held.task_id, peer
                    self._current[held.task_id] = max(self._current.get(held.task_id, 0), held.lease)
            case Cancel(lease=lease) if lease:
                self._held.pop(lease, None)
            case Result(task_id=task_id):
                self._asked[peer, task_id] -= 1
                if self._asked[peer, task_id] < 0:
                    self._wrong(task_id, "a peer got its result more often than it has asked for it")
            case Error(code=ErrorCode.STALE_LEASE, seq=seq):
                self._stale[peer].pop(seq, None)
            case Accepted(seq=accepted) if self._stale.get(peer):
                for seq, task_id in self._stale[peer].items():
                    if seq <= accepted:
                        self._wrong(task_id, "a result under a lease that had been replaced was taken")

    def _leaves(self, peer: int, task: Any, lease: int) -> None:
        made, wrong = self._made.pop(lease, (None, None))
        if task.lease != lease:
            return  # it was taken back meanwhile: the outbox leaves it out
        if wrong is not None:
            self._wrong(task.id, wrong)
        if lease <= self._highest.get(task.id, 0):
            self._wrong(task.id, f"the lease {lease} comes after {self._highest[task.id]}")
        self._highest[task.id] = self._current[task.id] = lease
        if not task.options.time_limit:
            # What runs for too long is taken away, whatever its worker names.
            self._held[lease] = task.id, peer
        rate = task.options.rate
        if rate is not None and made is not None:
            starts = self._starts[task.options.queue, rate.key]
            starts.append(made)
            self._within_rate(task, rate, starts[-50:])

    def _within_rate(self, task: Any, rate: Any, starts: list[float]) -> None:
        """In no time have more started than the burst and what comes in again meanwhile."""
        if self.jumped and self.lives > 1:
            return
        for index, first in enumerate(starts):
            most = rate.burst + (starts[-1] - first + _ROUNDING) * rate.limit * 1000 / rate.period
            if len(starts) - index > most + _ROUNDING:
                self._wrong(task.id, f"{len(starts) - index} of the key {rate.key} start in {starts[-1] - first:.3f} s")
                return

    # -- what is handed out --

    def handed_out(self, state: Any, worker: Any, tasks: list[Any], now: Now) -> None:
        """A worker has been chosen for some tasks of one lane."""
        lowest = min(task.options.priority for task in tasks)
        for other in state.lane(tasks[0]):
            refused = other.rare is not None and worker.session in other.rare.refused_by
            if other.state is TaskMachineState.READY and other.options.priority > lowest and not refused:
                self._wrong(other.id, f"its priority is {other.options.priority}, and {lowest} goes first")
        for task in tasks:
            self.handed.add(task.id)
            self._made[task.lease] = now.monotonic, self._out_of_time(task, now.monotonic)

    def _out_of_time(self, task: Any, now: float) -> str | None:
        """What is wrong with the moment, should the task leave: it may turn out that it was there already."""
        submit = self._submits.get(task.id)
        if submit is None or task.id in self.revived or (self.jumped and self.lives > 1):
            return None
        late = _ROUNDING + self.stood_still
        if submit.expires_in and now > self._there.get(task.id, now) + submit.expires_in / 1000 + late:
            return "it is handed out after it has expired"
        # What waits for others looks at the wall, too, when they have ended.
        by_wall = self.jumped and (submit.after or submit.gather)
        if submit.delay and not by_wall and now < self._first[task.id] + submit.delay / 1000 - _ROUNDING:
            return "it is handed out before its time"
        return None

    # -- what is there --

    def look(self, tasks: list[Any], now: float, margin: float) -> None:
        """Looks at all tasks that live: no time limit is over, and no key has two."""
        keys: dict[tuple[bytes, int], bytes] = {}
        self._live = {task.id for task in tasks}
        for task_id in self._live:
            self._there.setdefault(task_id, now)
        for task in tasks:
            if task.state is TaskMachineState.LEASED and task.options.time_limit:
                since = self._since.setdefault((task.id, task.lease), now)
                if now - since > task.options.time_limit / 1000 + margin + _LATE_SECONDS:
                    self._wrong(task.id, f"a worker has had it for {now - since:.1f} s")
            links = task.rare.links if task.rare is not None else None
            if links is None or not links.unique or links.until == UniqueUntil.TIME or task.id in self.revived:
                continue
            if links.until == UniqueUntil.BEGUN and task.id in self.handed:
                continue
            other = keys.setdefault((links.unique, links.until), task.id)
            if other != task.id:
                self._wrong(task.id, f"it has the unique key of {other.hex()}, which holds it")


def _beside(lease: Callable[..., None]) -> Callable[..., None]:
    def leasing(state: Any, worker: Any, tasks: list[Any], now: Now) -> None:
        lease(state, worker, tasks, now)
        promises = getattr(state, "promises", None)
        if promises is not None:
            promises.handed_out(state, worker, tasks, now)

    return leasing


# The one place where the core decides who gets what.
delivery._lease = _beside(delivery._lease)
