"""Where tasks of one priority stand: in the order in which they came, or by the turns of their tenants.

A task that leaves out of turn (cancelled, expired) stays as a dead entry until it comes up; a task that comes back
takes the place that its seq gives it.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain

from wiretask_protocol.machines import TaskMachineState
from wiretask_scheduler.core.tasks import Task

_READY = TaskMachineState.READY


class Shelf:
    """First come, first served. Putting and taking cost the same however many wait."""

    __slots__ = ("_early", "_number", "_tasks")

    def __init__(self) -> None:
        self._tasks: deque[Task] = deque()
        #: Those that came back: they go by their seq, and before those that came later.
        self._early: list[tuple[int, int, Task]] = []
        self._number = 0

    def put(self, task: Task) -> None:
        """Puts a task behind the others."""
        self._tasks.append(task)

    def put_many(self, tasks: Iterable[Task]) -> None:
        """Puts tasks behind the others."""
        self._tasks.extend(tasks)

    def put_back(self, task: Task) -> None:
        """Puts a task that had its turn before those that came later."""
        self._number += 1
        heapq.heappush(self._early, (task.seq, self._number, task))

    def head(self) -> tuple[Task | None, int]:
        """The task that goes first, and how many dead entries before it were dropped."""
        dropped = 0
        tasks, early = self._tasks, self._early
        while tasks and tasks[0].state is not _READY:
            tasks.popleft()
            dropped += 1
        while early and early[0][2].state is not _READY:
            heapq.heappop(early)
            dropped += 1
        if early and (not tasks or early[0][0] < tasks[0].seq):
            return early[0][2], dropped
        return (tasks[0] if tasks else None), dropped

    def take(self, most: int) -> tuple[list[Task], int]:
        """Up to so many tasks, and how many dead entries were dropped on the way."""
        taken: list[Task] = []
        dropped = 0
        tasks = self._tasks
        if not self._early:
            ready, popleft = _READY, tasks.popleft
            while tasks and len(taken) < most:
                task = popleft()
                if task.state is ready:
                    taken.append(task)
                else:
                    dropped += 1
            return taken, dropped
        while len(taken) < most:
            first, gone = self.head()
            dropped += gone
            if first is None:
                break
            if self._early and self._early[0][2] is first:
                heapq.heappop(self._early)
            else:
                tasks.popleft()
            taken.append(first)
        return taken, dropped

    def compact(self) -> None:
        """Drops the dead entries."""
        alive = [task for task in self._tasks if task.state is _READY]
        self._tasks.clear()
        self._tasks.extend(alive)
        self._early = [entry for entry in self._early if entry[2].state is _READY]
        heapq.heapify(self._early)

    def __iter__(self) -> Iterator[Task]:
        return chain((entry[2] for entry in self._early), self._tasks)

    def __len__(self) -> int:
        return len(self._tasks) + len(self._early)

    def before(self, seq: int) -> int:
        """About how many entries go before a seq."""
        low, high = 0, len(self._tasks)
        while low < high:
            middle = (low + high) // 2
            if self._tasks[middle].seq < seq:
                low = middle + 1
            else:
                high = middle
        return low + sum(entry[0] < seq for entry in self._early)


class Turns:
    """Whose turn it is among names with weights (start-time fair queueing: Goyal, Vin and Cheng, 1996).

    A name that was away begins with those that are at work now: it neither owes nor has saved anything.
    """

    __slots__ = ("_finished", "_sweep_at", "virtual")

    def __init__(self) -> None:
        #: The start of the turn that is being served.
        self.virtual = 0.0
        self._finished: dict[str, float] = {}
        self._sweep_at = _NAMES

    def start(self, name: str) -> float:
        """When the next turn of a name begins that has none waiting."""
        return max(self.virtual, self._finished.get(name, 0.0))

    def finished(self, name: str) -> float:
        """When the last turn of a name has ended; 0.0 where it had none lately."""
        return self._finished.get(name, 0.0)

    def serve(self, name: str, start: float, amount: float, weight: int) -> float:
        """A turn is served. Returns when the next one of the name begins."""
        self.virtual = max(self.virtual, start)
        end = self._finished[name] = start + amount / weight
        if len(self._finished) > self._sweep_at:
            # Who owes nothing any more is as good as new.
            self._finished = {name: end for name, end in self._finished.items() if end > self.virtual}
            self._sweep_at = max(_NAMES, 2 * len(self._finished))
        return end


#: Names that are remembered before the first sweep.
_NAMES = 1024


class FairShelf:
    """Tenants by turns, each with a shelf of its own. Costs grow with the logarithm of the number of tenants."""

    __slots__ = ("_count", "_heap", "_number", "_tenants", "_turns")

    def __init__(self, turns: Turns, former: Shelf) -> None:
        """`turns` is shared by all shelves of a queue; `former` holds those who have no key, and are one tenant."""
        self._turns = turns
        self._tenants: dict[str, Shelf] = {}
        #: The tenants that have tasks, by the start of their turn.
        self._heap: list[tuple[float, int, str]] = []
        self._number = 0
        self._count = len(former)
        if former:
            self._tenants[""] = former
            self._line_up("")

    def _line_up(self, name: str) -> None:
        self._number += 1
        heapq.heappush(self._heap, (self._turns.start(name), self._number, name))

    def _shelf(self, task: Task) -> Shelf:
        fairness = task.options.fairness
        name = fairness.key if fairness is not None else ""
        shelf = self._tenants.get(name)
        if shelf is None:
            shelf = self._tenants[name] = Shelf()
            self._line_up(name)
        self._count += 1
        return shelf

    def put(self, task: Task) -> None:
        """Puts a task behind the others of its tenant."""
        self._shelf(task).put(task)

    def put_many(self, tasks: Iterable[Task]) -> None:
        """Puts tasks behind the others of their tenants."""
        for task in tasks:
            self.put(task)

    def put_back(self, task: Task) -> None:
        """Puts a task that had its turn before those of its tenant that came later."""
        self._shelf(task).put_back(task)

    def head(self) -> tuple[Task | None, int]:
        """The task that goes first, and how many dead entries before it were dropped."""
        dropped = 0
        while self._heap:
            start, number, name = self._heap[0]
            task, gone = self._tenants[name].head()
            dropped += gone
            self._count -= gone
            if task is None:
                heapq.heappop(self._heap)
                del self._tenants[name]
            elif self._turns.finished(name) > start:
                # It was served elsewhere in the queue since it got in line here.
                heapq.heapreplace(self._heap, (self._turns.finished(name), number, name))
            else:
                return task, dropped
        return None, dropped

    @property
    def start(self) -> float:
        """When the turn begins of the task that goes first; call `head` before."""
        return self._heap[0][0] if self._heap else 0.0

    def take(self, most: int) -> tuple[list[Task], int]:
        """Up to so many tasks, and how many dead entries were dropped on the way."""
        taken: list[Task] = []
        dropped = 0
        while len(taken) < most:
            first, gone = self.head()
            dropped += gone
            if first is None:
                break
            start, number, name = self._heap[0]
            self._tenants[name].take(1)
            self._count -= 1
            taken.append(first)
            weight = first.options.fairness.weight if first.options.fairness is not None else 1
            heapq.heapreplace(self._heap, (self._turns.serve(name, start, 1, weight), number, name))
        return taken, dropped

    def compact(self) -> None:
        """Drops the dead entries."""
        for shelf in self._tenants.values():
            shelf.compact()
        self._count = sum(map(len, self._tenants.values()))

    def __iter__(self) -> Iterator[Task]:
        return chain.from_iterable(self._tenants.values())

    def __len__(self) -> int:
        return self._count

    def before(self, seq: int) -> int:
        """About how many entries go before a seq: as many of each tenant."""
        if len(self._tenants) > _NAMES:
            return self._count
        return sum(shelf.before(seq) for shelf in self._tenants.values())
