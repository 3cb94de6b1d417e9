"""Recurring tasks: what runs by the calendar, what becomes of runs that overlap, and of those that were missed.

Each run is a task like any other. Its id follows from the name and the nominal time (R-SCH-003), so whoever makes it
twice makes it once. The next nominal time is written with the run: a restart goes on where this one has stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from wiretask_protocol import codec
from wiretask_protocol.errors import ERRORS, ErrorCode
from wiretask_protocol.messages import CancelMode, CatchUpPolicy, OverlapPolicy, Schedule, Submit
from wiretask_scheduler.core import admission, facts, requests, submissions
from wiretask_scheduler.core.grants import NOBODY
from wiretask_scheduler.core.queues import placement
from wiretask_scheduler.core.turn import Now

if TYPE_CHECKING:
    from wiretask_scheduler.core.state import State

#: A run that is late by less than this is on time: the scheduler was restarted, say.
ON_TIME_SECONDS = 60.0
#: When one is looked at again that was good when it was put, and is not now.
AGAIN_SECONDS = 600.0
#: Missed runs that are caught up with, at most: the latest ones.
CAUGHT_UP = 1000
#: Octets of a frame before its payload.
FRAME_HEADER = 5
#: Options that make sense for one task only.
SINGLE = ("not_before", "expires_at", "after", "group", "gather")


class Calendar(NamedTuple):
    """What a cron expression in a time zone means, which only the shell can say: moments in milliseconds.

    Both raise ValueError, with the remedy, for an expression or a zone that is not valid.
    """

    #: The first moment after one; None if there is none.
    after: Callable[[str, str, int], int | None]
    #: The moments before one, the latest first.
    before: Callable[[str, str, int], Iterator[int]]


def _no_calendar(cron: str, zone: str, millis: int) -> Any:
    raise ValueError("this scheduler has no calendar; use every instead of cron")


#: For a core without a shell that knows one.
NO_CALENDAR = Calendar(_no_calendar, _no_calendar)


class Recurrence:
    """One recurring task."""

    __slots__ = ("last_id", "last_run", "left_out", "next", "principal", "schedule")

    def __init__(
        self, schedule: Schedule, due: int, last_run: int = 0, last_id: bytes = b"", principal: str = NOBODY
    ) -> None:
        #: As it was put, with the seq 1.
        self.schedule = schedule
        #: The nominal time of the next run, and of the last one (0: none yet), in milliseconds.
        self.next = due
        self.last_run = last_run
        self.last_id = last_id
        #: Whose its runs are.
        self.principal = principal
        #: Why the run that was due last is not there; empty where it is.
        self.left_out = ""


class Recurring:
    """All recurring tasks, by name."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self._by_name: dict[str, Recurrence] = {}

    def get(self, name: str) -> Recurrence | None:
        """The recurring task of a name."""
        return self._by_name.get(name)

    def set(self, recurrence: Recurrence) -> None:
        """Takes one in, in the place of the former one of its name."""
        self._by_name[recurrence.schedule.name] = recurrence

    def pop(self, name: str) -> Recurrence | None:
        """Lets go of one."""
        return self._by_name.pop(name, None)

    def __iter__(self) -> Iterator[Recurrence]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)


class BadScheduleError(ValueError):
    """The text says what is wrong with a schedule, and the remedy; the code is what a client gets."""

    def __init__(self, text: str, code: ErrorCode = ErrorCode.BAD_SCHEDULE) -> None:
        super().__init__(text)
        self.code = code


def put(state: State, schedule: Schedule, now: Now, principal: str = NOBODY) -> None:
    """Creates or replaces a recurring task; the same one again changes nothing. Raises BadScheduleError."""
    schedule = replace(schedule, seq=1)
    former = state.recurring.get(schedule.name)
    if former is not None and former.schedule == schedule:
        return
    _check(state, schedule)
    due = _next(state, schedule, now.millis)
    if due is None:
        raise BadScheduleError(f"{schedule.cron!r} never comes; check its day and month")
    recurrence = Recurrence(schedule, due, principal=principal)
    if former is not None:
        recurrence.last_run, recurrence.last_id = former.last_run, former.last_id
    state.recurring.set(recurrence)
    _record(state, recurrence)
    state.timers.on(due, "recur", recurrence)


def _check(state: State, schedule: Schedule) -> None:
    refusal = admission.of_schedule(state, schedule)
    if refusal is not None:
        code, text = refusal
        raise BadScheduleError(text or ERRORS[code].text, code)
    for option in SINGLE:
        if getattr(schedule, option) is not None:
            raise BadScheduleError(f"{option} is for one task, and this one recurs; leave it out")


def delete(state: State, name: str) -> bool:
    """Removes a recurring task; its runs that are there go on. Whether it was there."""
    if state.recurring.pop(name) is None:
        return False
    state.turn.changes.facts[facts.schedule(name)] = None
    return True


def on_recur(state: State, recurrence: Recurrence, now: Now) -> None:
    """A recurring task is due, or several of its runs are after a time without a scheduler."""
    schedule = recurrence.schedule
    if state.recurring.get(schedule.name) is not recurrence:
        return
    if recurrence.next > now.millis:
        state.timers.on(recurrence.next, "recur", recurrence)
        return
    try:
        due = _due(state, recurrence, now)
        following = _next(state, schedule, now.millis, anchor=recurrence.next)
    except BadScheduleError as error:
        # It was good when it was put: the time zones of this machine are others now, or its clock is far out.
        recurrence.left_out = str(error)
        state.timers.at(now.monotonic + AGAIN_SECONDS, "recur", recurrence)
        return
    chosen = _chosen(schedule, due, now)
    if not chosen:
        recurrence.left_out = "no scheduler ran when it was due"
    for moment in chosen:
        _run(state, recurrence, moment, now)
    if following is None:
        state.recurring.pop(schedule.name)
        state.turn.changes.facts[facts.schedule(schedule.name)] = None
        return
    recurrence.next = following
    _record(state, recurrence)
    state.timers.on(following, "recur", recurrence)


def _next(state: State, schedule: Schedule, millis: int, anchor: int | None = None) -> int | None:
    if schedule.every is not None:
        if anchor is None:
            return millis + schedule.every
        return anchor + ((millis - anchor) // schedule.every + 1) * schedule.every
    assert schedule.cron is not None  # R-SCH-001
    try:
        return state.recurring.calendar.after(schedule.cron, schedule.zone or "UTC", millis)
    except ValueError as error:
        raise BadScheduleError(str(error)) from None


def _due(state: State, recurrence: Recurrence, now: Now) -> list[int]:
    """The moments that have come and have not been seen to, oldest first: as many of the latest as may get a run."""
    schedule, first = recurrence.schedule, recurrence.next
    most = CAUGHT_UP if schedule.catch_up == CatchUpPolicy.ALL else 1
    if schedule.every is not None:
        latest = first + (now.millis - first) // schedule.every * schedule.every
        moments: Iterator[int] = iter(range(latest, first - 1, -schedule.every))
    else:
        assert schedule.cron is not None
        zone = schedule.zone or "UTC"
        try:
            before = state.recurring.calendar.before(schedule.cron, zone, now.millis + 1)
        except ValueError as error:
            raise BadScheduleError(str(error)) from None
        moments = takewhile(lambda moment: moment >= first, before)
    return list(islice(moments, most))[::-1] or [first]


def _chosen(schedule: Schedule, due: list[int], now: Now) -> list[int]:
    """Which of the moments that have come get their run."""
    if schedule.catch_up == CatchUpPolicy.ALL:
        return due
    latest = due[-1:]
    if schedule.catch_up == CatchUpPolicy.ONE or latest[0] >= now.millis - ON_TIME_SECONDS * 1000:
        return latest
    return []


def _run(state: State, recurrence: Recurrence, moment: int, now: Now) -> None:
    """Makes the run of a moment, unless the one before it stands in its way."""
    schedule = recurrence.schedule
    former = state.tasks.get(recurrence.last_id) if recurrence.last_id else None
    if former is not None:
        if schedule.overlap == OverlapPolicy.REPLACE:
            requests.stop(state, former, CancelMode.COOPERATIVE, now)
        elif schedule.overlap != OverlapPolicy.QUEUE:
            recurrence.left_out = f"the run before it, {former.id.hex()}, has not ended"
            return
    assert schedule.envelope is not None  # R-SCH-001
    _, queue = codec.envelope_route(schedule.envelope)
    task_id = run_id(schedule.name, queue, moment)
    if state.tasks.get(task_id) is None:
        left_out = submissions.take_in_run(state, _submit(state, schedule, task_id), now, recurrence.principal)
        recurrence.left_out = left_out or ""
        if left_out is not None:
            return
    recurrence.last_run, recurrence.last_id = moment, task_id


def run_id(name: str, queue: str, moment: int) -> bytes:
    """The id of the run of a nominal time in milliseconds (R-SCH-003)."""
    rest = sha256(name.encode() + b"\0" + moment.to_bytes(8, "big")).digest()
    version = bytes((0x70 | rest[0] & 0x0F, rest[1], 0x80 | rest[2] & 0x3F))
    return moment.to_bytes(8, "big")[2:] + version + rest[3:8] + placement(queue)


def _submit(state: State, schedule: Schedule, task_id: bytes) -> Submit:
    spread = round(state.jitter() * schedule.spread) if schedule.spread else 0
    assert schedule.envelope is not None
    return Submit(
        1,
        task_id,
        0,
        schedule.priority,
        schedule.envelope,
        delay=(schedule.delay or 0) + spread or None,
        **{name: getattr(schedule, name) for name in _OPTIONS},
    )


#: Options that every run has as the schedule says.
_OPTIONS = (
    "expires_in",
    "time_limit",
    "max_attempts",
    "retry",
    "unique",
    "requires",
    "concurrency",
    "rate",
    "fairness",
    "retention",
    "cost",
    "resources",
    "note",
)


def _record(state: State, recurrence: Recurrence) -> None:
    octets = codec.encode(recurrence.schedule)[FRAME_HEADER:]
    value = facts.pack((octets, recurrence.next, recurrence.last_run, recurrence.last_id, recurrence.principal))
    state.turn.changes.facts[facts.schedule(recurrence.schedule.name)] = facts.Fact(value)


def load(state: State, value: bytes) -> None:
    """A recurring task of before a restart. What it has missed meanwhile is seen to when its timer comes up."""
    kept = facts.unpack(value, _Kept)
    schedule = codec.decode(Schedule.COMMAND, kept.schedule)
    assert isinstance(schedule, Schedule)
    recurrence = Recurrence(schedule, kept.next, kept.last_run, kept.last_id, kept.principal)
    state.recurring.set(recurrence)
    state.timers.on(kept.next, "recur", recurrence)


class _Kept(NamedTuple):
    """A recurring task as its fact has it."""

    schedule: bytes
    next: int
    last_run: int
    last_id: bytes
    principal: str = NOBODY
