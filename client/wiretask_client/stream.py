"""A stream: many tasks of one kind going out and their results coming back, with bounded memory.

At most `in_flight` tasks are between being pushed and being taken, so a slow consumer slows the submission down, and a
million tasks need no more memory than the window. Nothing here costs an asyncio object per task: results are counted as
they come, and whoever takes them is woken once per batch.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from wiretask_client import outcomes
from wiretask_client.calls import Template
from wiretask_client.core import Request, SubmitRequest
from wiretask_client.driver import Driver
from wiretask_client.errors import BadCall, ClientError, Refused, TaskEnded
from wiretask_client.ids import TaskIds, id_text
from wiretask_protocol.messages import Progress, Result

#: Enough to keep scheduler and workers busy over any distance, few enough to hold in memory at 64 KiB each.
DEFAULT_IN_FLIGHT = 10_000

#: Pushed between two looks at what has come.
_CHUNK = 500
#: Taken at a time.
_BATCH = 2_000

Arguments = tuple[Any, ...]


class Stream:
    """Push calls, take results. `ordered` gives them back in the order of pushing, else as they end."""

    def __init__(
        self,
        driver: Driver,
        ids: TaskIds,
        template: Template,
        *,
        ordered: bool = True,
        in_flight: int = 0,
        read: Callable[[Result], Any] = outcomes.value_or_error,
    ) -> None:
        #: How many may be pushed and not taken; may be changed at any time.
        self.in_flight = in_flight or DEFAULT_IN_FLIGHT
        self._driver = driver
        self._ids = ids
        self._template = template
        self._ordered = ordered
        self._read = read
        #: Pushed and not taken, in order.
        self._out: deque[SubmitRequest] = deque()
        #: Settled and not taken, where the order does not matter.
        self._done: deque[SubmitRequest] = deque()
        self._count = 0
        #: How many results have been taken.
        self.taken = 0
        self._finished = False
        self._failure: BaseException | None = None
        self._takers = _Bell()
        self._pushers = _Bell()

    @property
    def room(self) -> int:
        """How many may be pushed now."""
        return max(self.in_flight - self._count, 0)

    @property
    def oldest(self) -> str | None:
        """The id of the first task that is not finished."""
        return next((id_text(request.task_id) for request in self._out if request.answer is None), None)

    def push(self, calls: Iterable[Arguments]) -> int:
        """Submits calls and says how many. Raises BadCall at the first that cannot be sent."""
        template, make, envelope = self._template, self._ids.make, self._template.envelope
        queue, flags, priority, tags = template.queue, template.flags, template.priority, template.tags
        requests: list[SubmitRequest] = []
        try:
            for args in calls:
                body = envelope(args)
                requests.append(SubmitRequest(self, None, make(queue), 0, None, False, flags, priority, body, tags))
        finally:
            if requests:
                self._driver.add_many(requests)
                self._out += requests
                self._count += len(requests)
        return len(requests)

    def push_some(self, calls: Iterator[Arguments], most: int) -> int:
        """Pushes of an iterator what there is room for, at most `most`, and says how many."""
        return self.push(islice(calls, min(_CHUNK, self.room, most)))

    def fail(self, error: BaseException) -> None:
        """The source has failed: `take` raises this when it has given what was pushed."""
        self._failure = error

    def finish(self) -> None:
        """Nothing more will be pushed."""
        self._finished = True
        self._takers.ring()

    async def has_room(self) -> None:
        """Returns when at least one may be pushed."""
        while not self.room:
            await self._pushers.wait()

    async def feed(self, source: Iterable[Arguments] | AsyncIterable[Arguments]) -> None:
        """Pushes everything that a source gives, as there is room, and finishes. What it raises, `take` raises."""
        try:
            if isinstance(source, AsyncIterable):
                async for args in source:
                    await self.has_room()
                    self.push((args,))
            else:
                await self._feed_chunks(iter(source))
        except Exception as error:
            self.fail(error)
        self.finish()

    async def take(self, most: int = _BATCH) -> list[Any]:
        """The next results, at least one; nothing when all have been taken.

        A task that ended without a result stands there as its ClientError.
        """
        while not (batch := self.take_ready(most)):
            if self._finished and not self._count:
                if self._failure is not None:
                    raise self._failure
                return []
            await self._takers.wait()
        return batch

    def take_ready(self, most: int = _BATCH) -> list[Any]:
        """The next results that are here already; see `take`."""
        batch = self._ready(most)
        if batch:
            self._count -= len(batch)
            self.taken += len(batch)
            if self.room >= min(_CHUNK, self.in_flight):
                self._pushers.ring()
        return [self._value(request) for request in batch]

    def abandon(self) -> None:
        """Nobody takes any more: what was not sent is not sent, results that still come are let go."""
        for request in self._out:
            request.owner = None
            self._driver.core.abandon(request)
        self._out.clear()

    def on_settled(self, request: Request) -> None:
        """A task has ended."""
        if not self._ordered:
            self._done.append(request)  # type: ignore[arg-type]
            self._takers.ring()
        elif self._out and request is self._out[0]:
            self._takers.ring()

    def on_accepted(self, request: SubmitRequest) -> None:
        """Nobody asked."""

    def on_progress(self, progress: Progress) -> None:
        """Passes on what a task says."""
        if self._template.on_progress is not None:
            self._template.on_progress(progress)

    async def _feed_chunks(self, source: Iterator[Arguments]) -> None:
        await self.has_room()
        while self.push_some(source, _CHUNK):
            # The chunk is written and what has come is read before the next one.
            await asyncio.sleep(0)
            await self.has_room()

    def _ready(self, most: int) -> Sequence[SubmitRequest]:
        out = self._out
        if not self._ordered:
            if len(out) > 2 * self.in_flight:
                self._out = deque(request for request in out if request.answer is None)
            return [self._done.popleft() for _ in range(min(most, len(self._done)))]
        batch: list[SubmitRequest] = []
        while out and out[0].answer is not None and len(batch) < most:
            batch.append(out.popleft())
        return batch

    def _value(self, request: SubmitRequest) -> Any:
        answer = request.answer
        if isinstance(answer, Result):
            return self._read(answer)
        if isinstance(answer, ClientError):
            if isinstance(answer, TaskEnded | Refused) and not (isinstance(answer, Refused) and answer.of_connection):
                return answer
            # It concerns all of them: no task after this one would fare better.
            raise answer
        return id_text(request.task_id)


class _Bell:
    """Wakes whoever waits, once."""

    __slots__ = ("_future",)

    def __init__(self) -> None:
        self._future: asyncio.Future[None] | None = None

    def ring(self) -> None:
        future, self._future = self._future, None
        if future is not None and not future.done():
            future.set_result(None)

    async def wait(self) -> None:
        if self._future is None or self._future.done():
            self._future = asyncio.get_running_loop().create_future()
        await self._future


def zipped(iterables: tuple[Any, ...]) -> Iterable[Arguments]:
    """The arguments of each call, from iterables side by side. Raises BadCall."""
    if not iterables or any(isinstance(items, AsyncIterable) for items in iterables):
        raise BadCall("give one iterable or more; an asynchronous one must be the only one")
    return zip(*iterables, strict=False)


async def tuples(items: AsyncIterable[Any]) -> AsyncIterator[Arguments]:
    """The same from an asynchronous iterable."""
    async for item in items:
        yield (item,)
