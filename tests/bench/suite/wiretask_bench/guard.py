"""What has got slower since the results that are committed: ratios to floors, never figures of their own.

A ratio may be worse by the tolerance of its benchmark, and by twice what it varies within a run, but never by more than
twice the tolerance. What looks slower is measured again: it is slower only if it is each time.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from wiretask_bench.benchmarks import BENCHMARKS, Benchmark
from wiretask_bench.figures import Results, Row
from wiretask_bench.words import times

#: Measured again so often before it is said.
AGAIN = 2


@dataclass(frozen=True, slots=True)
class Change:
    """A row whose ratio is another one than it was."""

    row: Row
    former: Row
    #: By which share it is worse; negative where it is better.
    worse: float
    allowed: float

    @property
    def slower(self) -> bool:
        return self.worse > self.allowed

    @property
    def faster(self) -> bool:
        return -self.worse > self.allowed

    def __str__(self) -> str:
        now, then = self.row.ratio, self.former.ratio
        assert now is not None
        assert then is not None
        word = "worse" if self.worse > 0 else "better"
        return (
            f"{self.row.name}: {times(now)} {self.row.floor}, was {times(then)}:"
            f" {abs(self.worse):.0%} {word} ({self.allowed:.0%} is allowed)"
        )


def compare(row: Row, former: Row, tolerance: float) -> Change | None:
    """How a row has changed; nothing where one of them has no ratio, or they are measured in different ways."""
    now, then = row.ratio, former.ratio
    if not now or not then or _way(row) != _way(former):
        return None
    worse = then / now - 1 if row.better == "more" else now / then - 1
    varies = max(_varies(row.ratios), _varies(former.ratios))
    return Change(row, former, worse, min(tolerance + 2 * varies, 2 * tolerance))


def _way(row: Row) -> tuple[str, str]:
    return row.what, row.floor


def _varies(ratios: list[float]) -> float:
    middle = statistics.median(ratios)
    return statistics.median(abs(ratio - middle) for ratio in ratios) / middle


def changes(rows: list[Row], committed: Results) -> list[Change]:
    """Of all rows that can be compared."""
    found = []
    for row in rows:
        former = committed.row(row.name)
        if former is not None and row.benchmark in BENCHMARKS:
            change = compare(row, former, BENCHMARKS[row.benchmark].tolerance)
            if change is not None:
                found.append(change)
    return found


def slower(results: Results, committed: Results, measure: Callable[[Benchmark], list[Row]]) -> list[Change]:
    """What is slower in this run and in each repetition of it; the rows that acquit take the place of those that accused."""
    suspects = [change for change in changes(results.rows, committed) if change.slower]
    for _ in range(AGAIN):
        for name in {change.row.benchmark: None for change in suspects}:
            _replace(results, measure(BENCHMARKS[name]))
        names = {change.row.name for change in suspects}
        suspects = [change for change in changes(results.rows, committed) if change.slower and change.row.name in names]
    return suspects


def lost(results: Results, committed: Results) -> list[str]:
    """Rows that were measured once and now cannot be."""
    measured = {row.benchmark for row in results.rows}
    return [
        row.name
        for row in committed.rows
        if row.ratios and row.benchmark in measured and not ((now := results.row(row.name)) and now.ratios)
    ]


def otherwise(results: Results, committed: Results) -> list[Row]:
    """Committed rows that this run has measured in another way: so many tasks, say."""
    return [
        former
        for former in committed.rows
        if (row := results.row(former.name)) is not None and _way(row) != _way(former)
    ]


def blessed(results: Results, committed: Results | None) -> Results:
    """What is to be committed: the new rows, and the former ones of benchmarks that were not run."""
    measured = {row.benchmark for row in results.rows}
    former = [] if committed is None else [row for row in committed.rows if row.benchmark not in measured]
    order = list(BENCHMARKS)
    results.rows = sorted([*results.rows, *former], key=lambda row: order.index(row.benchmark))
    if committed is not None and not results.peers:
        results.peers, results.missing = committed.peers, committed.missing
    return results


def _replace(results: Results, rows: list[Row]) -> None:
    new = {row.name: row for row in rows if not row.error}
    results.rows = [new.get(row.name, row) for row in results.rows]
