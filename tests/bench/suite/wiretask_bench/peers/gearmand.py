"""gearmand: foreground jobs, the only kind that returns a result, through its binary protocol, pipelined."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from hashlib import sha256

from wiretask_bench.peers import variant
from wiretask_bench.peers.pipelined import Connection, Window, run, until_gone
from wiretask_bench.peers.work import body, check
from wiretask_bench.processes import Processes, Started, free_port

_HEADER = struct.Struct(">4sII")
_CAN_DO, _PRE_SLEEP, _NOOP, _SUBMIT, _CREATED, _GRAB = 1, 4, 6, 7, 8, 9
_NO_JOB, _ASSIGN, _COMPLETE = 10, 11, 13
_GRABBED = 50
_WINDOW = 2000


def _packet(kind: int, *parts: bytes) -> bytes:
    data = b"\0".join(parts)
    return _HEADER.pack(b"\0REQ", kind, len(data)) + data


class _Packets(Connection):
    def read(self, octets: bytes) -> int:
        at = 0
        while len(octets) - at >= _HEADER.size:
            _, kind, length = _HEADER.unpack_from(octets, at)
            start = at + _HEADER.size
            if len(octets) - start < length:
                break
            at = start + length
            self.on_packet(kind, octets[start:at])
        return at

    def on_packet(self, kind: int, data: bytes) -> None:
        raise NotImplementedError


class _Worker(_Packets):
    """Keeps some requests for jobs under way; sleeps when all have come back empty."""

    def __init__(self, grabbed: int) -> None:
        super().__init__()
        self.grabbed = grabbed
        self.pending = 0

    def grab(self) -> None:
        self.pending = self.grabbed
        self.out += [_packet(_GRAB)] * self.grabbed

    def on_packet(self, kind: int, data: bytes) -> None:
        if kind == _ASSIGN:
            handle, _, text = data.split(b"\0", 2)
            self.out += (_packet(_COMPLETE, handle, sha256(text).hexdigest().encode()), _packet(_GRAB))
        elif kind == _NO_JOB:
            self.pending -= 1
            if not self.pending:
                self.out.append(_packet(_PRE_SLEEP))
        elif kind == _NOOP and not self.pending:
            self.grab()


class _Client(_Packets):
    def __init__(self, window: Window) -> None:
        super().__init__()
        self.window = window
        #: Handles in the order of submission: so they are given out on one connection.
        self.handles: list[bytes] = []

    def submit(self, first: int, last: int, function: bytes = b"sha") -> None:
        self.write(*[_packet(_SUBMIT, function, b"", body(number)) for number in range(first, last)])

    def on_packet(self, kind: int, data: bytes) -> None:
        if kind == _COMPLETE:
            handle, _, result = data.partition(b"\0")
            self.window.put(handle, result)
        elif kind == _CREATED:
            self.handles.append(data)

    def checked(self) -> None:
        check({number: self.window.results[handle] for number, handle in enumerate(self.handles)}, len(self.handles))


class _Filler(_Client):
    def on_packet(self, kind: int, data: bytes) -> None:
        self.window.put(data, b"")


class Gearmand(variant.Variant):
    """One I/O thread, which was fastest."""

    name = "gearmand"
    settings = f"pipelined client, one I/O thread, {_GRABBED} grabs under way"
    survives = "nothing"
    fills = True

    def __init__(self) -> None:
        self.system = f"gearmand {variant.version('gearmand', '--version')}"
        self.port = free_port()

    def serve(self, processes: Processes) -> Started:
        self.port = free_port()
        log = str(processes.folder / "gearmand.log")
        return processes.served(
            *("gearmand", "-L", "127.0.0.1", "-p", str(self.port), "-t", "1", "-l", log), port=self.port
        )

    def work(self, processes: Processes, *, single: bool) -> None:
        variant.worker(processes, "gearmand", str(self.port), str(1 if single else _GRABBED))

    def rate(self, count: int) -> float:
        async def main() -> float:
            client = await _Client.connect(self.port, Window(_WINDOW))
            seconds = await client.window.stream(count, client.submit)
            client.checked()
            client.close()
            return count / seconds

        return run(main())

    def round_trips(self, count: int) -> list[float]:
        async def main() -> list[float]:
            client = await _Client.connect(self.port, Window(1))
            times = await client.window.one_by_one(count, client.submit)
            client.checked()
            client.close()
            return times

        return run(main())

    def fill(self, count: int, filled: Callable[[], None]) -> None:
        async def main() -> None:
            filler = await _Filler.connect(self.port, Window(_WINDOW))
            await filler.window.stream(count, lambda first, last: filler.submit(first, last, b"nobody"))
            filled()

        run(main())


async def _work(port: int, grabbed: int) -> None:
    async def connect() -> Connection:
        worker = await _Worker.connect(port, grabbed)
        worker.write(_packet(_CAN_DO, b"sha"))
        worker.grab()
        worker.flush()
        return worker

    await until_gone(connect)


if __name__ == "__main__":
    if variant.is_worker():
        run(_work(int(sys.argv[2]), int(sys.argv[3])))
    else:
        variant.main(lambda: [Gearmand()], sys.argv[1:])
