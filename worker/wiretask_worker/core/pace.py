"""How much may wait here: as much as is done while the scheduler's next batch is on its way.

A durable scheduler answers once per commit, some milliseconds. A worker with few slots whose tasks are shorter than
that would be empty for most of the time; one whose tasks are long must not keep from others what it begins much later.
So what may wait grows with what ends.
"""

from __future__ import annotations

#: What may wait is what ends in this time: some commits of a slow disk; the scheduler asks back what waits for longer.
SECONDS = 0.05
#: At most so much waits.
MOST = 4096


class Pace:
    """What may wait, by cost; `least` whatever happens."""

    def __init__(self, least: int, most: int = MOST) -> None:
        self.waiting = least
        #: The most that has ever been allowed, so that nothing is refused that was asked for.
        self.promised = least
        self._least, self._most = least, max(least, most)
        self._since = 0.0
        self._ended = 0

    def end(self, cost: int, now: float) -> None:
        """So much has ended since the last call."""
        self._ended += cost
        passed = now - self._since
        if passed < SECONDS:
            return
        self.waiting = max(self._least, min(self._most, int(self._ended * SECONDS / passed)))
        self.promised = max(self.promised, self.waiting)
        self._since, self._ended = now, 0
