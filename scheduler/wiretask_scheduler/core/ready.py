"""The tasks that wait for a worker, in lanes.

A lane holds the tasks that the same workers can take (queue, type, cost, size class, labels, resources; and apart
from the others those with which a worker has died), on ten
shelves, one for each priority, with a bit mask of those that are not empty: taking the best is a bit operation,
whatever waits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wiretask_protocol.limits import FRAME_LIMIT_FLOOR, RELAY_HEADROOM
from wiretask_scheduler.core.queues import Queue
from wiretask_scheduler.core.shelves import FairShelf, Shelf, Turns
from wiretask_scheduler.core.tasks import Task

#: So many dead entries cost nothing that is worth a sweep.
_DEAD_ENTRIES = 64

LaneKey = tuple[str, str, int, int, tuple[str, ...], tuple[tuple[str, int], ...], bool]

#: A shelf of a priority that no task of a line has had: it stays empty. Ten of its own for each line would be 7 KB, and
#: there is a line for each concurrency key.
_NOTHING = Shelf()

#: An envelope up to this size fits every worker.
SMALL = FRAME_LIMIT_FLOOR - RELAY_HEADROOM


def size_class(octets: int) -> int:
    """0 for what every worker takes; else the power of two that the frames of the class fit into."""
    return 0 if octets <= SMALL else (octets + RELAY_HEADROOM - 1).bit_length()


def class_limit(size: int) -> int:
    """The frame limit that a worker must have for the largest envelope of a size class."""
    return FRAME_LIMIT_FLOOR if size == 0 else 1 << size


class Line:
    """Tasks by priority, and within one priority as its shelf has them."""

    __slots__ = ("count", "dead", "mask", "shelves", "turns")

    def __init__(self, turns: Turns | None = None) -> None:
        self.turns = turns
        self.shelves: list[Shelf | FairShelf] = [_NOTHING] * 10
        self.mask = 0
        #: Entries, the dead ones included.
        self.count = 0
        self.dead = 0

    def _shelf(self, priority: int) -> Shelf | FairShelf:
        """The shelf of a priority, to put something on."""
        shelf = self.shelves[priority]
        if shelf is _NOTHING:
            shelf = Shelf() if self.turns is None else FairShelf(self.turns, Shelf())
            self.shelves[priority] = shelf
        return shelf

    def put(self, task: Task) -> None:
        """Puts a task behind the others of its priority."""
        priority = task.options.priority
        self._shelf(priority).put(task)
        self.mask |= 1 << priority
        self.count += 1

    def put_many(self, tasks: Sequence[Task]) -> None:
        """Puts tasks of one priority behind the others of it."""
        priority = tasks[0].options.priority
        self._shelf(priority).put_many(tasks)
        self.mask |= 1 << priority
        self.count += len(tasks)

    def put_back(self, task: Task) -> None:
        """Puts a task that comes back before those of its priority that came later."""
        priority = task.options.priority
        self._shelf(priority).put_back(task)
        self.mask |= 1 << priority
        self.count += 1

    def head(self) -> Task | None:
        """The task that goes first; dead entries before it are dropped."""
        while self.mask:
            priority = self.mask.bit_length() - 1
            task, dropped = self.shelves[priority].head()
            self._drop(dropped)
            if task is not None:
                return task
            self.mask &= ~(1 << priority)
        return None

    def take(self, most: int) -> list[Task]:
        """Up to so many tasks of the highest priority, best first. They are no longer in the line."""
        if self.head() is None:
            return []
        priority = self.mask.bit_length() - 1
        shelf = self.shelves[priority]
        taken, dropped = shelf.take(most)
        self._drop(dropped)
        self.count -= len(taken)
        if not shelf:
            self.mask &= ~(1 << priority)
        return taken

    def take_turns(self, turns: Turns) -> None:
        """From now on the tenants among its tasks go by turns."""
        if self.turns is None:
            self.turns = turns
            former = [shelf for shelf in self.shelves if isinstance(shelf, Shelf)]
            self.shelves = [shelf if shelf is _NOTHING else FairShelf(turns, shelf) for shelf in former]

    def _drop(self, entries: int) -> None:
        self.count -= entries
        self.dead -= entries

    def bury(self) -> None:
        """One of its tasks has left out of turn. When half of the entries are dead, they go."""
        self.dead += 1
        if self.dead > _DEAD_ENTRIES and 2 * self.dead > self.count:
            self.compact()

    def compact(self) -> None:
        """Drops the dead entries."""
        self.mask = self.count = self.dead = 0
        for priority, shelf in enumerate(self.shelves):
            shelf.compact()
            self.count += len(shelf)
            self.mask |= (1 << priority) if len(shelf) else 0

    @property
    def top(self) -> int:
        """The highest priority that has entries; -1 for an empty line."""
        return self.mask.bit_length() - 1

    def ahead(self, task: Task) -> int:
        """About how many of its entries go before a task."""
        priority = task.options.priority
        return sum(map(len, self.shelves[priority + 1 :])) + self.shelves[priority].before(task.seq)

    def __iter__(self) -> Iterator[Task]:
        for shelf in self.shelves:
            yield from shelf


class Lane(Line):
    """Ready tasks that the same workers can take."""

    __slots__ = ("cost", "key", "limit", "queue", "requires", "resources", "suspect", "type", "waits_since")

    def __init__(self, key: LaneKey, queue: Queue) -> None:
        super().__init__(queue.turns)
        self.key = key
        self.queue = queue
        _, self.type, self.cost, size, self.requires, self.resources, self.suspect = key
        self.limit = class_limit(size)
        #: Since when its head could have gone first but for room, by the monotonic clock; 0.0 where it could not.
        self.waits_since = 0.0

    @property
    def start(self) -> float:
        """When the turn of its head begins among the tenants of its queue; call `head` before."""
        shelf = self.shelves[self.top]
        return shelf.start if isinstance(shelf, FairShelf) else 0.0


class Ready:
    """All lanes."""

    def __init__(self) -> None:
        self._lanes: dict[LaneKey, Lane] = {}

    def lane(self, task: Task, queue: Queue) -> tuple[Lane, bool]:
        """The lane of a task, and whether it is new."""
        options, size, rare = task.options, task.size, task.rare
        key = (
            options.queue,
            options.type,
            options.cost,
            0 if size <= SMALL else size_class(size),
            options.requires,
            options.resources,
            rare is not None and rare.crashes > 0,
        )
        lane = self._lanes.get(key)
        # An empty lane may outlive its queue, which was forgotten and is back.
        if lane is not None and lane.queue is queue:
            return lane, False
        lane = self._lanes[key] = Lane(key, queue)
        return lane, True

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in any lane."""
        return not any(lane.mask for lane in self._lanes.values())

    def take_turns(self, queue: Queue) -> None:
        """The first tenant of a queue is here: from now on they go by turns in all of its lanes."""
        turns = queue.turns = Turns()
        for lane in self._lanes.values():
            if lane.queue is queue:
                lane.take_turns(turns)

    def discard_empty(self) -> None:
        """Lets go of lanes that have nothing, so that names that are used once cost no memory for ever."""
        for key in [key for key, lane in self._lanes.items() if not lane.count]:
            del self._lanes[key]

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    def __len__(self) -> int:
        return len(self._lanes)
