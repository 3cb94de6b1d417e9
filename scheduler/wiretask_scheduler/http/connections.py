"""Connections that speak HTTP: counted by the doorkeeper like those of peers, and let go if nobody gets to know them.

What speaks is aiohttp's; this stands around it. Until a request was let in, a connection may live for as long as a
handshake may take, however slowly its octets come, and it gets one answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import cast

from wiretask_protocol.messages import Error
from wiretask_scheduler.doorkeeper import Doorkeeper
from wiretask_scheduler.doorway import Doorway
from wiretask_scheduler.link import address_of
from wiretask_scheduler.tls import Tls

log = logging.getLogger(__name__)

_BACKLOG = 128
#: So much later than allowed a handshake is late for certain, whatever the clocks of the loop round.
_MARGIN_SECONDS = 0.01


class Connections:
    """All of them. `speaking` makes what speaks HTTP on one; `doorkeeper` counts them, with those of peers."""

    def __init__(
        self, speaking: Callable[[], asyncio.Protocol], doorkeeper: Doorkeeper, patience_seconds: float
    ) -> None:
        self.doorways: set[Doorway] = set()
        self.patience_seconds = patience_seconds
        self._speaking = speaking
        self._doorkeeper = doorkeeper
        #: By what speaks on it.
        self._there: dict[asyncio.BaseProtocol, Connection] = {}
        self._listener: asyncio.Server | None = None

    async def listen(self, host: str, port: int, tls: Tls | None = None) -> tuple[str, int]:
        """Begins to serve. Returns the address. Raises OSError if that cannot be had."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: Connection(self) if tls is None else self._doorway(tls), host, port, backlog=_BACKLOG
        )
        address = self._listener.sockets[0].getsockname()
        return str(address[0]), int(address[1])

    def _doorway(self, tls: Tls) -> Doorway:
        doorway = Doorway(self, tls)
        loop = asyncio.get_running_loop()
        loop.call_later(self.patience_seconds + _MARGIN_SECONDS, lambda: doorway.tick(time.monotonic()))
        return doorway

    def known(self, protocol: asyncio.BaseProtocol) -> None:
        """A request was let in that came on a connection."""
        connection = self._there.get(protocol)
        if connection is not None and not connection.known:
            connection.know()
            self._doorkeeper.accepted(connection.address)

    async def close(self) -> None:
        """Takes no new ones, and lets those go that nobody knows."""
        if self._listener is not None:
            self._listener.close()
        for doorway in list(self.doorways):
            doorway.abort()
        for connection in list(self._there.values()):
            if not connection.known:
                connection.abort()

    # -- what connections and doorways say --

    def enter(self, address: str, now: float) -> Error | None:
        """Counts somebody who has connected. Returns why he may not."""
        del now  # where many tokens were wrong, a browser that has signed in goes on all the same
        return self._doorkeeper.count(address)

    def left(self, address: str, *, known: bool = False) -> None:
        """Somebody is gone."""
        self._doorkeeper.left(address, accepted=known)

    def inside(self, began: float, certificate: bytes) -> Connection:
        """What takes over when there is TLS. A token is sent as it is, so no proof is bound to the certificate."""
        del began, certificate
        return Connection(self, entered=True)

    def speak(self, connection: Connection) -> asyncio.Protocol:
        """What is to speak on a connection."""
        protocol = self._speaking()
        self._there[protocol] = connection
        return protocol

    def closed(self, connection: Connection, protocol: asyncio.Protocol) -> None:
        """A connection has ended."""
        self._there.pop(protocol, None)
        self.left(connection.address, known=connection.known)


class Connection(asyncio.Protocol):
    """One of them. `entered` is whether it is counted already."""

    def __init__(self, connections: Connections, *, entered: bool = False) -> None:
        self.known = False
        self.address = ""
        self._connections = connections
        self._entered = entered
        self._inner: asyncio.Protocol | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has connected."""
        self._transport = cast("asyncio.Transport", transport)
        self.address = address_of(transport)
        error = None if self._entered else self._connections.enter(self.address, time.monotonic())
        if error is not None:
            log.info("HTTP: a peer at %s is let go: %s", self.address, error.text)
            self._connections.left(self.address)
            self._transport.abort()
            return
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(self._connections.patience_seconds, self.abort)
        self._inner = self._connections.speak(self)
        self._inner.connection_made(transport)

    def know(self) -> None:
        """It is known who that is."""
        self.known = True
        self._deadline.cancel()

    def abort(self) -> None:
        """Ends it now."""
        self._transport.abort()

    # -- what the transport says, to what speaks --

    def data_received(self, data: bytes) -> None:
        """Octets have come."""
        if self._inner is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """No more will come."""
        return self._inner.eof_received() if self._inner is not None else None

    def pause_writing(self) -> None:
        """Enough waits to be read."""
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """There is room again."""
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        if self._inner is not None:
            self._deadline.cancel()
            self._inner.connection_lost(exc)
            self._connections.closed(self, self._inner)
