"""How long to wait before the next connection: twice as long each time, less a random part.

It knows no clock. The random part keeps clients that lost the scheduler together from returning together.
"""

from __future__ import annotations

from collections.abc import Callable

#: A scheduler that restarts is back within a second or so: the first attempts come quickly.
FIRST_SECONDS = 0.05
#: A scheduler that is away for long is asked every few seconds by each client.
LONGEST_SECONDS = 5.0

_RANDOM_BITS = 16


class Backoff:
    """Waits that grow until `reset`. `random_bits(n)` gives n random bits."""

    def __init__(self, random_bits: Callable[[int], int]) -> None:
        self._random_bits = random_bits
        self._seconds = FIRST_SECONDS

    def reset(self) -> None:
        """It has worked: begin anew."""
        self._seconds = FIRST_SECONDS

    def next_seconds(self) -> float:
        """The next wait: between half of the full wait and all of it."""
        full = self._seconds
        self._seconds = min(2 * full, LONGEST_SECONDS)
        return full * (1 - self._random_bits(_RANDOM_BITS) / (2 << _RANDOM_BITS))
