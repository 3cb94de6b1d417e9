"""Tasks that wait for others: for those of their `after`, and callbacks for the members of their group.

A task waits as long as it has blockers. What has ended is told to those that wait for it in slices, so that a task with
a million dependents stops nobody. Every edge, and the result of every member, is a fact in the store that goes when it
has done its work: a restart finds exactly what was left to do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from wiretask_protocol.machines import TaskMachineEvent, TaskMachineState
from wiretask_protocol.messages import Outcome
from wiretask_scheduler.core import endings, facts
from wiretask_scheduler.core.tasks import Links, Task, move
from wiretask_scheduler.core.turn import Lookup

if TYPE_CHECKING:
    from wiretask_scheduler.core.state import State

#: Edges that are followed in one go.
_SLICE = 2000
#: Tasks that are looked at for a circle.
_LOOKED_AT = 10_000
#: Places of a group, by number: nobody has taken it; its member lives; its member has ended.
_FREE, _TAKEN, _ENDED = 0, 1, 2


class Group:
    """The members of a callback, whether it is here yet or not."""

    __slots__ = ("callback", "ended", "failed", "members", "octets", "places", "principal")

    def __init__(self) -> None:
        #: Whose it is. None after a restart, as long as only results of it are here: then who knows its id.
        self.principal: str | None = None
        self.callback: Task | None = None
        #: What each place is, as far as they have been named.
        self.places = bytearray()
        #: Ids of those that were submitted since the start.
        self.members: list[bytes] = []
        self.ended = 0
        #: The id of a member that has not succeeded.
        self.failed: bytes = b""
        #: Of the results that are here.
        self.octets = 0

    def place(self, number: int) -> int:
        """What a place is."""
        return self.places[number] if number < len(self.places) else _FREE

    def mark(self, number: int, what: int) -> None:
        """Says what a place is from now on."""
        if number >= len(self.places):
            self.places.extend(bytes(number + 1 - len(self.places)))
        self.places[number] = what


class News(NamedTuple):
    """A task has ended, and others wait for it that have not been told yet."""

    dependency: bytes
    succeeded: bool
    waiting: deque[Task]
    #: Whether they are cancelled whatever they asked for.
    uproots: bool


class Dependencies:
    """Who waits for whom."""

    def __init__(self) -> None:
        #: By the id of a task: those that wait for it.
        self.dependents: dict[bytes, list[Task]] = {}
        #: By the id of a callback: its group.
        self.groups: dict[bytes, Group] = {}
        #: Of tasks that have ended: what those must hear that wait for them.
        self.news: deque[News] = deque()

    def __len__(self) -> int:
        return sum(map(len, self.dependents.values()))


# -- taking in --


def misfit(state: State, task_id: bytes, links: Links, principal: str) -> str | None:
    """Why a task does not fit into a group; None if it does."""
    group = state.dependencies.groups.get(links.callback) if links.callback else None
    if _foreign(group, principal):
        return "its group is not known"
    if group is not None:
        callback = group.callback
        if callback is not None:
            if callback.state is not TaskMachineState.WAITING:
                return "its callback has begun"
            links_of = callback.rare.links if callback.rare is not None else None
            if links_of is not None and links.place >= links_of.size:
                return f"its place {links.place} is not below {links_of.size}, the size of its group"
        if group.place(links.place) != _FREE:
            return f"its place {links.place} is taken"
    if links.size >= 0:
        own = state.dependencies.groups.get(task_id)
        if _foreign(own, principal):
            return "its group is not known"
        if own is not None and len(own.places) > links.size:
            return f"a member of its group has the place {len(own.places) - 1}, and it says {links.size} members"
    return None


def _foreign(group: Group | None, principal: str) -> bool:
    return group is not None and group.principal is not None and group.principal != principal


def cycle(state: State, task_id: bytes, after: Sequence[bytes], links: Links) -> str | None:
    """Why a task would wait for itself, as far as can be told; None if it would not.

    Nothing can wait for a task that is not here yet, but a callback for its members. So only a member that waits for
    others, and whose callback is here already, can close a circle.
    """
    if task_id in after or links.callback == task_id:
        return "it names itself"
    group = state.dependencies.groups.get(links.callback) if links.callback else None
    if group is None or group.callback is None or not after:
        return None
    seen: set[bytes] = set()
    ahead = list(after)
    while ahead:
        found = state.tasks.get(ahead.pop())
        if found is None or found.id in seen:
            continue
        if found is group.callback:
            return "it waits for the callback of its own group"
        seen.add(found.id)
        if len(seen) > _LOOKED_AT:
            return f"it waits for more than {_LOOKED_AT} tasks; submit the callback after its members"
        if found.rare is not None and found.rare.links is not None:
            ahead += found.rare.links.after
            other = state.dependencies.groups.get(found.id)
            if other is not None:
                ahead += other.members
    return None


def tie(state: State, task: Task, links: Links) -> None:
    """Takes in what a new task waits for, and what it is a member of; `task.rare.blockers` says how much there is.

    A dependency that has ended is no edge: the caller has looked.
    """
    rare = task.rarely()
    rare.links = links
    for dependency in links.after:
        if state.tasks.get(dependency) is not None:
            _wait_for(state, task, dependency)
            state.turn.changes.facts[facts.edge(task.seq, dependency)] = facts.Fact(b"")
    if links.callback:
        _join(state, task, links)
    if links.size >= 0:
        _gather(state, task, links)


def _wait_for(state: State, task: Task, dependency: bytes) -> None:
    waiting = state.dependencies.dependents.setdefault(dependency, [])
    waiting.append(task)
    task.rarely().blockers += 1


def _group(state: State, callback: bytes) -> Group:
    group = state.dependencies.groups.get(callback)
    if group is None:
        group = state.dependencies.groups[callback] = Group()
    return group


def _join(state: State, task: Task, links: Links) -> None:
    group = _group(state, links.callback)
    group.principal = task.options.principal
    if group.place(links.place) == _FREE:
        group.mark(links.place, _TAKEN)
    group.members.append(task.id)


def _gather(state: State, task: Task, links: Links) -> None:
    group = _group(state, task.id)
    group.principal = task.options.principal
    group.callback = task
    task.rarely().blockers += links.size - group.ended


def load(state: State, task: Task, edges: Sequence[bytes]) -> None:
    """What was left to do for a task when the scheduler stopped: edges whose work was not done yet.

    What such an edge leads to may have ended since; the store is asked, and `outcome_found` hears it.
    """
    links = task.rare.links if task.rare is not None else None
    for dependency in edges:
        _wait_for(state, task, dependency)
        if state.tasks.get(dependency) is None:
            state.turn.lookups.append(Lookup(0, task.seq, dependency, "dependency"))
    if links is None:
        return
    if links.callback:
        _join(state, task, links)
    if links.size >= 0:
        group = _group(state, task.id)
        group.principal = task.options.principal
        group.callback = task
        if task.state is TaskMachineState.WAITING:
            task.rarely().blockers += links.size - group.ended
        else:
            task.size += group.octets


def load_part(state: State, callback: bytes, place: int, value: bytes) -> None:
    """The result of a member that was kept."""
    outcome, report = facts.unpack(value, tuple[int, bytes])
    group = _group(state, callback)
    group.mark(place, _ENDED)
    group.ended += 1
    group.octets += len(report) + _PART_OCTETS
    if outcome != Outcome.SUCCEEDED:
        group.failed = group.failed or callback


def look_again(state: State, task: Task) -> None:
    """After a restart: a waiting task whose blockers were all gone before, or one of whose members had failed."""
    rare = task.rare
    if rare is None or rare.links is None or task.state is not TaskMachineState.WAITING:
        return
    group = state.dependencies.groups.get(task.id)
    if group is not None and group.failed and not rare.links.run_anyway:
        fail(state, task, group.failed)
    elif rare.blockers == 0:
        unblock(state, task)


def outcome_found(state: State, dependency: bytes, *, succeeded: bool) -> None:
    """The store has said how a task ended that others wait for."""
    _tell(state, dependency, succeeded=succeeded, uproots=False)
    settle(state)


def _tell(state: State, dependency: bytes, *, succeeded: bool, uproots: bool) -> None:
    waiting = state.dependencies.dependents.pop(dependency, None)
    if waiting is not None:
        state.dependencies.news.append(News(dependency, succeeded, deque(waiting), uproots))


# -- what has ended --


def ended(state: State, task: Task, outcome: int, report: bytes) -> None:
    """A task has ended: those that wait for it are told soon, and its result is kept for its callback."""
    uproots = task.rare is not None and task.rare.uprooted
    _tell(state, task.id, succeeded=outcome == Outcome.SUCCEEDED, uproots=uproots)
    links = task.rare.links if task.rare is not None else None
    if links is None or task.rare is None:
        return
    if task.rare.blockers:
        state.turn.changes.ranges.append((*facts.edge(task.seq), 0))
    if links.callback:
        _member_ended(state, task, links, outcome, report)
    if links.size >= 0:
        _callback_ended(state, task)


def _member_ended(state: State, task: Task, links: Links, outcome: int, report: bytes) -> None:
    group = _group(state, links.callback)
    forget = state.now.millis + state.usual_retention if group.callback is None else None
    kept = facts.Fact(facts.pack((outcome, report)), forget)
    if group.place(links.place) == _ENDED:
        return
    group.mark(links.place, _ENDED)
    state.turn.changes.facts[facts.part(links.callback, links.place)] = kept
    group.ended += 1
    group.octets += len(report) + _PART_OCTETS
    if outcome != Outcome.SUCCEEDED:
        group.failed = group.failed or task.id
    if group.callback is not None:
        succeeded = outcome == Outcome.SUCCEEDED
        uproots = task.rare is not None and task.rare.uprooted
        state.dependencies.news.append(News(task.id, succeeded, deque((group.callback,)), uproots))
    elif forget is not None:
        state.timers.on(forget, "group", links.callback)


def _callback_ended(state: State, task: Task) -> None:
    """The results of its group are of no more use; those of a dead one are, should somebody give it another life."""
    group = state.dependencies.groups.pop(task.id, None)
    if group is not None and group.places:
        forget = state.now.millis + state.dead_retention if task.state is TaskMachineState.DEAD else 0
        state.turn.changes.ranges.append((facts.Kind.PART, task.id, forget))


def forget_group(state: State, callback: bytes) -> None:
    """Nobody has submitted the callback of a group for a long time."""
    group = state.dependencies.groups.get(callback)
    if group is not None and group.callback is None and _TAKEN not in group.places:
        del state.dependencies.groups[callback]


def drop(state: State, task: Task) -> None:
    """A task is taken out as if it had never been there."""
    links = task.rare.links if task.rare is not None else None
    if links is None:
        return
    for dependency in links.after:
        waiting = state.dependencies.dependents.get(dependency)
        if waiting is not None and task in waiting:
            waiting.remove(task)
            if not waiting:
                del state.dependencies.dependents[dependency]
    state.turn.changes.ranges.append((*facts.edge(task.seq), 0))
    if links.callback:
        _group(state, links.callback).mark(links.place, _FREE)
    if links.size >= 0:
        state.dependencies.groups.pop(task.id, None)


# -- telling --


def settle(state: State) -> None:
    """Tells the next ones that what they waited for has ended. What is left comes with the next timer."""
    news = state.dependencies.news
    for _ in range(_SLICE):
        while news and not news[0].waiting:
            news.popleft()
        if not news:
            return
        _told(state, news[0].waiting.popleft(), news[0])
    state.timers.after(state.now.monotonic, 0.0, "settle", None)


def _told(state: State, task: Task, news: News) -> None:
    rare, dependency = task.rare, news.dependency
    if task.state is not TaskMachineState.WAITING or rare is None or rare.links is None:
        return
    if dependency in rare.links.after:
        state.turn.changes.facts[facts.edge(task.seq, dependency)] = None
    rare.blockers -= 1
    if news.uproots:
        rare.uprooted = True
        endings.cancel(state, task, state.now)
    elif not news.succeeded and not rare.links.run_anyway:
        fail(state, task, dependency)
    elif rare.blockers == 0:
        unblock(state, task)


def uproot(state: State, task: Task) -> None:
    """Cancels all that wait for a task, directly or not; the task itself is the caller's."""
    rare = task.rarely()
    rare.uprooted = True
    _tell(state, task.id, succeeded=False, uproots=True)
    group = state.dependencies.groups.get(rare.links.callback) if rare.links is not None else None
    if group is not None and group.callback is not None:
        state.dependencies.news.append(News(task.id, succeeded=False, waiting=deque((group.callback,)), uproots=True))


def fail(state: State, task: Task, dependency: bytes) -> None:
    """What a task waits for has not succeeded: it is cancelled."""
    text = f"the task {dependency.hex()}, which it waited for, has not succeeded"
    report = endings.own_report("DependencyFailed", text)
    endings.end(state, task, TaskMachineEvent.CANCEL, Outcome.CANCELLED, report, state.now)


def unblock(state: State, task: Task) -> None:
    """All that a task waited for has ended: it goes on as if it came now."""
    rare = task.rarely()
    if rare.links is not None:
        rare.links = replace(rare.links, after=())
    group = state.dependencies.groups.get(task.id)
    if group is not None:
        task.size += group.octets
        if task.size > state.largest:
            text = "the results of its group together are larger than a frame; let the members return references"
            report = endings.own_report("GroupTooLarge", text)
            endings.end(state, task, TaskMachineEvent.CANCEL, Outcome.CANCELLED, report, state.now)
            return
    if rare.due is not None and rare.due > state.now.millis:
        move(task, TaskMachineEvent.DELAY)
        state.timers.on(rare.due, "due", task)
    else:
        move(task, TaskMachineEvent.ADMIT)
        state.make_ready(task)
    state.record(task)


#: What a result takes in a Task besides its report.
_PART_OCTETS = 5
