"""What there is besides tasks: how it goes, workers and how they are, queues, recurring tasks."""

from __future__ import annotations

import asyncio
import time
from importlib.metadata import version
from itertools import islice

from aiohttp import web

from wiretask_protocol import MAX_VERSION, codec
from wiretask_protocol.messages import CatchUpPolicy, OverlapPolicy, TaskState
from wiretask_scheduler.core.peers import Worker
from wiretask_scheduler.core.queues import Queue
from wiretask_scheduler.core.recurring import Recurrence
from wiretask_scheduler.core.tasks import Task
from wiretask_scheduler.flow import Flow
from wiretask_scheduler.http import shapes
from wiretask_scheduler.http.answers import CENSUS, FLOW, MONITOR
from wiretask_scheduler.http.census import QueueCount
from wiretask_scheduler.http.listing import STATES

#: Workers that are looked at in one go.
_IN_ONE_GO = 20
#: Tasks that are shown of one worker.
_TASKS = 20
#: What a worker was sent and has slots for should have begun by then.
DEAF_SECONDS = 15.0
#: A worker that said nothing for so many heartbeats is about to be taken for lost.
_SILENT_HEARTBEATS = 2
VERSION = version("wiretask")


async def overview(request: web.Request) -> shapes.Overview:
    """How it goes."""
    flow, monitor = request.app[FLOW], request.app[MONITOR]
    state = flow.broker.state
    counts = await request.app[CENSUS].counts()
    states = {
        word: sum(count.states[value] for count in counts.values())
        for word, value in STATES.items()
        if value <= TaskState.LEASED
    }
    return shapes.Overview(
        now_ms=int(time.time() * 1000),
        started_ms=monitor.started_ms,
        version=VERSION,
        accepting=not state.store_full,
        states=states,
        counts=dict(state.counts),
        workers=len(state.workers),
        clients=len(state.clients),
        connections=len(flow.server.links),
        slots=sum(worker.slots for worker in state.workers.values()),
        last=monitor.history[-1] if monitor.history else None,
    )


async def history(request: web.Request) -> shapes.History:
    """The last ten minutes, second by second."""
    return shapes.History(samples=list(request.app[MONITOR].history))


# -- workers --


async def workers(request: web.Request) -> shapes.Workers:
    """The workers, those included whose connection broke and who may come back."""
    flow = request.app[FLOW]
    known = sorted(flow.broker.state.sessions.values(), key=lambda worker: (not worker.number, worker.number))
    found: list[shapes.Worker] = []
    for at in range(0, len(known), _IN_ONE_GO):
        found += [_worker(flow, worker) for worker in known[at : at + _IN_ONE_GO]]
        await asyncio.sleep(0)
    return shapes.Workers(workers=found)


def _worker(flow: Flow, worker: Worker) -> shapes.Worker:
    now, monotonic = time.time(), time.monotonic()
    link = flow.server.links.get(worker.number) if worker.number else None
    session = link.session if link is not None else None
    hello = session.hello if session is not None else None
    longest = [_running(flow, worker, lease, task, monotonic) for lease, task in islice(worker.leases.items(), _TASKS)]
    heard = monotonic - session.heard if session is not None else None
    return shapes.Worker(
        peer=worker.number,
        name=worker.name,
        connected=bool(worker.number),
        address=link.address if link is not None else None,
        agent=hello.agent if hello is not None else None,
        version=min(hello.versions.max_version, MAX_VERSION) if hello is not None and hello.versions else None,
        queues=worker.queues,
        types=sorted(worker.types),
        labels=sorted(worker.labels),
        resources=worker.resources,
        slots=worker.slots,
        concurrency=worker.concurrency or worker.slots,
        outstanding=worker.outstanding,
        running=sum(lease <= worker.begun for lease in worker.leases),
        draining=worker.draining,
        done=worker.done,
        connected_seconds=round(max(0.0, now - worker.joined), 3),
        heard_ms=int(heard * 1000) if heard is not None else None,
        round_trip_ms=_round_trip(session.round_trip if session is not None else None),
        stuck=_stuck(flow, worker, longest, heard),
        tasks=longest,
    )


def _round_trip(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)


def _running(flow: Flow, worker: Worker, lease: int, task: Task, monotonic: float) -> shapes.Running:
    since = flow.broker.state.stopwatch.since(worker, lease)
    return shapes.Running(
        id=task.id.hex(),
        type=task.options.type,
        queue=task.options.queue,
        attempt=task.attempt,
        begun=lease <= worker.begun,
        age_ms=int(max(0.0, monotonic - since) * 1000) if since is not None else None,
        time_limit_ms=task.options.time_limit or None,
    )


def _stuck(flow: Flow, worker: Worker, tasks: list[shapes.Running], heard: float | None) -> str | None:
    """What is wrong with a worker."""
    if not worker.number:
        return "its connection broke; its tasks are given to others unless it comes back soon"
    if heard is not None and heard > _SILENT_HEARTBEATS * flow.server.settings.heartbeat_seconds:
        return f"it has said nothing for {heard:.0f} s; look whether its machine and the network are well"
    margin = flow.broker.state.settings.time_limit_margin_seconds * 1000
    for task in tasks:
        if task.begun and task.time_limit_ms and (task.age_ms or 0) > task.time_limit_ms + margin:
            return f"it has not stopped {task.type} at its time limit; restart it, or run such tasks in processes"
    begun = sum(task.options.cost for lease, task in worker.leases.items() if lease <= worker.begun)
    asleep = next((task for task in tasks if not task.begun), None)
    idle = begun < (worker.concurrency or worker.slots)
    if asleep is not None and idle and (asleep.age_ms or 0) > DEAF_SECONDS * 1000:
        return "it has room and does not begin what it was sent; restart it"
    return None


# -- queues --


async def queues(request: web.Request) -> shapes.Queues:
    """The queues that have tasks, that a worker takes, or that an operator has said something of."""
    flow = request.app[FLOW]
    counts = await request.app[CENSUS].counts()
    state = flow.broker.state
    names = {queue.name for queue in state.queues if queue.live or queue.mode}
    names.update(name for worker in state.workers.values() for name in worker.queues)
    known = [state.queues[name] for name in names]
    found = [shown(queue, counts.get(queue.name, QueueCount())) for queue in known]
    return shapes.Queues(queues=sorted(found, key=lambda queue: queue.name))


def shown(queue: Queue, count: QueueCount) -> shapes.Queue:
    """A queue with its tasks."""
    states = count.states
    return shapes.Queue(
        name=queue.name,
        mode=queue.mode.name.lower(),  # type: ignore[arg-type] # the names of the enum
        live=queue.live,
        ready=states[TaskState.READY],
        leased=states[TaskState.LEASED],
        waiting=states[TaskState.WAITING],
        scheduled=states[TaskState.SCHEDULED],
        oldest_ready_ms=None if count.oldest is None else max(0, int(time.time() * 1000) - count.oldest),
        length_limit=queue.length_limit or None,
    )


# -- recurring tasks --


async def schedules(request: web.Request) -> shapes.Schedules:
    """The recurring tasks."""
    found = [_schedule(recurrence) for recurrence in request.app[FLOW].broker.state.recurring]
    return shapes.Schedules(schedules=sorted(found, key=lambda schedule: schedule.name))


def _schedule(recurrence: Recurrence) -> shapes.Schedule:
    schedule = recurrence.schedule
    assert schedule.envelope is not None
    envelope = codec.decode_envelope(schedule.envelope)
    return shapes.Schedule(
        name=schedule.name,
        type=envelope.type,
        queue=envelope.queue,
        cron=schedule.cron,
        every_ms=schedule.every,
        zone=schedule.zone or "UTC",
        overlap=OverlapPolicy(schedule.overlap or OverlapPolicy.SKIP).name.lower(),
        catch_up=CatchUpPolicy(schedule.catch_up or CatchUpPolicy.SKIP).name.lower(),
        next_ms=recurrence.next,
        last_ms=recurrence.last_run or None,
        left_out=recurrence.left_out or None,
    )
