"""The connection of the SQLite store that reads, for any thread: what has been committed, in snapshots below 100 ms."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from wiretask_protocol.messages import TaskState
from wiretask_scheduler.core.records import StoredTask
from wiretask_scheduler.store import opening, rows, schema
from wiretask_scheduler.store.window import LIVE_STATES, Page

#: Rows that one page of a filtered list looks at.
_SCANNED_ROWS = 20_000
#: Reports that are read in one step.
_GATHERED_OCTETS = 16 << 20
_NO_SEQ = 1 << 62


class Reader:
    """Bodies, ended tasks and lists."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = opening.connect(path)
        self._sets = rows.OptionSets()
        self._lock = threading.Lock()

    def bodies(self, seqs: Sequence[int]) -> dict[int, bytes]:
        """The envelopes of live tasks; ask for some mebioctets at a time."""
        with self._lock, opening.said(self._path):
            found = schema.gather(self._connection, ("seq", "envelope"), "live WHERE seq", seqs)
            return {int(seq): body for seq, body in found if seq is not None and body is not None}

    def tasks(self, ids: Sequence[bytes]) -> dict[bytes, StoredTask]:
        """Tasks that have ended."""
        found: dict[bytes, StoredTask] = {}
        with self._lock, opening.said(self._path):
            for some in self._bounded(ids):
                gathered = schema.gather(self._connection, schema.ENDED_COLUMNS, "ended WHERE id", some)
                found |= {task.id: task for task in rows.gathered(self._connection, self._sets, gathered)}
        return found

    def _bounded(self, ids: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
        """Ids whose reports together fit into one row of SQLite (10⁹ octets), in parts that are well below."""
        sizes = schema.gather(self._connection, ("id", "ifnull(length(report), 0)"), "ended WHERE id", ids)
        part: list[bytes] = []
        octets = 0
        for task_id, size in sizes:
            if task_id is None or size is None:
                continue
            part.append(task_id)
            octets += int(size)
            if octets > _GATHERED_OCTETS:
                yield part
                part, octets = [], 0
        if part:
            yield part

    def list_tasks(self, *, before: int | None, state: int | None, most: int) -> Page:
        """Tasks, newest first."""
        start = _NO_SEQ if before is None else before
        with self._lock, opening.said(self._path):
            found: list[StoredTask] = []
            bound = 0
            if state is None or state in LIVE_STATES:
                listed = self._connection.execute(schema.LIST_LIVE, (start, most + 1)).fetchall()
                found += rows.live(self._connection, self._sets, listed)
            if state is None:
                listed = self._connection.execute(schema.LIST_ENDED, (start, most + 1)).fetchall()
                found += rows.ended(self._connection, self._sets, listed)
            elif state == TaskState.DEAD:
                listed = self._connection.execute(schema.LIST_DEAD, (start, most + 1)).fetchall()
                found += rows.ended(self._connection, self._sets, listed)
            elif state not in LIVE_STATES:
                row = self._connection.execute(schema.SCAN_BOUND, (start, _SCANNED_ROWS)).fetchone()
                bound = row[0] if row is not None else 0
                listed = self._connection.execute(schema.LIST_STATE, (start, bound, state, most + 1)).fetchall()
                found += rows.ended(self._connection, self._sets, listed)
        found.sort(key=lambda task: -task.seq)
        if len(found) > most:
            return Page(tasks=found[:most], next=found[most - 1].seq)
        return Page(tasks=found, next=bound or None)

    def facts(self, kind: int, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """Facts of a kind whose keys begin so, in their order."""
        with self._lock, opening.said(self._path):
            bounds = (kind, prefix, rows.prefix_end(prefix))
            return self._connection.execute(schema.FACTS_OF, bounds).fetchall()

    def close(self) -> None:
        """Waits for whoever reads."""
        with self._lock:
            self._connection.close()
