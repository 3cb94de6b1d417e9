"""The sockets: one small protocol object for each connection, and no task, future or log line for a message.

What is read in one turn of the event loop goes to the core as it comes, and to the store as one turn; what is written to
a peer leaves in one piece. A peer that does not read is paused, then cut off; the others do not notice.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import Counter
from typing import TYPE_CHECKING, cast

from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.messages import Error, Hello, Role
from wiretask_scheduler.session import Session, SessionSettings

if TYPE_CHECKING:
    from wiretask_scheduler.app import Scheduler

log = logging.getLogger(__name__)

#: Output that waits for one peer beyond which it is not read from; a batch of results is well below.
OUTPUT_HIGH = 4 << 20
#: Output that waits for one peer beyond which it is cut off at once.
OUTPUT_LIMIT = 256 << 20
#: How often the clocks of the connections are looked at.
TICK_SECONDS = 0.25


class PeerProtocol(asyncio.Protocol):
    """One connection."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._stuck_since: float | None = None
        self.paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer has connected."""
        self.transport = cast("asyncio.Transport", transport)
        peer = self.transport.get_extra_info("socket")
        if peer is not None and peer.family in (socket.AF_INET, socket.AF_INET6):
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = self.transport.get_extra_info("peername")
        self.address = str(name[0]) if isinstance(name, tuple) else ""
        self.transport.set_write_buffer_limits(high=OUTPUT_HIGH)
        self.session = self._server.opened(self)

    def data_received(self, data: bytes) -> None:
        """Octets have come."""
        session = self.session
        now = time.monotonic()
        scheduler = self._server.scheduler
        messages = session.receive(data, now)
        while messages or session.connection.more:
            if messages:
                if session.greeting:
                    self._greet(cast("Hello", messages[-1]))
                elif session.accepted:
                    scheduler.receive(session.number, messages)
            if session.closing or not session.connection.more:
                break
            messages = session.receive(b"", now)
        if session.out:
            self.flush()
        if session.closing:
            self.finish()

    def _greet(self, hello: Hello) -> None:
        error = self.session.judge(hello)
        if error is None:
            self.session.accept(hello, self._server.scheduler.join(self.session.number, hello))
        else:
            self.session.close(error)

    def flush(self) -> None:
        """Sends what the session itself has to say."""
        octets = b"".join(self.session.out)
        self.session.out.clear()
        self.write(octets)

    def write(self, octets: bytes) -> None:
        """Sends octets, or cuts off a peer for which too much waits already."""
        self.session.sent(time.monotonic())
        self.transport.write(octets)
        if self.transport.get_write_buffer_size() > OUTPUT_LIMIT:
            self.cut_off()

    def finish(self) -> None:
        """Ends the connection when what was written has left. What still comes is read and thrown away until then."""
        if self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            # Closing with unread octets resets the connection, and the peer would never read the Error.
            self.transport.write_eof()
            asyncio.get_running_loop().call_later(_LINGER_SECONDS, self.transport.close)
        else:
            self.transport.close()

    def cut_off(self) -> None:
        """Ends the connection of a peer that does not read."""
        log.warning("peer %d at %s does not read; it is cut off", self.session.number, self.address)
        self.session.close(error_message(ErrorCode.SLOW_CONSUMER))
        self.session.out.clear()
        self.transport.abort()

    def pause_writing(self) -> None:
        """The peer does not read: it is not read from until it does."""
        self._stuck_since = time.monotonic()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """The peer reads again."""
        self._stuck_since = None
        if not self.paused:
            self.transport.resume_reading()

    def pause(self, *, paused: bool) -> None:
        """Stops or resumes reading from a client while the store lags."""
        if paused == self.paused or self.transport.is_closing():
            return
        self.paused = paused
        if paused:
            self.transport.pause_reading()
        elif self._stuck_since is None:
            self.transport.resume_reading()

    def tick(self, now: float) -> None:
        """Looks at the clocks."""
        session = self.session
        if session.closing:
            return
        if self._stuck_since is not None:
            if now - self._stuck_since > 3 * session.settings.heartbeat_ms / 1000:
                self.cut_off()
            return
        if self.paused:
            return
        session.tick(now)
        if session.out:
            self.flush()
        if session.closing:
            self.finish()

    def eof_received(self) -> bool:
        """The end of the stream in either direction is the end of the connection."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._server.closed(self)


#: How long the last Error has to reach a peer that is being closed.
_LINGER_SECONDS = 1.0


class Server:
    """All connections."""

    def __init__(self, scheduler: Scheduler, settings: SessionSettings, connections_per_address: int) -> None:
        self.scheduler = scheduler
        self.settings = settings
        self.peers: dict[int, PeerProtocol] = {}
        self._per_address = connections_per_address
        self._addresses: Counter[str] = Counter()
        self._last_number = 0
        self._listener: asyncio.Server | None = None
        self._ticked = 0.0

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Begins to serve. Returns the address. Raises OSError if that cannot be had."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: PeerProtocol(self), host, port, backlog=1024)
        self._ticked = time.monotonic()
        loop.call_later(TICK_SECONDS, self._tick)
        address = self._listener.sockets[0].getsockname()
        return str(address[0]), int(address[1])

    def opened(self, peer: PeerProtocol) -> Session:
        """A peer has connected."""
        self._last_number += 1
        session = Session(self._last_number, self.settings, time.monotonic())
        self.peers[session.number] = peer
        self._addresses[peer.address] += 1
        if self._addresses[peer.address] > self._per_address:
            peer.session = session
            session.close(error_message(ErrorCode.TOO_MANY_CONNECTIONS))
            peer.flush()
            peer.finish()
        return session

    def closed(self, peer: PeerProtocol) -> None:
        """A connection has ended."""
        number = peer.session.number
        self.peers.pop(number, None)
        self._addresses[peer.address] -= 1
        if not self._addresses[peer.address]:
            del self._addresses[peer.address]
        if peer.session.accepted:
            self.scheduler.leave(number, peer.session.leaving)

    def write(self, number: int, octets: bytes) -> None:
        """Sends frames to a peer, if it is still there."""
        peer = self.peers.get(number)
        if peer is not None and not peer.session.closing:
            peer.write(octets)

    def close(self, number: int, error: Error | None) -> None:
        """Ends the connection of a peer."""
        peer = self.peers.get(number)
        if peer is not None and not peer.session.closing:
            peer.session.close(error)
            if peer.session.out:
                peer.flush()
            peer.finish()

    def pause_clients(self, *, paused: bool) -> None:
        """Stops or resumes reading from all clients; workers are bounded by their credit."""
        for peer in self.peers.values():
            hello = peer.session.hello
            if hello is not None and hello.role == Role.CLIENT:
                peer.pause(paused=paused)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = time.monotonic()
        late = now - self._ticked - TICK_SECONDS
        self._ticked = now
        if late > 1.0:
            # The loop has stood still: what the peers sent meanwhile is read before any of them is taken for silent.
            log.warning("the event loop stood still for %.1f s", late)
        else:
            for peer in list(self.peers.values()):
                peer.tick(now)
        loop.call_later(TICK_SECONDS, self._tick)

    async def stop(self) -> None:
        """Stops listening and closes every connection when what was written has left."""
        if self._listener is not None:
            self._listener.close()
        for peer in list(self.peers.values()):
            peer.transport.close()
        for _ in range(_STOP_ROUNDS):
            if not self.peers:
                return
            await asyncio.sleep(_STOP_ROUND_SECONDS)
        for peer in list(self.peers.values()):
            peer.transport.abort()


#: A stop waits for at most this long for peers to read what was written.
_STOP_ROUNDS, _STOP_ROUND_SECONDS = 100, 0.02
