"""The queues: how many tasks they have, how long they may be, and what an operator has said of them.

A queue that nobody has said anything of, and that has no task, is not remembered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum
from hashlib import sha256

from wiretask_scheduler.core.shelves import Turns


class Mode(IntEnum):
    """What an operator has said of a queue."""

    OPEN = 0
    #: New tasks are taken, none is handed out.
    PAUSED = 1
    #: None is taken, what is there is handed out.
    CLOSED = 2


def placement(queue: str) -> bytes:
    """The last two octets of the ids of a queue's tasks (PROTOCOL.md, TaskId)."""
    return sha256(queue.encode()).digest()[:2]


class Queue:
    """One queue."""

    __slots__ = ("length_limit", "live", "mode", "name", "placement", "turns")

    def __init__(self, name: str, length_limit: int) -> None:
        self.name = name
        self.placement = placement(name)
        #: Tasks that have not ended, and how many there may be; 0 is no limit.
        self.live = 0
        self.length_limit = length_limit
        self.mode = Mode.OPEN
        #: Whose turn it is; None as long as no task has named a tenant.
        self.turns: Turns | None = None

    @property
    def full(self) -> bool:
        """Whether it takes no more tasks for want of room."""
        return 0 < self.length_limit <= self.live


#: Queues that are remembered before the first sweep.
_QUEUES = 1024


class Queues:
    """All queues, by name."""

    def __init__(self, length_limit: int, length_limits: Mapping[str, int]) -> None:
        self._length_limit = length_limit
        self._length_limits = length_limits
        self._queues: dict[str, Queue] = {}
        self._sweep_at = _QUEUES

    def __getitem__(self, name: str) -> Queue:
        queue = self._queues.get(name)
        if queue is None:
            if len(self._queues) >= self._sweep_at:
                self._sweep()
            queue = Queue(name, self._length_limits.get(name, self._length_limit))
            self._queues[name] = queue
        return queue

    def limit(self, length_limit: int, length_limits: Mapping[str, int]) -> None:
        """How long queues may be from now on; one that is longer takes nothing until it is not."""
        self._length_limit, self._length_limits = length_limit, length_limits
        for queue in self:
            queue.length_limit = length_limits.get(queue.name, length_limit)

    def _sweep(self) -> None:
        self._queues = {name: queue for name, queue in self._queues.items() if queue.live or queue.mode}
        self._sweep_at = max(_QUEUES, 2 * len(self._queues))

    def __iter__(self) -> Iterator[Queue]:
        return iter(self._queues.values())
