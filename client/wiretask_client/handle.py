"""A task that was submitted here: wait for its acceptance or its result, ask for it, cancel it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from wiretask_client import outcomes
from wiretask_client.core import Request, SubmitRequest
from wiretask_client.errors import ClientError, NotFinished
from wiretask_client.ids import id_text
from wiretask_protocol.messages import Progress, Report, Result

if TYPE_CHECKING:
    from wiretask_client.client import Client
    from wiretask_client.status import TaskStatus


class TaskHandle:
    """A submitted task. `await handle` is `await handle.result()`."""

    __slots__ = ("_client", "_on_progress", "_request", "_watchers", "members")

    def __init__(
        self, client: Client, request: SubmitRequest, on_progress: Callable[[Progress], None] | None = None
    ) -> None:
        #: Of a callback, or of the last task of a chain: the handles of those before it.
        self.members: tuple[TaskHandle, ...] = ()
        self._client = client
        self._request = request
        self._on_progress = on_progress
        self._watchers: list[asyncio.Future[None]] = []

    @property
    def id(self) -> str:
        """The task's id, as people write it. Where a unique key was taken, that of the task which has it."""
        return id_text(self._request.task_id)

    @property
    def existed(self) -> bool:
        """Whether this is a task that was there before, with the same unique key; known once it is accepted."""
        return self._request.existed

    def __await__(self) -> Generator[Any, None, Any]:
        return self.result().__await__()

    def __repr__(self) -> str:
        return f"<TaskHandle {self.id}>"

    async def accepted(self) -> TaskHandle:
        """Returns when the scheduler has the task for good. Raises Refused, OutcomeUnknown or Unreachable."""
        request = self._request
        while not request.accepted and request.answer is None:
            request.watched = True
            await self._next()
        if not request.accepted and isinstance(request.answer, ClientError):
            raise request.answer
        return self

    async def result(self, timeout: float | None = None) -> Any:  # noqa: ASYNC109 -- the wait is bounded, not the task
        """What the task returned. Raises TaskEnded, or NotFinished after `timeout` seconds; the task goes on."""
        if not self._request.wants_result:
            await self.accepted()
            return await self._client.result(self.id, timeout)
        return outcomes.value(await self._result(timeout))

    async def report(self, timeout: float | None = None) -> Report:  # noqa: ASYNC109
        """The same as it came: an encoding and a body."""
        if not self._request.wants_result:
            await self.accepted()
            return await self._client.report(self.id, timeout)
        return outcomes.report(await self._result(timeout))

    async def status(self) -> TaskStatus:
        """Everything that the scheduler knows of the task."""
        return await self._client.status(self.id)

    async def cancel(self, *, hard: bool = False, tree: bool = False) -> None:
        """Asks for the task to be stopped; `hard` stops its process where the worker can, `tree` what waits for it."""
        await self._client.cancel(self.id, hard=hard, tree=tree)

    def on_settled(self, request: Request) -> None:
        """The answer is here."""
        self._wake()

    def on_accepted(self, request: SubmitRequest) -> None:
        """The scheduler has it."""
        self._wake()

    def on_progress(self, progress: Progress) -> None:
        """It is on its way."""
        if self._on_progress is not None:
            self._on_progress(progress)

    async def _result(self, timeout_seconds: float | None) -> Result:
        request = self._request
        if request.answer is None:
            try:
                async with asyncio.timeout(timeout_seconds):
                    while request.answer is None:
                        await self._next()
            except TimeoutError:
                raise not_finished(self.id, timeout_seconds) from None
        answer = request.answer
        if isinstance(answer, ClientError):
            raise answer
        assert isinstance(answer, Result)
        return answer

    async def _next(self) -> None:
        watcher: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._watchers.append(watcher)
        await watcher

    def _wake(self) -> None:
        watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            if not watcher.done():
                watcher.set_result(None)


def not_finished(task_id: str, timeout_seconds: float | None) -> NotFinished:
    """The error of a wait that is over."""
    after = "yet" if not timeout_seconds else f"after {timeout_seconds:g} s"
    return NotFinished(f"the task {task_id} is not finished {after}; it goes on: ask for its result later")
