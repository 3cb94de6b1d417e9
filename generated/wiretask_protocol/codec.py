# Generated from spec/ (sha256 cc8e984844d8e543); do not edit.
# Edit the spec and run: nox -s generate
"""The codec: messages to frames and payloads to messages.

The environment variable WIRETASK_CODEC chooses who does it: `fast` (straight-line code; the default), `reference`
(construct), or `both`, which runs the two and raises CodecDisagreement where they differ.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

from wiretask_protocol import fast, messages
from wiretask_protocol.errors import CodecDisagreement, WireError
from wiretask_protocol.messages import AnyMessage, Envelope, Report

MODES = ("fast", "reference", "both")
MODE = os.environ.get("WIRETASK_CODEC", "fast")
if MODE not in MODES:
    raise ImportError(f"WIRETASK_CODEC is {MODE!r}; set it to one of {', '.join(MODES)}, or unset it")


def _chosen() -> ModuleType:
    if MODE == "fast":
        return fast
    from wiretask_protocol import reference  # noqa: PLC0415 -- construct takes 30 ms to import; most never need it

    return reference


def _said(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, WireError | None]:
    try:
        return function(*arguments), None
    except WireError as error:
        return None, error


def _choose(name: str, key: Any = None) -> Callable[..., Any]:
    """A function of the chosen codec: one of its own, or one of its DECODERS or ENCODERS."""

    def of(module: ModuleType) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(module, name) if key is None else getattr(module, name)[key]
        return found

    if MODE != "both":
        return of(_chosen())
    quick, slow = of(fast), of(_chosen())

    def compared(*arguments: Any) -> Any:
        first, first_error = _said(quick, arguments)
        second, second_error = _said(slow, arguments)
        if first != second or repr(first_error) != repr(second_error):
            raise CodecDisagreement(f"{name}: {first!r} {first_error!r} is not {second!r} {second_error!r}")
        if first_error is not None:
            raise first_error
        return first

    return compared


#: How to read the payload of each command: (data, start, stop) -> message. Raises WireError.
DECODERS: dict[int, Callable[[bytes, int, int], AnyMessage]] = {
    command: _choose("DECODERS", command) for command in fast.DECODERS
}

#: How to write each message: message -> frame. Raises WireError.
ENCODERS: dict[type[AnyMessage], Callable[[Any], bytes]] = {kind: _choose("ENCODERS", kind) for kind in fast.ENCODERS}

decode_envelope: Callable[[bytes], Envelope] = _choose("decode_envelope")
encode_envelope: Callable[[Envelope], bytes] = _choose("encode_envelope")
decode_report: Callable[[bytes], Report] = _choose("decode_report")
encode_report: Callable[[Report], bytes] = _choose("encode_report")

# The frames of messages that come by the thousand, from their fields, where they have no tags: no message is made.
frame_task: Callable[..., bytes] = fast.frame_task if MODE == "fast" else lambda *fields: encode(messages.Task(*fields))
frame_result: Callable[..., bytes] = fast.frame_result if MODE == "fast" else lambda *fields: encode(messages.Result(*fields))
frame_submit: Callable[..., bytes] = fast.frame_submit if MODE == "fast" else lambda *fields: encode(messages.Submit(*fields))


def encode(message: AnyMessage) -> bytes:
    """The frame of a message, header included. Raises WireError for what the protocol does not allow."""
    return ENCODERS[type(message)](message)


def decode(command: int, payload: bytes) -> AnyMessage:
    """The message in a payload. Raises WireError; KeyError for a command that no message has."""
    return DECODERS[command](payload, 0, len(payload))


#: Routes that have been read. Bounded: peers must not fill our memory.
_CACHED_ROUTES = 4096
_ROUTES: dict[bytes, tuple[str, str]] = {}


def envelope_route(envelope: bytes) -> tuple[str, str]:
    """The type and the queue of an envelope that has been checked (as every one in a decoded message has been)."""
    middle = 1 + envelope[0]
    head = envelope[: middle + 1 + envelope[middle]]
    route = _ROUTES.get(head)
    if route is None:
        route = (head[1:middle].decode("ascii"), head[middle + 1 :].decode("ascii"))
        if len(_ROUTES) < _CACHED_ROUTES:
            _ROUTES[head] = route
    return route
