"""A scheduler in this process on a real socket, and peers that speak raw frames to it."""

import asyncio
import os
from collections import deque
from contextlib import asynccontextmanager
from hashlib import sha256

from wiretask_protocol import codec
from wiretask_protocol.connection import Connection
from wiretask_protocol.messages import (
    Credit,
    Envelope,
    Hello,
    HelloKind,
    QueueWeight,
    Report,
    Result,
    Role,
    Submit,
    Subscribe,
    TypeSupport,
    VersionRange,
)
from wiretask_scheduler.core import Broker, Settings
from wiretask_scheduler.flow import Flow
from wiretask_scheduler.session import SessionSettings
from wiretask_scheduler.store.memory import MemoryStore

PLACEMENT = sha256(b"default").digest()[:2]


def envelope(body=b"body", task_type="add"):
    return codec.encode_envelope(Envelope(task_type, "default", 0, body))


def report(body=b"done"):
    return codec.encode_report(Report(0, body))


def task_id(number):
    return number.to_bytes(14, "big") + PLACEMENT


def submit(seq, body=b"body", *, number=None, flags=1, **options):
    return Submit(seq, task_id(seq if number is None else number), flags, 5, envelope(body), **options)


class Raw:
    """A peer: what it sends is octets, what it gets is messages, in order."""

    def __init__(self, reader, writer, role="client"):
        self.reader, self.writer = reader, writer
        self.connection = Connection(role)
        self._messages = deque()

    async def send(self, *messages):
        self.writer.write(b"".join(each if isinstance(each, bytes) else codec.encode(each) for each in messages))
        await self.writer.drain()

    async def get(self):
        """The next message; EOFError at the end of the stream."""
        while not self._messages:
            octets = await self.reader.read(65536)
            if not octets:
                raise EOFError
            self._messages.extend(self.connection.receive(octets))
            while self.connection.more:
                self._messages.extend(self.connection.receive(b""))
        return self._messages.popleft()

    async def rest(self):
        """Everything until the end of the stream, as octets."""
        return await self.reader.read()

    def close(self):
        self.writer.close()


class Place:
    """A running scheduler."""

    def __init__(self, flow, address):
        self.flow, self.address = flow, address
        self.raws = []

    async def raw(self, role="client", **arguments):
        """A connection that has said nothing yet."""
        reader, writer = await asyncio.open_connection(*self.address, **arguments)
        peer = Raw(reader, writer, role)
        self.raws.append(peer)
        return peer

    async def join(self, role="client", **rest):
        """An accepted peer."""
        peer = await self.raw(role)
        versions = VersionRange(1, 1)
        await peer.send(Hello(HelloKind.OPEN, 7, versions=versions, role=Role[role.upper()], **rest))
        peer.accept = await peer.get()
        assert peer.accept.kind is HelloKind.ACCEPT
        return peer

    async def worker(self, slots=100, **rest):
        """An accepted worker that takes the type `add`."""
        peer = await self.join("worker", **rest)
        await peer.send(Subscribe((QueueWeight("default", 1),), (TypeSupport("add", 0, 0),)), Credit(slots, 0, 0))
        return peer

    async def gone(self, number):
        """Waits until the server has let go of all connections but so many."""
        while len(self.flow.server.links) > number:  # noqa: ASYNC110 -- the server has nobody to tell
            await asyncio.sleep(0.001)


@asynccontextmanager
async def serving(store=None, *, per_address=100, body_budget=1 << 20, settings=None, core=None):
    failures = []
    flow = Flow(
        Broker(core or Settings(), lambda: 0.5, lambda: os.urandom(16)),
        store or MemoryStore(),
        settings or SessionSettings(),
        connections_per_address=per_address,
        body_budget=body_budget,
        failed=failures.append,
    )
    flow.start()
    address = await flow.server.listen("127.0.0.1", 0)
    place = Place(flow, address)
    try:
        yield place
    finally:
        for peer in place.raws:
            peer.close()
        await flow.stop()
        await flow.server.stop()
        flow.close()
    assert failures == []


async def work(worker, seq=1, body=b"done"):
    """Takes the next Task and reports it done; returns it."""
    task = await worker.get()
    await worker.send(Result(seq, task.task_id, task.lease, 1, report(body)))
    return task
