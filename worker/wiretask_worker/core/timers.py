"""Points in time at which an assignment is looked at again.

Entries whose assignment has moved on are left to rot, and swept out when they are the half.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count

from wiretask_protocol.machines import AssignmentState
from wiretask_worker.core.assignment import Assignment

_Entry = tuple[float, int, AssignmentState, Assignment]
_SWEEP_MINIMUM = 64


class Timers:
    """A heap of (monotonic seconds, assignment in a state)."""

    def __init__(self) -> None:
        self._heap: list[_Entry] = []
        self._order = count()
        self._sweep_at = _SWEEP_MINIMUM

    def set(self, when: float, assignment: Assignment) -> None:
        """Look at the assignment then, unless it waits no more (or has ended, if it runs)."""
        heappush(self._heap, (when, next(self._order), assignment.state, assignment))
        if len(self._heap) > self._sweep_at:
            self._heap = [entry for entry in self._heap if _alive(entry)]
            heapify(self._heap)
            self._sweep_at = max(_SWEEP_MINIMUM, 2 * len(self._heap))

    def next(self) -> float | None:
        """The earliest time at which something is due."""
        while self._heap and not _alive(self._heap[0]):
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> list[Assignment]:
        """Takes out what is due."""
        found = []
        while (when := self.next()) is not None and when <= now:
            found.append(heappop(self._heap)[3])
        return found


def _alive(entry: _Entry) -> bool:
    _, _, state, assignment = entry
    if state is AssignmentState.SENT:
        return assignment.state is AssignmentState.SENT
    return assignment.state is not AssignmentState.ENDED
