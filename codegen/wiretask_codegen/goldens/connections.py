"""Asks the generated connection what it makes of a stream."""

from __future__ import annotations

from typing import Any

from wiretask_codegen.goldens.binding import Binding
from wiretask_codegen.goldens.streams import Stream


def read(binding: Binding, stream: Stream) -> dict[str, object]:
    """The frames that are found and passed on, and the error that ends it, if one does."""
    connection = _connection(binding, stream)
    frames: list[str] = []
    try:
        for chunk in stream.chunks:
            frames += _received(binding, connection, chunk)
            while connection.more and not connection._rules.local:  # noqa: SLF001 -- the shells know it from their state
                frames += _received(binding, connection, b"")
        if stream.end:
            connection.eof()
    except binding.errors.WireError as error:
        return {"frames": frames, "error": error.code.name}
    return {"frames": frames, "error": None}


def _connection(binding: Binding, stream: Stream) -> Any:
    """A connection in the state in which the stream begins."""
    connection = binding.protocol.Connection(stream.side, frame_limit=stream.limit)
    state = getattr(binding.machines, f"{stream.side.capitalize()}ConnectionState")[stream.state.upper()]
    initial = connection.state is state
    connection._enter(state)  # noqa: SLF001 -- as if it had come there
    connection._greeted = not initial  # noqa: SLF001 -- only the first octets of all are looked at
    return connection


def _received(binding: Binding, connection: Any, octets: bytes) -> list[str]:
    return [binding.protocol.encode(message).hex() for message in connection.receive(octets)]
