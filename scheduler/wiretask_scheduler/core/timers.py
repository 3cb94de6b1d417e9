"""What is to happen later. Durations that recur have a deque each, in which time orders by itself; the rest is agendas.

Durations go by the monotonic clock, dates by the wall clock: a wall clock that is put forward or back moves what was
asked for a date, and nothing else. A timer is never taken back: when it comes up, whoever set it looks whether it still
matters. But most tasks end long before their time is over, and millions of their timers would be kept for hours; so
with each new one some others are looked at, and what does not matter any more is dropped.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

from wiretask_scheduler.core.turn import Now

Kind = Literal[
    "due", "expire", "record", "limit", "resume", "grace", "open", "unique", "settle", "recur", "group", "ask"
]

#: When, its number, and what is to happen.
_Entry = tuple[float, int, Kind, Any]

#: A wall clock that is put forward is noticed within this time.
_GLANCE_SECONDS = 5.0
#: Entries that are looked at for each new one: what does not matter is never much more than what does.
_LOOKED_AT = 2
#: Empty seconds that cost nothing that is worth a sweep.
_SECONDS = 64


class _Bucket:
    """What is to happen in one second, in no order."""

    __slots__ = ("entries", "first")

    def __init__(self, first: float) -> None:
        self.entries: list[_Entry] = []
        #: When the first one comes up, or would have.
        self.first = first


class _Agenda:
    """Points in time of one clock, in buckets of a second each; what this second brings lies in a heap."""

    __slots__ = ("_at", "_buckets", "_heap", "_looked_at", "_near", "_number", "_round", "_second", "_seconds")

    def __init__(self, second: int) -> None:
        """`second` is how long a second is by the clock."""
        self._second = second
        self._number = 0
        self._heap: list[_Entry] = []
        #: The last second of which everything is in the heap.
        self._near = -1
        self._buckets: dict[int, _Bucket] = {}
        #: The seconds that have a bucket, and some that had one.
        self._seconds: list[int] = []
        #: Where the look at all entries is: seconds that are left of its round, the bucket and the place in it.
        self._round: list[int] = []
        self._looked_at = _Bucket(0.0)
        self._at = 0

    def add(self, when: float, kind: Kind, what: Any, matters: Callable[[Kind, Any], bool]) -> None:
        """Something is to happen."""
        self._number += 1
        entry: _Entry = (when, self._number, kind, what)
        second = int(when // self._second)
        if second <= self._near:
            heapq.heappush(self._heap, entry)
            return
        bucket = self._buckets.get(second)
        if bucket is None:
            bucket = self._buckets[second] = _Bucket(when)
            heapq.heappush(self._seconds, second)
        elif when < bucket.first:
            bucket.first = when
        bucket.entries.append(entry)
        for _ in range(_LOOKED_AT):
            self._look(matters)

    def first(self) -> float | None:
        """When something comes up next."""
        if self._heap:
            return self._heap[0][0]
        while self._seconds and self._seconds[0] not in self._buckets:
            heapq.heappop(self._seconds)
        return self._buckets[self._seconds[0]].first if self._seconds else None

    def take(self, moment: float, most: int, due: list[tuple[Kind, Any]]) -> None:
        """Adds what has come up to a list that is to have so many items at most."""
        now = int(moment // self._second)
        while self._seconds and self._seconds[0] <= now:
            bucket = self._buckets.pop(heapq.heappop(self._seconds), None)
            if bucket is not None:
                self._heap += bucket.entries
                heapq.heapify(self._heap)
        self._near = max(self._near, now)
        while self._heap and self._heap[0][0] <= moment and len(due) < most:
            due.append(heapq.heappop(self._heap)[2:])

    def _look(self, matters: Callable[[Kind, Any], bool]) -> None:
        """Looks at one entry, and drops it if it does not matter any more."""
        entries = self._looked_at.entries
        if self._at < len(entries):
            if matters(*entries[self._at][2:]):
                self._at += 1
            else:
                entries[self._at] = entries[-1]
                entries.pop()
            return
        if not self._round:
            for second in [second for second, bucket in self._buckets.items() if not bucket.entries]:
                del self._buckets[second]
            self._round = list(self._buckets)
            if len(self._seconds) > 2 * len(self._round) + _SECONDS:
                self._seconds = sorted(self._round)
        bucket = self._buckets.get(self._round.pop()) if self._round else None
        self._looked_at, self._at = bucket or _Bucket(0.0), 0

    def __len__(self) -> int:
        return len(self._heap) + sum(len(bucket.entries) for bucket in self._buckets.values())


class Timers:
    """Timers, in seconds of the monotonic clock, and dates, in milliseconds of the wall clock."""

    def __init__(self) -> None:
        self._queues: dict[tuple[Kind, float], deque[tuple[float, Any]]] = {}
        self._points = _Agenda(1)
        self._dates = _Agenda(1000)
        #: Whether a timer still matters; what may matter later does.
        self.matters: Callable[[Kind, Any], bool] = lambda kind, what: True
        #: How often a wall clock is looked at that may have been put forward; nobody does that in a test.
        self.glance_seconds = _GLANCE_SECONDS

    def after(self, now: float, seconds: float, kind: Kind, what: Any) -> None:
        """Sets a timer with a short duration that many others have too."""
        queue = self._queues.get((kind, seconds))
        if queue is None:
            queue = self._queues[kind, seconds] = deque()
        queue.append((now + seconds, what))

    def at(self, when: float, kind: Kind, what: Any) -> None:
        """Sets a timer for a point in time of the monotonic clock."""
        self._points.add(when, kind, what, self.matters)

    def on(self, millis: int, kind: Kind, what: Any) -> None:
        """Sets a timer for a date."""
        self._dates.add(millis, kind, what, self.matters)

    def deadline(self, now: Now) -> float | None:
        """When to look next, by the monotonic clock."""
        heads = [queue[0][0] for queue in self._queues.values() if queue]
        point, date = self._points.first(), self._dates.first()
        if point is not None:
            heads.append(point)
        if date is not None:
            heads.append(now.monotonic + min(max(0.0, date / 1000 - now.wall), self.glance_seconds))
        return min(heads, default=None)

    def pop(self, now: Now, most: int) -> list[tuple[Kind, Any]]:
        """The timers that have come up, at most so many; the rest comes up at the next call."""
        due: list[tuple[Kind, Any]] = []
        for key, queue in list(self._queues.items()):
            while queue and queue[0][0] <= now.monotonic and len(due) < most:
                due.append((key[0], queue.popleft()[1]))
            if not queue:
                del self._queues[key]
        self._points.take(now.monotonic, most, due)
        self._dates.take(now.wall * 1000, most, due)
        return due

    def __len__(self) -> int:
        return len(self._points) + len(self._dates) + sum(len(queue) for queue in self._queues.values())
