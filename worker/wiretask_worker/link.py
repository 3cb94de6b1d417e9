"""One connection to the scheduler: octets become messages for the core, and messages octets.

Knows framing and the socket; what a message means is for the core, what to do next for the engine.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Sequence
from typing import Protocol, cast

from wiretask_protocol import Connection, WireError, encode, trust
from wiretask_protocol.connection import looks_like_tls
from wiretask_protocol.messages import AnyMessage, ToScheduler
from wiretask_worker.logs import escape

#: Output that the kernel has not taken, before nothing more begins.
_OUTPUT_OCTETS = 4 << 20


class Listener(Protocol):
    """Who hears what happens on a connection."""

    def on_open(self, link: Link) -> None:
        """The stream is there."""

    def on_messages(self, messages: Sequence[AnyMessage]) -> int:
        """Messages have come; returns the frame limit in force after them."""

    def on_octets(self) -> None:
        """Octets have come, and all messages in them have been handed over."""

    def on_pause(self, *, paused: bool) -> None:
        """The output is full, or it is not any more."""

    def on_close(self, reason: str) -> None:
        """The stream has ended."""


class Link(asyncio.Protocol):
    """The shell of a `Connection` on the side of a worker."""

    def __init__(self, listener: Listener, frame_limit: int) -> None:
        self._listener = listener
        self._connection = Connection("worker", frame_limit)
        self._transport: asyncio.Transport | None = None
        self._accepted = False
        self._reason = "the scheduler has closed it"
        #: What stands for the certificate that the scheduler has shown in TLS.
        self.certificate = b""
        #: Why there will be no TLS with this scheduler, where that is how the stream has ended.
        self.distrust: str | None = None
        #: Done when the stream has ended.
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def send(self, messages: Sequence[ToScheduler], *, grease: bytes = b"") -> None:
        """Writes the frames of the messages, all at once."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(grease + b"".join([encode(message) for message in messages]))

    def close(self, reason: str) -> None:
        """Closes the stream when what was sent has gone out."""
        self._reason = reason
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Closes the stream now."""
        if self._transport is not None:
            self._transport.abort()

    # -- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The stream is there."""
        self.certificate = trust.fingerprint_shown(transport.get_extra_info("ssl_object"))
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are not instances of it
        self._transport.set_write_buffer_limits(high=_OUTPUT_OCTETS)
        self._listener.on_open(self)

    def data_received(self, data: bytes) -> None:
        """Octets have come."""
        connection = self._connection
        try:
            messages = connection.receive(data)
            while True:
                self._accepted = connection.accepted
                if messages:
                    connection.limit = self._listener.on_messages(messages)
                if not connection.more:
                    break
                messages = connection.receive(b"")
        except WireError as error:
            self._refuse(error)
        self._listener.on_octets()

    def eof_received(self) -> None:
        """The scheduler says no more: so do we."""
        try:
            self._connection.eof()
        except WireError as error:
            self._reason = error.text

    def pause_writing(self) -> None:
        """The output is full."""
        self._listener.on_pause(paused=True)

    def resume_writing(self) -> None:
        """The output is not full any more."""
        self._listener.on_pause(paused=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """The stream has ended."""
        self._transport = None
        if not self._accepted:
            # A certificate of ours that is not taken is heard of when the handshake is over for us.
            self.distrust = trust.distrust(exc)
        self._listener.on_close(self._reason if exc is None else reason(exc))
        if not self.ended.done():
            self.ended.set_result(None)

    def _refuse(self, error: WireError) -> None:
        self.send([error.to_message()])
        if self._accepted:
            self.close(f"the scheduler has sent what the protocol does not allow: {error}")
        elif looks_like_tls(self._connection.first_bytes):
            self.close("what answers there speaks TLS, and this worker does not; connect with TLS")
        else:
            first = escape(self._connection.first_bytes[:16].decode("latin-1"))
            self.close(f"what answers there is not a Wiretask scheduler (it begins with {first!r})")


def reason(error: Exception) -> str:
    """In the words of the system: asyncio's own name the address once more, or the number."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or "TLS was cut off").lower().replace("_", " ")
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__
