"""Whether a task is taken in: what a Submit must satisfy, and what a recurring task must, and each of its runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from wiretask_protocol import codec
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.limits import RELAY_HEADROOM
from wiretask_protocol.messages import (
    CatchUpPolicy,
    DependencyPolicy,
    OverlapPolicy,
    Schedule,
    Submit,
    UniqueScope,
    UniqueUntil,
)
from wiretask_scheduler.core import dependencies, groups, uniques
from wiretask_scheduler.core.peers import Client
from wiretask_scheduler.core.queues import Mode, Queue
from wiretask_scheduler.core.tasks import Links

if TYPE_CHECKING:
    from wiretask_scheduler.core.state import State

#: A code, and a text where that of the code does not say enough.
Refusal = tuple[ErrorCode, str | None]


def of_submit(
    state: State, client: Client, submit: Submit, task_type: str, queue: Queue, links: Links | None
) -> Refusal | None:
    """Why a task that a client submits is not taken in; None if it is."""
    if not client.grant.allows(queue.name):
        return ErrorCode.FORBIDDEN, forbidden(queue.name)
    if submit.task_id[14:] != queue.placement:
        return ErrorCode.PLACEMENT_MISMATCH, None
    refusal = _of_envelope(task_type, queue.name, submit.envelope, client.frame_limit) or _of_queue(state, queue)
    if refusal is not None or links is None:
        return refusal
    return _unknown_word(submit, _OF_TASKS) or _of_links(state, client, submit, links)


def of_schedule(state: State, schedule: Schedule) -> Refusal | None:
    """Why a recurring task is not put; None if it may be."""
    assert schedule.envelope is not None  # R-SCH-001
    task_type, queue = codec.envelope_route(schedule.envelope)
    refusal = _of_envelope(task_type, queue, schedule.envelope, state.settings.frame_limit)
    refusal = refusal or _unknown_word(schedule, _OF_SCHEDULES)
    if refusal is None and state.store_full:
        return ErrorCode.STORE_FULL, None
    return refusal


def of_run(state: State, queue: Queue, links: Links | None) -> str | None:
    """Why a run of a recurring task is left out; None if it is taken in."""
    refusal = _of_queue(state, queue)
    if refusal is not None:
        return refusal[1]
    holder = uniques.holder(state, links.unique) if links is not None and links.unique else None
    return f"the task {holder.hex()} has its unique key" if holder is not None else None


def _of_envelope(task_type: str, queue: str, envelope: bytes, frame_limit: int) -> Refusal | None:
    if task_type.startswith("wiretask.") or queue.startswith("wiretask."):
        return ErrorCode.RESERVED_NAME, None
    if len(envelope) > frame_limit - RELAY_HEADROOM:
        return ErrorCode.TASK_TOO_LARGE, None
    return None


def _of_queue(state: State, queue: Queue) -> Refusal | None:
    if state.store_full:
        return ErrorCode.STORE_FULL, "the store takes nothing new now; free space on its disk"
    if queue.mode is Mode.CLOSED:
        text = f"an operator lets the queue {queue.name} run empty; submit later, or to another queue"
        return ErrorCode.QUEUE_CLOSED, text
    if queue.full:
        text = f"the queue {queue.name} has {queue.live} tasks, and no more may wait in it; submit later"
        return ErrorCode.QUEUE_FULL, text
    return None


def forbidden(queue: str) -> str:
    """What somebody reads whose token is not for a queue."""
    return f"the token is not for the queue {queue}; choose another queue, or use another token"


def _of_links(state: State, client: Client, submit: Submit, links: Links) -> Refusal | None:
    for task_id in links.after:
        if task_id != submit.task_id and not _sees(state, client, task_id):
            text = f"the task {task_id.hex()} is not known; submit it first, and within the dedup window"
            return ErrorCode.UNKNOWN_DEPENDENCY, text
    cycle = dependencies.cycle(state, submit.task_id, links.after, links)
    if cycle is not None:
        return ErrorCode.DEPENDENCY_CYCLE, f"the task would wait for itself: {cycle}"
    misfit = groups.misfit(state, submit.task_id, links, client.principal)
    if misfit is not None:
        return ErrorCode.BAD_GROUP, misfit
    if links.unique and uniques.holder(state, links.unique) is not None:
        return ErrorCode.UNIQUE_CONFLICT, None
    return None


def _sees(state: State, client: Client, task_id: bytes) -> bool:
    """Whether a task that another one is to wait for is known, lives or not, and the client's own."""
    found = state.tasks.get(task_id) or client.known.get(task_id)
    return found is not None and client.sees(found.options.principal)


Options = Mapping[str, Callable[[Any], bool]]


def _unknown_word(message: Submit | Schedule, options: Options) -> Refusal | None:
    """Values of open enums that a newer client may have more of; what they say must be understood."""
    for name, known in options.items():
        value = getattr(message, name)
        if value is not None and not known(value):
            return ErrorCode.UNSUPPORTED_OPTION, f"this scheduler does not know what {name} says; it is older than you"
    return None


def _is_member(kind: type[IntEnum], value: int) -> bool:
    return any(value == member for member in kind)


_OF_TASKS: Options = {
    "unique": lambda unique: _is_member(UniqueScope, unique.scope) and _is_member(UniqueUntil, unique.until),
    "on_dependency_failure": lambda policy: _is_member(DependencyPolicy, policy),
}
_OF_SCHEDULES: Options = {
    **_OF_TASKS,
    "overlap": lambda policy: _is_member(OverlapPolicy, policy),
    "catch_up": lambda policy: _is_member(CatchUpPolicy, policy),
}
