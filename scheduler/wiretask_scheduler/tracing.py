"""Traces: for tasks that their submitter samples, a span for each time that they waited here, beside the handler's.

It reads what turns say when they are durable, and nothing else knows of it. Only where the process was started with
OpenTelemetry (`opentelemetry-instrument wiretask-scheduler`); else nothing of it is imported, and a turn pays for one
look.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wiretask_protocol.codec import decode_envelope
from wiretask_protocol.errors import WireError
from wiretask_protocol.messages import Outcome
from wiretask_scheduler.core.turn import Dispatch, Inserted, Turn

if TYPE_CHECKING:
    from opentelemetry.context import Context

_API = "opentelemetry.trace"
#: Sampled tasks that are followed at a time; more are left out.
FOLLOWED = 10_000


def on() -> bool:
    """Whether somebody here traces."""
    return _API in sys.modules


@dataclass(slots=True)
class _Followed:
    context: Context
    row: Inserted
    #: Since when it waits (ns of the wall clock), and for which attempt. None while a worker has it.
    since: int | None


class Tracing:
    """Is told of each turn that is durable. What a restart finds is not followed."""

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        from opentelemetry import trace  # noqa: PLC0415 -- it is there already
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 -- as above
            TraceContextTextMapPropagator,
        )

        self._trace = trace
        self._propagator = TraceContextTextMapPropagator()
        self._tracer = trace.get_tracer("wiretask_scheduler")
        self._clock = clock
        self._followed: dict[int, _Followed] = {}

    def __call__(self, turn: Turn) -> None:
        """A turn is durable."""
        now, changes = self._clock(), turn.changes
        for row in changes.inserted:
            self._follow(row, now)
        if not self._followed:
            return
        for updated in changes.updated:
            found = self._followed.get(updated.seq)
            if found is not None and updated.session is None:
                found.since = now
        for sends in turn.sends.values():
            for send in sends:
                if type(send) is Dispatch and (found := self._followed.get(send.task.seq)) is not None:
                    self._waited(found, now, {"wiretask.task.attempt": send.attempt})
        for ended in changes.ended:
            found = self._followed.pop(ended.seq, None)
            if found is not None:
                self._waited(found, now, {"wiretask.task.outcome": Outcome(ended.outcome).name.lower()})

    def _follow(self, row: Inserted, now: int) -> None:
        try:
            envelope = decode_envelope(row.envelope)
        except WireError:
            return  # for the worker to refuse
        if envelope.trace_context is None or len(self._followed) >= FOLLOWED:
            return
        carrier = {"traceparent": envelope.trace_context, "tracestate": envelope.trace_state or ""}
        context = self._propagator.extract(carrier)
        if self._trace.get_current_span(context).get_span_context().trace_flags.sampled:
            self._followed[row.seq] = _Followed(context, row, now)

    def _waited(self, found: _Followed, now: int, more: dict[str, str | int]) -> None:
        if found.since is None:
            return
        options = found.row.options
        attributes: dict[str, str | int] = {
            "messaging.system": "wiretask",
            "messaging.destination.name": options.queue,
            "messaging.message.id": found.row.id.hex(),
            "wiretask.task.type": options.type,
            **more,
        }
        name, since = f"queue {options.type}", found.since
        self._tracer.start_span(name, found.context, attributes=attributes, start_time=since).end(now)
        found.since = None
