"""A day in the life of all parts: the real scheduler, workers and clients, with everything around them from one seed.

The shells run as they are, on loops that never wait (`clockwork`), over a network in memory (`network`), on a disk that
keeps what was synced (`disk`). Users submit, operators intervene, and everything that can break does (`mischief`). Then
the faults stop, and all must come to its end.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from random import Random
from typing import Any

from audit import audit, audit_envelopes
from clockwork import Machine, Process
from disk import Disk
from history import History, Record, ViolatedError
from in_place import in_place
from mischief import Mischief
from network import Network
from plant import QUEUES, WORKERS, Plant
from promises import Promises
from users import MOST_TOGETHER, User

from wiretask_scheduler.core.facts import Kind
from wiretask_scheduler.core.queues import Mode

#: Virtual seconds: how long things go wrong, and how long everything may take then to come to its end; longer where the
#: clock on the wall was moved, because dates are kept by it.
WILD_SECONDS, CALM_SECONDS = 40.0, 120.0
#: What else may be kept when all is over: it is forgotten by its date.
_KEPT = frozenset({"RATE", "PART", "QUEUE"})


@dataclass
class Running:
    """One attempt that goes on."""

    record: Record | None
    process: Process
    began: float


class Day:
    """Everything, by one seed. Without faults only users and time do anything."""

    def __init__(self, seed: int, *, faults: bool = True, wild: float = WILD_SECONDS, users: int = 2) -> None:
        self.seed = seed
        self.chance, self.disk_chance = Random(seed), Random(seed + 1)
        self.wild = wild
        self.faults = faults
        self.machine = Machine()
        self.clock = self.machine.clock
        self.network = Network(self.machine, Random(seed + 2))
        self.disk = Disk()
        self.history = History(seed, self.disk)
        self.promises = Promises(self._broken)
        self.plant = Plant(self, Random(seed + 3))
        self.mischief = Mischief(self, Random(seed + 4))
        self.users = [User(self, f"user {number}", Random(seed + 10 + number)) for number in range(users)]
        self.calm = False
        self._pace = Random(seed + 5)
        #: What hears of every boundary of the store: it may end the scheduler there.
        self.at_boundary: Callable[[str], None] = lambda name: None

    # -- life --

    def live(self) -> None:
        """The whole day. Raises ViolatedError."""
        try:
            with in_place(self, self.machine, self.chance):
                try:
                    self._live()
                finally:
                    self.machine.close()
        except ViolatedError:
            raise
        except AssertionError as error:
            raise self.history.violated(str(error)) from error

    def _live(self) -> None:
        self.plant.start_scheduler()
        for name in WORKERS:
            self.plant.start_worker(name)
        for user in self.users:
            user.start()
        until = self.clock.steady + self.wild
        while self.clock.steady < until:
            self._run(self._pace.choice((0.05, 0.2, 0.5, 1.0)))
            if self.faults:
                self.mischief.happen()
        self._heal()
        self.history.verdict()
        self._go_home()

    def _run(self, seconds: float, done: Callable[[], bool] = lambda: False) -> bool:
        over: bool = self.machine.run(self.clock.steady + seconds, lambda: bool(self.machine.failures) or done())
        if self.machine.failures:
            raise self.history.violated("; ".join(self.machine.failures))
        if self.plant.flow is not None:
            # Young leases that a crash has forgotten come back beside what was given to others meanwhile.
            state = self.plant.flow.broker.state
            tasks = audit(state, None if self.plant.starts > 1 else MOST_TOGETHER)
            audit_envelopes(self.plant.flow)
            # Who stands still takes nothing away.
            margin = math.inf if self.mischief.counts["a standstill"] else state.settings.time_limit_margin_seconds
            self.promises.look(tasks, self.clock.steady, margin)
        return over

    def _heal(self) -> None:
        """No more faults: what is not there is started again, and everything must come to its end."""
        self.calm = True
        self.note("the faults stop")
        for end in chain.from_iterable(self.network.streams):
            end.slowness = 0.0
        for process in self.machine.processes:
            process.frozen = False
        self._run(5.0)  # what was under way when they stopped is over then
        for queue in QUEUES:
            self.plant.set_mode(queue, Mode.OPEN)
        for user in self.users:
            user.calm_down()
        self._run(1.0)
        if self._run(CALM_SECONDS + self.history.jumped_ms / 1000, self._is_over):
            return
        for missing, what in (
            (self.history.waiting(), "were never told how they ended"),
            (self.disk.live(), "live on"),
        ):
            if missing:
                raise self.history.violated(f"{len(missing)} {what}, the first one", missing[0].id)
        raise self.history.violated("the users are not done")

    def _is_over(self) -> bool:
        return all(user.done for user in self.users) and not self.history.waiting() and not self.disk.live()

    def _go_home(self) -> None:
        """Everybody leaves: nothing may be left of the day in memory."""
        self.plant.closing = True
        for name in list(self.plant.workers):
            self.plant.drain_worker(name)
        for user in self.users:
            user.leave()
        self._run(30.0, lambda: not self.plant.workers)
        assert not self.plant.workers, f"{sorted(self.plant.workers)} do not leave"
        self._run(5.0)
        assert self.plant.flow is not None
        state = self.plant.flow.broker.state
        assert state.tasks.count == 0, f"{state.tasks.count} tasks are left in memory"
        assert not state.sessions, f"{len(state.sessions)} sessions are left"
        assert not state.dependencies.dependents, "somebody waits for nothing"
        assert not state.uniques or self.history.timed_keys, "unique keys are held by nobody"
        assert not state.retracting, "somebody is asked for what nobody has"
        assert not state.held_back, "somebody is still held back"
        assert state.suspect is None, "somebody is suspected for ever"
        assert not any(gate.inside for gate in state.gates), "nobody has left a gate"
        assert not self.plant.flow.outbox.octets, f"{self.plant.flow.outbox.octets} octets of envelopes are left"
        left = {Kind(kind).name for (kind, _), fact in self.disk.facts.items() if fact.forget is None} - _KEPT
        assert not left, f"{left} are kept for nobody"

    # -- what the tasks do (`sim_tasks`) --

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """What is violated while a task runs ends the day, and not the task."""
        try:
            yield
        except ViolatedError as error:
            self.machine.failures.append(str(error))

    def begins(self, name: str, context: Any) -> Running:
        """An attempt begins."""
        process: Process = asyncio.get_running_loop().process  # type: ignore[attr-defined]
        record = self.history.records.get(name)
        if record is not None:
            record.begun.append((self.clock.steady, process.name))
            self.history.note(self.clock.steady, f"{process.name} begins it", record.id)
            with self._noted():
                self.history.may_begin(record)
        return Running(record, process, self.clock.steady)

    def ends(self, running: Running) -> None:
        """An attempt is over, and its process lives."""
        if running.record is not None and running.process.alive and not self.mischief.counts["a standstill"]:
            with self._noted():
                self.history.ran(running.record, self.clock.steady - running.began)

    def gathered(self, name: str, results: Any) -> None:
        """The callback of a group has got the results of its members, in their order."""
        record = self.history.records.get(name)
        if record is not None:
            with self._noted():
                self.history.gathered(record, [result if isinstance(result, str) else None for result in results])

    def fate(self, name: str, context: Any) -> tuple[str, float]:
        """What becomes of an attempt, and after how many seconds. The same in each run of a seed."""
        record = self.history.records.get(name)
        chance = Random(f"{self.seed}/{name}/{len(record.begun) if record is not None else 0}")
        seconds = chance.choice((0.0, 0.0, 0.01, 0.1, 0.5, 2.0))
        if self.calm:
            return "ok", min(seconds, 0.1)
        if record is not None and "time_limit" in record.options and chance.random() < 0.3:
            return "ok", 3600.0
        roll = chance.random()
        for share, what in ((0.1, "fail"), (0.03, "no_retry"), (0.05, "retry"), (0.02, "crash"), (0.1, "progress")):
            if roll < share:
                return what, seconds
            roll -= share
        return "ok", seconds

    def dies(self, loop: Any) -> None:
        """The process that runs an attempt dies of it."""
        self.plant.kill_worker(loop.process)

    # -- stories --

    def boundary(self, name: str) -> None:
        """The store has come to a point where a crash may make a difference."""
        self.at_boundary(name)

    def note(self, text: str) -> None:
        """Something that concerns all tasks."""
        self.history.note(self.clock.steady, "-- " + text)

    def _broken(self, task_id: bytes, what: str) -> None:
        """A promise is."""
        self.machine.failures.append(str(self.history.violated(what, task_id)))

    def begun(self, flow: Any) -> None:
        """A scheduler begins, and knows nothing but what is on the disk."""
        if self.plant.starts > 1:
            self.promises.begin()
        self.promises.watch(flow.broker)

    def left(self, number: int) -> None:
        """The scheduler has heard that a connection is over."""
        self.promises.left(number, self.clock.steady)

    def heard(self, number: int, message: Any) -> None:
        """The scheduler has got a message."""
        self.promises.heard(number, message, self.clock.steady)
        task_id = getattr(message, "task_id", None)
        if task_id:
            self.history.note(self.clock.steady, f"peer {number} says {_shown(message)}", task_id)

    def said(self, number: int, message: Any) -> None:
        """What the scheduler has said is durable and leaves."""
        self.promises.said(number, message)
        task = getattr(message, "task", None)
        if task is not None and task.lease != message.lease:
            return  # it was taken back meanwhile
        task_id = task.id if task is not None else getattr(message, "task_id", None)
        if task_id:
            text = f"Task lease={message.lease} attempt={message.attempt}" if task is not None else _shown(message)
            self.history.note(self.clock.steady, f"peer {number} is told {text}", task_id)
        if task is not None:
            with self._noted():
                self.history.handed_out(task_id, message.attempt)


_HIDDEN = frozenset({"task_id", "envelope", "report", "unknown"})


def _shown(message: Any) -> str:
    said = {name: getattr(message, name) for name in message.__struct_fields__ if name not in _HIDDEN}
    return type(message).__name__ + "".join(f" {name}={value}" for name, value in said.items() if value is not None)


def live_through(seed: int, **options: Any) -> Day:
    """A whole day. Raises ViolatedError."""
    day = Day(seed, **options)
    day.live()
    return day
