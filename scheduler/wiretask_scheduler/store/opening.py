"""Opening the SQLite file: the checks before it is touched, the connections to it, and its errors in our words."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from wiretask_scheduler.store import schema
from wiretask_scheduler.store.window import StoreBusyError, StoreError, StoreFullError

# The sqlite3 module looks for an adapter of every parameter that is bytes or None, and finds none three times: half of
# the cost of a row (measured: 1.27 µs with, 0.64 µs without). These find themselves at once.
sqlite3.register_adapter(bytes, bytes)
sqlite3.register_adapter(type(None), cast("Callable[[None], None]", {}.get))

#: How long a statement waits for another program that has locked the file, before the whole commit is tried again.
BUSY_SECONDS = 0.1
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_REMEDIES = {
    sqlite3.SQLITE_NOTADB: "it is no database; choose another file",
    sqlite3.SQLITE_CORRUPT: "it is damaged; restore it from a backup",
    sqlite3.SQLITE_READONLY: "it cannot be written; check its permissions",
    sqlite3.SQLITE_PERM: "it cannot be used; check its permissions",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check the path and its permissions",
    sqlite3.SQLITE_IOERR: "the disk reports an error; check it, then start again",
}


def checked(path: Path) -> Path:
    """The one path of a file, however it is named; made with tight permissions if it is new. Raises StoreError."""
    path = path.resolve()
    if not path.parent.is_dir():
        raise StoreError(f"{path.parent} is no folder; create it or choose another path")
    if path.is_dir():
        raise StoreError(f"{path} is a folder; name a file in it")
    return path


def create(path: Path) -> None:
    """Makes the file if it is not there, so that only its owner can read the tasks in it.

    Only before SQLite opens it: closing a descriptor drops the locks that this process has on the file.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        if not os.access(path, os.R_OK | os.W_OK):
            raise StoreError(f"{path} cannot be written; check its permissions") from None
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}; check the folder and its permissions") from None


def connect(path: Path, *, cache_kibibytes: int = 16384) -> sqlite3.Connection:
    """A connection for any one thread at a time."""
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("PRAGMA temp_store = MEMORY")
    # Some systems build SQLite so that it writes zeros over each page that it frees. The end of a task puts as much
    # into the log then as the task had, and on a full disk there is no room for that (measured with 5 000 octets: 7.5
    # and not 0.3 KB an end, 26 and not 6 ms a thousand).
    connection.execute("PRAGMA secure_delete = FAST")
    connection.execute(f"PRAGMA cache_size = -{cache_kibibytes}")
    return connection


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Makes the tables in a new file, and refuses what is not ours. Raises StoreError."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and application != schema.APPLICATION_ID:
        raise StoreError(f"{path} is the database of another program; choose another file")
    if version > schema.SCHEMA_VERSION:
        raise StoreError(f"{path} was written by a newer scheduler (schema {version}); upgrade this one")
    if tables and version < schema.SCHEMA_VERSION:
        raise StoreError(f"{path} was written by a draft of this scheduler (schema {version}); choose another file")
    if not tables:
        connection.execute(f"PRAGMA page_size = {schema.PAGE_OCTETS}")
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StoreError(f"{path} is on a file system without shared memory; choose a local disk")
    if not tables:
        connection.executescript(
            f"BEGIN; {schema.TABLES} PRAGMA user_version = {schema.SCHEMA_VERSION};"
            f" PRAGMA application_id = {schema.APPLICATION_ID}; COMMIT;"
        )


@contextmanager
def said(path: Path) -> Iterator[None]:
    """Says what SQLite says in the words of the store."""
    try:
        yield
    except sqlite3.Error as error:
        extended = getattr(error, "sqlite_errorcode", 0)
        code = extended & 0xFF
        # The index of the log is shared memory in a file, and a full disk is the reason why that cannot grow.
        if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
            raise StoreFullError(f"no space is left for {path}") from None
        if code in _BUSY:
            raise StoreBusyError(f"{path} is locked by another program") from None
        raise StoreError(f"{path}: {_REMEDIES.get(code, f'SQLite says: {error}')}") from None
