"""From a request to the frame that asks for it, or why there can be none."""

from __future__ import annotations

from wiretask_client.core.requests import ScheduleRequest, Sequenced, SubmitRequest
from wiretask_client.errors import ClientError, Refused, cannot_send, refusal
from wiretask_protocol.codec import encode, frame_submit
from wiretask_protocol.errors import ErrorCode, WireError, error_message
from wiretask_protocol.limits import RELAY_HEADROOM
from wiretask_protocol.messages import Schedule, Submit

#: What stands before the payload of a frame: the command and the length (PROTOCOL.md, Framing).
_HEAD_OCTETS = 5


def framed(request: Sequenced, seq: int, frame_limit: int) -> bytes | ClientError:
    """The frame of a request. What the scheduler would end the connection for has its error here."""
    envelope = request.envelope if type(request) is SubmitRequest else _envelope(request)
    if len(envelope) > frame_limit - RELAY_HEADROOM:
        return _too_large(request, len(envelope), frame_limit - RELAY_HEADROOM)
    try:
        if type(request) is SubmitRequest and request.first_sent is None and not request.tags and not request.accepted:
            return frame_submit(seq, request.task_id, request.flags, request.priority, envelope)
        frame = encode(request.message(seq))
    except WireError as error:
        return cannot_send(error)
    if len(frame) > frame_limit + _HEAD_OCTETS:  # a long `after`, most likely
        return _too_large(request, len(frame) - _HEAD_OCTETS, frame_limit)
    return frame


def _envelope(request: Sequenced) -> bytes:
    """What it asks to be run, if anything."""
    if isinstance(request, SubmitRequest):
        return request.envelope
    found: bytes = request.tags.get("envelope", b"") if isinstance(request, ScheduleRequest) else b""
    return found


def _too_large(request: Sequenced, octets: int, most: int) -> Refused:
    text = f"the task has {octets} bytes, the scheduler takes {most}; raise its limit or pass a reference"
    command = Submit.COMMAND if isinstance(request, SubmitRequest) else Schedule.COMMAND
    return refusal(error_message(ErrorCode.TASK_TOO_LARGE, command=command, text=text))
