"""The store that forgets: for tests, and for those who want speed and can lose everything with the process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wiretask_scheduler.core.records import StoredTask
from wiretask_scheduler.core.turn import Changes, Ended, Inserted, Updated
from wiretask_scheduler.store.window import Committed, Loaded, Page

#: Ended tasks that one call of `maintain` looks at.
_FORGET_SLICE = 1000


class MemoryStore:
    """Rows in a dict."""

    durable = False

    def __init__(self) -> None:
        self._rows: dict[int, StoredTask] = {}
        self._seqs: dict[bytes, int] = {}
        self._bodies: dict[int, bytes] = {}
        #: In the order in which they ended: (forget, seq).
        self._ended: dict[int, int] = {}

    def claim(self, shard: str) -> int:
        """Nobody else can have this memory."""
        return 1

    def load(self, shard: str) -> Loaded:
        """Memory is empty at the start."""
        return Loaded(tasks=(), sessions=(), lease_ceiling=1, last_seq=0)

    def commit(self, epoch: int, changes: Sequence[Changes]) -> Committed:
        """Takes the rows in."""
        conflicts: list[bytes] = []
        for change in changes:
            for inserted in change.inserted:
                self._insert(inserted, conflicts)
            for updated in change.updated:
                self._update(updated)
            for ended in change.ended:
                self._end(ended)
        return Committed(conflicts=conflicts)

    def _insert(self, row: Inserted, conflicts: list[bytes]) -> None:
        if row.id in self._seqs:
            conflicts.append(row.id)
            return
        self._seqs[row.id] = row.seq
        self._bodies[row.seq] = row.envelope
        self._rows[row.seq] = StoredTask(
            seq=row.seq,
            id=row.id,
            options=row.options,
            state=row.state,
            submitted=row.submitted,
            size=len(row.envelope),
            due=row.due,
            expires=row.expires,
        )

    def _update(self, row: Updated) -> None:
        stored = self._rows.get(row.seq)
        if stored is not None:
            self._rows[row.seq] = replace(
                stored,
                state=row.state,
                failures=row.attempt,
                crashes=row.crashes,
                losses=row.losses,
                due=row.due,
                lease=row.lease,
                session=row.session,
                error=row.error,
            )

    def _end(self, row: Ended) -> None:
        stored = self._rows.get(row.seq)
        if stored is not None:
            self._bodies.pop(row.seq, None)
            self._ended[row.seq] = row.forget
            self._rows[row.seq] = replace(
                stored,
                state=row.state,
                outcome=row.outcome,
                attempt=row.attempt,
                report=row.report,
                error=row.error,
                ended=row.ended,
                lease=0,
                session=None,
            )

    def maintain(self, millis: int) -> None:
        """Forgets ended tasks whose time is over."""
        over: list[int] = []
        for looked, (seq, forget) in enumerate(self._ended.items()):
            if looked >= _FORGET_SLICE:
                break
            if forget <= millis:
                over.append(seq)
        for seq in over:
            del self._ended[seq]
            del self._seqs[self._rows.pop(seq).id]

    def bodies(self, seqs: Sequence[int]) -> dict[int, bytes]:
        """The envelopes of live tasks."""
        return {seq: self._bodies[seq] for seq in seqs if seq in self._bodies}

    def tasks(self, ids: Sequence[bytes]) -> dict[bytes, StoredTask]:
        """The rows of tasks."""
        return {task_id: self._rows[self._seqs[task_id]] for task_id in ids if task_id in self._seqs}

    def list_tasks(self, *, before: int | None, state: int | None, most: int) -> Page:
        """Tasks, newest first."""
        found: list[StoredTask] = []
        for seq in reversed(self._rows):
            stored = self._rows[seq]
            if (before is None or seq < before) and (state is None or stored.state == state):
                found.append(stored)
                if len(found) > most:
                    break
        return Page(tasks=found[:most], next=found[most - 1].seq if len(found) > most else None)

    def close(self) -> None:
        """Nothing to let go of."""
