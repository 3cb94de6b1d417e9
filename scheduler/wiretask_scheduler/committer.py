"""Makes turns durable, in order, many at a time: group commit on a thread of its own.

Whatever has been put while a commit ran is the next commit. A commit never fails: on a full or a busy disk the same
turns are tried again unchanged, in smaller groups where space is short, and nothing is released until it is written.
Any other error ends the process, because a retry after a failed sync may lie.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from wiretask_scheduler.core import Turn
from wiretask_scheduler.core.histogram import Histogram
from wiretask_scheduler.core.turn import Changes
from wiretask_scheduler.store import Committed, Store, StoreBusyError, StoreFullError

log = logging.getLogger(__name__)

#: Rows and octets of one transaction: more saves nothing and makes the first ones wait.
GROUP_ROWS, GROUP_OCTETS = 2000, 16 << 20
#: How long to wait before a commit that found no space, or no lock, is tried again: at first, and at most.
RETRY_SECONDS, RETRY_MOST_SECONDS = 0.05, 1.0
#: What is on its way goes through the log into the file, on pages of which it fills a half at the least.
ROOM_SHARE = 4
#: Housekeeping is done between commits, at most this often unless there is more to do.
MAINTAIN_SECONDS = 0.5
#: Rows of a commit, for the metrics.
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


@dataclass(slots=True)
class Figures:
    """What the committer has done, for the metrics."""

    commits: int = 0
    rows: int = 0
    seconds: float = 0.0
    retries: int = 0
    #: How long commits take, of that until the disk has them, and how many rows they have.
    durations: Histogram = field(default_factory=Histogram)
    syncs: Histogram = field(default_factory=Histogram)
    sizes: Histogram = field(default_factory=lambda: Histogram(SIZES))

    def count(self, rows: int, seconds: float, sync_seconds: float) -> None:
        """A commit has been made."""
        self.commits += 1
        self.rows += rows
        self.durations.add(seconds)
        self.syncs.add(sync_seconds)
        self.sizes.add(rows)


@dataclass(slots=True)
class Group:
    """Turns that have become durable together, and what the commit found."""

    turns: list[Turn]
    conflicts: Sequence[bytes] = field(default=())
    #: Octets of new tasks that there is room for, where something was written.
    room: int | None = None


class Committer:
    """The thread that writes. `released`, `failed` and `full` are called on it: they hand over to the loop."""

    def __init__(
        self,
        store: Store,
        epoch: int,
        *,
        released: Callable[[Group], None],
        failed: Callable[[Exception], None],
        full: Callable[[bool], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._epoch = epoch
        self._released = released
        self._failed = failed
        self._full = full
        self._sleep = sleep
        self._turns: list[tuple[Turn, int]] = []
        #: Octets of bodies that are on their way.
        self._octets = 0
        self._wake = threading.Condition()
        self._stopping = False
        self._maintained = 0.0
        self._more = False
        #: Whether new tasks are refused until the disk has room again.
        self._refusing = False
        self.figures = Figures()
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)

    def start(self) -> None:
        """Begins to write."""
        self._thread.start()

    def put(self, turn: Turn, octets: int = 0) -> None:
        """Takes a turn with so many octets of bodies; it is released after all that were put before it."""
        with self._wake:
            self._turns.append((turn, octets))
            self._octets += octets
            self._wake.notify()

    def stop(self) -> None:
        """Writes what has been put, then ends. Returns when all is written, or writing has failed."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            while (turns := self._next()) is not None:
                if turns:
                    self._write(turns)
                self._maintain()
        except Exception as error:
            self._failed(error)

    def _next(self) -> list[Turn] | None:
        """The turns of the next commit; none if it is time for housekeeping, None at the end."""
        with self._wake:
            if not (self._turns or self._stopping or self._more):
                self._wake.wait(MAINTAIN_SECONDS)
            if not self._turns:
                return None if self._stopping else []
            rows = octets = taken = 0
            for turn, size in self._turns:
                taken += 1
                rows += turn.changes.rows()
                octets += size
                if rows >= GROUP_ROWS or octets >= GROUP_OCTETS:
                    break
            group, self._turns = self._turns[:taken], self._turns[taken:]
            self._octets -= octets
        return [turn for turn, _ in group]

    def _write(self, turns: list[Turn]) -> None:
        group = Group(turns)
        if any(turn.changes for turn in turns):
            started = time.perf_counter()
            committed = self._commit([turn.changes for turn in turns if turn.changes], patient=len(turns) == 1)
            seconds = time.perf_counter() - started
            self.figures.seconds += seconds
            if committed is None:
                # What finds no space as a whole may find it in parts.
                self._write(turns[: len(turns) // 2])
                self._write(turns[len(turns) // 2 :])
                return
            group.conflicts, group.room = committed.conflicts, committed.room
            # What is on its way must find room as well.
            if committed.room < ROOM_SHARE * self._octets:
                self._refuse("little space is left on the disk of the store")
            self.figures.count(sum(turn.changes.rows() for turn in turns), seconds, committed.sync_seconds)
        self._released(group)

    def _commit(self, changes: list[Changes], *, patient: bool) -> Committed | None:
        """Commits, as often as it takes; if it is not patient, None where there is no space."""
        wait = RETRY_SECONDS
        while True:
            try:
                return self._store.commit(self._epoch, changes)
            except (StoreFullError, StoreBusyError) as error:
                self.figures.retries += 1
                self._refuse(error)
                if isinstance(error, StoreFullError):
                    if self._store.make_room():
                        continue
                    if not patient:
                        return None
                self._sleep(wait)
                wait = min(wait * 2, RETRY_MOST_SECONDS)

    def _refuse(self, reason: object) -> None:
        if not self._refusing:
            self._refusing = True
            self._full(True)
            log.error("%s; new tasks are refused until that has changed, nothing accepted is lost", reason)

    def _maintain(self) -> None:
        now = time.monotonic()
        if now - self._maintained < MAINTAIN_SECONDS and not self._more:
            return
        self._maintained = now
        try:
            self._more = self._store.maintain(int(time.time() * 1000))
        except (StoreFullError, StoreBusyError) as error:
            self._more = False
            log.debug("housekeeping is put off: %s", error)
        # Only when the space is there again that is kept there is room for more than the end of what is here.
        if self._refusing and self._store.regain_room():
            self._refusing = False
            self._full(False)


class InlineCommitter:
    """The same for a store that is only memory: a commit is done before `put` returns."""

    def __init__(self, store: Store, epoch: int, *, released: Callable[[Group], None]) -> None:
        self._store = store
        self._epoch = epoch
        self._released = released
        self._maintained = 0.0
        self.figures = Figures()

    def start(self) -> None:
        """Nothing to start."""

    def put(self, turn: Turn, octets: int = 0) -> None:
        """Commits and releases a turn."""
        started = time.perf_counter()
        committed = self._store.commit(self._epoch, [turn.changes])
        if turn.changes:
            seconds = time.perf_counter() - started
            self.figures.seconds += seconds
            self.figures.count(turn.changes.rows(), seconds, committed.sync_seconds)
        self._released(Group([turn], committed.conflicts))
        now = time.monotonic()
        if now - self._maintained >= MAINTAIN_SECONDS and not self._store.maintain(int(time.time() * 1000)):
            self._maintained = now

    def stop(self) -> None:
        """Nothing to wait for."""
