"""Progress on its way out: of the reports of one task in a short time the latest goes, those with a body all go.

A Progress may always be left out (R-PRG-001), so the rate and the number are bounded and nothing waits for it.
"""

from __future__ import annotations

from wiretask_protocol.messages import Progress

#: Ten times a second moves a progress bar smoothly.
INTERVAL_SECONDS = 0.1
#: With a body, per interval: lines of a log come in bursts.
BODIES_MAXIMUM = 256


class ProgressBoard:
    """What is to be said of running tasks, and when."""

    def __init__(self) -> None:
        self._latest: dict[bytes, Progress] = {}
        self._bodies: list[Progress] = []
        self._sent_at = float("-inf")

    def __bool__(self) -> bool:
        return bool(self._latest or self._bodies)

    def put(self, progress: Progress) -> None:
        """Adds one; it goes out when `due` says so."""
        if not progress.body:
            self._latest[progress.task_id] = progress
        elif len(self._bodies) < BODIES_MAXIMUM:
            self._bodies.append(progress)

    def due(self) -> float | None:
        """When to take what is here (monotonic seconds)."""
        return self._sent_at + INTERVAL_SECONDS if self else None

    def take(self, now: float) -> list[Progress]:
        """All of it, at the time `now`."""
        taken = self._bodies + list(self._latest.values())
        self.clear()
        self._sent_at = now
        return taken

    def take_of(self, task_id: bytes) -> list[Progress]:
        """What is here of one task: it goes before its Result."""
        taken = [progress for progress in self._bodies if progress.task_id == task_id]
        if taken:
            self._bodies = [progress for progress in self._bodies if progress.task_id != task_id]
        latest = self._latest.pop(task_id, None)
        return taken if latest is None else [*taken, latest]

    def clear(self) -> None:
        """Nobody would take it."""
        self._latest = {}
        self._bodies = []
