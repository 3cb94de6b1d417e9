"""How it goes, second by second: a few numbers of each of the last ten minutes, for whoever looks or watches.

It reads what is counted anyway; a second costs some ten microseconds.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from wiretask_scheduler.core.histogram import SECONDS, Histogram
from wiretask_scheduler.http.shapes import Sample

if TYPE_CHECKING:
    from wiretask_scheduler.core.turn import Notice
    from wiretask_scheduler.flow import Flow

#: Seconds that are remembered.
REMEMBERED = 600
#: How often the loop is asked whether it is late; ten times make a sample.
_BEAT_SECONDS, _BEATS = 0.1, 10
#: Notices of one second that watchers are told; more nobody reads.
_NOTICES = 50
_NOTHING = [0] * (len(SECONDS) + 1)


class Second(NamedTuple):
    """What watchers are told: the sample of a second, and what has happened to tasks in it."""

    sample: Sample
    notices: Sequence[Notice]


class Monitor:
    """Watches one scheduler. `run` is a task of its own."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self.started_ms = int(time.time() * 1000)
        self.history: deque[Sample] = deque(maxlen=REMEMBERED)
        #: How late the loop was.
        self.lag = Histogram()
        self._watchers: set[asyncio.Queue[Second | None]] = set()
        self._notices: list[Notice] = []
        self._counts = dict(flow.broker.state.counts)
        self._waits = self._totals = _NOTHING
        self._at = time.monotonic()
        self._latest = 0.0

    async def run(self) -> None:
        """Takes a sample each second, until it is cancelled."""
        while True:
            for _ in range(_BEATS):
                began = time.monotonic()
                await asyncio.sleep(_BEAT_SECONDS)
                late = max(0.0, time.monotonic() - began - _BEAT_SECONDS)
                self.lag.add(late)
                self._latest = max(self._latest, late)
            self.take()

    def take(self) -> Sample:
        """Takes a sample now, and tells those who watch."""
        state = self._flow.broker.state
        now = time.monotonic()
        seconds, self._at = max(now - self._at, 0.001), now
        counts, former = dict(state.counts), self._counts
        self._counts = counts

        def rate(*names: str) -> float:
            return round(sum(counts[name] - former[name] for name in names) / seconds, 1)

        wait, waits, total, totals = *self._sums("wait"), *self._sums("total")
        sample = Sample(
            at_ms=self.now_ms(),
            submitted=rate("submitted"),
            started=rate("dispatched"),
            succeeded=rate("succeeded"),
            failed=rate("dead", "retried"),
            live=state.tasks.count,
            leased=sum(len(worker.leases) for worker in state.sessions.values()),
            workers=len(state.workers),
            wait_p50_ms=_millis(wait.quantile(0.5, self._waits)),
            wait_p99_ms=_millis(wait.quantile(0.99, self._waits)),
            total_p50_ms=_millis(total.quantile(0.5, self._totals)),
            total_p99_ms=_millis(total.quantile(0.99, self._totals)),
            lag_ms=round(self._latest * 1000, 2),
        )
        self._waits, self._totals, self._latest = waits, totals, 0.0
        self.history.append(sample)
        notices, self._notices = self._notices, []
        for watcher in tuple(self._watchers):
            self._tell(watcher, Second(sample, notices))
        return sample

    def _sums(self, name: str) -> tuple[Histogram, list[int]]:
        """The figures of all queues together, and a copy of their counts."""
        together = Histogram()
        for latencies in self._flow.broker.state.stopwatch.queues.values():
            for place, count in enumerate(getattr(latencies, name).counts):
                together.counts[place] += count
        return together, list(together.counts)

    def now_ms(self) -> int:
        """The moment by the wall clock."""
        return int(time.time() * 1000)

    # -- those who watch --

    def watch(self) -> asyncio.Queue[Second | None]:
        """Tells somebody each second from now on; None is the end. After this you must `leave`."""
        watcher: asyncio.Queue[Second | None] = asyncio.Queue(_BEHIND)
        if not self._watchers:
            self._enough = self._flow.watch(self._take_notices)
        self._watchers.add(watcher)
        return watcher

    def leave(self, watcher: asyncio.Queue[Second | None]) -> None:
        """Somebody has seen enough."""
        self._watchers.discard(watcher)
        if not self._watchers:
            self._enough()
            self._notices = []

    @property
    def watchers(self) -> int:
        """How many watch."""
        return len(self._watchers)

    def close(self) -> None:
        """Tells all who watch that it is over."""
        for watcher in tuple(self._watchers):
            self._tell(watcher, None)

    def _take_notices(self, notices: Sequence[Notice]) -> None:
        self._notices += islice(notices, max(0, _NOTICES - len(self._notices)))

    def _tell(self, watcher: asyncio.Queue[Second | None], what: Second | None) -> None:
        # Who does not follow is told that it is over, and may come again.
        while watcher.full():
            watcher.get_nowait()
            what = None
        watcher.put_nowait(what)


#: Seconds that somebody who watches may be behind.
_BEHIND = 10


def _millis(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)
