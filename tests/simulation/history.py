"""What happened on a day, as those saw it who asked for it and those who did it; and what must be true of that.

It shares no code with the scheduler: it knows what was asked for, which attempts began, what was answered, and the rows
on the disk.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from disk import Disk

from wiretask_protocol.messages import Outcome

SUCCEEDED = Outcome.SUCCEEDED
#: How long a worker may take to stop what has run too long, beyond its limit.
_MARGIN = 10.0


class ViolatedError(AssertionError):
    """Something that must hold does not; the text has the story of the task."""


@dataclass
class Record:
    """One task, as its client has asked for it."""

    name: str
    id: bytes
    client: str
    options: dict[str, Any]
    #: Names of tasks that must have ended, and whether it begins although one of them has failed.
    after: tuple[str, ...] = ()
    anyway: bool = False
    #: Its submission, for a client that has died meanwhile.
    repeat: Any = None
    accepted: bool = False
    refused: str | None = None
    cancelled: bool = False
    revived: bool = False
    #: What each of those was told that waited for it: the outcome, and the result.
    told: list[tuple[int, str]] = field(default_factory=list)
    begun: list[tuple[float, str]] = field(default_factory=list)
    #: The highest attempt that a worker was asked for.
    attempt: int = 0


class History:
    """All tasks of a day."""

    def __init__(self, seed: int, disk: Disk) -> None:
        self.seed = seed
        self.disk = disk
        self.records: dict[str, Record] = {}
        self.by_id: dict[bytes, Record] = {}
        self._stories: dict[bytes, list[str]] = defaultdict(list)
        self._common: list[str] = []
        self._lines = 0
        #: How far the clock on the wall was moved, both ways together; and whether the dead were given another life.
        self.jumped_ms = 0
        self.revived = False

    def add(self, record: Record) -> None:
        """A client is about to submit it."""
        self.records[record.name] = record
        self.by_id[record.id] = record

    def note(self, when: float, text: str, task_id: bytes | None = None) -> None:
        """A line of the story of a task, or of all of them."""
        self._lines += 1
        line = f"{self._lines:07d} {when:9.3f} {text}"
        (self._common if task_id is None else self._stories[task_id]).append(line)

    def violated(self, what: str, task_id: bytes | None = None) -> ViolatedError:
        """What to raise: with the shortest story of the task."""
        lines = sorted([*self._common, *self._stories.get(task_id or b"", ())])
        told = "\n".join("  " + line.partition(" ")[2] for line in lines)
        who = "" if task_id is None else f" ({self.name_of(task_id)}, {task_id.hex()})"
        return ViolatedError(f"seed {self.seed}: {what}{who}\n{told}")

    def name_of(self, task_id: bytes) -> str:
        """What the day calls it."""
        record = self.by_id.get(task_id)
        return record.name if record is not None else "a run"

    # -- while it goes on --

    def may_begin(self, record: Record) -> None:
        """Everything that it waits for must have ended, and well, unless it runs anyway."""
        for name in record.after:
            other = self.records[name]
            if other.refused is not None or other.revived:
                continue  # it waits for the one that has its unique key, or did not wait for its second life
            row = self.disk.row(other.id)
            if row is None or row.outcome is None:
                raise self.violated(f"it begins before {name}", record.id)
            if row.outcome != SUCCEEDED and not record.anyway:
                raise self.violated(f"it begins although {name} did not succeed", record.id)

    def handed_out(self, task_id: bytes, attempt: int) -> None:
        """A worker is asked for an attempt: those before it have failed for good, and no restart may forget that."""
        record = self.by_id.get(task_id)
        if record is None or record.revived:
            return
        if attempt < record.attempt:
            raise self.violated(f"its attempt {record.attempt} was handed out, and now attempt {attempt}", task_id)
        record.attempt = attempt

    def ran(self, record: Record, seconds: float) -> None:
        """An attempt is over."""
        limit = record.options.get("time_limit")
        if limit is not None and seconds > limit + _MARGIN:
            raise self.violated(f"it ran for {seconds:.1f} s, and its limit is {limit} s", record.id)

    def gathered(self, record: Record, said: list[str | None]) -> None:
        """A callback has got the results of its group."""
        rows = [self.disk.row(self.records[member].id) for member in record.after]
        expected = [
            member if row is not None and row.outcome == SUCCEEDED else None
            for member, row in zip(record.after, rows, strict=True)
        ]
        if said != expected:
            raise self.violated(f"it got the results {said} and not {expected}", record.id)

    @property
    def timed_keys(self) -> bool:
        """Whether somebody holds a unique key for a time, whatever becomes of the task."""
        return any(isinstance(record.options.get("unique", ("", "", ""))[2], float) for record in self.records.values())

    def revive(self, when: float, task_id: bytes) -> None:
        """A dead task gets another life: it may end in another way now."""
        self.revived = True
        if task_id in self.by_id:
            self.by_id[task_id].revived = True
        self.note(when, "an operator gives it another life", task_id)

    # -- in the end --

    def waiting(self) -> list[Record]:
        """Accepted, and somebody has not been told how it ended."""
        return [record for record in self.records.values() if record.accepted and not record.told]

    def verdict(self) -> None:
        """What must be true of the day."""
        for check in (self._ended_once, self._told_the_same, self._within_bounds, self._keys_were_kept):
            for what, task_id in check():
                raise self.violated(what, task_id)

    def _ended_once(self) -> Iterator[tuple[str, bytes]]:
        for record in self.records.values():
            row = self.disk.row(record.id)
            if record.accepted and row is None:
                yield "it was accepted, and there is nothing of it", record.id
            elif record.accepted and row is not None and row.outcome is None:
                yield "it was accepted, and has not ended", record.id
        for row in self.disk.rows.values():
            if self.disk.ends[row.id] != int(row.outcome is not None):
                yield f"it has ended {self.disk.ends[row.id]} times", row.id
            if row.outcome is None:
                yield "it lives although everything is over", row.id

    def _told_the_same(self) -> Iterator[tuple[str, bytes]]:
        for record in self.records.values():
            if len(set(record.told)) > 1 and not record.revived:
                yield f"it ended in several ways: {sorted(set(record.told))}", record.id
            row = self.disk.row(record.id)
            if row is None or not record.told:
                continue
            outcome, body = record.told[-1]
            if outcome != row.outcome and not record.revived:
                yield f"its client was told {outcome}, and the disk has {row.outcome}", record.id
            if outcome == SUCCEEDED and body != record.name:
                yield f"its client was told {body!r}", record.id

    def _within_bounds(self) -> Iterator[tuple[str, bytes]]:
        for record in self.records.values():
            row = self.disk.row(record.id)
            if row is None or row.outcome is None:
                continue
            if row.outcome == SUCCEEDED and not record.begun:
                yield "it succeeded and was never begun", record.id
            if row.attempt > record.options.get("max_attempts", 1):
                yield f"it had {row.attempt} attempts", record.id
            if row.outcome == Outcome.EXPIRED and "expires_in" not in record.options:
                yield "it expired and never said so", record.id
            if row.outcome == Outcome.CANCELLED and not (
                record.cancelled or record.after or "callback" in record.options
            ):
                yield "it was cancelled by nobody", record.id

    def _keys_were_kept(self) -> Iterator[tuple[str, bytes]]:
        """Of two tasks with one unique key the second one was submitted after the first one had ended."""
        for first, second in self.disk.doubles:
            yield f"it has the unique key of {self.name_of(first)}, which had not ended", second
