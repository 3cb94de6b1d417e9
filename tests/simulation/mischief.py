"""What goes wrong on a day, by chance: deaths, drains, standstills, broken and silent connections, clocks, operators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from network import pairs
from plant import QUEUES

from wiretask_protocol.messages import TaskState
from wiretask_scheduler.core.queues import Mode
from wiretask_scheduler.flow import now

if TYPE_CHECKING:
    from day import Day
    from shell import SimFlow


class Mischief:
    """One chance after the other."""

    def __init__(self, day: Day, chance: Random) -> None:
        self._day = day
        self._chance = chance
        self._plant = day.plant
        #: What has gone wrong, and how often.
        self.counts: Counter[str] = Counter()
        #: Each with its probability.
        self._faults: tuple[tuple[float, str, Callable[[], None]], ...] = (
            (0.04, "the scheduler killed", self._plant.crash_scheduler),
            (0.02, "the scheduler stopped", self._plant.stop_scheduler),
            (0.05, "a worker killed", self._kill_worker),
            (0.03, "a worker drained", self._drain_worker),
            (0.03, "a client killed", self._kill_user),
            (0.03, "a standstill", self._freeze),
            (0.08, "a connection broken", lambda: self._cut(silently=False)),
            (0.04, "a connection silent", lambda: self._cut(silently=True)),
            (0.02, "a connection half open", self._half_open),
            (0.03, "a reader slow", self._slow_reader),
            (0.02, "the clock moved", self._move_clock),
            (0.03, "a queue changed", self._change_queue),
            (0.04, "a dead task revived", self._revive),
        )

    def happen(self) -> None:
        """Perhaps something does."""
        roll = self._chance.random()
        for share, name, fault in self._faults:
            if roll < share:
                self.counts[name] += 1
                fault()
                return
            roll -= share

    def _worker(self) -> str | None:
        return self._chance.choice(sorted(self._plant.workers)) if self._plant.workers else None

    def _kill_worker(self) -> None:
        name = self._worker()
        if name is not None:
            self._plant.kill_worker(self._plant.workers[name][0], silently=self._chance.random() < 0.3)

    def _drain_worker(self) -> None:
        name = self._worker()
        if name is not None:
            self._plant.drain_worker(name)

    def _kill_user(self) -> None:
        self._chance.choice(self._day.users).crash()

    def _freeze(self) -> None:
        process = self._chance.choice(self._day.machine.processes)
        if process.frozen:
            return
        process.frozen = True
        seconds = self._chance.choice((0.3, 2.0, 8.0))
        if process is self._plant.scheduler:
            self._day.promises.stood_still += seconds
        self._day.note(f"{process.name} stands still for {seconds} s")

        def thaw() -> None:
            process.frozen = False

        self._day.machine.at(self._day.clock.steady + seconds, thaw)

    def _cut(self, *, silently: bool) -> None:
        streams = pairs(self._day.network)
        if streams:
            pair = self._chance.choice(streams)
            self._day.note(f"the connection of {pair[0].process.name} {'falls silent' if silently else 'breaks'}")
            self._day.network.cut(pair, silently=silently)

    def _half_open(self) -> None:
        """One end hears that the connection is gone, the other one goes on: who comes again comes beside itself."""
        streams = pairs(self._day.network)
        if streams:
            pair = self._chance.choice(streams)
            hears = self._chance.choice(pair)
            self._day.note(f"only {hears.process.name} hears that a connection is gone")
            self._day.network.half_cut(hears)

    def _slow_reader(self) -> None:
        """One end takes a piece now and then, and the other one has to keep what it says."""
        streams = pairs(self._day.network)
        if streams:
            end = self._chance.choice(self._chance.choice(streams))
            end.slowness = self._chance.choice((0.1, 0.5))
            self._day.note(f"{end.process.name} reads slowly")

    def _move_clock(self) -> None:
        seconds = self._chance.choice((-300.0, -60.0, -1.0, 1.0, 60.0, 3600.0))
        self._day.note(f"the clock on the wall jumps by {seconds:.0f} s")
        self._day.history.jumped_ms += int(abs(seconds) * 1000)
        self._day.promises.jumped = True
        self._day.clock.wall += seconds

    def _change_queue(self) -> None:
        mode = self._chance.choice((Mode.OPEN, Mode.PAUSED, Mode.OPEN, Mode.CLOSED))
        self._plant.set_mode(self._chance.choice(QUEUES), mode)

    def _revive(self) -> None:
        rows = self._day.disk.rows.values()
        dead = [row.id for row in rows if row.outcome is not None and row.state == TaskState.DEAD and not row.links]
        if not dead:
            return
        task_id = self._chance.choice(dead)

        def revive(flow: SimFlow) -> None:
            row = self._day.disk.row(task_id)
            if row is not None and row.state == TaskState.DEAD and flow.broker.state.tasks.get(task_id) is None:
                self._day.history.revive(self._day.clock.steady, task_id)
                self._day.promises.revived.add(task_id)
                flow.broker.revive(row, [], now())

        self._plant.operate(revive)
