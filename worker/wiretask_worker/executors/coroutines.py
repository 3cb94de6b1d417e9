"""Coroutine functions on the event loop, in every worker whatever executor plain functions have.

A stop cancels the asyncio.Task. One that swallows the cancellation goes on, and holds its slot until it ends.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from wiretask_protocol.messages import CancelMode
from wiretask_worker import context as contexts
from wiretask_worker import hooks, reports, tracing
from wiretask_worker.context import Context
from wiretask_worker.core.assignment import Assignment, Ended, Finished
from wiretask_worker.executors.base import Ends, Steps
from wiretask_worker.handlers import Catalog, Handler


class CoroutineExecutor:
    """Attempts as asyncio Tasks."""

    def __init__(self, catalog: Catalog, ends: Ends, steps: Steps, loop: asyncio.AbstractEventLoop) -> None:
        self._catalog = catalog
        self._ends = ends
        self._steps = steps
        self._loop = loop
        self._running: dict[Assignment, tuple[asyncio.Task[Finished], Context]] = {}
        self._ended: list[Ended] = []

    def start(self, assignment: Assignment) -> None:
        """Begins an attempt at the next turn of the loop."""
        envelope = assignment.envelope
        steps = partial(self._steps, assignment)
        context = Context(assignment.task_id, assignment.attempt, envelope, steps, assignment.gathered)
        make = _attempt_traced if tracing.on() else _attempt
        attempt = make(self._catalog[envelope.type], context, assignment)
        task = self._loop.create_task(attempt, name=f"task {envelope.type}")
        task.add_done_callback(partial(self._done, assignment))
        self._running[assignment] = task, context

    def stop(self, assignment: Assignment, mode: CancelMode) -> None:
        """Cancels the asyncio Task."""
        del mode
        if assignment in self._running:
            task, context = self._running[assignment]
            context.ask_to_stop()
            task.cancel()

    def close(self) -> None:
        """Cancels everything."""
        for task, context in self._running.values():
            context.ask_to_stop()
            task.cancel()

    def _done(self, assignment: Assignment, task: asyncio.Task[Finished]) -> None:
        """Also called for a task that was cancelled before its first step, of which its coroutine never hears."""
        finished = reports.cancelled("cancelled before it began") if task.cancelled() else task.result()
        del self._running[assignment]
        if not self._ended:
            self._loop.call_soon(self._deliver)
        self._ended.append((assignment, finished))

    def _deliver(self) -> None:
        ended, self._ended = self._ended, []
        self._ends(ended)


async def _attempt_traced(handler: Handler[..., Any], context: Context, assignment: Assignment) -> Finished:
    with tracing.processing(context) as span:
        return tracing.tell(span, await _attempt(handler, context, assignment))


async def _attempt(handler: Handler[..., Any], context: Context, assignment: Assignment) -> Finished:
    contexts.enter(context)  # never left: the asyncio.Task has a context of its own
    envelope = assignment.envelope
    try:
        call = handler.arguments.fill(envelope.encoding, envelope.body, context)
        if hooks.DEFINED:
            return reports.succeeded(
                await hooks.around_async(context, lambda: handler.function(*call.args, **call.kwargs))
            )
        return reports.succeeded(await handler.function(*call.args, **call.kwargs))
    except asyncio.CancelledError as error:
        if context.cancelled:
            return reports.cancelled("cancelled")
        return reports.failed(error)  # the handler has cancelled itself
    except BaseException as error:
        return reports.failed(error, handler.no_retry_on)
