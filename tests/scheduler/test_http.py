"""The HTTP side over real sockets, beside a scheduler in this process."""

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from wiretask_protocol.codec import encode_report
from wiretask_protocol.messages import Accepted, Hello, HelloKind, Outcome, Report, Result, Role, VersionRange
from wiretask_scheduler.core.queues import Mode
from wiretask_scheduler.flow import now
from wiretask_scheduler.http import serve

sys.path.insert(0, str(Path(__file__).parent))

from scheduler_place import serving, submit, task_id, work  # type: ignore[import-not-found] # it lies beside


@asynccontextmanager
async def watched(**arguments):
    """A scheduler, and how to ask it: `ask(path)` gives the status and the text."""
    async with serving(**arguments) as place:
        site = await serve(place.flow, "127.0.0.1", 0)
        host, port = site.address

        async def ask(path, method="GET"):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            writer.close()
            return int(head.split()[1]), body.decode()

        try:
            yield place, ask
        finally:
            await site.close()


async def tasks(ask, query=""):
    status, body = await ask(f"/api/tasks{query}")
    assert status == 200
    answer = json.loads(body)
    return [(int.from_bytes(bytes.fromhex(task["id"])[:14], "big"), task["state"]) for task in answer["tasks"]], answer[
        "next"
    ]


def test_health_and_readiness(run):
    async def story():
        async with watched() as (place, ask):
            assert await ask("/healthz") == (200, "ok\n")
            assert await ask("/readyz") == (200, "ready\n")
            place.flow.broker.set_store_full(full=True)
            assert (await ask("/readyz"))[0] == 503
            assert (await ask("/healthz"))[0] == 200

    run(story())


def test_tasks_are_listed_with_the_state_that_they_have_now(run):
    async def story():
        async with watched() as (place, ask):
            client = await place.join()
            await client.send(submit(1), submit(2), submit(3, delay=60_000))
            assert await client.get() == Accepted(3)
            assert await tasks(ask) == ([(3, "scheduled"), (2, "ready"), (1, "ready")], None)
            worker = await place.worker(slots=1)
            await worker.get()
            assert await tasks(ask, "?state=leased") == ([(1, "leased")], None)
            assert await tasks(ask, "?state=ready") == ([(2, "ready")], None)
            assert await tasks(ask, "?state=succeeded") == ([], None)

    run(story())


def test_an_ended_task_shows_how_it_ended(run):
    async def story():
        async with watched() as (place, ask):
            worker, client = await place.worker(), await place.join()
            await client.send(submit(1), submit(2))
            await work(worker)
            task = await worker.get()
            while isinstance(task, Accepted):
                task = await worker.get()
            report = encode_report(Report(0, b"", error_type="ValueError", error_message="no\nway"))
            await worker.send(Result(2, task.task_id, task.lease, Outcome.FAILED, report))
            results = 0
            while results < 2:
                results += isinstance(await client.get(), Result)
            assert await tasks(ask, "?state=succeeded") == ([(1, "succeeded")], None)
            _, body = await ask("/api/tasks?state=dead")
            (dead,) = json.loads(body)["tasks"]
            assert (dead["error_type"], dead["error_message"], dead["attempt"]) == ("ValueError", "no\nway", 1)
            assert (dead["type"], dead["queue"]) == ("add", "default")
            assert dead["ended_ms"] >= dead["submitted_ms"]

    run(story())


def test_pages_go_on_where_they_ended(run):
    async def story():
        async with watched() as (place, ask):
            client = await place.join()
            await client.send(*(submit(seq) for seq in range(1, 8)))
            while (await client.get()).seq < 7:
                pass
            seen, next_ = [], ""
            while True:
                page, after = await tasks(ask, f"?limit=3{next_}")
                seen += [number for number, _ in page]
                if after is None:
                    break
                next_ = f"&before={after}"
            assert seen == [7, 6, 5, 4, 3, 2, 1]

    run(story())


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=x",
        "limit=1001",
        "before=0",
        "before=99999999999999999999",
        "state=asleep",
        "limit=%C2%B2",
    ],
)
def test_a_query_that_cannot_be_answered_says_what_can(run, query):
    async def story():
        async with watched() as (_, ask):
            status, body = await ask(f"/api/tasks?{query}")
            assert status == 400
            assert "state is one of waiting, scheduled, ready" in json.loads(body)["error"]

    run(story())


def test_workers_are_listed(run):
    async def story():
        async with watched() as (place, ask):
            worker = await place.worker(slots=7, name="host:1", agent="tests/1")
            client = await place.join()
            await client.send(submit(1))
            await worker.get()
            _, body = await ask("/api/workers")
            (listed,) = json.loads(body)["workers"]
            assert listed.pop("connected_seconds") >= 0
            assert listed.pop("heard_ms") >= 0
            (running,) = listed.pop("tasks")
            assert running.pop("age_ms") >= 0
            assert running == {
                "id": task_id(1).hex(),
                "type": "add",
                "queue": "default",
                "attempt": 1,
                "begun": False,
                "time_limit_ms": None,
            }
            assert listed == {
                "peer": 1,
                "name": "host:1",
                "connected": True,
                "address": "127.0.0.1",
                "agent": "tests/1",
                "version": 1,
                "queues": {"default": 1},
                "types": ["add"],
                "labels": [],
                "resources": {},
                "slots": 7,
                "concurrency": 7,
                "outstanding": 1,
                "running": 0,
                "draining": False,
                "done": 0,
                "round_trip_ms": None,
                "stuck": None,
            }

    run(story())


def test_metrics_can_be_scraped_and_count(run):
    async def story():
        async with watched() as (place, ask):
            worker, client = await place.worker(), await place.join()
            await client.send(submit(1), submit(2))
            await work(worker)
            results = 0
            while not results:
                results += isinstance(await client.get(), Result)
            _, body = await ask("/metrics")
            figures = {
                sample.name: sample.value
                for family in text_string_to_metric_families(body)
                for sample in family.samples
            }
            assert figures["wiretask_tasks_submitted_total"] == 2
            assert figures["wiretask_tasks_succeeded_total"] == 1
            assert (figures["wiretask_workers"], figures["wiretask_clients"], figures["wiretask_connections"]) == (
                1,
                1,
                2,
            )
            assert figures["wiretask_tasks"] == 1
            assert figures["wiretask_commits_total"] >= 2

    run(story())


def test_metrics_say_how_deep_queues_are_and_how_long_things_take(run):
    async def story():
        async with watched() as (place, ask):
            worker, client = await place.worker(slots=1), await place.join()
            await client.send(submit(1), submit(2), submit(3, delay=60_000))
            await work(worker)
            results = 0
            while not results:
                results += isinstance(await client.get(), Result)
            _, body = await ask("/metrics")
            figures = {
                (sample.name, *sample.labels.values()): sample.value
                for family in text_string_to_metric_families(body)
                for sample in family.samples
            }
            depth = {labels[2]: value for labels, value in figures.items() if labels[0] == "wiretask_queue_tasks"}
            assert depth["scheduled"] == 1
            assert depth["ready"] + depth["leased"] == 1
            assert figures["wiretask_wait_seconds_count", "default"] >= 1
            assert figures["wiretask_run_seconds_count", "default"] == 1
            assert figures["wiretask_total_seconds_count", "default"] == 1
            assert figures["wiretask_attempts_total", "succeeded"] == 1
            assert figures["wiretask_received_bytes_total",] > 0
            assert figures["wiretask_sent_bytes_total",] > 0
            commits = figures["wiretask_commits_total",]
            assert figures["wiretask_commit_seconds_count",] == commits
            assert figures["wiretask_commit_rows_count",] == commits
            assert ("wiretask_loop_lag_seconds_count",) in figures

    run(story())


def test_metrics_say_how_long_the_oldest_ready_task_waits_and_which_queues_are_paused(run):
    async def story():
        async with watched() as (place, ask):
            client = await place.join()
            await client.send(submit(1))
            await client.get()
            place.flow.broker.set_mode("default", Mode.PAUSED, now())
            _, body = await ask("/metrics")
            assert 'wiretask_queue_oldest_ready_seconds{queue="default"} 0.' in body
            assert 'wiretask_queue_mode{mode="paused",queue="default"} 1.0' in body

    run(story())


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/nothing", "GET", 404), ("/metrics", "POST", 405), ("/api/../x", "GET", 404), ("/http.py", "GET", 404)],
)
def test_what_is_not_there_is_said_to_be(run, path, method, status):
    async def story():
        async with watched() as (_, ask):
            said, body = await ask(path, method)
            assert said == status
            assert list(json.loads(body)) == ["error"]

    run(story())


def test_an_answer_waits_until_what_it_reveals_is_durable(run):
    async def story():
        async with watched() as (place, ask):
            held = []
            committer = place.flow.committer
            put, committer.put = committer.put, lambda turn, octets: held.append((turn, octets))
            client = await place.raw()
            await client.send(Hello(HelloKind.OPEN, 7, versions=VersionRange(1, 1), role=Role.CLIENT))
            while not held:  # noqa: ASYNC110 -- the committer tells nobody
                await asyncio.sleep(0)
            asking = asyncio.create_task(ask("/api/workers"))
            settled = asyncio.create_task(place.flow.settled())
            for _ in range(50):
                await asyncio.sleep(0.001)
            assert not asking.done()
            assert not settled.done()
            committer.put = put
            for turn, octets in held:
                put(turn, octets)
            assert (await asking)[0] == 200
            await settled

    run(story())
