"""How many tasks are in which state, by queue, and how old the oldest ready one is.

Counting costs nothing until somebody asks: then the table is gone through, a few at once and many in slices, between
which the peers have their turn. Of many the count is as of the last second or so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from wiretask_protocol.machines import TaskMachineState
from wiretask_scheduler.core.state import State
from wiretask_scheduler.core.tasks import Task

#: So many are counted in one go: some milliseconds.
AT_ONCE = 10_000
#: A count may be so old, and it is used again until it has cost less than this share of the time.
_FRESH_SECONDS, _SHARE = 1.0, 0.005
_READY = TaskMachineState.READY


@dataclass(slots=True)
class QueueCount:
    """The tasks of one queue, by their state, and when the oldest ready one was submitted."""

    states: list[int] = field(default_factory=lambda: [0] * len(TaskMachineState))
    oldest: int | None = None


Counts = dict[str, QueueCount]


class Census:
    """Counts, and remembers for a while what it has counted."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._counts: Counts = {}
        self._good_until = 0.0
        self._counting: asyncio.Task[Counts] | None = None

    async def counts(self) -> Counts:
        """By queue: of few tasks as they are now, of many as they were a moment ago."""
        if self._state.tasks.count <= AT_ONCE:
            counts: Counts = {}
            for shard in self._state.tasks.shards():
                _count(counts, shard)
            return counts
        if time.monotonic() < self._good_until:
            return self._counts
        if self._counting is None:
            self._counting = asyncio.create_task(self._take())
        # Who is cancelled leaves the count to the others.
        return await asyncio.shield(self._counting)

    async def _take(self) -> Counts:
        counts: Counts = {}
        seconds = 0.0
        try:
            for shard in self._state.tasks.shards():
                began = time.perf_counter()
                _count(counts, shard)
                seconds += time.perf_counter() - began
                await asyncio.sleep(0)
        finally:
            self._counting = None
        self._counts = counts
        self._good_until = time.monotonic() + max(_FRESH_SECONDS, seconds / _SHARE)
        return counts


def _count(counts: Counts, tasks: Iterable[Task]) -> None:
    for task in tasks:
        queue, state = task.options.queue, task.state
        of = counts.get(queue)
        if of is None:
            of = counts[queue] = QueueCount()
        # As places of a list: hashing a member of an enum takes longer than all of the rest.
        of.states[state] += 1
        if state is _READY and (of.oldest is None or task.submitted < of.oldest):
            of.oldest = task.submitted
