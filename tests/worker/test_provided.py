"""Resources that handlers ask for: made once, given to each, let go at the end."""

import asyncio
from contextlib import asynccontextmanager, contextmanager

import pytest

from wiretask_protocol.messages import Encoding, Envelope
from wiretask_worker import Provided, provided
from wiretask_worker.arguments import Arguments
from wiretask_worker.context import Context
from wiretask_worker.errors import ArgumentsError, DefinitionError
from wiretask_worker.handlers import Catalog, Handler

SAID: list[str] = []


@pytest.fixture(autouse=True)
def quiet():
    SAID.clear()


def plain():
    SAID.append("made")
    return "plain"


def generated():
    SAID.append("start")
    yield "generated"
    SAID.append("stop")


@contextmanager
def managed():
    SAID.append("enter")
    yield "managed"
    SAID.append("exit")


def broken():
    raise ConnectionError("nobody\n answers")


async def awaited():
    return "awaited"


async def generated_async():
    SAID.append("start")
    yield "async"
    SAID.append("stop")


@asynccontextmanager
async def managed_async():
    yield "managed async"


def called(function, body=b"[]", encoding=Encoding.JSON):
    arguments = Arguments(function, raw=None, where="here")
    context = Context(bytes(16), 1, Envelope("work", "default", encoding, body), lambda *_: None)
    call = arguments.fill(encoding, body, context)
    return function(*call.args, **call.kwargs)


def started(*functions):
    return provided.start(Catalog(map(Handler, functions)).provided(is_async=False))


@pytest.mark.parametrize(("factory", "value"), [(plain, "plain"), (generated, "generated"), (managed, "managed")])
def test_a_parameter_is_filled_by_what_its_factory_makes(factory, value):
    def work(x: int, thing: str = Provided(factory), *, last: str = Provided(factory)):
        return x, thing, last

    with started(work):
        assert called(work, b"[1]") == (1, value, value)
        assert called(work, b'{"x": 1}') == (1, value, value)


def test_it_is_made_once_and_let_go_at_the_end():
    def one(thing: str = Provided(generated)): ...

    def two(thing: str = Provided(generated), other: str = Provided(managed)): ...

    with started(one, two):
        assert SAID == ["start", "enter"]
    assert SAID == ["start", "enter", "exit", "stop"]


def test_a_raw_body_goes_to_the_parameter_that_is_left():
    def work(body: bytes, thing: str = Provided(plain)):
        return body, thing

    with started(work):
        assert called(work, b"raw", Encoding.RAW) == (b"raw", "plain")


@pytest.mark.parametrize("body", [b'{"thing": "mine"}', b'["mine"]'])
def test_a_body_cannot_fill_it(body):
    def work(thing: str = Provided(plain)): ...

    with started(work), pytest.raises(ArgumentsError):
        called(work, body)


def test_what_cannot_be_made_ends_the_worker_with_one_line():
    def work(thing: str = Provided(generated), other: str = Provided(broken)): ...

    with pytest.raises(DefinitionError, match="the resource broken could not be made: ConnectionError: nobody answers"):
        started(work)
    assert SAID == ["start", "stop"]


def test_what_makes_nothing_is_refused_where_it_stands():
    with pytest.raises(DefinitionError, match="give a function that makes the resource"):
        Provided("a database")


def test_a_function_that_is_called_by_itself_says_that_only_a_worker_makes_resources():
    def work(thing: str = Provided(plain)):
        return thing

    with pytest.raises(RuntimeError, match="plain was not made: only a worker does that; pass the argument"):
        _ = work().value
    assert work("mine") == "mine"


def test_an_async_resource_for_a_plain_task_is_refused_at_the_start():
    def work(thing: str = Provided(generated_async)): ...

    with pytest.raises(DefinitionError, match="is a plain function, and its resource generated_async is async"):
        Catalog([Handler(work)]).check()


def test_async_tasks_have_async_resources_and_plain_ones():
    async def work(
        one: str = Provided(awaited), two: str = Provided(generated_async), three: str = Provided(managed_async)
    ):
        return one, two, three

    async def main():
        async with await provided.start_async(Catalog([Handler(work)]).provided(is_async=True)):
            assert await called(work) == ("awaited", "async", "managed async")
            assert SAID == ["start"]
        assert SAID == ["start", "stop"]

    asyncio.run(main())
