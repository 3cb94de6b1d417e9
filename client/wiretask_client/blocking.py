"""The client for code without an event loop: a thin bridge to the asynchronous one, which runs in a thread of its own.

    from wiretask_client.blocking import Client

    with Client("127.0.0.1:9001") as client:
        digest = client.submit("sha256", b"Hello, World!").result()

Everything is decided over there; here are only the waits. Safe to use from several threads.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Coroutine, Iterable, Iterator
from itertools import islice
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from wiretask_client import client as asynchronous
from wiretask_client.calls import TaskType
from wiretask_client.connected import DEFAULT_TIMEOUT_SECONDS
from wiretask_client.errors import ClientClosed, ClientError
from wiretask_client.groups import Call, Step
from wiretask_client.handle import TaskHandle as AsyncHandle
from wiretask_client.options import DEFAULT_QUEUE, Options
from wiretask_client.status import TaskStatus
from wiretask_client.stream import Stream
from wiretask_protocol.authentication import Credentials

T = TypeVar("T")

_CHUNK = 500


class Client:
    """See `wiretask_client.Client`; its methods, waited for. Use it with `with`."""

    def __init__(
        self,
        scheduler: str | None = None,
        *,
        timeout: float | None = DEFAULT_TIMEOUT_SECONDS,
        name: str | None = None,
        credentials: Credentials | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """As the asynchronous client's; connects at `with`, or at `connect`."""
        self._client = asynchronous.Client(scheduler, timeout=timeout, name=name, credentials=credentials, tls=tls)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.drain()
        finally:
            self.close()

    def connect(self) -> None:
        """Returns when the scheduler serves us; after this you must `close`."""
        if self._loop is None:
            self._loop = _new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="wiretask-client", daemon=True)
            self._thread.start()
        try:
            self.run(self._client.connect())
        except BaseException:
            self.close()
            raise

    def drain(self) -> None:
        """Returns when every task that was submitted is accepted."""
        self.run(self._client.drain())

    def close(self) -> None:
        """Says goodbye, and ends the thread."""
        loop, self._loop = self._loop, None
        if loop is None or self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._client.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join()
        loop.close()

    def submit(self, task_type: TaskType, /, *args: Any, **keywords: Any) -> TaskHandle:
        """Submits a task and returns its handle at once; options and arguments as in the asynchronous `submit`."""

        async def submit() -> AsyncHandle:
            return self._client.submit(task_type, *args, **keywords)

        return TaskHandle(self, self.run(submit()))

    def chain(self, *steps: Step, **options: Unpack[Options]) -> TaskHandle:
        """Submits calls of which each gets the result of the one before as its first argument."""

        async def chain() -> AsyncHandle:
            return self._client.chain(*steps, **options)

        return TaskHandle(self, self.run(chain()))

    def group(self, members: Iterable[Step], *, callback: Call, **options: Unpack[Options]) -> TaskHandle:
        """Submits calls, and a callback that gets the list of their results as its first argument."""
        listed = tuple(members)  # read in this thread

        async def group() -> AsyncHandle:
            return self._client.group(listed, callback=callback, **options)

        return TaskHandle(self, self.run(group()))

    def schedule(self, name: str, task_type: TaskType, /, *args: Any, **keywords: Any) -> None:
        """Makes a task recur; options and arguments as in the asynchronous `schedule`."""
        self.run(self._client.schedule(name, task_type, *args, **keywords))

    def unschedule(self, name: str) -> None:
        """Ends a recurring task. Raises UnknownSchedule where there is none of the name."""
        self.run(self._client.unschedule(name))

    def submit_many(
        self, task_type: TaskType, /, *iterables: Iterable[Any], **options: Unpack[Options]
    ) -> list[TaskHandle]:
        """Submits a task for each item; returns when all are durable."""
        lists = [list(items) for items in iterables]
        handles = self.run(self._client.submit_many(task_type, *lists, **options))
        return [TaskHandle(self, handle) for handle in handles]

    def map(
        self,
        task_type: TaskType,
        /,
        *iterables: Iterable[Any],
        ordered: bool = True,
        in_flight: int = 0,
        return_exceptions: bool = False,
        **options: Unpack[Options],
    ) -> Iterator[Any]:
        """Submits a task for each item and yields the results. The iterables are read in this thread."""
        stream = self.run(self._stream(task_type, ordered, in_flight, options))
        calls = zip(*iterables, strict=False)
        try:
            while True:
                chunk = list(islice(calls, min(_CHUNK, stream.room)))
                batch = self.run(_exchange(stream, chunk))
                for value in batch:
                    if isinstance(value, ClientError) and not return_exceptions:
                        raise value
                    yield value
                if not chunk and not batch:
                    return
        finally:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(stream.abandon)

    def result(self, task_id: str | bytes, timeout: float | None = None) -> Any:
        """What a task returned, whoever submitted it."""
        return self.run(self._client.result(task_id, timeout))

    def status(self, task_id: str | bytes) -> TaskStatus:
        """Everything that the scheduler knows of a task."""
        return self.run(self._client.status(task_id))

    def cancel(self, task_id: str | bytes, *, hard: bool = False, tree: bool = False) -> None:
        """Asks for a task to be stopped; `tree` also all that wait for it."""
        self.run(self._client.cancel(task_id, hard=hard, tree=tree))

    def ping(self) -> float:
        """The seconds that the scheduler takes to answer."""
        return self.run(self._client.ping())

    @staticmethod
    def new_id(queue: str = DEFAULT_QUEUE) -> str:
        """A new task id for `submit(…, queue=queue, task_id=…)`."""
        return asynchronous.Client.new_id(queue)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What a coroutine of the asynchronous client returns."""
        if self._loop is None:
            work.close()
            raise ClientClosed("the client is not connected; use it as `with Client(…) as client:`")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def _stream(self, task_type: TaskType, ordered: bool, in_flight: int, options: Options) -> Stream:
        return self._client.stream(task_type, ordered=ordered, in_flight=in_flight, **options)


class TaskHandle:
    """A submitted task."""

    __slots__ = ("_client", "_handle", "members")

    def __init__(self, client: Client, handle: AsyncHandle) -> None:
        #: Of a callback, or of the last task of a chain: the handles of those before it.
        self.members = tuple(TaskHandle(client, member) for member in handle.members)
        self._client = client
        self._handle = handle

    @property
    def id(self) -> str:
        """The task's id, as people write it."""
        return self._handle.id

    @property
    def existed(self) -> bool:
        """Whether this is a task that was there before, with the same unique key."""
        return self._handle.existed

    def __repr__(self) -> str:
        return f"<TaskHandle {self.id}>"

    def accepted(self) -> TaskHandle:
        """Returns when the scheduler has the task for good."""
        self._client.run(self._accepted())
        return self

    def result(self, timeout: float | None = None) -> Any:
        """What the task returned. Raises TaskEnded, or NotFinished after `timeout` seconds."""
        return self._client.run(self._handle.result(timeout))

    def status(self) -> TaskStatus:
        """Everything that the scheduler knows of the task."""
        return self._client.status(self.id)

    def cancel(self, *, hard: bool = False, tree: bool = False) -> None:
        """Asks for the task to be stopped; `tree` also all that wait for it."""
        self._client.cancel(self.id, hard=hard, tree=tree)

    async def _accepted(self) -> None:
        await self._handle.accepted()


async def _exchange(stream: Stream, chunk: list[tuple[Any, ...]]) -> list[Any]:
    """Pushes a chunk and takes what is ready. Without a chunk it waits for a result: nothing, at the end."""
    if chunk:
        stream.push(chunk)
        return stream.take_ready()
    if stream.room:
        stream.finish()
    return await stream.take()


def _new_event_loop() -> asyncio.AbstractEventLoop:
    """The fastest loop that this platform has."""
    try:
        import uvloop  # noqa: PLC0415 -- 36 ms, and not everywhere
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
