"""Spans of sampled tasks in the scheduler, in memory, beside a scheduler in this process."""

import sys
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from wiretask_protocol import codec
from wiretask_protocol.messages import Accepted, Cancel, Envelope, Outcome, Report, Result, Submit
from wiretask_scheduler import tracing

sys.path.insert(0, str(Path(__file__).parent))

from scheduler_place import serving, task_id, work  # type: ignore[import-not-found] # it lies beside

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED, LEFT_OUT = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"


@pytest.fixture
def finished(monkeypatch):
    """The spans that have ended. Nothing is set up for other tests."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter.get_finished_spans


def submit(seq, trace_context, **options):
    envelope = codec.encode_envelope(Envelope("add", "default", 0, b"", trace_context=trace_context))
    return Submit(seq, task_id(seq), 1, 5, envelope, **options)


async def story(place, *contexts, **options):
    """A client has submitted tasks, and a worker is there."""
    place.flow.observer = tracing.Tracing()
    client = await place.join()
    await client.send(*(submit(seq, context, **options) for seq, context in enumerate(contexts, 1)))
    assert await client.get() == Accepted(len(contexts))
    return client, await place.worker()


def test_a_sampled_task_has_a_span_of_its_wait(run, finished):
    async def scenario():
        async with serving() as place:
            client, worker = await story(place, SAMPLED)
            await work(worker)
            await client.get()

    run(scenario())
    (span,) = finished()
    assert (span.name, f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == ("queue add", TRACE, SPAN)
    assert span.attributes["messaging.destination.name"] == "default"
    assert span.attributes["messaging.message.id"] == task_id(1).hex()
    assert span.attributes["wiretask.task.attempt"] == 1
    assert span.end_time >= span.start_time


@pytest.mark.parametrize("context", [None, "", "nonsense", LEFT_OUT, f"00-{'0' * 32}-{SPAN}-01", "\x1b" * 55])
def test_others_have_none(run, finished, context):
    async def scenario():
        async with serving() as place:
            client, worker = await story(place, context)
            await work(worker)
            await client.get()
            assert place.flow.observer._followed == {}

    run(scenario())
    assert finished() == ()


def test_each_wait_before_an_attempt_is_a_span(run, finished):
    async def scenario():
        async with serving() as place:
            client, worker = await story(place, SAMPLED, max_attempts=2, retry=None)
            task = await worker.get()
            failed = codec.encode_report(Report(0, b"", "ValueError", "no"))
            await worker.send(Result(1, task.task_id, task.lease, Outcome.FAILED, failed, retry_after=1))
            assert await worker.get() == Accepted(1)
            await work(worker, 2)
            await client.get()
            assert place.flow.observer._followed == {}

    run(scenario())
    assert [span.attributes["wiretask.task.attempt"] for span in finished()] == [1, 2]


def test_a_task_that_nobody_ran_has_a_span_that_says_how_it_ended(run, finished):
    async def scenario():
        async with serving() as place:
            place.flow.observer = tracing.Tracing()
            client = await place.join()
            await client.send(submit(1, SAMPLED), Cancel(2, task_id(1), 0, 1))
            while not isinstance(await client.get(), Result):
                pass

    run(scenario())
    (span,) = finished()
    assert span.attributes["wiretask.task.outcome"] == "cancelled"


def test_more_than_can_be_followed_are_left_out(run, finished, monkeypatch):
    monkeypatch.setattr(tracing, "FOLLOWED", 1)

    async def scenario():
        async with serving() as place:
            _, worker = await story(place, SAMPLED, SAMPLED)
            await work(worker)
            await work(worker, 2)

    run(scenario())
    assert len(finished()) == 1


def test_nobody_traces_where_nobody_has_imported_it(monkeypatch):
    assert tracing.on()
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    assert not tracing.on()
