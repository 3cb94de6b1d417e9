"""Time that is a number, and processes that are event loops: one thread runs them all, one callback after the other.

The real shells run on these loops as they are. Which of them goes on is decided by the time of its next timer, and for
the same time by the order in which they were started: nothing here is left to chance, or to the machine.
"""

from __future__ import annotations

import asyncio
import heapq
import warnings
from asyncio import events
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any


class Clock:
    """What `time` is to everybody: a steady clock, and one on the wall that can be moved."""

    def __init__(self) -> None:
        self.steady = 1000.0
        self.wall = 1_800_000_000.0

    def monotonic(self) -> float:
        """Seconds, never backwards."""
        return self.steady

    perf_counter = monotonic

    def process_time(self) -> float:
        """What a process has run: nothing takes any time here."""
        return 0.0

    def time(self) -> float:
        """The date, in seconds."""
        return self.wall

    def time_ns(self) -> int:
        """The date, in nanoseconds."""
        return int(self.wall * 1e9)

    def advance(self, seconds: float) -> None:
        """Time passes, by both clocks."""
        self.steady += seconds
        self.wall += seconds


class _NoDescriptors:
    """A selector that has nothing to wait for."""

    def select(self, timeout: float | None = None) -> list[Any]:
        return []

    def close(self) -> None:
        """Nothing is open."""


class Loop(asyncio.BaseEventLoop):
    """The event loop of one process. `network` makes its connections, `failed` hears what nobody has caught."""

    def __init__(self, process: Process) -> None:
        super().__init__()
        self._selector = _NoDescriptors()
        self.process = process
        self.set_exception_handler(lambda _loop, context: process.machine.fail(process, context))

    def time(self) -> float:
        """The machine's."""
        return self.process.machine.clock.steady

    def next_at(self) -> float | None:
        """When it has something to do."""
        # What asyncio itself calls them, since its first version. It is asked all the time: nothing here may cost much.
        if self._ready:  # type: ignore[attr-defined]
            return self.process.machine.clock.steady
        scheduled = self._scheduled  # type: ignore[attr-defined]
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        return scheduled[0]._when if scheduled else None

    def turn(self) -> None:
        """Runs what is due now, once."""
        events._set_running_loop(self)
        try:
            self._run_once()  # type: ignore[attr-defined]
        finally:
            events._set_running_loop(None)

    # -- what a loop over sockets would have --

    async def create_server(self, factory: Callable[[], Any], host: Any, port: Any, **_: Any) -> Any:  # type: ignore[override]
        """Listens on the machine's network."""
        return self.process.machine.network.listen(self.process, factory, host, port)

    async def create_connection(self, factory: Callable[[], Any], host: Any, port: Any, **_: Any) -> Any:  # type: ignore[override]
        """Connects over the machine's network."""
        return await self.process.machine.network.connect(self.process, factory, host, port)

    async def run_in_executor(self, _executor: Any, function: Callable[..., Any], *arguments: Any) -> Any:  # type: ignore[override]
        """There are no threads: it is done here."""
        return function(*arguments)

    def call_soon_threadsafe(self, callback: Any, *arguments: Any, context: Any = None) -> Any:  # type: ignore[override]
        """There are no threads."""
        return self.call_soon(callback, *arguments, context=context)

    def _check_closed(self) -> None:
        """What is left of a process that has died may say what it likes when it is collected."""

    def _process_events(self, _events: Any) -> None:
        """Nothing comes from descriptors."""

    def _write_to_self(self) -> None:
        """Nobody else has to wake it."""


class Process:
    """One process: its loop, until it dies."""

    def __init__(self, machine: Machine, name: str) -> None:
        self.machine = machine
        self.name = name
        self.alive = True
        #: Stopped by a signal: nothing of it runs, and its connections stay.
        self.frozen = False
        self.loop = Loop(self)

    def start(self, main: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Begins with a coroutine, in a loop that is running, as `asyncio.run` has it."""
        self.loop.call_soon(lambda: self.loop.create_task(main()))

    def die(self, *, silently: bool = False) -> None:
        """Ends at once. Its connections break, or say nothing any more: then the whole machine is gone."""
        self.alive = False
        self.machine.network.bury(self, silently=silently)

    def close(self) -> None:
        """Lets go of what it was doing, without a word: it has died, and nothing of it is to run."""
        self.alive = False
        events._set_running_loop(self.loop)
        try:
            for task in asyncio.all_tasks(self.loop):
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                for _ in range(_LAST_WORDS):
                    with suppress(Exception):
                        task.get_coro().close()
                        break
            self.loop.close()
        finally:
            events._set_running_loop(None)


#: How often a coroutine that waits for something in its `finally` is told that it is over.
_LAST_WORDS = 5


class Machine:
    """All processes, what is between them, and the time."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.processes: list[Process] = []
        #: Those that have died are kept: nothing of them is to run when they are collected.
        self.graves: list[Process] = []
        self.network: Any = None
        self.failures: list[str] = []
        self.turns = 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def process(self, name: str) -> Process:
        """A new one."""
        made = Process(self, name)
        self.processes.append(made)
        return made

    def kill(self, process: Process, *, silently: bool = False) -> None:
        """Ends one, as SIGKILL does, or as the loss of its power does."""
        process.die(silently=silently)
        self.processes.remove(process)
        self.graves.append(process)

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Something happens then, outside of all processes."""
        self._count += 1
        heapq.heappush(self._events, (when, self._count, what))

    def fail(self, process: Process, context: dict[str, Any]) -> None:
        """Something was caught by nobody."""
        error = context.get("exception")
        if process.alive:
            self.failures.append(f"{process.name}: {context.get('message')}: {error!r}")

    def run(self, until: float, done: Callable[[], bool] = lambda: False) -> bool:
        """Lets time pass until then, or until it is done; whether it is."""
        while not done():
            when = self._next()
            if when is None or when > until:
                self.clock.advance(max(0.0, until - self.clock.steady))
                return done()
            if when > self.clock.steady:
                self.clock.advance(when - self.clock.steady)
            self._turn()
        return True

    def close(self) -> None:
        """The end of everything."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of coroutines that had not begun when their process died
            for process in [*self.graves, *self.processes]:
                process.close()

    def _next(self) -> float | None:
        """When somebody has something to do."""
        now = self.clock.steady
        first = self._events[0][0] if self._events else None
        for process in self.processes:
            at = None if process.frozen else process.loop.next_at()
            if at is not None and (first is None or at < first):
                if at <= now:
                    return at
                first = at
        return first

    def _turn(self) -> None:
        now = self.clock.steady
        while self._events and self._events[0][0] <= now:
            heapq.heappop(self._events)[2]()
        for process in list(self.processes):
            at = None if process.frozen else process.loop.next_at()
            if at is not None and at <= now and process.alive:
                self.turns += 1
                process.loop.turn()
