"""Spans around handlers, in memory."""

import asyncio
import sys

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from wiretask_protocol.messages import Encoding, Envelope, Outcome
from wiretask_worker import attempts, tracing
from wiretask_worker.context import Context
from wiretask_worker.core.assignment import Assignment
from wiretask_worker.errors import Cancelled, Retry
from wiretask_worker.executors.coroutines import CoroutineExecutor
from wiretask_worker.handlers import Catalog, Handler

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture
def finished(monkeypatch):
    """The spans that have ended. Nothing is set up for other tests."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter.get_finished_spans


def envelope(**tags):
    return Envelope("work", "mail", Encoding.JSON, b"[]", **tags)


def attempt(function, **tags):
    found = envelope(**tags)
    return attempts.runner()(Handler(function, name="work"), found, Context(bytes(16), 3, found, lambda *_: None))


def test_a_span_is_the_child_of_the_submission_and_says_what_ran(finished):
    inside = []
    attempt(lambda: inside.append(trace.get_current_span().get_span_context().span_id), trace_context=PARENT)
    (span,) = finished()
    assert (span.name, span.kind, span.status.status_code) == ("process work", SpanKind.CONSUMER, StatusCode.UNSET)
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, SPAN)
    assert inside == [span.context.span_id]
    assert span.attributes["messaging.destination.name"] == "mail"
    assert span.attributes["messaging.message.id"] == "00000000-0000-0000-0000-000000000000"
    assert span.attributes["wiretask.task.attempt"] == 3
    assert span.attributes["wiretask.task.outcome"] == "succeeded"


@pytest.mark.parametrize(
    "context", [None, "", "nonsense", PARENT[:-1], f"00-{'0' * 32}-{SPAN}-01", f"ff-{TRACE}-{SPAN}-01", "\x00" * 55]
)
def test_what_is_no_context_begins_a_trace_of_its_own(finished, context):
    attempt(lambda: None, trace_context=context)
    (span,) = finished()
    assert span.parent is None
    assert f"{span.context.trace_id:032x}" != TRACE


def test_who_was_not_sampled_is_not(finished):
    attempt(lambda: 1 / 0, trace_context=f"00-{TRACE}-{SPAN}-00")
    assert finished() == ()


def test_the_state_of_the_trace_comes_along(finished):
    attempt(lambda: None, trace_context=PARENT, trace_state="vendor=1")
    assert finished()[0].context.trace_state.get("vendor") == "1"


def raising(error):
    raise error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyError("no"), StatusCode.ERROR),
        (Retry("later"), StatusCode.ERROR),
        (SystemExit(3), StatusCode.ERROR),
        (Cancelled("asked"), StatusCode.UNSET),
    ],
)
def test_a_failure_is_an_error_and_an_end_that_was_asked_for_is_none(finished, error, code):
    attempt(lambda: raising(error), trace_context=PARENT)
    (span,) = finished()
    assert span.status.status_code is code
    assert [event.name for event in span.events] == ["exception"] * (code is StatusCode.ERROR)
    if span.events:
        assert span.events[0].attributes["exception.type"].endswith(type(error).__name__)
        assert "test_tracing.py" in span.events[0].attributes["exception.stacktrace"]


def test_coroutines_have_spans_that_do_not_mix(finished):
    async def wait():
        before = trace.get_current_span()
        await asyncio.sleep(0)
        assert trace.get_current_span() is before

    async def scenario():
        done = asyncio.Event()
        ended = []

        def ends(some):
            ended.extend(some)
            if len(ended) == 2:
                done.set()

        executor = CoroutineExecutor(Catalog([Handler(wait, name="work")]), ends, print, asyncio.get_running_loop())
        for number in (1, 2):
            found = envelope(trace_context=f"00-{number:032x}-{SPAN}-01")
            executor.start(Assignment(bytes(16), number, 1, 0, 0.0, 1, found))
        await done.wait()
        return ended

    ended = asyncio.run(scenario())
    assert [one.outcome for _, one in ended] == [Outcome.SUCCEEDED] * 2
    assert sorted(span.context.trace_id for span in finished()) == [1, 2]


def test_nobody_traces_where_nobody_has_imported_it(monkeypatch):
    assert tracing.on()
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    assert not tracing.on()
    assert attempts.runner() is attempts.run
