"""The scheduler as a process: recovery, readiness, signals, the end."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from wiretask_scheduler import reloading, tracing
from wiretask_scheduler.assembly import make_broker, make_doorkeeper, make_tls, put_schedules, session_settings
from wiretask_scheduler.config import ConfigError
from wiretask_scheduler.flow import Flow
from wiretask_scheduler.store import Store, StoreBusyError, StoreError, StoreFullError

if TYPE_CHECKING:
    from wiretask_scheduler.config import Config
    from wiretask_scheduler.http import HttpSettings
    from wiretask_scheduler.tls import Tls

log = logging.getLogger(__name__)

#: A commit thread that has to wait for the interpreter should not wait long: its steps are short.
SWITCH_SECONDS = 0.0005
#: What lives long is outside the garbage collector; looking through the rows of each turn would cost a sixth of the
#: throughput (measured), and rows make no cycles.
GC_THRESHOLDS = (10_000, 50, 100)


class Scheduler:
    """One scheduler over one store."""

    def __init__(self, config: Config, store: Store, reread: Callable[[], Config] | None = None) -> None:
        """`reread` says what SIGHUP finds. Raises ConfigError."""
        self.config = config
        self._reread = reread or (lambda: config)
        self.failure: str | None = None
        self.tls = make_tls(config)
        self.web_tls = make_tls(config, required=False) if config.http is not None else None
        self._stopping = asyncio.Event()
        self.flow = Flow(
            make_broker(config),
            store,
            session_settings(config),
            doorkeeper=make_doorkeeper(config),
            body_budget=config.body_cache_bytes,
            failed=self._fail,
        )

    async def run(self, ready: Callable[[str, int], None]) -> None:
        """Serves until it is told to stop. Calls `ready` with its address. Raises OSError, StoreError."""
        _raise_descriptor_limit()
        sys.setswitchinterval(SWITCH_SECONDS)
        if tracing.on():
            self.flow.observer = tracing.Tracing()
        self.flow.start()
        put_schedules(self.flow.broker, self.config)
        self._say_recovered()
        try:
            await self._serve(ready)
        finally:
            # After a failure nothing more is written: what the committer does is not known.
            if self.failure is None:
                await self.flow.stop()
            await self.flow.server.stop()
            if self.failure is None:
                self.flow.close()

    async def _serve(self, ready: Callable[[str, int], None]) -> None:
        # aiohttp takes 150 ms to import, and more on a busy machine; peers that are there already would wait for it.
        http = import_module("wiretask_scheduler.http") if self.config.http is not None else None
        host, port = await self.flow.server.listen(self.config.listen.host, self.config.listen.port, self.tls)
        web = None
        if self.config.http is not None and http is not None:
            settings = _http_settings(self.config, self.web_tls)
            web = await http.serve(self.flow, self.config.http.host, self.config.http.port, settings)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        ready(host, port)
        await self._stopping.wait()
        if web is not None:
            await web.close()

    def reload(self) -> None:
        """Reads settings, tokens and certificates again. What cannot be used leaves everything as it was."""
        try:
            said = reloading.reload(self, self._reread())
        except ConfigError as error:
            log.error("nothing is reloaded: %s", error)  # noqa: TRY400 -- its text says it all
            return
        log.info("%s", said)

    def stop(self) -> None:
        """Ends `run`: goodbye to all, commit, exit."""
        self._stopping.set()

    def _say_recovered(self) -> None:
        state = self.flow.broker.state
        if state.tasks.count:
            log.info("%d unfinished tasks are here; %d workers may come back", state.tasks.count, len(state.sessions))

    def _on_signal(self, number: int) -> None:
        if self._stopping.is_set():
            log.warning("stopping at once; what was accepted is safe")
            os._exit(128 + number)
        log.info("stopping: goodbye to all, commit, exit; signal again to stop at once")
        self.stop()

    def _fail(self, error: Exception) -> None:
        """Ends `run` because going on could lose something; a restart recovers."""
        known = isinstance(error, StoreError | StoreBusyError | StoreFullError)
        self.failure = str(error) if known else f"a bug, please report it: {error!r}"
        if not known:
            log.error("%s", self.failure, exc_info=error)
        self.stop()


def _http_settings(config: Config, tls: Tls | None) -> HttpSettings:
    from wiretask_scheduler.http import HttpSettings  # noqa: PLC0415 -- aiohttp takes 150 ms to import

    return HttpSettings(
        names=config.http_names,
        open_metrics=config.http_open_metrics,
        session_idle_seconds=config.http_session_idle_seconds,
        session_seconds=config.http_session_seconds,
        tls=tls,
        certificates=config.tls_client_ca is not None,
    )


def _raise_descriptor_limit() -> None:
    """Each connection takes a file descriptor, and the usual limit of 1 024 is for programs that have few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
