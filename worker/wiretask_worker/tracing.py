"""Traces: a span around each handler, child of the one that submitted the task (PROTOCOL.md, Envelope: trace_context).

Only where a task module has imported OpenTelemetry (as it must to set it up), or the whole worker was started by
`opentelemetry-instrument`; else nothing of it is imported, and nothing is asked for each task.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wiretask_protocol.codec import decode_report
from wiretask_protocol.messages import Outcome
from wiretask_worker.context import Context
from wiretask_worker.core.assignment import Finished
from wiretask_worker.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_API = "opentelemetry.trace"
#: What is no error of the handler's.
_WELL = (Outcome.SUCCEEDED, Outcome.CANCELLED)


def on() -> bool:
    """Whether somebody here traces."""
    return _API in sys.modules


@contextmanager
def processing(context: Context) -> Iterator[Span]:
    """A span around a handler; what it does is inside."""
    from opentelemetry import trace  # noqa: PLC0415 -- it is there already
    from opentelemetry.context import Context as Traced  # noqa: PLC0415 -- as above
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415 -- as above

    carrier = {"traceparent": context.trace_context or "", "tracestate": context.trace_state or ""}
    parent = TraceContextTextMapPropagator().extract(carrier, Traced())
    attributes: dict[str, str | int] = {
        "messaging.system": "wiretask",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": context.queue,
        "messaging.message.id": context.task_id,
        "wiretask.task.type": context.type,
        "wiretask.task.attempt": context.attempt,
    }
    kind, name = trace.SpanKind.CONSUMER, f"process {context.type}"
    tracer = trace.get_tracer("wiretask_worker", VERSION)
    with tracer.start_as_current_span(name, parent, kind, attributes) as span:
        yield span


def tell(span: Span, finished: Finished) -> Finished:
    """Says in the span how the attempt has ended."""
    outcome = Outcome(finished.outcome)
    span.set_attribute("wiretask.task.outcome", outcome.name.lower())
    if outcome not in _WELL and span.is_recording():
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 -- it is there already

        report = decode_report(finished.report)
        kind, message = report.error_type or "", report.error_message or ""
        span.set_attribute("error.type", kind)
        event = {"exception.type": kind, "exception.message": message, "exception.stacktrace": report.traceback or ""}
        span.add_event("exception", event)
        span.set_status(StatusCode.ERROR, f"{kind}: {message}")
    return finished
