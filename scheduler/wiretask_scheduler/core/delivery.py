"""Handing tasks out: which worker gets which, within its credit.

Work is done per batch: each hungry worker takes as many of its best lane as its credit and its fair share allow, in
turns, until nobody is hungry or nothing is left that anybody can take.
"""

from __future__ import annotations

from wiretask_protocol.machines import TaskMachineEvent
from wiretask_scheduler.core.peers import Worker
from wiretask_scheduler.core.ready import Lane
from wiretask_scheduler.core.state import State
from wiretask_scheduler.core.tasks import Task, move
from wiretask_scheduler.core.turn import Dispatch, Now


def hand_out(state: State, now: Now) -> None:
    """Gives every worker with credit what it can take."""
    if not state.unsettled:
        return
    state.unsettled = False
    hungry = [worker for worker in state.workers.values() if worker.free > 0]
    while hungry:
        # Of what is there each one gets its part; the last one of a round may have all that is left.
        shares = range(len(hungry), 0, -1)
        fed = [worker for worker, share in zip(hungry, shares, strict=True) if _feed(state, worker, share, now)]
        hungry = [worker for worker in fed if worker.free > 0]


def _feed(state: State, worker: Worker, share: int, now: Now) -> bool:
    """Gives a worker its share of its best lane; whether it got anything."""
    lane = _best(worker)
    if lane is None:
        return False
    most = worker.free // lane.cost
    if share > 1:
        most = max(1, min(most, lane.count // share))
    tasks = lane.take(most)
    if worker.octets:
        tasks = _within_octets(worker, lane, tasks)
    if worker.session and any(task.rare is not None for task in tasks):
        tasks = _without_refused(state, worker, tasks)
    if not tasks:
        return False
    worker.served[lane.queue] = worker.served.get(lane.queue, 0.0) + len(tasks) / worker.queues[lane.queue]
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
    for task in reversed(left):
        lane.push_back(task)
    return taken


def _best(worker: Worker) -> Lane | None:
    """The lane that goes first: the highest priority, then the queue that had least, then the task that came first."""
    best: Lane | None = None
    best_key: tuple[int, float, int] | None = None
    free = worker.free
    if len(worker.lanes) == 1:
        lane = worker.lanes[0]
        return lane if lane.mask and lane.cost <= free and lane.head() is not None else None
    for lane in worker.lanes:
        if not lane.mask or lane.cost > free:
            continue
        head = lane.head()
        if head is None:
            continue
        key = (-lane.top, worker.served.get(lane.queue, 0.0), head.seq)
        if best_key is None or key < best_key:
            best, best_key = lane, key
    return best


def _without_refused(state: State, worker: Worker, tasks: list[Task]) -> list[Task]:
    """Leaves out what this worker could not read; it goes back behind the others, for somebody else."""
    taken: list[Task] = []
    for task in tasks:
        if task.rare is not None and worker.session in task.rare.refused_by:
            lane, _ = state.ready.lane(task.options, task.size)
            lane.push(task)
        else:
            taken.append(task)
    return taken


def _lease(state: State, worker: Worker, tasks: list[Task], now: Now) -> None:
    leased: list[tuple[Task, int]] = []
    send = state.turn.send
    for task in tasks:
        lease = state.lease()
        move(task, TaskMachineEvent.LEASE)
        task.lease = lease
        task.holder = worker.session
        worker.hold(task, lease)
        remaining = 0
        if task.rare is not None:
            task.rare.deliveries += 1
            task.rare.started = now.wall
            if task.rare.expires is not None:
                remaining = max(1, task.rare.expires - now.millis)
        send(worker.number, Dispatch(task, lease, task.attempt, remaining))
        if task.options.time_limit:
            margin = state.settings.time_limit_margin_seconds
            seconds = task.options.time_limit / 1000 + margin
            state.timers.after(now.monotonic, seconds, "limit", (task, lease))
        leased.append((task, lease))
    state.counts["dispatched"] += len(tasks)
    state.timers.after(now.monotonic, state.settings.record_lease_seconds, "record", leased)


def record_leases(state: State, leased: list[tuple[Task, int]]) -> None:
    """Writes the leases of a batch that are still current: a restart must know who runs what."""
    for task, lease in leased:
        if task.lease == lease:
            state.record(task)
