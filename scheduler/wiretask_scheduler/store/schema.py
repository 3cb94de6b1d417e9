"""The tables of the SQLite store, and the statements that fill them many rows at a time.

What lives and what has ended lie apart: a restart reads only what lives, and the pages of what lives are used again and
again. A row goes from one table to the other when its task ends: END copies it, and `remove` takes it away.

Python's sqlite3 lets go of the interpreter and takes it back around every step of a statement. With a busy event loop
beside it, a row for each step would wait for its turn a thousand times; so a statement here takes all rows of a group
in one step. Measured on two cores beside a thread that never rests, inserted and ended tasks a second: 120 000
and more so, 4 700 with `executemany` (switch interval 0.5 ms; with the default of 5 ms it is 220). Alone: 240 000.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

#: Kept in `PRAGMA user_version`; a file with another one is refused, as long as there was no release.
SCHEMA_VERSION = 3
#: `PRAGMA application_id`: "wtsk".
APPLICATION_ID = 0x7774736B
#: Larger than SQLite's default: bodies of some kilobytes stay on the page of their row.
PAGE_OCTETS = 8192

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE options (number INTEGER PRIMARY KEY, packed BLOB NOT NULL UNIQUE);
CREATE TABLE session (token BLOB PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE live (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL,
  options NOT NULL,
  state INTEGER NOT NULL,
  submitted INTEGER NOT NULL,
  due INTEGER,
  expires INTEGER,
  note TEXT,
  failures INTEGER NOT NULL DEFAULT 0,
  crashes INTEGER NOT NULL DEFAULT 0,
  losses INTEGER NOT NULL DEFAULT 0,
  lease INTEGER NOT NULL DEFAULT 0,
  session BLOB,
  history BLOB,
  links BLOB,
  envelope BLOB NOT NULL
);
CREATE TABLE ended (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  options NOT NULL,
  state INTEGER NOT NULL,
  submitted INTEGER NOT NULL,
  note TEXT,
  outcome INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  history BLOB,
  links BLOB,
  ended INTEGER NOT NULL,
  forget INTEGER NOT NULL,
  report BLOB,
  envelope BLOB
);
CREATE INDEX ended_forget ON ended (forget);
CREATE INDEX ended_dead ON ended (seq) WHERE state = 6;
CREATE TABLE fact (
  kind INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, forget INTEGER, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE INDEX fact_forget ON fact (forget) WHERE forget IS NOT NULL;
"""

#: What rows are read as, in the order of `rows.live` and `rows.ended`.
LIVE = """SELECT seq, id, options, state, submitted, length(envelope), failures, crashes, losses, due, expires, lease,
session, history, links FROM live"""
ENDED = """SELECT seq, id, options, state, submitted, history, attempt, outcome, report, ended,
ifnull(length(envelope), 0), links FROM ended"""
LAST_SEQ = "SELECT max(ifnull((SELECT max(seq) FROM live), 0), ifnull((SELECT max(seq) FROM ended), 0))"
#: The same without reports: a list of a thousand of the longest would take gigabytes.
LISTED = ENDED.replace("report,", "NULL,")
#: What a task was submitted with.
ENVELOPE = "SELECT envelope FROM live WHERE seq = ?1 UNION ALL SELECT envelope FROM ended WHERE seq = ?1"
#: The same for `gather`: a set of options that stands in its row itself comes with its number 0.
ENDED_COLUMNS = (
    "seq",
    "id",
    "CASE typeof(options) WHEN 'integer' THEN options ELSE 0 END",
    "CASE typeof(options) WHEN 'blob' THEN options END",
    "state",
    "submitted",
    "history",
    "attempt",
    "outcome",
    "report",
    "ended",
    "ifnull(length(envelope), 0)",
    "links",
)

#: Rows that one statement takes: the next larger one is filled up with empty rows. SQLite allows 32 766 parameters.
SIZES = (1, 8, 64, 256, 512, 1024, 2048)


class Statement(NamedTuple):
    """A statement over many rows of parameters; `%s` in its text is where they go."""

    text: str
    width: int


#: A task is inserted unless its id is that of a task that has ended.
INSERT = Statement(
    "INSERT INTO live (seq, id, options, state, submitted, due, expires, note, envelope, links)"
    " WITH row (seq, id, options, state, submitted, due, expires, note, envelope, links) AS (%s)"
    " SELECT * FROM row WHERE seq IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ended WHERE ended.id = row.id)",
    10,
)
#: The same for most tasks: fewer values. Each one that is bound costs as much as a column.
INSERT_PLAIN = Statement(
    "INSERT INTO live (seq, id, options, state, submitted, envelope)"
    " WITH row (seq, id, options, state, submitted, envelope) AS (%s)"
    " SELECT * FROM row WHERE seq IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ended WHERE ended.id = row.id)",
    6,
)
UPDATE = Statement(
    "UPDATE live SET state = row.state, failures = row.failures, crashes = row.crashes, losses = row.losses,"
    " due = row.due, lease = row.lease, session = row.session, history = row.history"
    " FROM (SELECT column1 AS seq, column2 AS state, column3 AS failures, column4 AS crashes, column5 AS losses,"
    " column6 AS due, column7 AS lease, column8 AS session, column9 AS history FROM (%s)) AS row"
    " WHERE live.seq = row.seq",
    9,
)
END = Statement(
    "INSERT INTO ended"
    " (seq, id, options, state, submitted, note, outcome, attempt, history, links, ended, forget, report, envelope)"
    " WITH row (seq, state, outcome, attempt, report, history, ended, forget, keep) AS (%s)"
    " SELECT live.seq, live.id, live.options, row.state, live.submitted, live.note, row.outcome, row.attempt,"
    " row.history, CASE WHEN row.keep THEN live.links END, row.ended, row.forget, row.report,"
    " CASE WHEN row.keep THEN live.envelope END FROM row CROSS JOIN live ON live.seq = row.seq",
    9,
)
#: The same for tasks that have succeeded (state 5, outcome 1) at their first attempt.
END_PLAIN = Statement(
    "INSERT INTO ended (seq, id, options, state, submitted, note, outcome, attempt, ended, forget, report)"
    " WITH row (seq, report, ended, forget) AS (%s)"
    " SELECT live.seq, live.id, live.options, 5, live.submitted, live.note, 1, 1, row.ended, row.forget, row.report"
    " FROM row CROSS JOIN live ON live.seq = row.seq",
    4,
)
REMOVE = Statement("DELETE FROM live WHERE seq IN (%s)", 1)
_REMOVE_ALL = "DELETE FROM live WHERE seq BETWEEN ? AND ?"
#: A dead task lives again: its row goes back under a new seq.
REVIVE = """INSERT INTO live (seq, id, options, state, submitted, note, history, links, envelope)
SELECT ?, id, options, 3, submitted, note, history, links, envelope FROM ended WHERE seq = ?"""
FORGET_ENDED = Statement("DELETE FROM ended WHERE seq IN (%s)", 1)
SET_FACT = Statement(
    "INSERT INTO fact SELECT column1, column2, column3, column4 FROM (%s) WHERE column1 IS NOT NULL"
    " ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, forget = excluded.forget",
    4,
)
UNSET_FACT = Statement("DELETE FROM fact WHERE (kind, key) IN (%s)", 2)
UNSET_FACTS = "DELETE FROM fact WHERE kind = ? AND key >= ? AND key < ?"
FORGET_FACTS = "UPDATE fact SET forget = ? WHERE kind = ? AND key >= ? AND key < ?"
FACTS = "SELECT kind, key, value, forget FROM fact ORDER BY kind, key"
FACTS_OF = "SELECT key, value FROM fact WHERE kind = ? AND key >= ? AND key < ? ORDER BY key"
OPEN_SESSION = Statement("INSERT INTO session SELECT column1, column2 FROM (%s) WHERE column1 IS NOT NULL", 2)
END_SESSION = Statement("DELETE FROM session WHERE token IN (%s)", 1)

SET_META = "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


@cache
def _sized(statement: Statement, rows: int) -> str:
    row = "(" + ",".join("?" * statement.width) + ")"
    return statement.text % ("VALUES " + ",".join([row] * rows))


def _size(rows: int) -> int:
    return next(size for size in SIZES if size >= rows)


def write(connection: sqlite3.Connection, statement: Statement, rows: Sequence[Sequence[Any]]) -> int:
    """Carries a statement out for all rows, in few steps. Returns how many rows it has changed."""
    changed = 0
    for at in range(0, len(rows), SIZES[-1]):
        chunk = rows[at : at + SIZES[-1]]
        size = _size(len(chunk))
        parameters = list(chain.from_iterable(chunk))
        parameters += [None] * ((size - len(chunk)) * statement.width)
        changed += connection.execute(_sized(statement, size), parameters).rowcount
    return changed


def remove(connection: sqlite3.Connection, seqs: Sequence[int]) -> None:
    """Takes these rows out of the table of what lives: in one go where there is no other between them."""
    first, last = min(seqs), max(seqs)
    if last - first + 1 == len(seqs):
        connection.execute(_REMOVE_ALL, (first, last))
    else:
        write(connection, REMOVE, [(seq,) for seq in seqs])


def gather(
    connection: sqlite3.Connection, columns: Sequence[str], source: str, keys: Sequence[Any]
) -> Iterator[tuple[bytes | None, ...]]:
    """The columns of the rows of `source IN (keys)`, as the octets of their text or blob.

    All rows of a chunk come in one step, as one row: each column's values joined, and their lengths beside them.
    """
    wanted = ",".join(
        f"group_concat(ifnull(length(CAST({column} AS BLOB)), -1)), CAST(group_concat({column}, '') AS BLOB)"
        for column in columns
    )
    for at in range(0, len(keys), SIZES[-1]):
        chunk = keys[at : at + SIZES[-1]]
        size = _size(len(chunk))
        marks = ",".join("?" * size)
        row = connection.execute(
            f"SELECT {wanted} FROM {source} IN ({marks})",  # noqa: S608 -- no value is in it
            [*chunk, *[None] * (size - len(chunk))],
        ).fetchone()
        if row[0] is not None:
            yield from zip(*(_parted(row[i], row[i + 1]) for i in range(0, len(row), 2)), strict=True)


def _parted(lengths: str, joined: bytes | None) -> Iterator[bytes | None]:
    at = 0
    for length in map(int, lengths.split(",")):
        if length < 0:
            yield None
        else:
            assert joined is not None
            yield joined[at : at + length]
            at += length
