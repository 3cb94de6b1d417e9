"""Everything known of a task, for people: words instead of numbers, seconds instead of milliseconds."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from wiretask_client.ids import id_text
from wiretask_protocol.messages import AttemptRecord, Outcome, Status, TaskState, WaitReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How one attempt went."""

    attempt: int
    outcome: str
    ended_seconds_ago: float
    worker: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStatus:
    """Everything known of a task. What the scheduler did not say is None."""

    id: str
    type: str
    queue: str
    #: waiting, scheduled, ready, leased, succeeded, dead, cancelled or expired.
    state: str
    #: Why it is not running; "none" where it is or has ended.
    reason: str
    #: The reason in words.
    detail: str | None = None
    #: Attempts that have begun and failed, and the present one if it runs.
    attempt: int = 0
    max_attempts: int | None = None
    deliveries: int | None = None
    priority: int | None = None
    submitted_seconds_ago: float | None = None
    started_seconds_ago: float | None = None
    ended_seconds_ago: float | None = None
    due_in_seconds: float | None = None
    outcome: str | None = None
    worker: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    #: About how many tasks go first.
    ahead: int | None = None
    history: tuple[Attempt, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self.state in _ENDED


_ENDED = frozenset({"succeeded", "dead", "cancelled", "expired"})


def task_status(message: Status) -> TaskStatus:
    """What a Status says."""
    return TaskStatus(
        id=id_text(message.task_id),
        type=message.type,
        queue=message.queue,
        state=_word(TaskState, message.state),
        reason=_word(WaitReason, message.reason),
        detail=message.detail,
        attempt=message.attempt,
        max_attempts=message.max_attempts,
        deliveries=message.deliveries,
        priority=message.priority,
        submitted_seconds_ago=_seconds(message.submitted),
        started_seconds_ago=_seconds(message.started),
        ended_seconds_ago=_seconds(message.ended),
        due_in_seconds=_seconds(message.due),
        outcome=None if message.outcome is None else _word(Outcome, message.outcome),
        worker=message.worker,
        error_type=message.error_type,
        error_message=message.error_message,
        ahead=message.ahead,
        history=tuple(_attempt(record) for record in message.history or ()),
    )


def _attempt(record: AttemptRecord) -> Attempt:
    return Attempt(
        attempt=record.attempt,
        outcome=_word(Outcome, record.outcome),
        ended_seconds_ago=record.ended / 1000,
        worker=record.worker,
        error=record.error,
    )


def _word(words: type[enum.IntEnum], number: int) -> str:
    """The spec's word for a number; a number that this version does not know stays one."""
    try:
        return words(number).name.lower()
    except ValueError:
        return str(number)


def _seconds(millis: int | None) -> float | None:
    return None if millis is None else millis / 1000
