"""A connection before its TLS is there: counted like every other one, and kept from being anything else.

What comes right behind the handshake waits here for the `Link` that takes over.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from typing import TYPE_CHECKING, cast

from wiretask_scheduler import logs
from wiretask_scheduler.link import LINGER_SECONDS, Link, address_of
from wiretask_scheduler.tls import Tls

if TYPE_CHECKING:
    from wiretask_scheduler.server import Server

log = logging.getLogger(__name__)


class Doorway(asyncio.Protocol):
    """Makes one TLS handshake."""

    def __init__(self, server: Server, tls: Tls) -> None:
        self._server = server
        self._tls = tls
        self._early = b""
        self._gone = False
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has connected."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.pause_reading()
        self.address = address_of(transport)
        self._server.doorways.add(self)
        error = self._server.doorkeeper.enter(self.address, time.monotonic())
        if error is not None:
            # Without TLS there is nobody to say it to.
            log.info("a peer at %s is let go: %s", self.address, error.text)
            self._leave()
            return
        self._task = asyncio.get_running_loop().create_task(self._shake_hands())

    async def _shake_hands(self) -> None:
        certificate = self._tls.fingerprint
        # `start_tls` pauses as well, and uvloop goes on after it only with what it has paused itself. Nothing is read
        # in between.
        self._transport.resume_reading()
        try:
            inside = await asyncio.get_running_loop().start_tls(
                self._transport,
                self,
                self._tls.context,
                server_side=True,
                ssl_handshake_timeout=self._server.settings.handshake_seconds,
                ssl_shutdown_timeout=LINGER_SECONDS,
            )
        except (OSError, ssl.SSLError, asyncio.CancelledError) as error:
            log.info("a peer at %s is let go: %s", self.address, _said(error))
            self._leave()
            return
        if inside is None or self._gone:
            self._leave()
            return
        self._server.doorways.discard(self)
        link = Link(self._server, entered=True, certificate=certificate)
        inside.set_protocol(link)
        link.connection_made(inside)
        if self._early:
            link.data_received(self._early)

    def data_received(self, data: bytes) -> None:
        """It came with the end of the handshake."""
        self._early += data

    def connection_lost(self, exc: Exception | None) -> None:
        """Its peer is gone again; what is under way says so."""
        self._gone = True

    def abort(self) -> None:
        """Ends it now."""
        if self._task is not None:
            self._task.cancel()

    def _leave(self) -> None:
        self._server.doorways.discard(self)
        self._server.doorkeeper.left(self.address, accepted=False)
        self._transport.abort()


def _said(error: BaseException) -> str:
    """Why there is no TLS, in the words of the library without its places in C."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not good: {logs.escaped(error.verify_message)}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS with it: {(error.reason or 'the handshake failed').lower().replace('_', ' ')}"
    return "no TLS with it: the handshake did not end"
