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
from dataclasses import dataclass

from aiohttp import web

from wiretask_scheduler.flow import Flow
from wiretask_scheduler.http import endpoints, metrics, page
from wiretask_scheduler.http.answers import CENSUS, FLOW, GUARD, MONITOR
from wiretask_scheduler.http.census import Census
from wiretask_scheduler.http.connections import Connections
from wiretask_scheduler.http.gate import Gate
from wiretask_scheduler.http.guard import Guard
from wiretask_scheduler.http.monitor import Monitor
from wiretask_scheduler.http.sessions import IDLE_SECONDS, LONGEST_SECONDS, Sessions
from wiretask_scheduler.tls import Tls

log = logging.getLogger(__name__)

#: What a request may send: filters.
_REQUEST_OCTETS = 64 << 10
#: A connection of somebody who is known waits so long for his next request.
_KEEPALIVE_SECONDS = 75.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """How HTTP is served. Who may ask is what the doorkeeper of the peers says."""

    #: Under which it is asked, besides addresses and localhost.
    names: Iterable[str] = ()
    #: Whether the metrics are for everybody, as health is.
    open_metrics: bool = False
    session_idle_seconds: float = IDLE_SECONDS
    session_seconds: float = LONGEST_SECONDS
    tls: Tls | None = None
    #: Whether TLS has to show a certificate of who asks.
    certificates: bool = False


async def serve(flow: Flow, host: str, port: int, settings: HttpSettings | None = None) -> Site:
    """Begins to serve. Raises OSError if the address cannot be had."""
    settings = settings or HttpSettings()
    gate = Gate(frozenset(name.lower() for name in settings.names), open_metrics=settings.open_metrics)
    app = web.Application(middlewares=[gate.middleware()], client_max_size=_REQUEST_OCTETS)
    doorkeeper = flow.server.doorkeeper
    sessions = Sessions(idle_seconds=settings.session_idle_seconds, longest_seconds=settings.session_seconds)
    app[FLOW] = flow
    app[CENSUS] = Census(flow.broker.state)
    app[MONITOR] = Monitor(flow)
    app[GUARD] = Guard(doorkeeper, sessions, certificates=settings.certificates)
    app.router.add_get("/healthz", _healthz)
    app.router.add_get("/readyz", _readyz)
    app.router.add_get("/metrics", _metrics)
    endpoints.add_routes(app)
    page.add_routes(app)
    app.cleanup_ctx.append(_watching)
    app.on_shutdown.append(_end_events)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0, keepalive_timeout=_KEEPALIVE_SECONDS)
    await runner.setup()
    assert runner.server is not None
    connections = Connections(runner.server, doorkeeper, flow.server.settings.handshake_seconds)
    gate.connections = connections
    try:
        address = await connections.listen(host, port, settings.tls)
    except OSError:
        await runner.cleanup()
        raise
    site = Site(runner, connections, address, "http" if settings.tls is None else "https")
    log.info("dashboard, API, metrics and health at %s", site.url)
    return site


@dataclass(frozen=True, slots=True)
class Site:
    """What is served."""

    runner: web.AppRunner
    connections: Connections
    address: tuple[str, int]
    scheme: str

    @property
    def url(self) -> str:
        """Where."""
        host, port = self.address
        return f"{self.scheme}://[{host}]:{port}" if ":" in host else f"{self.scheme}://{host}:{port}"

    async def close(self) -> None:
        """Serves no more."""
        await self.connections.close()
        await self.runner.cleanup()


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
