"""One socket: no task, future or log line for a message; what is written to a peer in one go leaves in one piece.

A peer that does not read is not read from either, and is cut off when it makes no progress; the others do not notice.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from typing import TYPE_CHECKING, Literal, cast

from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.messages import Auth, Error, Hello
from wiretask_scheduler import logs

if TYPE_CHECKING:
    from wiretask_scheduler.server import Server

log = logging.getLogger(__name__)

#: Output that waits in the socket of one peer beyond which it gets nothing more for now.
OUTPUT_OCTETS = 1 << 20
#: The store lags behind the clients, this one waits for what the store says, or has said much in one go.
Pause = Literal["lag", "answers", "breath"]
#: What of one peer is handled in one go: of the shortest messages some 5 000, which take about 10 ms.
SLICE_OCTETS = 1 << 16
#: How long the last Error has to reach a peer that is being closed.
LINGER_SECONDS = 1.0


class Link(asyncio.Protocol):
    """One connection, from its socket to its session."""

    def __init__(self, server: Server, *, began: float | None = None, certificate: bytes = b"") -> None:
        """Where there is TLS, `began` is when the doorkeeper was asked; `certificate` stands for the one shown."""
        self._server = server
        self.began = began
        self.certificate = certificate
        #: Whether the output is full.
        self._full = False
        #: Why it is not read from, besides.
        self._pauses: set[Pause] = set()
        #: What has been read and waits for its turn.
        self._unread = b""
        #: Octets written; what has left the socket's queue; and when that last grew.
        self._written = 0
        self._left = 0
        self._progressed = 0.0

    # -- what asyncio calls --

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer has connected."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are not instances of it
        peer = transport.get_extra_info("socket")
        if peer is not None and peer.family in (socket.AF_INET, socket.AF_INET6):
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.address = address_of(transport)
        self._transport.set_write_buffer_limits(high=OUTPUT_OCTETS)
        self.session = self._server.opened(self)
        self.after()

    def data_received(self, data: bytes) -> None:
        """Octets have come."""
        self._server.received += len(data)
        # What comes to the end of a connection is read only so that closing does not reset it.
        if self.session.closing:
            return
        if len(data) > SLICE_OCTETS:
            # Else uvloop would read up to 32 times from this socket before it looks at the next.
            self.pause("breath", paused=True)
            self._unread = data
            self._receive_slice()
        else:
            self._receive(data)
            self.after()

    def _receive_slice(self) -> None:
        """Handles a part of what has come in one go; between the parts others have their turn."""
        data, self._unread = self._unread[:SLICE_OCTETS], self._unread[SLICE_OCTETS:]
        if data and not self.session.closing:
            self._receive(data)
            self.after()
        if self._unread and not self.session.closing:
            asyncio.get_running_loop().call_soon(self._receive_slice)
        else:
            self._unread = b""
            self.pause("breath", paused=False)

    def _receive(self, data: bytes) -> None:
        session = self.session
        now = time.monotonic()
        messages = session.receive(data, now)
        while messages:
            # An open is the last of its messages; what follows it is read when it has been decided.
            if session.greeting:
                self._greet(cast("Hello", messages[-1]))
            elif session.proving:
                self._prove(cast("Auth", messages[-1]))
            elif session.accepted:
                self._server.scheduler.receive(session.number, messages)
            if session.closing or not session.connection.more:
                break
            messages = session.receive(b"", now)

    def eof_received(self) -> bool:
        """The end of the stream in either direction is the end of the connection, when what was written has left."""
        if not self.session.closing:
            self.session.end()
            self.after()
        return False

    def pause_writing(self) -> None:
        """The output is full: the peer is not read from until it reads."""
        self._full = True
        self._progressed = time.monotonic()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The output has room again."""
        self._full = False
        self._read_again()
        self._server.scheduler.resume(self.session.number)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._unread = b""
        self._server.closed(self)

    # -- what the server says --

    def write(self, octets: bytes) -> bool:
        """Sends octets. False if the peer should get nothing more for now."""
        self.session.sent(time.monotonic())
        self._written += len(octets)
        self._server.sent += len(octets)
        self._transport.write(octets)
        return not self._full

    def pause(self, why: Pause, *, paused: bool) -> None:
        """Stops reading from a client, or resumes where that was the only reason."""
        if paused == (why in self._pauses) or self._transport.is_closing():
            return
        if paused:
            self._pauses.add(why)
            self._transport.pause_reading()
        else:
            self._pauses.discard(why)
            self._read_again()

    def after(self) -> None:
        """Sends what the session itself has to say, and ends the connection if it says so."""
        session = self.session
        if session.out:
            octets = b"".join(session.out)
            session.out.clear()
            self.write(octets)
        if session.closing:
            self.finish()

    def tick(self, now: float) -> None:
        """Looks at the clocks."""
        session = self.session
        if session.closing:
            return
        if self._full:
            left = self._written - self._transport.get_write_buffer_size()
            if left > self._left:
                self._left, self._progressed = left, now
            elif now - self._progressed > session.settings.silence_seconds:
                self._cut_off()
        elif not self._pauses:
            session.tick(now)
            self.after()

    def finish(self) -> None:
        """Ends the connection when what was written has left."""
        session = self.session
        session.closing = True
        if session.refusal:
            about = logs.about(peer=session.number, address=self.address)
            said = logs.escaped(session.refusal)
            log.info("peer %d at %s is let go: %s", session.number, self.address, said, extra=about)
            session.refusal = ""
        if self._transport.is_closing():
            return
        # Closing with unread octets would reset the connection, and the peer would never read the last Error. So only
        # our half is closed, and what still comes is read and thrown away.
        if self._transport.can_write_eof():
            self._transport.write_eof()
            if not self._full:
                self._transport.resume_reading()
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self.abort)
        else:
            self._transport.close()

    def abort(self) -> None:
        """Ends the connection now."""
        self._transport.abort()

    # -- inside --

    def _greet(self, hello: Hello) -> None:
        doorkeeper = self._server.doorkeeper
        error = self.session.judge(hello, guarded=doorkeeper.keyring is not None)
        if error is None and doorkeeper.keyring is not None:
            self.session.challenge(hello, doorkeeper.nonce())
        else:
            self._decide(hello, error)

    def _prove(self, proof: Auth) -> None:
        doorkeeper = self._server.doorkeeper
        assert doorkeeper.keyring is not None
        hello, error = self.session.prove(proof, doorkeeper.keyring)
        if error is not None and error.code == ErrorCode.AUTH_FAILED:
            doorkeeper.failed(self.address, time.monotonic())
        self._decide(hello, error)

    def _decide(self, hello: Hello, error: Error | None) -> None:
        if error is None:
            self._server.scheduler.join(self.session, hello)
            self._server.joined(self)
        else:
            self.session.close(error)

    def _read_again(self) -> None:
        if not (self._full or self._pauses or self._transport.is_closing()):
            self.session.resumed(time.monotonic())
            self._transport.resume_reading()

    def _cut_off(self) -> None:
        log.warning("peer %d at %s does not read; it is cut off", self.session.number, self.address)
        self.session.close(error_message(ErrorCode.SLOW_CONSUMER))
        # The Error goes behind what is in the socket already; whoever begins to read within the linger still gets it.
        self.after()


def address_of(transport: asyncio.BaseTransport) -> str:
    """Where a peer is."""
    name = transport.get_extra_info("peername")
    return str(name[0]) if isinstance(name, tuple) else ""
