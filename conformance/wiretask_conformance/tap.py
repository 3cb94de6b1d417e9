"""Stands between a client and a scheduler, passes everything on, and holds both directions against the spec."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from wiretask_conformance.actor import described
from wiretask_conformance.verdicts import Failed
from wiretask_conformance.watch import Watch
from wiretask_conformance.wire import Wire

_READ_OCTETS = 1 << 16


class Tap:
    """A port that leads to a scheduler."""

    def __init__(self, name: str, wire: Wire, target: tuple[str, int], log: Callable[[str], None]) -> None:
        self.name = name
        self.wire = wire
        self.target = target
        self.log = log
        self.wrong: Failed | None = None
        self._server: asyncio.AbstractServer | None = None
        self._pipes: list[asyncio.Task[None]] = []
        self._ends: list[asyncio.StreamWriter] = []

    async def open(self) -> str:
        """Listens, and returns the address."""
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        return "%s:%d" % self._server.sockets[0].getsockname()[:2]

    async def close(self) -> None:
        """Tears everything down."""
        if self._server is not None:
            self._server.close()
        for task in self._pipes:
            task.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)
        for end in self._ends:
            end.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.append(writer)
        try:
            there, back = await asyncio.open_connection(*self.target)
        except OSError:
            # As the client would find it without us: nobody listens.
            writer.transport.abort()
            return
        self._ends.append(back)
        said = Watch(self.name + " client", "scheduler", "client", self.wire)
        heard = Watch(self.name + " scheduler", "client", "scheduler", self.wire)
        self._pipes.append(asyncio.create_task(self._pipe(reader, back, said, heard)))
        self._pipes.append(asyncio.create_task(self._pipe(there, writer, heard, said)))

    async def _pipe(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, watch: Watch, back: Watch
    ) -> None:
        """Passes one direction on, looked at before it leaves. Where it ends, so does the other end."""
        with contextlib.suppress(OSError):
            while octets := await source.read(_READ_OCTETS):
                self._look(octets, watch, back)
                target.write(octets)
                await target.drain()
        target.close()

    def _look(self, octets: bytes, watch: Watch, back: Watch) -> None:
        if self.wrong is not None:
            return
        try:
            for received in watch.take(octets):
                self.log("%s > %s" % (watch.name, described(received.message, received.value)))
                back.decide(received.event)
                watch.agree(received)
                back.agree(received)
        except Failed as wrong:
            self.wrong = wrong
