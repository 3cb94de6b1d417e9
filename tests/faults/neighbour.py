"""Who wants nothing but its own: tasks that go round while others misbehave, and how much memory that takes meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from raw_peer import RawPeer, report, submit  # type: ignore[import-not-found] # it lies beside

from wiretask_protocol.messages import Outcome, Result, Task

#: The neighbour's own ids, and the type that only its worker takes.
_OWNER = 0xBEEF
#: Rounds that must be served before an attack may end.
ROUNDS = 30
_SAMPLE_SECONDS = 0.01


class Neighbour:
    """One client and one worker, which pass tasks to each other, and a look at the memory of the scheduler."""

    def __init__(self, place: Any) -> None:
        self.place = place
        self.rounds = 0
        self.before = place.rss()
        self.peak = self.before

    @property
    def growth(self) -> int:
        """Octets of memory that the scheduler had more at the most than at the beginning."""
        grown: int = self.peak - self.before
        return grown

    @property
    def content(self) -> bool:
        """Whether it was served often enough."""
        return self.rounds >= ROUNDS

    async def live(self, client: RawPeer, worker: RawPeer) -> None:
        for number in range(1, 1 << 30):
            body = b"round %d" % number
            await client.send(submit(number, body=body, owner=_OWNER, task_type="neighbour"))
            task = await worker.get(Task)
            await worker.send(Result(number, task.task_id, task.lease, Outcome.SUCCEEDED, report(body)))
            result = await client.get(Result)
            assert (result.task_id, result.report) == (task.task_id, report(body))
            for peer in (client, worker):
                await peer.pong(number)
                peer.clear()
            self.rounds += 1

    async def watch(self) -> None:
        while True:
            self.peak = max(self.peak, self.place.rss())
            await asyncio.sleep(_SAMPLE_SECONDS)


@asynccontextmanager
async def neighbour(place: Any) -> AsyncIterator[Neighbour]:
    """It lives beside what is done in the block, and is content at the end of it."""
    client = await RawPeer.join(place.address)
    worker = await RawPeer.work(place.address, task_type="neighbour")
    one = Neighbour(place)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one.live(client, worker)), group.create_task(one.watch())]
        yield one
        until = one.rounds + 2
        while one.rounds < until:  # noqa: ASYNC110 -- also after it
            await asyncio.sleep(_SAMPLE_SECONDS)
        for task in tasks:
            task.cancel()
    assert place.stalls() == []
    assert "a bug" not in place.log
