"""The tasks in memory: those that have not ended. Bodies are not here, only what scheduling needs.

A record is a slotted struct outside the garbage collector; what most tasks have in common (`Options`) is shared, and
what few tasks have (`Rare`) is apart. `move` is the one funnel through which a state changes.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from wiretask_protocol.machines import TASK, TaskMachineEvent, TaskMachineState
from wiretask_protocol.messages import RetryPolicy


class Options(msgspec.Struct, frozen=True, gc=False):
    """What a task asks for; one object for each distinct set."""

    type: str
    queue: str
    priority: int
    cost: int = 1
    #: 0 where it does not say: then the worker's word for its type counts, and where that says nothing, it is one.
    max_attempts: int = 0
    time_limit: int = 0
    retry: RetryPolicy | None = None
    #: In milliseconds; None is the scheduler's default.
    retention: int | None = None


class Rare(msgspec.Struct):
    """What few tasks have."""

    failures: int = 0
    crashes: int = 0
    losses: int = 0
    deliveries: int = 0
    #: By the wall clock, in milliseconds.
    due: int | None = None
    expires: int | None = None
    error_type: str | None = None
    error_message: str | None = None
    #: More peers that wait for the result, besides `waiter`.
    waiters: tuple[int, ...] = ()
    #: Peers that want its Progress.
    watchers: tuple[int, ...] = ()
    #: Sessions of workers that could not read it.
    refused_by: tuple[bytes, ...] = ()
    cancelling: bool = False
    #: Whether the wait until `due` is a backoff and not a delay.
    backoff: bool = False
    started: float = 0.0


class Task(msgspec.Struct, gc=False):
    """One task that has not ended."""

    id: bytes
    seq: int
    options: Options
    size: int
    submitted: int
    state: TaskMachineState = TaskMachineState.NEW
    #: The current lease; 0 is none.
    lease: int = 0
    #: Peer that gets the result; 0 is none.
    waiter: int = 0
    #: Session that holds the lease.
    holder: bytes = b""
    rare: Rare | None = None

    def rarely(self) -> Rare:
        """What few tasks have, made when it is first needed."""
        if self.rare is None:
            self.rare = Rare()
        return self.rare

    @property
    def attempt(self) -> int:
        """Which attempt the next delivery, or the present one, is."""
        return 1 if self.rare is None else self.rare.failures + 1


class IllegalMoveError(Exception):
    """The task machine has no such transition: a bug of the core, never a peer's fault."""


def move(task: Task, event: TaskMachineEvent) -> TaskMachineState:
    """Changes the state of a task as the machine of the spec says; nothing else does. Returns the new state."""
    target = TASK[task.state][event]
    if target is None:
        raise IllegalMoveError(f"task {task.id.hex()} in state {task.state.name} cannot {event.name}")
    task.state = target
    return target


class Tasks:
    """The table of live tasks, by id.

    256 dicts by the last octet but two, which is random: one dict of millions of entries stops the world for seconds
    when it grows.
    """

    def __init__(self) -> None:
        self._shards: list[dict[bytes, Task]] = [{} for _ in range(256)]
        self._options: dict[Options, Options] = {}
        #: How many tasks are in each state.
        self.count = 0

    def get(self, task_id: bytes) -> Task | None:
        """The live task of an id."""
        return self._shards[task_id[13]].get(task_id)

    def add(self, task: Task) -> None:
        """Takes a task in."""
        self._shards[task.id[13]][task.id] = task
        self.count += 1

    def remove(self, task: Task) -> None:
        """Lets go of a task that has ended."""
        del self._shards[task.id[13]][task.id]
        self.count -= 1

    def shared(self, options: Options) -> Options:
        """The one object for this set of options. Bounded: past many distinct sets, a set is not shared."""
        found = self._options.get(options)
        if found is not None:
            return found
        if len(self._options) < _SHARED_OPTIONS:
            self._options[options] = options
        return options

    def __iter__(self) -> Iterator[Task]:
        for shard in self._shards:
            yield from shard.values()


#: Distinct sets of options that are kept for sharing; programs have dozens, and 65 536 take 16 MiB.
_SHARED_OPTIONS = 65536
