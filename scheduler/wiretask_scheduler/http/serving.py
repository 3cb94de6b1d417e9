"""The HTTP side, for people and machines that look: health, metrics, and lists of everything as JSON.

What an answer reveals is durable before it leaves, as it is with frames.
"""

from __future__ import annotations

import logging
import time
from collections import Counter

from aiohttp import web

from wiretask_protocol.messages import CatchUpPolicy, Outcome, OverlapPolicy, TaskState
from wiretask_scheduler import admin, metrics
from wiretask_scheduler.admin import FLOW, Filter, as_json, last_error, shown
from wiretask_scheduler.core.records import StoredTask
from wiretask_scheduler.flow import Flow
from wiretask_scheduler.store.window import LIVE_STATES

log = logging.getLogger(__name__)

#: Tasks on one page: where nothing is said, and at most.
PAGE, PAGE_MAXIMUM = 100, 1000
_STATES = {state.name.lower(): state for state in TaskState}


async def serve(flow: Flow, host: str, port: int) -> web.AppRunner:
    """Begins to serve. Raises OSError if the address cannot be had."""
    app = web.Application()
    app[FLOW] = flow
    app.router.add_get("/healthz", _healthz)
    app.router.add_get("/readyz", _readyz)
    app.router.add_get("/metrics", _metrics)
    app.router.add_get("/api/tasks", _tasks)
    app.router.add_get("/api/workers", _workers)
    app.router.add_get("/api/queues", _queues)
    app.router.add_get("/api/schedules", _schedules)
    admin.add_routes(app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    address = runner.addresses[0]
    log.info("health, metrics and lists at http://%s:%d", address[0], address[1])
    return runner


async def _healthz(request: web.Request) -> web.Response:
    """The event loop turns."""
    del request
    return web.Response(text="ok\n")


async def _readyz(request: web.Request) -> web.Response:
    """New tasks are taken."""
    if request.app[FLOW].broker.state.store_full:
        return web.Response(status=503, text="the store takes no new tasks; free space on its disk\n")
    return web.Response(text="ready\n")


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(body=metrics.render(request.app[FLOW]), headers={"Content-Type": metrics.CONTENT_TYPE})


async def _tasks(request: web.Request) -> web.Response:
    """Tasks, newest first: ?state=ready&queue=&type=&error=&older_ms=&limit=100&before=SEQ (the `next` of a page)."""
    try:
        before = _whole(request, "before", None, 1 << 62)
        most = _whole(request, "limit", PAGE, PAGE_MAXIMUM) or PAGE
        state = _STATES[request.query["state"]] if "state" in request.query else None
        chosen = Filter.read(request.query)
    except (ValueError, KeyError):
        text = (
            f"limit is 1 to {PAGE_MAXIMUM}, before is the next of a page, older_ms is a number,"
            f" state is one of {', '.join(_STATES)}"
        )
        return web.json_response({"error": text}, status=400)
    flow = request.app[FLOW]
    page = await flow.questions.read(lambda: flow.store.list_tasks(before=before, state=state, most=most))
    millis = int(time.time() * 1000)
    found = [stored for stored in page.tasks if chosen.takes(stored, millis)]
    tasks = [task for stored in found if (task := _task(flow, stored, state)) is not None]
    await flow.settled()
    return as_json({"tasks": tasks, "next": page.next})


def _whole(request: web.Request, name: str, default: int | None, most: int) -> int | None:
    """A whole number from 1 of the query. Raises ValueError."""
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise ValueError(name)
    return int(text)


def _task(flow: Flow, stored: StoredTask, wanted: TaskState | None) -> dict[str, object] | None:
    """A task as JSON, or None if it is not in the state that is wanted. Of a live one the core knows the state."""
    live = flow.broker.state.tasks.get(stored.id)
    state = int(live.state) if live is not None else stored.state
    if wanted is not None and (state != wanted or (live is None and wanted in LIVE_STATES)):
        return None
    error_type, error_message = last_error(stored)
    if live is not None and live.rare is not None:
        error_type, error_message = live.rare.error_type, live.rare.error_message
    return {
        "id": stored.id.hex(),
        "type": stored.options.type,
        "queue": stored.options.queue,
        "priority": stored.options.priority,
        "state": TaskState(state).name.lower(),
        "attempt": live.attempt if live is not None else stored.attempt,
        "submitted_ms": stored.submitted,
        "ended_ms": stored.ended,
        "error_type": error_type,
        "error_message": error_message,
        "attempts": [
            {
                "attempt": attempt.attempt,
                "outcome": Outcome(attempt.outcome).name.lower(),
                "ended_ms": attempt.ended,
                "worker": attempt.worker,
                "error_type": attempt.error_type,
                "error_message": attempt.error_message,
            }
            for attempt in (live.rare.history if live is not None and live.rare is not None else stored.history)
        ],
    }


async def _workers(request: web.Request) -> web.Response:
    flow = request.app[FLOW]
    now = time.time()
    workers = [
        {
            "peer": worker.number,
            "name": worker.name,
            "queues": worker.queues,
            "types": sorted(worker.types),
            "slots": worker.slots,
            "outstanding": worker.outstanding,
            "draining": worker.draining,
            "done": worker.done,
            "connected_seconds": round(now - worker.joined, 3),
        }
        for worker in flow.broker.state.workers.values()
    ]
    await flow.settled()
    return as_json({"workers": workers})


async def _queues(request: web.Request) -> web.Response:
    """The queues that have tasks, or that an operator has said something of."""
    flow = request.app[FLOW]
    state = flow.broker.state
    ready: Counter[str] = Counter()
    for lane in state.ready:
        ready[lane.queue.name] += lane.count - lane.dead
    queues = [shown(queue, ready[queue.name]) for queue in state.queues if queue.live or queue.mode]
    await flow.settled()
    return as_json({"queues": sorted(queues, key=lambda queue: str(queue["name"]))})


async def _schedules(request: web.Request) -> web.Response:
    """The recurring tasks."""
    flow = request.app[FLOW]
    schedules = [
        {
            "name": recurrence.schedule.name,
            "cron": recurrence.schedule.cron,
            "every_ms": recurrence.schedule.every,
            "zone": recurrence.schedule.zone or "UTC",
            "overlap": OverlapPolicy(recurrence.schedule.overlap or OverlapPolicy.SKIP).name.lower(),
            "catch_up": CatchUpPolicy(recurrence.schedule.catch_up or CatchUpPolicy.SKIP).name.lower(),
            "next_ms": recurrence.next,
            "last_ms": recurrence.last_run or None,
        }
        for recurrence in flow.broker.state.recurring
    ]
    await flow.settled()
    return as_json({"schedules": sorted(schedules, key=lambda schedule: str(schedule["name"]))})
