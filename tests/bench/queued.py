"""`nox -s bench -- --queued 1000000`: the throughput beside a queue that is long, and what a queued task costs.

The queued tasks are delayed, prioritised, keyed and of tenants, a quarter each; no worker knows their type. Rounds with
and without them are of the same processes, so the ratio is what counts. The memory is that of the scheduler's process,
the bodies in it included; the restart is a SIGKILL and a new process over the same file.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import uvloop

sys.path.insert(0, str(Path(__file__).parents[1] / "system"))
sys.path.insert(0, str(Path(__file__).parent))

from parts import Part, start_scheduler, start_worker
from throughput import ROUNDS, through_scheduler  # type: ignore[import-not-found] # it lies beside

from wiretask_protocol import codec, messages
from wiretask_protocol.connection import Connection

_BATCH = 1000
_WINDOW = 20_000
_DELAY_MS = 40_000_000


def submissions(count: int) -> list[messages.Submit]:
    """Tasks that stay where they are, by a fixed seed."""
    chance = random.Random(1)
    envelope = codec.encode_envelope(messages.Envelope("nobody.knows", "default", 0, b"Hello, World!"))
    placement = sha256(b"default").digest()[:2]
    made = []
    for seq in range(1, count + 1):
        task_id = (1_700_000_000_000 + seq).to_bytes(6, "big") + b"\x70\0\x80" + seq.to_bytes(5, "big") + placement
        kind, priority = seq % 4, 5
        options: dict[str, Any] = {}
        if kind == 0:
            options = {"delay": _DELAY_MS + chance.randrange(1000)}
        elif kind == 1:
            priority = chance.randrange(10)
        elif kind == 2:
            options = {"concurrency": messages.ConcurrencyKey(f"key{chance.randrange(1000)}", 2)}
        else:
            options = {"fairness": messages.FairnessKey(f"tenant{chance.randrange(1000)}", 1)}
        made.append(messages.Submit(seq, task_id, 0, priority, envelope, **options))
    return made


async def fill(address: str, count: int) -> float:
    """Submits them all; returns how many were taken in a second."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    hello = messages.Hello(messages.HelloKind.OPEN, 1, versions=messages.VersionRange(1, 1), role=messages.Role.CLIENT)
    writer.write(codec.encode(hello))
    connection = Connection("client")
    accepted = -1
    made = submissions(count)
    began = time.perf_counter()
    sent = 0
    while accepted < count:
        while accepted >= 0 and sent < count and sent - accepted < _WINDOW:
            writer.write(b"".join(map(codec.encode, made[sent : sent + _BATCH])))
            sent += _BATCH
        for message in connection.receive(await reader.read(1 << 16)):
            if isinstance(message, messages.Accepted):
                accepted = message.seq
            elif isinstance(message, messages.Hello):
                accepted = max(accepted, 0)
    writer.close()
    return count / (time.perf_counter() - began)


def resident_bytes(part: Part) -> int:
    """The memory of a process."""
    pages = Path(f"/proc/{part.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def rate(address: str, tasks: int) -> float:
    """Tasks a second, the median of some rounds."""
    rates: list[float] = [uvloop.run(through_scheduler(address, tasks))[0] for _ in range(ROUNDS)]
    return statistics.median(rates)


def measure(queued: int, tasks: int) -> dict[str, float]:
    """All figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scheduler, address = start_scheduler(folder)
        worker = start_worker(folder, address, "--executor", "inline", "--concurrency", "1000")
        try:
            empty = rate(address, tasks)
            before = resident_bytes(scheduler)
            filled = uvloop.run(fill(address, queued))
            after = resident_bytes(scheduler)
            full = rate(address, tasks)
            worker.kill()
            scheduler.kill()
            began = time.perf_counter()
            scheduler, _ = start_scheduler(folder)
            restart = time.perf_counter() - began
            fresh = resident_bytes(scheduler)
        finally:
            worker.kill()
            scheduler.kill()
    return {
        "empty_per_second": empty,
        "full_per_second": full,
        "fill_per_second": filled,
        "bytes_per_task": (after - before) / queued,
        "bytes_per_task_after_restart": fresh / queued,
        "restart_seconds": restart,
    }


def report(queued: int, tasks: int) -> dict[str, float]:
    """Measures and prints."""
    figures = measure(queued, tasks)
    empty, full = figures["empty_per_second"], figures["full_per_second"]
    print(f"with {queued:,} queued: {full:,.0f} tasks/s, {full / empty:.0%} of {empty:,.0f} with none")
    print(f"  taken in at {figures['fill_per_second']:,.0f}/s, {figures['bytes_per_task']:,.0f} octets of memory each")
    print(
        f"  a restart takes {figures['restart_seconds']:.1f} s;"
        f" {figures['bytes_per_task_after_restart']:,.0f} octets each after it, all of the process included"
    )
    return figures
