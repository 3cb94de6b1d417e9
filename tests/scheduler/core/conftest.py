"""A scene: the core alone, peers that are only numbers, and a clock that is moved by hand."""

from hashlib import sha256

import pytest

from wiretask_protocol import codec, messages
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import (
    Credit,
    Envelope,
    Hello,
    HelloKind,
    Outcome,
    QueueWeight,
    Report,
    Resource,
    Result,
    Role,
    Submit,
    SubmitFlags,
    Subscribe,
    TypeSupport,
    VersionRange,
    WaitReason,
)
from wiretask_scheduler.calendar import CALENDAR
from wiretask_scheduler.core import Broker, Dispatch, Now, Settings, Turn
from wiretask_scheduler.store.sqlite import SqliteStore


class Scene:
    """What happens in a test: everything that is sent must be taken, and nothing else is sent."""

    def __init__(self, **settings) -> None:
        self.tokens = iter(bytes([number]) * 16 for number in range(1, 255))
        self.broker = Broker(Settings(**settings), lambda: 0.0, lambda: next(self.tokens), CALENDAR)
        self.seconds = 1000.0
        self.seqs: dict[int, int] = {}
        self.number = 0
        self.turns: list[Turn] = []

    @property
    def now(self) -> Now:
        return Now(self.seconds, 1_700_000_000.0 + self.seconds)

    # -- peers --

    def client(self, peer: int = 1) -> int:
        hello = Hello(HelloKind.OPEN, 1, versions=VersionRange(1, 1), role=Role.CLIENT, name=f"client {peer}")
        assert self.broker.join(peer, hello, "", self.now) is None
        self.seqs[peer] = 0
        return peer

    def worker(
        self,
        peer: int = 9,
        *,
        slots: int = 10,
        queues=("default",),
        types=("work",),
        attempts=0,
        concurrency=None,
        labels=(),
        resources=(),
        **hello,
    ) -> int:
        opened = Hello(HelloKind.OPEN, 1, versions=VersionRange(1, 1), role=Role.WORKER, name=f"worker {peer}", **hello)
        assert self.broker.join(peer, opened, "", self.now) is not None
        self.seqs[peer] = 0
        weights = tuple(QueueWeight(*(queue if isinstance(queue, tuple) else (queue, 1))) for queue in queues)
        supported = tuple(TypeSupport(name, 0, attempts) for name in types)
        amounts = tuple(Resource(name, amount) for name, amount in dict(resources).items())
        self.receive(
            peer, Subscribe(weights, supported, labels or None, amounts or None), Credit(slots, 0, 0, concurrency)
        )
        return peer

    def seq(self, peer: int) -> int:
        self.seqs[peer] += 1
        return self.seqs[peer]

    # -- messages --

    def id(self, queue: str = "default") -> bytes:
        self.number += 1
        return self.number.to_bytes(14, "big") + sha256(queue.encode()).digest()[:2]

    def submit(self, peer: int = 1, *, id=None, type="work", queue="default", flags=SubmitFlags.WANT_RESULT, **options):
        envelope = codec.encode_envelope(Envelope(type, queue, 0, options.pop("body", b"body")))
        priority = options.pop("priority", 5)
        task_id = id if id is not None else self.id(queue)
        self.receive(peer, Submit(self.seq(peer), task_id, int(flags), priority, envelope, **options))
        return task_id

    def result(self, peer: int, lease: int, task_id: bytes, outcome=Outcome.SUCCEEDED, **tags) -> None:
        error = None if outcome == Outcome.SUCCEEDED else "Boom"
        report = codec.encode_report(Report(0, b"done", error_type=error, error_message=error and "it broke"))
        self.receive(peer, Result(self.seq(peer), task_id, lease, int(outcome), report, **tags))

    def receive(self, peer: int, *sent) -> None:
        self.broker.receive_many(peer, sent, self.now)

    def leave(self, peer: int, leaving="broken") -> None:
        self.broker.leave(peer, leaving, self.now)

    def passes(self, seconds: float) -> None:
        """Time passes, and every timer that is due comes up."""
        end = self.seconds + seconds
        while (deadline := self.broker.deadline(self.now)) is not None and deadline <= end:
            self.seconds = max(self.seconds, deadline)
            self.broker.tick(self.now)
        self.seconds = end

    # -- what was decided --

    def turn(self) -> Turn:
        turn = self.broker.take_turn()
        self.committed(turn)
        return turn

    def committed(self, turn: Turn) -> None:
        """A turn is durable, where there is a store."""

    def sent(self) -> list[tuple]:
        """Everything that was sent since the last look, in short: (peer, what, …)."""
        turn = self.turn()
        self.turns.append(turn)
        return [(peer, *short(message)) for peer, sends in turn.sends.items() for message in sends] + [
            (peer, "close", messages.Error.__name__ if error else None, error.code if error else None)
            for peer, error in turn.closes
        ]

    def dispatched(self) -> list[tuple[int, bytes, int]]:
        """The Tasks that were sent, and nothing but Accepteds beside them: (worker, id, lease)."""
        return [(entry[0], entry[2], entry[3]) for entry in self.sent() if entry[1] == "Task"]

    def begun(self) -> list[bytes]:
        """The ids of the tasks that were sent to workers, in order."""
        return [task_id for _, task_id, _ in self.dispatched()]

    def work(self, worker: int = 9) -> list[bytes]:
        """The worker does all that it gets, one after the other. Returns what it did, in order."""
        done: list[bytes] = []
        while tasks := self.dispatched():
            for peer, task_id, lease in tasks:
                assert peer == worker
                self.result(worker, lease, task_id)
                done.append(task_id)
        return done

    def outcomes(self) -> list[tuple[bytes, Outcome]]:
        """The Results that were sent to clients."""
        return [(entry[2], entry[3]) for entry in self.sent() if entry[1] == "Result"]

    def errors(self) -> list[ErrorCode]:
        """The Errors that were sent."""
        return [entry[2] for entry in self.sent() if entry[1] == "Error"]

    def reason(self, task_id: bytes, peer: int = 1) -> WaitReason:
        return WaitReason(self.status(task_id, peer).reason)

    def status(self, task_id: bytes, peer: int = 1):
        self.sent()
        self.receive(peer, messages.Query(self.seq(peer), task_id))
        return next(message for message in self.turn().sends[peer] if isinstance(message, messages.Status))


class LastingScene(Scene):
    """A scene with a real store: after `crash` there is what was committed, and nobody is connected."""

    def __init__(self, path, **settings) -> None:
        super().__init__(**settings)
        self._path, self._settings = path, settings
        self.store = SqliteStore(path)
        self.store.claim("main")
        self.store.load("main")

    def committed(self, turn: Turn) -> None:
        conflicts = self.store.commit(1, [turn.changes]).conflicts
        if conflicts:
            self.broker.conflicted(conflicts, self.now)
        for lookup in turn.lookups:
            found = self.store.tasks([lookup.task_id]).get(lookup.task_id)
            self.broker.found(lookup, found, self.now)

    def crash(self, seconds: float = 0.0) -> None:
        """The process dies, and another one goes on with the store after some seconds."""
        self.store.close()
        self.seconds += seconds
        self.store = SqliteStore(self._path)
        self.store.claim("main")
        loaded = self.store.load("main")
        self.broker = Broker(Settings(**self._settings), lambda: 0.0, lambda: next(self.tokens), CALENDAR)
        self.broker.load(
            loaded.tasks,
            loaded.sessions,
            loaded.facts,
            lease_ceiling=loaded.lease_ceiling,
            last_seq=loaded.last_seq,
            now=self.now,
        )
        self.seqs = {}


def short(message) -> tuple:
    if isinstance(message, Dispatch):
        return ("Task", message.task.id, message.lease)
    match message:
        case messages.Accepted(seq=seq):
            return ("Accepted", seq)
        case Result(task_id=task_id, outcome=outcome):
            return ("Result", task_id, Outcome(outcome))
        case messages.Error(code=code, seq=seq):
            return ("Error", code, seq)
        case messages.Cancel(lease=lease, mode=mode):
            return ("Cancel", lease, mode)
        case messages.Retract(task_id=task_id, lease=lease):
            return ("Retract", task_id, lease)
        case messages.Resume(leases=leases):
            return ("Resume", tuple(held.lease for held in leases))
        case _:
            return (type(message).__name__,)


@pytest.fixture
def scene():
    return Scene()


@pytest.fixture
def make_scene():
    return Scene


@pytest.fixture
def lasting(tmp_path):
    scene = LastingScene(tmp_path / "tasks.db")
    yield scene
    scene.store.close()
