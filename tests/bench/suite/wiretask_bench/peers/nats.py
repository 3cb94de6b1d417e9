"""NATS: request and reply through a queue group, which queues nothing; and JetStream, a work queue with explicit acks.

The result of a JetStream task goes back as a plain message to the submitter's inbox. Raw text protocol, pipelined.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from wiretask_bench.peers import variant
from wiretask_bench.peers.pipelined import Connection, Window, run, until_gone
from wiretask_bench.peers.work import done, numbered
from wiretask_bench.processes import Processes, Started, free_port

_PULLED = 500
_WINDOW = 4000
_PULL_NANOS = 30 * 10**9
_ACK_WAIT_NANOS = 60 * 10**9
_HELLO = b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":false,"protocol":1}\r\nPING\r\n'
#: What a kind of store leaves of accepted tasks.
_SURVIVES = {
    "core": "nothing, not even queued",
    "memory": "nothing",
    "file": "most (file store, no sync per message)",
    "synced": "all (file store, synced at each write)",
}

Handler = Callable[[bytes, bytes, bytes], object]


def _publish(subject: bytes, data: bytes, reply: bytes = b"") -> bytes:
    return b"PUB %s %s %d\r\n%s\r\n" % (subject, reply, len(data), data)


class _Nats(Connection):
    def __init__(self) -> None:
        super().__init__()
        self.handlers: dict[bytes, Handler] = {}

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.write(_HELLO)

    def subscribe(self, subject: bytes, handler: Handler, group: bytes = b"") -> None:
        number = b"%d" % (len(self.handlers) + 1)
        self.handlers[number] = handler
        self.write(b"SUB %s %s %s\r\n" % (subject, group, number))

    def read(self, octets: bytes) -> int:
        at = 0
        while (end := octets.find(b"\r\n", at)) >= 0:
            if octets.startswith((b"MSG", b"HMSG"), at):
                words = octets[at:end].split(b" ")
                stop = end + 2 + int(words[-1])
                if len(octets) < stop + 2:
                    break
                headers = int(words[-2]) if words[0] == b"HMSG" else 0
                reply = words[3] if len(words) == 5 + bool(headers) else b""
                at = stop + 2
                self.handlers[words[2]](words[1], reply, octets[end + 2 + headers : stop])
            else:
                said = octets[at:end]
                at = end + 2
                if said == b"PING":
                    self.out.append(b"PONG\r\n")
                elif said.startswith(b"-ERR"):
                    raise RuntimeError(f"nats-server says {said.decode()}")
        return at

    async def ask(self, subject: str, what: dict[str, Any]) -> None:
        """Asks JetStream for something. Raises RuntimeError with what it says."""
        answered = Window(1)
        inbox = b"_INBOX.api.%d" % time.time_ns()
        self.subscribe(inbox, lambda _subject, _reply, data: answered.put("answer", data))
        self.write(_publish(subject.encode(), json.dumps(what).encode(), inbox))
        await answered.has(1)
        if error := json.loads(answered.results["answer"]).get("error"):
            raise RuntimeError(f"JetStream says {error}")


class _Client(_Nats):
    """Submits, and hears of results at an inbox of its own."""

    def __init__(self, window: Window, stream: bool) -> None:
        super().__init__()
        self.window = window
        self.stream = stream
        self.acknowledged = 0
        self.inbox = b"_INBOX.%d" % time.time_ns()

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.subscribe(self.inbox, self._on_result)
        self.subscribe(self.inbox + b".ack", self._on_acknowledged)

    def submit(self, first: int, last: int, subject: bytes = b"task.sha") -> None:
        if self.stream:
            data = [self.inbox + b" " + numbered(number) for number in range(first, last)]
            self.write(*[_publish(subject, each, self.inbox + b".ack") for each in data])
        else:
            self.write(*[_publish(subject, numbered(number), self.inbox) for number in range(first, last)])

    def _on_result(self, _subject: bytes, _reply: bytes, data: bytes) -> None:
        number, _, result = data.partition(b" ")
        self.window.put(number, result)

    def _on_acknowledged(self, _subject: bytes, _reply: bytes, data: bytes) -> None:
        if b'"error"' in data:
            raise RuntimeError(f"JetStream says {data.decode()}")
        self.acknowledged += 1


class _Worker(_Nats):
    def __init__(self, stream: bool) -> None:
        super().__init__()
        self.left = 0
        self.inbox = b"_INBOX.worker.%d" % os.getpid()
        self.stream = stream

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if self.stream:
            self.subscribe(self.inbox, self._on_delivered)
            self._pull(_PULLED)
            self.flush()
        else:
            self.subscribe(b"task.sha", self._on_request, b"workers")

    def _pull(self, count: int) -> None:
        asked = b'{"batch":%d,"expires":%d}' % (count, _PULL_NANOS)
        self.out.append(_publish(b"$JS.API.CONSUMER.MSG.NEXT.T.w", asked, self.inbox))
        self.left = _PULLED

    def _on_request(self, _subject: bytes, reply: bytes, data: bytes) -> None:
        self.out.append(_publish(reply, done(data)))

    def _on_delivered(self, _subject: bytes, reply: bytes, data: bytes) -> None:
        if not reply.startswith(b"$JS.ACK"):
            # A status: what was asked for has expired.
            self._pull(_PULLED)
            return
        inbox, _, rest = data.partition(b" ")
        self.out += (_publish(inbox, done(rest)), _publish(reply, b"+ACK"))
        self.left -= 1
        if self.left <= _PULLED // 2:
            self._pull(_PULLED - self.left)


class Nats(variant.Variant):
    """`core`, or JetStream with the store `memory`, `file` or `synced`."""

    def __init__(self, store: str, version: str) -> None:
        self.store = store
        self.stream = store != "core"
        # A hundred thousand synced writes take minutes.
        self.fills = store == "file"
        self.name = f"nats-{store}"
        self.system = f"NATS {version}" + (" JetStream" if self.stream else "")
        self.settings = f"pipelined client, pull of {_PULLED}, explicit ack" if self.stream else "pipelined client"
        self.survives = _SURVIVES[store]
        self.port = free_port()

    def serve(self, processes: Processes) -> Started:
        self.port = free_port()
        sync = "sync_interval: always" if self.store == "synced" else ""
        config = processes.folder / "nats.conf"
        config.write_text(f'jetstream {{ store_dir: "{processes.folder}"\n{sync} }}\n')
        server = processes.served(
            *("nats-server", "-a", "127.0.0.1", "-p", str(self.port), "-c", str(config)), port=self.port
        )
        if self.stream:
            run(self._make())
        return server

    async def _make(self) -> None:
        connection = await _Nats.connect(self.port)
        kept = "memory" if self.store == "memory" else "file"
        stream = {"name": "T", "subjects": ["task.>"], "retention": "workqueue", "storage": kept, "num_replicas": 1}
        consumer = {"durable_name": "w", "ack_policy": "explicit", "max_ack_pending": 20_000}
        consumer |= {"ack_wait": _ACK_WAIT_NANOS, "deliver_policy": "all", "filter_subject": "task.sha"}
        await connection.ask("$JS.API.STREAM.CREATE.T", stream)
        await connection.ask("$JS.API.CONSUMER.DURABLE.CREATE.T.w", {"stream_name": "T", "config": consumer})
        connection.close()

    def work(self, processes: Processes, *, single: bool) -> None:
        variant.worker(processes, "nats", str(self.port), "stream" if self.stream else "core")

    def rate(self, count: int) -> float:
        async def main() -> float:
            client = await _Client.connect(self.port, Window(_WINDOW), self.stream)
            seconds = await client.window.stream(count, client.submit)
            client.window.checked()
            client.close()
            return count / seconds

        return run(main())

    def round_trips(self, count: int) -> list[float]:
        async def main() -> list[float]:
            client = await _Client.connect(self.port, Window(1), self.stream)
            times = await client.window.one_by_one(count, client.submit)
            client.window.checked()
            client.close()
            return times

        return run(main())

    def fill(self, count: int, filled: Callable[[], None]) -> None:
        async def main() -> None:
            window = Window(2000)
            client = await _Client.connect(self.port, window, True)
            client.subscribe(
                client.inbox + b".ack", lambda _subject, _reply, data: window.put(len(window.results), data)
            )
            await window.stream(count, lambda first, last: client.submit(first, last, b"task.nobody"))
            filled()

        run(main())


async def _work(port: int, kind: str) -> None:
    await until_gone(lambda: _Worker.connect(port, kind == "stream"))


def _variants() -> list[Nats]:
    version = variant.version("nats-server", "--version")
    # Before that it syncs every two minutes, whatever it is told.
    new = tuple(map(int, version.split(".")[:2])) >= (2, 10)
    return [Nats(store, version) for store in ("core", "file", *(["synced"] if new else []))]


if __name__ == "__main__":
    if variant.is_worker():
        run(_work(int(sys.argv[2]), sys.argv[3]))
    else:
        variant.main(_variants, sys.argv[1:])
