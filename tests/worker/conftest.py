"""What the tests of the worker share.

`play` is a core whose scheduler, executors and clock are the test; a `FakeScheduler` speaks the wire on a loopback
socket.
"""

import asyncio

import pytest

from wiretask_protocol import Connection, WireError
from wiretask_protocol.codec import encode, encode_envelope
from wiretask_protocol.machines import AssignmentState, SchedulerConnectionEvent
from wiretask_protocol.messages import (
    Accepted,
    CancelSupport,
    Credit,
    Encoding,
    Envelope,
    Hello,
    HelloKind,
    Outcome,
    QueueWeight,
    Result,
    Resume,
    Return,
    ReturnReason,
    Task,
)
from wiretask_worker.core.settings import Settings, TypeSettings
from wiretask_worker.core.turn import Turn
from wiretask_worker.core.worker import Worker
from wiretask_worker.reports import succeeded

SESSION = b"session token 01"
NONCE = 77


class Play:
    """The core of a worker; the test is its scheduler, its executors and its clock."""

    def __init__(self, **settings):
        settings.setdefault("concurrency", 2)
        settings.setdefault("prefetch", 2)
        settings.setdefault("queues", (QueueWeight("default", 1),))
        settings.setdefault(
            "types",
            {
                "work": TypeSettings(CancelSupport.COOPERATIVE),
                "hard": TypeSettings(CancelSupport.HARD),
                "brief": TypeSettings(CancelSupport.COOPERATIVE, time_limit=2000),
            },
        )
        self.core = Worker(Settings(window_octets=1000, **settings))
        self.now = 100.0
        self.running = []

    # -- words of the tests

    @staticmethod
    def id(number):
        return number.to_bytes(16, "big")

    @staticmethod
    def assign(number, *, lease=0, kind="work", time_limit=0, remaining=0, body=b"", cost=None):
        raw = encode_envelope(Envelope(kind, "default", Encoding.RAW, body))
        return Task(Play.id(number), lease or number, 1, time_limit, remaining, raw, cost=cost)

    @staticmethod
    def ids(assignments):
        return [int.from_bytes(assignment.task_id, "big") for assignment in assignments]

    @staticmethod
    def told(turn):
        """What was sent, without the credit."""
        return [message for message in turn.sends if not isinstance(message, Credit)]

    @staticmethod
    def results(turn):
        """(seq, task, outcome or reason) of what was reported or given back."""
        return [
            (
                m.seq,
                int.from_bytes(m.task_id, "big"),
                Outcome(m.outcome) if isinstance(m, Result) else ReturnReason(m.reason),
            )
            for m in turn.sends
            if isinstance(m, Result | Return)
        ]

    # -- what happens

    def turn(self):
        turn = self.core.take_turn()
        self.running += turn.starts
        for message in turn.sends:
            encode(message)  # nothing leaves the core that the protocol does not allow
        self.check()
        return turn

    def open(self):
        self.core.opened(NONCE, self.now)
        return self.turn()

    def accept(self, session=SESSION, **tags):
        return self.hear(Hello(HelloKind.ACCEPT, NONCE, version=1, session=session, **tags))

    def serve(self):
        """Through the handshake of a first connection; its pong makes the worker ready."""
        self.open()
        ping = self.accept().sends[-1]
        assert isinstance(ping, Hello)
        self.hear(Hello(HelloKind.PONG, ping.nonce))

    def hear(self, *messages):
        self.core.heard(self.now)
        self.core.receive_many(messages, self.now)
        return self.turn()

    def finish(self, number, finished=None):
        """The handler of a task returns; the oldest one, where a task has several."""
        found = next(one for one in self.running if one.task_id == self.id(number))
        self.running.remove(found)
        self.core.ended_many([(found, finished or succeeded(b"done"))], self.now)
        return self.turn()

    def lose(self):
        self.core.lost(self.now)
        return self.turn()

    def wait(self, seconds):
        """Lets time pass, ringing the timer whenever the core has asked for it."""
        until = self.now + seconds
        turn = Turn()
        while (deadline := self.core.deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.core.tick(self.now)
            step = self.turn()
            for name in ("sends", "starts", "stops", "notes"):
                getattr(turn, name).extend(getattr(step, name))
            turn.close = turn.close or step.close
            if step.close or self.core.gave_up(self.now):
                break
        self.now = until
        return turn

    def check(self):
        """What holds after every step: slots are what runs, and what is held is waiting or running."""
        desk = self.core._desk
        held = list(desk.held.values())
        waiting = [one for one in desk._waiting if one.state is AssignmentState.SENT]
        assert desk._used == sum(one.cost for one in self.running)
        assert desk._held_cost == sum(one.cost for one in held)
        assert desk.lingering == sum(one.cost for one in self.running if one.state is AssignmentState.ENDED)
        assert all(one in waiting or one in self.running for one in held)
        assert all(one.state is not AssignmentState.ENDED for one in held)


@pytest.fixture
def play():
    one = Play()
    yield one
    one.check()


@pytest.fixture
def new_play():
    return Play


@pytest.fixture
def served(play):
    play.serve()
    return play


PATIENCE_SECONDS = 20


class Peer(asyncio.Protocol):
    """One connection of a worker, as its scheduler sees it. Accepts, answers pings and Resumes; collects the rest."""

    def __init__(self, scheduler):
        self.scheduler = scheduler
        self.connection = Connection("scheduler")
        self.inbox = asyncio.Queue()
        self.closed = asyncio.Event()
        self.transport = None
        self.open = None

    def connection_made(self, transport):
        self.transport = transport
        self.scheduler.peers.put_nowait(self)
        if self.scheduler.greeting is not None:
            transport.write(self.scheduler.greeting)

    def data_received(self, data):
        try:
            messages = self.connection.receive(data)
            while messages or self.connection.more:
                for message in messages:
                    self.on_message(message)
                messages = self.connection.receive(b"")
        except WireError as error:
            self.inbox.put_nowait(error)

    def on_message(self, message):
        if isinstance(message, Hello) and message.kind is HelloKind.OPEN:
            self.open = message
            if self.scheduler.answer is not None:
                self.send(self.scheduler.answer)
                return
            self.connection.event(SchedulerConnectionEvent.ACCEPT_WORKER)
            self.scheduler.sessions += 1
            session = self.scheduler.sessions.to_bytes(16, "big")
            self.send(Hello(HelloKind.ACCEPT, message.nonce, version=1, session=session, **self.scheduler.accept_tags))
        elif isinstance(message, Hello) and message.kind is HelloKind.PING:
            self.send(Hello(HelloKind.PONG, message.nonce))
        elif isinstance(message, Resume) and self.scheduler.resumes:
            self.send(message)
            self.inbox.put_nowait(message)
        else:
            self.inbox.put_nowait(message)

    def connection_lost(self, exc):
        self.closed.set()

    def send(self, *messages):
        self.transport.write(b"".join(map(encode, messages)))

    def accept(self, seq):
        self.send(Accepted(seq))

    async def get(self, kind):
        """The next message of a kind; Credits and others before it are left out."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                message = await self.inbox.get()
                if isinstance(message, kind):
                    return message


class FakeScheduler:
    """A port on which workers are welcome; use it with `async with`."""

    def __init__(self):
        self.peers = asyncio.Queue()
        self.sessions = 0
        self.accept_tags = {}
        self.answer = None
        self.greeting = None
        self.resumes = True
        self.server = None

    async def __aenter__(self):
        self.server = await asyncio.get_running_loop().create_server(lambda: Peer(self), "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_):
        self.server.close()
        while not self.peers.empty():
            self.peers.get_nowait().transport.abort()

    @property
    def port(self):
        return self.server.sockets[0].getsockname()[1]

    async def peer(self):
        """The next connection."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.peers.get()


@pytest.fixture
def fake_scheduler():
    return FakeScheduler


@pytest.fixture
def words():
    return Play
