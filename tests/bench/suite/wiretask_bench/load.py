"""The work that is measured: SHA-256 of a short string, submitted one by one, the results collected and checked.

One client with one connection; what it submits and takes goes through the stream that `Client.map` is made of, so it is
what a user can have.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

import uvloop

from wiretask_client import Client

_DISTINCT = 100_000
_BODIES = [b"Hello, World! %d" % number for number in range(_DISTINCT)]
_CALLS = [(body,) for body in _BODIES]
#: Looked at the clock once for so many.
_CHUNK = 500
_DIGESTS = [sha256(body).hexdigest().encode() for body in _BODIES]


@dataclass(frozen=True, slots=True)
class Stretch:
    """So many tasks in so many seconds, from the first submission to the last result."""

    tasks: int
    seconds: float
    #: How many were done by when.
    marks: list[tuple[float, int]] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Tasks a second."""
        return self.tasks / self.seconds

    def rates(self, parts: int) -> list[float]:
        """Tasks a second of so many parts of equal length, without the end, when nothing is submitted any more."""
        rates = []
        for part in range(parts):
            began, ended = (self.seconds * (part + at) / parts for at in (0, 1))
            inside = [mark for mark in self.marks if began <= mark[0] <= ended]
            if len(inside) > 1:
                (first, some), (last, more) = inside[0], inside[-1]
                rates.append((more - some) / (last - first))
        return rates or [self.rate]


def _calls_until(deadline: float) -> Iterator[tuple[bytes]]:
    while True:
        for at in range(0, _DISTINCT, _CHUNK):
            if time.perf_counter() >= deadline:
                return
            yield from _CALLS[at : at + _CHUNK]


async def stretch(client: Client, seconds: float) -> Stretch:
    """Submits for so long, and waits for all results. Raises RuntimeError if one is wrong."""
    stream = client.stream("sha256")
    marks: list[tuple[float, int]] = []
    taken = 0
    began = time.perf_counter()
    feeding = asyncio.ensure_future(stream.feed(_calls_until(began + seconds)))
    while batch := await stream.take():
        at = taken % _DISTINCT
        expected = _DIGESTS[at : at + len(batch)]
        expected += _DIGESTS[: len(batch) - len(expected)]
        if batch != expected:
            raise RuntimeError("a result is wrong")
        taken += len(batch)
        marks.append((time.perf_counter() - began, taken))
    await feeding
    return Stretch(taken, time.perf_counter() - began, marks)


def run(address: str, seconds: float) -> Stretch:
    """The same with a client of its own."""

    async def main() -> Stretch:
        async with Client(address) as client:
            return await stretch(client, seconds)

    return uvloop.run(main())


async def round_trips(client: Client, count: int) -> list[float]:
    """Milliseconds from submission to result, one task at a time."""
    times = []
    for number in range(count):
        began = time.perf_counter()
        result = await client.submit("sha256", _BODIES[number])
        times.append((time.perf_counter() - began) * 1000)
        if result != _DIGESTS[number]:
            raise RuntimeError("a result is wrong")
    return times
