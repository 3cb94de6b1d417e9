"""A network as a test says: a proxy between peers and a scheduler that cuts, holds, delays and dribbles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal, Self

#: Who hears of the end of a connection: both, only the scheduler, or only the peer; the other end stays half open.
Hears = Literal["both", "scheduler", "peer"]
_PIECE = 65536


class Way:
    """One connection through the proxy."""

    def __init__(self, peer: asyncio.StreamWriter, scheduler: asyncio.StreamWriter) -> None:
        self.peer, self.scheduler = peer, scheduler
        #: Whether one end is not told of the end of the other.
        self.severed = False

    def abort(self, hears: Hears) -> None:
        self.severed = True
        if hears in ("both", "peer"):
            self.peer.transport.abort()
        if hears in ("both", "scheduler"):
            self.scheduler.transport.abort()


class Network:
    """Where peers connect to, and what happens to what they say."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ways: set[Way] = set()
        self._severed: list[Way] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._flows = asyncio.Event()
        self._flows.set()
        #: How long octets are on their way, and how many come in one piece; 0 for all.
        self.delay_seconds = 0.0
        self.piece = 0
        self.address = ""

    async def open(self) -> Self:
        self._server = await asyncio.start_server(self._on_peer, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    # -- what happens --

    def cut(self, hears: Hears = "both") -> int:
        """Every connection breaks, in the middle of whatever it is. Returns how many there were."""
        ways, self._ways = self._ways, set()
        for way in ways:
            way.abort(hears)
            self._severed.append(way)
        return len(ways)

    def hold(self) -> None:
        """Nothing comes through any more, and nobody hears why."""
        self._flows.clear()

    def heal(self) -> None:
        """What is on its way comes through, and what comes after it, at once and as a whole."""
        self.delay_seconds, self.piece = 0.0, 0
        self._flows.set()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        for way in self._severed:
            way.abort("both")
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- inside --

    def _on_peer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward, to_scheduler = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.transport.abort()
            return
        way = Way(writer, to_scheduler)
        self._ways.add(way)
        try:
            await asyncio.gather(self._pump(reader, to_scheduler, way), self._pump(onward, writer, way))
        finally:
            self._ways.discard(way)
            if not way.severed:
                way.abort("both")

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        with suppress(ConnectionError, RuntimeError):
            while octets := await reader.read(_PIECE):
                await self._flows.wait()
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                size = self.piece or len(octets)
                for at in range(0, len(octets), size):
                    writer.write(octets[at : at + size])
                    if self.piece:
                        # A piece of its own is a turn of the loop of its own.
                        await asyncio.sleep(0)
                await writer.drain()
        await self._flows.wait()
        if way.severed:
            # The other end is half open: whoever is there goes on until it finds out by itself.
            await asyncio.Event().wait()
        with suppress(OSError, RuntimeError):
            writer.write_eof()


@asynccontextmanager
async def network(port: int) -> AsyncIterator[Network]:
    """A network before a scheduler's port."""
    made = await Network(port).open()
    try:
        yield made
    finally:
        await made.close()
