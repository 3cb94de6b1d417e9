"""A scheduler in this process with its HTTP side, and somebody who asks."""

import asyncio
import json
from contextlib import asynccontextmanager

from scheduler_place import serving  # type: ignore[import-not-found] # it lies beside

from wiretask_protocol.authentication import Secret
from wiretask_protocol.codec import encode_report
from wiretask_protocol.messages import Outcome, Report, Result
from wiretask_scheduler.core.grants import Grant
from wiretask_scheduler.http import HttpSettings, serve
from wiretask_scheduler.tokens import Keyring, Token


class Answer:
    """What was answered."""

    def __init__(self, octets):
        head, _, self.body = octets.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        #: What a browser sends along from now on.
        self.cookie = self.headers.get("set-cookie", "").partition(";")[0]

    @property
    def json(self):
        return json.loads(self.body)


class Web:
    """Asks over real sockets, with the header of those who may change something unless told otherwise."""

    def __init__(self, host, port, **arguments):
        self.host, self.port = host, port
        self._arguments = arguments

    async def connect(self, method, path, said=None, **headers):
        """Sends a request, and returns what its answer comes from."""
        reader, writer = await asyncio.open_connection(self.host, self.port, **self._arguments)
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


def token(key_id, *roles, queues=("*",), letter=None):
    """A token that is the first letter of its key id, forty times, unless another one is said."""
    secret = Secret((letter or key_id[0]) * 40)
    grant = Grant(queues, admin="admin" in roles)
    return Token(key_id=key_id, secret=secret, principal=f"{key_id}'s", roles=frozenset(roles), grant=grant)


def bearer(key_id, letter=None):
    """What somebody sends who knows a token."""
    return {"Authorization": f"Bearer {key_id}:{(letter or key_id[0]) * 40}"}


@asynccontextmanager
async def asked(names=(), *, tokens=None, http=None, trust=None, **arguments):
    """A scheduler, and how to ask it; `tokens` are those that it knows, `http` its settings."""
    async with serving(**arguments) as place:
        if tokens is not None:
            place.flow.server.doorkeeper.keyring = Keyring(tokens)
        place.site = await serve(place.flow, "127.0.0.1", 0, http or HttpSettings(names=names))
        try:
            yield place, Web(*place.site.address, **({"ssl": trust, "server_hostname": "localhost"} if trust else {}))
        finally:
            await place.site.close()


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
