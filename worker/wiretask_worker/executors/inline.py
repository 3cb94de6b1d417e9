"""Handlers on the event loop itself, one after the other: nothing is faster, and nothing else happens meanwhile.

For short functions. While one runs, no ping is sent: a worker that is silent for three heartbeats is taken for lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

from wiretask_protocol.messages import CancelMode
from wiretask_worker import attempts, reports
from wiretask_worker.context import Context
from wiretask_worker.core.assignment import Assignment, Ended
from wiretask_worker.executors.base import Steps
from wiretask_worker.handlers import Catalog

#: How long the event loop may be kept from its sockets while more tasks are here. A frame of 30 Hz, a few round trips.
SLICE_SECONDS = 0.02
#: Looking at the clock costs as much as a small task.
_CLOCK_EVERY = 32


class InlineExecutor:
    """Attempts that wait for `run`."""

    def __init__(self, catalog: Catalog, steps: Steps) -> None:
        self._catalog = catalog
        self._steps = steps
        self._waiting: deque[Assignment] = deque()
        self._stopped: set[Assignment] = set()

    @property
    def busy(self) -> bool:
        """Whether there is something to run."""
        return bool(self._waiting)

    def start(self, assignment: Assignment) -> None:
        """Puts an attempt in line."""
        self._waiting.append(assignment)

    def stop(self, assignment: Assignment, mode: CancelMode) -> None:
        """Leaves out an attempt that is still in line; no other can be running now."""
        del mode
        if assignment in self._waiting:
            self._stopped.add(assignment)

    def run(self, clock: Callable[[], float]) -> list[Ended]:
        """Runs what waits, for a slice of time, and returns what has ended."""
        ended: list[Ended] = []
        waiting, catalog, attempt = self._waiting, self._catalog, attempts.runner()
        until = clock() + SLICE_SECONDS
        while waiting:
            assignment = waiting.popleft()
            if self._stopped and assignment in self._stopped:
                self._stopped.discard(assignment)
                ended.append((assignment, reports.cancelled("cancelled before it began")))
                continue
            envelope = assignment.envelope
            steps = partial(self._steps, assignment)
            context = Context(assignment.task_id, assignment.attempt, envelope, steps, assignment.gathered)
            ended.append((assignment, attempt(catalog[envelope.type], envelope, context)))
            if not len(ended) % _CLOCK_EVERY and clock() >= until:
                break
        return ended

    def close(self) -> None:
        """Forgets what waits."""
        self._waiting.clear()
