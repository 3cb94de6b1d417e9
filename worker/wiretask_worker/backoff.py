"""How long to wait before the next attempt to connect: longer each time, up to a bound, and never in step."""

from __future__ import annotations

from collections.abc import Callable

FIRST_SECONDS = 0.1
#: Well below the grace (10 s) that a restarted scheduler gives its workers to come back.
LAST_SECONDS = 3.0
_DOUBLINGS_MAXIMUM = 16


class Backoff:
    """Doubles, with jitter: between half and all of the present step."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._failures = 0

    def next(self) -> float:
        """The wait after one more failure, in seconds."""
        step: float = min(FIRST_SECONDS * 2 ** min(self._failures, _DOUBLINGS_MAXIMUM), LAST_SECONDS)
        self._failures += 1
        return step * (0.5 + 0.5 * self._random())

    def reset(self) -> None:
        """It has worked."""
        self._failures = 0
