"""From the start of a process until it is ready: a worker that is subscribed, a client that is let in."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from wiretask_bench.figures import Row, at_most
from wiretask_bench.processes import Started
from wiretask_bench.settings import Settings
from wiretask_bench.system import System

_BARE = """
import asyncio, sys

async def main():
    host, _, port = sys.argv[1].rpartition(":")
    await asyncio.open_connection(host, int(port))
    print("ready", flush=True)

asyncio.run(main())
"""
_CLIENT = """
import asyncio, sys
from wiretask_client import Client

async def main():
    async with Client(sys.argv[1]):
        print("ready", flush=True)

asyncio.run(main())
"""


def started(settings: Settings) -> list[Row]:
    """In turns with a Python that imports asyncio and connects."""
    with System() as system:
        _, address = system.scheduler("memory")

        def bare() -> Started:
            return system.python("-c", _BARE, address, name="bare")

        def worker() -> Started:
            return system.python("-m", "wiretask_worker", "--scheduler", address, name="worker")

        def client() -> Started:
            return system.python("-c", _CLIENT, address, name="client")

        rounds = []
        for warm in [True, *(False for _ in range(max(settings.rounds, 5)))]:
            times = [_seconds(start) for start in (bare, worker, client)]
            if not warm:
                rounds.append(times)
    floors, *others = zip(*rounds, strict=True)
    return [_row(name, times, floors) for name, times in zip(("worker", "client"), others, strict=True)]


def _seconds(start: Callable[[], Started]) -> float:
    began = time.perf_counter()
    process = start()
    process.ready()
    taken = time.perf_counter() - began
    process.end()
    return taken


def _row(name: str, times: tuple[float, ...], floors: tuple[float, ...]) -> Row:
    value = statistics.median(times)
    return Row(
        name=f"start-{name}",
        what=f"import and start of a {name} to `ready`",
        unit="s",
        better="less",
        value=value,
        floor="a Python that imports asyncio and connects",
        floor_value=statistics.median(floors),
        ratios=[taken / bare for taken, bare in zip(times, floors, strict=True)],
        goals=[at_most(value, 0.25, "0.25 s")],
    )
