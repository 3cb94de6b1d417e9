"""A scheduler in this process with its HTTP side, and somebody who asks."""

import asyncio
import json
from contextlib import asynccontextmanager

from scheduler_place import serving  # type: ignore[import-not-found] # it lies beside

from wiretask_protocol.codec import encode_report
from wiretask_protocol.messages import Outcome, Report, Result
from wiretask_scheduler.http import serve


class Answer:
    """What was answered."""

    def __init__(self, octets):
        head, _, self.body = octets.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    @property
    def json(self):
        return json.loads(self.body)


class Web:
    """Asks over real sockets, with the header of those who may change something unless told otherwise."""

    def __init__(self, host, port):
        self.host, self.port = host, port

    async def connect(self, method, path, said=None, **headers):
        """Sends a request, and returns what its answer comes from."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        body = said if isinstance(said, bytes) else b"" if said is None else json.dumps(said).encode()
        usual = {"Host": f"{self.host}:{self.port}", "Wiretask-Request": "1", "Content-Length": len(body)}
        lines = {**usual, **{name.replace("_", "-"): value for name, value in headers.items()}}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
        writer.write(f"{method} {path} HTTP/1.1\r\nConnection: close\r\n{head}\r\n".encode() + body)
        return reader, writer

    async def ask(self, method, path, said=None, **headers):
        """The answer to a request."""
        reader, writer = await self.connect(method, path, said, **headers)
        octets = await reader.read()
        writer.close()
        return Answer(octets)

    async def get(self, path, **headers):
        """What is said at a path."""
        answer = await self.ask("GET", path, **headers)
        assert answer.status == 200, answer.body
        return answer.json


@asynccontextmanager
async def asked(names=(), **arguments):
    """A scheduler, and how to ask it."""
    async with serving(**arguments) as place:
        runner = await serve(place.flow, "127.0.0.1", 0, names)
        try:
            yield place, Web(*runner.addresses[0][:2])
        finally:
            await runner.cleanup()


async def fail(worker, seq, error="ValueError", message="no", **rest):
    """Takes the next Task and reports it failed; returns it."""
    task = await worker.get()
    while not hasattr(task, "lease"):
        task = await worker.get()
    report = encode_report(Report(0, b"", error, message, f"Traceback (most recent call last):\n{error}: {message}"))
    await worker.send(Result(seq, task.task_id, task.lease, Outcome.FAILED, report, **rest))
    return task


async def results(client, count):
    """Waits for so many Results."""
    while count:
        count -= isinstance(await client.get(), Result)
