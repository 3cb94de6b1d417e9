import uuid

import pytest

from wiretask_protocol.messages import Envelope, Header
from wiretask_worker import Cancelled
from wiretask_worker.context import Context


@pytest.fixture
def steps():
    return []


@pytest.fixture
def context(steps):
    envelope = Envelope("add", "mail", 0, b"", headers=(Header("tenant", "acme"),), trace_context="00-1-2-01")
    return Context(uuid.UUID(int=5).bytes, 2, envelope, lambda *step: steps.append(step))


def test_a_context_says_what_is_running(context):
    assert context.task_id == str(uuid.UUID(int=5))
    assert context.task_id_octets == uuid.UUID(int=5).bytes
    assert (context.attempt, context.type, context.queue) == (2, "add", "mail")
    assert context.headers == {"tenant": "acme"}
    assert context.trace_context == "00-1-2-01"


def test_a_context_without_headers_has_none():
    assert Context(bytes(16), 1, Envelope("add", "mail", 0, b""), print).headers == {}


def test_progress_is_handed_on(context, steps):
    context.progress(1)
    context.progress(2, 10, b"part", text="reading")
    assert steps == [(1, 0, b"", None), (2, 10, b"part", "reading")]


@pytest.mark.parametrize("numbers", [(-1, 0), (0, -1), (2**64, 0), (0, 2**64)])
def test_progress_that_the_protocol_cannot_say_is_refused(context, steps, numbers):
    with pytest.raises(ValueError, match="give whole numbers"):
        context.progress(*numbers)
    assert steps == []


def test_a_context_says_when_it_is_time_to_stop(context):
    assert not context.cancelled
    context.raise_if_cancelled()
    context.ask_to_stop()
    assert context.cancelled
    with pytest.raises(Cancelled):
        context.raise_if_cancelled()
