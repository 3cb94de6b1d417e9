"""The test double that users get: their tasks, the real cores, and a clock that they move."""

import asyncio
import sys
from types import ModuleType

import pytest

from wiretask_worker import Context, MemberFailed, NoRetry, Provided, Retry, handlers, task
from wiretask_worker.testing import Bench, JobFailed, NotEnded


@pytest.fixture(autouse=True)
def tasks(monkeypatch):
    """A module of tasks, as a user has it."""
    monkeypatch.setattr(handlers, "DEFINED", [])
    monkeypatch.setattr("wiretask_worker.testing.bench.DEFINED", handlers.DEFINED)
    module = ModuleType("user_tasks")
    monkeypatch.setitem(sys.modules, "user_tasks", module)
    seen: list[str] = []

    def connect():
        seen.append("connected")
        yield seen
        seen.append("closed")

    @task
    def add(x: int, y: int) -> int:
        return x + y

    @task
    def upper(body: bytes) -> bytes:
        return body.upper()

    @task(max_attempts=3, retry=10)
    def third(context: Context) -> int:
        if context.attempt < 3:
            raise ConnectionError(f"attempt {context.attempt}")
        return context.attempt

    @task(max_attempts=5)
    def patient(context: Context) -> str:
        if context.attempt == 1:
            raise Retry("later", after=3600)
        raise NoRetry("never")

    @task
    async def sleeper(seconds: float, context: Context) -> str:
        context.progress(1, 2)
        await asyncio.sleep(seconds)
        return "awake"

    @task
    def total(numbers: list[int | MemberFailed], unit: str) -> str:
        failed = sum(isinstance(number, MemberFailed) for number in numbers)
        return f"{sum(number for number in numbers if isinstance(number, int))} {unit}, {failed} failed"

    @task
    def double(number: int) -> int:
        return 2 * number

    @task
    def fails() -> None:
        raise ValueError("no")

    @task
    def stored(word: str, database: list = Provided(connect)) -> int:  # noqa: B008 -- as users write it
        database.append(word)
        return len(database)

    for one in handlers.DEFINED:
        one.function.__module__ = "user_tasks"
        setattr(module, one.name, one)
    module.seen = seen
    return module


@pytest.fixture
def bench(tasks):
    with Bench(tasks) as bench:
        yield bench


def test_a_task_runs_to_its_end_before_submit_returns(bench, tasks):
    job = bench.submit(tasks.add, 2, 3)
    assert (job.state, job.result()) == ("succeeded", 5)
    assert bench.submit("add", x=1, y=1).result() == 2
    assert bench.submit(tasks.upper, b"raw").result() == b"RAW"


def test_a_delay_takes_as_long_as_the_clock_is_moved(bench, tasks):
    job = bench.submit(tasks.add, 2, 3, delay=3600)
    bench.advance(3599)
    assert (job.state, job.why) == ("scheduled", "it was asked to start later")
    with pytest.raises(NotEnded, match="it is scheduled: it was asked to start later; advance the bench"):
        job.result()
    bench.advance(1)
    assert job.result() == 5


def test_a_month_passes_in_no_time(bench, tasks):
    job = bench.submit(tasks.add, 2, 3, delay=30 * 86400)
    bench.advance(31 * 86400)
    assert job.result() == 5


def test_attempts_and_their_waits_are_those_of_the_policy(bench, tasks):
    job = bench.submit(tasks.third)
    assert (job.state, len(job.attempts)) == ("scheduled", 1)
    bench.advance(10)
    assert len(job.attempts) == 2
    bench.advance(20)
    assert job.result() == 3
    assert job.attempts == [("failed", "ConnectionError", "attempt 1"), ("failed", "ConnectionError", "attempt 2")]


def test_a_handler_says_when_and_whether_it_is_tried_again(bench, tasks):
    job = bench.submit(tasks.patient)
    bench.advance(3599)
    assert job.state == "scheduled"
    bench.advance(1)
    assert job.state == "dead"
    with pytest.raises(JobFailed, match="NoRetry: never"):
        job.result()


def test_async_handlers_sleep_by_the_clock_of_the_bench(bench, tasks):
    jobs = [bench.submit(tasks.sleeper, seconds) for seconds in (60, 30)]
    assert [job.state for job in jobs] == ["leased", "leased"]
    assert [one.current for one in jobs[0].progress] == [1]
    bench.advance(30)
    assert [job.state for job in jobs] == ["leased", "succeeded"]
    bench.advance(30)
    assert jobs[0].result() == "awake"


def test_a_time_limit_stops_an_async_handler(bench, tasks):
    job = bench.submit(tasks.sleeper, 3600, time_limit=5)
    bench.advance(5)
    with pytest.raises(JobFailed, match="timed_out"):
        job.result()


def test_cancelling_stops_what_waits_and_what_runs(bench, tasks):
    running, waiting = bench.submit(tasks.sleeper, 3600), bench.submit(tasks.add, 1, 2, delay=60)
    for job in (running, waiting):
        job.cancel()
        assert job.state == "cancelled"


def test_dependencies_chains_and_groups_are_the_real_ones(bench, tasks):
    root = bench.submit(tasks.sleeper, 10)
    after = bench.submit(tasks.add, 1, 2, after=[root])
    assert after.state == "waiting"
    bench.advance(10)
    assert after.result() == 3
    assert bench.chain((tasks.double, 5), (tasks.double,), (tasks.double,)).result() == 40
    assert bench.group([(tasks.double, n) for n in range(4)], callback=(tasks.total, "x")).result() == "12 x, 0 failed"


def test_a_failed_member_is_seen_by_a_callback_that_runs_anyway(bench, tasks):
    job = bench.group([(tasks.double, 1), (tasks.fails,)], callback=(tasks.total, "x"), on_dependency_failure="run")
    assert job.result() == "2 x, 1 failed"
    cancelled = bench.group([(tasks.fails,)], callback=(tasks.total, "x"))
    assert cancelled.state == "cancelled"


def test_limits_hold(bench, tasks):
    jobs = [bench.submit(tasks.sleeper, 10, concurrency=("db", 1)) for _ in range(3)]
    assert [job.state for job in jobs] == ["leased", "ready", "ready"]
    assert "the concurrency key db allows 1 at a time" in jobs[1].why
    bench.advance(20)
    assert [job.state for job in jobs] == ["succeeded", "succeeded", "leased"]


def test_what_nobody_can_run_says_why(bench, tasks):
    assert bench.submit("unknown").why.startswith("no connected worker knows the type unknown")
    assert bench.submit(tasks.add, 1, 2, requires=["gpu"]).why.startswith("no worker for it has the labels gpu")


@pytest.mark.parametrize(
    ("options", "words"), [({"unique": "k"}, "unique key"), ({"priority": 99}, "priority"), ({"delay": -1}, "delay")]
)
def test_what_is_refused_is_an_error(bench, tasks, options, words):
    if "unique" in options:
        bench.submit(tasks.add, 1, 2, delay=60, **options)
    with pytest.raises(Exception, match=words):
        bench.submit(tasks.add, 1, 2, **options)


def test_resources_are_made_and_let_go(tasks):
    with Bench(tasks) as bench:
        assert bench.submit(tasks.stored, "a").result() == 2
        assert bench.submit(tasks.stored, "b").result() == 3
    assert tasks.seen == ["connected", "a", "b", "closed"]


def test_labels_and_resources_are_those_of_the_worker(tasks):
    with Bench(tasks, labels=["gpu"], resources={"memory": 10}) as bench:
        assert bench.submit(tasks.add, 1, 2, requires=["gpu"], resources={"memory": 10}).result() == 3
        assert bench.submit(tasks.add, 1, 2, resources={"memory": 11}).state == "ready"
