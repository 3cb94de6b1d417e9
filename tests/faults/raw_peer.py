"""A peer of plain frames: what it sends is octets, what it gets is messages. It knows the codec and nothing else of ours."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict, deque
from collections.abc import Coroutine
from typing import Any, Self

import uvloop

from wiretask_protocol import codec
from wiretask_protocol.connection import Connection
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.limits import SILENCE_HEARTBEATS
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


def submit(
    seq: int,
    number: int | None = None,
    body: bytes = b"body",
    *,
    owner: int = 0,
    flags: int = 1,
    task_type: str = "add",
    **rest: Any,
) -> Submit:
    """A Submit that wants its result."""
    name = task_id(seq if number is None else number, owner)
    return Submit(seq, name, flags, 5, envelope(body, task_type), **rest)


def encoded(*messages: Any) -> bytes:
    """Messages as octets; octets stay as they are."""
    return b"".join(each if isinstance(each, bytes) else codec.encode(each) for each in messages)


_OPEN: list[RawPeer] = []
#: The nonce of pings that only show that somebody is there, and what comes back.
_BEAT = 0
_BEATEN = Hello(HelloKind.PONG, _BEAT)


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
    """The connection has ended."""


class RawPeer:
    """One connection. Once it is accepted it reads all the time, answers pings, and keeps what else comes by its kind."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, role: str) -> None:
        self.reader, self.writer = reader, writer
        self.connection = Connection("worker" if role == "worker" else "client")
        self.accept: Hello | None = None
        #: By kind, each with its number in the order in which they came.
        self._kept: dict[type, deque[tuple[int, Any]]] = defaultdict(deque)
        self._came = 0
        self._heard = 0.0
        self._news = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._end: Exception | None = None
        #: Why this peer has ended the connection itself.
        self._why = ""
        self._accepted = 0
        self._beats: asyncio.TimerHandle | None = None

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
    async def join(cls, address: str, role: str = "client", *, deaf: bool = False, **tags: Any) -> Self:
        """An accepted peer; one that is deaf reads nothing more."""
        peer = await cls.connect(address, role)
        await peer.greet(role, **tags)
        if deaf:
            peer.stop_reading()
        return peer

    @classmethod
    async def work(cls, address: str, slots: int = 100, task_type: str = "add", **rest: Any) -> Self:
        """An accepted worker that takes one type."""
        peer = await cls.join(address, "worker", **rest)
        await peer.send(Subscribe((QueueWeight("default", 1),), (TypeSupport(task_type, 0, 0),)), Credit(slots, 0, 0))
        return peer

    async def greet(self, role: str, **tags: Any) -> None:
        await self.send(Hello(HelloKind.OPEN, 7, versions=VersionRange(1, 1), role=Role[role.upper()], **tags))
        self.accept = await self.get(Hello)
        assert self.accept.kind is HelloKind.ACCEPT
        self._beat()

    def _beat(self) -> None:
        """Says that it lives, whatever else it says; and looks whether the other side does."""
        loop = asyncio.get_running_loop()
        seconds = (self.accept.heartbeat or 5000) / 1000 if self.accept is not None else 1.0
        if self._heard and loop.time() - self._heard > SILENCE_HEARTBEATS * seconds:
            self._why = f"it has said nothing for {loop.time() - self._heard:.1f} s"
            self.writer.transport.abort()
        elif self._end is None and not self.writer.is_closing():
            self.writer.write(encoded(Hello(HelloKind.PING, _BEAT)))
            self._beats = loop.call_later(seconds / 2, self._beat)

    def stop_reading(self) -> None:
        """What comes from now on stays where it is."""
        if self._reading is not None:
            self._reading.cancel()
            self._heard = 0.0
        self.writer.transport.pause_reading()  # type: ignore[attr-defined] # it is one of a socket

    async def send(self, *messages: Any) -> None:
        self.writer.write(encoded(*messages))
        await self.writer.drain()

    @property
    def inbox(self) -> list[Any]:
        """What came and was not asked for yet."""
        kept = [entry for entries in self._kept.values() for entry in entries]
        return [message for _, message in sorted(kept, key=lambda entry: entry[0])]

    def clear(self) -> None:
        """Forgets what came and was not asked for."""
        self._kept.clear()

    async def get(self, kind: type) -> Any:
        """The next message of a kind. Raises EndedError where the connection ends before it."""
        kept = self._kept[kind]
        if not kept:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while not self._kept[kind]:
                        await self._more()
            except TimeoutError:
                raise AssertionError(f"no {kind} came; there was {self.inbox[-5:]}") from None
        return self._kept[kind].popleft()[1]

    async def get_any(self, *kinds: type) -> Any:
        """The next message of some kinds, in the order in which they came, however long that takes."""
        while not any(self._kept[kind] for kind in kinds):
            await self._more()
        first = min((self._kept[kind] for kind in kinds if self._kept[kind]), key=lambda kept: kept[0][0])
        return first.popleft()[1]

    async def accepted(self, seq: int) -> None:
        """Waits until everything up to a seq is accepted."""
        while self._accepted < seq:
            self._accepted = (await self.get(Accepted)).seq

    async def pong(self, nonce: int = 42) -> None:
        """Asks whether the scheduler is there."""
        await self.send(Hello(HelloKind.PING, nonce))
        while await self.get(Hello) != Hello(HelloKind.PONG, nonce):
            pass

    async def refused(self) -> ErrorCode:
        """Waits for the end of the connection; the error that it ended with."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    await self._more()
        except EndedError:
            assert self._kept[Error], f"it was closed without an error; there was {self.inbox[-5:]}"
            return ErrorCode(self._kept[Error][-1][1].code)

    async def _more(self) -> None:
        """Waits for something to come."""
        if self._end is not None:
            raise EndedError from self._end
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        self._news.clear()
        await self._news.wait()

    async def _read(self) -> None:
        try:
            while octets := await self.reader.read(1 << 18):
                self._heard = asyncio.get_running_loop().time()
                messages = self.connection.receive(octets)
                while self.connection.more:
                    messages += self.connection.receive(b"")
                for message in messages:
                    if isinstance(message, Hello) and message.kind is HelloKind.PING:
                        self.writer.write(encoded(Hello(HelloKind.PONG, message.nonce)))
                    elif message != _BEATEN:
                        self._came += 1
                        self._kept[type(message)].append((self._came, message))
                self._news.set()
            said = [message.text for _, message in self._kept[Error]]
            self._end = EndedError(f"the scheduler has closed the connection; {self._why or said}")
        except Exception as error:
            self._end = error
        self._news.set()

    def abort(self) -> None:
        """Is gone without a word."""
        if self._beats is not None:
            self._beats.cancel()
        if self._reading is not None:
            self._reading.cancel()
        self.writer.transport.abort()
