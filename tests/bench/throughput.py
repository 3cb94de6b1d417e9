"""`nox -s bench`: 100 000 tasks through the durable store, beside the ceiling of the same run.

The ceiling is a bare relay: a client and a worker that do their part of the work, the same frames, and between them a
process that only passes octets on. Everything runs on one machine at the same time, so ratios are what counts. Prints a
table; `--json FILE` writes the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
import timeit
from pathlib import Path
from typing import Any

import uvloop

sys.path.insert(0, str(Path(__file__).parents[1] / "system"))

from parts import start_scheduler, start_worker

from wiretask_client import Client
from wiretask_protocol import codec, fast, messages, reference

TASKS = 100_000
WINDOW = 8_000
ROUNDS = 3


async def through_scheduler(address: str, tasks: int) -> tuple[float, list[float]]:
    """Tasks a second from the first submission to the last result, and latencies in milliseconds of an idle system."""
    async with Client(address) as client:
        count = 0
        wrong = 0
        began = time.perf_counter()
        bodies = [b"Hello, World! %d" % number for number in range(tasks)]
        async for body in await_map(client, bodies):
            wrong += body != hashlib.sha256(bodies[count]).hexdigest().encode()
            count += 1
        seconds = time.perf_counter() - began
        assert count == tasks
        assert not wrong
        latencies = []
        for _ in range(300):
            began = time.perf_counter()
            await client.submit("sha256", b"x").result()
            latencies.append((time.perf_counter() - began) * 1000)
    return tasks / seconds, latencies


def await_map(client: Client, bodies: list[bytes]) -> Any:
    """The client's own stream of results."""
    return client.map("sha256", bodies)


def relay(ports: Any) -> None:
    """Passes octets on, both ways, between the first two that connect."""

    class End(asyncio.Protocol):
        other: asyncio.Transport | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            ends.append((self, transport))
            if len(ends) == 2:
                (first, first_transport), (second, second_transport) = ends
                first.other, second.other = second_transport, first_transport

        def data_received(self, data: bytes) -> None:
            if self.other is not None:
                self.other.write(data)

        def connection_lost(self, exc: Exception | None) -> None:
            os._exit(0)

    ends: list[Any] = []

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(End, "127.0.0.1", 0)
        ports.put(server.sockets[0].getsockname()[1])
        await asyncio.sleep(600)

    uvloop.run(main())


def echo_worker(port: int) -> None:
    """Reads Submits as they come, hashes each body and sends the Result: the work of a worker and no scheduler."""

    class Worker(asyncio.Protocol):
        rest = b""

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport: Any = transport

        def connection_lost(self, exc: Exception | None) -> None:
            os._exit(0)

        def data_received(self, data: bytes) -> None:
            data, at, out = self.rest + data, 0, []
            while len(data) - at >= 5:
                stop = at + 5 + int.from_bytes(data[at + 1 : at + 5], "big")
                if stop > len(data):
                    break
                submit = fast.decode_submit(data, at + 5, stop)
                envelope = codec.decode_envelope(submit.envelope)
                digest = hashlib.sha256(envelope.body).hexdigest().encode()
                report = codec.encode_report(messages.Report(0, digest))
                out.append(codec.encode(messages.Result(submit.seq, submit.task_id, 0, 1, report)))
                at = stop
            self.rest = data[at:]
            self.transport.write(b"".join(out))

    async def main() -> None:
        await asyncio.get_running_loop().create_connection(Worker, "127.0.0.1", port)
        await asyncio.sleep(600)

    uvloop.run(main())


async def through_relay(port: int, tasks: int) -> float:
    """The same frames as a client's, through the bare relay."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    class Submitter(asyncio.Protocol):
        rest = b""
        got = 0
        sent = 0

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport: Any = transport

        def data_received(self, data: bytes) -> None:
            data, at = self.rest + data, 0
            while len(data) - at >= 5:
                stop = at + 5 + int.from_bytes(data[at + 1 : at + 5], "big")
                if stop > len(data):
                    break
                result = fast.decode_result(data, at + 5, stop)
                codec.decode_report(result.report)
                self.got += 1
                at = stop
            self.rest = data[at:]
            if self.got == tasks:
                done.set_result(None)
            self.push()

        def push(self) -> None:
            while self.sent < tasks and self.sent - self.got < WINDOW:
                frames = []
                for number in range(self.sent, min(self.sent + 200, tasks)):
                    body = b"Hello, World! %d" % number
                    envelope = codec.encode_envelope(messages.Envelope("sha256", "default", 0, body))
                    frames.append(codec.encode(messages.Submit(number + 1, bytes(16), 1, 5, envelope)))
                self.sent += len(frames)
                self.transport.write(b"".join(frames))

    _, submitter = await loop.create_connection(Submitter, "127.0.0.1", port)
    began = time.perf_counter()
    submitter.push()
    await done
    return tasks / (time.perf_counter() - began)


def ceiling(tasks: int) -> float:
    """Tasks a second through the bare relay."""
    context = multiprocessing.get_context("spawn")
    ports = context.Queue()
    middle = context.Process(target=relay, args=(ports,), daemon=True)
    middle.start()
    port = ports.get(timeout=30)
    worker = context.Process(target=echo_worker, args=(port,), daemon=True)
    worker.start()
    # The worker is the first that connects: until it has, the relay has nobody to pass on to.
    time.sleep(1)
    try:
        return uvloop.run(through_relay(port, tasks))
    finally:
        for process in (middle, worker):
            process.kill()
            process.join()


def scheduler_figures(store: str, tasks: int) -> tuple[list[float], list[float]]:
    """Rates of some rounds, and latencies, through real processes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = "memory:" if store == "memory" else f"sqlite:{folder / 'tasks.db'}"
        scheduler, address = start_scheduler(folder, store=path)
        worker = start_worker(folder, address, "--executor", "inline", "--concurrency", "1000")
        try:
            rounds = [uvloop.run(through_scheduler(address, tasks)) for _ in range(ROUNDS)]
        finally:
            worker.kill()
            scheduler.kill()
    return [rate for rate, _ in rounds], [latency for _, latencies in rounds for latency in latencies]


def codec_figures() -> dict[str, float]:
    """Microseconds for one Task: decoding and encoding, both codecs."""
    envelope = codec.encode_envelope(messages.Envelope("sha256", "default", 0, b"Hello, World!"))
    task = messages.Task(bytes(16), 1, 1, 0, 0, envelope)
    frame = codec.encode(task)
    calls = {
        "fast decode": lambda: fast.decode_task(frame, 5, len(frame)),
        "fast encode": lambda: fast.encode_task(task),
        "construct decode": lambda: reference.decode_task(frame, 5, len(frame)),
        "construct encode": lambda: reference.encode_task(task),
    }
    return {name: min(timeit.repeat(call, number=2000, repeat=5)) / 2000 * 1e6 for name, call in calls.items()}


def main() -> None:
    """Measures, prints, and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=TASKS)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--queued", type=int, metavar="N", help="measure beside so many queued tasks instead")
    arguments = parser.parse_args()
    figures: dict[str, Any]
    if arguments.queued:
        import queued  # type: ignore[import-not-found]

        figures = queued.report(arguments.queued, arguments.tasks)
        if arguments.json:
            arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
        return
    figures = {"tasks": arguments.tasks}
    bare = [ceiling(arguments.tasks) for _ in range(ROUNDS)]
    figures["relay"] = statistics.median(bare)
    print(f"{'':28} {'tasks/s':>10} {'of relay':>9} {'p50 ms':>8} {'p99 ms':>8}")
    print(f"{'bare relay, same frames':28} {figures['relay']:>10,.0f} {'100 %':>9}")
    for store in ("memory", "sqlite"):
        rates, latencies = scheduler_figures(store, arguments.tasks)
        latencies.sort()
        rate = statistics.median(rates)
        p50, p99 = latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100]
        figures[store] = {"tasks_per_second": rate, "rounds": rates, "p50_ms": p50, "p99_ms": p99}
        name = "memory store" if store == "memory" else "SQLite, FULL, group commit"
        print(f"{name:28} {rate:>10,.0f} {rate / figures['relay']:>8.0%} {p50:>8.2f} {p99:>8.2f}")
    figures["codec_us"] = codec_figures()
    print("one Task: " + ", ".join(f"{name} {value:.2f} µs" for name, value in figures["codec_us"].items()))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
