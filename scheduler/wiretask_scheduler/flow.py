"""The way of a turn: from the core to the store, and when it is durable out to the peers.

The loop thread owns the core. What is read in one round of the loop becomes one turn; the committer writes turns in
order, many at a time; then the outbox sends what they said. Questions to the store are asked on another thread.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.messages import Hello, Role, ToScheduler
from wiretask_scheduler import logs
from wiretask_scheduler.committer import ROOM_SHARE, Committer, Group, InlineCommitter
from wiretask_scheduler.core import Broker, Lookup, Now, Turn
from wiretask_scheduler.core.facts import Kind as FactKind
from wiretask_scheduler.core.records import StoredTask
from wiretask_scheduler.core.sessions import Leaving
from wiretask_scheduler.core.turn import Notice
from wiretask_scheduler.doorkeeper import CONNECTIONS_PER_ADDRESS, Doorkeeper
from wiretask_scheduler.outbox import Arrived, Found, Outbox, Wanted
from wiretask_scheduler.questions import Questions, call_on
from wiretask_scheduler.server import STALL_SECONDS, Server
from wiretask_scheduler.session import Session, SessionSettings
from wiretask_scheduler.store import Store

log = logging.getLogger(__name__)

#: Rows and octets on their way to the store beyond which clients are not read from; at half of it they are again. A
#: small task waits for the large ones that are on their way: on a busy disk 4 s for 64 MiB, and 0.3 s for 8 MiB.
LAG_ROWS, LAG_OCTETS = 50_000, 8 << 20
#: The same for workers: they have more, so that what was taken in can be ended whatever clients do.
RESULT_LAG_ROWS, RESULT_LAG_OCTETS = 4 * LAG_ROWS, 2 * LAG_OCTETS
#: Lookups that are answered for one peer at a time: their reports are all in memory then.
_LOOKUPS = 32
#: Lookups that wait for one peer beyond which it is not read from.
_LOOKUPS_MOST = 1024
#: After a stall, how long the sockets are read before the core hears that time has passed.
_DRAIN_SECONDS = 0.02


def now() -> Now:
    """The present moment, by both clocks."""
    return Now(time.monotonic(), time.time())


class Flow:
    """Joins the core, the store and the connections. `failed` is told why the process must end."""

    def __init__(
        self,
        broker: Broker,
        store: Store,
        settings: SessionSettings,
        *,
        connections_per_address: int = CONNECTIONS_PER_ADDRESS,
        body_budget: int,
        failed: Callable[[Exception], None],
        doorkeeper: Doorkeeper | None = None,
    ) -> None:
        self.broker = broker
        self.store = store
        self.server = Server(self, settings, doorkeeper or Doorkeeper(connections=connections_per_address))
        self.outbox = Outbox(
            self.server.write,
            self._fetch,
            limit=self.server.limit,
            failed=failed,
            idle=self._look_up,
            unsaid=self._cut_off,
            budget=body_budget,
        )
        self._loop = asyncio.get_running_loop()
        self.committer = self._make_committer(failed)
        self.questions = Questions(failed)
        #: What people ask for, which may take longer: no peer waits for it.
        self.lists = Questions(failed)
        #: Who is told what happens to tasks, when it is durable (see `watch`).
        self._watchers: set[Callable[[Sequence[Notice]], None]] = set()
        #: Is told of each turn that is durable.
        self.observer: Callable[[Turn], None] | None = None
        self._flushing = False
        #: What is on its way to the store, turn by turn.
        self._sizes: deque[tuple[int, int]] = deque()
        self._lag_rows = self._lag_octets = 0
        #: How far the store may lag behind clients and behind workers, in rows and octets.
        self._lag_limits = {Role.CLIENT: (LAG_ROWS, LAG_OCTETS), Role.WORKER: (RESULT_LAG_ROWS, RESULT_LAG_OCTETS)}
        self._paused: set[Role] = set()
        self._lookups: dict[int, deque[Lookup]] = {}
        #: How many there are for each peer, with those that wait for their turn to be durable.
        self._asked: Counter[int] = Counter()
        self._settling: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._put = self._released = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def _make_committer(self, failed: Callable[[Exception], None]) -> Committer | InlineCommitter:
        epoch = self.store.claim("main")
        if not self.store.durable:
            return InlineCommitter(self.store, epoch, released=self._release)
        return Committer(
            self.store,
            epoch,
            released=lambda group: call_on(self._loop, self._release, group),
            failed=lambda error: call_on(self._loop, failed, error),
            full=lambda full: call_on(self._loop, self._set_full, full),
        )

    def _set_full(self, full: bool) -> None:
        self.broker.set_store_full(full=full)
        if not full:
            # Said here, where it is true: who reads it may submit at once.
            log.warning("the store takes new tasks again")

    # -- life --

    def start(self) -> None:
        """Takes in what the store has, and begins to write. Raises StoreError."""
        loaded = self.store.load("main")
        self.broker.load(
            loaded.tasks,
            loaded.sessions,
            loaded.facts,
            lease_ceiling=loaded.lease_ceiling,
            last_seq=loaded.last_seq,
            now=now(),
        )
        self._limit_lag(loaded.room)
        self.committer.start()
        self.flush()

    async def stop(self) -> None:
        """Says goodbye, and writes and sends everything."""
        self.broker.shut_down()
        self.flush()
        await self._loop.run_in_executor(None, self.committer.stop)
        # The last groups are released by calls that the committer has left with the loop.
        await asyncio.sleep(0)

    def close(self) -> None:
        """Lets go of the store."""
        if self._timer is not None:
            self._timer.cancel()
        self.questions.close()
        self.lists.close()
        self.store.close()

    async def settled(self) -> None:
        """Returns when everything that the core has decided so far is durable: then it may be told."""
        self.flush()
        if self._released < self._put:
            future = self._loop.create_future()
            self._settling.append((self._put, future))
            await future

    def watch(self, watcher: Callable[[Sequence[Notice]], None]) -> Callable[[], None]:
        """Tells somebody from now on what happens to tasks. Call what it returns when that is enough."""
        self._watchers.add(watcher)
        self.broker.state.watched = True

        def enough() -> None:
            self._watchers.discard(watcher)
            self.broker.state.watched = bool(self._watchers)

        return enough

    # -- what comes from peers --

    def join(self, session: Session, hello: Hello) -> None:
        """A peer has been found good. Its accept leaves when its session is durable."""
        token = self.broker.join(session.number, hello, session.principal, now(), session.grant)
        self.broker.send(session.number, session.accept(hello, token))
        name = logs.escaped(hello.name or hello.agent or "unnamed")
        level, who = (logging.INFO, "worker") if hello.role == Role.WORKER else (logging.DEBUG, "client")
        about = logs.about(peer=session.number, role=who, name=hello.name, principal=session.principal)
        log.log(level, "%s %d is here: %s", who, session.number, name, extra=about)
        self._soon()

    def receive(self, number: int, messages: Sequence[ToScheduler]) -> None:
        """Messages of an accepted peer. What they break in the core costs this peer its connection, and nobody else."""
        try:
            self.broker.receive_many(number, messages, now())
        except Exception:
            log.exception("a bug, please report it: a message of peer %d could not be handled", number)
            self.server.close(number, error_message(ErrorCode.INTERNAL))
        if self.broker.received(number) - self.outbox.accepted.get(number, 0) > self.server.settings.in_flight:
            self.server.close(number, error_message(ErrorCode.TOO_MANY_IN_FLIGHT))
        self._soon()

    def leave(self, number: int, leaving: Leaving) -> None:
        """A peer is gone."""
        self.outbox.forget(number)
        self._lookups.pop(number, None)
        self._asked.pop(number, None)
        level = logging.INFO if number in self.broker.state.workers else logging.DEBUG
        log.log(level, "peer %d is gone (%s)", number, leaving, extra=logs.about(peer=number))
        with _reported("the end of a connection"):
            self.broker.leave(number, leaving, now())
        self._soon()

    def resume(self, number: int) -> None:
        """A peer that was full takes more."""
        self.outbox.resume(number)

    # -- what goes to the store and comes back --

    def _soon(self) -> None:
        """Everything that is read in this round of the loop becomes one turn."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Hands over what the core has decided."""
        self._flushing = False
        turn = self.broker.take_turn()
        if turn:
            self._put += 1
            octets = self.outbox.take(turn)
            self._count(turn.changes.rows(), octets)
            for lookup in turn.lookups:
                self._asked[lookup.peer] += 1
            for peer in {lookup.peer for lookup in turn.lookups}:
                self._pace(peer)
            self.committer.put(turn, octets)
        self._arm()

    def _release(self, group: Group) -> None:
        """A group is durable."""
        if group.conflicts:
            self.outbox.drop(group.conflicts, group.turns)
            self.broker.conflicted(group.conflicts, now())
            self._soon()
        for turn in group.turns:
            self._released += 1
            rows, octets = self._sizes.popleft()
            self._lag_rows -= rows
            self._lag_octets -= octets
            self._release_turn(turn)
        while self._settling and self._settling[0][0] <= self._released:
            future = self._settling.popleft()[1]
            if not future.done():
                future.set_result(None)
        if group.room is not None:
            self._limit_lag(group.room)
        for role in list(self._paused):
            most_rows, most_octets = self._lag_limits[role]
            if self._lag_rows <= most_rows // 2 and self._lag_octets <= most_octets // 2:
                self._paused.discard(role)
                self.server.pause_all(role, paused=False)

    def _cut_off(self, number: int, error: Exception) -> None:
        log.error("a bug, please report it: peer %d could not be told something", number, exc_info=error)
        self.server.close(number, error_message(ErrorCode.INTERNAL))

    def _release_turn(self, turn: Turn) -> None:
        if self.observer is not None:
            with _reported("a turn, by who traces"):
                self.observer(turn)
        self.outbox.release(turn)
        for lookup in turn.lookups:
            waiting = self._lookups.get(lookup.peer)
            if waiting is None:
                self._lookups[lookup.peer] = deque([lookup])
                self._loop.call_soon(self._look_up, lookup.peer)
            else:
                waiting.append(lookup)
        for peer, error in turn.closes:
            self.server.close(peer, error)
        if turn.notices:
            for watcher in tuple(self._watchers):
                watcher(turn.notices)

    def _limit_lag(self, room: int) -> None:
        """What could find no room must not be on its way: all that comes after it would wait with it."""
        self._lag_limits[Role.CLIENT] = LAG_ROWS, max(0, min(LAG_OCTETS, room // ROOM_SHARE))

    def _count(self, rows: int, octets: int) -> None:
        self._sizes.append((rows, octets))
        self._lag_rows += rows
        self._lag_octets += octets
        for role, (most_rows, most_octets) in self._lag_limits.items():
            if role not in self._paused and (self._lag_rows > most_rows or self._lag_octets > most_octets):
                self._paused.add(role)
                self.server.pause_all(role, paused=True)

    # -- what is asked of the store --

    def _look_up(self, peer: int) -> None:
        """Answers the next lookups of a peer; a peer that does not read is not read for."""
        waiting = self._lookups.get(peer)
        if waiting is None or self.outbox.is_waiting(peer):
            return
        some = [waiting.popleft() for _ in range(min(len(waiting), _LOOKUPS))]
        if not some:
            del self._lookups[peer]
            return

        def answered(found: dict[bytes, StoredTask]) -> None:
            for lookup in some:
                with _reported("an answer of the store"):
                    self.broker.found(lookup, found.get(lookup.task_id), now())
            self._asked[peer] -= len(some)
            if self._asked[peer] <= 0:
                del self._asked[peer]
            self.flush()
            self._pace(peer)
            self._look_up(peer)

        self.questions.ask(lambda: self.store.tasks([lookup.task_id for lookup in some]), answered)

    def _pace(self, peer: int) -> None:
        """A client that asks faster than the store answers is not read from meanwhile."""
        self.server.pause(peer, paused=self.broker.is_waiting(peer) or self._asked[peer] > _LOOKUPS_MOST)

    def _fetch(self, wanted: Wanted, arrived: Arrived) -> None:
        def read() -> Found:
            ended = self.store.tasks(wanted.reports) if wanted.reports else {}
            return Found(
                bodies=self.store.bodies(wanted.bodies) if wanted.bodies else {},
                reports={task_id: task.report for task_id, task in ended.items() if task.report is not None},
                ends={task_id: (task.outcome or 0, task.attempt) for task_id, task in ended.items()},
                parts={task_id: self.store.facts(FactKind.PART, task_id) for task_id in wanted.callbacks},
            )

        self.questions.ask(read, arrived)

    # -- time --

    def _arm(self) -> None:
        deadline = self.broker.deadline(now())
        if deadline is None or (self._timer is not None and self._timer_at <= deadline):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = deadline
        self._timer = self._loop.call_later(max(0.0, deadline - time.monotonic()), self._on_timer)

    def _on_timer(self) -> None:
        if time.monotonic() - self._timer_at > STALL_SECONDS:
            # The loop has stood still, and runs its timers before it reads: what has come meanwhile goes first.
            self._timer_at = time.monotonic() + _DRAIN_SECONDS
            self._timer = self._loop.call_later(_DRAIN_SECONDS, self._on_timer)
            return
        self._timer = None
        with _reported("a timer"):
            self.broker.tick(now())
        self.flush()


@contextmanager
def _reported(what: str) -> Iterator[None]:
    """A bug in the core costs what it was about, and not the process: everything else goes on."""
    try:
        yield
    except Exception:
        log.exception("a bug, please report it: %s could not be handled", what)
