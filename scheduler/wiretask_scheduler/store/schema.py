"""The tables of the SQLite store, and the statements that fill them many rows at a time.

Python's sqlite3 lets go of the interpreter and takes it back around every step of a statement. With a busy event loop
beside it, a row for each step would wait for its turn a thousand times; so a statement here takes many rows in one step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

#: Kept in `PRAGMA user_version`; a file with a newer one is refused.
SCHEMA_VERSION = 1
#: `PRAGMA application_id`: "wtsk".
APPLICATION_ID = 0x7774736B

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE options (number INTEGER PRIMARY KEY, packed BLOB NOT NULL UNIQUE);
CREATE TABLE session (token BLOB PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE task (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  options INTEGER NOT NULL,
  state INTEGER NOT NULL,
  submitted INTEGER NOT NULL,
  size INTEGER NOT NULL,
  due INTEGER,
  expires INTEGER,
  note TEXT,
  failures INTEGER NOT NULL DEFAULT 0,
  crashes INTEGER NOT NULL DEFAULT 0,
  losses INTEGER NOT NULL DEFAULT 0,
  lease INTEGER NOT NULL DEFAULT 0,
  session BLOB,
  error TEXT,
  attempt INTEGER,
  outcome INTEGER,
  ended INTEGER,
  forget INTEGER,
  envelope BLOB,
  report BLOB
);
CREATE INDEX task_forget ON task (forget) WHERE forget IS NOT NULL;
"""

#: What `StoredTask` is read from, in the order of `sqlite.stored`.
COLUMNS = """task.seq, id, packed, state, submitted, size, failures, crashes, losses, due, expires, lease, session, error,
attempt, outcome, report, ended"""

#: Rows that one statement takes, largest first. SQLite allows 32 766 parameters; each size is prepared once.
CHUNKS = (500, 50, 5, 1)


def insert(rows: int) -> str:
    """Inserts tasks: (seq, id, options, state, submitted, size, due, expires, note, envelope) a row."""
    values = ",".join(["(?,?,?,?,?,?,?,?,?,?)"] * rows)
    return (
        "INSERT INTO task (seq, id, options, state, submitted, size, due, expires, note, envelope)"  # noqa: S608
        f" VALUES {values} ON CONFLICT (id) DO NOTHING"
    )


def end(rows: int) -> str:
    """Ends tasks: (seq, state, outcome, attempt, report, error, ended, forget) a row."""
    values = ",".join(["(?,?,?,?,?,?,?,?)"] * rows)
    return (
        "WITH row (seq, state, outcome, attempt, report, error, ended, forget) AS"  # noqa: S608 -- no value is in it
        f" (VALUES {values})"
        " UPDATE task SET state = row.state, outcome = row.outcome, attempt = row.attempt, report = row.report,"
        " error = row.error, ended = row.ended, forget = row.forget, envelope = NULL, lease = 0, session = NULL"
        " FROM row WHERE task.seq = row.seq"
    )


UPDATE = """UPDATE task SET state = ?, failures = ?, crashes = ?, losses = ?, due = ?, lease = ?, session = ?, error = ?
WHERE seq = ?"""


def chunked(rows: Sequence[Any]) -> Iterator[tuple[int, Sequence[Any]]]:
    """Rows in chunks of the prepared sizes."""
    at = 0
    for size in CHUNKS:
        while len(rows) - at >= size:
            yield size, rows[at : at + size]
            at += size
