"""Handing tasks out: which worker gets which, within its credit.

Work is done per batch. First those workers are fed that could begin at once, then what is left may wait at workers; in
turns, each as much of its best lane as its credit and its fair share allow. What waits at a worker for a while is asked
back when another one could begin it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from wiretask_protocol.machines import AssignmentEvent, AssignmentState, TaskMachineEvent
from wiretask_protocol.messages import Retract
from wiretask_scheduler.core import limits, uniques
from wiretask_scheduler.core.peers import Worker
from wiretask_scheduler.core.queues import Mode
from wiretask_scheduler.core.ready import Lane
from wiretask_scheduler.core.tasks import Task, move
from wiretask_scheduler.core.turn import Dispatch, Now

if TYPE_CHECKING:
    from wiretask_scheduler.core.state import State

#: Leases that are looked at in one go for somebody who could begin them.
_RETRACTABLE = 1000
#: Workers beyond which nobody looks for such leases each time that one of them says something, and how long not.
_MANY, _REST_SECONDS = 1000, 0.1
#: What a Task can say: 49 days. A date may be further away.
_LONGEST_MILLIS = (1 << 32) - 1
#: What cannot be taken for want of room now keeps what comes after it from being taken, when it has waited this long.
PATIENCE_SECONDS = 2.0

_LEASE = TaskMachineEvent.LEASE
# The constructor of a named tuple takes three times as long.
_dispatch: Callable[[tuple[object, ...]], Dispatch] = partial(tuple.__new__, Dispatch)

Room = Callable[[Worker], int]


def hand_out(state: State, now: Now) -> None:
    """Gives every worker with credit what it can take."""
    if not state.unsettled:
        return
    state.unsettled = False
    # Ten thousand workers that join one after the other must not each cost a look at all of them.
    if not state.ready.is_empty:
        hungry = [worker for worker in state.workers.values() if worker.free > 0]
        if len(hungry) > 1:
            _feed_all(state, hungry, _idle, now)
        _feed_all(state, hungry, _free, now)
    if state.waiting and not state.resting:
        _ask_back(state, now)


def _idle(worker: Worker) -> int:
    return worker.idle


def _free(worker: Worker) -> int:
    return worker.free


def _feed_all(state: State, workers: list[Worker], room: Room, now: Now) -> None:
    hungry = [worker for worker in workers if room(worker) > 0]
    while hungry:
        # Of what is there each one gets its part; the last one of a round may have all that is left.
        fed = []
        for worker, share in zip(hungry, range(len(hungry), 0, -1), strict=True):
            if _feed(state, worker, share, room, now):
                fed.append(worker)
            elif state.ready.is_empty:
                break
        hungry = [worker for worker in fed if room(worker) > 0]


def _feed(state: State, worker: Worker, share: int, room: Room, now: Now) -> bool:
    """Gives a worker its share of its best lane; whether it got anything."""
    lane = _best(state, worker, now)
    if lane is None:
        return False
    # What costs more than it has room for at once may still be its next.
    most = worker.room(lane, room(worker)) or 1
    if share > 1:
        most = max(1, min(most, lane.count // share))
    if lane.suspect or (lane.turns is not None and len(worker.lanes) > 1):
        most = 1
    tasks = lane.take(most)
    if worker.octets:
        tasks = _within_octets(worker, lane, tasks)
    if any(task.rare is not None for task in tasks):
        tasks = _without_refused(worker, lane, tasks)
    if not tasks:
        return False
    lane.waits_since = 0.0
    name = lane.queue.name
    worker.turns.serve(name, worker.turns.start(name), len(tasks), worker.queues[name])
    _lease(state, worker, tasks, now)
    return True


def _within_octets(worker: Worker, lane: Lane, tasks: list[Task]) -> list[Task]:
    """As many of the tasks as the worker has room for; the others go back (R-TSK-003: the window is never exceeded).

    What is larger than the whole window is for others, and is passed over; what must wait for room keeps its turn.
    """
    room = worker.octets - worker.outstanding_octets
    taken: list[Task] = []
    left: list[Task] = []
    for index, task in enumerate(tasks):
        if task.size > worker.octets:
            left.append(task)
        elif task.size > room:
            left += tasks[index:]
            break
        else:
            taken.append(task)
            room -= task.size
    for task in left:
        lane.put_back(task)
    return taken


def _best(state: State, worker: Worker, now: Now) -> Lane | None:
    """The lane that goes first: the highest priority, the queue and the tenant whose turn it is, the first to come."""
    best: Lane | None = None
    best_key: tuple[int, float, float, int] | None = None
    free = worker.free
    start = worker.turns.start
    for lane in worker.lanes:
        if not lane.mask or lane.queue.mode is Mode.PAUSED or (lane.suspect and state.suspect is not None):
            continue
        head = lane.head()
        if head is None:
            continue
        key = (-lane.top, start(lane.queue.name), lane.start, head.seq)
        if best_key is not None and key > best_key:
            continue
        if worker.room(lane, free) or _has_waited(lane, now):
            best, best_key = lane, key
    return best if best is None or worker.room(best, free) else None


def _has_waited(lane: Lane, now: Now) -> bool:
    """Whether a lane that there is no room for has let others go first for long enough."""
    if not lane.waits_since:
        lane.waits_since = now.monotonic
    return now.monotonic - lane.waits_since >= PATIENCE_SECONDS


def _without_refused(worker: Worker, lane: Lane, tasks: list[Task]) -> list[Task]:
    """Leaves out what this worker could not read; it goes back behind the others, for somebody else."""
    taken: list[Task] = []
    for task in tasks:
        if task.rare is not None and worker.session in task.rare.refused_by:
            lane.put(task)
        else:
            taken.append(task)
    return taken


def _lease(state: State, worker: Worker, tasks: list[Task], now: Now) -> None:
    leases, session = state.leases(len(tasks)), worker.session
    worker.hold_many(tasks, leases)
    leased: list[Dispatch] = []
    for task, lease in zip(tasks, leases, strict=True):
        move(task, _LEASE)
        task.lease = lease
        task.holder = session
        if task.options.limited:
            limits.begin(state, task)
        if task.rare is None:
            leased.append(_dispatch((task, lease, 1, 0)))
        else:
            leased.append(Dispatch(task, lease, task.attempt, _begin_rare(state, task, now)))
        if task.options.time_limit:
            state.bound(task)
    state.turn.sends.setdefault(worker.number, []).extend(leased)
    state.counts["dispatched"] += len(tasks)
    state.stopwatch.handed_out(tasks, leases[0], now)
    state.timers.after(now.monotonic, state.settings.record_lease_seconds, "record", leased)


def _begin_rare(state: State, task: Task, now: Now) -> int:
    """What few tasks need when they are given to a worker. Returns within how many milliseconds it must begin."""
    rare = task.rarely()
    rare.deliveries += 1
    rare.started = now.wall
    if rare.crashes:
        state.suspect = task
    if rare.links is not None:
        uniques.begun(state, task)
    return min(max(1, rare.expires - now.millis), _LONGEST_MILLIS) if rare.expires is not None else 0


def record_leases(state: State, leased: Sequence[Dispatch]) -> None:
    """Writes the leases of a batch that are still current: a restart must know who runs what.

    What has not begun by now may go to others.
    """
    since = state.now.monotonic - state.settings.record_lease_seconds
    for task, lease, _, _ in leased:
        if task.lease == lease:
            state.record(task)
            worker = state.sessions.get(task.holder)
            if worker is not None:
                worker.since[lease] = since
            if worker is not None and worker.number and lease > worker.begun:
                worker.waiting[lease] = task
                state.waiting = state.unsettled = True


def look_again(state: State) -> None:
    """The rest is over."""
    state.resting = False
    state.unsettled = True


def _ask_back(state: State, now: Now) -> None:
    """Retracts what waits at a worker while another one could begin it (R-SUB-014)."""
    if len(state.workers) > _MANY:
        state.resting = True
        state.timers.after(now.monotonic, _REST_SECONDS, "ask", None)
    idle = [worker for worker in state.workers.values() if worker.idle > 0]
    looked_at = 0
    still_waiting = False
    for victim in state.workers.values():
        for lease, task in list(victim.waiting.items()):
            looked_at += 1
            if not idle or looked_at > _RETRACTABLE:
                return
            if lease <= victim.begun or victim.state(lease) is not AssignmentState.SENT:
                del victim.waiting[lease]
                continue
            still_waiting = True
            taker = _taker(state, task, victim, idle)
            if taker is not None and victim.advance(lease, AssignmentEvent.RETRACT):
                taker.promised += task.options.cost
                state.retracting[lease] = (taker, task.options.cost)
                state.turn.send(victim.number, Retract(task.id, lease))
                idle = [worker for worker in idle if worker.idle > 0]
    state.waiting = still_waiting


def _taker(state: State, task: Task, victim: Worker, idle: list[Worker]) -> Worker | None:
    lane = state.lane(task)
    for worker in idle:
        if worker is not victim and worker.can_take(lane) and worker.room(lane, worker.idle):
            return worker
    return None
