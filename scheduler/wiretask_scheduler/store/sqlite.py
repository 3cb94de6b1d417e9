"""The durable store: one SQLite file, written by one thread, in WAL mode with a full sync for each commit.

Rows are written many at a time (see `schema`). Of the other connections one copies the log back into the file (see
`upkeep`), and one reads. Nothing in this process opens the file but SQLite.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from wiretask_protocol.messages import Outcome, TaskState
from wiretask_scheduler.core.facts import Fact, FactKey
from wiretask_scheduler.core.records import StoredSession, StoredTask
from wiretask_scheduler.core.turn import Changes, Ended, Inserted, Updated
from wiretask_scheduler.store import opening, rows, schema, upkeep
from wiretask_scheduler.store.lock import Lock
from wiretask_scheduler.store.reading import Reader
from wiretask_scheduler.store.room import Room
from wiretask_scheduler.store.window import (
    EVERYTHING,
    Committed,
    Loaded,
    Page,
    Search,
    StoreBusyError,
    StoreError,
    StoreFullError,
)

#: Octets of reports that are kept, unless the configuration says otherwise.
RETENTION_OCTETS = 1 << 30
_NO_SEQ = 1 << 62
#: Of the row of a new task that asks for nothing: due, expires and note; of one that has succeeded at its first
#: attempt: state, outcome and attempt.
_PLAIN = (None, None, None)
_SUCCEEDED = (int(TaskState.SUCCEEDED), int(Outcome.SUCCEEDED), 1)
#: What of a task that has ended counts for the budget.
_KEPT_OCTETS = "ifnull(length(report), 0) + ifnull(length(envelope), 0)"


class SqliteStore:
    """Tasks in a file."""

    durable = True

    def __init__(self, path: Path, retention_octets: int = RETENTION_OCTETS) -> None:
        self.path = opening.checked(path)
        self._lock = Lock(self.path)
        try:
            opening.create(self.path)
            with opening.said(self.path):
                self._writer = opening.connect(self.path, cache_kibibytes=65536)
                opening.prepare(self._writer, self.path)
                self._reader = Reader(self.path)
                # Who looks at long lists does not keep the peers waiting for theirs.
                self._lister = Reader(self.path)
                self._retention = upkeep.Retention(self._writer, retention_octets)
        except (StoreFullError, StoreBusyError) as error:
            self._lock.close()
            raise StoreError(f"{error}; change that and start again") from None
        except BaseException:
            self._lock.close()
            raise
        self._room = Room(self._writer, self.path)
        self._checkpointer = upkeep.Checkpointer(self.path)
        self._numbers = rows.OptionNumbers()
        self._last_seq = 0

    # -- at the start --

    def claim(self, shard: str) -> int:
        """The lock is held since the file was opened; the epoch counts the openings."""
        epoch = self._meta("epoch", 0) + 1
        try:
            self._set_epoch(epoch)
        except StoreFullError:
            # The tasks that are here are not kept waiting for the space of a row.
            if not self.make_room():
                raise
            self._set_epoch(epoch)
        return epoch

    def _set_epoch(self, epoch: int) -> None:
        with opening.said(self.path):
            self._writer.execute(schema.SET_META, ("epoch", epoch))

    def load(self, shard: str) -> Loaded:
        """The tasks that live, and what must never go back."""
        with opening.said(self.path):
            sessions = self._writer.execute("SELECT token, name FROM session").fetchall()
            (highest,) = self._writer.execute(schema.LAST_SEQ).fetchone()
            self._last_seq = max(self._meta("last_seq", 0), highest)
            return Loaded(
                tasks=self._load_tasks(),
                sessions=[StoredSession(token=token, name=name) for token, name in sessions],
                facts=[
                    (kind, key, Fact(value, forget))
                    for kind, key, value, forget in self._writer.execute(schema.FACTS).fetchall()
                ],
                lease_ceiling=self._meta("lease_ceiling", 1),
                last_seq=self._last_seq,
                room=self._room.left(),
            )

    def _load_tasks(self) -> Iterator[StoredTask]:
        with opening.said(self.path):
            found = self._writer.execute(f"{schema.LIVE} ORDER BY seq")
            yield from rows.live(self._writer, rows.OptionSets(), found)

    def _meta(self, name: str, default: int) -> int:
        with opening.said(self.path):
            row = self._writer.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row is not None else default

    # -- writing --

    def commit(self, epoch: int, changes: Sequence[Changes]) -> Committed:
        """Writes all of them in one transaction, or none."""
        with opening.said(self.path):
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                conflicts = self._write(changes)
                self._retention.write()
                written = time.perf_counter()
                self._writer.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            sync_seconds = time.perf_counter() - written
            self._retention.committed()
            return Committed(conflicts=conflicts, room=self._room.left(), sync_seconds=sync_seconds)

    def _roll_back(self) -> None:
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")
        self._numbers.forget()
        self._retention.rolled_back()

    def _write(self, changes: Sequence[Changes]) -> list[bytes]:
        """Ends of tasks of former groups come first, so that an id which comes again in this one meets its task."""
        inserted = [row for change in changes for row in change.inserted]
        ended = [row for change in changes for row in change.ended]
        first = inserted[0].seq if inserted else _NO_SEQ
        self._write_sessions(changes)
        self._end([row for row in ended if row.seq < first])
        conflicts = self._insert(inserted)
        self._write_operations(changes)
        # Of several updates of one task the last one holds.
        updated: dict[int, Updated] = {row.seq: row for change in changes for row in change.updated}
        values = [(*row[:8], rows.packed_history(row.history)) for row in updated.values()]
        schema.write(self._writer, schema.UPDATE, values)
        self._end([row for row in ended if row.seq >= first])
        self._write_facts(changes)
        return conflicts

    def _write_operations(self, changes: Sequence[Changes]) -> None:
        for revived in [row for change in changes for row in change.revived]:
            self._writer.execute(schema.REVIVE, (revived.seq, revived.dead))
            self._last_seq = max(self._last_seq, revived.seq)
            self._forget_ended([revived.dead])
        self._forget_ended([seq for change in changes for seq in change.purged])

    def _forget_ended(self, seqs: Sequence[int]) -> None:
        if seqs:
            sizes = schema.gather(self._writer, ("seq", _KEPT_OCTETS), "ended WHERE seq", seqs)
            self._retention.add(-sum(int(size or 0) for _, size in sizes))
            schema.write(self._writer, schema.FORGET_ENDED, [(seq,) for seq in seqs])

    def _write_facts(self, changes: Sequence[Changes]) -> None:
        facts: dict[FactKey, Fact | None] = {}
        for change in changes:
            facts |= change.facts
            if change.ranges:
                # They are about what was written before them.
                self._write_pairs(facts)
                facts = {}
                for kind, prefix, forget in change.ranges:
                    bounds = (kind, prefix, rows.prefix_end(prefix))
                    if forget:
                        self._writer.execute(schema.FORGET_FACTS, (forget, *bounds))
                    else:
                        self._writer.execute(schema.UNSET_FACTS, bounds)
        self._write_pairs(facts)

    def _write_pairs(self, facts: dict[FactKey, Fact | None]) -> None:
        if facts:
            kept = [(*key, fact.value, fact.forget) for key, fact in facts.items() if fact is not None]
            schema.write(self._writer, schema.SET_FACT, kept)
            schema.write(self._writer, schema.UNSET_FACT, [key for key, fact in facts.items() if fact is None])

    def _write_sessions(self, changes: Sequence[Changes]) -> None:
        opened = [row for change in changes for row in change.sessions]
        over = [(token,) for change in changes for token in change.sessions_over]
        schema.write(self._writer, schema.OPEN_SESSION, opened)
        schema.write(self._writer, schema.END_SESSION, over)
        ceiling = max((change.lease_ceiling for change in changes), default=0)
        if ceiling:
            self._writer.execute(schema.SET_META, ("lease_ceiling", ceiling))

    def _insert(self, inserted: Sequence[Inserted]) -> list[bytes]:
        if not inserted:
            return []
        self._last_seq = max(self._last_seq, inserted[-1].seq)
        conflicts: list[bytes] = []
        if len({row.id for row in inserted}) < len(inserted):
            inserted, conflicts = _without_repeats(inserted)
        writer = self._writer
        number, new = self._numbers.known.get, self._numbers.of
        # Inserted and its row have the same order, but for the number that stands for the options.
        links = rows.packed_links
        plain = [
            (row[0], row[1], number(id(row[2])) or new(writer, row[2]), row[3], row[4], row[8])
            for row in inserted
            if row[5:8] == _PLAIN and row[9] is None
        ]
        values = [
            (row[0], row[1], number(id(row[2])) or new(writer, row[2]), *row[3:9], row[9] and links(row[9]))
            for row in (inserted if len(plain) < len(inserted) else ())
            if row[5:8] != _PLAIN or row[9] is not None
        ]
        written = schema.write(writer, schema.INSERT_PLAIN, plain) + schema.write(writer, schema.INSERT, values)
        if written < len(inserted):
            ids = [row.id for row in inserted]
            conflicts += [found[0] for found in schema.gather(writer, ("id",), "ended WHERE id", ids) if found[0]]
        return conflicts

    def _end(self, ended: Sequence[Ended]) -> None:
        if not ended:
            return
        packed = rows.packed_history
        plain = [(row[0], row[4], row[6], row[7]) for row in ended if row[1:4] == _SUCCEEDED and not row[5]]
        values = [
            (*row[:5], (row[5] and packed(row[5])) or None, *row[6:])
            for row in (ended if len(plain) < len(ended) else ())
            if row[1:4] != _SUCCEEDED or row[5]
        ]
        written = schema.write(self._writer, schema.END_PLAIN, plain) + schema.write(self._writer, schema.END, values)
        seqs = [row.seq for row in ended]
        schema.remove(self._writer, seqs)
        if written < len(ended):
            # Some had no row, because their id was a conflict.
            there = {int(found[0] or 0) for found in schema.gather(self._writer, ("seq",), "ended WHERE seq", seqs)}
            ended = [row for row in ended if row.seq in there]
        octets = sum(len(row.report) for row in ended if row.report is not None)
        dead = [row.seq for row in ended if row.keep]
        if dead:
            sizes = schema.gather(self._writer, ("seq", "length(envelope)"), "ended WHERE seq", dead)
            octets += sum(int(size or 0) for _, size in sizes)
        self._retention.add(octets)

    def maintain(self, millis: int) -> bool:
        """Forgets a slice of what has been kept long enough."""
        with opening.said(self.path):
            if not self._retention.due(millis):
                return False
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                # A seq is never used again, also when the last rows have been forgotten.
                self._writer.execute(schema.SET_META, ("last_seq", self._last_seq))
                self._retention.forget(millis)
                self._writer.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            self._retention.committed()
            return self._retention.due(millis)

    def make_room(self) -> bool:
        """Gives the space that was kept for a full disk, and what the log takes."""
        with opening.said(self.path):
            return self._room.make()

    def regain_room(self) -> bool:
        """Takes the space again that is kept for a full disk."""
        with opening.said(self.path):
            return self._room.regain()

    # -- reading --

    def bodies(self, seqs: Sequence[int]) -> dict[int, bytes]:
        """The envelopes of live tasks."""
        return self._reader.bodies(seqs)

    def tasks(self, ids: Sequence[bytes]) -> dict[bytes, StoredTask]:
        """Tasks that have ended."""
        return self._reader.tasks(ids)

    def list_tasks(self, *, before: int | None, state: int | None, most: int, search: Search = EVERYTHING) -> Page:
        """Tasks, newest first."""
        return self._lister.list_tasks(before=before, state=state, most=most, search=search)

    def envelope(self, seq: int) -> bytes | None:
        """What a task was submitted with."""
        return self._lister.envelope(seq)

    def facts(self, kind: int, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """Facts of a kind whose keys begin so."""
        return self._reader.facts(kind, prefix)

    def close(self) -> None:
        """Copies the log back, where that can be done now, and lets the next one in."""
        self._checkpointer.close()
        self._reader.close()
        self._lister.close()
        # What cannot be copied back now is durable in the log, and the next opening copies it.
        with suppress(sqlite3.OperationalError):
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self._writer.close()
        self._room.close()
        self._lock.close()


def _without_repeats(inserted: Sequence[Inserted]) -> tuple[list[Inserted], list[bytes]]:
    """The first row of each id, and the ids that come again: the existing task wins."""
    first: dict[bytes, Inserted] = {}
    again = [row.id for row in inserted if first.setdefault(row.id, row) is not row]
    return list(first.values()), again
