"""Taking tasks in, and what becomes of their options. Whether one is taken in is `admission`'s."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wiretask_protocol import codec
from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.machines import TaskMachineEvent, TaskMachineState
from wiretask_protocol.messages import DependencyPolicy, Outcome, Submit, SubmitFlags, ToScheduler
from wiretask_scheduler.core import admission, dependencies, endings, limits, uniques
from wiretask_scheduler.core.peers import Client
from wiretask_scheduler.core.queues import Queue
from wiretask_scheduler.core.records import StoredTask
from wiretask_scheduler.core.tasks import Links, Options, Rare, Task, move
from wiretask_scheduler.core.timers import Kind
from wiretask_scheduler.core.turn import LATEST_MILLIS, Inserted, Lookup, Now

if TYPE_CHECKING:
    from wiretask_scheduler.core.state import State

_WANT_RESULT = int(SubmitFlags.WANT_RESULT)
_WANT_PROGRESS = int(SubmitFlags.WANT_PROGRESS)
_REPEAT = int(SubmitFlags.REPEAT)


def must_ask(state: State, client: Client, submit: Submit) -> bool:
    """Whether the store must be asked first.

    It is asked about a task that is sent again and may have ended, and about those that a task is to wait for. Ids
    that are sent twice without saying so are caught later, by the store's unique index (`Broker.conflicted`).
    """
    if submit.flags & _REPEAT or submit.after is not None:
        return any(True for _ in _unknown(state, client, submit))
    return False


def _unknown(state: State, client: Client, submit: Submit) -> Iterator[bytes]:
    """Ids that neither memory nor what the store has said can decide about."""
    if state.tasks.get(submit.task_id) is not None:
        return
    if submit.flags & _REPEAT and submit.task_id not in client.known:
        yield submit.task_id
    for task_id in submit.after or ():
        if task_id not in client.known and state.tasks.get(task_id) is None:
            yield task_id


def wait(state: State, client: Client, messages: Sequence[ToScheduler]) -> None:
    """Keeps messages back until the store has said what it knows of the tasks that the Submits among them name."""
    client.backlog = list(messages)
    for message in messages:
        if isinstance(message, Submit):
            for task_id in _unknown(state, client, message):
                if task_id not in client.asked:
                    client.asked.add(task_id)
                    state.turn.lookups.append(Lookup(client.number, message.seq, task_id, "submit"))


def on_submit(state: State, client: Client, submit: Submit, now: Now) -> None:
    """Takes a task in, or refuses it with an error that names its seq."""
    client.take(submit.seq, Submit.COMMAND)
    task_type, name = codec.envelope_route(submit.envelope)
    known = state.tasks.get(submit.task_id)
    if known is not None:
        if known.options.principal != client.principal:
            _refuse(state, client, submit, ErrorCode.ID_TAKEN)
            return
        if submit.flags & _WANT_RESULT:
            endings.add_waiter(known, client.number)
        if submit.flags & _WANT_PROGRESS:
            endings.add_watcher(known, client.number)
        return
    ended = client.known.get(submit.task_id) if submit.flags & _REPEAT else None
    if ended is not None:
        if ended.options.principal != client.principal:
            _refuse(state, client, submit, ErrorCode.ID_TAKEN)
            return
        if submit.flags & _WANT_RESULT:
            state.turn.lookups.append(Lookup(client.number, submit.seq, submit.task_id, "await"))
        return
    queue = state.queues[name]
    links = _links(submit, task_type, name, client.principal)
    refusal = admission.of_submit(state, client, submit, task_type, queue, links)
    if refusal is not None:
        code, text = refusal
        holder = None
        if code is ErrorCode.UNIQUE_CONFLICT and links is not None:
            holder = uniques.holder(state, links.unique)
        _refuse(state, client, submit, code, text, holder)
        return
    options = _options(state, submit, task_type, name, client.principal)
    task = _take_in(state, submit, options, queue, client.number, now, links, client.known)
    if submit.flags & _WANT_PROGRESS and task.state not in FINAL_STATES:
        endings.add_watcher(task, client.number)


def _refuse(
    state: State,
    client: Client,
    submit: Submit,
    code: ErrorCode,
    text: str | None = None,
    existing_id: bytes | None = None,
) -> None:
    error = error_message(code, command=Submit.COMMAND, seq=submit.seq, text=text, task_id=submit.task_id)
    if existing_id is not None:
        error = replace(error, existing_id=existing_id)
    state.refuse(client.number, error)


def _links(submit: Submit, task_type: str, queue: str, principal: str) -> Links | None:
    unique, after, gather, group = submit.unique, submit.after, submit.gather, submit.group
    if unique is None and after is None and gather is None and group is None:
        return None
    return Links(
        after=tuple(dict.fromkeys(after or ())),
        run_anyway=submit.on_dependency_failure == DependencyPolicy.RUN,
        size=gather.size if gather is not None else -1,
        form=gather.form if gather is not None else 0,
        callback=group.callback if group is not None else b"",
        place=group.index if group is not None else 0,
        unique=uniques.key(unique, task_type, queue, submit.envelope, principal) if unique is not None else b"",
        until=unique.until if unique is not None else 0,
    )


FINAL_STATES = frozenset(
    {TaskMachineState.SUCCEEDED, TaskMachineState.DEAD, TaskMachineState.CANCELLED, TaskMachineState.EXPIRED}
)


def take_in_run(state: State, submit: Submit, now: Now, principal: str) -> str | None:
    """Takes in a run of a recurring task, for which nobody waits. Returns why not, where it is left out."""
    task_type, name = codec.envelope_route(submit.envelope)
    queue, links = state.queues[name], _links(submit, task_type, name, principal)
    refusal = admission.of_run(state, queue, links)
    if refusal is None:
        options = _options(state, submit, task_type, name, principal)
        _take_in(state, submit, options, queue, 0, now, links, {})
    return refusal


def _take_in(
    state: State,
    submit: Submit,
    options: Options,
    queue: Queue,
    peer: int,
    now: Now,
    links: Links | None,
    known: Mapping[bytes, StoredTask | None],
) -> Task:
    """Takes a task in; `known` are tasks that have ended which it was to wait for."""
    state.last_seq += 1
    millis = now.millis
    task = Task(submit.task_id, state.last_seq, options, len(submit.envelope), millis)
    if submit.flags & _WANT_RESULT:
        task.waiter = peer
    due, expires = _times(submit, millis)
    if due is not None or expires is not None:
        task.rare = Rare(due=due, expires=expires)
        if expires is not None:
            _set_timer(state, submit.expires_at, expires, "expire", task)
    state.tasks.add(task)
    queue.live += 1
    if options.limited:
        limits.name(state, task)
    if links is not None:
        dependencies.tie(state, task, links)
        if links.unique and submit.unique is not None:
            uniques.hold(state, task, links.unique, links.until, submit.unique.hold, now)
    failed = _failed(state, task, links, known) if links is not None else None
    if failed is not None or (task.rare is not None and task.rare.blockers):
        move(task, TaskMachineEvent.BLOCK)
    elif due is not None and due > millis:
        move(task, TaskMachineEvent.DELAY)
        _set_timer(state, submit.not_before, due, "due", task)
    else:
        move(task, TaskMachineEvent.ADMIT)
    state.counts["submitted"] += 1
    state.turn.changes.inserted.append(
        Inserted(task.seq, task.id, options, int(task.state), millis, due, expires, submit.note, submit.envelope, links)
    )
    if task.state is TaskMachineState.READY:
        state.make_ready(task)
    elif failed is not None:
        dependencies.fail(state, task, failed)
    return task


def _options(state: State, submit: Submit, task_type: str, queue: str, principal: str) -> Options:
    limited = submit.concurrency is not None or submit.rate is not None
    resources = submit.resources
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
            tuple(sorted(submit.requires)) if submit.requires else (),
            tuple(sorted((resource.name, resource.amount) for resource in resources)) if resources else (),
            submit.concurrency,
            submit.rate,
            submit.fairness,
            limited,
            principal,
        )
    )


def _failed(state: State, task: Task, links: Links, known: Mapping[bytes, StoredTask | None]) -> bytes | None:
    """A task that had to succeed first, or a member of its group, and has ended otherwise."""
    if links.run_anyway:
        return None
    group = state.dependencies.groups.get(task.id) if links.size >= 0 else None
    if group is not None and group.failed:
        return group.failed
    for task_id in links.after:
        ended = known.get(task_id)
        if ended is not None and ended.outcome != Outcome.SUCCEEDED:
            return task_id
    return None


def _set_timer(state: State, date: int | None, millis: int, kind: Kind, task: Task) -> None:
    """A timer for a date goes by the wall clock; one for a duration by the monotonic clock."""
    if date is not None and date == millis:
        state.timers.on(millis, kind, task)
    else:
        state.timers.at(state.now.monotonic + (millis - state.now.millis) / 1000, kind, task)


def _times(submit: Submit, millis: int) -> tuple[int | None, int | None]:
    """When it may run and when it expires, by the wall clock; of two answers the later and the earlier one."""
    if submit.delay is None and submit.not_before is None and submit.expires_in is None and submit.expires_at is None:
        return None, None
    due = max(submit.not_before or 0, millis + submit.delay if submit.delay else 0) or None
    expiries = [at for at in (submit.expires_at, millis + submit.expires_in if submit.expires_in else None) if at]
    expires = min(expiries, default=None)
    return due and min(due, LATEST_MILLIS), expires and min(expires, LATEST_MILLIS)
