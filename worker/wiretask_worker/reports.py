"""What a finished attempt says: results and errors as Reports.

Knows values, exceptions and the Report of the protocol; nothing of tasks or connections. Tracebacks begin at the
user's own frames and are cut to a size; so are the other texts.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from wiretask_protocol.codec import encode_report
from wiretask_protocol.messages import Encoding, Outcome, Report
from wiretask_worker.core.assignment import Finished
from wiretask_worker.core.texts import fit
from wiretask_worker.errors import ArgumentsError, Cancelled, NoRetry, ResultError, Retry

#: A report is read by people and kept by the scheduler: some 100 frames, a few screens of message.
TRACEBACK_OCTETS = 16384
MESSAGE_OCTETS = 8192
ERROR_TYPE_OCTETS = 256
#: The last millisecond that a Millis of the spec can say.
_MILLIS_MAXIMUM = (1 << 32) - 1

_PACKAGE = str(Path(__file__).parent)
_JSON = msgspec.json.Encoder()
#: A report ends in the length of its body (u32) and the body; a head is what stands before (PROTOCOL.md, Report).
_LENGTH_OCTETS = 4
_RAW_HEAD = encode_report(Report(Encoding.RAW, b""))[:-_LENGTH_OCTETS]
#: What is far below every limit, and need not be looked at.
_SHORT_OCTETS = 65536
_RAW, _SUCCEEDED = int(Encoding.RAW), Outcome.SUCCEEDED


def succeeded(value: Any) -> Finished:
    """The end of an attempt that has returned `value`: bytes as they are, everything else as JSON.

    Raises ResultError for what cannot be encoded.
    """
    if type(value) is bytes and len(value) <= _SHORT_OCTETS:
        return Finished(_SUCCEEDED, _RAW_HEAD + len(value).to_bytes(_LENGTH_OCTETS, "big") + value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Finished(_SUCCEEDED, encode_report(Report(_RAW, bytes(value))))
    try:
        body = _JSON.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise ResultError(
            f"the result, of type {_type_name(type(value))}, cannot be encoded as JSON: {error}; "
            f"return JSON values, dataclasses, msgspec Structs or bytes"
        ) from error
    return Finished(_SUCCEEDED, encode_report(Report(Encoding.JSON, body)))


def cancelled(message: str) -> Finished:
    """The end of an attempt that was stopped as asked."""
    return Finished(Outcome.CANCELLED, _report("Cancelled", message, None))


def failed(error: BaseException, no_retry_on: tuple[type[Exception], ...] = ()) -> Finished:
    """The end of an attempt that has raised `error`."""
    match error:
        case Cancelled():
            return cancelled(str(error))
        case Retry(after_seconds=seconds):
            after = None if seconds is None else min(round(seconds * 1000), _MILLIS_MAXIMUM)
            return Finished(Outcome.FAILED, _report_of(error), retry_after=after)
        case NoRetry():
            return Finished(Outcome.FAILED, _report_of(error), no_retry=True)
        case ArgumentsError() | ResultError():
            name = type(error).__name__
            return Finished(Outcome.FAILED, _report(name, str(error), None), no_retry=True)
        case SystemExit():
            text = f"the handler called sys.exit({error.code!r}); raise an exception, or return"
            return Finished(Outcome.FAILED, _report("SystemExit", text, _traceback(error)))
        case _:
            last = True if isinstance(error, no_retry_on) else None
            return Finished(Outcome.FAILED, _report_of(error), no_retry=last)


def _report_of(error: BaseException) -> bytes:
    return _report(_type_name(type(error)), _message(error), _traceback(error))


def _report(error_type: str, message: str, trace: str | None) -> bytes:
    return encode_report(
        Report(
            _RAW,
            b"",
            error_type=fit(error_type, ERROR_TYPE_OCTETS),
            error_message=fit(message, MESSAGE_OCTETS),
            traceback=None if trace is None else fit(trace, TRACEBACK_OCTETS),
        )
    )


def _type_name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # the user's __str__ can do anything
        return f"(its text cannot be read: {type(broken).__name__})"


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(type(error), error, _own_frames(error.__traceback__)))
    except Exception as broken:
        return f"(the traceback cannot be read: {type(broken).__name__})"


def _own_frames(frames: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame that is not the worker's."""
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        frames = frames.tb_next
    return frames
