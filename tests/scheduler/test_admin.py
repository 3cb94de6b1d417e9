"""What operators do over HTTP, beside a scheduler in this process."""

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from wiretask_protocol.codec import encode_report
from wiretask_protocol.messages import Accepted, Error, Outcome, Report, Result, Schedule, ScheduleAction
from wiretask_scheduler.http import serve
from wiretask_scheduler.store.sqlite import SqliteStore

sys.path.insert(0, str(Path(__file__).parent))

from scheduler_place import envelope, serving, submit, task_id  # type: ignore[import-not-found] # it lies beside


@asynccontextmanager
async def operated(**arguments):
    """A scheduler, and how to operate it: `ask(method, path, body)` gives the status and what was said."""
    async with serving(**arguments) as place:
        site = await serve(place.flow, "127.0.0.1", 0)
        host, port = site.address

        async def ask(method, path, body=None):
            reader, writer = await asyncio.open_connection(host, port)
            octets = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
            head = (
                f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nWiretask-Request: 1\r\n"
                f"Content-Length: {len(octets)}\r\n\r\n"
            )
            writer.write(head.encode() + octets)
            answer, _, said = (await reader.read()).partition(b"\r\n\r\n")
            writer.close()
            return int(answer.split()[1]), json.loads(said)

        try:
            yield place, ask
        finally:
            await site.close()


async def kill(place, *numbers, error="ValueError"):
    """Tasks of these numbers fail for good. Returns the client and the worker."""
    client, worker = await place.join(), await place.worker()
    await client.send(*(submit(seq, number=number) for seq, number in enumerate(numbers, 1)))
    for seq in range(1, len(numbers) + 1):
        task = await worker.get()
        failed = encode_report(Report(0, b"", error, "no"))
        await worker.send(Result(seq, task.task_id, task.lease, Outcome.FAILED, failed))
    results = 0
    while results < len(numbers):
        results += isinstance(await client.get(), Result)
    return client, worker


async def states(ask, query=""):
    _, said = await ask("GET", f"/api/tasks{query}")
    return [task["state"] for task in said["tasks"]]


def test_a_dead_task_is_shown_with_every_attempt_and_lives_again(run):
    async def story():
        async with operated() as (place, ask):
            _, worker = await kill(place, 1)
            _, said = await ask("GET", "/api/tasks?state=dead")
            (task,) = said["tasks"]
            assert [(one["attempt"], one["outcome"], one["error_type"]) for one in task["attempts"]] == [
                (1, "failed", "ValueError")
            ]
            assert await ask("POST", f"/api/tasks/{task['id']}/retry") == (200, {"retried": 1})
            assert await worker.get() == Accepted(1)
            again = await worker.get()
            assert (again.task_id, again.attempt) == (task_id(1), 1)
            assert await states(ask, "?state=dead") == []

    run(story())


def test_an_id_may_be_written_as_a_uuid(run):
    async def story():
        async with operated() as (place, ask):
            await kill(place, 1)
            digits = task_id(1).hex()
            uuid = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
            assert await ask("DELETE", f"/api/tasks/{uuid}") == (200, {"purged": 1})
            assert await states(ask) == []

    run(story())


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/tasks/zz/retry", 400, "a task id is 32 hexadecimal digits"),
        (f"/api/tasks/{'00' * 16}/retry", 404, "no task has this id"),
        (f"/api/tasks/{task_id(2).hex()}/retry", 409, "it has not ended"),
    ],
)
def test_what_cannot_live_again_is_said_why(run, path, status, said):
    async def story():
        async with operated() as (place, ask):
            client = await place.join()
            await client.send(submit(1, number=2))
            await client.get()
            assert await ask("POST", path) == (status, {"error": said})

    run(story())


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        ({}, 3),
        ({"error": "ValueError"}, 3),
        ({"error": "KeyError"}, 0),
        ({"queue": "default", "type": "add"}, 3),
        ({"queue": "other"}, 0),
        ({"older_ms": 3_600_000}, 0),
        ({"older_ms": 0}, 3),
    ],
)
@pytest.mark.parametrize(("path", "word"), [("/api/dead/retry", "retried"), ("/api/dead/purge", "purged")])
def test_dead_tasks_are_chosen_by_a_filter(run, path, word, chosen, count):
    async def story():
        async with operated() as (place, ask):
            await kill(place, 1, 2, 3)
            assert await ask("POST", path, chosen) == (200, {word: count})
            assert (await states(ask, "?state=dead")).count("dead") == 3 - count

    run(story())


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"queue": 7}', b'{"older_ms": "soon"}', b'{"older_ms": -1}', b"\xff"])
def test_a_filter_that_is_none_changes_nothing(run, body):
    async def story():
        async with operated() as (place, ask):
            await kill(place, 1)
            status, said = await ask("POST", "/api/dead/purge", body)
            assert (status, said["error"][:30]) == (400, 'send a filter such as {"queue"')
            assert await states(ask) == ["dead"]

    run(story())


def test_a_queue_is_paused_resumed_and_closed(run):
    async def story():
        async with operated() as (place, ask):
            client, worker = await place.join(), await place.worker()
            status, said = await ask("POST", "/api/queues/default/pause")
            assert (status, said["mode"]) == (200, "paused")
            await client.send(submit(1))
            await client.get()
            _, said = await ask("GET", "/api/queues")
            (queue,) = said["queues"]
            assert (queue["name"], queue["mode"], queue["live"], queue["ready"]) == ("default", "paused", 1, 1)
            await ask("POST", "/api/queues/default/resume")
            assert (await worker.get()).task_id == task_id(1)
            assert (await ask("POST", "/api/queues/default/drain"))[1]["mode"] == "closed"
            await client.send(submit(2))
            assert isinstance(await client.get(), Error)

    run(story())


def test_a_name_that_no_queue_can_have_is_refused(run):
    async def story():
        async with operated() as (_, ask):
            assert (await ask("POST", f"/api/queues/{'q' * 129}/pause"))[0] == 400

    run(story())


def test_a_task_is_cancelled_with_all_that_wait_for_it(run):
    async def story():
        async with operated() as (place, ask):
            client = await place.join()
            await client.send(submit(1), submit(2, after=(task_id(1),)))
            await client.get()
            assert await ask("POST", f"/api/tasks/{task_id(1).hex()}/cancel?tree=1") == (200, {"cancelled": 1})
            assert await states(ask) == ["cancelled", "cancelled"]
            assert await ask("POST", f"/api/tasks/{task_id(1).hex()}/cancel") == (200, {"cancelled": 0})

    run(story())


def test_recurring_tasks_are_listed(run):
    async def story():
        async with operated() as (place, ask):
            client = await place.join()
            await client.send(Schedule(1, "nightly", ScheduleAction.PUT, 5, every=60_000, envelope=envelope()))
            await client.get()
            _, said = await ask("GET", "/api/schedules")
            (schedule,) = said["schedules"]
            assert (schedule["name"], schedule["every_ms"], schedule["zone"]) == ("nightly", 60_000, "UTC")
            assert (schedule["overlap"], schedule["catch_up"], schedule["last_ms"]) == ("skip", "skip", None)

    run(story())


def test_what_was_answered_is_durable(run, tmp_path):
    async def story():
        store = SqliteStore(tmp_path / "tasks.db")
        async with operated(store=store) as (place, ask):
            await kill(place, 1, 2)
            assert await ask("POST", f"/api/tasks/{task_id(1).hex()}/retry") == (200, {"retried": 1})
            assert [task.seq for task in store.list_tasks(before=None, state=None, most=9).tasks] == [3, 2]

    run(story())
