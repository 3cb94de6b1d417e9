"""What the store had when the scheduler started: tasks, sessions and facts become what they were.

Nothing of it is handed out before `sessions.release`: workers that were connected may be running it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from wiretask_protocol.machines import TaskMachineEvent, TaskMachineState
from wiretask_scheduler.core import dependencies, facts, groups, limits, operations, recurring, sessions, uniques
from wiretask_scheduler.core.facts import SEQ_OCTETS, Kind
from wiretask_scheduler.core.peers import Worker
from wiretask_scheduler.core.tasks import Rare, Task, move

if TYPE_CHECKING:
    from wiretask_scheduler.core.records import StoredFact, StoredSession, StoredTask
    from wiretask_scheduler.core.state import State
    from wiretask_scheduler.core.turn import Now


def load(
    state: State,
    tasks: Iterable[StoredTask],
    stored_sessions: Iterable[StoredSession],
    stored_facts: Iterable[StoredFact],
    now: Now,
) -> None:
    """Takes in what was there when the scheduler stopped."""
    for session in stored_sessions:
        state.sessions[session.token] = Worker(
            number=0,
            name=session.name,
            principal="",
            frame_limit=state.settings.frame_limit,
            in_flight=state.settings.in_flight,
            session=session.token,
            awaited=True,
        )
    edges, stops, keys = _load_facts(state, stored_facts)
    linked: list[Task] = []
    for stored in tasks:
        task = _load_task(state, stored, stops.pop(stored.seq, 0))
        if stored.links is not None:
            linked.append(task)
    for task in linked:
        dependencies.load(state, task, edges.pop(task.seq, ()))
    dependencies.load_uproots(state)
    _forget(state, edges, stops, keys)
    if state.sessions:
        state.grace = True
        state.timers.after(now.monotonic, state.settings.resume_grace_seconds, "grace", None)
    else:
        sessions.release(state)
    for task in linked:
        dependencies.look_again(state, task)


def _forget(state: State, edges: Iterable[int], stops: Iterable[int], keys: dict[bytes, bytes]) -> None:
    """Lets go of what is known of tasks that are not there.

    A scheduler that died between the insert of an id that was there already and `Broker.conflicted` has left it.
    """
    for seq in edges:
        state.turn.changes.ranges.append((*facts.edge(seq), 0))
    for seq in stops:
        state.turn.changes.facts[facts.stop(seq)] = None
    for unique, holder in keys.items():
        if state.tasks.get(holder) is None:
            uniques.release(state, unique, holder)


def _load_facts(
    state: State, stored: Iterable[StoredFact]
) -> tuple[dict[int, list[bytes]], dict[int, int], dict[bytes, bytes]]:
    """Takes the facts in. Returns those of tasks that must live.

    Edges, by the seq of the task that waits; what was asked to stop, and how; and who holds which unique key until it
    has begun, or ended.
    """
    edges: dict[int, list[bytes]] = defaultdict(list)
    stops: dict[int, int] = {}
    keys: dict[bytes, bytes] = {}
    for kind, key, fact in stored:
        match kind:
            case Kind.EDGE:
                edges[int.from_bytes(key[:SEQ_OCTETS], "big")].append(key[SEQ_OCTETS:])
            case Kind.PART:
                groups.load_part(state, key[:16], int.from_bytes(key[16:], "big"), fact.value)
            case Kind.UNIQUE:
                uniques.load(state, key, fact)
                if fact.forget is None:
                    keys[key] = fact.value
            case Kind.QUEUE:
                operations.load_queue(state, key.decode(), fact.value)
            case Kind.RATE:
                limits.load(state, fact.value)
            case Kind.SCHEDULE:
                recurring.load(state, fact.value)
            case Kind.STOP:
                stops[int.from_bytes(key, "big")] = facts.unpack(fact.value, int)
            case Kind.HEIR:
                sessions.load_heir(state, key, fact.value)
            case Kind.UPROOT:
                state.dependencies.uprooted.add((kind, key))
            case Kind.PRINCIPAL:
                state.sessions[key].principal = fact.value.decode()
    return edges, stops, keys


def revive(state: State, stored: StoredTask) -> Task:
    """A record of a stored task, in the state NEW."""
    task = Task(stored.id, stored.seq, state.tasks.shared(stored.options), stored.size, stored.submitted)
    former = stored.lease if stored.session is None else 0
    if stored.due or stored.expires or stored.history or stored.links or stored.crashes or stored.losses or former:
        last = next((attempt for attempt in reversed(stored.history) if attempt.error_type is not None), None)
        task.rare = Rare(
            failures=stored.failures,
            crashes=stored.crashes,
            losses=stored.losses,
            former=former,
            due=stored.due,
            expires=stored.expires,
            error_type=last.error_type if last is not None else None,
            error_message=last.error_message if last is not None else None,
            history=stored.history,
            backoff=stored.failures > 0,
            links=stored.links,
        )
    return task


def _load_task(state: State, stored: StoredTask, stop: int) -> Task:
    task = revive(state, stored)
    state.add(task)
    if stop:
        task.rarely().cancelling = stop
    if stored.expires is not None:
        state.timers.on(stored.expires, "expire", task)
        task.rarely().overdue = stored.expires <= state.now.millis
    if stored.state == TaskMachineState.WAITING:
        move(task, TaskMachineEvent.BLOCK)
        return task
    if stored.state == TaskMachineState.SCHEDULED and stored.due is not None:
        if stored.due > state.now.millis and not stop:
            move(task, TaskMachineEvent.DELAY)
            state.timers.on(stored.due, "due", task)
            return task
        # It has come due, maybe before the scheduler stopped: a worker may have it.
        rare = task.rarely()
        rare.due, rare.backoff = None, False
    move(task, TaskMachineEvent.ADMIT)
    holder = state.sessions.get(stored.session) if stored.session is not None else None
    if stored.lease and holder is not None:
        move(task, TaskMachineEvent.LEASE)
        task.lease = stored.lease
        task.holder = holder.session
        holder.hold(task, stored.lease)
        limits.occupy(state, task)
        if task.options.time_limit:
            # Nobody knows any more when it began: at the worst it gets its time once more.
            state.bound(task)
        if stored.crashes:
            state.suspect = task
    else:
        state.held_back[task] = None
    return task
