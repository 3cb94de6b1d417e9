"""The scheduler as a process: recovery, readiness, signals, the end."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import resource
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from wiretask_protocol.errors import WireError
from wiretask_scheduler import tokens
from wiretask_scheduler.calendar import CALENDAR
from wiretask_scheduler.config import ConfigError
from wiretask_scheduler.core import Broker, Settings
from wiretask_scheduler.core.recurring import BadScheduleError
from wiretask_scheduler.doorkeeper import Doorkeeper
from wiretask_scheduler.flow import Flow, now
from wiretask_scheduler.session import SessionSettings
from wiretask_scheduler.store import Store, StoreBusyError, StoreError, StoreFullError
from wiretask_scheduler.tls import Tls, TlsError

if TYPE_CHECKING:
    from wiretask_scheduler.config import Config
    from wiretask_scheduler.http import HttpSettings

log = logging.getLogger(__name__)

#: A commit thread that has to wait for the interpreter should not wait long: its steps are short.
SWITCH_SECONDS = 0.0005
#: What lives long is outside the garbage collector; looking through the rows of each turn would cost a sixth of the
#: throughput (measured), and rows make no cycles.
GC_THRESHOLDS = (10_000, 50, 100)


class Scheduler:
    """One scheduler over one store."""

    def __init__(self, config: Config, store: Store) -> None:
        self.config = config
        self.failure: str | None = None
        self.tls = _tls(config)
        self.web_tls = _tls(config, required=False) if config.http is not None else None
        self._stopping = asyncio.Event()
        self.flow = Flow(
            Broker(_core_settings(config), random.random, lambda: os.urandom(16), CALENDAR),
            store,
            _session_settings(config),
            doorkeeper=_doorkeeper(config),
            body_budget=config.body_cache_bytes,
            failed=self._fail,
        )

    async def run(self, ready: Callable[[str, int], None]) -> None:
        """Serves until it is told to stop. Calls `ready` with its address. Raises OSError, StoreError."""
        _raise_descriptor_limit()
        sys.setswitchinterval(SWITCH_SECONDS)
        self.flow.start()
        self._put_schedules()
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

    def _put_schedules(self) -> None:
        """Recurring tasks of the configuration. Raises ConfigError."""
        for name, recurring in self.config.recurring.items():
            try:
                self.flow.broker.put_schedule(recurring.schedule(name), now())
            except (BadScheduleError, WireError) as error:
                raise ConfigError(f"recurring.{name}: {error}") from None

    def reload(self) -> None:
        """Reads the tokens and the certificate again. What cannot be read leaves everything as it was."""
        try:
            keyring = tokens.read(self.config.tokens) if self.config.tokens is not None else None
            for tls in filter(None, (self.tls, self.web_tls)):
                tls.reload()
        except (tokens.TokenError, TlsError) as error:
            log.error("nothing is reloaded: %s", error)  # noqa: TRY400 -- its text says it all
            return
        self.flow.server.doorkeeper.keyring = keyring
        self.flow.server.recheck()
        log.info("reloaded: %s", f"{len(keyring)} tokens" if keyring is not None else "nobody has to prove who he is")

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


def _doorkeeper(config: Config) -> Doorkeeper:
    """Raises ConfigError."""
    try:
        keyring = tokens.read(config.tokens) if config.tokens is not None else None
    except tokens.TokenError as error:
        raise ConfigError(str(error)) from None
    return Doorkeeper(
        keyring,
        connections=config.connections_per_address,
        handshakes=config.handshakes_per_address,
        failures=config.failures_per_address,
    )


def _tls(config: Config, *, required: bool = True) -> Tls | None:
    """Raises ConfigError."""
    if config.tls_cert is None or config.tls_key is None:
        return None
    try:
        return Tls(config.tls_cert, config.tls_key, config.tls_client_ca, required=required)
    except TlsError as error:
        raise ConfigError(str(error)) from None


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


def _core_settings(config: Config) -> Settings:
    return Settings(
        frame_limit=config.frame_limit,
        in_flight=config.in_flight,
        crash_limit=config.crash_limit,
        loss_limit=config.loss_limit,
        retention_seconds=config.retention_seconds,
        dead_retention_seconds=config.dead_retention_seconds,
        queue_length_limit=config.queue_length_limit,
        queue_length_limits={name: queue.length_limit for name, queue in config.queues.items()},
        resume_grace_seconds=config.resume_grace_seconds,
        resume_window_seconds=config.resume_window_seconds,
    )


def _session_settings(config: Config) -> SessionSettings:
    return SessionSettings(
        frame_limit=config.frame_limit,
        in_flight=config.in_flight,
        heartbeat_ms=int(config.heartbeat_seconds * 1000),
        handshake_seconds=config.handshake_seconds,
        dedup_window_ms=int(config.retention_seconds * 1000),
        grease=config.grease,
    )


def _raise_descriptor_limit() -> None:
    """Each connection takes a file descriptor, and the usual limit of 1 024 is for programs that have few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def open_store(config: Config) -> Store:
    """The store that the configuration names. Raises StoreError."""
    if config.store == "memory:":
        from wiretask_scheduler.store.memory import MemoryStore  # noqa: PLC0415 -- one of two

        return MemoryStore(config.retention_bytes)
    from wiretask_scheduler.store.sqlite import SqliteStore  # noqa: PLC0415 -- one of two

    return SqliteStore(Path(config.store.removeprefix("sqlite:")), config.retention_bytes)
