import inspect

import pytest

from wiretask_worker import handlers, task
from wiretask_worker.errors import DefinitionError
from wiretask_worker.handlers import Catalog, Handler


@pytest.fixture(autouse=True)
def defined(monkeypatch):
    """A list of definitions of this test's own."""
    monkeypatch.setattr(handlers, "DEFINED", [])
    return handlers


def add(x: int, y: int) -> int:
    """Adds."""
    return x + y


def test_a_task_stays_callable_and_keeps_its_words():
    handler = task(add)
    assert handler(2, 3) == 5
    assert (handler.__name__, handler.__doc__, handler.__module__) == ("add", "Adds.", __name__)
    assert list(inspect.signature(handler).parameters) == ["x", "y"]


def test_a_task_has_the_name_of_its_function_and_leaves_the_rest_to_the_submission():
    handler = task(add)
    assert (handler.name, handler.queue, handler.max_attempts, handler.time_limit) == ("add", None, None, None)
    assert not handler.is_async
    assert not handler.raw


def test_a_task_says_what_it_wants():
    @task(name="sum@2", queue="numbers", max_attempts=3, time_limit=1.5, no_retry_on=ValueError)
    async def total(values: list[int]) -> int:
        return sum(values)

    assert (total.name, total.queue, total.max_attempts, total.time_limit) == ("sum@2", "numbers", 3, 1.5)
    assert total.no_retry_on == (ValueError,)
    assert total.is_async


def test_a_client_reads_the_options_by_one_attribute():
    declared = task(max_attempts=2)(add).__wiretask_task__
    assert (declared.name, declared.max_attempts) == ("add", 2)


def test_tasks_are_gathered_in_the_order_of_their_definition(defined):
    first, second = task(add), task(name="other")(add)
    assert [first, second] == defined.DEFINED


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": ""}, "the name '' is not a Name"),
        ({"name": "two words"}, "the name 'two words' is not a Name"),
        ({"name": "-dash"}, "is not a Name"),
        ({"name": "x" * 129}, "is not a Name"),
        ({"name": "größe"}, "is not a Name"),
        ({"name": "wiretask.mine"}, "names that begin with wiretask. are reserved"),
        ({"queue": "a b"}, "the queue 'a b' is not a Name"),
        ({"max_attempts": 0}, "max_attempts=0 is outside 1 to 65535"),
        ({"max_attempts": 65536}, "max_attempts=65536 is outside"),
        ({"time_limit": 0}, "time_limit=0 is not a number of seconds"),
        ({"time_limit": -1}, "time_limit=-1 is not"),
        ({"time_limit": float("nan")}, "time_limit=nan is not"),
        ({"time_limit": 1e9}, "is not a number of seconds"),
    ],
)
def test_options_that_the_protocol_cannot_say_are_refused_where_they_stand(options, words):
    with pytest.raises(DefinitionError) as caught:
        task(**options)(add)
    assert words in str(caught.value)
    assert __file__ in str(caught.value)


def generator():
    yield 1


async def async_generator():
    yield 1


def test_what_cannot_be_a_task_is_refused():
    for function in (generator, async_generator):
        with pytest.raises(DefinitionError, match="a generator cannot be a task"):
            task(function)
    for thing in (len, int, 5):
        with pytest.raises(DefinitionError, match="cannot be a task: put @task on a function"):
            task(thing)
    with pytest.raises(DefinitionError, match="the name '<lambda>' is not a Name"):
        task(lambda: 1)


def test_a_catalog_finds_tasks_by_name():
    handler = Handler(add)
    catalog = Catalog([handler, Handler(add, name="other"), handler])
    assert catalog["add"] is handler
    assert [one.name for one in catalog] == ["add", "other"]
    assert len(catalog) == 2


def test_two_tasks_of_one_name_are_refused_and_both_places_named():
    def other():
        return None

    with pytest.raises(DefinitionError) as caught:
        Catalog([Handler(add), Handler(other, name="add")])
    text = str(caught.value)
    assert text.startswith("two tasks have the name 'add'")
    assert f"{__file__}:{add.__code__.co_firstlineno}" in text
    assert f"{__file__}:{other.__code__.co_firstlineno}" in text


def test_a_catalog_refuses_what_could_never_run():
    def unreadable(x: "Nowhere"):  # type: ignore[name-defined] # noqa: F821
        return x

    with pytest.raises(DefinitionError, match="an annotation cannot be read"):
        Catalog([Handler(unreadable)])


def test_a_function_says_what_holds_where_its_submission_says_nothing():
    @task(priority=9, cost=2, requires=["gpu"], resources={"memory": 5}, concurrency=("db", 1), retry={"base": 2})
    def work() -> None: ...

    said = work.__wiretask_task__
    assert (said.priority, said.cost, said.requires, said.resources) == (9, 2, ["gpu"], {"memory": 5})
    assert (said.concurrency, said.retry, said.rate, said.fairness) == (("db", 1), {"base": 2}, None, None)


def test_an_option_that_no_task_has_is_refused_where_it_stands():
    with pytest.raises(DefinitionError, match="@task has no option 'prority'; there are priority, cost"):

        @task(prority=9)
        def work() -> None: ...


def test_an_attribute_that_no_task_has_is_none():
    @task
    def work() -> None: ...

    assert not hasattr(work, "colour")
