"""An event loop whose time is a number that somebody moves: nothing in it ever waits."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

#: Rounds of the loop after which handlers that only call each other are told to come to an end.
_ROUNDS = 100_000


class _NoWait(selectors.DefaultSelector):
    """Looks at descriptors, and waits for none."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(0)


class HandMovedLoop(asyncio.SelectorEventLoop):
    """`clock` says what time it is."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(_NoWait())
        self._clock = clock

    def time(self) -> float:
        """The bench's time."""
        return self._clock()

    def settle(self) -> None:
        """Runs what can run now. Raises RuntimeError for handlers that never wait."""
        for _ in range(_ROUNDS):
            self.call_soon(self.stop)
            self.run_forever()
            if not self._waiting_now():
                return
        raise RuntimeError("the handlers call each other for ever and never wait; let one of them end")

    def _waiting_now(self) -> bool:
        """Whether there is something to run without a change of time."""
        due = self.next_timer()
        return bool(self._internals("_ready")) or (due is not None and due <= self.time())

    def next_timer(self) -> float | None:
        """When a handler that waits for time goes on."""
        times = [handle.when() for handle in self._internals("_scheduled") if not handle.cancelled()]
        return min(times, default=None)

    def _internals(self, name: str) -> Any:
        # asyncio has no word for "nothing left to do"; these two names are as old as it is.
        return getattr(self, name)
