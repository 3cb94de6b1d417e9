"""Makes turns durable, in order, many at a time: group commit on a thread of its own.

Whatever has been put while a commit ran is the next commit. A commit never fails: on a full or a busy disk the same
group is tried again, and nothing of it is released until it is written. Any other error ends the process, because a
retry after a failed sync may lie.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from wiretask_scheduler.core import Turn
from wiretask_scheduler.store import Store, StoreBusyError, StoreFullError

log = logging.getLogger(__name__)

#: Rows of one transaction: more saves nothing and makes the first ones wait (measured from 500 to 8 000).
GROUP_ROWS = 2000
#: How long to wait before a commit that found no space, or no lock, is tried again.
RETRY_SECONDS = 0.2
#: Housekeeping is done between commits, at most this often.
MAINTAIN_SECONDS = 0.5


@dataclass(slots=True)
class Figures:
    """What the committer has done, for the metrics."""

    commits: int = 0
    rows: int = 0
    seconds: float = 0.0
    retries: int = 0


@dataclass(slots=True)
class Group:
    """Turns that have become durable together, and what the commit found."""

    turns: list[Turn]
    conflicts: Sequence[bytes] = field(default=())


class Committer:
    """The thread that writes. `released` and `failed` and `full` are called on it: they hand over to the loop."""

    def __init__(
        self,
        store: Store,
        epoch: int,
        *,
        released: Callable[[Group], None],
        failed: Callable[[Exception], None],
        full: Callable[[bool], None],
    ) -> None:
        self._store = store
        self._epoch = epoch
        self._released = released
        self._failed = failed
        self._full = full
        self._turns: list[Turn] = []
        self._wake = threading.Condition()
        self._stopping = False
        self._stopped = threading.Event()
        self._maintained = 0.0
        self.figures = Figures()
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)

    def start(self) -> None:
        """Begins to write."""
        self._thread.start()

    def put(self, turn: Turn) -> None:
        """Takes a turn; it is released after all that were put before it."""
        with self._wake:
            self._turns.append(turn)
            self._wake.notify()

    @property
    def waiting(self) -> int:
        """Turns that have been put and not begun."""
        return len(self._turns)

    def stop(self) -> None:
        """Writes what has been put, then ends. Returns when all is written."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def abandon(self) -> None:
        """Ends without writing what could not be written; for a second signal."""
        self._stopped.set()
        self.stop()

    def _run(self) -> None:
        try:
            while (group := self._next()) is not None:
                if group and not self._write(group):
                    return
                self._maintain()
        except Exception as error:
            self._failed(error)

    def _next(self) -> list[Turn] | None:
        """The turns of the next commit; none if it is time for housekeeping, None at the end."""
        with self._wake:
            if not self._turns and not self._stopping:
                self._wake.wait(MAINTAIN_SECONDS)
            if not self._turns:
                return None if self._stopping else []
            rows = 0
            taken = 0
            for turn in self._turns:
                taken += 1
                rows += turn.changes.rows()
                if rows >= GROUP_ROWS:
                    break
            group, self._turns = self._turns[:taken], self._turns[taken:]
            return group

    def _write(self, turns: list[Turn]) -> bool:
        """Writes a group, however often that has to be tried; False if it was abandoned."""
        changes = [turn.changes for turn in turns if turn.changes]
        group = Group(turns)
        if changes:
            started = time.perf_counter()
            warned = False
            while True:
                try:
                    group.conflicts = self._store.commit(self._epoch, changes).conflicts
                    break
                except (StoreFullError, StoreBusyError) as error:
                    warned = self._wait(error, warned=warned)
                    if self._stopped.is_set():
                        return False
            if warned:
                self._full(False)
                log.info("the store takes tasks again")
            self.figures.commits += 1
            self.figures.rows += sum(change.rows() for change in changes)
            self.figures.seconds += time.perf_counter() - started
        self._released(group)
        return True

    def _wait(self, error: Exception, *, warned: bool) -> bool:
        self.figures.retries += 1
        if not warned:
            self._full(True)
            log.error("%s; new tasks are refused until that has changed, nothing accepted is lost", error)
        make_room = getattr(self._store, "make_room", None)
        if isinstance(error, StoreFullError) and make_room is not None and make_room():
            return True
        self._stopped.wait(RETRY_SECONDS)
        return True

    def _maintain(self) -> None:
        now = time.monotonic()
        if now - self._maintained < MAINTAIN_SECONDS:
            return
        self._maintained = now
        try:
            self._store.maintain(int(time.time() * 1000))
        except (StoreFullError, StoreBusyError) as error:
            log.debug("housekeeping is put off: %s", error)


class InlineCommitter:
    """The same for a store that is only memory: a commit is done before `put` returns."""

    def __init__(self, store: Store, epoch: int, *, released: Callable[[Group], None]) -> None:
        self._store = store
        self._epoch = epoch
        self._released = released
        self._maintained = 0.0
        self.figures = Figures()
        self.waiting = 0

    def start(self) -> None:
        """Nothing to start."""

    def put(self, turn: Turn) -> None:
        """Commits and releases a turn."""
        committed = self._store.commit(self._epoch, [turn.changes])
        if turn.changes:
            self.figures.commits += 1
            self.figures.rows += turn.changes.rows()
        self._released(Group([turn], committed.conflicts))
        now = time.monotonic()
        if now - self._maintained >= MAINTAIN_SECONDS:
            self._maintained = now
            self._store.maintain(int(time.time() * 1000))

    def stop(self) -> None:
        """Nothing to wait for."""

    def abandon(self) -> None:
        """Nothing to abandon."""
