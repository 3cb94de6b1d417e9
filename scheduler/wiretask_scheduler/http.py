"""The HTTP side, for people and machines that look: health, metrics, and lists of tasks and workers as JSON."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from wiretask_protocol.messages import TaskState
from wiretask_scheduler import metrics
from wiretask_scheduler.core.records import StoredTask

if TYPE_CHECKING:
    from wiretask_scheduler.app import Scheduler

log = logging.getLogger(__name__)

#: Tasks on one page, at most.
PAGE_MAXIMUM = 1000
_SCHEDULER = web.AppKey("scheduler", Any)


async def serve(scheduler: Scheduler, host: str, port: int) -> web.AppRunner:
    """Begins to serve. Raises OSError if the address cannot be had."""
    app = web.Application()
    app[_SCHEDULER] = scheduler
    app.router.add_get("/healthz", _healthz)
    app.router.add_get("/readyz", _readyz)
    app.router.add_get("/metrics", _metrics)
    app.router.add_get("/api/tasks", _tasks)
    app.router.add_get("/api/workers", _workers)
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
    return web.Response(text="ok\n")


async def _readyz(request: web.Request) -> web.Response:
    state = request.app[_SCHEDULER].broker.state
    if state.store_full:
        return web.Response(status=503, text="the store takes no new tasks; free space on its disk\n")
    return web.Response(text="ready\n")


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(body=metrics.render(request.app[_SCHEDULER]), headers={"Content-Type": metrics.CONTENT_TYPE})


async def _tasks(request: web.Request) -> web.Response:
    """Tasks, newest first: ?state=ready&limit=100&before=SEQ (the `next` of the page before)."""
    try:
        before = int(request.query["before"]) if "before" in request.query else None
        most = min(int(request.query.get("limit", "100")), PAGE_MAXIMUM)
        state = TaskState[request.query["state"].upper()].value if "state" in request.query else None
        if most < 1 or (before is not None and not 0 <= before < 1 << 62):
            raise ValueError
    except (ValueError, KeyError):
        states = ", ".join(member.name.lower() for member in TaskState)
        text = f"before and limit are whole numbers from 1; state is one of {states}"
        return web.json_response({"error": text}, status=400)
    scheduler = request.app[_SCHEDULER]
    loop = asyncio.get_running_loop()
    page = await loop.run_in_executor(None, lambda: scheduler.store.list_tasks(before=before, state=state, most=most))
    return web.json_response({"tasks": [_task(scheduler, task) for task in page.tasks], "next": page.next})


def _task(scheduler: Any, task: StoredTask) -> dict[str, object]:
    live = scheduler.broker.state.tasks.get(task.id)
    state = live.state if live is not None else task.state
    return {
        "id": task.id.hex(),
        "type": task.options.type,
        "queue": task.options.queue,
        "priority": task.options.priority,
        "state": TaskState(state).name.lower() if state in set(TaskState) else str(int(state)),
        "attempt": live.attempt if live is not None else task.attempt,
        "submitted_ms": task.submitted,
        "ended_ms": task.ended,
        "error": task.error.partition("\n")[0] if task.error else None,
    }


async def _workers(request: web.Request) -> web.Response:
    state = request.app[_SCHEDULER].broker.state
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
        for worker in state.workers.values()
    ]
    return web.json_response({"workers": workers})
