"""Ten thousand workers in one process: each a bare connection of prepared octets, which all leave and come back at once.

    python crowd.py HOST:PORT HISTORY

It is told what to do on standard input, a line each, and answers each line when it is done, in JSON:

    join COUNT TYPE   so many more workers, each with one slot for tasks of a type; the answer says how it went
    beat              waits until the heartbeat of each has gone there and back twice, as often as is usual
    cut               all connections break at once
    back              all come back at once, each with its session and its leases; until then they stay away
    work              what they hold is done, and from now on each task at once; until then they begin and go on
    knock COUNT       strangers that only open; how many were let in, and what the others were told

What happens to leases is written down (see `kept_history.py`). It knows the codec and nothing else of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import uvloop

from wiretask_protocol import codec
from wiretask_protocol.connection import Connection
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.limits import HEARTBEAT_MS
from wiretask_protocol.messages import (
    Accepted,
    Cancel,
    CancelMode,
    Credit,
    Error,
    ErrorScope,
    HeldLease,
    Hello,
    HelloKind,
    Outcome,
    QueueWeight,
    Report,
    Result,
    Resume,
    Retract,
    Return,
    ReturnReason,
    Role,
    Subscribe,
    Task,
    TypeSupport,
    VersionRange,
)

#: So many live at one address, as on one machine of a cluster; the network 127.0.0.0/8 has addresses enough.
NEIGHBOURS = 400
#: Of those that come for the first time so many are on their way at once; of those that come back, all.
_ARRIVING = 400
_OPENS = {role: codec.encode(Hello(HelloKind.OPEN, 7, versions=VersionRange(1, 1), role=role)) for role in Role}
_PING = codec.encode(Hello(HelloKind.PING, 1))
#: Who was not let in comes again within this time.
_AGAIN_SECONDS = 0.5


class Member(asyncio.Protocol):
    """One worker: its session and its leases, and the connection that it has now."""

    def __init__(self, crowd: Crowd, number: int, task_type: str) -> None:
        self.crowd = crowd
        self.number = number
        self.name = str(number)
        self.subscribe = codec.encode(Subscribe((QueueWeight("default", 1),), (TypeSupport(task_type, 0, 0),)))
        self.session: bytes | None = None
        #: Task ids and bodies by lease, and the seqs of those whose Result is not accepted yet.
        self.held: dict[int, tuple[bytes, bytes]] = {}
        self.reported: dict[int, int] = {}
        self.begun = 0
        self.beats = 0
        self.serving = False
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.connection = Connection("worker")
        self.sent = 0
        self.reported.clear()
        self.write(_OPENS[Role.WORKER])

    def write(self, octets: bytes) -> None:
        self.said = self.crowd.now()
        self.transport.write(octets)

    def data_received(self, octets: bytes) -> None:
        messages = self.connection.receive(octets)
        while self.connection.more:
            messages += self.connection.receive(b"")
        for message in messages:
            handler = _HANDLERS.get(type(message))
            if handler is not None:
                handler(self, message)

    def connection_lost(self, error: Exception | None) -> None:
        self.serving = False
        self.crowd.lost(self)

    def beat(self, now: float) -> None:
        if self.serving and now - self.said >= HEARTBEAT_MS / 1000:
            self.write(_PING)

    # -- what the scheduler says --

    def on_hello(self, message: Hello) -> None:
        if message.kind is HelloKind.PING:
            self.write(codec.encode(Hello(HelloKind.PONG, message.nonce)))
            # Whoever asks, it is a sign of life of both.
            self.beats += 1
        elif message.kind is HelloKind.PONG:
            self.beats += 1
        elif self.session is None:
            self.session = message.session
            self._serve()
        else:
            # Until the answer is here its leases belong to the former session.
            self.crowd.note("named", self, *self.held)
            leases = tuple(HeldLease(task_id, lease) for lease, (task_id, _) in self.held.items())
            self.write(codec.encode(Resume(self.session, leases)))

    def on_resume(self, message: Resume) -> None:
        kept = {lease.lease for lease in message.leases}
        self.session = message.session
        self.crowd.note("kept", self, *kept)
        for lease in list(self.held.keys() - kept):
            self._drop("abandoned", lease)
        self._serve()

    def _serve(self) -> None:
        self.serving = True
        self.write(self.subscribe + self._credit())
        if self.crowd.working:
            self.work()
        self.crowd.arrived(self)

    def on_task(self, message: Task) -> None:
        self.held[message.lease] = message.task_id, codec.decode_envelope(message.envelope).body
        self.begun = message.lease
        self.crowd.note("got", self, message.lease)
        self.write(self._credit())
        if self.crowd.working:
            self.work()

    def on_accepted(self, message: Accepted) -> None:
        for lease in [lease for lease, seq in self.reported.items() if seq <= message.seq]:
            del self.reported[lease]
            self._drop("done", lease)

    def on_retract(self, message: Retract) -> None:
        # All that it has, it has begun.
        if message.lease in self.held and message.lease not in self.reported:
            self.sent += 1
            self.write(codec.encode(Return(self.sent, message.task_id, message.lease, ReturnReason.KEPT)))

    def on_cancel(self, message: Cancel) -> None:
        assert message.mode == CancelMode.SUPERSEDED, "nobody cancels anything here"
        self._drop("superseded", message.lease)
        self.write(codec.encode(Accepted(message.seq)))

    def on_error(self, message: Error) -> None:
        self.crowd.errors[ErrorCode(message.code).name] += 1
        if message.scope == ErrorScope.CONNECTION:
            self.transport.abort()

    # -- what it does --

    def work(self) -> None:
        """Reports what it holds."""
        for lease, (task_id, body) in self.held.items():
            if lease not in self.reported:
                self.sent += 1
                self.reported[lease] = self.sent
                report = codec.encode_report(Report(0, hashlib.sha256(body).hexdigest().encode()))
                self.write(codec.encode(Result(self.sent, task_id, lease, Outcome.SUCCEEDED, report)))

    def _credit(self) -> bytes:
        return codec.encode(Credit(1, 0, self.begun))

    def _drop(self, word: str, lease: int) -> None:
        if lease in self.held:
            self.crowd.note(word, self, lease)
            del self.held[lease]


_HANDLERS: dict[type, Callable[[Member, Any], None]] = {
    Hello: Member.on_hello,
    Resume: Member.on_resume,
    Task: Member.on_task,
    Accepted: Member.on_accepted,
    Retract: Member.on_retract,
    Cancel: Member.on_cancel,
    Error: Member.on_error,
}


class Stranger(asyncio.Protocol):
    """Who only opens a connection, as a client, and hears what he is told."""

    def __init__(self, told: asyncio.Future[str]) -> None:
        self.told = told
        self.connection = Connection("client")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(_OPENS[Role.CLIENT])  # type: ignore[attr-defined] # it is one of a socket

    def data_received(self, octets: bytes) -> None:
        for message in self.connection.receive(octets):
            if not self.told.done():
                self.told.set_result(ErrorCode(message.code).name if isinstance(message, Error) else "let in")

    def connection_lost(self, error: Exception | None) -> None:
        if not self.told.done():
            self.told.set_result("closed without a word")


class Crowd:
    """All of them, and what they are told to do."""

    def __init__(self, address: str, history: str) -> None:
        host, _, port = address.rpartition(":")
        self.address = host, int(port)
        self.history = os.open(history, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.members: list[Member] = []
        self.errors: Counter[str] = Counter()
        self.working = False
        self.now = asyncio.get_running_loop().time
        self._strangers: list[asyncio.BaseTransport] = []
        #: Whether those whose connection breaks come again by themselves.
        self._coming = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._away = 0
        self._all_here = asyncio.Event()

    def note(self, word: str, member: Member, *leases: int) -> None:
        """Writes down what happened to leases, or to the connection, of a member."""
        lines = [f"{word} {member.name} {lease} {member.held[lease][0].hex()}\n" for lease in leases]
        os.write(self.history, "".join(lines or [f"{word} {member.name}\n"]).encode())

    # -- who comes and goes --

    async def _connect(self, member: Member) -> None:
        """Comes, again and again until it is let in."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                await loop.create_connection(lambda: member, *self.address, local_addr=(_home(member.number), 0))
            except OSError:
                await asyncio.sleep(random.random() * _AGAIN_SECONDS)
            else:
                return

    def arrived(self, member: Member) -> None:
        self._away -= 1
        if not self._away:
            self._all_here.set()

    def lost(self, member: Member) -> None:
        self.note("cut", member)
        if self._coming:
            self._start(self._return(member))

    async def _return(self, member: Member) -> None:
        await asyncio.sleep(random.random() * _AGAIN_SECONDS)
        await self._connect(member)

    def _start(self, coming: Any) -> None:
        task = asyncio.ensure_future(coming)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def join(self, count: str, task_type: str) -> dict[str, Any]:
        began = self.now()
        new = [Member(self, len(self.members) + number, task_type) for number in range(int(count))]
        self.members += new
        self._coming = True
        for at in range(0, len(new), _ARRIVING):
            some = new[at : at + _ARRIVING]
            self._away = len(some)
            self._all_here.clear()
            for member in some:
                self._start(self._connect(member))
            await self._all_here.wait()
        return {"here": self._here(), "seconds": round(self.now() - began, 2), "errors": dict(self.errors)}

    async def cut(self) -> dict[str, Any]:
        self._coming = False
        for member in self.members:
            if member.transport is not None:
                member.transport.abort()
        while self._here():  # noqa: ASYNC110 -- the loop has nobody to tell
            await asyncio.sleep(0)
        return {"held": sum(len(member.held) for member in self.members)}

    async def back(self) -> dict[str, Any]:
        began = self.now()
        self._coming = True
        self._away = len(self.members)
        self._all_here.clear()
        for member in self.members:
            self._start(self._connect(member))
        await self._all_here.wait()
        held = sum(len(member.held) for member in self.members)
        return {
            "here": self._here(),
            "held": held,
            "seconds": round(self.now() - began, 2),
            "errors": dict(self.errors),
        }

    async def knock(self, count: str) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        told: Counter[str] = Counter()
        for _ in range(int(count)):
            answer: asyncio.Future[str] = loop.create_future()
            transport, _ = await loop.create_connection(
                lambda future=answer: Stranger(future),  # type: ignore[misc]
                *self.address,
                local_addr=(_home(0), 0),
            )
            self._strangers.append(transport)
            told[await answer] += 1
        return dict(told)

    # -- what they do --

    async def beat(self) -> dict[str, Any]:
        began = self.now()
        goals = [member.beats + 2 for member in self.members]
        while any(member.beats < goal for member, goal in zip(self.members, goals, strict=True)):  # noqa: ASYNC110 -- peers are counted, not told
            await asyncio.sleep(0.1)
        return {"here": self._here(), "seconds": round(self.now() - began, 2)}

    async def work(self) -> dict[str, Any]:
        self.working = True
        for member in self.members:
            if member.serving:
                member.work()
        return {"here": self._here()}

    def _here(self) -> int:
        return sum(member.serving for member in self.members)

    async def live(self) -> None:
        """Heartbeats, a share of the members at a time."""
        shares, turn = 50, 0
        while True:
            await asyncio.sleep(0.02)
            turn = (turn + 1) % shares
            now = self.now()
            for member in self.members[turn::shares]:
                member.beat(now)


def _home(number: int) -> str:
    """The address of a member."""
    return f"127.1.{number // NEIGHBOURS // 250}.{number // NEIGHBOURS % 250 + 1}"


async def main() -> None:
    crowd = Crowd(*sys.argv[1:])
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    living = asyncio.ensure_future(crowd.live())
    while line := await reader.readline():
        word, *arguments = line.decode().split()
        began = time.process_time()
        answer = await getattr(crowd, word)(*arguments)
        print(json.dumps({**answer, "own_cpu": round(time.process_time() - began, 2)}), flush=True)
    living.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await living


if __name__ == "__main__":
    uvloop.run(main())
