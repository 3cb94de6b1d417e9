"""Taking reports: Results and Returns of workers, and what follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wiretask_protocol import codec
from wiretask_protocol.errors import ErrorCode, WireError, error_message
from wiretask_protocol.limits import RELAY_HEADROOM
from wiretask_protocol.machines import AssignmentEvent, TaskMachineEvent, TaskMachineState
from wiretask_protocol.messages import Credit, Outcome, Progress, Result, Return, ReturnReason
from wiretask_scheduler.core import endings, policy
from wiretask_scheduler.core.peers import Worker
from wiretask_scheduler.core.tasks import Rare, Task, move
from wiretask_scheduler.core.turn import LATEST_MILLIS, Now

if TYPE_CHECKING:
    from wiretask_scheduler.core.state import State


def on_result(state: State, worker: Worker, result: Result, now: Now) -> None:
    """A worker says how a task ended. What it says of a lease that is not current changes nothing."""
    worker.take(result.seq, Result.COMMAND)
    task = worker.leases.get(result.lease)
    if task is None or task.id != result.task_id:
        _stale(state, worker, Result.COMMAND, result)
        return
    worker.release(result.lease)
    worker.done += 1
    state.unsettled = True
    if result.outcome == Outcome.SUCCEEDED:
        if len(result.report) <= state.settings.frame_limit - RELAY_HEADROOM:
            endings.end(state, task, TaskMachineEvent.SUCCEED, result.outcome, result.report, now)
        else:
            text = "the result is larger than the frame limit less its headroom; return a reference to it"
            endings.end(
                state, task, TaskMachineEvent.GIVE_UP, Outcome.FAILED, endings.own_report("ResultTooLarge", text), now
            )
        return
    _on_failure(state, worker, task, result, now)


def _on_failure(state: State, worker: Worker, task: Task, result: Result, now: Now) -> None:
    _note(state, worker, task, result)
    if result.outcome == Outcome.CANCELLED:
        endings.end(state, task, TaskMachineEvent.STOP, result.outcome, result.report, now)
    elif result.outcome == Outcome.CRASHED:
        crashed(state, task, now)
    elif result.no_retry:
        endings.end(state, task, TaskMachineEvent.GIVE_UP, result.outcome, result.report, now)
    else:
        wait = result.retry_after / 1000 if result.retry_after is not None else None
        failed(state, worker, task, result.outcome, result.report, now, wait=wait)


def failed(
    state: State, worker: Worker, task: Task, outcome: int, report: bytes, now: Now, wait: float | None = None
) -> None:
    """An attempt has failed: the next one comes after a wait in seconds, or there is none left."""
    rare = task.rarely()
    most = task.options.max_attempts or worker.types.get(task.options.type, 0) or 1
    if rare.cancelling or rare.overdue or rare.failures + 1 >= most:
        endings.end(state, task, TaskMachineEvent.GIVE_UP, outcome, report, now)
        return
    rare.failures += 1
    if wait is None:
        wait = policy.backoff_seconds(task.options.retry, rare.failures, state.jitter(), state.settings)
    retry(state, task, wait, now)


def retry(state: State, task: Task, wait: float, now: Now) -> None:
    """Gives a task another attempt after a wait in seconds."""
    rare = task.rarely()
    rare.due = min(now.millis + int(wait * 1000), LATEST_MILLIS)
    rare.backoff = True
    rare.former = task.lease
    move(task, TaskMachineEvent.RETRY)
    state.vacate(task, TaskMachineState.LEASED)
    state.timers.at(now.monotonic + wait, "due", task)
    state.counts["retried"] += 1
    if state.watched:
        state.tell("retried", task)
    state.record(task)


def crashed(state: State, task: Task, now: Now) -> None:
    """The process that ran a task died, as its history says. Too often, and it is given up; else others may have it."""
    rare = task.rarely()
    rare.crashes += 1
    if rare.crashes >= state.settings.crash_limit:
        exits = "; ".join(_exits(rare))
        text = f"{rare.crashes} deliveries ended with the death of the process that ran it; it is given up ({exits})"
        endings.end(state, task, TaskMachineEvent.GIVE_UP, Outcome.DEAD, endings.own_report("Crashed", text), now)
    elif rare.cancelling:
        endings.cancel(state, task, now)
    else:
        _take_back(state, task, now)


def _take_back(state: State, task: Task, now: Now) -> None:
    """Others may have a task that comes back, unless it has expired meanwhile."""
    state.take_back(task)
    if task.rarely().overdue:
        endings.expire(state, task, now)
    else:
        state.record(task)


def _exits(rare: Rare) -> list[str]:
    """The last exits of its workers, for people."""
    crashes = [attempt for attempt in rare.history if attempt.outcome == Outcome.CRASHED][-_EXITS:]
    return [f"{attempt.worker}: {attempt.error_message or 'it vanished'}" for attempt in crashes]


def lost(state: State, task: Task, now: Now) -> None:
    """The worker that had a task fell silent. Too often, and it is given up; else others may have it."""
    rare = task.rarely()
    rare.losses += 1
    if rare.losses >= state.settings.loss_limit:
        text = f"{rare.losses} workers that had it fell silent; it is given up"
        report = endings.own_report("Lost", text)
        endings.end(state, task, TaskMachineEvent.GIVE_UP, Outcome.LOST, report, now)
    elif rare.cancelling:
        endings.cancel(state, task, now)
    else:
        _take_back(state, task, now)


def given_back(state: State, task: Task, now: Now) -> None:
    """A delivery has ended through no fault of the task: it burns nothing."""
    if task.rare is not None and task.rare.cancelling:
        endings.cancel(state, task, now)
    else:
        state.counts["returned"] += 1
        _take_back(state, task, now)


def on_return(state: State, worker: Worker, returned: Return, now: Now) -> None:
    """A worker gives a task back, or says that it keeps it."""
    worker.take(returned.seq, Return.COMMAND)
    task = worker.leases.get(returned.lease)
    if task is None or task.id != returned.task_id:
        _stale(state, worker, Return.COMMAND, returned)
        return
    if returned.reason == ReturnReason.KEPT:
        state.answered(returned.lease)
        state.unsettled = True
        worker.advance(returned.lease, AssignmentEvent.KEEP)
        worker.waiting.pop(returned.lease, None)
        return
    worker.release(returned.lease)
    if returned.reason == ReturnReason.UNSUPPORTED:
        rare = task.rarely()
        rare.refused_by = (*rare.refused_by[1 - _REFUSALS :], worker.session)
        rare.error_type, rare.error_message = "Unsupported", returned.text or "a worker could not read the task"
    state.unsettled = True
    given_back(state, task, now)


def on_credit(state: State, worker: Worker, credit: Credit) -> None:
    """A worker says how much it takes."""
    more = credit.slots > worker.slots
    worker.slots = credit.slots
    worker.concurrency = credit.concurrency or 0
    worker.octets = credit.octets
    worker.begun = max(worker.begun, credit.begun)
    if more:
        worker.lanes = [lane for lane in state.ready if worker.can_take(lane)]
    if worker.slots > worker.outstanding or state.waiting:
        # Who has no room changes nothing for anybody, and thousands say so when each has got its task.
        state.unsettled = True


def on_progress(state: State, worker: Worker, progress: Progress) -> None:
    """Passes progress on to those who want it. Progress of a lease that is not current is left out."""
    task = worker.leases.get(progress.lease)
    if task is None or task.id != progress.task_id or task.rare is None:
        return
    rest = (progress.current, progress.total, progress.body, progress.text)
    for peer in task.rare.watchers:
        if peer in state.clients:
            state.turn.send(peer, Progress(task.id, 0, *rest))


def _note(state: State, worker: Worker, task: Task, result: Result) -> None:
    """Remembers what a worker says of an attempt that did not succeed."""
    try:
        said = codec.decode_report(result.report)
        error_type, message = said.error_type, said.error_message
    except WireError:
        error_type, message = None, None
    if result.outcome == Outcome.CRASHED:
        error_type = error_type or "Crashed"
    if result.exit_status is not None:
        message = f"{message or 'the process died'} ({_exit_text(result.exit_status)})"
    state.note(task, result.outcome, error_type, message, worker.name)


def _exit_text(status: int) -> str:
    return f"signal {status - 256}" if status >= 256 else f"exit code {status}"


#: Exits of workers that a quarantined task names.
_EXITS = 3
#: Workers that could not read a task, which are remembered with it.
_REFUSALS = 256


def _stale(state: State, worker: Worker, command: int, report: Result | Return) -> None:
    if not (isinstance(report, Return) and report.reason == ReturnReason.KEPT):
        # What is kept uses its slot until the worker has reported on it.
        worker.settle(report.lease)
    state.unsettled = True
    state.counts["stale"] += 1
    error = error_message(ErrorCode.STALE_LEASE, command=command, seq=report.seq, task_id=report.task_id)
    state.refuse(worker.number, error)
