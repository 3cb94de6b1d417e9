"""Why a task is not running: the reason as data, and in words that say what to do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from wiretask_protocol.errors import short
from wiretask_protocol.limits import RELAY_HEADROOM
from wiretask_protocol.machines import TaskMachineState
from wiretask_protocol.messages import AttemptRecord, Status, TaskState, WaitReason
from wiretask_scheduler.core.peers import Worker
from wiretask_scheduler.core.queues import Mode
from wiretask_scheduler.core.tasks import Attempt, Task
from wiretask_scheduler.core.turn import Now

if TYPE_CHECKING:
    from wiretask_scheduler.core.state import State

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
        detail=short(detail) if detail else None,
        priority=task.options.priority,
        submitted=max(0, now.millis - task.submitted),
        started=max(0, int((now.wall - started) * 1000)) if started is not None else None,
        due=max(0, rare.due - now.millis) if rare is not None and rare.due is not None and not task.lease else None,
        worker=worker.name if worker is not None else None,
        error_type=told(rare.error_type) if rare is not None else None,
        error_message=told(rare.error_message) if rare is not None else None,
        max_attempts=task.options.max_attempts or None,
        deliveries=min(rare.deliveries, _MOST_DELIVERIES) if rare is not None else None,
        history=history(rare.history, now) if rare is not None else None,
        ahead=_ahead(state, task) if reason in _IN_LINE else None,
    )


def told(text: str | None) -> str | None:
    """A text of a worker as a Status can carry it."""
    return None if text is None else short(text)


#: Of the tasks that one waits for: more would keep others waiting.
_LOOKED_AT = 10_000
#: What a Status can say; a task may be given back for ever.
_MOST_DELIVERIES = (1 << 16) - 1
#: Reasons of tasks that stand in line with others.
_IN_LINE = frozenset({WaitReason.NO_SLOT, WaitReason.ORDER, WaitReason.CONCURRENCY, WaitReason.RATE})


def _ahead(state: State, task: Task) -> int:
    """About how many tasks go before a ready one, of those that the same workers can take."""
    line = task.gate.line if task.gate is not None else state.lane(task)
    return line.ahead(task)


def why(state: State, task: Task) -> Reason:
    """The one reason that keeps a task from running."""
    if task.state is TaskMachineState.LEASED:
        return WaitReason.NONE, ""
    if task.state is TaskMachineState.WAITING:
        return WaitReason.DEPENDENCY, _dependency_text(state, task)
    if task.state is TaskMachineState.SCHEDULED:
        if task.rare is not None and task.rare.backoff:
            return WaitReason.BACKOFF, f"it failed with {task.rare.error_type}; its next attempt is later"
        return WaitReason.DELAY, "it was asked to start later"
    if task in state.held_back:
        return WaitReason.GRACE, "the scheduler has restarted and waits for the worker that may be running it"
    return _why_ready(state, task)


def _why_ready(state: State, task: Task) -> Reason:
    options = task.options
    if state.queues[options.queue].mode is Mode.PAUSED:
        return WaitReason.PAUSED, f"the queue {options.queue} is paused; resume it with wiretask queue resume"
    if task.gate is not None:
        return task.gate.reason, task.gate.text()
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
    labelled = [worker for worker in fitting if worker.labels.issuperset(options.requires)]
    if not labelled:
        labels = ", ".join(options.requires)
        return WaitReason.LABEL, f"no worker for it has the labels {labels}; start one with --label"
    for name, amount in options.resources:
        labelled = [worker for worker in labelled if worker.resources.get(name, 0) >= amount]
        if not labelled:
            return WaitReason.RESOURCE, f"no worker for it has {amount} of {name}; start one with --resource"
    return _why_busy(state, task, labelled)


def _why_busy(state: State, task: Task, workers: list[Worker]) -> Reason:
    if all(worker.draining for worker in workers):
        return WaitReason.NO_WORKER, "every worker for it is draining; start another"
    if all(worker.slots < task.options.cost for worker in workers):
        return WaitReason.NO_SLOT, f"no worker has {task.options.cost} slots, which it costs; raise --concurrency"
    if all(0 < worker.octets < task.size for worker in workers):
        return WaitReason.NO_SLOT, f"no worker has a window for its {task.size} octets; raise one"
    if task.rare is not None and task.rare.crashes and state.suspect is not None:
        text = f"a worker died with it; such tasks run one at a time, and {state.suspect.id.hex()} runs"
        return WaitReason.SUSPECT, text
    if any(worker.free >= task.options.cost for worker in workers):
        short = _short_of(task, workers)
        if short is not None:
            return WaitReason.RESOURCE, f"all {len(workers)} workers for it use their {short} for others"
        return WaitReason.ORDER, "other tasks go first"
    return WaitReason.NO_SLOT, f"all {len(workers)} workers for it are busy"


def _short_of(task: Task, workers: list[Worker]) -> str | None:
    """A resource of which none of the workers with a free slot has enough left."""
    free = [worker for worker in workers if worker.free >= task.options.cost]
    for name, amount in task.options.resources:
        if all(worker.resources.get(name, 0) - worker.used.get(name, 0) < amount for worker in free):
            return name
    return None


def _dependency_text(state: State, task: Task) -> str:
    rare = task.rare
    if rare is None or rare.links is None:
        return ""
    group = state.dependencies.groups.get(task.id)
    first = islice(rare.links.after, _LOOKED_AT)
    waits_for = next((found for found in first if state.tasks.get(found) is not None), None)
    if waits_for is not None:
        return f"{rare.blockers} tasks must end first, such as {waits_for.hex()}"
    if rare.links.size < 0:
        return f"{rare.blockers} tasks must end first"
    ended = group.ended if group is not None else 0
    return f"{ended} of the {rare.links.size} members of its group have ended"


def history(attempts: Sequence[Attempt], now: Now) -> tuple[AttemptRecord, ...] | None:
    """How deliveries went, as a Status says it."""
    return (
        tuple(
            AttemptRecord(
                attempt.attempt,
                attempt.outcome,
                max(0, now.millis - attempt.ended),
                attempt.worker,
                ": ".join(filter(None, (attempt.error_type, attempt.error_message)))[:_ERROR_CHARACTERS],
            )
            for attempt in attempts
        )
        or None
    )


#: Four octets each at most: what a ShortText takes.
_ERROR_CHARACTERS = 256
#: The wire's states of a task are those of its machine, by number.
assert all(TaskMachineState(state.value).name == state.name for state in TaskState)
