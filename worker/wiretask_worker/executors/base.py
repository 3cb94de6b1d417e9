"""What every executor is to the shell: a place where attempts are started and stopped, and from where they end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from wiretask_protocol.messages import CancelMode
from wiretask_worker.core.assignment import Assignment, Ended

#: Takes the ends of attempts, on the event loop.
Ends = Callable[[Sequence[Ended]], None]
#: Takes (assignment, current, total, body, text), on the event loop.
Steps = Callable[[Assignment, int, int, bytes, str | None], None]


class Executor(Protocol):
    """Runs attempts. Each one that is started ends exactly once, stopped or not. Called on the event loop."""

    def start(self, assignment: Assignment) -> None:
        """Begins an attempt."""

    def stop(self, assignment: Assignment, mode: CancelMode) -> None:
        """Asks an attempt to stop, or stops it where that is possible. It may have ended before."""

    def close(self) -> None:
        """Gives everything up, at once; nothing ends any more."""
