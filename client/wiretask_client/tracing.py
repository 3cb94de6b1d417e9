"""Traces: a span for each submission, whose context travels with the task (PROTOCOL.md, Envelope: trace_context).

Only where the program itself has imported OpenTelemetry: nothing of it is imported here before, and without it a
submission pays for one look into a dict. The span says that the task was handed over; it does not wait for the answer.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

from wiretask_client.options import Options
from wiretask_client.version import VERSION

_API = "opentelemetry.trace"
#: Stands in a template for the context of each task: as long as a traceparent, and none.
_PLACE = "00-" + "wiretask" * 4 + "-" + "wiretask" * 2 + "-00"


class Trace(NamedTuple):
    """The W3C context of a span: its traceparent and its tracestate."""

    parent: str
    state: str | None

    def reserved(self, options: Options) -> Options:
        """Options for a template that leaves room for it; many tasks share one."""
        return cast("Options", {**options, "trace_context": _PLACE, "trace_state": self.state})

    def into(self, envelope: bytes) -> bytes:
        """An envelope of that template with this context. Only headers may stand before it, and they are the user's."""
        return envelope.replace(_PLACE.encode(), self.parent.encode(), 1)


def on() -> bool:
    """Whether somebody here traces."""
    return _API in sys.modules


@contextmanager
def submitting(kind: str, queue: str, task_id: str | None = None) -> Iterator[Trace | None]:
    """A span around a submission, of one task or of many. None where nobody has set up a tracer, or a parent."""
    from opentelemetry import trace  # noqa: PLC0415 -- it is there already
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415 -- as above

    attributes = {
        "messaging.system": "wiretask",
        "messaging.operation.name": "submit",
        "messaging.operation.type": "send",
        "messaging.destination.name": queue,
        "wiretask.task.type": kind,
    }
    if task_id is not None:
        attributes["messaging.message.id"] = task_id
    tracer = trace.get_tracer("wiretask_client", VERSION)
    with tracer.start_as_current_span(f"submit {kind}", kind=trace.SpanKind.PRODUCER, attributes=attributes):
        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier)
        parent = carrier.get("traceparent")
        yield None if parent is None or len(parent) != len(_PLACE) else Trace(parent, carrier.get("tracestate"))


def carrying(kind: str, queue: str, options: Any) -> Options:
    """Options for many tasks that share one span, where somebody traces and the options do not name a context."""
    if not on() or options.get("trace_context") is not None:
        return cast("Options", options)
    with submitting(kind, queue) as trace:
        if trace is None:
            return cast("Options", options)
        return cast("Options", {**options, "trace_context": trace.parent, "trace_state": trace.state})
