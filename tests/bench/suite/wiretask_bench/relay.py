"""What stands between a client and a worker, and such workers.

python -m wiretask_bench.relay bare|dict             says `ready PORT`; the worker connects first
python -m wiretask_bench.relay own|small|echo PORT   a worker
"""

from __future__ import annotations

import asyncio
import os
import struct
import sys
from typing import Any

import uvloop

from wiretask_bench.frames import OWN, SMALL, SMALL_OCTETS, Frames

_number = struct.Struct(">Q").unpack_from


class Bare(asyncio.Protocol):
    """Passes octets on, both ways, between the worker and the client that came last."""

    worker: Bare | None = None
    client: Bare | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        if Bare.worker is None:
            Bare.worker = self
        else:
            Bare.client = self

    def data_received(self, octets: bytes) -> None:
        other = Bare.client if self is Bare.worker else Bare.worker
        if other is not None:
            other.transport.write(octets)

    def connection_lost(self, error: Exception | None) -> None:
        if self is Bare.worker:
            os._exit(0)


class Remembering(Bare):
    """The same, frame by frame: remembers each task, forgets it with its result."""

    #: Tasks without a result, by number.
    tasks: dict[int, bytes] = {}  # noqa: RUF012 -- there is one relay in a process
    rest = b""

    def data_received(self, octets: bytes) -> None:
        octets = self.rest + octets if self.rest else octets
        whole = len(octets) - len(octets) % SMALL_OCTETS
        frames = [octets[at : at + SMALL_OCTETS] for at in range(0, whole, SMALL_OCTETS)]
        self.rest = octets[whole:]
        tasks = self.tasks
        if self is Bare.worker:
            for frame in frames:
                del tasks[_number(frame)[0]]
        else:
            for frame in frames:
                tasks[_number(frame)[0]] = frame
        super().data_received(b"".join(frames))


class Worker(asyncio.Protocol):
    """Does the work of what comes; sends it back as it is where there is no work to do."""

    rest = b""

    def __init__(self, frames: Frames | None) -> None:
        self.frames = frames

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, octets: bytes) -> None:
        if self.frames is not None:
            octets, self.rest = self.frames.work(self.rest + octets)
        self.transport.write(octets)

    def connection_lost(self, error: Exception | None) -> None:
        os._exit(0)


async def _relay(kind: type[Bare]) -> None:
    server = await asyncio.get_running_loop().create_server(kind, "127.0.0.1", 0)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _worker(frames: Frames | None, port: int) -> None:
    await asyncio.get_running_loop().create_connection(lambda: Worker(frames), "127.0.0.1", port)
    print("ready", flush=True)
    await asyncio.Event().wait()


def main(kind: str, port: str = "") -> None:
    """Runs until it is killed, or its relay is."""
    if port:
        uvloop.run(_worker({"own": OWN, "small": SMALL, "echo": None}[kind], int(port)))
    else:
        uvloop.run(_relay({"bare": Bare, "dict": Remembering}[kind]))


if __name__ == "__main__":
    main(*sys.argv[1:])
