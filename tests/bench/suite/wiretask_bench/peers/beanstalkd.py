"""beanstalkd: results come back through a second tube, as its users do it; pipelined.

A worker reserves in batches: one reservation that waits and some that do not. Each job is still its own put, reserve and
delete.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from wiretask_bench.peers import variant
from wiretask_bench.peers.pipelined import Connection, Window, run, until_gone
from wiretask_bench.peers.work import done, numbered
from wiretask_bench.processes import Processes, Started, free_port

_BATCH = 50
_WINDOW = 4000


def _put(data: bytes) -> bytes:
    return b"put 0 0 60 %d\r\n%s\r\n" % (len(data), data)


class _Lines(Connection):
    def read(self, octets: bytes) -> int:
        at = 0
        while (end := octets.find(b"\r\n", at)) >= 0:
            if octets.startswith(b"RESERVED", at):
                _, job, length = octets[at:end].split(b" ")
                stop = end + 2 + int(length)
                if len(octets) < stop + 2:
                    break
                at = stop + 2
                self.on_reserved(job, octets[end + 2 : stop])
            else:
                said = octets[at:end]
                at = end + 2
                self.on_line(said)
        return at

    def on_line(self, said: bytes) -> None:
        raise NotImplementedError

    def on_reserved(self, job: bytes, data: bytes) -> None:
        raise NotImplementedError


class _Consumer(_Lines):
    """Takes what is in a tube, a batch at a time, and says what is to be written back for each job."""

    def __init__(self, batch: int, handle: Callable[[bytes, bytes], bytes]) -> None:
        super().__init__()
        self.batch = self.left = batch
        self.handle = handle

    def reserve(self) -> None:
        self.left = self.batch
        self.out.append(b"reserve\r\n" + b"reserve-with-timeout 0\r\n" * (self.batch - 1))

    def on_reserved(self, job: bytes, data: bytes) -> None:
        self.out.append(self.handle(job, data))
        self._answered()

    def on_line(self, said: bytes) -> None:
        if said == b"TIMED_OUT":
            self._answered()
        elif not said.startswith((b"USING", b"WATCHING", b"INSERTED", b"DELETED")):
            raise RuntimeError(f"beanstalkd says {said.decode()}")

    def _answered(self) -> None:
        self.left -= 1
        if not self.left:
            self.reserve()


class _Producer(_Lines):
    def __init__(self, inserted: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.inserted = inserted

    def on_line(self, said: bytes) -> None:
        if said.startswith(b"INSERTED"):
            self.inserted()

    def submit(self, first: int, last: int) -> None:
        self.write(*[_put(numbered(number)) for number in range(first, last)])


class Beanstalkd(variant.Variant):
    """In memory, or with a log that is synced at each write."""

    def __init__(self, *, synced: bool) -> None:
        self.system = f"beanstalkd {variant.version('beanstalkd', '-v')}"
        self.synced = synced
        # The memory is the same, and a hundred thousand synced writes take a minute.
        self.fills = not synced
        self.name = "beanstalkd-synced" if synced else "beanstalkd"
        self.settings = f"pipelined client, results through a tube, batches of {_BATCH}" + (", -f0" if synced else "")
        self.survives = "all (log synced at each write)" if synced else "nothing"
        self.port = free_port()

    def serve(self, processes: Processes) -> Started:
        self.port = free_port()
        log = ("-b", str(processes.folder), "-f0") if self.synced else ()
        return processes.served("beanstalkd", "-l", "127.0.0.1", "-p", str(self.port), *log, port=self.port)

    def work(self, processes: Processes, *, single: bool) -> None:
        variant.worker(processes, "beanstalkd", str(self.port), str(1 if single else _BATCH))

    def rate(self, count: int) -> float:
        async def main() -> float:
            window = Window(_WINDOW)
            producer, *others = await self._connected(window, 2)
            seconds = await window.stream(count, producer.submit)
            window.checked()
            await self._let_go(producer, *others)
            return count / seconds

        return run(main())

    def round_trips(self, count: int) -> list[float]:
        async def main() -> list[float]:
            window = Window(1)
            producer, *others = await self._connected(window, 1, batch=1)
            times = await window.one_by_one(count, producer.submit)
            window.checked()
            await self._let_go(producer, *others)
            return times

        return run(main())

    async def _connected(self, window: Window, collectors: int, batch: int = _BATCH) -> tuple[_Producer, ...]:
        def got(job: bytes, data: bytes) -> bytes:
            number, _, result = data.partition(b" ")
            window.put(number, result)
            return b"delete " + job + b"\r\n"

        others: list[Any] = []
        for _ in range(collectors):
            collector = await _Consumer.connect(self.port, batch, got)
            collector.write(b"watch results\r\nignore default\r\n")
            collector.reserve()
            collector.flush()
            others.append(collector)
        producer = await _Producer.connect(self.port)
        producer.write(b"use tasks\r\n")
        return producer, *others

    async def _let_go(self, *connections: Connection) -> None:
        # The last deletes have been written before; a new connection's answer comes after they were read.
        seen = Window(1)
        last = await _Producer.connect(self.port, lambda: seen.put("inserted", b""))
        last.write(b"use nowhere\r\n", _put(b"x"))
        await seen.has(1)
        for connection in (*connections, last):
            connection.close()

    def fill(self, count: int, filled: Callable[[], None]) -> None:
        async def main() -> None:
            window = Window(2000)
            producer = await _Producer.connect(self.port, lambda: window.put(len(window.results), b""))
            producer.write(b"use nowhere\r\n")
            await window.stream(count, producer.submit)
            filled()

        run(main())


async def _work(port: int, batch: int) -> None:
    def handle(job: bytes, data: bytes) -> bytes:
        return _put(done(data)) + b"delete " + job + b"\r\n"

    async def connect() -> Connection:
        worker = await _Consumer.connect(port, batch, handle)
        worker.write(b"use results\r\nwatch tasks\r\nignore default\r\n")
        worker.reserve()
        worker.flush()
        return worker

    await until_gone(connect)


if __name__ == "__main__":
    if variant.is_worker():
        run(_work(int(sys.argv[2]), int(sys.argv[3])))
    else:
        variant.main(lambda: [Beanstalkd(synced=False), Beanstalkd(synced=True)], sys.argv[1:])
