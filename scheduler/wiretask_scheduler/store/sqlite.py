"""The durable store: one SQLite file, written by one thread, in WAL mode with a full sync for each commit.

Rows are written many at a time (see `schema`). A second connection copies the log back into the file (checkpoints), a
third one reads. Nothing in this process opens the file but SQLite.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from wiretask_scheduler.core.records import StoredSession, StoredTask
from wiretask_scheduler.core.tasks import Options
from wiretask_scheduler.core.turn import Changes, Ended, Inserted
from wiretask_scheduler.store import schema
from wiretask_scheduler.store.ballast import Ballast
from wiretask_scheduler.store.lock import Lock
from wiretask_scheduler.store.window import (
    Committed,
    Loaded,
    Page,
    StoreBusyError,
    StoreError,
    StoreFullError,
)

#: A log past this size is copied back and begun anew between two commits.
_WAL_RESTART_BYTES = 64 << 20
#: Rows that one call of `maintain` forgets.
_FORGET_SLICE = 5000
_FULL = {sqlite3.SQLITE_FULL}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class SqliteStore:
    """Tasks in a file."""

    durable = True

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.parent.is_dir():
            raise StoreError(f"{path.parent} is no folder; create it or choose another path for --store")
        self._lock = Lock(path)
        try:
            with _said(path):
                self._writer = self._connect()
                self._prepare()
                self._reader = self._connect()
        except BaseException:
            self._lock.close()
            raise
        self._reading = threading.Lock()
        self._ballast = Ballast(path)
        self._options: dict[Options, int] = {}
        self._commits = 0

    # -- opening --

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=0.1)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA cache_size = -65536")
        return connection

    def _prepare(self) -> None:
        writer = self._writer
        (version,) = writer.execute("PRAGMA user_version").fetchone()
        (application,) = writer.execute("PRAGMA application_id").fetchone()
        (tables,) = writer.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and application != schema.APPLICATION_ID:
            raise StoreError(f"{self.path} is the database of another program; choose another file")
        if version > schema.SCHEMA_VERSION:
            raise StoreError(f"{self.path} was written by a newer scheduler (schema {version}); upgrade this one")
        writer.execute("PRAGMA journal_mode = WAL")
        if not tables:
            writer.executescript(
                f"BEGIN; {schema.TABLES} PRAGMA user_version = {schema.SCHEMA_VERSION};"
                f" PRAGMA application_id = {schema.APPLICATION_ID}; COMMIT;"
            )

    def claim(self, shard: str) -> int:
        """The lock is held since the file was opened; the epoch counts the openings."""
        with _said(self.path):
            self._writer.execute(
                "INSERT INTO meta VALUES ('epoch', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1"
            )
            return self._meta("epoch", 1)

    def load(self, shard: str) -> Loaded:
        """The tasks that live, and what must never go back."""
        with _said(self.path):
            for number, packed in self._writer.execute("SELECT number, packed FROM options"):
                self._options[msgspec.msgpack.decode(packed, type=Options)] = number
            rows = self._writer.execute(
                f"SELECT {schema.COLUMNS} FROM task JOIN options ON options.number = task.options"  # noqa: S608
                " WHERE outcome IS NULL ORDER BY task.seq"
            )
            tasks = [_stored(row) for row in rows]
            sessions = [
                StoredSession(token=token, name=name)
                for token, name in self._writer.execute("SELECT token, name FROM session")
            ]
            (last,) = self._writer.execute("SELECT coalesce(max(seq), 0) FROM task").fetchone()
            last_seq = max(last, self._meta("last_seq", 0))
            return Loaded(
                tasks=tasks, sessions=sessions, lease_ceiling=self._meta("lease_ceiling", 1), last_seq=last_seq
            )

    def _meta(self, name: str, default: int) -> int:
        row = self._writer.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row is not None else default

    # -- writing --

    def commit(self, epoch: int, changes: Sequence[Changes]) -> Committed:
        """Writes all of them in one transaction, or none."""
        with _said(self.path):
            try:
                return self._commit(changes)
            except BaseException:
                self._options.clear()
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def _commit(self, changes: Sequence[Changes]) -> Committed:
        writer = self._writer
        writer.execute("BEGIN IMMEDIATE")
        conflicts: list[bytes] = []
        for change in changes:
            for token, name in change.sessions:
                writer.execute("INSERT INTO session VALUES (?, ?)", (token, name))
            for token in change.sessions_over:
                writer.execute("DELETE FROM session WHERE token = ?", (token,))
            if change.lease_ceiling:
                self._set_meta("lease_ceiling", change.lease_ceiling)
        conflicts += self._insert([row for change in changes for row in change.inserted])
        updates = [row for change in changes for row in change.updated]
        if updates:
            writer.executemany(schema.UPDATE, [(*row[1:], row.seq) for row in updates])
        self._end([row for change in changes for row in change.ended])
        writer.execute("COMMIT")
        self._commits += 1
        self._ballast.restore()
        return Committed(conflicts=conflicts)

    def _insert(self, rows: Sequence[Inserted]) -> list[bytes]:
        written = 0
        for size, chunk in schema.chunked(rows):
            values = [
                (
                    row.seq,
                    row.id,
                    self._option(row.options),
                    row.state,
                    row.submitted,
                    len(row.envelope),
                    row.due,
                    row.expires,
                    row.note,
                    row.envelope,
                )
                for row in chunk
            ]
            written += self._writer.execute(schema.insert(size), list(chain.from_iterable(values))).rowcount
        return [] if written == len(rows) else self._conflicts(rows)

    def _conflicts(self, rows: Sequence[Inserted]) -> list[bytes]:
        """The ids whose row is not the one that was to be written."""
        found: list[bytes] = []
        for row in rows:
            (seq,) = self._writer.execute("SELECT seq FROM task WHERE id = ?", (row.id,)).fetchone()
            if seq != row.seq:
                found.append(row.id)
        return found

    def _end(self, rows: Sequence[Ended]) -> None:
        for size, chunk in schema.chunked(rows):
            self._writer.execute(schema.end(size), list(chain.from_iterable(chunk)))

    def _option(self, options: Options) -> int:
        number = self._options.get(options)
        if number is None:
            packed = msgspec.msgpack.encode(options)
            self._writer.execute("INSERT INTO options (packed) VALUES (?) ON CONFLICT DO NOTHING", (packed,))
            (number,) = self._writer.execute("SELECT number FROM options WHERE packed = ?", (packed,)).fetchone()
            if len(self._options) < _CACHED_OPTIONS:
                self._options[options] = number
        return number

    def _set_meta(self, name: str, value: int) -> None:
        self._writer.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value)
        )

    def maintain(self, millis: int) -> None:
        """Forgets ended tasks whose time is over, a slice at a time, and keeps the log short."""
        with _said(self.path):
            (last,) = self._writer.execute("SELECT coalesce(max(seq), 0) FROM task").fetchone()
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                # A seq is never used again, also when the last rows have been forgotten.
                self._set_meta("last_seq", max(last, self._meta("last_seq", 0)))
                self._writer.execute(
                    "DELETE FROM task WHERE seq IN (SELECT seq FROM task WHERE forget <= ? ORDER BY forget LIMIT ?)",
                    (millis, _FORGET_SLICE),
                )
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
            self._checkpoint()

    def _checkpoint(self) -> None:
        wal = self.path.with_name(self.path.name + "-wal")
        size = wal.stat().st_size if wal.exists() else 0
        mode = "RESTART" if size > _WAL_RESTART_BYTES else "PASSIVE"
        self._writer.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()

    def make_room(self) -> bool:
        """Gives the space that was kept for a full disk; whether there was any left to give."""
        return self._ballast.release()

    # -- reading --

    def bodies(self, seqs: Sequence[int]) -> dict[int, bytes]:
        """The envelopes of live tasks."""
        found: dict[int, bytes] = {}
        with self._reading, _said(self.path):
            for _, chunk in schema.chunked(seqs):
                marks = ",".join("?" * len(chunk))
                sql = f"SELECT seq, envelope FROM task WHERE envelope IS NOT NULL AND seq IN ({marks})"  # noqa: S608
                found.update(self._reader.execute(sql, list(chunk)).fetchall())
        return found

    def tasks(self, ids: Sequence[bytes]) -> dict[bytes, StoredTask]:
        """The rows of tasks."""
        found: dict[bytes, StoredTask] = {}
        with self._reading, _said(self.path):
            for _, chunk in schema.chunked(ids):
                sql = (
                    f"SELECT {schema.COLUMNS} FROM task JOIN options ON options.number = task.options"  # noqa: S608
                    f" WHERE id IN ({','.join('?' * len(chunk))})"
                )
                for row in self._reader.execute(sql, list(chunk)).fetchall():
                    found[row[1]] = _stored(row)
        return found

    def list_tasks(self, *, before: int | None, state: int | None, most: int) -> Page:
        """Tasks, newest first."""
        sql = (
            f"SELECT {schema.COLUMNS} FROM task JOIN options ON options.number = task.options"  # noqa: S608
            " WHERE task.seq < ? AND (? IS NULL OR state = ?) ORDER BY task.seq DESC LIMIT ?"
        )
        with self._reading, _said(self.path):
            parameters = (before if before is not None else 1 << 62, state, state, most + 1)
            rows = [_stored(row) for row in self._reader.execute(sql, parameters).fetchall()]
        return Page(tasks=rows[:most], next=rows[most - 1].seq if len(rows) > most else None)

    def close(self) -> None:
        """Copies the log back and lets the next one in."""
        with _said(self.path):
            self._reader.close()
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._writer.close()
        self._ballast.close()
        self._lock.close()


#: Distinct sets of options whose numbers are kept at hand.
_CACHED_OPTIONS = 65536


def _stored(row: tuple[Any, ...]) -> StoredTask:
    return StoredTask(
        seq=row[0],
        id=row[1],
        options=msgspec.msgpack.decode(row[2], type=Options),
        state=row[3],
        submitted=row[4],
        size=row[5],
        failures=row[6],
        crashes=row[7],
        losses=row[8],
        due=row[9],
        expires=row[10],
        lease=row[11],
        session=row[12],
        error=row[13],
        attempt=row[14] or 1,
        outcome=row[15],
        report=row[16],
        ended=row[17],
    )


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """Says what SQLite says in the words of the store."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _FULL:
            raise StoreFullError(f"no space is left for {path}") from None
        if code in _BUSY:
            raise StoreBusyError(f"{path} is locked by another program") from None
        remedy = {
            sqlite3.SQLITE_NOTADB: "it is no database; choose another file",
            sqlite3.SQLITE_CORRUPT: "it is damaged; restore it from a backup",
            sqlite3.SQLITE_READONLY: "it is read-only; check its permissions",
            sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check the path and its permissions",
            sqlite3.SQLITE_IOERR: "the disk reports an error; check it, then start again",
        }.get(code, f"SQLite says: {error}")
        raise StoreError(f"{path}: {remedy}") from None
