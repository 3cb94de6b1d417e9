"""What is to happen later. Durations that recur have a deque each, in which time orders by itself; the rest are heaps.

Durations go by the monotonic clock, dates by the wall clock: a wall clock that is put forward or back moves what was
asked for a date, and nothing else. A timer is never taken back: when it comes up, whoever set it looks whether it still
matters.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import Any, Literal

from wiretask_scheduler.core.turn import Now

Kind = Literal["due", "expire", "record", "limit", "resume", "grace", "open", "unique", "settle", "recur", "group"]

#: A wall clock that is put forward is noticed within this time.
_GLANCE_SECONDS = 5.0


class Timers:
    """Timers, in seconds of the monotonic clock, and dates, in milliseconds of the wall clock."""

    def __init__(self) -> None:
        self._queues: dict[tuple[Kind, float], deque[tuple[float, Any]]] = {}
        self._heap: list[tuple[float, int, Kind, Any]] = []
        self._dates: list[tuple[int, int, Kind, Any]] = []
        self._number = 0
        #: How often a wall clock is looked at that may have been put forward; nobody does that in a test.
        self.glance_seconds = _GLANCE_SECONDS

    def after(self, now: float, seconds: float, kind: Kind, what: Any) -> None:
        """Sets a timer with a duration that many others have too."""
        queue = self._queues.get((kind, seconds))
        if queue is None:
            queue = self._queues[kind, seconds] = deque()
        queue.append((now + seconds, what))

    def at(self, when: float, kind: Kind, what: Any) -> None:
        """Sets a timer for a point in time of the monotonic clock."""
        self._number += 1
        heapq.heappush(self._heap, (when, self._number, kind, what))

    def on(self, millis: int, kind: Kind, what: Any) -> None:
        """Sets a timer for a date."""
        self._number += 1
        heapq.heappush(self._dates, (millis, self._number, kind, what))

    def deadline(self, now: Now) -> float | None:
        """When to look next, by the monotonic clock."""
        heads = [queue[0][0] for queue in self._queues.values() if queue]
        if self._heap:
            heads.append(self._heap[0][0])
        if self._dates:
            heads.append(now.monotonic + min(max(0.0, self._dates[0][0] / 1000 - now.wall), self.glance_seconds))
        return min(heads, default=None)

    def pop(self, now: Now, most: int) -> list[tuple[Kind, Any]]:
        """The timers that have come up, at most so many; the rest comes up at the next call."""
        due: list[tuple[Kind, Any]] = []
        moment, millis = now.monotonic, now.wall * 1000
        for key, queue in list(self._queues.items()):
            while queue and queue[0][0] <= moment and len(due) < most:
                due.append((key[0], queue.popleft()[1]))
            if not queue:
                del self._queues[key]
        while self._heap and self._heap[0][0] <= moment and len(due) < most:
            due.append(heapq.heappop(self._heap)[2:])
        while self._dates and self._dates[0][0] <= millis and len(due) < most:
            due.append(heapq.heappop(self._dates)[2:])
        return due

    def __len__(self) -> int:
        return len(self._heap) + len(self._dates) + sum(len(queue) for queue in self._queues.values())
