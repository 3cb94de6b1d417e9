"""Counts by size: how long things take, and how large they are, in a few buckets. Adding costs a bisection."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

#: Seconds, from what an idle scheduler takes to what waits for an hour; each about two and a half times the one before.
SECONDS = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
    1800.0,
    3600.0,
)


class Histogram:
    """How many there were up to each bound, and beyond the last one."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float, count: int = 1) -> None:
        """So many of a size."""
        self.counts[bisect_left(self.bounds, value)] += count
        self.sum += value * count

    def quantile(self, share: float, before: Sequence[int] | None = None) -> float | None:
        """The size that a share of them do not exceed, about; of those since `before`, a former copy of `counts`."""
        counts = self.counts if before is None else [now - then for now, then in zip(self.counts, before, strict=True)]
        total = sum(counts)
        if not total:
            return None
        rank, passed = share * total, 0
        for place, count in enumerate(counts):
            if count and passed + count >= rank:
                low = self.bounds[place - 1] if place else 0.0
                high = self.bounds[min(place, len(self.bounds) - 1)]
                return low + (high - low) * (rank - passed) / count
            passed += count
        return self.bounds[-1]
