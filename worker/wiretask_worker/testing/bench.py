"""The bench: both cores, an outbox and a store in memory, joined by what they say to each other on the wire."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from types import ModuleType, TracebackType
from typing import Any, Self, cast

from wiretask_protocol import codec
from wiretask_protocol.connection import Connection
from wiretask_protocol.messages import (
    Error,
    GatherForm,
    Hello,
    HelloKind,
    Progress,
    Resource,
    Role,
    Submit,
    SubmitFlags,
    ToWorker,
    VersionRange,
)
from wiretask_scheduler.calendar import CALENDAR
from wiretask_scheduler.core import Broker, Now, Settings, Turn
from wiretask_scheduler.core.facts import Kind
from wiretask_scheduler.outbox import Arrived, Found, Outbox, Wanted
from wiretask_scheduler.store.memory import MemoryStore
from wiretask_worker import provided
from wiretask_worker.builtin import BUILTIN
from wiretask_worker.config import Config
from wiretask_worker.core.assignment import Assignment, Ended
from wiretask_worker.core.worker import Worker
from wiretask_worker.executors.base import Executor
from wiretask_worker.executors.coroutines import CoroutineExecutor
from wiretask_worker.executors.inline import InlineExecutor
from wiretask_worker.handlers import DEFINED, Catalog, Handler
from wiretask_worker.testing import options
from wiretask_worker.testing.clock import HandMovedLoop
from wiretask_worker.testing.jobs import Job

_CLIENT, _WORKER = 1, 2
#: A morning in 2026.
_START = 1_767_258_000.0
_HEARTBEAT_MS = 600_000
_FRAME_LIMIT = 64 << 20
_FOREVER = 3650 * 86400.0
_FLAGS = int(SubmitFlags.WANT_RESULT | SubmitFlags.WANT_PROGRESS)

#: A task and its arguments.
Call = tuple[Any, ...]


class Bench:
    """A scheduler and a worker. Use it with `with`."""

    def __init__(
        self,
        *modules: ModuleType,
        concurrency: int = 100,
        labels: Sequence[str] = (),
        resources: Mapping[str, int] | None = None,
        settings: Settings | None = None,
        start: float = _START,
    ) -> None:
        """`modules` are those whose tasks are served, all that are defined where none is said; `start` is the date."""
        names = {module.__name__ for module in modules}
        self._catalog = Catalog([*BUILTIN, *(one for one in DEFINED if not names or one.function.__module__ in names)])
        #: Seconds since the start, and the date at the start.
        self.seconds = 0.0
        self._start = start
        tokens = itertools.count(1)
        self.broker = Broker(
            settings or Settings(frame_limit=_FRAME_LIMIT),
            lambda: 0.0,
            lambda: next(tokens).to_bytes(16, "big"),
            CALENDAR,
        )
        self.broker.state.timers.glance_seconds = _FOREVER
        self.store = MemoryStore()
        self._outbox = Outbox(
            self._write,
            self._fetch,
            limit=lambda _: _FRAME_LIMIT,
            failed=self._fail,
            idle=lambda _: None,
            unsaid=lambda _, error: self._fail(error),
        )
        self._loop = HandMovedLoop(lambda: self.seconds)
        config = Config(
            executor="inline",
            concurrency=concurrency,
            prefetch=0,
            name="bench",
            frame_limit=_FRAME_LIMIT,
            labels=tuple(labels),
            resources=tuple(Resource(name, amount) for name, amount in (resources or {}).items()),
        )
        self._worker = Worker(config.core_settings(self._catalog))
        self._coroutines = CoroutineExecutor(self._catalog, self._ended, self._stepped, self._loop)
        self._inline = InlineExecutor(self._catalog, self._stepped)
        self._frames = Connection("worker")
        self._answers = Connection("client")
        self._seq = 0
        self._made = itertools.count(1)
        self._jobs: dict[bytes, Job] = {}
        self._refusal: Error | None = None
        #: What the outbox wants of the store.
        self._asked: list[tuple[Wanted, Arrived]] = []

    def __enter__(self) -> Self:
        self._resources = provided.start(self._catalog.provided(is_async=False))
        started = provided.start_async(self._catalog.provided(is_async=True))
        self._async_resources = self._loop.run_until_complete(started)
        hello = Hello(HelloKind.OPEN, 1, versions=VersionRange(1, 1), role=Role.CLIENT, name="bench")
        self.broker.join(_CLIENT, hello, "", self.moment)
        self._write(_CLIENT, codec.encode(Hello(HelloKind.ACCEPT, 1, version=1)))
        self._worker.opened(1, self.seconds)
        self.settle()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._coroutines.close()
        self._loop.settle()
        self._loop.run_until_complete(self._async_resources.aclose())
        self._resources.close()
        self._loop.close()

    @property
    def moment(self) -> Now:
        """Both clocks, as the scheduler sees them."""
        return Now(self.seconds, self._start + self.seconds)

    def submit(self, task_type: str | Handler[..., Any], *args: Any, **keywords: Any) -> Job:
        """Submits a task as `Client.submit` does, with the same options; durations are seconds. Raises ValueError."""
        return self._submit(task_type, args, keywords, None)

    def chain(self, *calls: Call) -> Job:
        """Each call, a task and its arguments, gets the result of the one before as its first argument."""
        ids = [self._new_id(task) for task, *_ in calls]
        jobs = []
        for place, (task, *args) in enumerate(calls):
            ties: dict[str, Any] = {"gather": (1, GatherForm.VALUE)} if place else {}
            if place + 1 < len(calls):
                ties["group"] = (ids[place + 1], 0)
            jobs.append(self._submit(task, args, ties, ids[place]))
        jobs[-1].members = tuple(jobs[:-1])
        return jobs[-1]

    def group(self, members: Iterable[Call], *, callback: Call, on_dependency_failure: str = "cancel") -> Job:
        """Each member, a task and its arguments, and a callback that gets the list of their results."""
        task, *args = callback
        own = self._new_id(task)
        jobs = [
            self._submit(member, rest, {"group": (own, place)}, None) for place, (member, *rest) in enumerate(members)
        ]
        ties = {"gather": (len(jobs), GatherForm.LIST), "on_dependency_failure": on_dependency_failure}
        last = self._submit(task, args, ties, own)
        last.members = tuple(jobs)
        return last

    def advance(self, seconds: float) -> None:
        """Time passes, and all that it brings about happens, in its order."""
        end = self.seconds + seconds
        while (at := self._next()) is not None and at <= end:
            self.seconds = max(self.seconds, at)
            self.broker.tick(self.moment)
            self._worker.tick(self.seconds)
            self.settle()
        self.seconds = end
        self.settle()

    def settle(self) -> None:
        """Everything that can happen now happens."""
        while self._carry_out_scheduler() | self._carry_out_worker() | self._run_handlers():
            pass

    # -- submitting

    def _submit(
        self, task_type: str | Handler[..., Any], args: Sequence[Any], keywords: dict[str, Any], task_id: bytes | None
    ) -> Job:
        said = {name: keywords.pop(name) for name in [*keywords] if name in options.NAMES}
        chosen = options.merged(task_type, said)
        where = options.queue(chosen)
        task_id = task_id or self._new_id(task_type, where)
        envelope = options.envelope(_name(task_type), where, tuple(args), keywords)
        self._seq += 1
        message = Submit(self._seq, task_id, _FLAGS, options.priority(chosen), envelope, **options.tags(chosen))
        codec.encode(message)  # what the protocol does not allow is refused here
        job = self._jobs[task_id] = Job(self, task_id)
        self.broker.receive_many(_CLIENT, [message], self.moment)
        self.settle()
        refusal, self._refusal = self._refusal, None
        if refusal is not None:
            raise ValueError(f"the scheduler refuses it: {refusal.text}")
        return job

    def _new_id(self, task_type: str | Handler[..., Any], where: str | None = None) -> bytes:
        where = where or options.queue(options.merged(task_type, {}))
        return next(self._made).to_bytes(14, "big") + sha256(where.encode()).digest()[:2]

    # -- what both sides decide, carried out

    def _next(self) -> float | None:
        times = (self.broker.deadline(self.moment), self._worker.deadline(), self._loop.next_timer())
        return min((time for time in times if time is not None), default=None)

    def _carry_out_scheduler(self) -> bool:
        asked, self._asked = self._asked, []
        for wanted, arrived in asked:
            arrived(self._answer(wanted))
        turn: Turn = self.broker.take_turn()
        if not turn:
            return bool(asked)
        self._outbox.take(turn)
        conflicts = self.store.commit(1, [turn.changes]).conflicts
        if conflicts:
            self.broker.conflicted(conflicts, self.moment)
        self._outbox.release(turn)
        for lookup in turn.lookups:
            found = self.store.tasks([lookup.task_id]).get(lookup.task_id)
            self.broker.found(lookup, found, self.moment)
        return True

    def _carry_out_worker(self) -> bool:
        turn = self._worker.take_turn()
        for message in turn.sends:
            if not isinstance(message, Hello):
                self.broker.receive_many(_WORKER, [message], self.moment)
            elif message.kind is HelloKind.OPEN:
                token = self.broker.join(_WORKER, message, "", self.moment)
                accept = Hello(HelloKind.ACCEPT, message.nonce, version=1, session=token, heartbeat=_HEARTBEAT_MS)
                self._write(_WORKER, codec.encode(accept))
            elif message.kind is HelloKind.PING:
                self._write(_WORKER, codec.encode(Hello(HelloKind.PONG, message.nonce)))
        for assignment in turn.starts:
            self._executor(assignment).start(assignment)
        for stop in turn.stops:
            self._executor(stop.assignment).stop(stop.assignment, stop.mode)
        return bool(turn.sends or turn.starts or turn.stops)

    def _run_handlers(self) -> bool:
        busy = self._inline.busy
        while self._inline.busy:
            self._ended(self._inline.run(lambda: self.seconds))
        before = self._worker.running
        self._loop.settle()
        return busy or self._worker.running != before

    def _executor(self, assignment: Assignment) -> Executor:
        return self._coroutines if self._catalog[assignment.envelope.type].is_async else self._inline

    def _ended(self, ended: Sequence[Ended]) -> None:
        self._worker.ended_many(ended, self.seconds)

    def _stepped(self, assignment: Assignment, current: int, total: int, body: bytes, text: str | None) -> None:
        self._worker.progressed(assignment, current, total, body, text, self.seconds)

    # -- the wire

    def _write(self, peer: int, octets: bytes) -> bool:
        if peer == _WORKER:
            self._worker.heard(self.seconds)
            # The connection machine lets no others in.
            messages = cast("Sequence[ToWorker]", self._frames.receive(octets))
            self._worker.receive_many(messages, self.seconds)
            return True
        for message in self._answers.receive(octets):
            if isinstance(message, Progress) and message.task_id in self._jobs:
                self._jobs[message.task_id].progress.append(message)
            elif isinstance(message, Error):
                self._refusal = message
        return True

    def _fetch(self, wanted: Wanted, arrived: Arrived) -> None:
        self._asked.append((wanted, arrived))

    def _answer(self, wanted: Wanted) -> Found:
        ended = self.store.tasks(wanted.reports)
        return Found(
            bodies=self.store.bodies(wanted.bodies),
            reports={task_id: task.report for task_id, task in ended.items() if task.report is not None},
            parts={task_id: self.store.facts(Kind.PART, task_id) for task_id in wanted.callbacks},
        )

    def _fail(self, error: Exception) -> None:
        raise error


def _name(task_type: str | Handler[..., Any]) -> str:
    return task_type if isinstance(task_type, str) else task_type.name
