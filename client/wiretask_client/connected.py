"""A connection to the scheduler, and what can be asked over it: results, the state of tasks, their cancelling.

Connections come and go underneath: what is awaited is awaited again. `timeout` bounds each time without a scheduler;
after it everything that waits raises Unreachable.
"""

from __future__ import annotations

import asyncio
import ssl
from types import TracebackType
from typing import Any, Self

from wiretask_client import outcomes
from wiretask_client.address import default_address
from wiretask_client.core import CancelRequest, PingRequest, QueryRequest, SubmitRequest
from wiretask_client.driver import Driver
from wiretask_client.errors import BadCall
from wiretask_client.handle import TaskHandle, not_finished
from wiretask_client.ids import as_id, id_text
from wiretask_client.status import TaskStatus, task_status
from wiretask_client.version import AGENT
from wiretask_protocol.authentication import Credentials
from wiretask_protocol.messages import CancelMode, Report, Result, Status

DEFAULT_TIMEOUT_SECONDS = 10.0


class Connected:
    """What a client can do once it is connected, but for submitting. Use it with `async with`, on one event loop."""

    def __init__(
        self,
        scheduler: str | None = None,
        *,
        timeout: float | None = DEFAULT_TIMEOUT_SECONDS,
        name: str | None = None,
        credentials: Credentials | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`scheduler` is HOST:PORT, else $WIRETASK_SCHEDULER, else 127.0.0.1:9001; `name` is shown to operators.

        `credentials` prove who this is to a scheduler that wants tokens, and it has to prove the same to us;
        `wiretask_client.trust` reads them from a file, and makes the `tls` to connect with.
        """
        self.scheduler = scheduler or default_address()
        self.timeout_seconds = timeout
        self._name = name
        self._credentials = credentials
        self._tls = tls
        self._running: Driver | None = None

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self.drain()
        finally:
            await self.close()

    async def connect(self) -> None:
        """Returns when the scheduler serves us. Raises Unreachable or Refused; after this you must `close`."""
        if self._running is None:
            self._running = Driver(
                self.scheduler, self.timeout_seconds, self._name, AGENT, self._credentials, self._tls
            )
        try:
            await self._running.reach()
        except BaseException:
            await self.close()
            raise

    async def drain(self) -> None:
        """Returns when every task that was submitted is accepted. Raises what kept one from it."""
        for request in self._driver.core.unaccepted_submissions():
            if isinstance(request.owner, TaskHandle):
                await request.owner.accepted()

    async def close(self) -> None:
        """Says goodbye. What still waits raises ClientClosed; accepted tasks go on."""
        if self._running is not None:
            await self._running.close()

    async def result(self, task_id: str | bytes, timeout: float | None = None) -> Any:  # noqa: ASYNC109
        """What a task returned, whoever submitted it. Raises UnknownTask, TaskEnded, or NotFinished after `timeout`."""
        return outcomes.value(await self._await(task_id, timeout))

    async def report(self, task_id: str | bytes, timeout: float | None = None) -> Report:  # noqa: ASYNC109
        """The same as it came: an encoding and a body."""
        return outcomes.report(await self._await(task_id, timeout))

    async def status(self, task_id: str | bytes) -> TaskStatus:
        """Everything that the scheduler knows of a task. Raises UnknownTask."""
        answer = await self._driver.ask(QueryRequest(task_id=as_id(task_id)))
        assert isinstance(answer, Status)
        return task_status(answer)

    async def cancel(self, task_id: str | bytes, *, hard: bool = False, tree: bool = False) -> None:
        """Asks for a task to be stopped: one that no worker has ends at once, a running one is asked to.

        `hard` stops the process that runs it where the worker can. `tree` also stops all that wait for it, directly or
        not. One that has ended, or is not known, stays as it is.
        """
        mode = CancelMode.HARD if hard else CancelMode.COOPERATIVE
        await self._driver.ask(CancelRequest(task_id=as_id(task_id), mode=mode, tree=tree))

    async def ping(self) -> float:
        """The seconds that the scheduler takes to answer."""
        answer = await self._driver.ask(PingRequest())
        assert isinstance(answer, float)
        return answer

    @property
    def _driver(self) -> Driver:
        if self._running is None:
            raise BadCall("the client is not connected; use it as `async with Client(…) as client:`")
        return self._running

    async def _await(self, task_id: str | bytes, timeout_seconds: float | None) -> Result:
        request = SubmitRequest(task_id=as_id(task_id), accepted=True)
        try:
            async with asyncio.timeout(timeout_seconds):
                answer = await self._driver.ask(request)
        except TimeoutError:
            raise not_finished(id_text(request.task_id), timeout_seconds) from None
        assert isinstance(answer, Result)
        return answer
