"""From the Result of a task to what its submitter gets: a value, or an exception.

It knows bodies and outcomes, and nothing of who waits. A raw body is bytes as they are; a JSON body is any value.
"""

from __future__ import annotations

from typing import Any

import msgspec

from wiretask_client.errors import (
    ClientError,
    TaskCancelled,
    TaskEnded,
    TaskExpired,
    TaskFailed,
    TaskGivenUp,
    TaskTimedOut,
    UnreadableResult,
)
from wiretask_client.ids import id_text
from wiretask_protocol.codec import decode_report
from wiretask_protocol.errors import WireError
from wiretask_protocol.messages import Encoding, Outcome, Report, Result

_SUCCEEDED = int(Outcome.SUCCEEDED)
_RAW = int(Encoding.RAW)
_JSON = int(Encoding.JSON)

_ENDS: dict[int, type[TaskEnded]] = {
    Outcome.FAILED: TaskFailed,
    Outcome.CANCELLED: TaskCancelled,
    Outcome.TIMED_OUT: TaskTimedOut,
    Outcome.CRASHED: TaskGivenUp,
    Outcome.EXPIRED: TaskExpired,
    Outcome.DEAD: TaskGivenUp,
    Outcome.LOST: TaskGivenUp,
}


def value(message: Result) -> Any:
    """What the task returned. Raises TaskEnded if it did not return, UnreadableResult if that cannot be read."""
    found = value_or_error(message)
    if isinstance(found, ClientError):
        raise found
    return found


def report(message: Result) -> Report:
    """What the task returned, as it came. Raises as `value` does."""
    found = report_or_error(message)
    if isinstance(found, ClientError):
        raise found
    return found


def value_or_error(message: Result) -> Any:
    """What the task returned, or the ClientError that says why there is nothing."""
    found = report_or_error(message)
    if isinstance(found, ClientError):
        return found
    if found.encoding == _RAW:
        return found.body
    if found.encoding != _JSON:
        why = f"encoding {found.encoding} is not known here; its bytes are in .report.body"
        return UnreadableResult(id_text(message.task_id), found, why)
    try:
        return msgspec.json.decode(found.body)
    except (ValueError, RecursionError) as error:
        return UnreadableResult(id_text(message.task_id), found, f"it is not JSON ({error})")


def report_or_error(message: Result) -> Report | ClientError:
    """What the task returned, as it came, or why there is nothing."""
    try:
        found = decode_report(message.report)
    except WireError as error:
        return UnreadableResult(id_text(message.task_id), Report(_RAW, message.report), error.text)
    if message.outcome == _SUCCEEDED:
        return found
    kind = _ENDS.get(message.outcome, TaskEnded)
    return kind(id_text(message.task_id), message.outcome, found, message.exit_status)
