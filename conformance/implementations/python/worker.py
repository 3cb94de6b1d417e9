"""Our worker under test: each `serve` is a worker of its own, inside this process."""

from __future__ import annotations

import asyncio
import contextlib

from control import OK, Adapter, Answer, Request, trusting

from wiretask_protocol.authentication import credentials
from wiretask_protocol.messages import QueueWeight
from wiretask_worker import loading
from wiretask_worker.config import Config
from wiretask_worker.errors import WorkerError
from wiretask_worker.runtime import Runtime, loop_factory


class WorkerAdapter(Adapter):
    """Has at most one worker at a time."""

    name = "wiretask-worker"
    lacks = ("crash",)

    def __init__(self) -> None:
        self._catalog = loading.load(("conformance_tasks",))
        self._runtime: Runtime | None = None
        self._running: asyncio.Task[int] | None = None

    async def on_serve(self, request: Request) -> Answer:
        """A worker that looks for its scheduler."""
        await self.on_end(request)
        host, _, port = request["connect"].rpartition(":")
        config = Config(
            host=host,
            port=int(port),
            executor="thread",
            concurrency=int(request["slots"]),
            prefetch=1,
            queues=(QueueWeight(queue=request["queue"], weight=1),),
        )
        given = request.get("credentials")
        self._runtime = Runtime(
            config,
            self._catalog,
            asyncio.get_running_loop(),
            credentials=credentials(given) if given is not None else None,
            tls=trusting(request),
        )
        self._running = asyncio.create_task(self._runtime.run())
        return OK

    async def on_drain(self, _request: Request) -> Answer:
        """It is to end in peace."""
        assert self._runtime is not None
        self._runtime.drain()
        return OK

    async def on_end(self, _request: Request) -> Answer:
        """It is to end now."""
        if self._runtime is not None and self._running is not None:
            self._runtime.stop()
            with contextlib.suppress(WorkerError):
                await self._running
        self._runtime = self._running = None
        return OK


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(WorkerAdapter().run())
