"""The parts of a day: its scheduler and its workers, how they start, stop and die, and who starts them again."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

import sim_tasks
from clockwork import Process
from shell import SimFlow

from wiretask_protocol.messages import QueueWeight, Resource
from wiretask_scheduler.core.queues import Mode
from wiretask_scheduler.flow import now
from wiretask_worker.config import Config
from wiretask_worker.errors import WorkerError
from wiretask_worker.handlers import DEFINED, Catalog
from wiretask_worker.runtime import Runtime

if TYPE_CHECKING:
    from day import Day

PORT = 9001
QUEUES = ("default", "mail")
WORKERS = ("worker 0", "worker 1", "worker 2")


class Plant:
    """One scheduler at a time, and three workers."""

    def __init__(self, day: Day, chance: Random) -> None:
        self._day = day
        self._machine = day.machine
        self._chance = chance
        self.flow: SimFlow | None = None
        self.scheduler: Process | None = None
        self.workers: dict[str, tuple[Process, Runtime]] = {}
        #: Nobody is started again.
        self.closing = False
        self.crashes = self.starts = 0

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        self._machine.at(self._machine.clock.steady + seconds, what)

    # -- the scheduler --

    def start_scheduler(self) -> None:
        """A scheduler over what is on the disk, if there is none."""
        if self.scheduler is not None:
            return
        process = self.scheduler = self._machine.process("scheduler")

        async def main() -> None:
            self.starts += 1
            flow = SimFlow(self._day, process)
            flow.start()
            await flow.server.listen("127.0.0.1", PORT)
            self.flow = flow

        process.start(main)
        self._day.note("a scheduler starts")

    def crash_scheduler(self) -> None:
        """It dies, and another one starts a little later."""
        process = self._let_go()
        if process is not None:
            self._machine.kill(process, silently=self._chance.random() < 0.2)
            self._day.disk.crash(keep=self._chance.random() < 0.5)
            self.crashes += 1
            self._day.note("the scheduler dies")
            self._later(self._chance.choice((0.0, 0.1, 1.0, 3.0)), self.start_scheduler)

    def _let_go(self) -> Process | None:
        process, self.scheduler, self.flow = self.scheduler, None, None
        return process

    def stop_scheduler(self) -> None:
        """It is told to stop, and does; another one starts a little later."""
        process, flow = self.scheduler, self.flow
        if process is None or flow is None:
            return
        self._day.note("the scheduler is told to stop")

        async def stop() -> None:
            await flow.stop()
            await flow.server.stop()
            self._day.disk.sync()
            if self.scheduler is process:
                self._let_go()
                self._machine.kill(process)
                self._later(0.5, self.start_scheduler)

        process.loop.call_soon(lambda: process.loop.create_task(stop()))

    def operate(self, what: Callable[[SimFlow], object]) -> None:
        """Something that an operator does, on the loop of the scheduler; not at all if it dies before."""
        process, flow = self.scheduler, self.flow
        if process is None or flow is None:
            return

        def operating() -> None:
            what(flow)
            flow.flush()

        process.loop.call_soon(operating)

    def set_mode(self, queue: str, mode: Mode) -> None:
        """An operator pauses, opens or closes a queue."""
        self.operate(lambda flow: flow.broker.set_mode(queue, mode, now()))
        self._day.note(f"the queue {queue} is {mode.name.lower()}")

    # -- workers --

    def start_worker(self, name: str) -> None:
        """A worker under this name, if there is none."""
        if name in self.workers or self.closing:
            return
        process = self._machine.process(name)
        catalog = Catalog([handler for handler in DEFINED if handler.function.__module__ == sim_tasks.__name__])
        runtime = Runtime(_config(name), catalog, process.loop)
        self.workers[name] = process, runtime

        async def main() -> None:
            try:
                await runtime.run()
            except WorkerError as error:
                self._day.note(f"{name} ends: {error}")
            self._later(0.0, lambda: self._is_gone(process, "has left"))

        process.start(main)
        self._day.note(f"{name} starts")

    def _is_gone(self, process: Process, how: str, *, silently: bool = False) -> None:
        """A worker has ended; somebody starts another one."""
        if not process.alive:
            return
        name = process.name
        self._day.note(f"{name} {how}")
        self._machine.kill(process, silently=silently)
        del self.workers[name]
        self._later(1.0, lambda: self.start_worker(name))

    def kill_worker(self, process: Process, *, silently: bool = False) -> None:
        """A worker dies with all that it runs."""
        self._is_gone(process, "dies without a word" if silently else "dies", silently=silently)

    def drain_worker(self, name: str) -> None:
        """A worker is told to end."""
        process, runtime = self.workers[name]
        self._day.note(f"{name} is drained")
        process.loop.call_soon(runtime.drain)


def _config(name: str) -> Config:
    number = WORKERS.index(name)
    return Config(
        port=PORT,
        executor="inline",
        concurrency=4,
        prefetch=6,
        queues=tuple(QueueWeight(queue, 1) for queue in QUEUES),
        labels=("eu",) if number == 0 else (),
        resources=(Resource("gpu", 2),) if number < 2 else (),
        name=name,
    )
