"""What may leave now: joins envelopes to the Tasks that go out, keeps the order of each peer, and bounds what waits.

Envelopes stay here from their Submit to the end of their task, as long as the budget allows; those that are not durable
yet are never dropped. What is not here is read from the store, and what was to follow it on the same connection waits.

A peer that does not read is given nothing more: its messages wait here, without the reports that the store has, and
these are read again when the peer goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import NamedTuple

from msgspec.structs import replace

from wiretask_protocol.codec import ENCODERS, frame_task
from wiretask_protocol.limits import FRAME_LIMIT_FLOOR
from wiretask_protocol.messages import (
    Accepted,
    AnyMessage,
    Gathered,
    MemberResult,
    Outcome,
    Progress,
    Resource,
    Result,
    Task,
)
from wiretask_scheduler.core import Dispatch, Turn, facts
from wiretask_scheduler.core.endings import own_report
from wiretask_scheduler.core.tasks import Task as Record
from wiretask_scheduler.core.turn import Send

#: Envelopes that are kept in memory, by their octets.
BODY_BUDGET = 256 << 20
#: What is written to a peer in one piece; after each it may turn out to be full.
PIECE_OCTETS = 256 << 10
#: Reports that wait for one peer as they are; beyond it they are read from the store again.
HELD_OCTETS = 1 << 20
#: What is read from the store for one peer at a time.
_READ_MESSAGES, _READ_OCTETS = 512, 4 << 20
_READ_REPORTS = 32

_FORGOTTEN = "the task has ended, and its result is not kept any more"
_TOO_LARGE = "the result is longer than the frames that this client takes; connect with a larger frame limit"


class Stored(NamedTuple):
    """A Result that is to be read from the store: how the task has ended, and its report."""

    result: Result


Held = Send | Stored
#: Sends octets to a peer; False if it should get nothing more until `resume`.
Write = Callable[[int, bytes], bool]


class Wanted(NamedTuple):
    """What is to be read from the store: envelopes by seq, reports by id, and the results of groups by callback."""

    bodies: Sequence[int]
    reports: Sequence[bytes]
    callbacks: Sequence[bytes]


@dataclass(slots=True)
class Found:
    """What was read from the store: also the keys and the values of the results of groups."""

    bodies: dict[int, bytes] = field(default_factory=dict)
    reports: dict[bytes, bytes] = field(default_factory=dict)
    parts: dict[bytes, Sequence[tuple[bytes, bytes]]] = field(default_factory=dict)
    #: Of tasks that have ended: the outcome and the attempt.
    ends: dict[bytes, tuple[int, int]] = field(default_factory=dict)


Arrived = Callable[[Found], None]
#: Reads from the store, and calls back on the loop.
Fetch = Callable[[Wanted, Arrived], None]


@dataclass(slots=True)
class _Waiting:
    """A peer that gets nothing at the moment."""

    queue: deque[Held] = field(default_factory=deque)
    octets: int = 0
    full: bool = False
    fetching: bool = False
    found: Found = field(default_factory=Found)


#: What has been found for a peer that does not wait.
_NOTHING = Found()


class Outbox:
    """`limit` says how long the frames are that a peer takes; `failed` takes what must never happen.

    `idle` hears of a peer that has waited and does not wait any more; `unsaid` of one to whom something cannot be
    written, which is a bug: it must cut that one off, and nobody else misses anything.
    """

    def __init__(
        self,
        write: Write,
        fetch: Fetch,
        *,
        limit: Callable[[int], int],
        failed: Callable[[Exception], None],
        idle: Callable[[int], None],
        unsaid: Callable[[int, Exception], None],
        budget: int = BODY_BUDGET,
    ) -> None:
        self._write = write
        self._fetch = fetch
        self._limit = limit
        self._failed = failed
        self._idle = idle
        self._unsaid = unsaid
        self._budget = budget
        self._bodies: dict[int, bytes] = {}
        self._octets = 0
        self._durable = 0
        self._waiting: dict[int, _Waiting] = {}
        #: Turns that were taken and released, and ids that were there already: until so many turns are released, what
        #: they say of these was decided as if the tasks were new.
        self._taken = self._released = 0
        self._repeated: dict[bytes, int] = {}
        #: The last seq of each peer that it was told is accepted.
        self.accepted: dict[int, int] = {}

    @property
    def octets(self) -> int:
        """What the envelopes take that are kept."""
        return self._octets

    def take(self, turn: Turn) -> int:
        """Keeps the envelopes of a turn that is on its way to the store. Returns the octets that it writes there."""
        self._taken += 1
        new = {row.seq: row.envelope for row in turn.changes.inserted}
        octets = sum(map(len, new.values()))
        self._bodies |= new
        self._octets += octets
        return octets + sum([len(row.report) for row in turn.changes.ended if row.report is not None])

    def drop(self, conflicts: Iterable[bytes], turns: Iterable[Turn]) -> None:
        """Of some new tasks the ids were there already: they are not taken in, and their envelopes are not kept.

        One that was ended before this was known may have a Result on its way: it gives way to that of the store.
        """
        ids = set(conflicts)
        self._repeated |= dict.fromkeys(ids, self._taken)
        for row in chain.from_iterable(turn.changes.inserted for turn in turns):
            if row.id in ids:
                self._octets -= len(self._bodies.pop(row.seq, b""))

    def release(self, turn: Turn) -> None:
        """A turn is durable: what it said may leave."""
        changes = turn.changes
        if changes.inserted:
            self._durable = changes.inserted[-1].seq
        self._released += 1
        repeated = self._repeated
        for peer, said in turn.sends.items():
            sends = said if not repeated else [_as_stored(send, repeated) for send in said]
            waiting = self._waiting.get(peer)
            if waiting is not None:
                self._hold(waiting, sends, turn)
                continue
            done, full = self._send(peer, sends)
            if full or done < len(sends):
                waiting = self._waiting[peer] = _Waiting(full=full)
                self._hold(waiting, sends[done:], turn)
                self._go_on(peer, waiting)
        for row in changes.ended:
            body = self._bodies.pop(row.seq, None)
            if body is not None:
                self._octets -= len(body)
        if repeated:
            self._repeated = {task_id: until for task_id, until in repeated.items() if until > self._released}
        if self._octets > self._budget:
            self._evict()

    def pause(self, peer: int) -> None:
        """A peer is full although nothing is being written here."""
        self._waiting.setdefault(peer, _Waiting()).full = True

    def resume(self, peer: int) -> None:
        """A peer that was full takes more."""
        waiting = self._waiting.get(peer)
        if waiting is not None:
            waiting.full = False
            self._go_on(peer, waiting)

    def forget(self, peer: int) -> None:
        """A peer is gone."""
        self._waiting.pop(peer, None)
        self.accepted.pop(peer, None)

    def is_waiting(self, peer: int) -> bool:
        """Whether a peer gets nothing at the moment."""
        return peer in self._waiting

    # -- sending --

    def _send(self, peer: int, sends: Sequence[Held], found: Found = _NOTHING) -> tuple[int, bool]:
        """Sends what can be sent. Returns how many are done, and whether the peer is full, else something misses."""
        try:
            return self._write_out(peer, sends, found)
        except Exception as error:
            self._unsaid(peer, error)
            return len(sends), False

    def _write_out(self, peer: int, sends: Sequence[Held], found: Found) -> tuple[int, bool]:
        frames: list[bytes] = []
        octets = 0
        for index, send in enumerate(sends):
            # The two kinds that come by the thousand first.
            if type(send) is Dispatch:
                task, lease, attempt, remaining = send
                if task.lease != lease:
                    continue
                body = self._bodies.get(task.seq) or found.bodies.get(task.seq)
                if body is None or (task.rare is not None and _is_callback(task) and task.id not in found.parts):
                    self._put(peer, frames)
                    return index, False
                options = task.options
                if task.rare is None and options.cost <= 1 and not options.resources:
                    frame = frame_task(task.id, lease, attempt, options.time_limit, remaining, body)
                else:
                    cost = options.cost if options.cost > 1 else None
                    message = Task(task.id, lease, attempt, options.time_limit, remaining, body, cost)
                    frame = _ENCODE_TASK(_with_rare(message, task, found))
            elif type(send) is Result:
                frame = _ENCODE_RESULT(send)
            elif type(send) is Stored:
                result = send.result
                report = found.reports.pop(result.task_id, None)
                if report is None:
                    self._put(peer, frames)
                    return index, False
                end = found.ends.get(result.task_id)
                if end is not None:
                    result = replace(result, outcome=end[0], attempt=end[1])
                frame = _ENCODE_RESULT(replace(result, report=report))
            else:
                frame = ENCODERS[type(send)](send)  # type: ignore[index] # every other Send is a message
                if type(send) is Accepted:
                    self.accepted[peer] = send.seq
            size = len(frame)
            if size > FRAME_LIMIT_FLOOR:
                frame = self._fitting(peer, send, frame)
            frames.append(frame)
            octets += size
            if octets > PIECE_OCTETS:
                if not self._put(peer, frames):
                    return index + 1, True
                octets = 0
        return len(sends), not self._put(peer, frames)

    def _put(self, peer: int, frames: list[bytes]) -> bool:
        if not frames:
            return True
        octets = b"".join(frames)
        frames.clear()
        return self._write(peer, octets)

    def _fitting(self, peer: int, send: Held, frame: bytes) -> bytes:
        """The frame, or what a peer gets instead that does not take frames of its length."""
        if len(frame) - 5 <= self._limit(peer):
            return frame
        result = send.result if isinstance(send, Stored) else send
        if isinstance(result, Result):
            return _ENCODE_RESULT(replace(result, report=own_report("ResultTooLarge", _TOO_LARGE)))
        return b""

    # -- waiting --

    def _hold(self, waiting: _Waiting, sends: Iterable[Held], turn: Turn) -> None:
        kept = {id(row.report) for row in turn.changes.ended if row.report is not None}
        for send in sends:
            if isinstance(send, Progress):
                continue  # R-PRG-001: it may be left out
            if not isinstance(send, Result):
                waiting.queue.append(send)
            elif waiting.octets + len(send.report) <= HELD_OCTETS or id(send.report) not in kept:
                waiting.octets += len(send.report)
                waiting.queue.append(send)
            else:
                waiting.queue.append(Stored(replace(send, report=b"")))

    def _go_on(self, peer: int, waiting: _Waiting) -> None:
        """Sends what waits, as far as that goes, and asks the store for what is missing."""
        queue = waiting.queue
        while not waiting.full and not waiting.fetching:
            if not queue:
                del self._waiting[peer]
                self._idle(peer)
                return
            some = list(islice(queue, _READ_MESSAGES))
            done, waiting.full = self._send(peer, some, waiting.found)
            for _ in range(done):
                sent = queue.popleft()
                if isinstance(sent, Result):
                    waiting.octets -= len(sent.report)
            if self._waiting.get(peer) is not waiting:
                return  # it was cut off
            if done < len(some) and not waiting.full:
                self._ask(peer, waiting)

    def _ask(self, peer: int, waiting: _Waiting) -> None:
        """Reads what the first messages of a queue need, in bounds."""
        wanted: list[Dispatch] = []
        ids: list[bytes] = []
        callbacks: list[bytes] = []
        octets = 0
        for send in islice(waiting.queue, _READ_MESSAGES):
            if isinstance(send, Stored):
                ids.append(send.result.task_id)
            elif isinstance(send, Dispatch) and _is_current(send):
                if _is_callback(send.task):
                    callbacks.append(send.task.id)
                if send.task.seq not in self._bodies:
                    wanted.append(send)
                octets += send.task.size
            if octets > _READ_OCTETS or len(ids) >= _READ_REPORTS:
                break
        waiting.fetching = True

        def arrived(found: Found) -> None:
            waiting.fetching = False
            waiting.found = found
            found.reports = {task_id: found.reports.get(task_id, _FORGOTTEN_REPORT) for task_id in ids}
            if self._waiting.get(peer) is not waiting:
                return
            lost = [send.task.seq for send in wanted if _is_current(send) and send.task.seq not in found.bodies]
            if lost:
                self._failed(LookupError(f"the store has lost the envelope of its row {lost[0]}"))
            else:
                self._go_on(peer, waiting)

        self._fetch(Wanted([send.task.seq for send in wanted], ids, callbacks), arrived)

    def _evict(self) -> None:
        """Drops the newest envelopes that are durable, down to nine tenths of the budget: they go out last."""
        dropped: list[int] = []
        octets = self._octets
        for seq in reversed(self._bodies):
            if octets <= self._budget * 9 // 10:
                break
            if seq <= self._durable:
                octets -= len(self._bodies[seq])
                dropped.append(seq)
        for seq in dropped:
            del self._bodies[seq]
        self._octets = octets


_ENCODE_TASK: Callable[[AnyMessage], bytes] = ENCODERS[Task]
_ENCODE_RESULT: Callable[[AnyMessage], bytes] = ENCODERS[Result]
_FORGOTTEN_REPORT = own_report("Forgotten", _FORGOTTEN)


_LOST_PART = MemberResult(Outcome.LOST, _FORGOTTEN_REPORT)


def _as_stored(send: Send, ids: Mapping[bytes, int]) -> Held:
    """A Result of one of these tasks as it is in the store; everything else as it is."""
    return Stored(replace(send, report=b"")) if isinstance(send, Result) and send.task_id in ids else send


def _is_callback(task: Record) -> bool:
    """Whether a task is to be given the results of a group."""
    return task.rare is not None and task.rare.links is not None and task.rare.links.size >= 0


def _with_rare(message: Task, task: Record, found: Found) -> Task:
    """Adds to a Task what few tasks have."""
    resources = tuple(Resource(name, amount) for name, amount in task.options.resources) or None
    gathered = None
    if _is_callback(task) and task.rare is not None and task.rare.links is not None:
        links = task.rare.links
        results = dict.fromkeys(range(links.size), _LOST_PART)
        for key, value in found.parts[task.id]:
            results[int.from_bytes(key[16:], "big")] = MemberResult(*facts.unpack(value, tuple[int, bytes]))
        gathered = Gathered(links.form, tuple(results.values()))
    if resources is None and gathered is None:
        return message
    return replace(message, resources=resources, gathered=gathered)


def _is_current(dispatch: Dispatch) -> bool:
    """Whether the task was not taken back since."""
    return dispatch.task.lease == dispatch.lease
