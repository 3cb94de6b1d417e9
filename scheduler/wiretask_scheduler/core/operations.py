"""What an operator asks for: pausing queues, letting them run empty, and giving dead tasks another life."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from wiretask_protocol.machines import TaskMachineEvent, TaskMachineState
from wiretask_protocol.messages import UniqueUntil
from wiretask_scheduler.core import dependencies, facts, groups, loading, uniques
from wiretask_scheduler.core.queues import Mode
from wiretask_scheduler.core.tasks import Task, move
from wiretask_scheduler.core.turn import Revived

if TYPE_CHECKING:
    from wiretask_scheduler.core.records import StoredTask
    from wiretask_scheduler.core.settings import Settings
    from wiretask_scheduler.core.state import State


def set_mode(state: State, name: str, mode: Mode) -> None:
    """Says what happens with the tasks of a queue from now on."""
    queue = state.queues[name]
    if queue.mode is mode:
        return
    queue.mode = mode
    fact = facts.Fact(bytes([mode])) if mode else None
    state.turn.changes.facts[facts.queue(name)] = fact
    state.unsettled = True


def load_queue(state: State, name: str, value: bytes) -> None:
    """What was said of a queue before the restart."""
    state.queues[name].mode = Mode(value[0])


def revive(state: State, stored: StoredTask, parts: Iterable[tuple[int, bytes]]) -> str | None:
    """Gives a dead task another life, with all of its attempts before it. Returns why not, where it cannot be.

    `parts` are the results of its group that are kept, by their places.
    """
    if stored.state != TaskMachineState.DEAD or state.tasks.get(stored.id) is not None:
        return "it is not dead"
    if not stored.size:
        return "its body is not kept any more; submit it anew"
    links = stored.links
    if links is not None and links.unique and uniques.holder(state, links.unique) is not None:
        return "another task has its unique key now; cancel that one first"
    state.last_seq += 1
    task = loading.revive(state, stored)
    task.seq = state.last_seq
    rare = task.rarely()
    rare.failures = rare.crashes = rare.losses = 0
    rare.due = rare.expires = None
    rare.backoff = False
    if links is not None and links.size >= 0:
        for place, value in parts:
            groups.load_part(state, stored.id, place, value)
        group = state.dependencies.groups.get(stored.id)
        if (group.ended if group is not None else 0) < links.size:
            state.dependencies.groups.pop(stored.id, None)
            return "the results of its group are not kept any more; submit the group anew"
    _live(state, task, stored)
    return None


def _live(state: State, task: Task, stored: StoredTask) -> None:
    state.add(task)
    move(task, TaskMachineEvent.ADMIT)
    state.turn.changes.revived.append(Revived(stored.seq, task.seq))
    dependencies.load(state, task, ())
    if stored.links is not None and stored.links.unique and stored.links.until != UniqueUntil.TIME:
        uniques.hold(state, task, stored.links.unique, stored.links.until, 0, state.now)
    state.counts["revived"] += 1
    if state.watched:
        state.tell("revived", task)
    state.make_ready(task)
    state.record(task)


def purge(state: State, dead: Iterable[StoredTask]) -> int:
    """Forgets dead tasks. Returns how many."""
    seqs = [stored.seq for stored in dead if stored.state == TaskMachineState.DEAD]
    state.turn.changes.purged += seqs
    for stored in dead:
        if stored.links is not None and stored.links.size >= 0:
            state.turn.changes.ranges.append((facts.Kind.PART, stored.id, 0))
    return len(seqs)


def configure(state: State, settings: Settings) -> None:
    """Takes other limits, as far as no peer has been told them."""
    state.settings = replace(
        state.settings,
        crash_limit=settings.crash_limit,
        loss_limit=settings.loss_limit,
        dead_retention_seconds=settings.dead_retention_seconds,
    )
    state.dead_retention = max(state.usual_retention, int(settings.dead_retention_seconds * 1000))
    state.queues.limit(settings.queue_length_limit, settings.queue_length_limits)
