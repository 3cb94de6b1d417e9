"""What keeps the file small beside the commits: checkpoints, and the end of what has been kept long enough.

Checkpoints copy the log back into the file, on a thread and a connection of their own, so that commits go on meanwhile.
Retention forgets tasks whose time is over and drops the oldest reports when they take too much; a task without its
report is a tombstone, which keeps its id from running again.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from pathlib import Path

from wiretask_scheduler.store import opening, schema
from wiretask_scheduler.store.room import log_bytes

log = logging.getLogger(__name__)

#: A log shorter than this is not worth a sync of the file.
_LOG_PASSIVE_BYTES = 4 << 20
_CHECKPOINT_SECONDS = 0.2
#: Rows that one call forgets: some milliseconds.
SLICE_ROWS = 2000


_OVER_OCTETS = """SELECT ifnull(sum(ifnull(length(report), 0) + ifnull(length(envelope), 0)), 0) FROM ended
WHERE seq IN (SELECT seq FROM ended WHERE forget <= ? ORDER BY forget, seq LIMIT ?)"""
_OLDEST_ENDED = "SELECT forget FROM ended ORDER BY forget LIMIT 1"
_OLDEST_FACT = "SELECT forget FROM fact WHERE forget IS NOT NULL ORDER BY forget LIMIT 1"
_FORGET = """DELETE FROM ended
WHERE seq IN (SELECT seq FROM ended WHERE forget <= ? ORDER BY forget, seq LIMIT ?)"""
_FORGET_FACTS = """DELETE FROM fact
WHERE (kind, key) IN (SELECT kind, key FROM fact WHERE forget <= ? ORDER BY forget LIMIT ?)"""
_SHED = """UPDATE ended SET report = NULL, envelope = NULL
WHERE seq IN (SELECT seq FROM slice WHERE octets > 0)"""
_MAKE_SLICE = "CREATE TEMP TABLE IF NOT EXISTS slice (seq INTEGER PRIMARY KEY, forget INTEGER, octets INTEGER)"
#: The oldest ones, as many as it takes to free so many octets.
_FILL_SLICE = """INSERT INTO slice SELECT seq, forget, octets FROM (
  SELECT seq, forget, octets, sum(octets) OVER (ORDER BY forget, seq) - octets AS freed FROM (
    SELECT seq, forget, ifnull(length(report), 0) + ifnull(length(envelope), 0) AS octets
    FROM ended WHERE (forget, seq) > (?, ?) ORDER BY forget, seq LIMIT ?))
WHERE freed < ?"""


class Checkpointer:
    """Copies the log back while commits go on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = opening.connect(path, cache_kibibytes=256)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpointer", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(_CHECKPOINT_SECONDS):
            if log_bytes(self._path) < _LOG_PASSIVE_BYTES:
                continue
            try:
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            except sqlite3.Error as error:
                # A full disk, say. The log keeps everything, and the commits meet the same error if it matters.
                log.debug("a checkpoint is put off: %s", error)

    def close(self) -> None:
        """Ends when the present checkpoint has ended."""
        self._stop.set()
        self._thread.join()
        self._connection.close()


class Retention:
    """Forgets, in slices, on the connection that writes. Octets that are kept are counted in `meta`, in the commits."""

    def __init__(self, writer: sqlite3.Connection, budget_octets: int) -> None:
        self._writer = writer
        self._budget = budget_octets
        self._kept = self._meta("kept")
        self._uncommitted = 0
        #: The last report that was dropped for want of room: (forget, seq).
        self._shed = self._shed_next = (self._meta("shed_forget"), self._meta("shed_seq"))

    def _meta(self, name: str) -> int:
        row = self._writer.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row is not None else 0

    def add(self, octets: int) -> None:
        """Reports are kept, in the transaction that is open; `write` and `committed`, or `rolled_back`, follow."""
        self._uncommitted += octets

    def write(self) -> None:
        """Writes how much is kept, in the transaction that is open."""
        if self._uncommitted:
            self._writer.execute(schema.SET_META, ("kept", self._kept + self._uncommitted))

    def committed(self) -> None:
        """What has been added is durable."""
        self._kept += self._uncommitted
        self._uncommitted = 0
        self._shed = self._shed_next

    def rolled_back(self) -> None:
        """Nothing has been added."""
        self._uncommitted = 0
        self._shed_next = self._shed

    def due(self, millis: int) -> bool:
        """Whether there is something to forget."""
        if self._kept > self._budget:
            return True
        for oldest in (_OLDEST_ENDED, _OLDEST_FACT):
            row = self._writer.execute(oldest).fetchone()
            if row is not None and row[0] <= millis:
                return True
        return False

    def forget(self, millis: int) -> None:
        """Forgets one slice of tasks, and drops one slice of reports, in the transaction that is open."""
        (freed,) = self._writer.execute(_OVER_OCTETS, (millis, SLICE_ROWS)).fetchone()
        self._writer.execute(_FORGET, (millis, SLICE_ROWS))
        self._writer.execute(_FORGET_FACTS, (millis, SLICE_ROWS))
        self.add(-freed)
        if self._kept + self._uncommitted > self._budget:
            self._drop_reports()
        self.write()

    def _drop_reports(self) -> None:
        writer = self._writer
        writer.execute(_MAKE_SLICE)
        writer.execute("DELETE FROM slice")
        excess = self._kept + self._uncommitted - self._budget
        writer.execute(_FILL_SLICE, (*self._shed, SLICE_ROWS, excess))
        last = writer.execute("SELECT forget, seq FROM slice ORDER BY forget DESC, seq DESC LIMIT 1").fetchone()
        # At the end the search begins anew: tasks that are kept for a shorter time lie before those that are not.
        self._shed_next = last if last is not None else (0, 0)
        (freed,) = writer.execute("SELECT ifnull(sum(octets), 0) FROM slice").fetchone()
        writer.execute(_SHED)
        writer.execute(schema.SET_META, ("shed_forget", self._shed_next[0]))
        writer.execute(schema.SET_META, ("shed_seq", self._shed_next[1]))
        self.add(-freed)
