"""`--http`: metrics for Prometheus, and health for probes, on a thread beside the event loop.

It answers while the loop is busy with inline tasks, and says when that is for too long: a probe that asked the loop
itself would only time out. What it says is read from numbers that the loop keeps; nobody waits for anybody.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast
from wsgiref.simple_server import WSGIRequestHandler

from prometheus_client import REGISTRY, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from wiretask_worker.counts import LAG_BOUNDS, Histogram
from wiretask_worker.errors import ConfigError
from wiretask_worker.metrics import WorkerCollector

if TYPE_CHECKING:
    from wsgiref.types import StartResponse

    from wiretask_worker.runtime import Runtime

_LOG = logging.getLogger(__name__)
_BEAT_SECONDS = 0.5
#: Silent for this long, a worker is lost to its scheduler for sure (three heartbeats of at most 20 s).
STUCK_SECONDS = 60.0
#: Who says nothing for so long is let go; so many are served at a time.
_PATIENCE_SECONDS = 5.0
_REQUESTS = 16


class Web:
    """Serves one worker. Close it when the worker ends. Raises ConfigError if the address cannot be had."""

    def __init__(self, runtime: Runtime, host: str, port: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._runtime = runtime
        self._clock = clock
        self._lag = Histogram(LAG_BOUNDS)
        self._beat_at = clock()
        self._timer: asyncio.TimerHandle | None = None
        self._metrics = make_wsgi_app(REGISTRY)
        try:
            self._server = _Server(host, port, self._answer)
        except OSError as error:
            raise ConfigError(f"--http {host}:{port}: {error.strerror or error}; choose another address") from None
        self._collector = WorkerCollector(runtime.engine, runtime.engine.count(), self._lag, runtime.slots)
        REGISTRY.register(self._collector)
        threading.Thread(target=self._server.serve_forever, name="wiretask-http", daemon=True).start()
        _LOG.info("metrics and health at http://%s:%d", host if ":" not in host else f"[{host}]", self.port)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_port

    def beat(self) -> None:
        """On the event loop, again and again: how late it comes is the lag."""
        now = self._clock()
        self._lag.add(max(0.0, now - self._beat_at - _BEAT_SECONDS) if self._timer is not None else 0.0)
        self._beat_at = now
        self._timer = asyncio.get_running_loop().call_later(_BEAT_SECONDS, self.beat)

    def close(self) -> None:
        """Serves no more."""
        if self._timer is not None:
            self._timer.cancel()
        REGISTRY.unregister(self._collector)
        self._server.shutdown()
        self._server.server_close()

    # -- in the thread of a request

    def _answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/metrics":
                return cast("Iterable[bytes]", self._metrics(environ, start_response))
            case "/healthz":
                silent = self._clock() - self._beat_at
                well = silent < STUCK_SECONDS
                return _say(start_response, well, {"ok": well, "silent_seconds": round(silent, 1)})
            case "/readyz":
                return _say(start_response, self._runtime.ready, self._runtime.health())
            case _:
                start_response("404 Not Found", [("Content-Type", "text/plain")])
                return [b"there are /metrics, /healthz and /readyz\n"]


def _say(start_response: StartResponse, well: bool, said: dict[str, Any]) -> list[bytes]:
    start_response("200 OK" if well else "503 Service Unavailable", [("Content-Type", "application/json")])
    return [json.dumps(said).encode() + b"\n"]


class _Quiet(WSGIRequestHandler):
    timeout = _PATIENCE_SECONDS

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the name of the library
        """Probes come every few seconds; that is no event."""

    def address_string(self) -> str:
        """No resolver is asked who that is."""
        return str(self.client_address[0])


class _Server(ThreadingWSGIServer):
    daemon_threads = True

    def __init__(self, host: str, port: int, app: Callable[..., Iterable[bytes]]) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._free = threading.Semaphore(_REQUESTS)
        super().__init__((host, port), _Quiet)
        self.set_app(app)

    def server_bind(self) -> None:
        """Without a look-up of our own name, which may take seconds."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Those who come when so many are here already are let go."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """In a thread of its own."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that went away is no event; the standard library would print a traceback."""
        _LOG.debug("a request could not be answered", exc_info=True)
