"""What is to happen later. Durations that recur have a deque each, in which time orders by itself; the rest is a heap.

A timer is never taken back: when it comes up, whoever set it looks whether it still matters.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import Any, Literal

Kind = Literal["due", "expire", "record", "limit", "resume", "grace"]


class Timers:
    """Timers by the monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._queues: dict[tuple[Kind, float], deque[tuple[float, Any]]] = {}
        self._heap: list[tuple[float, int, Kind, Any]] = []
        self._number = 0

    def after(self, now: float, seconds: float, kind: Kind, what: Any) -> None:
        """Sets a timer with a duration that many others have too."""
        queue = self._queues.get((kind, seconds))
        if queue is None:
            queue = self._queues[kind, seconds] = deque()
        queue.append((now + seconds, what))

    def at(self, when: float, kind: Kind, what: Any) -> None:
        """Sets a timer for a point in time."""
        self._number += 1
        heapq.heappush(self._heap, (when, self._number, kind, what))

    def deadline(self) -> float | None:
        """When the next timer comes up."""
        heads = [queue[0][0] for queue in self._queues.values() if queue]
        if self._heap:
            heads.append(self._heap[0][0])
        return min(heads, default=None)

    def pop(self, now: float, most: int) -> list[tuple[Kind, Any]]:
        """The timers that have come up, at most so many; the rest comes up at the next call."""
        due: list[tuple[Kind, Any]] = []
        for key, queue in list(self._queues.items()):
            while queue and queue[0][0] <= now and len(due) < most:
                due.append((key[0], queue.popleft()[1]))
            if not queue:
                del self._queues[key]
        while self._heap and self._heap[0][0] <= now and len(due) < most:
            _, _, kind, what = heapq.heappop(self._heap)
            due.append((kind, what))
        return due

    def __len__(self) -> int:
        return len(self._heap) + sum(len(queue) for queue in self._queues.values())
