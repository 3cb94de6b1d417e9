"""Rows of the SQLite store as the core's records, and the numbers that stand for sets of options in them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from wiretask_scheduler.core.records import StoredTask
from wiretask_scheduler.core.tasks import Attempt, Links, Options

#: Distinct sets of options that get a number; programs have dozens. Past them, a row holds its set itself.
NUMBERED = 65536


def packed_history(history: tuple[Attempt, ...]) -> bytes | None:
    """How deliveries went, as a row has it."""
    return msgspec.msgpack.encode(history) if history else None


def unpacked_history(packed: bytes | None) -> tuple[Attempt, ...]:
    """How deliveries went, as the core has it."""
    return msgspec.msgpack.decode(packed, type=tuple[Attempt, ...]) if packed is not None else ()


def packed_links(links: Links | None) -> bytes | None:
    """What ties a task to others, as a row has it."""
    return msgspec.msgpack.encode(links) if links is not None else None


def unpacked_links(packed: bytes | None) -> Links | None:
    """What ties a task to others, as the core has it."""
    return msgspec.msgpack.decode(packed, type=Links) if packed is not None else None


def prefix_end(prefix: bytes) -> bytes:
    """The least key that comes after all keys that begin so: one of octets 0xff has no such, and is never asked for."""
    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes([stem[-1] + 1])


class OptionNumbers:
    """Sets of options by number, for the rows of one connection that writes."""

    def __init__(self) -> None:
        #: By identity: hashing a set costs more than the rest of its row.
        self.known: dict[int, int | bytes] = {}
        #: Keeps the sets, so that no other object gets the identity of one of them.
        self._sets: list[Options] = []

    def forget(self) -> None:
        """After a rollback the table is right, and what is known here may not be."""
        self.known.clear()
        self._sets.clear()

    def of(self, connection: sqlite3.Connection, options: Options) -> int | bytes:
        """What stands for a set in a row, where `known` does not say it; a new set is written first."""
        number = self._look_up(connection, msgspec.msgpack.encode(options))
        if len(self._sets) >= NUMBERED:
            self.forget()
        self.known[id(options)] = number
        self._sets.append(options)
        return number

    def _look_up(self, connection: sqlite3.Connection, packed: bytes) -> int | bytes:
        row = connection.execute("SELECT number FROM options WHERE packed = ?", (packed,)).fetchone()
        if row is None:
            (count,) = connection.execute("SELECT coalesce(max(number), 0) FROM options").fetchone()
            if count >= NUMBERED:
                return packed
            row = connection.execute("INSERT INTO options (packed) VALUES (?) RETURNING number", (packed,)).fetchone()
        return int(row[0])


class OptionSets:
    """Sets of options by what stands for them, for the rows of one connection that reads."""

    def __init__(self) -> None:
        self._sets: dict[int | bytes, Options] = {}

    def of(self, connection: sqlite3.Connection, number: int | bytes) -> Options:
        """The set."""
        known = self._sets.get(number)
        if known is not None:
            return known
        packed = number
        if isinstance(packed, int):
            (packed,) = connection.execute("SELECT packed FROM options WHERE number = ?", (number,)).fetchone()
        options = msgspec.msgpack.decode(packed, type=Options)
        if len(self._sets) < NUMBERED:
            self._sets[number] = options
        return options


def live(connection: sqlite3.Connection, sets: OptionSets, rows: Iterable[tuple[Any, ...]]) -> Iterator[StoredTask]:
    """Rows of `schema.LIVE`."""
    for row in rows:
        yield StoredTask(
            seq=row[0],
            id=row[1],
            options=sets.of(connection, row[2]),
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
            history=unpacked_history(row[13]),
            links=unpacked_links(row[14]),
        )


def gathered(
    connection: sqlite3.Connection, sets: OptionSets, rows: Iterable[tuple[bytes | None, ...]]
) -> Iterator[StoredTask]:
    """Rows of `schema.ENDED_COLUMNS`."""
    for row in rows:
        seq, task_id, number, packed, state, submitted, history, attempt, outcome, report, ended_, size, links = row
        assert seq is not None
        assert task_id is not None
        yield StoredTask(
            seq=int(seq),
            id=task_id,
            options=sets.of(connection, packed if packed is not None else int(number or 0)),
            state=int(state or 0),
            submitted=int(submitted or 0),
            history=unpacked_history(history),
            attempt=int(attempt or 0),
            outcome=int(outcome or 0),
            report=report,
            ended=int(ended_ or 0),
            size=int(size or 0),
            links=unpacked_links(links),
        )


def ended(connection: sqlite3.Connection, sets: OptionSets, rows: Iterable[tuple[Any, ...]]) -> Iterator[StoredTask]:
    """Rows of `schema.ENDED`."""
    for row in rows:
        yield StoredTask(
            seq=row[0],
            id=row[1],
            options=sets.of(connection, row[2]),
            state=row[3],
            submitted=row[4],
            history=unpacked_history(row[5]),
            attempt=row[6],
            outcome=row[7],
            report=row[8],
            ended=row[9],
            size=row[10],
            links=unpacked_links(row[11]),
        )
