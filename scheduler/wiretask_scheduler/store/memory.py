"""The store that forgets: for tests, and for those who want speed and can lose everything with the process.

Written on one thread and read from another, so each call holds the lock.
"""

from __future__ import annotations

import heapq
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice

from msgspec.structs import replace

from wiretask_scheduler.core.facts import Fact, FactKey
from wiretask_scheduler.core.records import StoredTask
from wiretask_scheduler.core.turn import Changes, Ended, Inserted, Revived, Updated
from wiretask_scheduler.store.window import EVERYTHING, LIVE_STATES, Committed, Loaded, Page, Search

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
        self._facts: dict[FactKey, Fact] = {}
        self._forget: list[tuple[int, int]] = []
        #: Ids of those that have ended, by seq; and those whose reports are kept, in the order in which they ended.
        self._ids: dict[int, bytes] = {}
        self._kept: deque[int] = deque()
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
        for revived in change.revived:
            self._revive(revived)
        for seq in change.purged:
            self._drop(seq)
        for updated in change.updated:
            if updated.seq in self._live:
                self._live[updated.seq] = (self._live[updated.seq][0], updated)
        self._end(row for row in change.ended if row.seq >= first)
        self._write_facts(change)
        return conflicts

    def _write_facts(self, change: Changes) -> None:
        for key, fact in change.facts.items():
            if fact is None:
                self._facts.pop(key, None)
            else:
                self._facts[key] = fact
        for kind, prefix, forget in change.ranges:
            for key in [key for key in self._facts if key[0] == kind and key[1].startswith(prefix)]:
                if forget:
                    self._facts[key] = self._facts[key]._replace(forget=forget)
                else:
                    del self._facts[key]

    def _revive(self, revived: Revived) -> None:
        row = self._drop(revived.dead)
        if row is not None:
            self._live[revived.seq] = (row._replace(seq=revived.seq), None)

    def _drop(self, seq: int) -> Inserted | None:
        """Forgets a task that has ended."""
        task_id = self._ids.pop(seq, None)
        if task_id is None:
            return None
        inserted, ended = self._ended.pop(task_id)
        self._kept_octets -= _octets(inserted, ended)
        return inserted

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
            inserted = live[0] if row.keep else _without_envelope(live[0])
            seq, task_id, octets = row.seq, inserted.id, _octets(inserted, row)
            self._ended[task_id] = (inserted, row)
            self._ids[seq] = task_id
            heapq.heappush(self._forget, (row.forget, seq))
            if octets:
                self._kept.append(seq)
                self._kept_octets += octets

    def maintain(self, millis: int) -> bool:
        """Forgets ended tasks whose time is over, and the oldest reports when there are too many."""
        with self._lock:
            return self._forget_slice(millis)

    def _forget_slice(self, millis: int) -> bool:
        for _ in range(_SLICE_ROWS):
            if not self._forget or self._forget[0][0] > millis:
                break
            self._drop(heapq.heappop(self._forget)[1])
        while self._kept_octets > self._budget and self._kept:
            task_id = self._ids.get(self._kept.popleft(), b"")
            if task_id:
                inserted, row = self._ended[task_id]
                self._ended[task_id] = (inserted._replace(envelope=b""), row._replace(report=None))
                self._kept_octets -= _octets(inserted, row)
        while self._kept and self._kept[0] not in self._ids:
            self._kept.popleft()
        for key in [key for key, fact in self._facts.items() if fact.forget is not None and fact.forget <= millis]:
            del self._facts[key]
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

    def list_tasks(self, *, before: int | None, state: int | None, most: int, search: Search = EVERYTHING) -> Page:
        """Tasks, newest first."""
        # Copied, so that commits do not wait for whoever looks through it.
        with self._lock:
            live = list(self._live.items()) if state is None or state in LIVE_STATES else []
            ended = list(self._ended.values()) if state is None or state not in LIVE_STATES else []
        names = search.names
        newest = (
            row
            for seq, row in reversed(live)
            if (before is None or seq < before) and names(row[0].options.type, row[0].options.queue)
        )
        found = [_live(*row) for row in islice(newest, most + 1)]
        rows = (
            row
            for row in ended
            if (before is None or row[1].seq < before)
            and (state is None or row[1].state == state)
            and names(row[0].options.type, row[0].options.queue)
            and (search.until is None or row[1].ended <= search.until)
        )
        largest = heapq.nlargest(most + 1, rows, key=lambda row: row[1].seq)
        found += [replace(_ended(*row), report=None) for row in largest]
        found.sort(key=lambda task: -task.seq)
        return Page(tasks=found[:most], next=found[most - 1].seq if len(found) > most else None)

    def envelope(self, seq: int) -> bytes | None:
        """What a task was submitted with."""
        with self._lock:
            if seq in self._live:
                return self._live[seq][0].envelope
            task_id = self._ids.get(seq)
            return (self._ended[task_id][0].envelope or None) if task_id is not None else None

    def facts(self, kind: int, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """Facts of a kind whose keys begin so."""
        with self._lock:
            found = [(key, fact.value) for (of, key), fact in self._facts.items() if of == kind]
        return sorted((key, value) for key, value in found if key.startswith(prefix))

    def close(self) -> None:
        """Nothing to let go of."""


def _without_envelope(row: Inserted) -> Inserted:
    # `_replace` takes five times as long.
    return tuple.__new__(Inserted, (*row[:8], b"", None))


def _octets(inserted: Inserted, ended: Ended) -> int:
    """What of a task that has ended counts for the budget."""
    return len(ended.report or b"") + (len(inserted.envelope) if ended.keep else 0)


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
        history=updated.history if updated else (),
        links=row.links,
    )


def _ended(row: Inserted, ended: Ended) -> StoredTask:
    return StoredTask(
        seq=row.seq,
        id=row.id,
        options=row.options,
        state=ended.state,
        submitted=row.submitted,
        history=ended.history,
        size=len(row.envelope),
        links=row.links,
        attempt=ended.attempt,
        outcome=ended.outcome,
        report=ended.report,
        ended=ended.ended,
    )
