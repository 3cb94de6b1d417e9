"""The scheduler as a whole: core, store, committer, outbox, server and HTTP, joined on one event loop.

The loop thread owns the core. Each turn goes to the committer; when it is durable it comes back and is released.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from wiretask_protocol.messages import Hello, ToScheduler
from wiretask_scheduler.committer import Committer, Group, InlineCommitter
from wiretask_scheduler.core import Broker, Lookup, Now, Settings
from wiretask_scheduler.outbox import Outbox
from wiretask_scheduler.server import Server
from wiretask_scheduler.session import SessionSettings
from wiretask_scheduler.store import Store, StoreError

if TYPE_CHECKING:
    from wiretask_scheduler.config import Config

log = logging.getLogger(__name__)

#: Rows that wait for their commit beyond which clients are not read from, and below which they are again.
LAG_HIGH, LAG_LOW = 50_000, 20_000
#: A commit thread that has to wait for the interpreter should not wait long: its steps are short.
SWITCH_SECONDS = 0.0005


def now() -> Now:
    """The present moment, by both clocks."""
    return Now(time.monotonic(), time.time())


class Scheduler:
    """One scheduler over one store."""

    def __init__(self, config: Config, store: Store) -> None:
        self.config = config
        self.store = store
        self.broker = Broker(
            Settings(
                frame_limit=config.frame_limit,
                retention_seconds=config.retention_seconds,
                resume_grace_seconds=config.resume_grace_seconds,
                resume_window_seconds=config.resume_window_seconds,
            ),
            random.random,
            lambda: os.urandom(16),
        )
        self.epoch = store.claim("main")
        self.server = Server(
            self,
            SessionSettings(
                frame_limit=config.frame_limit,
                heartbeat_ms=int(config.heartbeat_seconds * 1000),
                dedup_window_ms=int(config.retention_seconds * 1000),
                grease=config.grease,
            ),
            config.connections_per_address,
        )
        self.outbox = Outbox(self.server.write, self._fetch_bodies)
        self.committer = self._make_committer()
        self.failure: str | None = None
        self.stopping = asyncio.Event()
        self._readers = ThreadPoolExecutor(2, "reader")
        self._flushing = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._lag = 0
        self._paused = False

    def _make_committer(self) -> Committer | InlineCommitter:
        if not self.store.durable:
            return InlineCommitter(self.store, self.epoch, released=self._release)
        loop = asyncio.get_running_loop()

        def on_loop(function: Callable[..., None]) -> Callable[..., None]:
            return lambda *arguments: _call_on(loop, function, *arguments)

        return Committer(
            self.store,
            self.epoch,
            released=on_loop(self._release),
            failed=on_loop(self._fail),
            full=on_loop(lambda full: self.broker.set_store_full(full=full)),
        )

    # -- life --

    async def run(self, ready: Callable[[str, int], None]) -> None:
        """Serves until it is told to stop. Calls `ready` with its address. Raises OSError, StoreError."""
        self._recover()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)
        sys.setswitchinterval(SWITCH_SECONDS)
        self.committer.start()
        self._flush()
        host, port = await self.server.listen(self.config.listen.host, self.config.listen.port)
        web = None
        if self.config.http is not None:
            from wiretask_scheduler.http import serve  # noqa: PLC0415 -- aiohttp takes 150 ms to import

            web = await serve(self, self.config.http.host, self.config.http.port)
        gc.collect()
        gc.freeze()
        ready(host, port)
        await self.stopping.wait()
        if web is not None:
            await web.cleanup()
        await self._stop()

    def _recover(self) -> None:
        loaded = self.store.load("main")
        self.broker.load(
            loaded.tasks,
            loaded.sessions,
            lease_ceiling=loaded.lease_ceiling,
            last_seq=loaded.last_seq,
            now=now(),
        )
        count = self.broker.state.tasks.count
        if count:
            log.info("%d unfinished tasks are loaded; %d workers may come back", count, len(loaded.sessions))

    def _on_signal(self, number: int) -> None:
        if self.stopping.is_set():
            log.warning("stopping at once; what was accepted is safe")
            os._exit(128 + number)
        log.info("stopping: goodbye to all, commit, exit")
        self.stopping.set()

    async def _stop(self) -> None:
        if self.failure is None:
            self.broker.shut_down()
            self._flush()
            await asyncio.get_running_loop().run_in_executor(None, self.committer.stop)
            # The last groups are released by calls that the committer has left with the loop.
            await asyncio.sleep(0)
        await self.server.stop()
        self._readers.shutdown(wait=True, cancel_futures=True)
        self.store.close()

    def _fail(self, error: Exception) -> None:
        self.failure = str(error) if isinstance(error, StoreError) else f"a bug: {error!r}; please report it"
        self.stopping.set()

    # -- what comes from peers --

    def join(self, number: int, hello: Hello) -> bytes | None:
        """A peer has been accepted."""
        token = self.broker.join(number, hello, "", now())
        self._soon()
        return token

    def receive(self, number: int, messages: Sequence[ToScheduler]) -> None:
        """Messages of an accepted peer."""
        self.broker.receive_many(number, messages, now())
        self._soon()

    def leave(self, number: int, leaving: str) -> None:
        """A peer is gone."""
        self.outbox.forget(number)
        self.broker.leave(number, leaving, now())  # type: ignore[arg-type] # one of the words of `Leaving`
        self._soon()

    # -- what goes to the store and comes back --

    def _soon(self) -> None:
        """Everything that is read in this round of the loop becomes one turn."""
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        turn = self.broker.take_turn()
        if turn:
            self._lag += turn.changes.rows()
            if self._lag > LAG_HIGH and not self._paused:
                self._paused = True
                self.server.pause_clients(paused=True)
            self.outbox.take(turn)
            self.committer.put(turn)
        self._arm()

    def _release(self, group: Group) -> None:
        if group.conflicts:
            self.broker.conflicted(group.conflicts, now())
            self._soon()
        for turn in group.turns:
            self._lag -= turn.changes.rows()
            self.outbox.release(turn)
            if turn.lookups:
                self._look_up(turn.lookups)
            for peer, error in turn.closes:
                self.server.close(peer, error)
        if self._paused and self._lag < LAG_LOW:
            self._paused = False
            self.server.pause_clients(paused=False)

    def _look_up(self, lookups: Sequence[Lookup]) -> None:
        ids = list({lookup.task_id for lookup in lookups})

        def answered(found: object) -> None:
            assert isinstance(found, dict)
            for lookup in lookups:
                self.broker.found(lookup, found.get(lookup.task_id), now())
            self._soon()

        self._read(lambda: self.store.tasks(ids), answered)

    def _fetch_bodies(self, seqs: Sequence[int], arrived: Callable[[dict[int, bytes]], None]) -> None:
        self._read(lambda: self.store.bodies(seqs), arrived)  # type: ignore[arg-type] # what bodies returns

    def _read(self, question: Callable[[], object], answer: Callable[[object], None]) -> None:
        """Asks the store off the loop, and answers on it."""
        loop = asyncio.get_running_loop()

        def ask() -> None:
            try:
                found = question()
            except Exception as error:
                _call_on(loop, self._fail, error)
            else:
                _call_on(loop, answer, found)

        self._readers.submit(ask)

    # -- time --

    def _arm(self) -> None:
        deadline = self.broker.deadline()
        if deadline is None or (self._timer is not None and self._timer_at <= deadline):
            return
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer_at = deadline
        self._timer = loop.call_later(max(0.0, deadline - time.monotonic()), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.broker.tick(now())
        self._flush()


def _call_on(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: object) -> None:
    """Calls a function on the loop from another thread; a loop that is closed needs no calls any more."""
    try:
        loop.call_soon_threadsafe(function, *arguments)
    except RuntimeError:
        log.debug("the loop is closed")


def open_store(spec: str) -> Store:
    """The store that `sqlite:PATH` or `memory:` names. Raises StoreError."""
    if spec == "memory:":
        from wiretask_scheduler.store.memory import MemoryStore  # noqa: PLC0415 -- one of two

        return MemoryStore()
    kind, _, path = spec.partition(":")
    if kind != "sqlite" or not path:
        raise StoreError(f"--store is {spec!r}; write sqlite:PATH or memory:")
    from wiretask_scheduler.store.sqlite import SqliteStore  # noqa: PLC0415 -- one of two

    return SqliteStore(Path(path))
