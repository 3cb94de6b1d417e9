"""A peer of plain frames: what it sends is octets, what it gets is messages. It knows the codec and nothing else of ours."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Coroutine
from typing import Any, Self

import uvloop

from wiretask_protocol import codec
from wiretask_protocol.connection import Connection
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import (
    Accepted,
    Credit,
    Envelope,
    Error,
    Hello,
    HelloKind,
    QueueWeight,
    Report,
    Role,
    Submit,
    Subscribe,
    TypeSupport,
    VersionRange,
)

#: The last octets of the ids of tasks in the queue `default`.
PLACEMENT = hashlib.sha256(b"default").digest()[:2]
#: What no test waits for longer; a wait that is over says what was there instead.
PATIENCE_SECONDS = 60.0


def task_id(number: int, owner: int = 0) -> bytes:
    """The id of a task: of so many owners each has its own."""
    return owner.to_bytes(6, "big") + number.to_bytes(8, "big") + PLACEMENT


def envelope(body: bytes = b"body", task_type: str = "add") -> bytes:
    return codec.encode_envelope(Envelope(task_type, "default", 0, body))


def report(body: bytes = b"done") -> bytes:
    return codec.encode_report(Report(0, body))


def submit(seq: int, number: int | None = None, body: bytes = b"body", *, owner: int = 0, flags: int = 1, **rest: Any):
    """A Submit of the type `add` that wants its result."""
    return Submit(seq, task_id(seq if number is None else number, owner), flags, 5, envelope(body), **rest)


def encoded(*messages: Any) -> bytes:
    """Messages as octets; octets stay as they are."""
    return b"".join(each if isinstance(each, bytes) else codec.encode(each) for each in messages)


_OPEN: list[RawPeer] = []


def run(story: Coroutine[Any, Any, None]) -> None:
    """Runs a story, and lets go of its peers at the end."""

    async def told() -> None:
        try:
            await story
        finally:
            for peer in _OPEN:
                peer.abort()
            _OPEN.clear()
            await asyncio.sleep(0)

    uvloop.run(told())


class EndedError(Exception):
    """The scheduler has closed the connection."""


class RawPeer:
    """One connection. It answers pings while it waits for something, and keeps what else came on the way."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, role: str) -> None:
        self.reader, self.writer = reader, writer
        self.connection = Connection("worker" if role == "worker" else "client")
        self._messages: deque[Any] = deque()
        #: What came and was not asked for yet.
        self.inbox: list[Any] = []
        self.accept: Hello | None = None

    @classmethod
    async def connect(cls, address: str, role: str = "client", **rest: Any) -> Self:
        """A connection that has said nothing yet."""
        host, _, port = address.rpartition(":")
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await asyncio.open_connection(host, int(port), **rest)
        peer = cls(reader, writer, role)
        _OPEN.append(peer)
        return peer

    @classmethod
    async def join(cls, address: str, role: str = "client", **tags: Any) -> Self:
        """An accepted peer."""
        peer = await cls.connect(address, role)
        await peer.greet(role, **tags)
        return peer

    @classmethod
    async def work(cls, address: str, slots: int = 100, **tags: Any) -> Self:
        """An accepted worker that takes the type `add`."""
        peer = await cls.join(address, "worker", **tags)
        await peer.send(Subscribe((QueueWeight("default", 1),), (TypeSupport("add", 0, 0),)), Credit(slots, 0, 0))
        return peer

    async def greet(self, role: str, **tags: Any) -> None:
        await self.send(Hello(HelloKind.OPEN, 7, versions=VersionRange(1, 1), role=Role[role.upper()], **tags))
        self.accept = await self.get(Hello)
        assert self.accept.kind is HelloKind.ACCEPT

    async def send(self, *messages: Any) -> None:
        self.writer.write(encoded(*messages))
        await self.writer.drain()

    async def get(self, *kinds: type) -> Any:
        """The next message of a kind; the others stay. Raises EndedError where the connection ends before it."""
        for index, message in enumerate(self.inbox):
            if isinstance(message, kinds):
                return self.inbox.pop(index)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    message = await self._next()
                    if isinstance(message, Hello) and message.kind is HelloKind.PING:
                        await self.send(Hello(HelloKind.PONG, message.nonce))
                        continue
                    if isinstance(message, kinds):
                        return message
                    self.inbox.append(message)
        except TimeoutError:
            raise AssertionError(f"no {kinds} came; there was {self.inbox[-5:]}") from None

    async def accepted(self, seq: int) -> None:
        """Waits until everything up to a seq is accepted."""
        while (await self.get(Accepted)).seq < seq:
            pass

    async def pong(self, nonce: int = 42) -> None:
        """Asks whether the scheduler is there."""
        await self.send(Hello(HelloKind.PING, nonce))
        while await self.get(Hello) != Hello(HelloKind.PONG, nonce):
            pass

    async def refused(self) -> ErrorCode:
        """Reads to the end of the connection; the error that it ended with."""
        last: Error | None = None
        try:
            while True:
                last = await self.get(Error)
        except (EndedError, ConnectionError):
            assert last is not None, f"it was closed without an error; there was {self.inbox[-5:]}"
            return ErrorCode(last.code)

    async def _next(self) -> Any:
        while not self._messages:
            octets = await self.reader.read(1 << 18)
            if not octets:
                raise EndedError
            self._messages.extend(self.connection.receive(octets))
            while self.connection.more:
                self._messages.extend(self.connection.receive(b""))
        return self._messages.popleft()

    def abort(self) -> None:
        """Is gone without a word."""
        self.writer.transport.abort()
