"""The least that such a thing can be, to be measured in the same minute: relays, an echo, a synced write.

A *bare relay* stands where the scheduler stands: a client and a worker do their part of the work and send the same
frames, and what is between them passes octets on and looks at nothing. The *dict relay* has frames of 40 octets, and
remembers each task until its result: the least that a scheduler in Python can do. The *two-hop echo* sends one small
frame at a time through a relay to somebody who sends it back.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from wiretask_bench.frames import OWN, SMALL, Frames
from wiretask_bench.processes import Processes

_WINDOW = 8000
#: Nothing takes so long.
_HANGS_SECONDS = 30
_BATCH = 200
_ECHOED = bytes(64)


class Relayed(Processes):
    """Relays and the workers behind them; each runs until the context is left."""

    def relay(self, kind: str) -> int:
        """`own`, `small` or `echo`: a relay with its worker; the port for the client."""
        port = int(self.python("-m", "wiretask_bench.relay", "dict" if kind == "small" else "bare").ready())
        # The worker is the first that connects: until it has, the relay has nobody to pass on to.
        self.python("-m", "wiretask_bench.relay", kind, str(port)).ready()
        return port


class _Submitter(asyncio.Protocol):
    """Keeps a window of tasks under way, for a time."""

    def __init__(self, frames: Frames, deadline: float) -> None:
        self.frames = frames
        self.deadline = deadline
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sent = self.got = 0
        self.over = False
        self._rest = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self.push()

    def data_received(self, octets: bytes) -> None:
        count, self._rest = self.frames.results(self._rest + octets)
        self.got += count
        self.push()
        if self.over and self.got == self.sent and not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError("the relay has gone"))

    def push(self) -> None:
        while self.sent - self.got < _WINDOW and not self.over:
            self._transport.write(self.frames.tasks(self.sent, _BATCH))
            self.sent += _BATCH
            self.over = time.perf_counter() >= self.deadline


def relayed(port: int, seconds: float, frames: Frames = OWN) -> float:
    """Tasks a second through a relay, from the first submission to the last result."""

    async def main() -> float:
        began = time.perf_counter()
        transport, submitter = await asyncio.get_running_loop().create_connection(
            lambda: _Submitter(frames, began + seconds), "127.0.0.1", port
        )
        await asyncio.wait_for(submitter.done, seconds + _HANGS_SECONDS)
        rate = submitter.got / (time.perf_counter() - began)
        transport.close()
        return rate

    return uvloop.run(main())


def dict_relayed(port: int, seconds: float) -> float:
    """The same through the dict relay."""
    return relayed(port, seconds, SMALL)


class Echo(asyncio.Protocol):
    """Sends one frame at a time to where it comes back from."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._back: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, octets: bytes) -> None:
        if self._back is not None and not self._back.done():
            self._back.set_result(octets)

    @classmethod
    async def connect(cls, port: int) -> Echo:
        """Through a relay of the kind `echo`."""
        _, echo = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return echo

    async def round_trips(self, count: int) -> list[float]:
        """Milliseconds there and back."""

        async def once() -> None:
            self._back = asyncio.get_running_loop().create_future()
            self._transport.write(_ECHOED)
            await self._back

        return [await _timed(once) for _ in range(count)]

    def close(self) -> None:
        self._transport.close()


async def _timed(once: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await once()
    return (time.perf_counter() - began) * 1000


def synced_writes(folder: Path, count: int) -> list[float]:
    """Milliseconds that it takes to append 64 octets to a file and sync its data."""
    times = []
    file = os.open(folder / "synced", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for _ in range(count):
            began = time.perf_counter()
            os.write(file, _ECHOED)
            os.fdatasync(file)
            times.append((time.perf_counter() - began) * 1000)
    finally:
        os.close(file)
    return times
