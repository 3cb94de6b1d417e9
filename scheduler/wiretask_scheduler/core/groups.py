"""Groups: the members of a callback, their places and their results.

The result of every member is a fact in the store, in its place, until the callback has ended: a restart finds what was
there. Who waits for whom is `dependencies`' matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wiretask_protocol.machines import TaskMachineState
from wiretask_protocol.messages import Outcome
from wiretask_scheduler.core import facts
from wiretask_scheduler.core.tasks import Links, Task

if TYPE_CHECKING:
    from wiretask_scheduler.core.state import State

#: Places of a group, by number: nobody has taken it; its member lives; its member has ended.
_FREE, _TAKEN, _ENDED = 0, 1, 2
#: What a result takes in a Task besides its report.
_PART_OCTETS = 5


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


def of(state: State, callback: bytes) -> Group:
    """The group of a callback, whether anybody has named it before or not."""
    group = state.dependencies.groups.get(callback)
    if group is None:
        group = state.dependencies.groups[callback] = Group()
    return group


def join(state: State, task: Task, links: Links) -> None:
    """A member is here."""
    group = of(state, links.callback)
    group.principal = task.options.principal
    if group.place(links.place) == _FREE:
        group.mark(links.place, _TAKEN)
    group.members.append(task.id)


def gather(state: State, task: Task, links: Links) -> None:
    """A callback is here: it waits for the members that have not ended, or has begun before a restart."""
    group = of(state, task.id)
    group.principal = task.options.principal
    group.callback = task
    if task.state in (TaskMachineState.NEW, TaskMachineState.WAITING):
        task.rarely().blockers += links.size - group.ended
    else:
        task.size += group.octets


def leave(state: State, task: Task, links: Links) -> None:
    """A member, or a callback, is taken out as if it had never been there."""
    if links.callback:
        of(state, links.callback).mark(links.place, _FREE)
    if links.size >= 0:
        state.dependencies.groups.pop(task.id, None)


def load_part(state: State, callback: bytes, place: int, value: bytes) -> None:
    """The result of a member that was kept."""
    outcome, report = facts.unpack(value, tuple[int, bytes])
    group = of(state, callback)
    group.mark(place, _ENDED)
    group.ended += 1
    group.octets += len(report) + _PART_OCTETS
    if outcome != Outcome.SUCCEEDED:
        group.failed = group.failed or callback


def member_ended(state: State, links: Links, task_id: bytes, outcome: int, report: bytes) -> Task | None:
    """The result of a member is kept. Returns the callback that is to hear of it, if it is here."""
    group = of(state, links.callback)
    if group.place(links.place) == _ENDED:
        return None
    until = state.now.millis + state.usual_retention if group.callback is None else None
    kept = facts.Fact(facts.pack((outcome, report)), until)
    group.mark(links.place, _ENDED)
    state.turn.changes.facts[facts.part(links.callback, links.place)] = kept
    group.ended += 1
    group.octets += len(report) + _PART_OCTETS
    if outcome != Outcome.SUCCEEDED:
        group.failed = group.failed or task_id
    if until is not None:
        state.timers.on(until, "group", links.callback)
    return group.callback


def callback_ended(state: State, task: Task) -> None:
    """The results of its group are of no more use; those of a dead one are, should somebody give it another life."""
    group = state.dependencies.groups.pop(task.id, None)
    if group is not None and group.places:
        forget = state.now.millis + state.dead_retention if task.state is TaskMachineState.DEAD else 0
        state.turn.changes.ranges.append((facts.Kind.PART, task.id, forget))


def forget(state: State, callback: bytes) -> None:
    """Nobody has submitted the callback of a group for a long time."""
    group = state.dependencies.groups.get(callback)
    if group is not None and group.callback is None and _TAKEN not in group.places:
        del state.dependencies.groups[callback]
