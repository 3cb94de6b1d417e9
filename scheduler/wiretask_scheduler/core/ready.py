"""The tasks that wait for a worker, in lanes.

A lane holds the tasks that the same workers can take (queue, type, cost, size class), as ten deques, one for each
priority, and a bit mask of those that are not empty: taking the best is a bit operation, whatever waits. A task that
leaves out of turn (cancelled, expired) stays as a dead entry until it comes up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from wiretask_protocol.limits import FRAME_LIMIT_FLOOR, RELAY_HEADROOM
from wiretask_protocol.machines import TaskMachineState
from wiretask_scheduler.core.tasks import Options, Task

#: So many dead entries cost nothing that is worth a sweep.
_DEAD_ENTRIES = 64

LaneKey = tuple[str, str, int, int]

#: An envelope up to this size fits every worker.
_SMALL = FRAME_LIMIT_FLOOR - RELAY_HEADROOM


def size_class(octets: int) -> int:
    """0 for what every worker takes; else the power of two that the frames of the class fit into."""
    return 0 if octets <= _SMALL else (octets + RELAY_HEADROOM - 1).bit_length()


def class_limit(size: int) -> int:
    """The frame limit that a worker must have for the largest envelope of a size class."""
    return FRAME_LIMIT_FLOOR if size == 0 else 1 << size


class Lane:
    """Ready tasks of one kind."""

    __slots__ = ("cost", "count", "dead", "key", "limit", "mask", "queue", "queues", "type")

    def __init__(self, key: LaneKey) -> None:
        self.key = key
        self.queue, self.type, self.cost, size = key
        self.limit = class_limit(size)
        self.queues: tuple[deque[Task], ...] = tuple(deque() for _ in range(10))
        self.mask = 0
        #: Entries, the dead ones included.
        self.count = 0
        self.dead = 0

    def push(self, task: Task) -> None:
        """Puts a task behind the others of its priority."""
        priority = task.options.priority
        self.queues[priority].append(task)
        self.mask |= 1 << priority
        self.count += 1

    def push_back(self, task: Task) -> None:
        """Puts a task that comes back before the others of its priority."""
        priority = task.options.priority
        self.queues[priority].appendleft(task)
        self.mask |= 1 << priority
        self.count += 1

    def head(self) -> Task | None:
        """The task that goes first; dead entries before it are dropped."""
        while self.mask:
            queue = self.queues[self.mask.bit_length() - 1]
            while queue:
                task = queue[0]
                if task.state is TaskMachineState.READY:
                    return task
                queue.popleft()
                self.count -= 1
                self.dead -= 1
            self.mask &= ~(1 << (self.mask.bit_length() - 1))
        return None

    def take(self, most: int) -> list[Task]:
        """Up to so many tasks of the highest priority, best first. They are no longer in the lane."""
        if self.head() is None:
            return []
        priority = self.mask.bit_length() - 1
        queue = self.queues[priority]
        taken: list[Task] = []
        popleft = queue.popleft
        ready = TaskMachineState.READY
        while queue and len(taken) < most:
            task = popleft()
            self.count -= 1
            if task.state is ready:
                taken.append(task)
            else:
                self.dead -= 1
        if not queue:
            self.mask &= ~(1 << priority)
        return taken

    def bury(self) -> None:
        """One of its tasks has left out of turn. When half of the entries are dead, they go."""
        self.dead += 1
        if self.dead > _DEAD_ENTRIES and 2 * self.dead > self.count:
            self.compact()

    def compact(self) -> None:
        """Drops the dead entries."""
        self.mask = self.count = self.dead = 0
        for priority, queue in enumerate(self.queues):
            alive = [task for task in queue if task.state is TaskMachineState.READY]
            queue.clear()
            queue.extend(alive)
            self.count += len(alive)
            self.mask |= (1 << priority) if alive else 0

    @property
    def top(self) -> int:
        """The highest priority that has entries; -1 for an empty lane."""
        return self.mask.bit_length() - 1


class Ready:
    """All lanes."""

    def __init__(self) -> None:
        self._lanes: dict[LaneKey, Lane] = {}

    def lane(self, options: Options, size: int) -> tuple[Lane, bool]:
        """The lane of tasks with these options, and whether it is new."""
        key = (options.queue, options.type, options.cost, size_class(size))
        lane = self._lanes.get(key)
        if lane is not None:
            return lane, False
        lane = self._lanes[key] = Lane(key)
        return lane, True

    def discard_empty(self) -> None:
        """Lets go of lanes that have nothing, so that names that are used once cost no memory for ever."""
        for key in [key for key, lane in self._lanes.items() if not lane.count]:
            del self._lanes[key]

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    def __len__(self) -> int:
        return len(self._lanes)
