"""One attempt: the handler is called with its arguments, and whatever happens becomes a Finished.

Knows handlers and their bodies; nothing of threads, processes, connections or time. Nothing that a handler does
escapes, sys.exit and KeyboardInterrupt included: the worker lives on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wiretask_protocol.messages import Encoding, Envelope
from wiretask_worker import context as contexts
from wiretask_worker import hooks, reports, tracing
from wiretask_worker.context import Context
from wiretask_worker.core.assignment import Finished
from wiretask_worker.handlers import Handler

_RAW = int(Encoding.RAW)


Run = Callable[[Handler[..., Any], Envelope, Context], Finished]


def runner() -> Run:
    """What runs plain functions here: `run`, with a span around it where somebody traces."""
    return _run_traced if tracing.on() else run


def _run_traced(handler: Handler[..., Any], envelope: Envelope, context: Context) -> Finished:
    with tracing.processing(context) as span:
        return tracing.tell(span, run(handler, envelope, context))


def run(handler: Handler[..., Any], envelope: Envelope, context: Context) -> Finished:
    """Runs a plain function here and now."""
    token = contexts.enter(context)
    try:
        arguments = handler.arguments
        if arguments.direct and envelope.encoding == _RAW and context.gathered is None and not hooks.DEFINED:
            return reports.succeeded(handler.function(envelope.body))
        call = arguments.fill(envelope.encoding, envelope.body, context)
        if hooks.DEFINED:
            return reports.succeeded(hooks.around(context, lambda: handler.function(*call.args, **call.kwargs)))
        return reports.succeeded(handler.function(*call.args, **call.kwargs))
    except BaseException as error:
        return reports.failed(error, handler.no_retry_on)
    finally:
        contexts.leave(token)
