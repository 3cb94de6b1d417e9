"""What clients ask about tasks that are there: cancel, await and query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.machines import TaskMachineEvent
from wiretask_protocol.messages import Await, Cancel, CancelMode, Query, Status
from wiretask_scheduler.core import dependencies, endings, explain, facts
from wiretask_scheduler.core.peers import Client
from wiretask_scheduler.core.records import StoredTask
from wiretask_scheduler.core.tasks import Task, move
from wiretask_scheduler.core.turn import Lookup, Now

if TYPE_CHECKING:
    from wiretask_scheduler.core.state import State


def _seen(state: State, client: Client, task_id: bytes) -> Task | None:
    """A task that lives. Another principal's is not there: the store is asked as for one that is not (R-AUT-009)."""
    task = state.tasks.get(task_id)
    return task if task is not None and client.sees(task.options.principal) else None


def on_cancel(state: State, client: Client, cancel: Cancel, now: Now) -> None:
    """Stops a task: at once if nobody has it, else its worker is asked. An ended or unknown one stays as it is."""
    client.take(cancel.seq, Cancel.COMMAND)
    task = _seen(state, client, cancel.task_id)
    if task is None:
        return
    if cancel.tree:
        dependencies.uproot(state, task)
    stop(state, task, cancel.mode, now)


def stop(state: State, task: Task, mode: int, now: Now) -> None:
    """Stops a task."""
    if not task.lease:
        endings.cancel(state, task, now)
        return
    move(task, TaskMachineEvent.CANCEL)
    task.rarely().cancelling = mode = mode or CancelMode.COOPERATIVE
    # R-CAN-003 holds after a restart, too.
    state.turn.changes.facts[facts.stop(task.seq)] = facts.Fact(facts.pack(int(mode)))
    ask_worker_to_stop(state, task, mode)


def ask_worker_to_stop(state: State, task: Task, mode: int = CancelMode.COOPERATIVE) -> None:
    """Tells the worker that has a task to stop it."""
    worker = state.sessions.get(task.holder)
    if worker is not None and worker.number:
        state.turn.send(worker.number, Cancel(worker.next(), task.id, task.lease, mode))


def on_await(state: State, client: Client, await_: Await) -> None:
    """Sends the Result of a task when it has ended, also if that was long ago."""
    client.take(await_.seq, Await.COMMAND)
    task = _seen(state, client, await_.task_id)
    if task is not None:
        endings.add_waiter(task, client.number)
        if await_.progress:
            endings.add_watcher(task, client.number)
    else:
        state.turn.lookups.append(Lookup(client.number, await_.seq, await_.task_id, "await"))


def on_query(state: State, client: Client, query: Query, now: Now) -> None:
    """Says everything known of a task."""
    client.take(query.seq, Query.COMMAND)
    task = _seen(state, client, query.task_id)
    if task is not None:
        state.turn.send(client.number, explain.status(state, task, query.seq, now))
    else:
        state.turn.lookups.append(Lookup(client.number, query.seq, query.task_id, "query"))


def found(state: State, lookup: Lookup, stored: StoredTask | None, now: Now) -> None:
    """Answers a lookup with what the store had. A task that lives (it was revived since) is asked again."""
    client = state.clients.get(lookup.peer)
    if client is None:
        return
    task = _seen(state, client, lookup.task_id)
    code = ErrorCode.UNKNOWN_TASK
    if stored is not None and not client.sees(stored.options.principal):
        if not lookup.seq:
            # Not asked for: its own Submit has met it in the store (`Broker.conflicted`).
            code = ErrorCode.ID_TAKEN
        stored = None
    command = Query.COMMAND if lookup.kind == "query" else Await.COMMAND
    if task is not None:
        if lookup.kind == "await":
            endings.add_waiter(task, client.number)
        else:
            state.turn.send(client.number, explain.status(state, task, lookup.seq, now))
    elif stored is None or stored.outcome is None:
        error = error_message(code, command=command, seq=lookup.seq, task_id=lookup.task_id)
        state.refuse(client.number, error)
    elif lookup.kind == "await":
        endings.deliver_stored(state, client, stored)
    else:
        state.turn.send(client.number, ended_status(stored, lookup.seq, now))


def ended_status(stored: StoredTask, query: int, now: Now) -> Status:
    """The Status of a task that has ended."""
    last = next((attempt for attempt in reversed(stored.history) if attempt.error_type is not None), None)
    return Status(
        query,
        stored.id,
        stored.state,
        0,
        stored.attempt,
        stored.options.type,
        stored.options.queue,
        priority=stored.options.priority,
        submitted=max(0, now.millis - stored.submitted),
        ended=max(0, now.millis - stored.ended) if stored.ended is not None else None,
        outcome=stored.outcome,
        error_type=explain.told(last.error_type) if last is not None else None,
        error_message=explain.told(last.error_message) if last is not None else None,
        max_attempts=stored.options.max_attempts or None,
        history=explain.history(stored.history, now),
    )
