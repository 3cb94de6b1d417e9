"""The life of a worker process: connects and connects again, obeys signals, and ends with an exit code.

SIGTERM or SIGINT           drain: finish what runs, give back what has not begun, exit 0
a second one                stop now, exit 130
SIGHUP                      read the settings again
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import random
import signal
import ssl
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from wiretask_protocol import trust
from wiretask_protocol.authentication import Credentials
from wiretask_protocol.limits import HANDSHAKE_DEADLINE_MS
from wiretask_worker import loading, logs, memory, provided, reloading
from wiretask_worker.backoff import Backoff
from wiretask_worker.config import Config
from wiretask_worker.engine import Engine
from wiretask_worker.errors import ConfigError, DefinitionError, RefusedError, WorkerError
from wiretask_worker.executors.base import Executor
from wiretask_worker.executors.coroutines import CoroutineExecutor
from wiretask_worker.executors.inline import InlineExecutor
from wiretask_worker.handlers import Catalog
from wiretask_worker.link import Link, reason
from wiretask_worker.logs import escape

if TYPE_CHECKING:
    from wiretask_worker.web import Web

_LOG = logging.getLogger(__name__)
INTERRUPTED = 130
_HEALTH_SECONDS = 5.0
#: How often a worker looks whether it has grown too old.
_AGE_SECONDS = 0.25
#: For the last frames to leave before the process does.
_FAREWELL_SECONDS = 1.0


class Runtime:
    """One worker process."""

    def __init__(
        self,
        config: Config,
        catalog: Catalog,
        loop: asyncio.AbstractEventLoop,
        announce: Callable[[], None] = lambda: None,
        *,
        credentials: Credentials | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`announce` is called once, when the scheduler has the first subscription.

        `credentials` prove who this is to a scheduler that wants tokens, and it has to prove the same to us;
        `wiretask_worker.trust` reads them from a file, and makes the `tls` to connect with.
        """
        self._config = config
        self._loop = loop
        self._catalog = catalog
        self._backoff = Backoff(random.random)
        self._announce = announce
        self._tls = tls
        self._draining = False
        #: Whether the present connection has got as far as a subscription, and whether any has.
        self._subscribed = False
        self._announced = False
        self._stopped = asyncio.Event()
        self._began = loop.time()
        settings = msgspec.structs.replace(config.core_settings(catalog), credentials=credentials)
        self.engine = Engine(settings, loop, self._on_ready)
        self._employ(catalog)

    async def run(self) -> int:
        """Runs until it is told to stop; returns the exit code. Raises WorkerError where it cannot go on."""
        async with await provided.start_async(self._catalog.provided(is_async=True)):
            return await self._run()

    async def _run(self) -> int:
        connecting = self._loop.create_task(self._stay_connected())
        stopped = self._loop.create_task(self._stopped.wait())
        health = self._loop.create_task(self._report_health())
        ageing = self._loop.create_task(self._grow_old())
        try:
            await asyncio.wait((connecting, stopped, self.engine.finished), return_when=asyncio.FIRST_COMPLETED)
            return self._end(connecting)
        finally:
            self.engine.close()
            for task in (connecting, stopped, health, ageing):
                task.cancel()
            await asyncio.wait((connecting,), timeout=_FAREWELL_SECONDS)

    def _end(self, connecting: asyncio.Task[None]) -> int:
        if self._stopped.is_set():
            _LOG.warning(
                "stopped with %d tasks unfinished; the scheduler gives them to others", self.engine.core.running
            )
            return INTERRUPTED
        if self.engine.finished.done():
            undelivered = self.engine.finished.result()
        else:
            connecting.result()
            undelivered = self.engine.core.undelivered
        if undelivered:
            raise WorkerError(
                f"the scheduler is gone: {undelivered} results could not be delivered, their tasks run again"
            )
        return 0

    # -- its end

    def obey_signals(self) -> None:
        """SIGTERM and SIGINT end it from now on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self.drain)

    def drain(self) -> None:
        """Ends when what runs is done and what has not begun is given back; asked for again, at once."""
        if self._draining:
            self.stop()
            return
        self._draining = True
        _LOG.info("draining: %d tasks are here; signal again to stop at once", self.engine.core.running)
        self.engine.drain()

    def stop(self) -> None:
        """Ends now, whatever runs."""
        self._stopped.set()

    def obey_reload(self, reread: Callable[[], tuple[Config, str]]) -> None:
        """SIGHUP reads the settings again from now on: `reread` says what holds then. What is wrong changes nothing."""

        def renew() -> None:
            try:
                self._config, said = reread()
            except ConfigError as error:
                _LOG.error("nothing is reloaded: %s", escape(str(error)))
                return
            self._tls = self._config.tls
            self.engine.core.renew(self._config.credentials)
            logs.set_up(self._config.log_level, self._config.log_format)
            _LOG.info("%s", escape(said))

        self._loop.add_signal_handler(signal.SIGHUP, renew)

    # -- the connection

    async def _stay_connected(self) -> None:
        where = f"{self._config.host}:{self._config.port}"
        told = False
        while True:
            failure = await self._connect()
            core = self.engine.core
            if failure is None:
                if self._subscribed:
                    self._backoff.reset()
                    told = False
                failure = self.engine.last_words
            if self.engine.finished.done():
                return
            if not told:
                told = True
                _LOG.warning(
                    "no connection to the scheduler at %s: %s; trying until there is one", where, escape(failure)
                )
            await asyncio.sleep(max(self._backoff.next(), core.stay_away))

    async def _connect(self) -> str | None:
        """One connection, from beginning to end. Returns why there was none."""
        self._subscribed = False
        try:
            async with asyncio.timeout(HANDSHAKE_DEADLINE_MS / 1000):
                link = await self._make_stream()
        except TimeoutError:
            return "no answer"
        except OSError as error:
            self._trust(trust.distrust(error))
            return reason(error)
        try:
            await link.ended
        finally:
            link.close("the worker stops")
        self._trust(link.distrust)
        return None

    async def _make_stream(self) -> Link:
        host, port = self._config.host, self._config.port
        name = None if self._tls is None else host
        _, link = await self._loop.create_connection(
            self.engine.new_link, host, port, ssl=self._tls, server_hostname=name
        )
        return link

    def _trust(self, distrust: str | None) -> None:
        """Ends the worker where there will never be TLS with this scheduler."""
        if distrust is not None:
            where = f"{self._config.host}:{self._config.port}"
            self.engine.fail(RefusedError(f"no TLS with {where}: {escape(distrust)}"))

    def _on_ready(self) -> None:
        self._subscribed = True
        where = f"{self._config.host}:{self._config.port}"
        _LOG.info("subscribed at %s as %s", where, self._config.label)
        if not self._announced:
            self._announced = True
            self._announce()

    async def _report_health(self) -> None:
        if self._config.health_file is None:
            return
        path = Path(self._config.health_file)
        new = path.with_name(f"{path.name}.new")
        while True:
            if self.engine.core.serving:
                new.write_bytes(json.dumps(self.health()).encode() + b"\n")
                new.replace(path)
            await asyncio.sleep(_HEALTH_SECONDS)

    @property
    def ready(self) -> bool:
        """Whether it takes tasks."""
        return self.engine.core.serving and not self._draining

    @property
    def slots(self) -> int:
        """How much runs at a time."""
        return self._config.slots

    def health(self) -> dict[str, Any]:
        """For whoever looks whether this worker is well."""
        core = self.engine.core
        state = "draining" if self._draining else "serving" if core.serving else "connecting"
        line = {"state": state, "name": self._config.label, "running": core.running, "done": self.engine.done}
        return {**line, "seconds": round(self._loop.time() - self._began, 1)}

    async def _grow_old(self) -> None:
        """Drains when it has done enough, or has grown too large: whoever keeps it running starts another one.

        With child processes it is they who are replaced.
        """
        config = self._config
        if config.executor == "process" or (config.max_tasks is None and config.max_memory is None):
            return
        while not self._draining:
            if config.max_tasks is not None and self.engine.done >= config.max_tasks:
                _LOG.info("%d tasks are done, as --max-tasks says: it ends, to be started anew", self.engine.done)
                self.drain()
            elif config.max_memory is not None and memory.resident_bytes() > config.max_memory:
                _LOG.info("more than %d bytes of memory are used, as --max-memory says: it ends", config.max_memory)
                self.drain()
            else:
                await asyncio.sleep(_AGE_SECONDS)

    # -- executors

    def _employ(self, catalog: Catalog) -> None:
        engine, loop, config = self.engine, self._loop, self._config
        coroutines = CoroutineExecutor(catalog, engine.ended, engine.stepped, loop)
        inline = InlineExecutor(catalog, engine.stepped) if config.executor == "inline" else None
        plain: Executor = self._make_plain(catalog) if inline is None else inline
        executors: Mapping[str, Executor] = {
            handler.name: coroutines if handler.is_async else plain for handler in catalog
        }
        engine.employ(executors, inline)

    def _make_plain(self, catalog: Catalog) -> Executor:
        engine, loop, config = self.engine, self._loop, self._config
        if config.executor == "process":
            from wiretask_worker.executors.processes import (  # noqa: PLC0415 -- only where it is used
                ChildLimits,
                ProcessExecutor,
            )

            limits = ChildLimits(config.max_tasks, config.max_memory)
            return ProcessExecutor(
                config.tasks, engine.ended, engine.stepped, loop, config.slots, self._on_broken, limits
            )
        from wiretask_worker.executors.threads import ThreadExecutor  # noqa: PLC0415 -- only where it is used

        return ThreadExecutor(catalog, engine.ended, engine.stepped, loop, config.slots)

    def _on_broken(self, text: str) -> None:
        self.engine.fail(DefinitionError(f"in a child process: {text}"))


def run(config: Config, reread: Callable[[], tuple[Config, str]] | None = None) -> int:
    """Imports the task modules and runs a worker. Returns the exit code; raises WorkerError."""
    if reread is not None:
        # What it has not begun with is not there yet: a wish that comes this early is granted already.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    loading.search_here()
    catalog = loading.load(config.tasks)
    gc.freeze()  # what is imported stays: the collector need not look at it again

    async def main() -> int:
        loop = asyncio.get_running_loop()
        runtime = Runtime(config, catalog, loop, say_ready, credentials=config.credentials, tls=config.tls)
        runtime.obey_signals()
        if reread is not None:
            runtime.obey_reload(reread)
        watching = asyncio.create_task(reloading.watch(catalog, runtime.drain)) if config.reload else None
        web = _serve(config, runtime)
        code = await runtime.run()
        if web is not None:
            web.close()
        if watching is not None:
            watching.cancel()
        if code == INTERRUPTED or runtime.engine.core.lingering:
            _leave(code)
        return code

    # With the process executor each child makes its own.
    wanted = [] if config.executor == "process" else catalog.provided(is_async=False)
    with provided.start(wanted), asyncio.Runner(loop_factory=loop_factory()) as runner:
        code = runner.run(main())
    if reloading.wanted:
        reloading.start_anew()
    return code


def _serve(config: Config, runtime: Runtime) -> Web | None:
    """Begins to serve metrics and health, where that is wanted. Raises ConfigError."""
    if config.http is None:
        return None
    try:
        from wiretask_worker.web import Web  # noqa: PLC0415 -- HTTP takes its time to load
    except ImportError as error:
        if error.name is None or not error.name.startswith("prometheus_client"):
            raise
        raise ConfigError("--http needs prometheus-client; pip install 'wiretask[worker]'") from None
    web = Web(runtime, *config.http)
    web.beat()
    return web


def say_ready() -> None:
    """For whoever has started the process and waits for it."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def _leave(code: int) -> None:
    """Ends the process although handlers go on: threads, and coroutines that will not be cancelled, may never end."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the event loop of a worker: uvloop, where it is installed."""
    try:
        import uvloop  # noqa: PLC0415 -- not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop
