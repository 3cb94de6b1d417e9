"""A short day by script: nothing is left to chance, and one process can die at any one boundary that it passes.

A boundary is a point where a crash may make a difference: before and after a write to the disk, a sync, a release, and
each send of each process. A scene that is lived through without a death says which there are (`Scene.passed`); lived
through again with a `Death` it ends the process there, in the middle of what it does, and all must still come
to its end. What is after that is as on any day: `history` and `audit` judge.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple
from unittest import mock

from clockwork import Process
from day import CALM_SECONDS, Day
from disk import Disk
from history import Record
from network import _RESET, End, Network
from plant import QUEUES, WORKERS, Plant
from users import User

from wiretask_client import Client, call
from wiretask_scheduler.core import facts
from wiretask_scheduler.core.queues import Mode
from wiretask_scheduler.core.turn import Changes
from wiretask_scheduler.flow import now

#: What becomes of the attempts of a task, one after the other, and after how many seconds; after the last one all is well.
Fates = Mapping[str, Sequence[tuple[str, float]]]
Script = Callable[["Actor", Client], Awaitable[None]]
#: A look at what has happened, in a script that waits for it.
_LOOK_SECONDS = 0.05


class DiedError(BaseException):
    """Ends what a process is doing at this very point; nothing of it may catch this."""


class Boundary(NamedTuple):
    """A point where a process can die."""

    process: str
    name: str
    #: Whether the disk has something then that is not synced: it may be there afterwards or not.
    unsynced: bool


class Death(NamedTuple):
    """Where somebody dies, and what is left: of what was not synced, and of what is under way to others."""

    place: int
    keep: bool = False
    arrives: bool = False


class Play(NamedTuple):
    """A script, and what its tasks do."""

    script: Script
    fates: Fates
    workers: int


class RecordingDisk(Disk):  # type: ignore[misc] # it is found beside this file, as all from here on
    """Remembers what was written, turn by turn."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[Changes] = []

    def write(self, changes: Changes) -> list[bytes]:
        """See `Disk`."""
        self.log.append(changes)
        return list(super().write(changes))


class _Network(Network):  # type: ignore[misc]
    """One whose dead may still be heard: what they have sent arrives before their connections break."""

    arrives = False

    def bury(self, process: Process, *, silently: bool) -> None:
        """See `Network`."""
        if self.arrives:
            for end in (end for pair in self.streams for end in pair if end.process is process and not end.closed):
                end.closed = True
                self.machine.at(max(end._last_arrival, self.machine.clock.steady), _breaking(end.peer))
            for port in [port for port, found in self.listeners.items() if found[0] is process]:
                del self.listeners[port]
            self.sweep()
        else:
            super().bury(process, silently=silently)


def _breaking(end: End) -> Callable[[], None]:
    return lambda: end.lose(_RESET)


class _Plant(Plant):  # type: ignore[misc]
    """One whose scheduler dies as it is told."""

    def lose_scheduler(self, *, keep: bool) -> None:
        """It dies, and another one starts a little later."""
        process = self._let_go()
        if process is not None:
            self._machine.kill(process)
            self._day.disk.crash(keep=keep)
            self.crashes += 1
            self._day.note("the scheduler dies")
            self._later(0.1, self.start_scheduler)


class Actor(User):  # type: ignore[misc]
    """A user with a script, which is not begun again after a death; what it has submitted it still wants."""

    day: Scene

    async def _main(self) -> None:
        client = Client("127.0.0.1:9001", timeout=None, name=self.name)
        await client.connect()
        self.client = client
        for record in self.records:
            self._take_up(client, record)
        if self._lives == 1:
            await self.day.play.script(self, client)
        else:
            # Nobody goes on with the script: what it has left in the way is put aside.
            self.day.hurried = True
            for queue in QUEUES:
                await self.set_mode(queue, Mode.OPEN)
        self.day.played = True
        while not self._calm:  # noqa: ASYNC110 -- what it waits for is of another loop
            await asyncio.sleep(_LOOK_SECONDS)
        await self._end_schedules(client)

    # -- what scripts are made of --

    def submit(self, client: Client, name: str, **options: Any) -> Record:
        """Submits a task under a name; what it waits for is named by `after`."""
        waits = tuple(options.pop("after", ()))
        asked = dict(options)
        if waits:
            asked["after"] = [self.day.history.records[other].id for other in waits]
        task_id = bytes.fromhex(client.new_id(options.get("queue", "default")).replace("-", ""))
        record = Record(name, task_id, self.name, asked, waits, options.get("on_dependency_failure") == "run")
        record.repeat = asked
        self._submit(client, self._add(record))
        return record

    def group(self, client: Client, names: Sequence[str], callback: str, policy: str, **options: Any) -> None:
        """Submits a group and its callback."""
        members = [call("work", name, **options) for name in names]
        handle = client.group(members, callback=call("gather", callback, on_dependency_failure=policy))
        self._tied(client, list(names), callback, policy, handle)

    def _tied(self, client: Client, names: list[str], callback: str, policy: str, handle: Any) -> None:
        callback_id = bytes.fromhex(handle.id.replace("-", ""))
        submits: list[Any] = [one.message(1) for one in client._driver.core.unaccepted_submissions()]
        found = {one.group.index: one.task_id for one in submits if one.group and one.group.callback == callback_id}
        for index, name in enumerate(names):
            self._add(Record(name, found[index], self.name, {"max_attempts": 2, "callback": True}))
        record = self._add(Record(callback, callback_id, self.name, {"callback": True}, tuple(names), policy == "run"))
        self._spawn(self._follow(client, record, handle))

    async def until(self, what: Callable[[], object]) -> None:
        """Waits for something."""
        while not what():  # noqa: ASYNC110 -- what it waits for is of other loops
            await asyncio.sleep(_LOOK_SECONDS)

    async def ended(self, *names: str) -> None:
        """Waits until the user was told how these tasks have ended, or that they are not taken."""
        records = [self.day.history.records[name] for name in names]
        await self.until(lambda: all(record.told or record.refused for record in records))

    async def begun(self, name: str, times: int = 1) -> None:
        """Waits until a task has begun so often."""
        await self.until(lambda: len(self.day.history.records[name].begun) >= times)

    async def cancel(self, client: Client, name: str, *, tree: bool = False) -> None:
        """Cancels a task, and with `tree` all that waits for it."""
        for record in self.day.history.records.values():
            record.cancelled = record.cancelled or record.name == name or (tree and name in record.after)
        await client.cancel(self.day.history.records[name].id, tree=tree)

    async def set_mode(self, queue: str, mode: Mode) -> None:
        """An operator pauses, closes or opens a queue, and does so again until it is done."""
        fact = facts.Fact(bytes([mode])) if mode else None
        while self.day.disk.facts.get(facts.queue(queue)) != fact or self.day.disk._before is not None:
            self.day.plant.set_mode(queue, mode)
            await asyncio.sleep(_LOOK_SECONDS)

    def drain(self, name: str) -> None:
        """A worker is told to end, if it is there."""
        if name in self.day.plant.workers:
            self.day.plant.drain_worker(name)

    async def revive(self, name: str) -> None:
        """An operator gives a dead task another life, and does so again until it has one."""
        record = self.day.history.records[name]
        begun = len(record.begun)

        def reviving(flow: Any) -> None:
            row = self.day.disk.row(record.id)
            if row is not None and row.outcome is not None and flow.broker.state.tasks.get(record.id) is None:
                self.day.history.revive(self.day.clock.steady, record.id)
                flow.broker.revive(row, [], now())

        while len(record.begun) == begun:
            self.day.plant.operate(reviving)
            await asyncio.sleep(_LOOK_SECONDS)

    def schedule(self, client: Client, name: str, **options: Any) -> None:
        """Makes a recurring task, which ends with the scene."""
        self._schedules.add(name)
        self._spawn(client.schedule(name, "work", f"run of {name}", **options))


class Scene(Day):  # type: ignore[misc]
    """One script, and perhaps a death or two. With a disk it has no script: what is there comes to its end."""

    def __init__(self, play: Play, *deaths: Death, disk: RecordingDisk | None = None) -> None:
        super().__init__(1, faults=False, users=0)
        self.play = play
        self.deaths = {death.place: death for death in deaths}
        #: Every boundary, in their order, until the script is over and everybody was told.
        self.passed: list[Boundary] = []
        self.played = False
        #: Whether no attempt takes its time any more.
        self.hurried = False
        self._over = False
        self._unbegun: list[Any] = []
        self.log = disk or RecordingDisk()
        self.disk = self.history.disk = self.log
        self.network: _Network = _Network(self.machine, self.network.chance)
        self.plant: _Plant = _Plant(self, self.plant._chance)
        self.actors = [Actor(self, "actor", self.chance)] if disk is None else []
        self.users = list(self.actors)
        self.at_boundary = lambda name: self._pass(self.plant.scheduler, name)

    # -- boundaries --

    def _pass(self, process: Process | None, name: str) -> None:
        if self._over or process is None or not process.alive:
            return
        self.passed.append(Boundary(process.name, name, self.disk._before is not None))
        death = self.deaths.get(len(self.passed) - 1)
        if death is not None:
            self.note(f"{process.name} comes to its end {name}")
            self._kill(process, death)
            for handle in process.loop._ready:
                # What has not begun yet is closed with everything else.
                self._unbegun.append(handle._callback)
                handle.cancel()
            raise DiedError

    def _kill(self, process: Process, death: Death) -> None:
        self.network.arrives = death.arrives
        if process is self.plant.scheduler:
            self.plant.lose_scheduler(keep=death.keep)
        elif process.name in WORKERS:
            self.plant.kill_worker(process)
        else:
            self.actors[0].crash()
        self.network.arrives = False

    def _sends(self, write: Callable[[End, Any], None]) -> Callable[[End, Any], None]:
        def writing(end: End, octets: Any) -> None:
            self._pass(end.process, "before a send")
            write(end, octets)
            self._pass(end.process, "after a send")

        return writing

    # -- life --

    def live(self) -> None:
        """The whole scene. Raises ViolatedError."""
        with mock.patch.object(End, "write", self._sends(End.write)):
            super().live()

    def _live(self) -> None:
        self.plant.start_scheduler()
        for name in WORKERS[: self.play.workers]:
            self.plant.start_worker(name)
        for actor in self.actors:
            actor.start()
        if not self._run(CALM_SECONDS, self._is_played):
            late = [*self.history.waiting(), *self.disk.live()]
            raise self.history.violated(f"the scene is not over, {len(late)} tasks wait", late[0].id if late else None)
        self._over = True
        self._heal()
        self.history.verdict()
        self._go_home()

    def _is_played(self) -> bool:
        recurs = any(actor._schedules for actor in self.actors)
        return (self.played or not self.actors) and not self.history.waiting() and (recurs or not self.disk.live())

    # -- what the tasks do --

    def fate(self, name: str, context: Any) -> tuple[str, float]:
        """As the play has it."""
        record = self.history.records.get(name)
        fates = self.play.fates.get(name, ()) if record is not None and not record.revived else ()
        what, seconds = fates[context.attempt - 1] if context.attempt <= len(fates) else ("ok", 0.0)
        return what, 0.0 if self.hurried else seconds
