"""A store that keeps what was synced, and only that; and the committer that writes to it without a thread.

A commit takes time, twice: until it is written, and until it is synced and said to be. A scheduler that dies in between
finds it there, or does not: both are allowed, because nobody was told.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from clockwork import Process
from msgspec.structs import replace

from wiretask_protocol.messages import UniqueUntil
from wiretask_scheduler.committer import Figures, Group
from wiretask_scheduler.core import Turn
from wiretask_scheduler.core.facts import Fact, FactKey
from wiretask_scheduler.core.records import StoredSession, StoredTask
from wiretask_scheduler.core.turn import Changes
from wiretask_scheduler.store import Committed, Loaded, Page
from wiretask_scheduler.store.window import EVERYTHING, Search

#: Turns of one transaction at the most.
_GROUP = 50


class Disk:
    """The file: it outlives every scheduler."""

    def __init__(self) -> None:
        self.rows: dict[int, StoredTask] = {}
        self.ids: dict[bytes, int] = {}
        self.envelopes: dict[int, bytes] = {}
        self.sessions: dict[bytes, str] = {}
        self.facts: dict[FactKey, Fact] = {}
        self.ceiling = 1
        self.last_seq = 0
        #: How often a task has ended; and unique keys of tasks that live.
        self.ends: Counter[bytes] = Counter()
        #: Pairs of tasks that have lived with the same unique key at the same time.
        self.doubles: list[tuple[bytes, bytes]] = []
        self._revived: set[bytes] = set()
        self.commits = 0
        #: How it was before what is not synced yet.
        self._before: dict[str, Any] | None = None

    def begin(self) -> None:
        """What is written from here on may be lost, until it is synced."""
        self._before = {name: copy.copy(value) for name, value in vars(self).items() if name != "_before"}

    def sync(self) -> None:
        """What was written is there for good."""
        self._before = None

    def crash(self, *, keep: bool) -> None:
        """The power is gone: what was not synced is there, or it is not, but never half of it."""
        if self._before is not None and not keep:
            vars(self).update(self._before)
        self._before = None

    def write(self, changes: Changes) -> list[bytes]:
        """Carries out the changes of a turn. Returns the ids that are there already."""
        self.sessions.update(changes.sessions)
        for token in changes.sessions_over:
            self.sessions.pop(token, None)
        self.ceiling = max(self.ceiling, changes.lease_ceiling)
        conflicts = [row.id for row in changes.inserted if not self._insert(row)]
        for update in changes.updated:
            self._change(
                update.seq, state=update.state, failures=update.attempt, crashes=update.crashes, losses=update.losses,
                due=update.due, lease=update.lease, session=update.session, history=update.history,
            )  # fmt: skip
        for end in changes.ended:
            if self._change(end.seq, state=end.state, outcome=end.outcome, attempt=end.attempt, report=end.report,
                            ended=end.ended, history=end.history):  # fmt: skip
                self.ends[self.rows[end.seq].id] += 1
        for revived in changes.revived:
            dead = self.rows.pop(revived.dead)
            self._revived.add(dead.id)
            self.ends[dead.id] -= 1
            self.ids[dead.id] = revived.seq
            self.envelopes[revived.seq] = self.envelopes.pop(revived.dead)
            self.last_seq = max(self.last_seq, revived.seq)
            self.rows[revived.seq] = replace(
                dead, seq=revived.seq, state=3, outcome=None, report=None, ended=None, failures=0, crashes=0, losses=0,
                lease=0, session=None, due=None, expires=None,
            )  # fmt: skip
        self._write_facts(changes)
        self._note_doubles([row for row in changes.inserted if row.id not in conflicts])
        return conflicts

    def _note_doubles(self, inserted: Sequence[Any]) -> None:
        """A key that is held until the end has one task that lives; one that got another life asks for no key."""
        for row in inserted:
            if row.links is None or row.links.until != UniqueUntil.ENDED:
                continue
            for other in self.live():
                same = other.links is not None and (other.links.unique, other.links.until) == (
                    row.links.unique,
                    row.links.until,
                )
                if same and other.id != row.id and not {other.id, row.id} & self._revived:
                    self.doubles.append((other.id, row.id))

    def _insert(self, row: Any) -> bool:
        if row.id in self.ids:
            return False
        self.ids[row.id] = row.seq
        self.last_seq = max(self.last_seq, row.seq)
        self.envelopes[row.seq] = row.envelope
        self.rows[row.seq] = StoredTask(
            seq=row.seq, id=row.id, options=row.options, state=row.state, submitted=row.submitted, due=row.due,
            expires=row.expires, size=len(row.envelope), links=row.links,
        )  # fmt: skip
        return True

    def _change(self, seq: int, **values: Any) -> bool:
        row = self.rows.get(seq)
        if row is None:
            return False
        self.rows[seq] = replace(row, **values)
        return True

    def _write_facts(self, changes: Changes) -> None:
        for key, fact in changes.facts.items():
            if fact is None:
                self.facts.pop(key, None)
            else:
                self.facts[key] = fact
        for kind, prefix, forget in changes.ranges:
            for key in [key for key in self.facts if key[0] == kind and key[1].startswith(prefix)]:
                if forget:
                    self.facts[key] = self.facts[key]._replace(forget=forget)
                else:
                    del self.facts[key]

    def row(self, task_id: bytes) -> StoredTask | None:
        """What is kept of a task."""
        seq = self.ids.get(task_id)
        return None if seq is None else self.rows[seq]

    def live(self) -> list[StoredTask]:
        """Those that have not ended, by seq."""
        return [row for _, row in sorted(self.rows.items()) if row.outcome is None]


class DiskStore:
    """The window of one scheduler to the disk (`wiretask_scheduler.store.Store`)."""

    durable = True

    def __init__(self, disk: Disk) -> None:
        self.disk = disk

    def claim(self, shard: str) -> int:
        """There is one scheduler at a time here."""
        return 1

    def load(self, shard: str) -> Loaded:
        """What is on the disk."""
        disk = self.disk
        return Loaded(
            tasks=iter(disk.live()),
            sessions=[StoredSession(token=token, name=name) for token, name in disk.sessions.items()],
            facts=[(*key, fact) for key, fact in sorted(disk.facts.items(), key=lambda pair: pair[0])],
            lease_ceiling=disk.ceiling,
            last_seq=disk.last_seq,
        )

    def commit(self, epoch: int, changes: Sequence[Changes]) -> Committed:
        """Writes all of them."""
        self.disk.commits += 1
        return Committed(conflicts=[task_id for change in changes for task_id in self.disk.write(change)])

    def maintain(self, millis: int) -> bool:
        """Everything is kept here: the history is looked at in the end."""
        return False

    def make_room(self) -> bool:
        """There is always room."""
        return False

    def regain_room(self) -> bool:
        """There is always room."""
        return True

    def bodies(self, seqs: Sequence[int]) -> dict[int, bytes]:
        """The envelopes of live tasks."""
        return {seq: self.disk.envelopes[seq] for seq in seqs if seq in self.disk.envelopes}

    def tasks(self, ids: Sequence[bytes]) -> dict[bytes, StoredTask]:
        """Tasks that have ended."""
        found = {task_id: self.disk.row(task_id) for task_id in ids}
        return {task_id: row for task_id, row in found.items() if row is not None and row.outcome is not None}

    def list_tasks(self, *, before: int | None, state: int | None, most: int, search: Search = EVERYTHING) -> Page:
        """Nobody lists them here."""
        return Page(tasks=(), next=None)

    def envelope(self, seq: int) -> bytes | None:
        """What a task was submitted with."""
        return self.disk.envelopes.get(seq)

    def facts(self, kind: int, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """Facts of a kind whose keys begin so."""
        found = sorted(self.disk.facts.items(), key=lambda pair: pair[0])
        return [(key[1], fact.value) for key, fact in found if key[0] == kind and key[1].startswith(prefix)]

    def close(self) -> None:
        """Nothing is open."""


class SlowCommitter:
    """The committer, on the loop: group commit, with a time to write and a time to sync. `boundary` hears of both."""

    def __init__(
        self,
        process: Process,
        store: DiskStore,
        chance: Random,
        released: Callable[[Group], None],
        boundary: Callable[[str], None],
    ) -> None:
        self.figures = Figures()
        self._process = process
        self._store = store
        self._chance = chance
        self._released = released
        self._boundary = boundary
        self._turns: list[Turn] = []
        self._writing = False
        #: What is written and not synced yet.
        self._written: Group | None = None

    def start(self) -> None:
        """Nothing to start."""

    def put(self, turn: Turn, octets: int = 0) -> None:
        """Takes a turn; it is released after all that were put before it."""
        self._turns.append(turn)
        if not self._writing:
            self._writing = True
            self._later(self._write)

    def _later(self, what: Callable[..., None], *arguments: Any) -> None:
        delay = self._chance.choice((0.0, 0.0005, 0.002)) if self._chance.random() < 0.97 else 0.5
        self._process.loop.call_later(delay, what, *arguments)

    def _write(self) -> None:
        group, self._turns = self._turns[:_GROUP], self._turns[_GROUP:]
        self._boundary("before a write")
        self._store.disk.begin()
        committed = self._store.commit(1, [turn.changes for turn in group if turn.changes])
        self._boundary("after a write")
        self._written = Group(group, committed.conflicts)
        self._later(self._sync)

    def _sync(self) -> None:
        if self._written is not None:
            self._release(self._written)
        if self._turns:
            self._later(self._write)
        else:
            self._writing = False

    def _release(self, group: Group) -> None:
        self._written = None
        self._store.disk.sync()
        self._boundary("after a sync")
        self._released(group)
        self._boundary("after a release")

    def stop(self) -> None:
        """Writes and releases everything that has been put."""
        if self._written is not None:
            self._release(self._written)
        while self._turns:
            group, self._turns = self._turns, []
            self._store.disk.begin()
            committed = self._store.commit(1, [turn.changes for turn in group if turn.changes])
            self._release(Group(group, committed.conflicts))
