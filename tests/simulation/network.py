"""A network in memory: streams that deliver late, in pieces of any size, break, or fall silent without a word."""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

from clockwork import Machine, Process

#: What the kernels at both ends take before a writer has to keep its octets.
_WINDOW = 256 << 10
_RESET = ConnectionResetError(errno.ECONNRESET, "connection reset by peer")


class Network:
    """Who listens where, and every stream."""

    def __init__(self, machine: Machine, chance: Random) -> None:
        self.machine = machine
        self.chance = chance
        self.listeners: dict[int, tuple[Process, Callable[[], Any]]] = {}
        self.streams: list[tuple[End, End]] = []
        self.cuts = self.splits = 0
        machine.network = self

    def latency(self) -> float:
        """How long octets are on their way: mostly a moment, sometimes long."""
        return self.chance.choice((0.0, 0.0001, 0.0005, 0.001, 0.005)) if self.chance.random() < 0.95 else 0.2

    def listen(self, process: Process, factory: Callable[[], Any], host: str, port: int) -> Listener:
        """See `create_server`."""
        self.listeners[port] = (process, factory)
        return Listener(self, host, port)

    async def connect(self, process: Process, factory: Callable[[], Any], host: str, port: int) -> tuple[Any, Any]:
        """See `create_connection`."""
        await asyncio.sleep(self.latency())
        server, make = self.listeners.get(port, (None, None))
        if server is None or make is None or not server.alive:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "connection refused")
        here, there = End(self, process), End(self, server)
        here.peer, there.peer = there, here
        self.streams.append((here, there))
        self.machine.at(self.machine.clock.steady + self.latency(), lambda: there.open(make))
        protocol = here.open(factory)
        await asyncio.sleep(0)
        return here, protocol

    def cut(self, pair: tuple[End, End], *, silently: bool) -> None:
        """A stream breaks: both ends hear of it, or neither does."""
        self.cuts += 1
        for end in pair:
            end.mute = end.mute or silently
            if not silently:
                end.lose(_RESET)

    def half_cut(self, hears: End) -> None:
        """A stream breaks, and only one end hears of it."""
        self.cuts += 1
        hears.mute = hears.peer.mute = True
        hears.lose(_RESET)

    def bury(self, process: Process, *, silently: bool) -> None:
        """A process is gone, and what it listened on."""
        self.listeners = {port: found for port, found in self.listeners.items() if found[0] is not process}
        for pair in self.streams:
            for end in pair:
                if end.process is process:
                    end.closed = True
                    if silently:
                        end.peer.mute = True
                    else:
                        end.peer.lose(_RESET)
        self.sweep()

    def sweep(self) -> None:
        """Forgets streams that nobody has any more."""
        self.streams = [pair for pair in self.streams if not (pair[0].closed and pair[1].closed)]


class Listener:
    """What `create_server` returns."""

    def __init__(self, network: Network, host: str, port: int) -> None:
        self._network = network
        self._address = (host, port)
        self.sockets = [self]

    def getsockname(self) -> tuple[str, int]:
        """Where it listens."""
        return self._address

    def close(self) -> None:
        """Listens no more."""
        self._network.listeners.pop(self._address[1], None)


class End(asyncio.Transport):
    """One end of a stream."""

    peer: End

    def __init__(self, network: Network, process: Process) -> None:
        super().__init__()
        self._network = network
        self.process = process
        self.protocol: Any = None
        #: Nothing goes in or out any more, and nobody says so.
        self.mute = False
        self.closed = False
        self._closing = False
        self._eof_sent = False
        self._reading = True
        self._arrived: deque[bytes] = deque()
        self._eof_arrived = False
        self._last_arrival = 0.0
        #: Octets that were written and that the peer's process has not read.
        self._unread = 0
        self._high = 64 << 10
        self._full = False
        #: Seconds between one piece that is read and the next; 0.0 takes what is there.
        self.slowness = 0.0
        self._naps = False

    def open(self, factory: Callable[[], Any]) -> Any:
        """The stream is there."""
        self.protocol = factory()
        if self.closed or not self.process.alive:
            self.protocol = None
            return None
        self.process.loop.call_soon(self._begin)
        return self.protocol

    def _begin(self) -> None:
        self.protocol.connection_made(self)
        self._read()

    # -- writing --

    def write(self, data: Any) -> None:
        """Sends, in pieces of any size."""
        octets = bytes(data)
        if not octets or self.closed or self._closing or self._eof_sent:
            return
        self._unread += len(octets)
        if not self._full and self._unread > self._high + _WINDOW:
            self._full = True
            self.protocol.pause_writing()
        for piece in self._pieces(octets):
            self._send(lambda piece=piece: self.peer._arrive(piece))  # type: ignore[misc]

    def _pieces(self, octets: bytes) -> list[bytes]:
        chance = self._network.chance
        if len(octets) < 2 or chance.random() < 0.8:
            return [octets]
        self._network.splits += 1
        at = chance.randrange(1, len(octets))
        return [octets[:at], octets[at:]]

    def _send(self, arrive: Callable[[], None]) -> None:
        """What was sent first arrives first."""
        clock = self._network.machine.clock
        self._last_arrival = max(self._last_arrival, clock.steady + self._network.latency())

        def arriving() -> None:
            if not (self.mute or self.peer.mute or self.peer.closed):
                arrive()

        self._network.machine.at(self._last_arrival, arriving)

    def _arrive(self, octets: bytes) -> None:
        self._arrived.append(octets)
        self._read_soon()

    def _read_soon(self) -> None:
        if self.protocol is not None:
            self.process.loop.call_soon(self._read)

    def _wake(self) -> None:
        self._naps = False
        self._read()

    def _read(self) -> None:
        while self._reading and self._arrived and not self.closed and not self._naps:
            octets = self._arrived.popleft()
            self.peer._was_read(len(octets))
            self.protocol.data_received(octets)
            if self.slowness:
                self._naps = True
                self.process.loop.call_later(self.slowness, self._wake)
        if self._reading and not self._arrived and self._eof_arrived and not self.closed:
            self._eof_arrived = False
            if not self.protocol.eof_received():
                self.close()

    def _was_read(self, octets: int) -> None:
        self._unread -= octets
        if self._full and self._unread <= _WINDOW:
            self._full = False
            if not self.closed and self.process.alive:
                self.process.loop.call_soon(self._resume)

    def _resume(self) -> None:
        if not (self.closed or self._full):
            self.protocol.resume_writing()

    # -- what asyncio has --

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """See asyncio."""
        self._high = 64 << 10 if high is None else high

    def get_write_buffer_size(self) -> int:
        """See asyncio."""
        return max(0, self._unread - _WINDOW)

    def pause_reading(self) -> None:
        """See asyncio."""
        self._reading = False

    def resume_reading(self) -> None:
        """See asyncio."""
        self._reading = True
        self._read_soon()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """See asyncio."""
        return ("127.0.0.1", 0) if name == "peername" else default

    def can_write_eof(self) -> bool:
        """See asyncio."""
        return True

    def write_eof(self) -> None:
        """Our half ends behind what was written."""
        if not (self._eof_sent or self.closed):
            self._eof_sent = True
            self._send(self.peer._end)

    def _end(self) -> None:
        self._eof_arrived = True
        self._read_soon()

    def is_closing(self) -> bool:
        """See asyncio."""
        return self.closed or self._closing

    def close(self) -> None:
        """Ends the stream behind what was written."""
        if self.is_closing():
            return
        if not self._eof_sent:
            self.write_eof()
        self._closing = True
        self.process.loop.call_soon(self._lost, None)

    def abort(self) -> None:
        """Ends the stream now."""
        if self.closed:
            return
        self._closing = True
        self.process.loop.call_soon(self._lost, None)
        peer = self.peer
        if not (self.mute or peer.mute):
            self._network.machine.at(
                self._network.machine.clock.steady + self._network.latency(), lambda: peer.lose(_RESET)
            )

    def lose(self, error: Exception | None) -> None:
        """The stream has broken."""
        if not self.closed and self.process.alive and self.protocol is not None:
            self.process.loop.call_soon(self._lost, error)
        elif self.protocol is None:
            self.closed = True

    def _lost(self, error: Exception | None) -> None:
        if not self.closed:
            self.closed = True
            self._closing = True
            self.protocol.connection_lost(error)


def pairs(network: Network) -> list[tuple[End, End]]:
    """The streams that are open."""
    network.sweep()
    return [pair for pair in network.streams if not (pair[0].mute or pair[1].mute)]
