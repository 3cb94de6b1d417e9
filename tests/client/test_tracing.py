"""Spans of submissions, in memory, and what of them travels."""

import asyncio
import sys

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags, TraceState

from wiretask_client import BadCall, Client, call, tracing
from wiretask_protocol.codec import decode_envelope
from wiretask_protocol.messages import Submit

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def finished(monkeypatch):
    """The spans that have ended. Nothing is set up for other tests."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter.get_finished_spans


@pytest.fixture
def envelopes(served):
    """Runs a coroutine with a client; the envelopes of what it has submitted."""

    def run(work):
        async def main():
            async with Client(served.address) as client:
                await work(client)

        asyncio.run(main())
        return [decode_envelope(one.envelope) for one in served.scheduler.of(Submit)]

    return run


def context_of(span):
    return f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-{span.context.trace_flags:02x}"


def test_each_submission_has_a_span_whose_context_travels(finished, envelopes):
    async def work(client):
        for number in (1, 2):
            await client.submit("add", number, queue="mail", headers={"a": "b"}).accepted()

    found = envelopes(work)
    assert [one.trace_context for one in found] == [context_of(span) for span in finished()]
    assert [one.body for one in found] == [b"[1]", b"[2]"]
    span = finished()[0]
    assert (span.name, span.kind) == ("submit add", SpanKind.PRODUCER)
    assert span.attributes["messaging.destination.name"] == "mail"
    assert span.attributes["messaging.message.id"]
    assert found[0].trace_state is None


def test_tasks_of_a_map_and_of_a_chain_share_one(finished, envelopes):
    async def work(client):
        await client.submit_many("add", range(3))
        await client.chain(call("add", 1), call("add", 2)).accepted()

    found = envelopes(work)
    many, chained = finished()
    assert [one.trace_context for one in found] == [context_of(many)] * 3 + [context_of(chained)] * 2
    assert chained.name == "submit chain"


def test_the_state_of_a_trace_travels_with_it(finished, envelopes):
    context = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("vendor", "1")]))

    async def work(client):
        with trace.use_span(NonRecordingSpan(context)):
            await client.submit("add").accepted()

    (one,) = envelopes(work)
    assert one.trace_context.startswith(f"00-{1:032x}-")
    assert one.trace_state == "vendor=1"


def test_a_context_that_the_caller_names_is_left_alone(finished, envelopes):
    async def work(client):
        await client.submit("add", trace_context=PARENT).accepted()
        await client.submit_many("add", [1], trace_context=PARENT)

    assert [one.trace_context for one in envelopes(work)] == [PARENT] * 2
    assert finished() == ()


def test_a_recurring_task_belongs_to_no_trace(finished, served):
    async def main():
        async with Client(served.address) as client:
            await client.schedule("nightly", "add", every=60)

    asyncio.run(main())
    assert finished() == ()


def test_a_call_that_cannot_be_sent_is_an_error_of_its_span(finished, envelopes):
    async def work(client):
        with pytest.raises(BadCall):
            client.submit("add", object())

    assert envelopes(work) == []
    assert finished()[0].status.status_code is StatusCode.ERROR


def test_without_a_tracer_nothing_travels(envelopes):
    async def work(client):
        await client.submit("add").accepted()
        await client.submit_many("add", [1])

    assert [one.trace_context for one in envelopes(work)] == [None] * 2


def test_nobody_traces_where_nobody_has_imported_it(monkeypatch):
    assert tracing.on()
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    assert not tracing.on()
