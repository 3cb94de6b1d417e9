"""A world in one seed: the real core, a store that keeps only what was committed, and peers that misbehave.

Time is a number that is moved by hand. Every choice comes from one generator, so a seed is a story that can be told
again. What touches a task is noted in its story; a failure prints that.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from msgspec.structs import replace
from promises import Promises

from wiretask_protocol import codec, messages
from wiretask_protocol.machines import TaskMachineState
from wiretask_protocol.messages import (
    Accepted,
    Await,
    Cancel,
    Credit,
    Error,
    Goodbye,
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
    Submit,
    SubmitFlags,
    Subscribe,
    TypeSupport,
    VersionRange,
)
from wiretask_scheduler.core import Broker, Dispatch, Now, Settings, Turn, facts
from wiretask_scheduler.core.facts import Fact, FactKey
from wiretask_scheduler.core.records import StoredSession, StoredTask
from wiretask_scheduler.core.tasks import Task

PLACEMENT = sha256(b"default").digest()[:2]
ENVELOPE = codec.encode_envelope(messages.Envelope("work", "default", 0, b"body"))
#: Concurrency keys, and how many tasks of each may be with workers.
LIMITS = {"a": 1, "b": 3}
ENDED = {state.value for state in TaskMachineState if state.name in {"SUCCEEDED", "DEAD", "CANCELLED", "EXPIRED"}}


def report(text: str) -> bytes:
    return codec.encode_report(Report(0, text.encode(), error_type="Boom"))


class ModelStore:
    """Rows that survive a crash of the scheduler: those that were committed."""

    def __init__(self) -> None:
        self.rows: dict[int, StoredTask] = {}
        self.ids: dict[bytes, int] = {}
        self.sessions: dict[bytes, str] = {}
        self.facts: dict[FactKey, Fact] = {}
        self.ceiling = 1
        self.last_seq = 0
        self.ends: Counter[bytes] = Counter()

    def commit(self, turn: Turn) -> list[bytes]:
        changes = turn.changes
        conflicts: list[bytes] = []
        self.sessions.update(changes.sessions)
        for token in changes.sessions_over:
            self.sessions.pop(token, None)
        self.ceiling = max(self.ceiling, changes.lease_ceiling)
        for row in changes.inserted:
            if row.id in self.ids:
                conflicts.append(row.id)
                continue
            self.ids[row.id] = row.seq
            self.last_seq = max(self.last_seq, row.seq)
            self.rows[row.seq] = StoredTask(
                seq=row.seq, id=row.id, options=row.options, state=row.state, submitted=row.submitted,
                due=row.due, expires=row.expires, size=len(row.envelope), links=row.links,
            )  # fmt: skip
        for updated in changes.updated:
            if updated.seq in self.rows:
                self.rows[updated.seq] = replace(
                    self.rows[updated.seq], state=updated.state, failures=updated.attempt, crashes=updated.crashes, losses=updated.losses,
                    due=updated.due, lease=updated.lease, session=updated.session, history=updated.history,
                )  # fmt: skip
        for ended in changes.ended:
            if ended.seq in self.rows:
                stored = self.rows[ended.seq]
                self.ends[stored.id] += 1
                self.rows[ended.seq] = replace(
                    stored,
                    state=ended.state,
                    outcome=ended.outcome,
                    attempt=ended.attempt,
                    report=ended.report,
                    ended=ended.ended,
                )
        for key, fact in changes.facts.items():
            if fact is None:
                self.facts.pop(key, None)
            else:
                self.facts[key] = fact
        for kind, prefix, forget in changes.ranges:
            for key in [key for key in self.facts if key[0] == kind and key[1].startswith(prefix) and not forget]:
                del self.facts[key]
        return conflicts

    def live(self) -> list[StoredTask]:
        return [row for _, row in sorted(self.rows.items()) if row.outcome is None]


class FakeClient:
    """Submits, repeats what was not accepted after a lost connection, and awaits what it still wants."""

    def __init__(self) -> None:
        self.peer = 0
        self.seq = 0
        self.unaccepted: dict[int, Submit] = {}
        self.wanted: dict[bytes, Submit] = {}
        self.accepted: set[bytes] = set()
        self.results: dict[bytes, int] = {}
        self.refused: set[bytes] = set()

    def submit(self, task_id: bytes, flags: int, **options) -> Submit:
        self.seq += 1
        submit = Submit(self.seq, task_id, flags, options.pop("priority", 5), ENVELOPE, **options)
        self.unaccepted[self.seq] = submit
        self.wanted[task_id] = submit
        return submit

    def again(self, says_so: Callable[[], bool]) -> list:
        """What is sent after a reconnect."""
        repeated = [submit for submit in self.unaccepted.values() if submit.task_id not in self.refused]
        self.seq = 0
        self.unaccepted = {}
        sent: list = []
        for submit in repeated:
            self.seq += 1
            # A client of another make does not say that it may have sent it before.
            flags = submit.flags | (SubmitFlags.REPEAT if says_so() else 0)
            again = messages.Submit(**{**fields(submit), "seq": self.seq, "flags": int(flags)})
            self.unaccepted[self.seq] = again
            sent.append(again)
        for task_id in self.wanted:
            if task_id in self.accepted and task_id not in self.results:
                self.seq += 1
                sent.append(Await(self.seq, task_id))
        return sent

    def take(self, message) -> None:
        match message:
            case Accepted(seq=seq):
                for number in [number for number in self.unaccepted if number <= seq]:
                    submit = self.unaccepted.pop(number)
                    if submit.task_id not in self.refused:
                        self.accepted.add(submit.task_id)
            case Result(task_id=task_id, outcome=outcome, lease=lease):
                assert lease == 0
                assert task_id in self.accepted, "a Result before its Accepted"
                assert self.results.setdefault(task_id, outcome) == outcome, "two different Results"
            case Error(seq=seq) if seq in self.unaccepted:
                self.refused.add(self.unaccepted[seq].task_id)


def fields(message) -> dict:
    return {name: getattr(message, name) for name in message.__struct_fields__}


class FakeWorker:
    """Holds tasks, reports on them, and keeps what was not accepted."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.peer = 0
        self.session = b""
        self.former = b""
        self.seq = 0
        self.held: dict[int, bytes] = {}
        self.unaccepted: dict[int, Result] = {}
        self.slots = 4
        self.resuming = False
        #: Tasks that it is asked to give back.
        self.asked: list[tuple[bytes, int]] = []

    def take(self, message) -> None:
        match message:
            case messages.Task(task_id=task_id, lease=lease):
                assert lease not in self.held
                self.held[lease] = task_id
                assert len(self.held) <= self.slots, "more tasks than slots"
            case Accepted(seq=seq):
                for number in [number for number in self.unaccepted if number <= seq]:
                    del self.unaccepted[number]
            case Retract(task_id=task_id, lease=lease):
                self.asked.append((task_id, lease))
            case Cancel(lease=lease):
                self.held.pop(lease, None) if message.mode == messages.CancelMode.SUPERSEDED else None


class World:
    """Everything, by one seed."""

    def __init__(self, seed: int) -> None:
        #: What chooses; a `Random` of somebody else's may take its place. Ids and tokens are always of the seed's own.
        self.chance = self._ids = random.Random(seed)
        self.seed = seed
        self.monotonic, self.wall = 100.0, 1_700_000_000.0
        self.store = ModelStore()
        self.clients = [FakeClient() for _ in range(2)]
        self.workers = [FakeWorker(f"worker {number}") for number in range(3)]
        self.story: dict[bytes, list[str]] = defaultdict(list)
        self.attempts: Counter[bytes] = Counter()
        self.finished: Counter[bytes] = Counter()
        self.peers = 0
        self.made = 0
        self.options: dict[bytes, dict] = {}
        self.members: dict[bytes, list[bytes]] = {}
        self.crashes = 0
        #: What has happened, and how often.
        self.counts: Counter[str] = Counter()
        #: Connections whose peers have come again by another one: nobody is behind them any more.
        self.ghosts: list[int] = []
        #: What workers have been given, ever.
        self.given: list[tuple[bytes, int]] = []
        self.pending: deque[Turn] = deque()
        #: Ids that were in the store already, and how many turns may still say of them what was decided before this
        #: was known: the outbox says what the store has instead.
        self.repeated: dict[bytes, int] = {}
        self.promises = Promises(self.wrong)
        self.start()

    # -- the scheduler --

    def now(self) -> Now:
        return Now(self.monotonic, self.wall)

    def start(self) -> None:
        """A scheduler over what the store has."""
        self.broker = Broker(Settings(retention_seconds=3600), self._random, lambda: self._ids.randbytes(16))
        self.promises.watch(self.broker)
        self.ghosts.clear()
        self.pending.clear()
        self.repeated.clear()
        self.inboxes: dict[int, deque] = {}
        for peer in self.everybody():
            peer.peer = 0
        sessions = [StoredSession(token=token, name=name) for token, name in self.store.sessions.items()]
        self.broker.load(
            self.store.live(),
            sessions,
            [(*key, fact) for key, fact in sorted(self.store.facts.items())],
            lease_ceiling=self.store.ceiling,
            last_seq=self.store.last_seq,
            now=self.now(),
        )

    def _random(self) -> float:
        """For backoffs: of whoever chooses now."""
        return self.chance.random()

    def crash(self) -> None:
        """The scheduler dies: what was not committed is gone, and every connection with it."""
        self.note_all("the scheduler crashed")
        self.crashes += 1
        self.promises.begin()
        self.start()

    def turn(self) -> None:
        turn = self.broker.take_turn()
        if turn:
            self.pending.append(turn)

    def commit(self) -> None:
        """Makes the oldest turn durable, then releases it."""
        if not self.pending:
            return
        turn = self.pending.popleft()
        conflicts = self.store.commit(turn)
        if self.chance.random() < (0.3 if conflicts else 0.003):
            # It is on the disk, and nobody has heard of it.
            self.counts["crash"] += 1
            self.crash()
            return
        if conflicts:
            self.broker.conflicted(conflicts, self.now())
        self.repeated |= dict.fromkeys(conflicts, len(self.pending) + 1)
        for peer, said in turn.sends.items():
            sends = [self.as_stored(message) for message in said]
            for message in sends:
                self.promises.said(peer, message)
            if peer in self.inboxes:
                self.inboxes[peer].extend(sends)
        self.repeated = {task_id: left - 1 for task_id, left in self.repeated.items() if left > 1}
        for lookup in turn.lookups:
            seq = self.store.ids.get(lookup.task_id)
            self.broker.found(lookup, self.store.rows[seq] if seq is not None else None, self.now())
        for peer, error in turn.closes:
            assert error is None, f"a peer broke the protocol: {error}"
            self.inboxes.pop(peer, None)
            self.drop(peer)
            self.promises.left(peer, self.monotonic)
            self.broker.leave(peer, "broken", self.now())
        self.turn()

    def as_stored(self, message: Any) -> Any:
        """A Result of an id that was there already gives way to that of the store (see `wiretask_scheduler.outbox`)."""
        if isinstance(message, Result) and message.task_id in self.repeated:
            row = self.store.rows[self.store.ids[message.task_id]]
            return replace(message, outcome=row.outcome, report=row.report) if row.outcome is not None else message
        return message

    def everybody(self) -> list[Any]:
        return [*self.clients, *self.workers]

    def drop(self, number: int) -> None:
        for peer in self.everybody():
            if peer.peer == number:
                peer.peer = 0

    # -- the peers --

    def connect(self, peer) -> None:
        if peer.peer:
            # The one before is half open: the scheduler will notice, or the peer says so first.
            self.inboxes.pop(peer.peer, None)
            self.ghosts.append(peer.peer)
        self.peers += 1
        peer.peer = self.peers
        self.inboxes[peer.peer] = deque()
        role = Role.CLIENT if isinstance(peer, FakeClient) else Role.WORKER
        hello = Hello(HelloKind.OPEN, 1, versions=VersionRange(1, 1), role=role, name=getattr(peer, "name", "client"))
        token = self.broker.join(peer.peer, hello, "", self.now())
        if isinstance(peer, FakeClient):
            self.send(peer, peer.again(lambda: self.chance.random() < 0.7))
            return
        if not peer.resuming:
            # Who has not got the answer to its Resume does not know what has become of its session.
            peer.former = peer.session
        peer.session, peer.seq = token or b"", 0
        # Results that were not accepted count as held until the answer says whose they are.
        held = {**peer.held, **{result.lease: result.task_id for result in peer.unaccepted.values()}}
        peer.resuming = bool(peer.former and held)
        if peer.resuming:
            leases = tuple(messages.HeldLease(task_id, lease) for lease, task_id in held.items())
            self.send(peer, [Resume(peer.former, leases)])
        else:
            self.subscribe(peer)

    def subscribe(self, worker: FakeWorker) -> None:
        worker.asked.clear()
        credit = Credit(worker.slots, 0, 0, worker.slots // 2)
        sent = [Subscribe((QueueWeight("default", 1),), (TypeSupport("work", 0, 0),)), credit]
        self.send(worker, sent)

    def resumed(self, worker: FakeWorker, answer: Resume) -> None:
        kept = {held.lease for held in answer.leases}
        worker.resuming = False
        worker.held = {lease: task_id for lease, task_id in worker.held.items() if lease in kept}
        again = [result for result in worker.unaccepted.values() if result.lease in kept]
        worker.unaccepted = {}
        sent = []
        for result in again:
            worker.seq += 1
            worker.unaccepted[worker.seq] = Result(
                worker.seq, result.task_id, result.lease, result.outcome, result.report
            )
            sent.append(worker.unaccepted[worker.seq])
        self.subscribe(worker)
        self.send(worker, sent)

    def send(self, peer, sent: list) -> None:
        if sent:
            for message in sent:
                self.promises.heard(peer.peer, message, self.monotonic)
            self.broker.receive_many(peer.peer, sent, self.now())
            self.turn()

    def leave(self, peer: Any, leaving: Any) -> None:
        if peer.peer:
            number, peer.peer = peer.peer, 0
            self.inboxes.pop(number, None)
            self.promises.left(number, self.monotonic)
            self.broker.leave(number, leaving, self.now())
            self.turn()

    def read(self, peer, most: int) -> None:
        """The peer reads some of what waits for it."""
        inbox = self.inboxes.get(peer.peer)
        while inbox and most:
            most -= 1
            message = inbox.popleft()
            if isinstance(message, Dispatch):
                if message.task.lease != message.lease:
                    continue
                task = message.task
                message = messages.Task(task.id, message.lease, message.attempt, 0, message.remaining, ENVELOPE)
                assert message.attempt >= self.attempts[task.id], self.tell(task.id, "an attempt is forgotten")
                self.attempts[task.id] = message.attempt
                self.may_begin(task.id)
                self.given.append((task.id, message.lease))
            if isinstance(message, Resume):
                self.resumed(peer, message)
            else:
                self.note(message, peer)
                peer.take(message)

    def note(self, message, peer) -> None:
        task_id = getattr(message, "task_id", None)
        if task_id:
            name = getattr(peer, "name", "client")
            self.story[task_id].append(f"{self.monotonic:.2f} {name} gets {type(message).__name__} {fields(message)}")

    def note_all(self, text: str) -> None:
        for story in self.story.values():
            story.append(f"{self.monotonic:.2f} {text}")

    # -- what can happen --

    def submit(self) -> None:
        client = self.chance.choice(self.clients)
        if not client.peer:
            return
        sent = []
        for _ in range(self.chance.randrange(1, 6)):
            self.made += 1
            task_id = self.made.to_bytes(8, "big") + self._ids.randbytes(6) + PLACEMENT
            options: dict = {"priority": self.chance.randrange(10), **self.ties(), **self.keys()}
            if self.chance.random() < 0.3:
                options["max_attempts"] = self.chance.randrange(1, 4)
            if self.chance.random() < 0.2:
                options["delay"] = self.chance.randrange(1, 5000)
            if self.chance.random() < 0.1:
                options["expires_in"] = self.chance.randrange(1, 8000)
            if self.chance.random() < 0.1:
                options["time_limit"] = self.chance.randrange(1, 4000)
            sent.append(self.submission(client, task_id, options))
        if self.chance.random() < 0.1:
            sent += self.group(client)
        self.send(client, sent)

    def submission(self, client: FakeClient, task_id: bytes, options: dict) -> Submit:
        self.options[task_id] = options
        self.story[task_id].append(f"{self.monotonic:.2f} submitted {options}")
        return client.submit(task_id, int(SubmitFlags.WANT_RESULT), **options)

    def new_id(self) -> bytes:
        self.made += 1
        return self.made.to_bytes(8, "big") + self._ids.randbytes(6) + PLACEMENT

    def ties(self) -> dict:
        """Options that make a task wait for others."""
        if not self.options or self.chance.random() > 0.2:
            return {}
        known = sorted(self.options)[-30:]
        after = tuple(self.chance.sample(known, min(len(known), self.chance.randrange(1, 3))))
        return {"after": after, "on_dependency_failure": self.chance.choice((None, 1, 2))}

    def keys(self) -> dict:
        """Options that tasks share by a key."""
        options: dict = {}
        if self.chance.random() < 0.2:
            key = self.chance.choice("ab")
            options["concurrency"] = messages.ConcurrencyKey(key, LIMITS[key])
        if self.chance.random() < 0.1:
            options["rate"] = messages.RateKey("r", 5, 1000, 3)
        if self.chance.random() < 0.3:
            options["fairness"] = messages.FairnessKey(self.chance.choice("xyz"), self.chance.randrange(1, 4))
        if self.chance.random() < 0.1:
            options["unique"] = messages.UniqueKey(self.chance.choice("uvw"), 1, self.chance.choice((1, 2)), 0)
        return options

    def group(self, client: FakeClient) -> list[Submit]:
        """A callback and its members, in any order."""
        callback, size = self.new_id(), self.chance.randrange(4)
        policy = self.chance.choice((1, 2))
        ids = [self.new_id() for _ in range(size)]
        made = [
            (task_id, {"group": messages.Group(callback, place), "max_attempts": 2})
            for place, task_id in enumerate(ids)
        ]
        made.append((callback, {"gather": messages.Gather(size, 1), "on_dependency_failure": policy}))
        self.members[callback] = ids
        self.chance.shuffle(made)
        return [self.submission(client, task_id, options) for task_id, options in made]

    def may_begin(self, task_id: bytes) -> None:
        """All that a task waits for must have ended before a worker gets it, and well, unless it runs anyway."""
        options = self.options[task_id]
        needed = [*(options.get("after") or ()), *self.members.get(task_id, ())]
        for other in needed:
            row = self.store.rows[self.store.ids[other]]
            assert row.outcome is not None, self.tell(task_id, f"it begins before {other.hex()}")
            well = row.outcome == Outcome.SUCCEEDED or options.get("on_dependency_failure") == 2
            assert well, self.tell(task_id, f"it begins although {other.hex()} failed")

    def work(self) -> None:
        """A worker ends some of what it holds."""
        worker = self.chance.choice(self.workers)
        if not worker.peer or worker.resuming:
            return
        self.answer(worker)
        if not worker.held:
            return
        sent: list = []
        for lease in self.chance.sample(sorted(worker.held), self.chance.randrange(1, len(worker.held) + 1)):
            task_id = worker.held.pop(lease)
            worker.seq += 1
            roll = self.chance.random()
            self.story[task_id].append(f"{self.monotonic:.2f} {worker.name} ends lease {lease} ({roll:.2f})")
            if roll < 0.12:
                sent.append(Return(worker.seq, task_id, lease, ReturnReason.OVERLOADED))
                continue
            outcome = Outcome.SUCCEEDED if roll < 0.8 else Outcome.FAILED if roll < 0.95 else Outcome.CRASHED
            if outcome is Outcome.SUCCEEDED:
                self.finished[task_id] += 1
            result = Result(worker.seq, task_id, lease, int(outcome), report(worker.name))
            worker.unaccepted[worker.seq] = result
            sent.append(result)
        self.send(worker, sent)

    def answer(self, worker: FakeWorker) -> None:
        """A worker gives back what it is asked for, or keeps it."""
        for task_id, lease in worker.asked:
            if lease in worker.held:
                kept = self.chance.random() < 0.3
                if not kept:
                    del worker.held[lease]
                worker.seq += 1
                reason = ReturnReason.KEPT if kept else ReturnReason.RETRACTED
                self.send(worker, [Return(worker.seq, task_id, lease, reason)])
        worker.asked.clear()

    def cancel(self) -> None:
        client = self.chance.choice(self.clients)
        if client.peer and client.wanted:
            client.seq += 1
            task_id = self.chance.choice(sorted(client.wanted))
            self.story[task_id].append(f"{self.monotonic:.2f} cancel")
            self.send(client, [Cancel(client.seq, task_id, 0, 1, self.chance.choice((None, True)))])

    def lie(self) -> None:
        """A worker reports on a lease that is not its own, or is so no more; nothing may come of it."""
        worker = self.chance.choice(self.workers)
        if not worker.peer or worker.resuming or not self.options:
            return
        task_id, lease = self.chance.choice(sorted(self.options)), self.chance.randrange(1, 1 << 40)
        if self.given and self.chance.random() < 0.7:
            task_id, lease = self.chance.choice(self.given[-20:])
        own = lease in worker.held or any(result.lease == lease for result in worker.unaccepted.values())
        if not own:
            worker.seq += 1
            self.send(worker, [Result(worker.seq, task_id, lease, 1, report("a lie"))])

    def pass_time(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += seconds
        deadline = self.broker.deadline(self.now())
        while deadline is not None and deadline <= self.monotonic:
            self.broker.tick(self.now())
            self.turn()
            deadline = self.broker.deadline(self.now())

    def lose(self, peer) -> None:
        """A connection breaks; sometimes the process behind it is gone, too."""
        if not peer.peer:
            return
        if isinstance(peer, FakeWorker) and self.chance.random() < 0.4:
            peer.held, peer.unaccepted, peer.session, peer.resuming = {}, {}, b"", False
        leaving = self.chance.choice(("broken", "silent"))
        self.leave(peer, leaving)

    def drain(self) -> None:
        worker = self.chance.choice(self.workers)
        if worker.peer and not worker.resuming:
            self.send(worker, [Goodbye(messages.GoodbyeReason.DRAIN)])
            worker.held, worker.unaccepted, worker.session = {}, {}, b""
            self.leave(worker, "goodbye")

    def read_some(self) -> None:
        """Somebody reads some of what waits."""
        self.read(self.chance.choice(self.everybody()), self.chance.randrange(1, 8))

    def wait(self) -> None:
        """Nothing happens for a while."""
        self.pass_time(self.chance.choice((0.01, 0.1, 0.3, 1.0, 3.0)))

    def come(self) -> None:
        """Somebody who is not there connects."""
        peer = self.chance.choice(self.everybody())
        if not peer.peer:
            self.connect(peer)

    def come_twice(self) -> None:
        """Somebody comes by a second connection, while the scheduler has not noticed that the first one is dead."""
        peer = self.chance.choice(self.everybody())
        if peer.peer and not getattr(peer, "resuming", False):
            self.connect(peer)

    def bury_ghosts(self) -> None:
        """The scheduler notices which connections are dead."""
        for number in self.ghosts:
            self.promises.left(number, self.monotonic)
            self.broker.leave(number, "silent", self.now())
            self.turn()
        self.ghosts.clear()

    def jump(self) -> None:
        """The clock on the wall is moved."""
        self.wall += self.chance.choice((-60.0, -1.0, 1.0, 60.0))
        self.promises.jumped = True

    def break_off(self) -> None:
        """Somebody's connection breaks."""
        self.lose(self.chance.choice(self.everybody()))

    def step(self) -> None:
        """One thing happens."""
        roll = self.chance.random()
        for below, happening in HAPPENINGS:
            if roll < below:
                self.counts[happening.__name__] += 1
                happening(self)
                break
        self.audit()

    # -- what must hold --

    def audit(self) -> None:
        """Counts everything again: running is one live lease, and slots are leases."""
        state = self.broker.state
        holders: dict[bytes, int] = {}
        for session in state.sessions.values():
            counted = [*session.leases.values(), *session.revoked.values()]
            assert session.outstanding == sum(task.options.cost for task in counted)
            for lease, task in session.leases.items():
                assert task.lease == lease, self.tell(task.id, "a session holds a lease that is not current")
                assert task.state is TaskMachineState.LEASED, self.tell(task.id, "a lease without a running task")
                assert task.holder == session.session, self.tell(task.id, "two sessions for one task")
                holders[task.id] = holders.get(task.id, 0) + 1
        waits = TaskMachineState.READY
        placed = {task.id for lane in state.ready if lane.count for task in lane if task.state is waits}
        for gate in state.gates:
            if gate.line.count:
                placed.update([task.id for task in gate.line if task.state is waits and task.gate is gate])
        # Most of the shards of a table of few tasks are empty, and this is done at each step.
        tasks = [task for shard in state.tasks.parts if shard for task in shard.values()]
        self.promises.look(tasks, self.monotonic, state.settings.time_limit_margin_seconds)
        self.audit_gates(tasks)
        for task in tasks:
            # The value as an attribute of its own costs a call of Python, at each step and for each task.
            assert task.state._value_ not in ENDED, self.tell(task.id, "an ended task is kept")
            running = task.state is TaskMachineState.LEASED
            assert holders.get(task.id, 0) == running, self.tell(task.id, f"{task.state.name} and its leases differ")
            if task.state is waits and task.id not in placed:
                assert task in state.held_back, self.tell(task.id, "a ready task is in no lane")

    def audit_gates(self, tasks: list[Task]) -> None:
        """Who is past a gate is with a worker, or in line for one; and no more than it allows."""
        state = self.broker.state
        for gate in state.gates:
            kind, _, key = gate.key
            assert gate.alarm or not gate.line.count or kind == "concurrency" or gate.inside
            if kind != "concurrency":
                continue
            here = {
                task.id
                for task in tasks
                if task.options.concurrency is not None and task.options.concurrency.key == key
                if task.state is TaskMachineState.LEASED
                or (task.state is TaskMachineState.READY and task.gate is not gate and task not in state.held_back)
            }
            assert {task.id for task in gate.inside} == here, f"seed {self.seed}: the gate {key} counts wrongly"
            # Young leases that a crash has forgotten come back and take what was given to others meanwhile.
            assert self.crashes or len(here) <= gate.limit, f"seed {self.seed}: the gate {key} lets too many through"

    def wrong(self, task_id: bytes, what: str) -> None:
        """A promise is broken."""
        raise AssertionError(self.tell(task_id, what))

    def tell(self, task_id: bytes, what: str) -> str:
        """The story of a task, for whoever has to find out."""
        lines = "\n  ".join(self.story[task_id])
        return f"seed {self.seed}: {what}: {task_id.hex()}\n  {lines}"

    def heal(self) -> None:
        """No more faults: everything must come to its end within a bounded time."""
        for _ in range(4000):
            self.bury_ghosts()
            for peer in self.everybody():
                if not peer.peer:
                    self.connect(peer)
                self.read(peer, 1000)
            for worker in self.workers:
                self.finish_all(worker)
            while self.pending:
                self.commit()
            self.pass_time(0.5)
            self.audit()
            wanted = [one for client in self.clients for one in client.wanted if one not in client.refused]
            if all(any(task_id in client.results for client in self.clients) for task_id in wanted):
                return
        missing = [i for c in self.clients for i in c.wanted if i not in c.refused and i not in c.results]
        raise AssertionError(self.tell(missing[0], f"{len(missing)} tasks never ended, the first one"))

    def finish_all(self, worker: FakeWorker) -> None:
        if not worker.peer or worker.resuming:
            return
        sent = []
        self.answer(worker)
        for lease, task_id in list(worker.held.items()):
            del worker.held[lease]
            worker.seq += 1
            result = Result(worker.seq, task_id, lease, 1, report("healed"))
            worker.unaccepted[worker.seq] = result
            self.finished[task_id] += 1
            sent.append(result)
        self.send(worker, sent)

    def verdict(self) -> None:
        """What must be true at the end, when all have read and nobody is waited for any more."""
        for _ in range(2):
            for peer in self.everybody():
                self.read(peer, 1000)
            while self.pending:
                self.commit()
            self.pass_time(60.0)
        for client in self.clients:
            for task_id in client.accepted:
                stored = self.store.rows[self.store.ids[task_id]]
                assert self.store.ends[task_id] == 1, self.tell(task_id, f"ended {self.store.ends[task_id]} times")
                assert stored.outcome == client.results.get(task_id, stored.outcome)
                if stored.outcome == Outcome.SUCCEEDED:
                    assert self.finished[task_id] >= 1, self.tell(task_id, "succeeded and was never run")
                    assert stored.report != report("a lie")
                limit = self.options[task_id].get("max_attempts", 1)
                assert stored.attempt <= limit, self.tell(task_id, f"{stored.attempt} attempts of {limit}")
        state = self.broker.state
        assert state.tasks.count == 0
        assert not any(worker.leases for worker in state.sessions.values())
        assert all(worker.number for worker in state.sessions.values()), f"seed {self.seed}: nobody comes back"
        assert not state.dependencies.dependents
        assert not state.uniques, f"seed {self.seed}: unique keys are held by nobody"
        assert not state.retracting, f"seed {self.seed}: somebody is asked for what nobody has"
        assert not state.held_back, f"seed {self.seed}: somebody is still held back"
        assert state.suspect is None, f"seed {self.seed}: somebody is suspected for ever"
        assert not any(gate.inside for gate in state.gates), f"seed {self.seed}: nobody has left a gate"
        assert not any(alive(task) for lane in state.ready for task in lane), f"seed {self.seed}: a lane is not empty"
        left = {facts.Kind(kind) for kind, _ in self.store.facts}
        assert left <= {facts.Kind.RATE, facts.Kind.PART}, f"seed {self.seed}: {left} are kept for nobody"


#: What can happen, each with the sum of the shares up to it; now and then it is nothing.
HAPPENINGS: tuple[tuple[float, Callable[[World], None]], ...] = (
    (0.15, World.submit),
    (0.40, World.read_some),
    (0.55, World.work),
    (0.78, World.commit),
    (0.88, World.wait),
    (0.94, World.come),
    (0.955, World.cancel),
    (0.965, World.lie),
    (0.98, World.break_off),
    (0.985, World.drain),
    (0.99, World.crash),
    (0.992, World.jump),
    (0.995, World.come_twice),
    (0.997, World.bury_ghosts),
)


def alive(task) -> bool:
    return task.state is TaskMachineState.READY
