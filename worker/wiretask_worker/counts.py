"""What has happened to attempts since the start, in plain numbers; where somebody looks, `metrics` says them.

The event loop counts, a batch at a time; other threads take copies, which the interpreter makes in one go.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from wiretask_worker.core.assignment import Assignment, Ended

#: Seconds: from what takes no time to what takes an hour, in steps that tell a slow task from a usual one.
BOUNDS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0, 300.0, 1800.0, 3600.0)
#: Lateness of an event loop: a slice of inline tasks is 20 ms.
LAG_BOUNDS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0)


class Histogram:
    """How many seconds things took."""

    def __init__(self, bounds: Sequence[float] = BOUNDS) -> None:
        self.bounds = bounds
        #: Of each bound those up to it that are above the one before; the last is what is above all.
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, seconds: float, times: int = 1) -> None:
        """It took so long, so many times."""
        self.counts[bisect_left(self.bounds, seconds)] += times
        self.sum += seconds * times


class Counts:
    """Attempts by how they ended and how long they ran, and connections."""

    def __init__(self) -> None:
        #: By type and outcome.
        self.ended: Counter[tuple[str, int]] = Counter()
        #: By type.
        self.seconds: dict[str, Histogram] = {}
        self.connections = 0
        self._began: dict[Assignment, float] = {}

    def begin(self, assignments: Sequence[Assignment], now: float) -> None:
        """Attempts begin."""
        self._began.update(dict.fromkeys(assignments, now))

    def end(self, ended: Sequence[Ended], now: float) -> None:
        """Attempts have ended."""
        for assignment, finished in ended:
            kind = assignment.envelope.type
            self.ended[kind, finished.outcome] += 1
            self._histogram(kind).add(now - self._began.pop(assignment, now))

    def end_together(self, ended: Sequence[Ended], seconds: float) -> None:
        """Attempts ran one after the other, in so much time; each counts as the mean of them."""
        batch = Counter([(assignment.envelope.type, finished.outcome) for assignment, finished in ended])
        for (kind, outcome), times in batch.items():
            self.ended[kind, outcome] += times
            self._histogram(kind).add(seconds / len(ended), times)

    def _histogram(self, kind: str) -> Histogram:
        found = self.seconds.get(kind)
        if found is None:
            found = self.seconds[kind] = Histogram()
        return found
