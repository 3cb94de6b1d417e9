"""Middleware around handlers, plain and async; what is raised where, and who hears of it."""

import asyncio

import pytest

from wiretask_protocol.codec import decode_report
from wiretask_protocol.messages import Encoding, Envelope, Outcome
from wiretask_worker import attempts, hooks, middleware
from wiretask_worker.context import Context
from wiretask_worker.core.assignment import Assignment
from wiretask_worker.errors import DefinitionError
from wiretask_worker.executors.coroutines import CoroutineExecutor
from wiretask_worker.handlers import Catalog, Handler


@pytest.fixture(autouse=True)
def defined(monkeypatch):
    """What a test defines is gone after it."""
    monkeypatch.setattr(hooks, "DEFINED", [])


def recorder(name, said, raises=()):
    class Recorder:
        def before(self, context):
            said.append(f"{name} before {context.type}")
            if "before" in raises:
                raise ValueError(f"{name} before")

        def after(self, context, result):
            said.append(f"{name} after {result}")
            if "after" in raises:
                raise ValueError(f"{name} after")

        def error(self, context, error):
            said.append(f"{name} error {error}")
            if "error" in raises:
                raise ValueError(f"{name} error")

    return middleware(Recorder)


def add(x: int, y: int) -> int:
    return x + y


def breaks() -> None:
    raise KeyError("it")


def run(function, body=b"[]"):
    envelope = Envelope(function.__name__, "default", Encoding.JSON, body)
    finished = attempts.run(Handler(function), envelope, Context(bytes(16), 1, envelope, lambda *_: None))
    report = decode_report(finished.report)
    return Outcome(finished.outcome), report.error_message if report.error_type else report.body


def test_hooks_run_in_the_order_of_their_definition_and_back():
    said = []
    recorder("a", said)
    recorder("b", said)
    assert run(add, b"[2, 3]") == (Outcome.SUCCEEDED, b"5")
    assert said == ["a before add", "b before add", "b after 5", "a after 5"]


def test_an_error_is_told_and_stays_what_it_is():
    said = []
    recorder("a", said)
    assert run(breaks) == (Outcome.FAILED, "'it'")
    assert said == ["a before breaks", "a error 'it'"]


def test_who_raises_before_the_handler_keeps_it_from_running_and_only_those_before_it_hear_of_it():
    said = []
    recorder("a", said)
    recorder("b", said, raises={"before"})
    recorder("c", said)
    assert run(add, b"[2, 3]") == (Outcome.FAILED, "b before")
    assert said == ["a before add", "b before add", "a error b before"]


def test_who_raises_after_the_handler_fails_the_attempt():
    recorder("a", [], raises={"after"})
    assert run(add, b"[2, 3]") == (Outcome.FAILED, "a after")


def test_an_error_hook_that_fails_changes_nothing():
    said = []
    recorder("a", said)
    recorder("b", said, raises={"error"})
    assert run(breaks) == (Outcome.FAILED, "'it'")
    assert said[-1] == "a error 'it'"


def test_an_object_may_have_one_hook_and_be_made_by_its_user():
    class Counter:
        def __init__(self, start):
            self.count = start

        def after(self, context, result):
            self.count += 1

    counter = middleware(Counter(10))
    run(add, b"[2, 3]")
    assert counter.count == 11


@pytest.mark.parametrize("nothing", [object(), type("Empty", (), {}), lambda context: None])
def test_what_has_no_hook_is_refused(nothing):
    with pytest.raises(DefinitionError, match="has none of before, after, error"):
        middleware(nothing)


def test_an_async_hook_around_plain_tasks_is_refused_at_the_start():
    class Slow:
        async def before(self, context): ...

    middleware(Slow)
    with pytest.raises(DefinitionError, match=r"the hook Slow.before is async, and this worker has plain tasks"):
        Catalog([Handler(add)]).check()


async def later(x: int) -> int:
    await asyncio.sleep(0)
    return x


def test_hooks_around_async_tasks_may_be_async_or_not():
    said = []
    recorder("plain", said)

    class Async:
        async def before(self, context):
            await asyncio.sleep(0)
            said.append("async before")

        async def after(self, context, result):
            said.append("async after")

    middleware(Async)
    Catalog([Handler(later)]).check()

    async def main():
        ended = asyncio.Event()
        executor = CoroutineExecutor(
            Catalog([Handler(later)]), lambda _: ended.set(), lambda *_: None, asyncio.get_running_loop()
        )
        executor.start(Assignment(bytes(16), 1, 1, 0, 0.0, 1, Envelope("later", "default", Encoding.JSON, b"[7]")))
        async with asyncio.timeout(10):
            await ended.wait()

    asyncio.run(main())
    assert said == ["plain before later", "async before", "async after", "plain after 7"]
