"""The tasks in memory: those that have not ended. Bodies are not here, only what scheduling needs.

A record is a slotted struct outside the garbage collector; what most tasks have in common (`Options`) is shared, and
what few tasks have (`Rare`) is apart. `move` is the one funnel through which a state changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import msgspec

from wiretask_protocol.machines import TASK, TaskMachineEvent, TaskMachineState
from wiretask_protocol.messages import ConcurrencyKey, FairnessKey, RateKey, RetryPolicy

if TYPE_CHECKING:
    from wiretask_scheduler.core.limits import Gate


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
    #: Labels that its worker must have, and what it uses up of each resource; both in the order of their names.
    requires: tuple[str, ...] = ()
    resources: tuple[tuple[str, int], ...] = ()
    concurrency: ConcurrencyKey | None = None
    rate: RateKey | None = None
    fairness: FairnessKey | None = None
    #: Whether there is a limit that it may have to wait for.
    limited: bool = False
    #: Whose it is.
    principal: str = ""


class Attempt(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """How one delivery went that did not end the task."""

    attempt: int
    outcome: int
    #: By the wall clock, in milliseconds.
    ended: int
    worker: str
    error_type: str | None
    error_message: str | None


class Links(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What ties a task to others, as it was submitted."""

    #: Tasks that must succeed first, and whether it runs although one has not.
    after: tuple[bytes, ...] = ()
    run_anyway: bool = False
    #: It is a callback: how many members it waits for (-1: it is none), and how its handler is called.
    size: int = -1
    form: int = 0
    #: It is a member: of whose group, and its place in it.
    callback: bytes = b""
    place: int = 0
    #: The key that it holds, so that no task like it is taken in; and how long: see `UniqueUntil`.
    unique: bytes = b""
    until: int = 0


class Rare(msgspec.Struct):
    """What few tasks have."""

    failures: int = 0
    crashes: int = 0
    losses: int = 0
    deliveries: int = 0
    #: The lease of the last delivery that is over: what a worker claims up to it after a restart has been counted.
    former: int = 0
    #: By the wall clock, in milliseconds.
    due: int | None = None
    expires: int | None = None
    #: The last error, and how the latest deliveries went, the oldest first.
    error_type: str | None = None
    error_message: str | None = None
    history: tuple[Attempt, ...] = ()
    #: More peers that wait for the result, besides `waiter`.
    waiters: tuple[int, ...] = ()
    #: Peers that want its Progress.
    watchers: tuple[int, ...] = ()
    #: Sessions of workers that could not read it.
    refused_by: tuple[bytes, ...] = ()
    #: How somebody asked for it to stop while a worker had it (`CancelMode`); 0 where nobody has.
    cancelling: int = 0
    #: Whether the wait until `due` is a backoff and not a delay.
    backoff: bool = False
    started: float = 0.0
    links: Links | None = None
    #: How many tasks have not ended that it waits for.
    blockers: int = 0
    #: What waits for it is cancelled with it, whatever it would do if it failed.
    uprooted: bool = False
    #: It has expired while a worker had it, or may have had it: when that gives it back, it is over.
    overdue: bool = False


class Task(msgspec.Struct, gc=False, eq=False):
    """One task that has not ended."""

    id: bytes
    seq: int
    options: Options
    #: Octets of its envelope, and for a callback of the results of its group besides.
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
    #: The limit that it waits for; None once it is past them all.
    gate: Gate | None = None

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
        #: By the octet 13 of the id.
        self.parts: list[dict[bytes, Task]] = [{} for _ in range(256)]
        self._options: dict[Options, Options] = {}
        #: How many tasks are in each state.
        self.count = 0

    def get(self, task_id: bytes) -> Task | None:
        """The live task of an id."""
        return self.parts[task_id[13]].get(task_id)

    def add(self, task: Task) -> None:
        """Takes a task in."""
        self.parts[task.id[13]][task.id] = task
        self.count += 1

    def remove(self, task: Task) -> None:
        """Lets go of a task that has ended."""
        del self.parts[task.id[13]][task.id]
        self.count -= 1

    def shared(self, options: Options) -> Options:
        """The one object for this set of options. Bounded: past many distinct sets, a set is not shared."""
        found = self._options.get(options)
        if found is not None:
            return found
        if len(self._options) < _SHARED_OPTIONS:
            self._options[options] = options
        return options

    def shards(self) -> Iterator[Collection[Task]]:
        """All live tasks, in parts; what changes meanwhile may be missed, or seen twice."""
        for shard in self.parts:
            yield shard.values()

    def __iter__(self) -> Iterator[Task]:
        for shard in self.parts:
            yield from shard.values()


#: Distinct sets of options that are kept for sharing; programs have dozens, and 65 536 take 16 MiB.
_SHARED_OPTIONS = 65536
