"""The assignments of this worker: what waits, what runs, what has ended, and the slots they take.

Knows leases, slots and time limits; of the connection only whether it serves. An assignment that has been reported
or superseded while its handler runs *lingers*: it is not ours any more, and its slot is free only when the handler
returns.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from wiretask_protocol.codec import decode_envelope
from wiretask_protocol.errors import WireError
from wiretask_protocol.limits import FRAME_LIMIT, RELAY_HEADROOM
from wiretask_protocol.machines import AssignmentEvent, AssignmentState
from wiretask_protocol.messages import CancelMode, CancelSupport, Encoding, HeldLease, Progress, ReturnReason, Task
from wiretask_worker.core import ends
from wiretask_worker.core.assignment import Assignment, Ended, Finished
from wiretask_worker.core.members import results_unreadable
from wiretask_worker.core.pace import MOST, Pace
from wiretask_worker.core.progress import ProgressBoard
from wiretask_worker.core.results import GivenBack, Results
from wiretask_worker.core.settings import Settings
from wiretask_worker.core.texts import fit
from wiretask_worker.core.timers import Timers
from wiretask_worker.core.turn import Stop, Turn

#: A cancelled coroutine ends within milliseconds. What lingers for longer is stuck, and so is what waits behind it.
STUCK_SECONDS = 1.0
#: Reports that are kept unaccepted before nothing more begins: the scheduler's commits lag.
KEPT_OCTETS = 256 << 20
_TEXT_OCTETS = 1024
_SENT = AssignmentState.SENT
# Looking a member of an enum up costs as much as a step of the machine.
_BEGIN, _REPORT = AssignmentEvent.BEGIN, AssignmentEvent.REPORT
#: What the arguments of a call are made of (`arguments`).
_ENCODINGS = frozenset(Encoding)


class Desk:
    """What this worker holds."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pace = Pace(settings.prefetch, MOST if settings.paced else 0)
        self.turn = Turn()
        #: The current lease of each task, waiting or running.
        self.held: dict[bytes, Assignment] = {}
        self.results = Results()
        self.progress = ProgressBoard()
        self.timers = Timers()
        #: The last lease that was begun, in the order of arrival.
        self.begun = 0
        self.draining = False
        #: The slots of handlers that go on although their end has been reported.
        self.lingering = 0
        #: The shell's output is full: nothing more begins.
        self.paused = False
        #: The longest report that the connection takes.
        self.report_maximum = FRAME_LIMIT - RELAY_HEADROOM
        #: How many leases may be held and kept, so that a Resume can name them all.
        self.lease_maximum = 1 << 16
        self._waiting: deque[Assignment] = deque()
        self._held_cost = 0
        self._used = 0
        self._lingering_since = 0.0
        self._stuck = False

    @property
    def used(self) -> int:
        """How many slots are in use."""
        return self._used

    @property
    def window(self) -> int:
        """How much the scheduler may have sent us, by cost."""
        return 0 if self._stuck else self._settings.concurrency + self._pace.waiting

    # -- what the scheduler wants

    def arrive(self, task: Task, now: float) -> None:
        """A task is here; it waits for a slot, or is given back at once."""
        try:
            envelope = decode_envelope(task.envelope)
        except WireError as error:
            self._refuse(task, ReturnReason.UNSUPPORTED, error.text)
            return
        known = self._settings.types.get(envelope.type)
        cost = task.cost or 1
        if known is None:
            self._refuse(task, ReturnReason.UNSUPPORTED, f"this worker has no task of the type {envelope.type}")
        elif envelope.encoding not in _ENCODINGS and not known.verbatim:
            text = f"this worker does not know the encoding {envelope.encoding:d}"
            self._refuse(task, ReturnReason.UNSUPPORTED, text)
        elif task.gathered is not None and (unreadable := results_unreadable(task.gathered)):
            self._refuse(task, ReturnReason.UNSUPPORTED, unreadable)
        elif self.draining:
            self._refuse(task, ReturnReason.DRAIN)
        elif self._held_cost and self._held_cost + cost > self._settings.concurrency + self._pace.promised:
            self._refuse(task, ReturnReason.OVERLOADED, "more tasks than the credit of this worker")
        else:
            former = self.held.get(task.task_id)
            if former is not None:
                if former.lease >= task.lease:
                    return  # a lease never comes twice, nor an older one: not ours to answer
                self._supersede(former, now)
            begin_by = now + task.remaining / 1000 if task.remaining else 0.0
            limit = task.time_limit or known.time_limit
            assignment = Assignment(
                task.task_id, task.lease, task.attempt, limit, begin_by, cost, envelope, task.gathered
            )
            self.held[task.task_id] = assignment
            self._held_cost += cost
            self._waiting.append(assignment)
            if begin_by:
                self.timers.set(begin_by, assignment)

    def retract(self, task_id: bytes, lease: int) -> None:
        """The scheduler asks a task back: it gets it if it has not begun. What has been answered is not again."""
        assignment = self._current(task_id, lease)
        if assignment is None:
            return
        assignment_waits = assignment.state is _SENT
        assignment.advance(AssignmentEvent.RETRACT)
        if assignment_waits:
            self._give_back(assignment, GivenBack(ReturnReason.RETRACTED))
        else:
            assignment.advance(AssignmentEvent.KEEP)
            self._answer(task_id, lease, GivenBack(ReturnReason.KEPT))

    def cancel(self, task_id: bytes, lease: int, mode: CancelMode, now: float) -> None:
        """The scheduler asks for a task to be stopped."""
        assignment = self._current(task_id, lease)
        if assignment is None:
            return
        if mode == CancelMode.SUPERSEDED:
            self._supersede(assignment, now)
        elif assignment.state is _SENT:
            assignment.advance(AssignmentEvent.CANCEL)
            self._end(assignment, ends.cancelled())
        else:
            assignment.advance(AssignmentEvent.CANCEL)
            self.turn.stops.append(Stop(assignment, mode))

    def leases(self) -> Iterator[HeldLease]:
        """All that a Resume must name, what matters most first: what runs, then what has ended, then what waits."""
        waiting: list[HeldLease] = []
        for assignment in self.held.values():
            lease = HeldLease(assignment.task_id, assignment.lease)
            if assignment.state is _SENT:
                waiting.append(lease)
            else:
                yield lease
        yield from self.results.leases()
        yield from waiting

    def retain(self, kept: set[HeldLease], now: float) -> None:
        """Abandons every lease that is not kept, and reports nothing of it (R-RSM-001)."""
        self.results.retain(kept)
        for assignment in list(self.held.values()):
            if HeldLease(assignment.task_id, assignment.lease) not in kept:
                self._supersede(assignment, now)

    def give_up_waiting(self, end: GivenBack | None) -> None:
        """Gives back what has not begun; with None it is forgotten (the next Resume does not name it)."""
        for assignment in self._waiting:
            if assignment.state is _SENT:
                if end is None:
                    assignment.advance(AssignmentEvent.SUPERSEDE)
                    self._drop(assignment)
                else:
                    self._give_back(assignment, end)
        self._waiting.clear()

    # -- what the executors do

    def begin(self, now: float) -> None:
        """Begins what there are slots for, in the order of arrival (R-CRD-003)."""
        waiting, concurrency = self._waiting, self._settings.concurrency
        if self.paused or self.results.octets > KEPT_OCTETS:
            return
        if len(self.results) + len(self.held) > self.lease_maximum:
            return
        starts = self.turn.starts
        while waiting:
            assignment = waiting[0]
            if assignment.state is _SENT:
                cost = assignment.cost
                if self._used and self._used + cost > concurrency:
                    return
                if not assignment.begin_by or now <= assignment.begin_by:
                    assignment.advance(_BEGIN)
                    self._used += cost
                    self.begun = assignment.lease
                    starts.append(assignment)
                    if assignment.time_limit:
                        self._set_limit(assignment, now)
                else:
                    self._too_late(assignment)
            waiting.popleft()

    def _set_limit(self, assignment: Assignment, now: float) -> None:
        known = self._settings.types[assignment.envelope.type]
        if known.cancel != CancelSupport.HARD:  # whoever can stop it also keeps its time
            self.timers.set(now + assignment.time_limit / 1000, assignment)

    def end_many(self, ended: Sequence[Ended], now: float) -> None:
        """Attempts have ended, and their slots are free."""
        is_over = AssignmentState.ENDED
        self._pace.end(len(ended), now)
        for assignment, finished in ended:
            self._used -= assignment.cost
            if assignment.state is is_over:
                self.lingering -= assignment.cost
                continue
            if self.progress:
                self.turn.sends += self.progress.take_of(assignment.task_id)
            self._end(assignment, finished)
        if self.lingering < self._settings.concurrency:
            self._stuck = False

    def advance_progress(self, assignment: Assignment, progress: Progress) -> None:
        """A handler says how far it is."""
        if assignment.state is not AssignmentState.ENDED:
            self.progress.put(progress)

    # -- what time does

    def tick(self, now: float) -> None:
        """Looks at what is due."""
        for assignment in self.timers.due(now):
            if assignment.state is _SENT:
                self._too_late(assignment)
            else:
                self._time_out(assignment, now)
        if self._is_blocked() and not self._stuck and now >= self._lingering_since + STUCK_SECONDS:
            self._stuck = True
            self.turn.note("warning", "every slot is held by a handler that goes on after its time or its cancellation")
            self.give_up_waiting(GivenBack(ReturnReason.OVERLOADED, "the slots of this worker are stuck"))

    def deadline(self) -> float | None:
        """When `tick` has something to do (monotonic seconds)."""
        due = self.timers.next()
        if self._is_blocked() and not self._stuck:
            stuck_at = self._lingering_since + STUCK_SECONDS
            return stuck_at if due is None else min(due, stuck_at)
        return due

    def _is_blocked(self) -> bool:
        return self.lingering >= self._settings.concurrency

    def _too_late(self, assignment: Assignment) -> None:
        self._give_back(assignment, GivenBack(ReturnReason.OVERLOADED, "it could not begin here in time"))

    def _time_out(self, assignment: Assignment, now: float) -> None:
        self._linger(assignment, now)
        self._end(assignment, ends.timed_out(assignment.time_limit))
        self.turn.stops.append(Stop(assignment, CancelMode.HARD))

    # -- ends

    def _current(self, task_id: bytes, lease: int) -> Assignment | None:
        assignment = self.held.get(task_id)
        return assignment if assignment is not None and assignment.lease == lease else None

    def _linger(self, assignment: Assignment, now: float) -> None:
        if not self._is_blocked():
            self._lingering_since = now
        self.lingering += assignment.cost

    def _end(self, assignment: Assignment, finished: Finished) -> None:
        octets = len(finished.report)
        if octets > self.report_maximum:
            finished = ends.too_large(octets, self.report_maximum)
        assignment.advance(_REPORT)
        self._drop(assignment)
        self._answer(assignment.task_id, assignment.lease, finished)

    def _give_back(self, assignment: Assignment, end: GivenBack) -> None:
        assignment.advance(AssignmentEvent.RETURN)
        self._drop(assignment)
        self._answer(assignment.task_id, assignment.lease, end)

    def _supersede(self, assignment: Assignment, now: float) -> None:
        runs = assignment.state is not _SENT
        assignment.advance(AssignmentEvent.SUPERSEDE)
        self._drop(assignment)
        self.progress.take_of(assignment.task_id)
        if runs:
            self._linger(assignment, now)
            self.turn.stops.append(Stop(assignment, CancelMode.SUPERSEDED))

    def _drop(self, assignment: Assignment) -> None:
        del self.held[assignment.task_id]
        self._held_cost -= assignment.cost

    def _refuse(self, task: Task, reason: ReturnReason, text: str | None = None) -> None:
        self._answer(task.task_id, task.lease, GivenBack(reason, None if text is None else fit(text, _TEXT_OCTETS)))

    def _answer(self, task_id: bytes, lease: int, end: Finished | GivenBack) -> None:
        self.results.put(task_id, lease, end, self.turn.sends)
