"""Handlers in threads, as many as there are slots. The default: good for input and output, harmless for the rest.

A thread cannot be stopped. A handler that goes on after its time limit or its cancellation has been reported holds its
thread, and so its slot, until it returns; it sees `Context.cancelled`. The threads are daemons: the worker can end
while one of them never does.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from functools import partial

from wiretask_protocol.messages import CancelMode
from wiretask_worker import attempts
from wiretask_worker.context import Context
from wiretask_worker.core.assignment import Assignment, Finished
from wiretask_worker.executors.base import Ends, Steps
from wiretask_worker.executors.bench import Bench
from wiretask_worker.handlers import Catalog

#: Progress that the event loop has not taken yet; more is left out.
_STEPS_MAXIMUM = 4096

_Step = tuple[int, int, bytes, str | None]


class ThreadExecutor:
    """Attempts in threads, which start as they are needed."""

    def __init__(
        self, catalog: Catalog, ends: Ends, steps: Steps, loop: asyncio.AbstractEventLoop, concurrency: int
    ) -> None:
        self._catalog = catalog
        self._ends = ends
        self._steps = steps
        self._loop = loop
        self._concurrency = concurrency
        self._running: dict[Assignment, Context] = {}
        self._bench: Bench[tuple[Assignment, Context] | None] = Bench()
        self._threads: list[threading.Thread] = []
        #: What the threads have said; they append, the event loop takes from the left.
        self._said: deque[tuple[Assignment, Finished | _Step]] = deque()
        self._woken = False

    def start(self, assignment: Assignment) -> None:
        """Begins an attempt as soon as a thread is free, which is at once: the core keeps to the slots."""
        steps = partial(self._progress, assignment)
        context = Context(assignment.task_id, assignment.attempt, assignment.envelope, steps, assignment.gathered)
        self._running[assignment] = context
        if len(self._threads) < min(len(self._running), self._concurrency):
            name = f"wiretask-{len(self._threads) + 1}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        self._bench.put((assignment, context))

    def stop(self, assignment: Assignment, mode: CancelMode) -> None:
        """Asks: the handler sees it in its Context."""
        del mode
        context = self._running.get(assignment)
        if context is not None:
            context.ask_to_stop()

    def close(self) -> None:
        """Ends the threads that are idle, and asks the others."""
        for context in self._running.values():
            context.ask_to_stop()
        for _ in self._threads:
            self._bench.put(None)

    # -- in a thread

    def _work(self) -> None:
        while (work := self._bench.take()) is not None:
            assignment, context = work
            envelope = assignment.envelope
            self._say(assignment, attempts.runner()(self._catalog[envelope.type], envelope, context))
            del work, assignment, context, envelope  # a body must not live on in an idle thread

    def _progress(self, assignment: Assignment, current: int, total: int, body: bytes, text: str | None) -> None:
        if len(self._said) < _STEPS_MAXIMUM:
            self._say(assignment, (current, total, body, text))

    def _say(self, assignment: Assignment, said: Finished | _Step) -> None:
        self._said.append((assignment, said))
        if not self._woken:  # the loop clears this before it looks, so nothing is overlooked
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._deliver)
            except RuntimeError:  # the loop is closed: the worker has stopped, and this thread with it
                return

    # -- on the event loop

    def _deliver(self) -> None:
        self._woken = False
        ended: list[tuple[Assignment, Finished]] = []
        while self._said:
            assignment, said = self._said.popleft()
            if isinstance(said, Finished):
                del self._running[assignment]
                ended.append((assignment, said))
            else:
                self._steps(assignment, *said)
        if ended:
            self._ends(ended)
