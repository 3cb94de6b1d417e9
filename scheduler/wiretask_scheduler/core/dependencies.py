"""Tasks that wait for others: for those of their `after`, and callbacks for the members of their group.

A task waits as long as it has blockers. What has ended is told to those that wait for it in slices, so that a task with
a million dependents stops nobody. Every edge is a fact in the store that goes when it has done its work, and so is what
of a tree is still to be cancelled: a restart finds exactly what was left to do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from wiretask_protocol.machines import TaskMachineEvent, TaskMachineState
from wiretask_protocol.messages import Outcome
from wiretask_scheduler.core import endings, facts, groups
from wiretask_scheduler.core.tasks import Links, Task, move
from wiretask_scheduler.core.turn import Lookup

if TYPE_CHECKING:
    from wiretask_scheduler.core.groups import Group
    from wiretask_scheduler.core.state import State

#: Edges that are followed in one go.
_SLICE = 2000
#: Tasks that are looked at for a circle.
_LOOKED_AT = 10_000


class News(NamedTuple):
    """A task has ended, and others wait for it that have not been told yet."""

    dependency: bytes
    succeeded: bool
    waiting: deque[Task]
    #: Whether they are cancelled whatever they asked for.
    uproots: bool
    #: The callback whose member it was; empty where they named it in their `after`.
    callback: bytes = b""


class Dependencies:
    """Who waits for whom."""

    def __init__(self) -> None:
        #: By the id of a task: those that wait for it.
        self.dependents: dict[bytes, list[Task]] = {}
        #: By the id of a callback: its group.
        self.groups: dict[bytes, Group] = {}
        #: Of tasks that have ended: what those must hear that wait for them.
        self.news: deque[News] = deque()
        #: News of this turn that uproot, and the facts of those that were not told in the turn in which they came.
        self.uproots: list[News] = []
        self.uprooted: set[facts.FactKey] = set()

    def __len__(self) -> int:
        return sum(map(len, self.dependents.values()))


# -- taking in --


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
    _enter(state, task, links)


def _enter(state: State, task: Task, links: Links) -> None:
    if links.callback:
        groups.join(state, task, links)
    if links.size >= 0:
        groups.gather(state, task, links)


def _wait_for(state: State, task: Task, dependency: bytes) -> None:
    waiting = state.dependencies.dependents.setdefault(dependency, [])
    waiting.append(task)
    task.rarely().blockers += 1


def load(state: State, task: Task, edges: Sequence[bytes]) -> None:
    """What was left to do for a task when the scheduler stopped: edges whose work was not done yet.

    What such an edge leads to may have ended since; the store is asked, and `outcome_found` hears it.
    """
    links = task.rare.links if task.rare is not None else None
    for dependency in edges:
        _wait_for(state, task, dependency)
        if state.tasks.get(dependency) is None:
            state.turn.lookups.append(Lookup(0, task.seq, dependency, "dependency"))
    if links is not None:
        _enter(state, task, links)


def load_uproots(state: State) -> None:
    """Trees that were being cancelled when the scheduler stopped: who had not heard of it hears of it now."""
    for _, key in state.dependencies.uprooted:
        dependency, callback = key[:16], key[16:]
        waiting = [found] if callback and (found := state.tasks.get(callback)) is not None else []
        if not callback:
            waiting = state.dependencies.dependents.pop(dependency, [])
        for task in waiting:
            task.rarely().uprooted = True
        news = News(dependency, succeeded=False, waiting=deque(waiting), uproots=True, callback=callback)
        state.dependencies.news.append(news)


def look_again(state: State, task: Task) -> None:
    """After a restart: a waiting task whose blockers were all gone before, or one of whose members had failed."""
    rare = task.rare
    if rare is None or rare.links is None or rare.uprooted or task.state is not TaskMachineState.WAITING:
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
        _spread(state, News(dependency, succeeded, deque(waiting), uproots))


def _spread(state: State, news: News) -> None:
    state.dependencies.news.append(news)
    if news.uproots:
        state.dependencies.uproots.append(news)


# -- what has ended --


def ended(state: State, task: Task, outcome: int, report: bytes) -> None:
    """A task has ended: those that wait for it are told soon, and its result is kept for its callback."""
    succeeded = outcome == Outcome.SUCCEEDED
    uproots = task.rare is not None and task.rare.uprooted
    _tell(state, task.id, succeeded=succeeded, uproots=uproots)
    links = task.rare.links if task.rare is not None else None
    if links is None or task.rare is None:
        return
    if task.rare.blockers:
        state.turn.changes.ranges.append((*facts.edge(task.seq), 0))
    if links.callback:
        callback = groups.member_ended(state, links, task.id, outcome, report)
        if callback is not None:
            _spread(state, News(task.id, succeeded, deque((callback,)), uproots, callback.id))
    if links.size >= 0:
        groups.callback_ended(state, task)


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
    groups.leave(state, task, links)


# -- telling --


def settle(state: State) -> None:
    """Tells the next ones that what they waited for has ended. What is left comes with the next timer."""
    dependencies = state.dependencies
    news = dependencies.news
    for _ in range(_SLICE):
        while news and not news[0].waiting:
            _forget(state, news.popleft())
        if not news:
            dependencies.uproots.clear()
            return
        _told(state, news[0].waiting.popleft(), news[0])
    state.timers.after(state.now.monotonic, 0.0, "settle", None)
    _keep(state)


def _keep(state: State) -> None:
    """Writes which trees are being cancelled: the next slice may come after a restart, which would ask the policies."""
    dependencies = state.dependencies
    for news in dependencies.uproots:
        if news.waiting:
            key = facts.uproot(news.dependency, news.callback)
            dependencies.uprooted.add(key)
            state.turn.changes.facts[key] = facts.Fact(b"")
    dependencies.uproots.clear()


def _forget(state: State, news: News) -> None:
    """All have heard it."""
    if news.uproots and state.dependencies.uprooted:
        key = facts.uproot(news.dependency, news.callback)
        if key in state.dependencies.uprooted:
            state.dependencies.uprooted.discard(key)
            state.turn.changes.facts[key] = None


def _told(state: State, task: Task, news: News) -> None:
    rare, dependency = task.rare, news.dependency
    if task.state is not TaskMachineState.WAITING or rare is None or rare.links is None:
        return
    if not news.callback:
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
        callback = group.callback
        _spread(state, News(task.id, succeeded=False, waiting=deque((callback,)), uproots=True, callback=callback.id))


def fail(state: State, task: Task, dependency: bytes) -> None:
    """What a task waits for has not succeeded: it is cancelled."""
    text = f"the task {dependency.hex()}, which it waited for, has not succeeded"
    report = endings.own_report("DependencyFailed", text)
    endings.end(state, task, TaskMachineEvent.CANCEL, Outcome.CANCELLED, report, state.now)


def unblock(state: State, task: Task) -> None:
    """All that a task waited for has ended: it goes on as if it came now."""
    rare = task.rarely()
    if rare.overdue:
        # It has expired while there was no scheduler.
        endings.expire(state, task, state.now)
        return
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
