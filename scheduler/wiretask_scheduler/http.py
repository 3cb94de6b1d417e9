"""The HTTP side, for people and machines that look: health, metrics, and lists of tasks and workers as JSON.

What an answer reveals is durable before it leaves, as it is with frames.
"""

from __future__ import annotations

import json
import logging
import time

from aiohttp import web

from wiretask_protocol.messages import TaskState
from wiretask_scheduler import metrics
from wiretask_scheduler.core.records import StoredTask
from wiretask_scheduler.flow import Flow
from wiretask_scheduler.store.window import LIVE_STATES

log = logging.getLogger(__name__)

#: Tasks on one page: where nothing is said, and at most.
PAGE, PAGE_MAXIMUM = 100, 1000
_FLOW = web.AppKey("flow", Flow)
_STATES = {state.name.lower(): state for state in TaskState}


async def serve(flow: Flow, host: str, port: int) -> web.AppRunner:
    """Begins to serve. Raises OSError if the address cannot be had."""
    app = web.Application()
    app[_FLOW] = flow
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
    """The event loop turns."""
    del request
    return web.Response(text="ok\n")


async def _readyz(request: web.Request) -> web.Response:
    """New tasks are taken."""
    if request.app[_FLOW].broker.state.store_full:
        return web.Response(status=503, text="the store takes no new tasks; free space on its disk\n")
    return web.Response(text="ready\n")


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(body=metrics.render(request.app[_FLOW]), headers={"Content-Type": metrics.CONTENT_TYPE})


async def _tasks(request: web.Request) -> web.Response:
    """Tasks, newest first: ?state=ready&limit=100&before=SEQ (the `next` of the page before)."""
    try:
        before = _whole(request, "before", None, 1 << 62)
        most = _whole(request, "limit", PAGE, PAGE_MAXIMUM) or PAGE
        state = _STATES[request.query["state"]] if "state" in request.query else None
    except (ValueError, KeyError):
        text = f"limit is 1 to {PAGE_MAXIMUM}, before is the next of a page, state is one of {', '.join(_STATES)}"
        return web.json_response({"error": text}, status=400)
    flow = request.app[_FLOW]
    page = await flow.questions.read(lambda: flow.store.list_tasks(before=before, state=state, most=most))
    tasks = [task for stored in page.tasks if (task := _task(flow, stored, state)) is not None]
    await flow.settled()
    return _json({"tasks": tasks, "next": page.next})


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
    error_type, _, error_message = (stored.error or "").partition("\n")
    if live is not None and live.rare is not None:
        error_type, error_message = live.rare.error_type or "", live.rare.error_message or ""
    return {
        "id": stored.id.hex(),
        "type": stored.options.type,
        "queue": stored.options.queue,
        "priority": stored.options.priority,
        "state": TaskState(state).name.lower(),
        "attempt": live.attempt if live is not None else stored.attempt,
        "submitted_ms": stored.submitted,
        "ended_ms": stored.ended,
        "error_type": error_type or None,
        "error_message": error_message or None,
    }


async def _workers(request: web.Request) -> web.Response:
    flow = request.app[_FLOW]
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
    return _json({"workers": workers})


def _json(value: object) -> web.Response:
    return web.json_response(value, dumps=lambda thing: json.dumps(thing, separators=(",", ":")) + "\n")
