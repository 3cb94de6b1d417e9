"""How tasks end: the row that is kept, and the Result for everybody who waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wiretask_protocol import codec
from wiretask_protocol.machines import TaskMachineEvent
from wiretask_protocol.messages import Encoding, Outcome, Report, Result
from wiretask_scheduler.core import dependencies, facts, uniques
from wiretask_scheduler.core.peers import Client
from wiretask_scheduler.core.records import StoredTask
from wiretask_scheduler.core.tasks import Task, move
from wiretask_scheduler.core.turn import LATEST_MILLIS, Ended, NoticeKind, Now

if TYPE_CHECKING:
    from wiretask_scheduler.core.state import State


def add_waiter(task: Task, peer: int) -> None:
    """The Result goes to this peer, too."""
    if not task.waiter or task.waiter == peer:
        task.waiter = peer
    else:
        rare = task.rarely()
        if peer not in rare.waiters:
            rare.waiters = (*rare.waiters, peer)


def add_watcher(task: Task, peer: int) -> None:
    """Its Progress goes to this peer, too."""
    rare = task.rarely()
    if peer not in rare.watchers:
        rare.watchers = (*rare.watchers, peer)


def end(state: State, task: Task, event: TaskMachineEvent, outcome: int, report: bytes, now: Now) -> None:
    """Ends a task: the store keeps its report, who waits for it gets it, memory lets go of it."""
    attempt = task.attempt
    former = task.state
    move(task, event)
    state.vacate(task, former)
    state.remove(task)
    state.counts[_COUNTED[event]] += 1
    if event is not TaskMachineEvent.SUCCEED and state.watched:
        state.tell(_TOLD[event], task)
    if task.rare is not None:
        let_go(state, task)
    millis = now.millis
    dead = event is TaskMachineEvent.GIVE_UP
    usual = state.dead_retention if dead else state.usual_retention
    retention = task.options.retention
    kept = usual if retention is None else retention
    state.turn.changes.ended.append(
        Ended(
            task.seq,
            int(task.state),
            outcome,
            attempt,
            report if kept else None,
            task.rare.history if task.rare is not None else (),
            millis,
            # The id is remembered for the window that the accept has promised, also where the result is not kept.
            min(millis + max(kept, usual), LATEST_MILLIS),
            dead,
        )
    )
    deliver(state, task, outcome, report, attempt)
    if task.rare is not None or state.dependencies.dependents:
        dependencies.ended(state, task, outcome, report)


def let_go(state: State, task: Task) -> None:
    """Nothing holds its unique key any more, and that it was asked to stop is over."""
    uniques.ended(state, task)
    if task.rare is not None and task.rare.cancelling:
        state.turn.changes.facts[facts.stop(task.seq)] = None


def deliver(state: State, task: Task, outcome: int, report: bytes, attempt: int) -> None:
    """Sends the Result to those who wait for it and are still there."""
    _send_result(state, task.waiter, task.id, outcome, report, attempt)
    if task.rare is not None:
        for peer in task.rare.waiters:
            _send_result(state, peer, task.id, outcome, report, attempt)


def _send_result(state: State, peer: int, task_id: bytes, outcome: int, report: bytes, attempt: int) -> None:
    client = state.clients.get(peer)
    if client is not None:
        state.accept(client)
        state.turn.send(peer, Result(client.next(), task_id, 0, outcome, report, attempt=attempt))


def deliver_stored(state: State, client: Client, stored: StoredTask) -> None:
    """Sends the Result of a task that ended earlier, or what is left of it."""
    assert stored.outcome is not None
    text = "the task has ended, and its result is not kept any more"
    report = stored.report if stored.report is not None else own_report("Forgotten", text)
    _send_result(state, client.number, stored.id, stored.outcome, report, stored.attempt)


def own_report(error_type: str, message: str) -> bytes:
    """A report that the scheduler writes itself, where no worker has written one."""
    return codec.encode_report(Report(Encoding.RAW, b"", error_type, message))


def cancel(state: State, task: Task, now: Now) -> None:
    """Ends a task that somebody asked to stop."""
    event = TaskMachineEvent.STOP if task.lease else TaskMachineEvent.CANCEL
    end(state, task, event, Outcome.CANCELLED, own_report("Cancelled", "the task was cancelled"), now)


def expire(state: State, task: Task, now: Now) -> None:
    """Ends a task whose time is over before it could begin."""
    report = own_report("Expired", "no worker began the task before it expired")
    end(state, task, TaskMachineEvent.EXPIRE, Outcome.EXPIRED, report, now)


_TOLD: dict[TaskMachineEvent, NoticeKind] = {
    TaskMachineEvent.GIVE_UP: "dead",
    TaskMachineEvent.CANCEL: "cancelled",
    TaskMachineEvent.STOP: "cancelled",
    TaskMachineEvent.EXPIRE: "expired",
}
_COUNTED = {
    TaskMachineEvent.SUCCEED: "succeeded",
    TaskMachineEvent.GIVE_UP: "dead",
    TaskMachineEvent.CANCEL: "cancelled",
    TaskMachineEvent.STOP: "cancelled",
    TaskMachineEvent.EXPIRE: "expired",
}
