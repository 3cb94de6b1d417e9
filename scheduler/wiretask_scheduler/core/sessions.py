"""The workers' sessions: subscribing, leaving and coming back.

A session outlives its connection for a while: its leases stay with it, and a worker that comes back and names them goes
on with them. Only when it does not come back are its tasks given to others; then what it had begun is a suspect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.machines import TaskMachineEvent, TaskMachineState
from wiretask_protocol.messages import Cancel, CancelMode, Goodbye, GoodbyeReason, HeldLease, Outcome, Resume, Subscribe
from wiretask_scheduler.core import endings, facts, limits, reports, requests
from wiretask_scheduler.core.peers import Worker
from wiretask_scheduler.core.tasks import Task, move
from wiretask_scheduler.core.turn import Now

if TYPE_CHECKING:
    from wiretask_scheduler.core.state import State

#: How a connection ended: with a Goodbye, without one, or by silence.
Leaving = Literal["goodbye", "broken", "silent"]


def on_subscribe(state: State, worker: Worker, subscribe: Subscribe) -> None:
    """A worker says what it takes. One queue that is not for it, and nothing of it counts (R-AUT-008)."""
    for entry in subscribe.queues:
        if not worker.grant.allows(entry.queue):
            text = f"the token is not for the queue {entry.queue}; take it off this worker, or use another token"
            state.refuse(worker.number, error_message(ErrorCode.FORBIDDEN, command=Subscribe.COMMAND, text=text))
            return
    _answered(state, worker)
    worker.queues = {entry.queue: entry.weight for entry in subscribe.queues}
    worker.types = {entry.type: entry.max_attempts for entry in subscribe.types}
    worker.labels = frozenset(subscribe.labels or ())
    worker.resources = {resource.name: resource.amount for resource in subscribe.resources or ()}
    worker.lanes = [lane for lane in state.ready if worker.can_take(lane)]
    state.unsettled = True


def leave(state: State, worker: Worker, leaving: Leaving, now: Now) -> None:
    """The connection of a worker has ended."""
    state.workers.pop(worker.number, None)
    worker.number = 0
    worker.silent = leaving == "silent"
    if leaving == "goodbye":
        _give_back_all(state, worker, now)
        _forget(state, worker)
    elif worker.leases:
        state.timers.after(now.monotonic, state.settings.resume_window_seconds, "resume", worker)
    else:
        _forget(state, worker)


def give_up_waiting(state: State, worker: Worker, now: Now) -> None:
    """A worker whose connection broke has not come back in time: what it had is given to others."""
    if worker.number or state.sessions.get(worker.session) is not worker:
        return
    suspects = _suspects(worker)
    # Youngest first: each goes to the head of its lane, so the oldest is at the head again.
    for lease, task in reversed(list(worker.leases.items())):
        worker.release(lease)
        if lease not in suspects:
            reports.given_back(state, task, now)
        elif worker.silent:
            state.note(task, Outcome.LOST, "Lost", f"the worker {worker.name} fell silent while it ran", worker.name)
            reports.lost(state, task, now)
        else:
            state.note(task, Outcome.CRASHED, "Crashed", f"the worker {worker.name} vanished while it ran", worker.name)
            reports.crashed(state, task, now)
    _forget(state, worker)


def _suspects(worker: Worker) -> set[int]:
    """The leases that the worker had begun: those that it said, and the oldest one, which it surely had."""
    suspects = {lease for lease in worker.leases if lease <= worker.begun}
    suspects.update(list(worker.leases)[:1])
    return suspects


def _give_back_all(state: State, worker: Worker, now: Now) -> None:
    # Youngest first: each goes to the head of its lane, so the oldest is at the head again.
    for lease, task in reversed(list(worker.leases.items())):
        worker.release(lease)
        reports.given_back(state, task, now)


def _forget(state: State, worker: Worker) -> None:
    state.sessions.pop(worker.session, None)
    state.turn.changes.sessions_over.append(worker.session)
    if worker.principal:
        state.turn.changes.facts[facts.principal(worker.session)] = None
    _answered(state, worker)
    for lease, (taker, _) in list(state.retracting.items()):
        if taker is worker:
            state.answered(lease)


def _answered(state: State, worker: Worker) -> None:
    """A worker knows the token of its session: nobody names the one before it any more."""
    if worker.former:
        state.heirs.pop(worker.former, None)
        state.turn.changes.facts[facts.heir(worker.former)] = None
        worker.former = b""


def load_heir(state: State, token: bytes, heir: bytes) -> None:
    """A session that was taken over before the restart."""
    state.heirs[token] = heir
    state.sessions[heir].former = token


def on_resume(state: State, worker: Worker, resume: Resume, now: Now) -> None:
    """A worker proves a former session and names what it still has: what is still its own, it keeps."""
    # If the answer to an earlier Resume was lost, the worker names the same token again.
    former = state.sessions.get(state.heirs.get(resume.session, resume.session))
    kept: list[HeldLease] = []
    if former is not None and former is not worker and former.principal == worker.principal:
        for held in resume.leases:
            task = former.leases.get(held.lease)
            if task is None and _may_have_had(state, worker, held):
                task = _claimed(state, held)
            if task is not None and task.id == held.task_id:
                _keep(state, worker, former, task, held.lease)
                kept.append(held)
        worker.begun = max(worker.begun, former.begun)
        if former.number:
            # The old connection is half open: the peer has proved that it is here now.
            state.turn.send(former.number, Goodbye(GoodbyeReason.REPLACED))
            state.turn.closes.append((former.number, None))
            state.workers.pop(former.number, None)
            former.number = 0
        _give_back_all(state, former, now)
        _forget(state, former)
        worker.former = resume.session
        state.heirs[worker.former] = worker.session
        state.turn.changes.facts[facts.heir(worker.former)] = facts.Fact(worker.session)
    state.turn.send(worker.number, Resume(worker.session, tuple(kept)))
    for task in worker.leases.values():
        if task.rare is not None and task.rare.cancelling:
            # It may not have heard of it: the connection was gone, or the scheduler.
            requests.ask_worker_to_stop(state, task, task.rare.cancelling)
    release_held_back(state, now)


def _may_have_had(state: State, worker: Worker, held: HeldLease) -> bool:
    task = state.tasks.get(held.task_id)
    return task is not None and worker.grant.allows(task.options.queue)


def _claimed(state: State, held: HeldLease) -> Task | None:
    """A task of before a restart whose lease was too young to be written: its worker's claim holds."""
    task = state.tasks.get(held.task_id)
    if task is None or not state.grace or held.lease >= state.next_lease:
        return None
    if task.rare is not None and held.lease <= task.rare.former:
        # That delivery is over, and its end has been counted; only the Accepted has not reached the worker.
        return None
    if task.state is TaskMachineState.SCHEDULED:
        # It had come due by a clock that was put back since.
        rare = task.rarely()
        rare.due, rare.backoff = None, False
        move(task, TaskMachineEvent.DUE)
        state.held_back[task] = None
    if task.state is TaskMachineState.READY and task in state.held_back:
        del state.held_back[task]
        move(task, TaskMachineEvent.LEASE)
        task.lease = held.lease
        limits.occupy(state, task)
        if task.options.time_limit:
            state.bound(task)
        return task
    if task.state is TaskMachineState.LEASED and task.lease < held.lease:
        _supersede(state, task)
        task.lease = held.lease
        if task.options.time_limit:
            state.bound(task)
        return task
    return None


def _supersede(state: State, task: Task) -> None:
    """Of two claims the higher one holds; who has the lower one is told to stop."""
    holder = state.sessions.get(task.holder)
    if holder is None:
        return
    holder.revoke(task.lease)
    if holder.number:
        cancel = Cancel(holder.next(), task.id, task.lease, CancelMode.SUPERSEDED)
        holder.superseded[cancel.seq] = task.lease
        state.turn.send(holder.number, cancel)


def _keep(state: State, worker: Worker, former: Worker, task: Task, lease: int) -> None:
    since = former.since.get(lease)
    former.release(lease)
    task.holder = worker.session
    worker.hold(task, lease)
    if since is not None:
        worker.since[lease] = since
    state.record(task)


def release_held_back(state: State, now: Now, *, over: bool = False) -> None:
    """Ends the grace when everybody from before the restart is back, or its time is over.

    Who has been back and has left again has the time that a broken connection has, as at any other moment.
    """
    if not state.grace:
        return
    awaited = [worker for worker in state.sessions.values() if worker.awaited]
    if awaited and not over:
        return
    for worker in awaited:
        _give_back_all(state, worker, now)
        _forget(state, worker)
    release(state)


def release(state: State) -> None:
    """Hands out what was held back, in the order in which it came."""
    state.grace = False
    for task in sorted(state.held_back, key=lambda task: task.seq):
        rare = task.rare
        if rare is not None and rare.cancelling:
            endings.cancel(state, task, state.now)
        elif rare is not None and rare.expires is not None and (rare.overdue or rare.expires <= state.now.millis):
            endings.expire(state, task, state.now)
        else:
            del state.held_back[task]
            state.make_ready(task)
