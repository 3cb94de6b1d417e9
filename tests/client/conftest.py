"""A scheduler for the client's tests: one asyncio protocol that speaks the wire and decides nothing by itself.

What it does with each message can be replaced; by default it accepts everything and does the work itself.
"""

import asyncio
import hashlib
import sys
import threading
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from wiretask_client.cli import main
from wiretask_client.core import Core, Identity
from wiretask_protocol.codec import decode_envelope, encode, encode_report
from wiretask_protocol.connection import Connection
from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.machines import SchedulerConnectionEvent, SchedulerConnectionState
from wiretask_protocol.messages import (
    Accepted,
    Await,
    Cancel,
    Encoding,
    Goodbye,
    Hello,
    HelloKind,
    Outcome,
    Query,
    Report,
    Result,
    Schedule,
    Status,
    Submit,
    SubmitFlags,
    TaskState,
    WaitReason,
)

sys.path.insert(0, str(Path(__file__).parent))

from http_side import HttpSide  # type: ignore[import-not-found] # it lies beside


def succeed(body, encoding=Encoding.RAW):
    return Outcome.SUCCEEDED, encode_report(Report(encoding, body))


def fail(error_type, message, traceback=None, outcome=Outcome.FAILED):
    return outcome, encode_report(Report(Encoding.RAW, b"", error_type, message, traceback))


def work(envelope):
    """The handlers of the fake: type -> outcome and report."""
    match envelope.type:
        case "sha256":
            return succeed(hashlib.sha256(envelope.body).hexdigest().encode())
        case "echo":
            return succeed(envelope.body, envelope.encoding)
        case "add":
            return succeed(msgspec.json.encode(sum(msgspec.json.decode(envelope.body))), Encoding.JSON)
        case "fail":
            return fail("ValueError", "it is wrong", "Traceback: here")
        case "fail_odd" if envelope.body.endswith((b"1", b"3", b"5", b"7", b"9")):
            return fail("ValueError", f"{envelope.body.decode()} is odd")
        case "fail_odd":
            return succeed(envelope.body)
    return None  # waits: nobody knows the type


class FakeScheduler:
    """Serves any number of clients on one port. Tasks outlive connections, not the fake."""

    def __init__(self):
        self.peers = []
        self.seen = []  # every message of every client, in order
        self.runs: Counter[bytes] = Counter()  # task id -> how often it ran
        self.results = {}  # task id -> (outcome, report)
        self.routes = {}  # task id -> (type, queue)
        self.cancelled = set()
        self.accept = {}  # further tags of the accept
        self.work = work
        self.on_message = None  # (peer, message) -> True if it has dealt with it
        self.port = 0
        self._server: asyncio.Server | None = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def of(self, kind):
        return [message for message in self.seen if isinstance(message, kind)]

    async def start(self):
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Peer(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self):
        assert self._server is not None
        self._server.close()
        self.drop()
        await asyncio.sleep(0)

    def drop(self):
        for peer in list(self.peers):
            peer.transport.abort()

    def finish(self, task_id, ended):
        """A task has ended: tells every client that waits for it."""
        self.results[task_id] = ended
        for peer in self.peers:
            if task_id in peer.waiting:
                peer.deliver(task_id)
                asyncio.get_running_loop().call_soon(peer.flush)  # after what is being answered now

    async def __aenter__(self):
        return await self.start()

    async def __aexit__(self, *_):
        await self.stop()


class Peer(asyncio.Protocol):
    """One client's connection, as the fake sees it."""

    def __init__(self, scheduler):
        self.scheduler = scheduler
        self.connection = Connection("scheduler")
        self.waiting = set()
        self.seq = 0
        self.out = []
        self.refusals = []
        self.refused = set()  # their seqs

    def connection_made(self, transport):
        self.transport = transport
        self.scheduler.peers.append(self)

    def connection_lost(self, exc):
        if self in self.scheduler.peers:
            self.scheduler.peers.remove(self)

    def data_received(self, data):
        messages = self.connection.receive(data)
        self.take(messages)
        while self.connection.more and self.connection.state is not SchedulerConnectionState.OPENING:
            self.take(self.connection.receive(b""))
        self.flush()

    def take(self, messages):
        last = 0
        for message in messages:
            self.scheduler.seen.append(message)
            if self.scheduler.on_message is not None and self.scheduler.on_message(self, message):
                continue
            self.on_message(message)
            last = (
                getattr(message, "seq", 0) if isinstance(message, Submit | Await | Query | Cancel | Schedule) else last
            )
        if last:
            # One Accepted for the whole batch: after its refusals, before its results.
            self.out[:0] = [*self.refusals, encode(Accepted(last))]
            self.refusals.clear()

    def on_message(self, message):
        match message:
            case Hello(kind=HelloKind.OPEN):
                self.connection.event(SchedulerConnectionEvent.ACCEPT_CLIENT)
                self.send(Hello(HelloKind.ACCEPT, message.nonce, version=1, **self.scheduler.accept))
            case Hello(kind=HelloKind.PING):
                self.send(Hello(HelloKind.PONG, message.nonce))
            case Submit():
                self.on_submit(message)
            case Await():
                self.on_await(message)
            case Query():
                self.on_query(message)
            case Cancel():
                self.on_cancel(message)
            case Goodbye():
                self.transport.close()

    def on_submit(self, message):
        scheduler = self.scheduler
        task_id = message.task_id
        if message.seq in self.refused:
            return
        if message.flags & SubmitFlags.WANT_RESULT:
            self.waiting.add(task_id)
        if task_id not in scheduler.routes:
            envelope = decode_envelope(message.envelope)
            scheduler.routes[task_id] = (envelope.type, envelope.queue)
            ended = scheduler.work(envelope)
            if ended is not None:
                scheduler.runs[task_id] += 1
                scheduler.results[task_id] = ended
        if task_id in scheduler.results:
            self.deliver(task_id)

    def on_await(self, message):
        if message.task_id in self.scheduler.results:
            self.waiting.add(message.task_id)
            self.deliver(message.task_id)
        elif message.task_id in self.scheduler.routes:
            self.waiting.add(message.task_id)
        else:
            self.refuse(message, ErrorCode.UNKNOWN_TASK)

    def on_query(self, message):
        route = self.scheduler.routes.get(message.task_id)
        if route is None:
            self.refuse(message, ErrorCode.UNKNOWN_TASK)
            return
        state, reason, detail = TaskState.SUCCEEDED, WaitReason.NONE, None
        if message.task_id not in self.scheduler.results:
            state, reason = TaskState.READY, WaitReason.UNKNOWN_TYPE
            detail = f"no connected worker knows the type {route[0]}"
        task_type, queue = route
        self.send(Status(message.seq, message.task_id, state, reason, 1, task_type, queue, detail=detail, priority=5))

    def on_cancel(self, message):
        if message.task_id not in self.scheduler.routes:
            self.refuse(message, ErrorCode.UNKNOWN_TASK)
            return
        self.scheduler.cancelled.add(message.task_id)
        if message.task_id not in self.scheduler.results:
            self.scheduler.finish(message.task_id, fail(None, None, outcome=Outcome.CANCELLED))

    def refuse(self, message, code, **more):
        self.refused.add(message.seq)
        self.refusals.append(encode(error_message(code, command=message.COMMAND, seq=message.seq, **more)))

    def deliver(self, task_id):
        if task_id in self.waiting:
            self.waiting.discard(task_id)
            self.seq += 1
            outcome, report = self.scheduler.results[task_id]
            self.send(Result(self.seq, task_id, 0, outcome, report))

    def send(self, message):
        self.out.append(encode(message))

    def flush(self):
        out, self.out = self.out, []
        if out and not self.transport.is_closing():
            self.transport.write(b"".join(out))


class ThreadedFake:
    """The fake on a loop of its own: for real processes and blocking clients."""

    def __init__(self):
        self.scheduler = FakeScheduler()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    @property
    def address(self):
        return self.scheduler.address

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def call(self, function, *args):
        async def called():
            return function(*args)

        return self.run(called())

    def start(self):
        self.thread.start()
        self.run(self.scheduler.start())

    def stop(self):
        self.run(self.scheduler.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


class Dialogue:
    """Plays the scheduler to a core, under a clock that is moved by hand. Use `say` and `heard` in turn."""

    def __init__(self, timeout_seconds=10.0, random_bits=lambda bits: 0, credentials=None):
        self.now = 1000.0
        self.core = Core("there:9001", timeout_seconds, random_bits, Identity("me", "test", credentials))
        self.peer: Connection | None = None

    def connect(self, certificate=b""):
        self.core.connected(self.now, certificate)
        self.peer = Connection("scheduler")

    def accept(self, **tags):
        """Connects, and answers the open."""
        self.connect()
        (hello,) = self.heard()
        assert self.peer is not None
        self.peer.event(SchedulerConnectionEvent.ACCEPT_CLIENT)
        self.say(Hello(HelloKind.ACCEPT, hello.nonce, **{"version": 1, **tags}))
        return hello

    def say(self, *messages):
        self.core.receive(b"".join(map(encode, messages)), self.now)

    def heard(self, most_octets=1 << 20):
        """What the core has sent since, as the scheduler reads it: grease is skipped."""
        octets = self.core.data_to_send(self.now, most_octets)
        if self.peer is None:
            assert octets == b""
            return []
        messages = self.peer.receive(octets)
        while self.peer.more and self.peer.state.name not in ("OPENING", "PROVING"):
            messages += self.peer.receive(b"")
        return messages

    def lose(self, why="the connection was lost"):
        self.core.disconnected(self.now, why)
        self.peer = None

    def add(self, request):
        self.core.add(request, self.now)
        return request

    def settled(self):
        return self.core.take_settled()

    def tick(self, seconds=0.0):
        self.now += seconds
        self.core.tick(self.now)


@pytest.fixture
def dialogue():
    """A core whose scheduler the test plays."""
    return Dialogue()


@pytest.fixture
def new_dialogue():
    """Dialogues with a timeout or with randomness of their own."""
    return Dialogue


@pytest.fixture
def scheduler():
    """A fake scheduler that is not started yet: `async with scheduler:`."""
    return FakeScheduler()


@pytest.fixture
def served():
    """A fake scheduler that serves in a thread."""
    fake = ThreadedFake()
    fake.start()
    yield fake
    fake.stop()


@pytest.fixture
def http():
    side = HttpSide()
    yield side
    side.close()


@pytest.fixture
def wiretask(http):
    """Runs a command of the command line in this process."""

    def run(words, **environment):
        environment = {"WIRETASK_HTTP": http.url, **environment}
        return CliRunner(env=environment).invoke(main, words.split() if isinstance(words, str) else words)

    return run
