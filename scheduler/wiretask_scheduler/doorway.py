"""A connection with TLS. Below it is a socket, above it what takes it for its transport: a Link, or what speaks HTTP.

Why not the event loop's own TLS: that tells nobody of a connection before its handshake is over, so that silent ones
are not counted; and it closes at once what it refuses, so that the peer does not read why. Here a connection is counted
when it is made, has nothing of TLS until its first octet is there, and is let go like every other one: what there is to
say, the end of our half, and an ear for a while.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from typing import Any, Protocol, cast

from wiretask_protocol import codec
from wiretask_protocol.connection import looks_like_http
from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.messages import Error
from wiretask_scheduler import logs
from wiretask_scheduler.link import LINGER_SECONDS, address_of
from wiretask_scheduler.session import http_refusal
from wiretask_scheduler.tls import Tls

log = logging.getLogger(__name__)

#: The first octet of TLS: a record of a handshake.
_HANDSHAKE = 0x16
#: More than the longest record.
_RECORD_OCTETS = 1 << 15
_PLAIN = "this port speaks TLS, and these bytes are not it: connect with TLS"


class House(Protocol):
    """What is behind doorways."""

    #: Connections whose TLS handshake is not over.
    doorways: set[Doorway]
    #: How long a handshake may take.
    patience_seconds: float

    def enter(self, address: str, now: float) -> Error | None:
        """Counts somebody who has connected. Returns why he may not."""

    def left(self, address: str) -> None:
        """Somebody is gone whose TLS never was."""

    def inside(self, began: float, certificate: bytes) -> asyncio.Protocol:
        """What takes over; `began` is when it was counted, `certificate` stands for the one that was shown."""


class Doorway(asyncio.Protocol, asyncio.Transport):
    """One connection, from its first octet to its last."""

    def __init__(self, server: House, tls: Tls) -> None:
        super().__init__()
        self._server = server
        self._settings = tls
        self._below: asyncio.Transport
        self._incoming: ssl.MemoryBIO
        self._outgoing: ssl.MemoryBIO
        #: None until the first octet is there.
        self._tls: ssl.SSLObject | None = None
        #: None until the handshake is over.
        self._link: asyncio.Protocol | None = None
        #: Whether we say no more; what still comes is read and thrown away.
        self._ended = False

    # -- what the event loop calls --

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has connected."""
        self._below = cast("asyncio.Transport", transport)  # uvloop's are not instances of it
        self._began = time.monotonic()
        self._address = address_of(transport)
        self._server.doorways.add(self)
        error = self._server.enter(self._address, self._began)
        if error is not None:
            # An answer in TLS would cost a handshake.
            self._let_go(error.text)
            self.abort()

    def data_received(self, data: bytes) -> None:
        """Octets have come."""
        if self._ended:
            return
        if self._tls is None:
            if data[0] != _HANDSHAKE:
                self._answer_plainly(data)
                return
            self._begin()
        self._incoming.write(data)
        if self._link is None:
            self._shake_hands()
        if self._link is not None:
            self._pass_up(self._link)

    def eof_received(self) -> bool:
        """The peer says no more."""
        if self._link is not None:
            self._link.eof_received()
        return False

    def pause_writing(self) -> None:
        """The output is full."""
        if self._link is not None:
            self._link.pause_writing()

    def resume_writing(self) -> None:
        """The output has room again."""
        if self._link is not None:
            self._link.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        if self._link is not None:
            self._link.connection_lost(exc)
            return
        if not self._ended:
            self._let_go("the TLS handshake did not end")
        self._server.doorways.discard(self)
        self._server.left(self._address)

    # -- what the server calls --

    def tick(self, now: float) -> None:
        """Looks at the clock of the handshake."""
        if not self._ended and now - self._began > self._server.patience_seconds:
            self._let_go("the TLS handshake did not end in time")
            self._linger()

    # -- what the link calls --

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """See asyncio."""
        if name == "sslcontext":
            return self._settings.context
        if name == "peercert" and self._tls is not None:
            return self._tls.getpeercert()
        return self._below.get_extra_info(name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """See asyncio."""
        self._below.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        """See asyncio."""
        return self._below.get_write_buffer_size()

    def pause_reading(self) -> None:
        """See asyncio."""
        self._below.pause_reading()

    def resume_reading(self) -> None:
        """See asyncio."""
        self._below.resume_reading()

    def is_closing(self) -> bool:
        """See asyncio."""
        return self._below.is_closing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See asyncio."""
        if self._ended or self._tls is None:
            return
        rest = memoryview(data)
        while rest:
            rest = rest[self._tls.write(rest) :]
        self._flush()

    def can_write_eof(self) -> bool:
        """See asyncio."""
        return self._below.can_write_eof()

    def write_eof(self) -> None:
        """See asyncio: says in TLS, too, that this was all."""
        self._end()
        self._below.write_eof()

    def close(self) -> None:
        """See asyncio."""
        self._end()
        self._below.close()

    def abort(self) -> None:
        """See asyncio."""
        self._ended = True
        self._below.abort()

    # -- inside --

    def _begin(self) -> None:
        self._certificate = self._settings.fingerprint
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = self._settings.context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def _shake_hands(self) -> None:
        assert self._tls is not None
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return
        except ssl.SSLError as error:
            self._let_go(_said(error))
            # In it is the alert that tells the peer.
            self._flush()
            self._linger()
            return
        self._flush()
        self._server.doorways.discard(self)
        self._link = self._server.inside(self._began, self._certificate)
        self._link.connection_made(self)

    def _pass_up(self, link: asyncio.Protocol) -> None:
        """What has come, without TLS. What is not read now is in the socket: a pause pauses that."""
        assert self._tls is not None
        parts: list[bytes] = []
        try:
            while part := self._tls.read(_RECORD_OCTETS):
                parts.append(part)
        except ssl.SSLWantReadError:
            over = False
        except ssl.SSLError as error:
            log.info("a connection from %s is broken: %s", self._address, _said(error))
            self.abort()
            return
        else:
            over = True
        # An answer to something of TLS itself.
        self._flush()
        if parts:
            link.data_received(b"".join(parts))
        if over and not link.eof_received():
            self.close()

    def _flush(self) -> None:
        if self._outgoing.pending and not self._below.is_closing():
            self._below.write(self._outgoing.read())

    def _end(self) -> None:
        if self._ended:
            return
        self._ended = True
        if self._tls is not None:
            try:
                self._tls.unwrap()
            except ssl.SSLError:
                # The peer has not said it yet, and need not.
                self._flush()

    def _answer_plainly(self, data: bytes) -> None:
        """Somebody has forgotten TLS: who reads the protocol, or HTTP, is told so."""
        self._let_go(_PLAIN)
        if looks_like_http(data):
            self._below.write(http_refusal(_PLAIN))
        else:
            self._below.write(codec.encode(error_message(ErrorCode.NOT_WIRETASK, text=_PLAIN)))
        self._linger()

    def _let_go(self, why: str) -> None:
        self._ended = True
        log.info("a peer at %s is let go: %s", self._address, why)

    def _linger(self) -> None:
        """Closes our half: closing all with unread octets would reset the connection, and what was said with it."""
        if not self._below.is_closing():
            self._below.write_eof()
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._below.abort)


def _said(error: ssl.SSLError) -> str:
    """Why there is no TLS, in the words of the library without its places in C."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not good: {logs.escaped(error.verify_message)}"
    return f"no TLS with it: {(error.reason or 'the handshake failed').lower().replace('_', ' ')}"
