"""Where work waits for threads: one that has got some wakes the next, if there is more.

Waking a thread costs more than a short task. So whoever puts work in wakes one thread at most, and while the work is
short that one does it all; when its handler waits for something, the others are there one after the other.
"""

from __future__ import annotations

from collections import deque
from queue import SimpleQueue
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Bench(Generic[T]):
    """Work for threads, first come, first served."""

    def __init__(self) -> None:
        self._work: deque[T] = deque()
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._lock = Lock()
        #: Threads that wait for the bell, and whether it has rung for one that has not looked yet.
        self._asleep = 0
        self._rung = False

    def put(self, work: T) -> None:
        """Adds work. Some thread that takes will get it."""
        self._work.append(work)
        self._ring()

    def take(self) -> T:
        """The next work, as soon as there is some."""
        while True:
            try:
                work = self._work.popleft()
            except IndexError:
                self._sleep()
                continue
            if self._work:
                self._ring()
            return work

    def _ring(self) -> None:
        with self._lock:
            if self._rung or not self._asleep:
                return
            self._rung = True
            self._asleep -= 1
        self._bell.put(None)

    def _sleep(self) -> None:
        with self._lock:
            if self._work:
                return
            self._asleep += 1
        self._bell.get()
        # Before it looks: what is put from now on rings again.
        self._rung = False
