"""A million tasks that wait: what one costs in memory, what they cost the others, and how long a restart takes."""

from __future__ import annotations

import sqlite3
import statistics
import sys
import time

import uvloop

from wiretask_bench import load, waiting
from wiretask_bench.figures import Row, at_least, at_most
from wiretask_bench.processes import Processes, resident_bytes
from wiretask_bench.settings import Settings
from wiretask_bench.system import INLINE, System
from wiretask_bench.words import number, whole
from wiretask_client import Client

_STEPS = 20
#: What the same ids and bodies take in a dict of one Python.
_IN_A_DICT = """
import os, sys
from wiretask_bench import waiting
from wiretask_bench.processes import resident_bytes
before = resident_bytes(os.getpid())
kept = {waiting.task_id(number): bytes(bytearray(waiting.BODY)) for number in range(int(sys.argv[1]))}
print((resident_bytes(os.getpid()) - before) / len(kept) - len(waiting.BODY))
"""
_READ_ALL = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
names = [name for name, in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
print("ready", sum(sum(1 for _ in database.execute(f"SELECT * FROM {name}")) for name in names))
"""


def memory(settings: Settings) -> list[Row]:
    """The slope of the scheduler's memory over tasks of one plain kind, without their bodies."""
    count = settings.queued
    step = max(count // _STEPS, 1)
    sizes: list[tuple[int, int]] = []

    def look(accepted: int) -> None:
        if accepted >= (len(sizes) + 1) * step:
            sizes.append((accepted, resident_bytes(scheduler.pid)))

    with System() as system:
        scheduler, address = system.scheduler("tasks.db")
        rate = waiting.fill(address, count, waiting.plain, look)
    slope = statistics.linear_regression(*zip(*sizes, strict=True)).slope - len(waiting.BODY)
    with Processes() as processes:
        bare = float(processes.python("-c", _IN_A_DICT, str(count), name="dict").line())
    return [
        Row(
            name="memory-per-task",
            what=f"memory per queued task over its body, {whole(count)} queued",
            unit="bytes",
            better="less",
            value=slope,
            floor="a dict of the same ids and bodies",
            floor_value=bare,
            ratios=[slope / bare],
            goals=[at_most(slope, 250, "250 bytes")],
            notes=[f"taken in at {number(rate)} tasks/s"],
        )
    ]


def queued(settings: Settings) -> list[Row]:
    """The throughput beside tasks of all kinds, and a SIGKILL with a new scheduler over the same file."""
    count = settings.queued
    with System() as system:
        scheduler, address = system.scheduler("tasks.db")
        worker = system.worker(address, *INLINE)
        load.run(address, min(settings.round_seconds, 1))
        empty = [load.run(address, settings.round_seconds).rate for _ in range(settings.rounds)]
        waiting.fill(address, count, waiting.mixed)
        full = [load.run(address, settings.round_seconds).rate for _ in range(settings.rounds)]
        worker.end()
        scheduler.end()
        bare = _seconds_to_read(system)
        began = time.perf_counter()
        system.scheduler("tasks.db", address=address)
        served = uvloop.run(_until_accepted(address)) - began
    share = statistics.median(full) / statistics.median(empty)
    return [
        Row(
            name="queued",
            what=f"throughput with {whole(count)} queued of all kinds",
            unit="tasks/s",
            value=statistics.median(full),
            floor="the same with none queued",
            floor_value=statistics.median(empty),
            ratios=[some / statistics.median(empty) for some in full],
            goals=[at_least(share, 0.9, "90 % of empty")],
        ),
        Row(
            name="restart",
            what=f"restart with {whole(count)} queued, until a new task is accepted",
            unit="s",
            better="less",
            value=served,
            floor="reading all rows of that file in Python",
            floor_value=bare,
            ratios=[served / bare],
            goals=[at_most(served, 5, "5 s")],
        ),
    ]


def _seconds_to_read(system: System) -> float:
    path = str(system.folder / "tasks.db")
    # What the log still has goes into the file first: a restart does so, too, but a reader need not.
    sqlite3.connect(path).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    began = time.perf_counter()
    system.start(sys.executable, "-c", _READ_ALL, path, name="reader").ready()
    return time.perf_counter() - began


async def _until_accepted(address: str) -> float:
    async with Client(address) as client:
        await client.submit("sha256", b"x").accepted()
        return time.perf_counter()
