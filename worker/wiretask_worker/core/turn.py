"""What one call of the core asks of its shell: messages to send, attempts to start and to stop, words for the log."""

from __future__ import annotations

from typing import Literal, NamedTuple

from wiretask_protocol.messages import CancelMode, ToScheduler
from wiretask_worker.core.assignment import Assignment

Level = Literal["info", "warning", "error"]


class Stop(NamedTuple):
    """An attempt that is to be stopped."""

    assignment: Assignment
    mode: CancelMode


class Note(NamedTuple):
    """A line for the log. It may hold words of the peer: escape it."""

    level: Level
    text: str


class Turn:
    """Filled by the core, emptied by the shell: sends go out first, then starts begin, then stops are asked for."""

    __slots__ = ("close", "grease", "notes", "ready", "refused", "sends", "starts", "stops")

    def __init__(self) -> None:
        self.sends: list[ToScheduler] = []
        #: To be written before the sends: a frame that every scheduler skips (PROTOCOL.md, R-HEL-010).
        self.grease = b""
        self.starts: list[Assignment] = []
        self.stops: list[Stop] = []
        self.notes: list[Note] = []
        #: The connection is to be closed after the sends.
        self.close = False
        #: The scheduler has taken the first subscription.
        self.ready = False
        #: The scheduler will never have this worker, or this worker the scheduler; why.
        self.refused: str | None = None

    def note(self, level: Level, text: str) -> None:
        """Adds a line for the log."""
        self.notes.append(Note(level, text))
