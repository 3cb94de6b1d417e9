"""The plain path: what most messages are, a run of them at a time.

A Submit without any option and the Result of a task that has succeeded, with nothing that waits for it but a client:
of these everything that is the same for all is looked at once, and what is left to do for each is a few lines. They
lead to exactly what `submissions.on_submit` and `reports.on_result` would do, which take all others; a test holds the
two against each other. Measured: 2.2 and 1.6 µs a task, where the others take 6.4 and 4.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, cast

from msgspec.structs import astuple

from wiretask_protocol import codec
from wiretask_protocol.limits import RELAY_HEADROOM
from wiretask_protocol.machines import TASK, TaskMachineEvent, TaskMachineState
from wiretask_protocol.messages import Outcome, Result, Submit, SubmitFlags, ToScheduler
from wiretask_scheduler.core import admission
from wiretask_scheduler.core.peers import Client, Peer, Worker
from wiretask_scheduler.core.queues import Queue
from wiretask_scheduler.core.ready import SMALL
from wiretask_scheduler.core.tasks import Options, Task
from wiretask_scheduler.core.turn import LATEST_MILLIS, Ended, Inserted, Now

if TYPE_CHECKING:
    from wiretask_scheduler.core.state import State

_WANT_RESULT = int(SubmitFlags.WANT_RESULT)
#: What the fields of a Submit are after its envelope where it has no options.
_NO_OPTIONS = astuple(Submit(1, bytes(16), 0, 0, b""))[5:]
_LEASED = TaskMachineState.LEASED
#: Where the table of the funnel (`tasks.move`) leads, looked up once for all.
_READY = cast("TaskMachineState", TASK[TaskMachineState.NEW][TaskMachineEvent.ADMIT])
_SUCCEEDED = cast("TaskMachineState", TASK[_LEASED][TaskMachineEvent.SUCCEED])
_READY_NUMBER, _SUCCEEDED_NUMBER, _SUCCESS = int(_READY), int(_SUCCEEDED), int(Outcome.SUCCEEDED)
# The constructors of named tuples take three times as long.
_inserted: Callable[[tuple[object, ...]], Inserted] = partial(tuple.__new__, Inserted)
_ended: Callable[[tuple[object, ...]], Ended] = partial(tuple.__new__, Ended)


def take(state: State, peer: Peer, messages: Sequence[ToScheduler], at: int, now: Now) -> int:
    """Takes the plain messages of a peer that begin here. Returns where the first one is that is not plain."""
    message = messages[at] if at < len(messages) else None
    if type(message) is Submit:
        return _submits(state, peer, messages, at, now) if isinstance(peer, Client) else at
    if type(message) is Result and isinstance(peer, Worker) and not state.dependencies.dependents:
        return _results(state, peer, messages, at, now)
    return at


class _Kind:
    """What the tasks of one route and priority have in common, and those that have come."""

    __slots__ = ("options", "queue", "tasks")

    def __init__(self, queue: Queue, options: Options) -> None:
        self.queue = queue
        self.options = options
        self.tasks: list[Task] = []


def _submits(state: State, client: Client, messages: Sequence[ToScheduler], at: int, now: Now) -> int:
    """Takes tasks in."""
    inserted, shards, millis, number = state.turn.changes.inserted, state.tasks.parts, now.millis, client.number
    received, last_seq = client.received, state.last_seq
    kinds: dict[tuple[bytes, int], _Kind | None] = {}
    kind: _Kind | None = None
    last, last_priority = b"", -1
    for message in islice(messages, at, None):
        if type(message) is not Submit or message.flags > _WANT_RESULT or message.seq != received + 1:
            break
        task_id, envelope, priority = message.task_id, message.envelope, message.priority
        middle = 1 + envelope[0]
        head = envelope[: middle + 1 + envelope[middle]]
        if head != last or priority != last_priority:
            last, last_priority = head, priority
            kind = kinds[head, priority] = kinds.get((head, priority)) or _kind(state, client, message)
        if kind is None:
            break
        size = len(envelope)
        shard = shards[task_id[13]]
        if size > SMALL or task_id in shard or task_id[14:] != kind.queue.placement:
            break
        if astuple(message)[5:] != _NO_OPTIONS:
            break
        received += 1
        last_seq += 1
        options = kind.options
        task = shard[task_id] = Task(task_id, last_seq, options, size, millis, _READY)
        if message.flags:
            task.waiter = number
        kind.tasks.append(task)
        inserted.append(
            _inserted((last_seq, task_id, options, _READY_NUMBER, millis, None, None, None, envelope, None))
        )
    count = received - client.received
    client.received, state.last_seq = received, last_seq
    state.tasks.count += count
    state.counts["submitted"] += count
    for kind in kinds.values():
        if kind is not None and kind.tasks:
            kind.queue.live += len(kind.tasks)
            state.line_up_many(kind.tasks)
    return at + count


def _kind(state: State, client: Client, submit: Submit) -> _Kind | None:
    """The kind of a Submit; None where there is something that each one must be asked for."""
    task_type, name = codec.envelope_route(submit.envelope)
    queue = state.queues[name]
    if queue.length_limit or admission.of_submit(state, client, submit, task_type, queue, None) is not None:
        return None
    return _Kind(queue, state.tasks.shared(Options(task_type, name, submit.priority, principal=client.principal)))


def _results(state: State, worker: Worker, messages: Sequence[ToScheduler], at: int, now: Now) -> int:
    """Ends tasks that have succeeded."""
    leases, shards, ended = worker.leases, state.tasks.parts, state.turn.changes.ended
    received, millis, usual = worker.received, now.millis, state.usual_retention
    longest = state.settings.frame_limit - RELAY_HEADROOM
    noted = bool(state.retracting or worker.states or worker.since or worker.waiting)
    addressee = _Addressee(state, 0)
    options: Options | None = None
    for message in islice(messages, at, None):
        if type(message) is not Result or message.outcome != _SUCCESS or message.seq != received + 1:
            break
        lease, report = message.lease, message.report
        task = leases.get(lease)
        if task is None or task.id != message.task_id or task.rare is not None or task.state is not _LEASED:
            break
        if task.options is not options:
            options = task.options
            queue, cost = state.queues[options.queue], options.cost
            kept = usual if options.retention is None else options.retention
            forget = min(millis + max(kept, usual), LATEST_MILLIS)
        if options.limited or options.resources or len(report) > longest:
            break
        received += 1
        del leases[lease], shards[task.id[13]][task.id]
        worker.outstanding -= cost
        worker.outstanding_octets -= task.size
        queue.live -= 1
        if noted:
            state.answered(lease)
            worker.forget(lease)
        task.state, task.lease, task.holder = _SUCCEEDED, 0, b""
        ended.append(
            _ended((task.seq, _SUCCEEDED_NUMBER, _SUCCESS, 1, report if kept else None, (), millis, forget, False))
        )
        if task.waiter:
            if task.waiter != addressee.number:
                addressee = _Addressee(state, task.waiter)
            addressee.send(task.id, report)
    count = received - worker.received
    if count:
        worker.received = received
        worker.done += count
        state.tasks.count -= count
        state.counts["succeeded"] += count
        state.unsettled = True
    return at + count


class _Addressee:
    """A client that gets Results, if it is still there."""

    __slots__ = ("_client", "_sends", "number")

    def __init__(self, state: State, number: int) -> None:
        self.number = number
        self._client = state.clients.get(number)
        if self._client is not None:
            state.accept(self._client)
            self._sends = state.turn.sends.setdefault(number, [])

    def send(self, task_id: bytes, report: bytes) -> None:
        """The task has succeeded, at its first attempt."""
        client = self._client
        if client is not None:
            client.sent += 1
            self._sends.append(Result(client.sent, task_id, 0, _SUCCESS, report, attempt=1))
