"""Raw connections to peers that a client writes to as fast as it can: one write for what one read has caused."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Self, TypeVar

import uvloop

from wiretask_bench.peers.work import check

_CHUNK = 200
#: Nothing takes so long.
HANGS_SECONDS = 60
_Value = TypeVar("_Value")


def run(main: Coroutine[Any, Any, _Value]) -> _Value:
    """Runs it on uvloop."""
    return uvloop.run(main)


class Connection(asyncio.Protocol, ABC):
    """One connection: `read` takes whole messages off the octets, `out` leaves when it has read all."""

    def __init__(self) -> None:
        self.out: list[bytes] = []
        self.lost = asyncio.Event()
        self._rest = b""
        self._transport: Any = None

    @classmethod
    async def connect(cls, port: int, *arguments: Any) -> Self:
        """To a server on this machine."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: cls(*arguments), "127.0.0.1", port)
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self.lost.set()

    def data_received(self, octets: bytes) -> None:
        octets = self._rest + octets if self._rest else octets
        self._rest = octets[self.read(octets) :]
        self.flush()

    @abstractmethod
    def read(self, octets: bytes) -> int:
        """Takes all whole messages; returns how many octets they were."""

    def flush(self) -> None:
        """Writes what has gathered."""
        if self.out:
            self._transport.write(b"".join(self.out))
            self.out.clear()

    def write(self, *octets: bytes) -> None:
        """Writes at once, after what has gathered."""
        self.out += octets
        self.flush()

    def close(self) -> None:
        self._transport.close()


class Window:
    """Tasks under way: so many at most, and what has come of them."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.results: dict[Any, bytes] = {}
        self._wanted = 0
        self._woken: asyncio.Future[None] | None = None

    def put(self, key: Any, result: bytes) -> None:
        """A result has come."""
        self.results[key] = result
        if self._woken is not None and len(self.results) >= self._wanted and not self._woken.done():
            self._woken.set_result(None)

    async def has(self, count: int) -> None:
        """Returns when so many results are there."""
        if len(self.results) < count:
            self._wanted = count
            self._woken = asyncio.get_running_loop().create_future()
            await asyncio.wait_for(self._woken, HANGS_SECONDS)

    async def stream(self, count: int, submit: Callable[[int, int], None]) -> float:
        """Submits so many, from a number to a number at a time; the seconds until the last result."""
        began = time.perf_counter()
        for first in range(0, count, _CHUNK):
            last = min(first + _CHUNK, count)
            submit(first, last)
            await self.has(last - self.most)
        await self.has(count)
        return time.perf_counter() - began

    async def one_by_one(self, count: int, submit: Callable[[int, int], None]) -> list[float]:
        """The seconds that each takes."""
        times = []
        for number in range(count):
            began = time.perf_counter()
            submit(number, number + 1)
            await self.has(number + 1)
            times.append(time.perf_counter() - began)
        return times

    def checked(self) -> None:
        """Raises unless all results are right, where their keys are the numbers of their tasks."""
        check({int(key): result for key, result in self.results.items()}, len(self.results))


async def until_gone(connect: Callable[[], Awaitable[Connection]]) -> None:
    """Works until it is killed, or its server is."""
    connection = await connect()
    print("ready", flush=True)
    await connection.lost.wait()
