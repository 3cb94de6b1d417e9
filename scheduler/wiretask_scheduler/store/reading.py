"""The connection of the SQLite store that reads, for any thread: what has been committed, in snapshots below 100 ms."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from wiretask_protocol.messages import TaskState
from wiretask_scheduler.core.records import StoredTask
from wiretask_scheduler.core.tasks import Options
from wiretask_scheduler.store import opening, rows, schema
from wiretask_scheduler.store.window import EVERYTHING, LIVE_STATES, Page, Search

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
        #: Type and queue of the sets of options by their numbers.
        self._named: dict[int, tuple[str, str]] = {}
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

    def list_tasks(self, *, before: int | None, state: int | None, most: int, search: Search = EVERYTHING) -> Page:
        """Tasks, newest first."""
        start = _NO_SEQ if before is None else before
        found: list[StoredTask] = []
        bound = 0
        with self._lock, opening.said(self._path):
            if state is None or state in LIVE_STATES:
                where, values = self._conditions(search, "submitted")
                listed, bound = self._scan("live", schema.LIVE, where, values, start, most)
                found += rows.live(self._connection, self._sets, listed)
            if state is None or state not in LIVE_STATES:
                where, values = self._conditions(search, "ended")
                if state == TaskState.DEAD:
                    where = ["state = 6", *where]  # a literal: so there is an index
                elif state is not None:
                    where, values = [*where, "state = ?"], [*values, state]
                listed, ended_bound = self._scan("ended", schema.LISTED, where, values, start, most)
                found += rows.ended(self._connection, self._sets, listed)
                bound = max(bound, ended_bound)
        # Below the higher bound one of the tables has not been looked through.
        found = sorted((task for task in found if task.seq >= bound), key=lambda task: -task.seq)
        if len(found) > most:
            return Page(tasks=found[:most], next=found[most - 1].seq)
        return Page(tasks=found, next=bound or None)

    def _scan(
        self, table: str, columns: str, where: list[str], values: list[object], start: int, most: int
    ) -> tuple[list[tuple[Any, ...]], int]:
        """Rows of a bounded part of a table that fit, and the seq at which the part ends (0: the end of the table)."""
        bound = 0
        if where and where != ["state = 6"]:
            fits = " AND ".join(["seq < ?", *[each for each in where[:1] if each == "state = 6"]])
            at = f"SELECT seq FROM {table} WHERE {fits} ORDER BY seq DESC LIMIT 1 OFFSET ?"  # noqa: S608 -- no value
            row = self._connection.execute(at, (start, _SCANNED_ROWS)).fetchone()
            bound = row[0] if row is not None else 0
        fits = " AND ".join(["seq < ?", "seq >= ?", *where])
        text = f"{columns} WHERE {fits} ORDER BY seq DESC LIMIT ?"
        return self._connection.execute(text, (start, bound, *values, most + 1)).fetchall(), bound

    def _conditions(self, search: Search, moment: str) -> tuple[list[str], list[object]]:
        """What SQLite can tell by itself; no value is in the text."""
        where: list[str] = []
        values: list[object] = []
        if search.type is not None or search.queue is not None:
            # A set that stands in its row itself is looked at by whoever asks.
            where.append("(options IN (SELECT value FROM json_each(?)) OR typeof(options) = 'blob')")
            values.append(msgspec.json.encode(self._numbers(search)).decode())
        if search.error is not None:
            where.append("instr(history, ?)")
            values.append(search.error.encode())
        if search.until is not None:
            where.append(f"{moment} <= ?")
            values.append(search.until)
        return where, values

    def _numbers(self, search: Search) -> list[int]:
        """The sets of options that a search means. Each set is read once."""
        last = max(self._named, default=0)
        (newest,) = self._connection.execute("SELECT coalesce(max(number), 0) FROM options").fetchone()
        new = range(last + 1, newest + 1)
        for number, packed in schema.gather(self._connection, ("number", "packed"), "options WHERE number", new):
            if number is not None and packed is not None:
                options = msgspec.msgpack.decode(packed, type=Options)
                self._named[int(number)] = (options.type, options.queue)
        return [number for number, (of_type, queue) in self._named.items() if search.names(of_type, queue)]

    def envelope(self, seq: int) -> bytes | None:
        """What a task was submitted with."""
        with self._lock, opening.said(self._path):
            row = self._connection.execute(schema.ENVELOPE, (seq,)).fetchone()
        return row[0] if row is not None else None

    def facts(self, kind: int, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """Facts of a kind whose keys begin so, in their order."""
        with self._lock, opening.said(self._path):
            bounds = (kind, prefix, rows.prefix_end(prefix))
            return self._connection.execute(schema.FACTS_OF, bounds).fetchall()

    def close(self) -> None:
        """Waits for whoever reads."""
        with self._lock:
            self._connection.close()
