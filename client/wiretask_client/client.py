"""The client: submit tasks, wait for their results, ask for them, cancel them.

    async with Client("127.0.0.1:9001") as client:
        digest = await client.submit("sha256", b"Hello, World!")
        async for total in client.map(add, [1, 2, 3], [4, 5, 6]):
            ...

Connections come and go underneath: what was submitted is repeated by its id and does not run twice, what is awaited is
awaited again. `timeout` bounds each time without a scheduler; after it everything that waits raises Unreachable.
"""

from __future__ import annotations

import asyncio
import os
import random
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Unpack

from wiretask_client import outcomes, tracing
from wiretask_client.calls import TaskType, Template, queue_of, type_name
from wiretask_client.connected import DEFAULT_TIMEOUT_SECONDS, Connected
from wiretask_client.core import ScheduleRequest, SubmitRequest
from wiretask_client.errors import ClientError
from wiretask_client.groups import Call, Step, call, chain, group, plan
from wiretask_client.handle import TaskHandle
from wiretask_client.ids import TaskIds, as_id, id_text
from wiretask_client.keys import Concurrency, Fairness, Rate, Unique
from wiretask_client.options import DEFAULT_QUEUE, Moment, Options, RetryPolicy
from wiretask_client.schedules import schedule_request, times_of
from wiretask_client.stream import Stream, tuples, zipped
from wiretask_client.units import Seconds, word
from wiretask_protocol.authentication import Credentials
from wiretask_protocol.messages import Progress, Result, SubmitFlags

if TYPE_CHECKING:
    from wiretask_client.blocking import Client as BlockingClient

_random = random.SystemRandom()
_ids = TaskIds(lambda: time.time_ns() // 1_000_000, _random.getrandbits)
#: A forked child must not go on with the counter of its parent.
os.register_at_fork(after_in_child=_ids.restart)


class Client(Connected):
    """A connection to a scheduler that outlives its streams. Use it with `async with`, on one event loop."""

    #: What `submit` was last asked for: the next one is mostly of the same kind.
    _last: tuple[TaskType, Options, Template] | None = None

    @staticmethod
    def blocking(
        scheduler: str | None = None,
        *,
        timeout: float | None = DEFAULT_TIMEOUT_SECONDS,
        name: str | None = None,
        credentials: Credentials | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> BlockingClient:
        """The same client for code without an event loop; see `wiretask_client.blocking`."""
        from wiretask_client.blocking import Client as BlockingClient  # noqa: PLC0415 -- threads only where wanted

        return BlockingClient(scheduler, timeout=timeout, name=name, credentials=credentials, tls=tls)

    def submit(
        self,
        task_type: TaskType,
        /,
        *args: Any,
        queue: str | None = None,
        priority: int | None = None,
        delay: Seconds | None = None,
        not_before: Moment | None = None,
        expires_in: Seconds | None = None,
        expires_at: Moment | None = None,
        time_limit: Seconds | None = None,
        max_attempts: int | None = None,
        retry: RetryPolicy | Mapping[str, Any] | Seconds | None = None,
        retention: Seconds | None = None,
        cost: int | None = None,
        requires: Iterable[str] | None = None,
        resources: Mapping[str, int] | None = None,
        after: Iterable[TaskHandle | str | bytes] | None = None,
        on_dependency_failure: str | None = None,
        unique: Unique | tuple[Any, ...] | str | None = None,
        concurrency: Concurrency | tuple[str, int] | None = None,
        rate: Rate | tuple[Any, ...] | None = None,
        fairness: Fairness | tuple[str, int] | str | None = None,
        note: str | None = None,
        headers: Mapping[str, str] | None = None,
        trace_context: str | None = None,
        trace_state: str | None = None,
        want_result: bool = True,
        on_progress: Callable[[Progress], None] | None = None,
        task_id: str | bytes | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **keywords: Any,
    ) -> TaskHandle:
        """Submits a task and returns its handle at once: `await` it for the result.

        One argument of bytes is the body as it is; else positional arguments or keyword arguments travel as JSON, not
        both. Keyword arguments named like an option go into `kwargs`. What each option means: see `Options`. With
        `task_id` (from `new_id`) you can submit again after a crash of your own without running the task twice.

        Nothing is waited for here: submit many tasks with `map` or `submit_many`, which know when to pause.
        """
        options = Options(
            queue=queue,
            priority=priority,
            delay=delay,
            not_before=not_before,
            expires_in=expires_in,
            expires_at=expires_at,
            time_limit=time_limit,
            max_attempts=max_attempts,
            retry=retry,
            retention=retention,
            cost=cost,
            requires=requires,
            resources=resources,
            after=after,
            on_dependency_failure=on_dependency_failure,
            unique=unique,
            concurrency=concurrency,
            rate=rate,
            fairness=fairness,
            note=note,
            headers=headers,
            trace_context=trace_context,
            trace_state=trace_state,
            want_result=want_result,
            on_progress=on_progress,
        )
        keywords = {**kwargs, **keywords} if kwargs else keywords
        if tracing.on() and trace_context is None:
            return self._submit_traced(task_type, options, args, keywords, task_id)
        template = self._template(task_type, options)
        envelope = template.envelope(args, keywords)
        if task_id is None:
            return self._submit(template, envelope, _ids.make(template.queue))
        # Somebody who has died meanwhile may have sent it before.
        return self._submit(template, envelope, as_id(task_id), repeat=True)

    def _submit_traced(
        self,
        task_type: TaskType,
        options: Options,
        args: tuple[Any, ...],
        keywords: Mapping[str, Any],
        task_id: str | bytes | None,
    ) -> TaskHandle:
        queue = queue_of(task_type, options)
        made = _ids.make(queue) if task_id is None else as_id(task_id)
        with tracing.submitting(type_name(task_type), queue, id_text(made)) as trace:
            template = self._template(task_type, options if trace is None else trace.reserved(options))
            envelope = template.envelope(args, keywords)
            return self._submit(
                template, envelope if trace is None else trace.into(envelope), made, repeat=task_id is not None
            )

    def chain(self, *steps: Step, **options: Unpack[Options]) -> TaskHandle:
        """Submits calls (made with `call`) of which each gets the result of the one before as its first argument.

        Returns the handle of the last one; the others are its `members`. When one has not succeeded, those after it
        are cancelled; when one is refused, those after it have the same error. Options hold where a call says nothing.
        """
        return self._submit_tied(chain(*steps, **tracing.carrying("chain", _queue(options), options)))

    def group(self, members: Iterable[Step], *, callback: Call, **options: Unpack[Options]) -> TaskHandle:
        """Submits calls (made with `call`), and a callback that gets the list of their results as its first argument.

        Returns the handle of the callback; those of the calls are its `members`. When one has not succeeded the
        callback is cancelled, unless it says `on_dependency_failure="run"`; when one is refused, the callback has the
        same error and what was accepted goes on. Options hold where a call says nothing.
        """
        options = tracing.carrying("group", _queue(options), options)
        return self._submit_tied(group(members, callback=callback, **options))

    def _submit_tied(self, step: Step) -> TaskHandle:
        planned = plan(step, _ids.make)
        *members, last = [self._submit(each.template, each.envelope, each.task_id, each.tags) for each in planned]
        last.members = tuple(members)
        return last

    async def schedule(
        self,
        name: str,
        task_type: TaskType,
        /,
        *args: Any,
        cron: str | None = None,
        every: Seconds | None = None,
        zone: str | None = None,
        overlap: str | None = None,
        catch_up: str | None = None,
        spread: Seconds | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **keywords: Any,
    ) -> None:
        """Makes a task recur, by a cron expression (in a time zone, UTC where none is said) or every so many seconds.

        The same again changes nothing; another one of the same name takes its place. `overlap` is "skip", "queue" or
        "replace", `catch_up` is "skip", "one" or "all", `spread` delays each run by up to that much, by chance. Other
        keyword arguments are options and arguments as in `submit`. Returns when it is durable. Raises BadSchedule.
        """
        recurring = call(task_type, *args, kwargs=kwargs, **keywords)
        times = times_of(cron=cron, every=every, zone=zone, overlap=overlap, catch_up=catch_up, spread=spread)
        await self._driver.ask(schedule_request(name, recurring, times))

    async def unschedule(self, name: str) -> None:
        """Ends a recurring task; the run that is there goes on. Raises UnknownSchedule where there is none."""
        await self._driver.ask(ScheduleRequest(name=word("the name of a recurring task", name)))

    @staticmethod
    def new_id(queue: str = DEFAULT_QUEUE) -> str:
        """A new task id for `submit(…, queue=queue, task_id=…)`."""
        return id_text(_ids.make(queue))

    async def submit_many(
        self,
        task_type: TaskType,
        /,
        *iterables: Iterable[Any],
        **options: Unpack[Options],
    ) -> list[TaskHandle]:
        """Submits a task for each item (for each tuple of items, as `map`), pipelined; returns when all are durable.

        Raises what kept the first from it; those before it are durable.
        """
        template = _template_of_many(task_type, options)
        handles: list[TaskHandle] = []
        for position, args in enumerate(zipped(iterables)):
            handles.append(self._submit(template, template.envelope(args), _ids.make(template.queue)))
            if position >= _SUBMIT_AHEAD:
                await handles[position - _SUBMIT_AHEAD].accepted()
        for handle in handles[-_SUBMIT_AHEAD:]:
            await handle.accepted()
        return handles

    async def map(
        self,
        task_type: TaskType,
        /,
        *iterables: Iterable[Any] | AsyncIterable[Any],
        ordered: bool = True,
        in_flight: int = 0,
        return_exceptions: bool = False,
        **options: Unpack[Options],
    ) -> AsyncGenerator[Any, None]:
        """Submits a task for each item, and yields the results: in order, or as they come with `ordered=False`.

        Several iterables are arguments side by side, as with the built-in `map`; one may be asynchronous. At most
        `in_flight` tasks are under way or not yet taken. The first task without a result raises its error, unless
        `return_exceptions` yields it. Stopping early leaves tasks that were sent running, and sends no more.
        """
        stream = self.stream(task_type, ordered=ordered, in_flight=in_flight, **options)
        source = tuples(iterables[0]) if isinstance(iterables[0], AsyncIterable) else zipped(iterables)
        feeding = asyncio.create_task(stream.feed(source))
        try:
            while batch := await stream.take():
                for value in batch:
                    if isinstance(value, ClientError) and not return_exceptions:
                        raise value
                    yield value
        finally:
            feeding.cancel()
            stream.abandon()

    def stream(
        self,
        task_type: TaskType,
        /,
        *,
        ordered: bool = True,
        in_flight: int = 0,
        read: Callable[[Result], Any] = outcomes.value_or_error,
        **options: Unpack[Options],
    ) -> Stream:
        """What `map` is made of: push calls and take results in batches, as you like. `read` makes them of Results."""
        template = _template_of_many(task_type, options)
        return Stream(self._driver, _ids, template, ordered=ordered, in_flight=in_flight, read=read)

    def _template(self, task_type: TaskType, options: Options) -> Template:
        if any(options.get(name) is not None for name in _CHANGING):
            return Template(task_type, options)
        if self._last is None or self._last[0] != task_type or self._last[1] != options:
            self._last = (task_type, options, Template(task_type, options))
        return self._last[2]

    def _submit(
        self,
        template: Template,
        envelope: bytes,
        task_id: bytes,
        tags: dict[str, Any] | None = None,
        *,
        repeat: bool = False,
    ) -> TaskHandle:
        tags = template.tags if tags is None else tags
        flags = int(template.flags | SubmitFlags.REPEAT) if repeat else template.flags
        request = SubmitRequest(task_id=task_id, flags=flags, priority=template.priority, envelope=envelope, tags=tags)
        request.owner = handle = TaskHandle(self, request, template.on_progress)
        self._driver.add(request)
        return handle


def _template_of_many(task_type: TaskType, options: Options) -> Template:
    """Of many tasks that share a span, where somebody traces."""
    return Template(task_type, tracing.carrying(type_name(task_type), queue_of(task_type, options), options))


def _queue(options: Options) -> str:
    return str(options.get("queue") or DEFAULT_QUEUE)


#: Options that can change between two calls, although they are the same objects; a handle can change its id.
_CHANGING = ("headers", "after", "requires", "resources")
#: How many submissions `submit_many` leaves unaccepted.
_SUBMIT_AHEAD = 10_000
