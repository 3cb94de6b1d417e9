"""Taking tasks in: what a Submit must satisfy, and what becomes of its options."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from wiretask_protocol import codec
from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.limits import RELAY_HEADROOM
from wiretask_protocol.machines import TaskMachineEvent
from wiretask_protocol.messages import Submit, SubmitFlags, ToScheduler
from wiretask_scheduler.core import endings
from wiretask_scheduler.core.peers import Client
from wiretask_scheduler.core.state import State
from wiretask_scheduler.core.tasks import Options, Rare, Task, move
from wiretask_scheduler.core.turn import LATEST_MILLIS, Inserted, Lookup, Now

#: Options whose wire form is in the spec, and which this scheduler refuses instead of ignoring.
UNSUPPORTED = (
    "unique",
    "requires",
    "after",
    "on_dependency_failure",
    "group",
    "concurrency",
    "rate",
    "fairness",
    "resources",
)

_WANT_RESULT = int(SubmitFlags.WANT_RESULT)
_WANT_PROGRESS = int(SubmitFlags.WANT_PROGRESS)
_REPEAT = int(SubmitFlags.REPEAT)
_PLACEMENTS: dict[str, bytes] = {}


def placement(queue: str) -> bytes:
    """The last two octets of the ids of a queue's tasks (PROTOCOL.md, TaskId)."""
    found = _PLACEMENTS.get(queue)
    if found is None:
        found = sha256(queue.encode()).digest()[:2]
        if len(_PLACEMENTS) < 4096:
            _PLACEMENTS[queue] = found
    return found


def must_wait(state: State, client: Client, submit: Submit) -> bool:
    """Whether the store must be asked first: a task that is sent again may have ended, and memory has forgotten it.

    Ids that are sent twice without saying so are caught later, by the store's unique index (`Broker.conflicted`).
    """
    return bool(
        submit.flags & _REPEAT and submit.task_id not in client.known and state.tasks.get(submit.task_id) is None
    )


def wait(state: State, client: Client, messages: Sequence[ToScheduler]) -> None:
    """Keeps messages back until the store has said what it knows of the repeated Submits among them."""
    client.backlog = list(messages)
    for message in messages:
        if isinstance(message, Submit) and must_wait(state, client, message):
            client.asked.add(message.task_id)
            state.turn.lookups.append(Lookup(client.number, message.seq, message.task_id, "repeat"))


def on_submit(state: State, client: Client, submit: Submit, now: Now) -> None:
    """Takes a task in, or refuses it with an error that names its seq."""
    client.take(submit.seq, Submit.COMMAND)
    task_type, queue = codec.envelope_route(submit.envelope)
    known = state.tasks.get(submit.task_id)
    if known is not None:
        if submit.flags & _WANT_RESULT:
            endings.add_waiter(known, client.number)
        if submit.flags & _WANT_PROGRESS:
            endings.add_watcher(known, client.number)
        return
    ended = client.known.pop(submit.task_id, None)
    if ended is not None:
        if submit.flags & _WANT_RESULT:
            endings.deliver_stored(state, client, ended)
        return
    refusal = _refusal(state, client, submit, task_type, queue)
    if refusal is not None:
        code, text = refusal
        error = error_message(code, command=Submit.COMMAND, seq=submit.seq, text=text, task_id=submit.task_id)
        state.refuse(client.number, error)
        return
    _accept(state, client, submit, _options(state, submit, task_type, queue), now)


def _refusal(
    state: State, client: Client, submit: Submit, task_type: str, queue: str
) -> tuple[ErrorCode, str | None] | None:
    if submit.task_id[14:] != placement(queue):
        return ErrorCode.PLACEMENT_MISMATCH, None
    if task_type.startswith("wiretask.") or queue.startswith("wiretask."):
        return ErrorCode.RESERVED_NAME, None
    if len(submit.envelope) > client.frame_limit - RELAY_HEADROOM:
        return ErrorCode.TASK_TOO_LARGE, None
    if state.store_full:
        return ErrorCode.STORE_FULL, None
    for name in UNSUPPORTED:
        if getattr(submit, name) is not None:
            return ErrorCode.UNSUPPORTED_OPTION, f"this scheduler does not support the option {name} yet; leave it out"
    return None


def _options(state: State, submit: Submit, task_type: str, queue: str) -> Options:
    return state.tasks.shared(
        Options(
            task_type,
            queue,
            submit.priority,
            submit.cost or 1,
            submit.max_attempts or 0,
            submit.time_limit or 0,
            submit.retry,
            submit.retention,
        )
    )


def _accept(state: State, client: Client, submit: Submit, options: Options, now: Now) -> None:
    state.last_seq += 1
    millis = now.millis
    task = Task(submit.task_id, state.last_seq, options, len(submit.envelope), millis)
    if submit.flags & _WANT_RESULT:
        task.waiter = client.number
    due, expires = _times(submit, millis)
    if due is not None or expires is not None:
        task.rare = Rare(due=due, expires=expires)
        if expires is not None:
            state.timers.at(state.at_wall(now, expires), "expire", task)
    if submit.flags & _WANT_PROGRESS:
        endings.add_watcher(task, client.number)
    state.tasks.add(task)
    if due is not None and due > millis:
        move(task, TaskMachineEvent.DELAY)
        state.timers.at(state.at_wall(now, due), "due", task)
    else:
        move(task, TaskMachineEvent.ADMIT)
        state.make_ready(task)
    state.counts["submitted"] += 1
    state.turn.changes.inserted.append(
        Inserted(task.seq, task.id, options, int(task.state), millis, due, expires, submit.note, submit.envelope)
    )


def _times(submit: Submit, millis: int) -> tuple[int | None, int | None]:
    """When it may run and when it expires, by the wall clock; of two answers the later and the earlier one."""
    due = max(submit.not_before or 0, millis + submit.delay if submit.delay else 0) or None
    expiries = [at for at in (submit.expires_at, millis + submit.expires_in if submit.expires_in else None) if at]
    expires = min(expiries, default=None)
    return due and min(due, LATEST_MILLIS), expires and min(expires, LATEST_MILLIS)
