"""Users: programs with a real client that submit all kinds of tasks, wait for them, cancel, ask, and sometimes die."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

from history import Record

from wiretask_client import Client, ClientError, Refused, RetryPolicy, TaskEnded, UnknownTask, call
from wiretask_client.handle import TaskHandle
from wiretask_protocol.messages import Outcome, SubmitFlags

if TYPE_CHECKING:
    from clockwork import Process
    from day import Day

#: Tasks that one user submits on a day.
_TASKS = 40
#: The highest limit of a concurrency key.
MOST_TOGETHER = 2


class User:
    """One program, which is started again when it has died; what it has submitted it still wants."""

    def __init__(self, day: Day, name: str, chance: Random) -> None:
        self.day = day
        self.name = name
        self.chance = chance
        self.process: Process | None = None
        self.client: Client | None = None
        self.records: list[Record] = []
        self._calm = False
        self._submitted = 0
        self._schedules: set[str] = set()
        self._lives = 0

    @property
    def done(self) -> bool:
        """Whether it has asked for everything, and taken back what recurs."""
        return self._calm and not self._schedules and self.client is not None

    # -- life --

    def start(self) -> None:
        """The program begins, or begins anew."""
        self._lives += 1
        process = self.process = self.day.machine.process(self.name)
        process.start(self._main)

    def crash(self) -> None:
        """The program dies."""
        if self.process is not None:
            self.day.note(f"{self.name} dies")
            self.day.machine.kill(self.process)
            self.process = self.client = None
            self.day.machine.at(self.day.clock.steady + 0.5, self.start)

    def calm_down(self) -> None:
        """It submits nothing new, and ends what recurs."""
        self._calm = True

    def leave(self) -> None:
        """It goes home."""
        client, process = self.client, self.process
        if client is not None and process is not None:
            process.loop.call_soon(lambda: process.loop.create_task(client.close()))

    async def _main(self) -> None:
        client = Client("127.0.0.1:9001", timeout=None, name=self.name)
        await client.connect()
        self.client = client
        for record in self.records:
            self._take_up(client, record)
        while True:
            await asyncio.sleep(self.chance.choice((0.01, 0.2, 0.5, 1.5)))
            if self._calm:
                await self._end_schedules(client)
                return
            await self._do_something(client)

    def _take_up(self, client: Client, record: Record) -> None:
        """After a death: what was not accepted is submitted again under its id, the rest is awaited.

        Now and then it has also forgotten what was accepted: that is there already, whatever has become of it.
        """
        if record.refused is not None:
            return
        forgotten = record.repeat is not None and self.chance.random() < 0.3
        if record.accepted and not forgotten:
            self._spawn(self._await(client, record))
        elif record.repeat is not None:
            self._submit(client, record)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.get_running_loop().create_task(work)

    async def _do_something(self, client: Client) -> None:
        if self._submitted >= _TASKS:
            return
        roll = self.chance.random()
        if roll < 0.62:
            for _ in range(self.chance.randrange(1, 6)):
                self._submit(client, self._plain(client))
        elif roll < 0.72:
            self._submit_tied(client)
        elif roll < 0.82 and self.records:
            self._spawn(self._cancel(client, self.chance.choice(self.records)))
        elif roll < 0.92 and self.records:
            self._spawn(self._ask(client, self.chance.choice(self.records)))
        elif roll < 0.97:
            self._spawn(self._schedule(client))

    # -- tasks --

    def _plain(self, client: Client) -> Record:
        """A task by itself, with any options."""
        chance, name = self.chance, self._name()
        queue = chance.choice(("default", "default", "mail"))
        options: dict[str, Any] = {"queue": queue, "priority": chance.randrange(10)}
        options |= _some(chance, {
            "max_attempts": (0.4, lambda: chance.randrange(1, 4)),
            "retry": (0.3, lambda: RetryPolicy(base=chance.choice((0.01, 0.5)), cap=2.0)),
            "delay": (0.15, lambda: chance.choice((0.05, 1.0, 5.0))),
            "expires_in": (0.1, lambda: chance.choice((0.5, 3.0, 20.0))),
            "time_limit": (0.15, lambda: chance.choice((0.5, 2.0))),
            "concurrency": (0.2, lambda: (chance.choice("ab"), chance.randrange(1, MOST_TOGETHER + 1))),
            "rate": (0.1, lambda: ("r", 5, 1.0, 3)),
            "fairness": (0.3, lambda: (chance.choice("xyz"), chance.randrange(1, 4))),
            "unique": (0.1, lambda: (chance.choice("uvw"), "queue", chance.choice(("begun", "ended", 3.0)))),
            "requires": (0.05, lambda: ["eu"]),
            "resources": (0.05, lambda: {"gpu": 1}),
            "cost": (0.1, lambda: chance.randrange(1, 4)),
        })  # fmt: skip
        after: tuple[str, ...] = ()
        known = [record for record in self.records[-6:] if record.refused is None]
        if known and chance.random() < 0.15:
            some = chance.sample(known, min(len(known), chance.randrange(1, 3)))
            after = tuple(record.name for record in some)
            options["after"] = [record.id for record in some]
            options["on_dependency_failure"] = chance.choice(("cancel", "run"))
        task_id = bytes.fromhex(client.new_id(queue).replace("-", ""))
        record = Record(name, task_id, self.name, options, after, options.get("on_dependency_failure") == "run")
        record.repeat = options
        return self._add(record)

    def _name(self) -> str:
        self._submitted += 1
        return f"{self.name} {self._submitted}"

    def _add(self, record: Record) -> Record:
        self.records.append(record)
        self.day.history.add(record)
        return record

    def _submit(self, client: Client, record: Record) -> None:
        self.day.history.note(self.day.clock.steady, f"{self.name} submits it {record.options}", record.id)
        handle = client.submit("work", record.name, task_id=record.id, **record.options)
        if self.chance.random() < 0.5:
            # A client of another make does not say that it may have sent it before.
            handle._request.flags &= ~SubmitFlags.REPEAT
        self._spawn(self._follow(client, record, handle))

    def _submit_tied(self, client: Client) -> None:
        """A group and its callback."""
        policy = self.chance.choice(("cancel", "run"))
        names = [self._name() for _ in range(self.chance.randrange(4))]
        members = [call("work", name, max_attempts=2) for name in names]
        callback = self._name()
        handle = client.group(members, callback=call("gather", callback, on_dependency_failure=policy))
        submits: list[Any] = [one.message(1) for one in client._driver.core.unaccepted_submissions()]
        callback_id = bytes.fromhex(_hex(handle))
        found = {one.group.index: one.task_id for one in submits if one.group and one.group.callback == callback_id}
        for index, name in enumerate(names):
            self._add(Record(name, found[index], self.name, {"max_attempts": 2, "callback": True}))
        record = self._add(Record(callback, callback_id, self.name, {"callback": True}, tuple(names), policy == "run"))
        self._spawn(self._follow(client, record, handle))

    async def _follow(self, client: Client, record: Record, handle: TaskHandle) -> None:
        """Waits until it is accepted, and until it has ended."""
        said = handle._request.flags & SubmitFlags.REPEAT
        try:
            await handle.accepted()
            refused = "its unique key was taken" if handle.existed else None
        except Refused as error:
            refused = str(error)
        except ClientError:
            return
        if refused is None:
            if not record.accepted:
                record.accepted = True
                self.day.history.note(self.day.clock.steady, "it is accepted", record.id)
            await self._await(client, record, handle)
        elif not record.accepted:
            record.refused = refused
        elif said:
            raise self.day.history.violated(f"it was accepted, and then: {refused}", record.id)
        else:
            # Who does not say that it may be there already is refused like everybody else.
            await self._await(client, record)

    async def _await(self, client: Client, record: Record, handle: TaskHandle | None = None) -> None:
        try:
            found = await (handle.result() if handle is not None else client.result(record.id))
            self._told(record, int(Outcome.SUCCEEDED), found)
        except TaskEnded as ended:
            self._told(record, int(ended.outcome), ended.message or "")
        except UnknownTask:
            raise self.day.history.violated("it was accepted, and nobody knows it", record.id) from None
        except ClientError as error:
            # The client itself was closed, or the day is over.
            self.day.history.note(self.day.clock.steady, f"{self.name} hears {error!r}", record.id)

    def _told(self, record: Record, outcome: int, said: Any) -> None:
        record.told.append((outcome, str(said)))
        self.day.history.note(self.day.clock.steady, f"{self.name} is told {outcome}", record.id)

    # -- and what else users do --

    async def _cancel(self, client: Client, record: Record) -> None:
        record.cancelled = True
        tree = self.chance.random() < 0.3
        if tree:
            for other in self.day.history.records.values():
                other.cancelled = other.cancelled or record.name in other.after
        self.day.history.note(self.day.clock.steady, f"{self.name} cancels it", record.id)
        with suppress(ClientError):
            await client.cancel(record.id, tree=tree, hard=self.chance.random() < 0.3)

    async def _ask(self, client: Client, record: Record) -> None:
        with suppress(ClientError):
            await client.status(record.id)

    async def _schedule(self, client: Client) -> None:
        name = f"{self.name.replace(' ', '-')}.{self.chance.randrange(2)}"
        self._schedules.add(name)
        overlap = self.chance.choice(("skip", "queue", "replace"))
        catch_up = self.chance.choice(("skip", "one", "all"))
        with suppress(ClientError):
            await client.schedule(
                name, "work", f"run of {name}", every=self.chance.choice((1.0, 3.0)), overlap=overlap, catch_up=catch_up
            )

    async def _end_schedules(self, client: Client) -> None:
        for name in sorted(self._schedules):
            with suppress(ClientError):
                await client.unschedule(name)
        self._schedules.clear()


def _hex(handle: TaskHandle) -> str:
    return handle.id.replace("-", "")


def _some(chance: Random, options: dict[str, tuple[float, Any]]) -> dict[str, Any]:
    """Each option with its probability."""
    return {name: make() for name, (share, make) in options.items() if chance.random() < share}
