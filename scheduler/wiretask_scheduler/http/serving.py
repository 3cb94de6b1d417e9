"""The HTTP side, for people and machines that look: health, metrics, the API, and the page for people.

It is served by the loop that serves the peers, so nothing here takes long in one go: lists are read on a thread and a
connection that no peer waits for, large answers are made in parts, and what is counted over all tasks is counted in
slices. What an answer reveals is durable before it leaves, as it is with frames.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress

from aiohttp import web

from wiretask_scheduler.flow import Flow
from wiretask_scheduler.http import endpoints, metrics, page
from wiretask_scheduler.http.answers import CENSUS, FLOW, MONITOR
from wiretask_scheduler.http.census import Census
from wiretask_scheduler.http.gate import at_the_gate
from wiretask_scheduler.http.monitor import Monitor

log = logging.getLogger(__name__)

#: What a request may send: filters.
_REQUEST_OCTETS = 64 << 10


async def serve(flow: Flow, host: str, port: int, names: Iterable[str] = ()) -> web.AppRunner:
    """Begins to serve, also under other names than addresses and localhost. Raises OSError without the address."""
    app = web.Application(
        middlewares=[at_the_gate(frozenset(name.lower() for name in names))], client_max_size=_REQUEST_OCTETS
    )
    app[FLOW] = flow
    app[CENSUS] = Census(flow.broker.state)
    app[MONITOR] = Monitor(flow)
    app.router.add_get("/healthz", _healthz)
    app.router.add_get("/readyz", _readyz)
    app.router.add_get("/metrics", _metrics)
    endpoints.add_routes(app)
    page.add_routes(app)
    app.cleanup_ctx.append(_watching)
    app.on_shutdown.append(_end_events)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    address = runner.addresses[0]
    log.info("dashboard, API, metrics and health at http://%s:%d", address[0], address[1])
    return runner


async def _watching(app: web.Application) -> AsyncIterator[None]:
    running = asyncio.create_task(app[MONITOR].run())
    yield
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def _end_events(app: web.Application) -> None:
    app[MONITOR].close()


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
    counts = await request.app[CENSUS].counts()
    octets = metrics.render(request.app[FLOW], counts, request.app[MONITOR])
    return web.Response(body=octets, headers={"Content-Type": metrics.CONTENT_TYPE})
