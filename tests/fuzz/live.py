"""A live scheduler for a fuzzer: the real shell and core over the network, the disk and the clock of the simulation.

An input is a legal beginning and what comes then: messages that are legal but for a few octets, or octets. Beside it
somebody else passes a task to and fro, before and after; the processor time of each turn of the scheduler's loop is
measured, so that no input can keep the others waiting, however busy the machine is.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import sys
import time
from collections import deque
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "simulation"))

from clockwork import Machine, Process
from disk import Disk
from in_place import in_place
from network import Network
from shell import SimFlow

from wiretask_protocol import codec
from wiretask_protocol import messages as m
from wiretask_protocol.connection import Connection
from wiretask_protocol.errors import WireError

PORT = 9001
#: What no other connection may wait for: the processor time of one turn of the loop.
BLOCKED_SECONDS = 0.05
#: Inputs that one scheduler lives through, then there is a new one: the model of the disk keeps all tasks.
_LIFE = 300
_PLACEMENT = sha256(b"default").digest()[:2]
_REPORT = codec.encode_report(m.Report(0, b"done"))


def _envelope(task_type: str) -> bytes:
    return codec.encode_envelope(m.Envelope(task_type, "default", 0, b"body"))


_ids = itertools.count(1)


def _id(owner: int = 0) -> bytes:
    return owner.to_bytes(6, "big") + next(_ids).to_bytes(8, "big") + _PLACEMENT


class Peer(asyncio.Protocol):
    """One connection, and what it has heard."""

    def __init__(self, role: m.Role, *, attacks: bool) -> None:
        self.role = role
        self.attacks = attacks
        self.connection = Connection("worker" if role == m.Role.WORKER else "client")
        self.heard: deque[Any] = deque(maxlen=50)
        self.transport: Any = None
        self.lost = False
        self.seq = 0
        self.task: Any = None
        self.submitted = _id()

    def connection_made(self, transport: Any) -> None:
        """See asyncio."""
        self.transport = transport

    def data_received(self, octets: bytes) -> None:
        """Whatever a scheduler says to who is legal is legal, too: an error here is a bug of the scheduler."""
        if self.connection.closed:
            return
        try:
            messages = self.connection.receive(octets)
            while self.connection.more:
                messages += self.connection.receive(b"")
        except WireError:
            if not self.attacks:
                raise
            # It is answered as what it said that it is: in HTTP, say, or as a worker where it is a client.
            return
        for message in messages:
            self.heard.append(message)
            if isinstance(message, m.Task):
                self.task = message

    def connection_lost(self, error: Exception | None) -> None:
        """See asyncio."""
        self.lost = True

    def next(self) -> int:
        """The seq of the next message that has one."""
        self.seq += 1
        return self.seq

    def send(self, *messages: Any) -> None:
        """Says something."""
        self.transport.write(b"".join(each if isinstance(each, bytes) else codec.encode(each) for each in messages))

    def open(self) -> bytes:
        """Its greeting."""
        return codec.encode(m.Hello(m.HelloKind.OPEN, 7, versions=m.VersionRange(1, 1), role=self.role))


class Live:
    """A scheduler, somebody who uses it, and whoever an input makes of the attacker."""

    def __init__(self) -> None:
        self.disk, self.chance, self.disk_chance = Disk(), Random(1), Random(2)
        self.machine = Machine()
        self.network = Network(self.machine, Random(3))
        self.scheduler = self.machine.process("scheduler")
        self.neighbours = self.machine.process("neighbours")
        self.flow: Any = None
        #: The longest turn of the scheduler's loop, in seconds of the processor.
        self.longest = 0.0
        self._place = in_place(self, self.machine, self.chance)
        self._place.__enter__()
        self.scheduler.start(self._serve)
        self._measure()
        self.run(0.1)
        self.client, self.worker = (self.join(self.neighbours, role) for role in (m.Role.CLIENT, m.Role.WORKER))
        self.worker.send(
            m.Subscribe((m.QueueWeight("default", 1),), (m.TypeSupport("other", 0, 0),)), m.Credit(2, 0, 0)
        )
        self.run(1.0)

    async def _serve(self) -> None:
        flow = SimFlow(self, self.scheduler)
        flow.start()
        await flow.server.listen("127.0.0.1", PORT)
        self.flow = flow

    def _measure(self) -> None:
        turn = self.scheduler.loop.turn

        def measured() -> None:
            began = time.thread_time()
            turn()
            self.longest = max(self.longest, time.thread_time() - began)

        self.scheduler.loop.turn = measured

    def close(self) -> None:
        """The end of it."""
        self.machine.close()
        self._place.__exit__(None, None, None)

    def run(self, seconds: float, done: Callable[[], bool] = lambda: False) -> bool:
        """Lets time pass. Raises AssertionError where somebody complains."""
        over: bool = self.machine.run(
            self.machine.clock.steady + seconds, lambda: bool(self.machine.failures) or done()
        )
        assert not self.machine.failures, self.machine.failures[0]
        return over

    def join(self, process: Process, role: m.Role, *, greets: bool = True) -> Peer:
        """Somebody connects, and greets."""
        peer = Peer(role, attacks=process is not self.neighbours)

        async def connect() -> None:
            await process.loop.create_connection(lambda: peer, "127.0.0.1", PORT)

        process.start(connect)
        self.run(2.0, lambda: peer.transport is not None)
        if greets:
            peer.send(peer.open())
            self.run(2.0, lambda: bool(peer.heard))
        return peer

    def round(self) -> None:
        """The neighbours pass a task to each other: in a moment, whatever is done beside."""
        task_id = _id(0xBEEF)
        self.client.send(m.Submit(self.client.next(), task_id, 1, 5, _envelope("other")))
        self.worker.task = None
        assert self.run(5.0, lambda: self.worker.task is not None), "the neighbour gets no task"
        task = self.worker.task
        self.worker.send(m.Result(self.worker.next(), task.task_id, task.lease, m.Outcome.SUCCEEDED, _REPORT))
        assert self.run(5.0, lambda: self._told(task_id)), "the neighbour gets no result"
        for peer in (self.client, self.worker):
            peer.send(m.Hello(m.HelloKind.PING, 1))

    def _told(self, task_id: bytes) -> bool:
        return any(isinstance(said, m.Result) and said.task_id == task_id for said in self.client.heard)

    # -- the attacker --

    def attack(self, octets: bytes) -> None:
        """A beginning, and what comes then."""
        process = self.machine.process("attacker")
        role, begin = BEGINNINGS[octets[0] % len(BEGINNINGS)]
        peer = self.join(process, role, greets=begin is not None)
        if begin is not None:
            begin(self, peer)
        for said in _said(peer, octets[2:]):
            if peer.lost or peer.transport.is_closing():
                break
            peer.transport.write(said)
        self.run(0.3)
        if octets[1] % 3 == 0 and not peer.lost:
            peer.transport.write_eof()
            self.run(0.3)
        self.machine.kill(process, silently=octets[1] % 3 == 1)
        process.close()
        self.machine.graves.remove(process)

    # -- what the simulation asks of those around a scheduler --

    def boundary(self, name: str) -> None:
        """Nobody dies here."""

    def begun(self, flow: Any) -> None:
        """Nobody watches."""

    def left(self, number: int) -> None:
        """Nobody watches."""

    def heard(self, number: int, message: Any) -> None:
        """Nobody listens."""

    def said(self, number: int, message: Any) -> None:
        """Nobody listens."""


def _joined(live: Live, peer: Peer) -> None:
    pass


def _submitted(live: Live, peer: Peer) -> None:
    peer.send(m.Submit(peer.next(), peer.submitted, 3, 5, _envelope("work")))
    live.run(0.3)


def _subscribed(live: Live, peer: Peer) -> None:
    peer.send(m.Subscribe((m.QueueWeight("default", 1),), (m.TypeSupport("work", 0, 0),)), m.Credit(3, 0, 0))
    live.run(0.3)


def _working(live: Live, peer: Peer) -> None:
    _subscribed(live, peer)
    live.client.send(m.Submit(live.client.next(), _id(), 0, 5, _envelope("work"), max_attempts=2))
    live.run(0.5, lambda: peer.task is not None)


#: In which role, and what has been said before; None greets nobody.
BEGINNINGS: tuple[tuple[m.Role, Callable[[Live, Peer], None] | None], ...] = (
    (m.Role.CLIENT, None),
    (m.Role.CLIENT, _joined),
    (m.Role.CLIENT, _submitted),
    (m.Role.WORKER, _joined),
    (m.Role.WORKER, _subscribed),
    (m.Role.WORKER, _working),
)


def _lease(peer: Peer) -> tuple[bytes, int]:
    return (peer.task.task_id, peer.task.lease) if peer.task is not None else (peer.submitted, 1)


#: Legal messages of a peer; what is done to them is in the input.
MESSAGES: tuple[Callable[[Peer], Any], ...] = (
    lambda peer: m.Hello(m.HelloKind.PING, 1),
    lambda peer: peer.open(),
    lambda peer: m.Submit(peer.next(), _id(), 1, 5, _envelope("work"), delay=5, max_attempts=2, expires_in=1000),
    lambda peer: m.Submit(peer.next(), peer.submitted, 5, 0, _envelope("work"), unique=m.UniqueKey("k", 1, 2, 0)),
    lambda peer: m.Submit(peer.next(), _id(), 1, 9, _envelope("work"), after=(peer.submitted,), on_dependency_failure=2,
                          concurrency=m.ConcurrencyKey("c", 1), rate=m.RateKey("r", 5, 1000, 3), fairness=m.FairnessKey("f", 2)),
    lambda peer: m.Submit(peer.next(), _id(), 1, 9, _envelope("work"), group=m.Group(peer.submitted, 1)),
    lambda peer: m.Submit(peer.next(), peer.submitted, 1, 9, _envelope("work"), gather=m.Gather(2, 1)),
    lambda peer: m.Accepted(1),
    lambda peer: m.Await(peer.next(), peer.submitted),
    lambda peer: m.Query(peer.next(), peer.submitted),
    lambda peer: m.Cancel(peer.next(), peer.submitted, 0, 1, True),
    lambda peer: m.Schedule(peer.next(), "name", m.ScheduleAction.PUT, 5, every=60_000, envelope=_envelope("work")),
    lambda peer: m.Schedule(peer.next(), "name", m.ScheduleAction.DELETE, 5),
    lambda peer: m.Subscribe((m.QueueWeight("default", 1),), (m.TypeSupport("work", 0, 0),), labels=("eu",)),
    lambda peer: m.Credit(4, 100_000, _lease(peer)[1], 2),
    lambda peer: m.Result(peer.next(), *_lease(peer), m.Outcome.SUCCEEDED, _REPORT),
    lambda peer: m.Result(peer.next(), *_lease(peer), m.Outcome.FAILED, _REPORT, retry_after=10),
    lambda peer: m.Return(peer.next(), *_lease(peer), m.ReturnReason.UNSUPPORTED, "no"),
    lambda peer: m.Progress(*_lease(peer), 1, 2, b"half"),
    lambda peer: m.Resume(bytes(16), (m.HeldLease(*_lease(peer)),)),
    lambda peer: m.Goodbye(m.GoodbyeReason.DRAIN),
    lambda peer: m.Error(401, 0, 0, 2, 1, "text"),
)  # fmt: skip
#: In an input this stands before octets as they are, up to 32 of them.
_RAW = 0xF0


def _said(peer: Peer, octets: bytes) -> list[bytes]:
    """Each message of an input: which one, how many of its octets are others, and which."""
    said: list[bytes] = []
    source = iter(octets)
    for what in itertools.islice(source, 64):
        if what >= _RAW:
            said.append(bytes(itertools.islice(source, 2 * (what - _RAW) + 2)))
            continue
        message = MESSAGES[what % len(MESSAGES)](peer)
        frame = bytearray(message if isinstance(message, bytes) else codec.encode(message))
        for _ in range(next(source, 0) % 4):
            # Most of what matters of a frame is at its beginning.
            frame[next(source, 0) % len(frame)] = next(source, 0)
        said.append(bytes(frame))
    return said


_lives: list[tuple[Live, int]] = []


def session(octets: bytes) -> None:
    """An attack, and a round of the neighbours; a new scheduler now and then."""
    if len(octets) < 2:
        return
    logging.disable(logging.WARNING)
    live, age = _lives.pop() if _lives else (Live(), 0)
    try:
        _attacked(live, octets)
        if age < _LIFE:
            _lives.append((live, age + 1))
            return
        _left_alone(live)
    except BaseException:
        # What comes after it in this process has clocks of its own.
        live.close()
        raise
    live.close()


def _attacked(live: Live, octets: bytes) -> None:
    live.longest = 0.0
    live.attack(octets)
    live.round()
    if live.longest > BLOCKED_SECONDS:
        # Something else of this process may have cost the time, such as its collector of cycles: once more.
        live.longest = 0.0
        live.attack(octets)
        live.round()
        assert live.longest <= BLOCKED_SECONDS, f"others wait for {live.longest * 1000:.0f} ms"


def _left_alone(live: Live) -> None:
    for _ in range(20):
        # Those who are there say so; who has gone without a word is missed.
        for peer in (live.client, live.worker):
            peer.send(m.Hello(m.HelloKind.PING, 1))
        live.run(0.5)
    left = len(live.flow.broker.state.clients), len(live.flow.broker.state.sessions)
    assert left == (1, 1), f"clients and sessions are left of those who are gone: {left}"
