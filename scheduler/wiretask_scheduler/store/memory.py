"""The store that forgets: for tests, and for those who want speed and can lose everything with the process.

Written on one thread and read from another, so each call holds the lock.
"""

from __future__ import annotations

import heapq
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice

from wiretask_scheduler.core.records import StoredTask
from wiretask_scheduler.core.turn import Changes, Ended, Inserted, Updated
from wiretask_scheduler.store.window import LIVE_STATES, Committed, Loaded, Page

#: Ended tasks that one call of `maintain` forgets.
_SLICE_ROWS = 2000
#: Octets of reports that are kept, unless the configuration says otherwise.
RETENTION_OCTETS = 1 << 30


class MemoryStore:
    """Rows in dicts, as the core has written them."""

    durable = False

    def __init__(self, retention_octets: int = RETENTION_OCTETS) -> None:
        self._live: dict[int, tuple[Inserted, Updated | None]] = {}
        self._ended: dict[bytes, tuple[Inserted, Ended]] = {}
        self._forget: list[tuple[int, bytes]] = []
        #: Ids whose reports are kept, in the order in which they ended.
        self._kept: deque[bytes] = deque()
        self._kept_octets = 0
        self._budget = retention_octets
        self._lock = threading.Lock()

    def claim(self, shard: str) -> int:
        """Nobody else can have this memory."""
        return 1

    def load(self, shard: str) -> Loaded:
        """Memory is empty at the start."""
        return Loaded(tasks=iter(()), sessions=(), lease_ceiling=1, last_seq=0)

    # -- writing --

    def commit(self, epoch: int, changes: Sequence[Changes]) -> Committed:
        """Takes the rows in."""
        with self._lock:
            return Committed(conflicts=[task_id for change in changes for task_id in self._write(change)])

    def _write(self, change: Changes) -> list[bytes]:
        # An id that comes again in this turn meets the task that ended in it.
        first = change.inserted[0].seq if change.inserted else 0
        self._end(row for row in change.ended if row.seq < first)
        conflicts = self._insert(change.inserted)
        for updated in change.updated:
            if updated.seq in self._live:
                self._live[updated.seq] = (self._live[updated.seq][0], updated)
        self._end(row for row in change.ended if row.seq >= first)
        return conflicts

    def _insert(self, inserted: Sequence[Inserted]) -> list[bytes]:
        conflicts: list[bytes] = []
        new: set[bytes] = set()
        for row in inserted:
            if row.id in self._ended or row.id in new:
                conflicts.append(row.id)
            else:
                new.add(row.id)
                self._live[row.seq] = (row, None)
        return conflicts

    def _end(self, ended: Iterable[Ended]) -> None:
        for row in ended:
            live = self._live.pop(row.seq, None)
            if live is None:
                continue
            task_id = live[0].id
            self._ended[task_id] = (live[0]._replace(envelope=b""), row)
            heapq.heappush(self._forget, (row.forget, task_id))
            if row.report is not None:
                self._kept.append(task_id)
                self._kept_octets += len(row.report)

    def maintain(self, millis: int) -> bool:
        """Forgets ended tasks whose time is over, and the oldest reports when there are too many."""
        with self._lock:
            return self._forget_slice(millis)

    def _forget_slice(self, millis: int) -> bool:
        for _ in range(_SLICE_ROWS):
            if not self._forget or self._forget[0][0] > millis:
                break
            _, row = self._ended.pop(heapq.heappop(self._forget)[1])
            self._kept_octets -= len(row.report or b"")
        while self._kept_octets > self._budget and self._kept:
            task_id = self._kept.popleft()
            if task_id in self._ended:
                inserted, row = self._ended[task_id]
                self._ended[task_id] = (inserted, row._replace(report=None))
                self._kept_octets -= len(row.report or b"")
        while self._kept and self._kept[0] not in self._ended:
            self._kept.popleft()
        return bool(self._forget) and self._forget[0][0] <= millis

    def make_room(self) -> bool:
        """Memory has no ballast."""
        return False

    def regain_room(self) -> bool:
        """And needs none."""
        return True

    # -- reading --

    def bodies(self, seqs: Sequence[int]) -> dict[int, bytes]:
        """The envelopes of live tasks."""
        with self._lock:
            return {seq: self._live[seq][0].envelope for seq in seqs if seq in self._live}

    def tasks(self, ids: Sequence[bytes]) -> dict[bytes, StoredTask]:
        """Tasks that have ended."""
        with self._lock:
            return {task_id: _ended(*self._ended[task_id]) for task_id in ids if task_id in self._ended}

    def list_tasks(self, *, before: int | None, state: int | None, most: int) -> Page:
        """Tasks, newest first."""
        with self._lock:
            found = self._newest(before, state, most + 1)
        return Page(tasks=found[:most], next=found[most - 1].seq if len(found) > most else None)

    def _newest(self, before: int | None, state: int | None, most: int) -> list[StoredTask]:
        found: list[StoredTask] = []
        if state is None or state in LIVE_STATES:
            newest = (row for seq, row in reversed(self._live.items()) if before is None or seq < before)
            found += [_live(*row) for row in islice(newest, most)]
        if state is None or state not in LIVE_STATES:
            rows = [row for row in self._ended.values() if before is None or row[1].seq < before]
            if state is not None:
                rows = [row for row in rows if row[1].state == state]
            found += [_ended(*row) for row in heapq.nlargest(most, rows, key=lambda row: row[1].seq)]
        return sorted(found, key=lambda task: -task.seq)

    def close(self) -> None:
        """Nothing to let go of."""


def _live(row: Inserted, updated: Updated | None) -> StoredTask:
    return StoredTask(
        seq=row.seq,
        id=row.id,
        options=row.options,
        state=updated.state if updated else row.state,
        submitted=row.submitted,
        size=len(row.envelope),
        failures=updated.attempt if updated else 0,
        crashes=updated.crashes if updated else 0,
        losses=updated.losses if updated else 0,
        due=updated.due if updated else row.due,
        expires=row.expires,
        lease=updated.lease if updated else 0,
        session=updated.session if updated else None,
        error=updated.error if updated else None,
    )


def _ended(row: Inserted, ended: Ended) -> StoredTask:
    return StoredTask(
        seq=row.seq,
        id=row.id,
        options=row.options,
        state=ended.state,
        submitted=row.submitted,
        error=ended.error,
        attempt=ended.attempt,
        outcome=ended.outcome,
        report=ended.report,
        ended=ended.ended,
    )
