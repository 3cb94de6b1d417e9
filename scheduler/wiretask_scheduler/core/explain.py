"""Why a task is not running: the reason as data, and in words that say what to do."""

from __future__ import annotations

from wiretask_protocol.limits import RELAY_HEADROOM
from wiretask_protocol.machines import TaskMachineState
from wiretask_protocol.messages import Status, TaskState, WaitReason
from wiretask_scheduler.core.peers import Worker
from wiretask_scheduler.core.state import State
from wiretask_scheduler.core.tasks import Task
from wiretask_scheduler.core.turn import Now

Reason = tuple[WaitReason, str]


def status(state: State, task: Task, query: int, now: Now) -> Status:
    """Everything known of a task that has not ended."""
    reason, detail = why(state, task)
    rare = task.rare
    worker = state.sessions.get(task.holder) if task.lease else None
    started = rare.started if rare is not None and rare.started and task.lease else None
    return Status(
        query,
        task.id,
        int(task.state),
        reason,
        task.attempt - (not task.lease),
        task.options.type,
        task.options.queue,
        detail=detail or None,
        priority=task.options.priority,
        submitted=max(0, now.millis - task.submitted),
        started=max(0, int((now.wall - started) * 1000)) if started is not None else None,
        due=max(0, rare.due - now.millis) if rare is not None and rare.due is not None and not task.lease else None,
        worker=worker.name if worker is not None else None,
        error_type=rare.error_type if rare is not None else None,
        error_message=rare.error_message if rare is not None else None,
        max_attempts=task.options.max_attempts or None,
        deliveries=rare.deliveries if rare is not None else None,
    )


def why(state: State, task: Task) -> Reason:
    """The one reason that keeps a task from running."""
    if task.state is TaskMachineState.LEASED:
        return WaitReason.NONE, ""
    if task.state is TaskMachineState.SCHEDULED:
        if task.rare is not None and task.rare.backoff:
            return WaitReason.BACKOFF, f"it failed with {task.rare.error_type}; its next attempt is later"
        return WaitReason.DELAY, "it was asked to start later"
    if state.grace and task in state.held_back:
        return WaitReason.GRACE, "the scheduler has restarted and waits for the worker that may be running it"
    return _why_ready(state, task)


def _why_ready(state: State, task: Task) -> Reason:
    options = task.options
    workers = list(state.workers.values())
    by_queue = [worker for worker in workers if options.queue in worker.queues]
    if not by_queue:
        who = f"none of {len(workers)} connected workers takes" if workers else "no worker is connected that takes"
        return WaitReason.NO_WORKER, f"{who} the queue {options.queue}; start one"
    by_type = [worker for worker in by_queue if options.type in worker.types]
    if not by_type:
        text = f"no connected worker knows the type {options.type}; start one with the module that has it"
        return WaitReason.UNKNOWN_TYPE, text
    refused = task.rare.refused_by if task.rare is not None else ()
    if refused and all(worker.session in refused for worker in by_type):
        return WaitReason.UNKNOWN_TYPE, "every worker that knows its type could not read it; upgrade them"
    fitting = [worker for worker in by_type if task.size + RELAY_HEADROOM <= worker.frame_limit]
    if not fitting:
        return WaitReason.TOO_LARGE, f"no worker takes frames for its {task.size} octets; raise their frame limit"
    return _why_busy(task, fitting)


def _why_busy(task: Task, workers: list[Worker]) -> Reason:
    if all(worker.draining for worker in workers):
        return WaitReason.NO_WORKER, "every worker for it is draining; start another"
    if all(worker.slots < task.options.cost for worker in workers):
        return WaitReason.NO_SLOT, f"no worker has {task.options.cost} slots, which it costs; raise --concurrency"
    if all(0 < worker.octets < task.size for worker in workers):
        return WaitReason.NO_SLOT, f"no worker has a window for its {task.size} octets; raise one"
    if any(worker.free >= task.options.cost for worker in workers):
        return WaitReason.ORDER, "other tasks go first"
    return WaitReason.NO_SLOT, f"all {len(workers)} workers for it are busy"


#: The wire's states of a task are those of its machine, by number.
assert all(TaskMachineState(state.value).name == state.name for state in TaskState)
