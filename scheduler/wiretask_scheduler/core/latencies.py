"""How long tasks wait and run, by queue: counted for a whole batch at a time, never for each of its tasks.

What is handed out together has come together, so the first and the last of a batch stand for it. Of the Results that
come together a few stand for all. Where little happens a batch is one task, and the figures are exact.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wiretask_protocol.messages import Outcome, Result
from wiretask_scheduler.core.histogram import Histogram

if TYPE_CHECKING:
    from wiretask_scheduler.core.peers import Worker
    from wiretask_scheduler.core.tasks import Task
    from wiretask_scheduler.core.turn import Now

#: Queues that have figures of their own; what comes later is counted under `OTHERS`, which no queue can be called.
QUEUES = 100
OTHERS = "*"
#: Results of a batch that are looked at.
_LOOKED_AT = 4
#: Batches whose moment is remembered: a thousand a second, for as long as it takes to write a lease (`Worker.since`).
_BATCHES = 4096


class Latencies:
    """The figures of one queue."""

    __slots__ = ("run", "total", "wait")

    def __init__(self) -> None:
        #: From the submission to the first delivery; from a delivery to its report; from the submission to success.
        self.wait, self.run, self.total = Histogram(), Histogram(), Histogram()


class Stopwatch:
    """The figures of all queues."""

    def __init__(self) -> None:
        self.queues: dict[str, Latencies] = {}
        #: The first lease of each of the latest batches, and when it was handed out.
        self._leases: list[int] = []
        self._moments: list[float] = []

    def of(self, queue: str) -> Latencies:
        """The figures that a queue is counted in."""
        found = self.queues.get(queue)
        if found is None:
            if len(self.queues) >= QUEUES:
                queue = OTHERS
            found = self.queues.setdefault(queue, Latencies())
        return found

    def handed_out(self, tasks: Sequence[Task], lease: int, now: Now) -> None:
        """Tasks of one lane have been leased, the first of them by this lease."""
        self._leases.append(lease)
        self._moments.append(now.monotonic)
        if len(self._leases) > 2 * _BATCHES:
            del self._leases[:_BATCHES], self._moments[:_BATCHES]
        wait = self.of(tasks[0].options.queue).wait
        half = len(tasks) // 2
        for task, count in ((tasks[0], len(tasks) - half), (tasks[-1], half)):
            if count and (task.rare is None or not task.rare.failures):
                wait.add(max(0.0, now.wall - task.submitted / 1000), count)

    def since(self, worker: Worker, lease: int) -> float | None:
        """When a lease was handed out, by the monotonic clock; None if that was before a restart, or is forgotten."""
        known = worker.since.get(lease)
        if known is not None:
            return known
        place = bisect_right(self._leases, lease)
        return self._moments[place - 1] if place else None

    def reported(self, worker: Worker, messages: Sequence[Any], now: Now) -> None:
        """A worker has sent these; what they report on is still in its hands."""
        count = len(messages)
        parts = min(count, _LOOKED_AT)
        for part in range(parts):
            first, last = count * part // parts, count * (part + 1) // parts
            message = messages[first]
            if type(message) is not Result:
                continue
            task = worker.leases.get(message.lease)
            if task is None:
                continue
            figures = self.of(task.options.queue)
            since = self.since(worker, message.lease)
            if since is not None:
                figures.run.add(max(0.0, now.monotonic - since), last - first)
            if message.outcome == Outcome.SUCCEEDED:
                figures.total.add(max(0.0, now.wall - task.submitted / 1000), last - first)
