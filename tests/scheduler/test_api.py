"""The API over real sockets: its document, search, stories, live events, and who may not ask."""

import asyncio
import json
import sys
import threading
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from wiretask_protocol.messages import Accepted, Credit, Hello, HelloKind, Query, Schedule, ScheduleAction, Status
from wiretask_scheduler.core import Settings
from wiretask_scheduler.http import census, endpoints, gate, listing, overview
from wiretask_scheduler.store.sqlite import SqliteStore

sys.path.insert(0, str(Path(__file__).parent))

from http_place import asked, fail, results  # type: ignore[import-not-found] # it lies beside
from scheduler_place import envelope, submit, task_id, work  # type: ignore[import-not-found]

# -- the document --


def strict(schema):
    """The same schema, but nothing may be said that is not in it."""
    if isinstance(schema, dict):
        closed = {"additionalProperties": False} if "properties" in schema else {}
        return {name: strict(value) for name, value in schema.items()} | closed
    return [strict(each) for each in schema] if isinstance(schema, list) else schema


def check(document, path, method, status, answer):
    """Whether the document says that this is answered."""
    said = document["paths"][path][method.lower()]["responses"][str(status)]["content"]["application/json"]["schema"]
    schema = strict({**said, "components": document["components"]})
    Draft202012Validator(schema).validate(answer)


async def a_little_of_everything(place):
    """Tasks in every state, a queue that is paused, a schedule, and a worker that has something."""
    client, worker = await place.join(), await place.worker(slots=1, name="host:1", agent="tests/1")
    await client.send(*(submit(number) for number in (1, 2, 3)))
    await fail(worker, 1)
    await fail(worker, 2, "KeyError", no_retry=True)
    await results(client, 2)
    held = await worker.get()
    while not hasattr(held, "lease"):
        held = await worker.get()
    every = {"every": 60_000, "envelope": envelope()}
    await client.send(
        submit(4, delay=60_000), submit(5, after=(task_id(4),)), submit(6), submit(7, note="a note", expires_in=90_000)
    )
    await client.send(Schedule(8, "nightly", ScheduleAction.PUT, 5, **every))
    while await client.get() != Accepted(8):
        pass
    return client, worker


def test_every_endpoint_answers_what_the_document_says(run):
    async def story():
        async with asked() as (place, web):
            document = await web.get("/api/openapi.json")
            await a_little_of_everything(place)
            ids = [task_id(number).hex() for number in range(1, 8)]
            asks = [
                ("GET", path.path, path.path, None)
                for path in endpoints.ENDPOINTS
                if "{" not in path.path and path.method == "GET"
            ]
            asks += [("GET", "/api/tasks/{id}", f"/api/tasks/{each}", None) for each in (*ids, "zz", "00" * 16)]
            asks += [
                ("GET", "/api/tasks", f"/api/tasks?state={state}&limit=2", None) for state in (*listing.STATES, "x")
            ]
            asks += [
                ("POST", "/api/queues/{name}/" + word, f"/api/queues/mail/{word}", None)
                for word in ("pause", "drain", "resume")
            ]
            asks += [("POST", "/api/queues/{name}/pause", f"/api/queues/{'q' * 200}/pause", None)]
            asks += [
                ("POST", "/api/tasks/{id}/retry", f"/api/tasks/{each}/retry", None)
                for each in (ids[0], ids[2], "zz", "00" * 16)
            ]
            asks += [
                ("DELETE", "/api/tasks/{id}", f"/api/tasks/{each}", None) for each in (ids[1], ids[2], "zz", "00" * 16)
            ]
            asks += [("POST", "/api/tasks/{id}/cancel", f"/api/tasks/{ids[3]}/cancel?tree=1", None)]
            asks += [
                ("POST", f"/api/dead/{word}", f"/api/dead/{word}", said)
                for word in ("retry", "purge")
                for said in ({}, {"type": 7})
            ]
            asks += [
                ("POST", "/api/session", "/api/session", {"key_id": "ann", "token": "a" * 40}),
                ("POST", "/api/session", "/api/session", b" " * 2000),
                ("DELETE", "/api/session", "/api/session", None),
            ]
            asked_for = set()
            for method, path, at, said in asks:
                answer = await web.ask(method, at, said)
                check(document, path, method, answer.status, answer.json)
                asked_for.add((method, path))
            assert asked_for == {(each.method, each.path) for each in endpoints.ENDPOINTS}

    run(story())


def test_the_document_is_sound():
    document = endpoints.document()
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(operation["summary"] for operation in operations)
    referred = set(_references(document))
    assert referred <= {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


def _references(value):
    if isinstance(value, dict):
        yield from (each for name, each in value.items() if name == "$ref")
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _references(each)


# -- lists --


def numbers(page):
    return [int.from_bytes(bytes.fromhex(task["id"])[:14], "big") for task in page["tasks"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [7, 6, 5, 4, 3, 2, 1]),
        ("state=dead", [2, 1]),
        ("state=dead&error=KeyError", [2]),
        ("state=leased", [3]),
        ("state=leased&type=other", []),
        ("state=waiting", [5]),
        ("state=scheduled", [4]),
        ("state=ready&queue=def*", [7, 6]),
        ("type=add&limit=1", [7]),
        ("type=ad", []),
        ("older_ms=3600000", []),
    ],
)
def test_a_search_finds_what_it_names(run, query, found):
    async def story():
        async with asked() as (place, web):
            await a_little_of_everything(place)
            assert numbers(await web.get(f"/api/tasks?{query}")) == found

    run(story())


def test_a_page_may_be_short_and_says_where_it_goes_on(run, monkeypatch):
    monkeypatch.setattr(listing, "_STORE_PAGES", 2)

    async def story():
        async with asked() as (place, web):
            client = await place.join()
            await client.send(*(submit(number, delay=60_000 if number == 1 else None) for number in range(1, 9)))
            while await client.get() != Accepted(8):
                pass
            seen, pages, next_ = [], 0, ""
            while next_ is not None:
                page = await web.get(f"/api/tasks?state=scheduled&limit=2{next_}")
                seen += numbers(page)
                next_ = None if page["next"] is None else f"&before={page['next']}"
                pages += 1
            assert (seen, pages) == ([1], 2)

    run(story())


def test_what_has_failed_is_grouped_by_its_error(run):
    async def story():
        async with asked() as (place, web):
            client, worker = await place.join(), await place.worker()
            await client.send(*(submit(number) for number in (1, 2, 3)))
            for seq, error in enumerate(("ValueError", "KeyError", "ValueError"), 1):
                await fail(worker, seq, error)
            await results(client, 3)
            said = await web.get("/api/dead")
            groups = [(group["type"], group["error_type"], group["count"], group["sample"]) for group in said["groups"]]
            assert groups == [("add", "ValueError", 2, task_id(3).hex()), ("add", "KeyError", 1, task_id(2).hex())]
            assert (said["counted"], said["complete"]) == (3, True)

    run(story())


def test_peers_do_not_wait_for_who_looks_at_lists(run, tmp_path):
    async def story():
        store = SqliteStore(tmp_path / "tasks.db")
        async with asked(store=store) as (place, web):
            client, worker = await place.join(), await place.worker()
            await client.send(submit(1))
            await work(worker)
            await results(client, 1)
            listing_now, go_on = threading.Event(), threading.Event()
            find = store.list_tasks

            def slowly(**asked_for):
                listing_now.set()
                assert go_on.wait(60)
                return find(**asked_for)

            store.list_tasks = slowly
            looking = asyncio.create_task(web.get("/api/tasks"))
            await asyncio.to_thread(listing_now.wait, 60)
            # A peer asks the store, another one is served, and neither waits.
            await client.send(Query(2, task_id(1)), submit(3, number=2))
            task = await worker.get()
            while not hasattr(task, "lease"):
                task = await worker.get()
            status = await client.get()
            while not isinstance(status, Status):
                status = await client.get()
            assert not looking.done()
            go_on.set()
            assert len((await looking)["tasks"]) == 2

    run(story())


# -- stories --


def test_the_story_of_a_dead_task_has_its_attempts_and_its_traceback(run):
    async def story():
        async with asked(core=Settings(retry_base_seconds=0.0)) as (place, web):
            client, worker = await place.join(), await place.worker(name="host:1")
            await client.send(submit(1, b"the body", max_attempts=2))
            await fail(worker, 1, "TimeoutError", "nobody answers")
            await fail(worker, 2, "ValueError", "no")
            await results(client, 1)
            said = await web.get(f"/api/tasks/{task_id(1).hex()}")
            assert (said["state"], said["outcome"], said["can"]) == ("dead", "failed", ["retry", "purge"])
            assert [
                (moment["what"], moment["attempt"], moment["worker"], moment["text"]) for moment in said["story"]
            ] == [
                ("submitted", None, None, "submitted to the queue default"),
                ("attempt", 1, "host:1", "TimeoutError: nobody answers"),
                ("attempt", 2, "host:1", "ValueError: no"),
                ("dead", 2, None, "given up after attempt 2 (failed)"),
            ]
            assert said["report"]["traceback"] == "Traceback (most recent call last):\nValueError: no"
            assert said["arguments"] == {"encoding": "raw", "octets": 8, "text": "the body", "cut": False}
            assert said["options"] == {"max_attempts": 2}

    run(story())


def test_the_story_of_a_task_that_waits_says_why(run):
    async def story():
        async with asked() as (place, web):
            client = await place.join()
            await client.send(submit(1), submit(2, after=(task_id(1),)), submit(3, delay=60_000, expires_in=90_000))
            while await client.get() != Accepted(3):
                pass
            ready = await web.get(f"/api/tasks/{task_id(1).hex()}")
            assert ready["waits"]["reason"] == "no_worker"
            assert ready["can"] == ["cancel"]
            waiting = await web.get(f"/api/tasks/{task_id(2).hex()}")
            assert (waiting["waits"]["reason"], waiting["after"]) == ("dependency", [task_id(1).hex()])
            later = await web.get(f"/api/tasks/{task_id(3).hex()}")
            assert [moment["what"] for moment in later["story"]] == ["submitted", "due", "expires"]
            assert later["due_ms"] - later["submitted_ms"] == 60_000

    run(story())


def test_a_task_that_ends_while_the_store_is_asked_is_told_as_ended(run):
    async def story():
        async with asked() as (place, web):
            client, worker = await place.join(), await place.worker()
            read = place.flow.lists.read

            async def ends_meanwhile(question):
                place.flow.lists.read = read
                found = await read(question)
                await work(worker)
                await results(client, 1)
                return found

            await client.send(submit(1))
            assert await client.get() == Accepted(1)
            place.flow.lists.read = ends_meanwhile
            said = await web.get(f"/api/tasks/{task_id(1).hex()}")
            assert (said["state"], said["outcome"]) == ("succeeded", "succeeded")

    run(story())


def test_the_story_of_a_task_that_runs_names_its_worker_and_that_of_a_result_shows_it(run):
    async def story():
        async with asked() as (place, web):
            client, worker = await place.join(), await place.worker(name="host:1")
            await client.send(submit(1), submit(2))
            await work(worker, 1, b"\xff\x00")
            await results(client, 1)
            running = await web.get(f"/api/tasks/{task_id(2).hex()}")
            assert (running["state"], running["worker"], running["story"][-1]["what"]) == (
                "leased",
                "host:1",
                "running",
            )
            assert running["started_ms"] >= running["submitted_ms"] - 1
            done = await web.get(f"/api/tasks/{task_id(1).hex()}")
            assert (done["state"], done["can"], done["arguments"]) == ("succeeded", [], None)
            assert done["report"]["result"] == {"encoding": "raw", "octets": 2, "text": None, "cut": False}

    run(story())


def test_a_long_body_is_shown_in_part_and_never_in_the_middle_of_a_letter(run):
    async def story():
        async with asked() as (place, web):
            client = await place.join()
            await client.send(submit(1, ("x" + "ä" * 10_000).encode()))
            await client.get()
            arguments = (await web.get(f"/api/tasks/{task_id(1).hex()}"))["arguments"]
            assert (arguments["octets"], arguments["cut"]) == (20_001, True)
            assert arguments["text"] == "x" + "ä" * 4095

    run(story())


# -- workers --


async def stuck(web):
    (worker,) = (await web.get("/api/workers"))["workers"]
    return worker["stuck"]


def test_a_worker_that_has_room_and_begins_nothing_is_stuck(run, monkeypatch):
    async def story():
        async with asked() as (place, web):
            client, worker = await place.join(), await place.worker(slots=2)
            await client.send(submit(1), submit(2), submit(3))
            first, second = await worker.get(), await worker.get()
            assert await stuck(web) is None
            monkeypatch.setattr(overview, "DEAF_SECONDS", -1.0)
            assert "does not begin what it was sent" in await stuck(web)
            await worker.send(Credit(2, 0, second.lease), Hello(HelloKind.PING, 5))
            while getattr(await worker.get(), "nonce", None) != 5:
                pass
            assert first.lease < second.lease
            assert await stuck(web) is None

    run(story())


def test_a_worker_that_says_nothing_and_one_that_is_away_are_said_to_be(run, monkeypatch):
    async def story():
        async with asked() as (place, web):
            client, worker = await place.join(), await place.worker(name="host:1")
            await client.send(submit(1))
            await worker.get()
            monkeypatch.setattr(overview, "_SILENT_HEARTBEATS", -1)
            assert "it has said nothing for" in await stuck(web)
            worker.close()
            await place.gone(1)
            (listed,) = (await web.get("/api/workers"))["workers"]
            assert (listed["connected"], listed["name"], listed["heard_ms"]) == (False, "host:1", None)
            assert "its connection broke" in listed["stuck"]

    run(story())


# -- counting --


def test_many_tasks_are_counted_in_slices_and_the_count_is_used_again(run, monkeypatch):
    monkeypatch.setattr(census, "AT_ONCE", 2)

    async def story():
        async with asked() as (place, web):
            client = await place.join()
            await client.send(*(submit(number, delay=60_000 if number > 3 else None) for number in range(1, 6)))
            while await client.get() != Accepted(5):
                pass
            asks = [web.get("/api/queues"), web.get("/api/overview"), web.get("/api/queues")]
            queues, overview, again = await asyncio.gather(*asks)
            assert overview["states"] == {"waiting": 0, "scheduled": 2, "ready": 3, "leased": 0}
            assert (queues["queues"][0]["ready"], again["queues"][0]["scheduled"]) == (3, 2)

    run(story())


# -- live events --


async def event(reader):
    """The next event: its name and what it says."""
    name = said = None
    while (line := (await reader.readline()).decode().rstrip("\r\n")) or name is None:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            said = json.loads(line.removeprefix("data: "))
    return name, said


def test_who_watches_hears_of_each_second_and_of_what_fails(run):
    async def story():
        async with asked() as (place, web):
            client, worker = await place.join(), await place.worker()
            reader, writer = await web.connect("GET", "/api/events")
            while not place.flow.broker.state.watched:  # noqa: ASYNC110 -- it has nobody to tell
                await asyncio.sleep(0)
            await client.send(submit(1))
            await fail(worker, 1, "KeyError", "gone")
            heard = []
            while [name for name, _ in heard[-2:]] != ["task", "sample"]:
                heard.append(await event(reader))
            assert heard[-2][1]["what"] == "dead"
            assert (heard[-2][1]["id"], heard[-2][1]["error_type"]) == (task_id(1).hex(), "KeyError")
            Draft202012Validator(
                strict({"$ref": "#/components/schemas/Sample", "components": endpoints.document()["components"]})
            ).validate(heard[-1][1])
            writer.close()
            assert (await web.get("/api/history"))["samples"][-1]["live"] == 0
            while place.flow.broker.state.watched:  # noqa: ASYNC110 -- it is noticed with the next second
                await asyncio.sleep(0.01)

    run(story())


def test_the_end_of_the_scheduler_is_the_end_of_the_events(run):
    async def story():
        async with asked() as (place, web):
            reader, writer = await web.connect("GET", "/api/events")
            while not place.flow.broker.state.watched:  # noqa: ASYNC110 -- it has nobody to tell
                await asyncio.sleep(0)
        assert b"text/event-stream" in await reader.read()
        writer.close()

    run(story())


# -- who may not ask --


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"Wiretask_Request": None}, "send the header Wiretask-Request: 1"),
        ({"Sec_Fetch_Site": "cross-site"}, "another site"),
        ({"Sec_Fetch_Site": "same-site"}, "another site"),
        ({"Origin": "http://evil.example"}, "another site"),
        ({"Origin": "null"}, "another site"),
        ({"Origin": "http://[::1"}, "another site"),
        ({"Host": "evil.example"}, "not called so"),
        ({"Host": "evil.example:9002", "Origin": "http://evil.example:9002"}, "not called so"),
        ({"Host": "[::1"}, "not called so"),
        ({"Host": "127.0.0.1.evil.example"}, "not called so"),
    ],
)
def test_another_site_changes_nothing(run, headers, said):
    async def story():
        async with asked() as (place, web):
            answer = await web.ask("POST", "/api/queues/mail/pause", **headers)
            assert answer.status == 403
            assert said in answer.json["error"]
            assert place.flow.broker.state.queues["mail"].mode == 0

    run(story())


def test_the_page_of_this_scheduler_may_change_something(run):
    async def story():
        async with asked(names=["Tasks.example"]) as (_, web):
            own = {"Origin": f"http://{web.host}:{web.port}", "Sec_Fetch_Site": "same-origin"}
            assert (await web.ask("POST", "/api/queues/mail/pause", **own)).status == 200
            named = {"Host": "tasks.example:9002", "Origin": "http://tasks.example:9002"}
            assert (await web.ask("POST", "/api/queues/mail/resume", **named)).status == 200

    run(story())


def test_a_foreign_name_reads_nothing_but_health_and_metrics(run):
    async def story():
        async with asked() as (_, web):
            for path in ("/api/tasks", "/", "/api/events", "/api/openapi.json"):
                assert (await web.ask("GET", path, Host="scheduler.evil.example")).status == 403
            for path in ("/healthz", "/readyz", "/metrics"):
                assert (await web.ask("GET", path, Host="scheduler:9002")).status == 200

    run(story())


def test_what_answers_lets_no_other_page_have_it(run):
    async def story():
        async with asked() as (_, web):
            for path in ("/", "/api/overview", "/nothing"):
                headers = (await web.ask("GET", path)).headers
                assert "default-src 'self'" in headers["content-security-policy"]
                assert "frame-ancestors 'none'" in headers["content-security-policy"]
                assert headers["x-content-type-options"] == "nosniff"
                assert "access-control-allow-origin" not in headers

    run(story())


def test_too_many_requests_at_a_time_are_put_off(run, monkeypatch):
    monkeypatch.setattr(gate, "REQUESTS_AT_A_TIME", 1)

    async def story():
        async with asked() as (place, web):
            reading, go_on = asyncio.Event(), asyncio.Event()

            async def slow(question):
                reading.set()
                await go_on.wait()
                return question()

            place.flow.lists.read = slow
            first = asyncio.create_task(web.get("/api/tasks"))
            await reading.wait()
            assert (await web.ask("GET", "/api/queues")).status == 503
            go_on.set()
            assert (await first)["tasks"] == []
            assert (await web.ask("GET", "/api/queues")).status == 200

    run(story())


def test_a_bug_is_one_line_and_nothing_of_it_is_told(run, caplog):
    async def story():
        async with asked() as (place, web):

            async def broken(question):
                raise RuntimeError("the secret of the house")

            place.flow.lists.read = broken
            answer = await web.ask("GET", "/api/tasks")
            assert (answer.status, answer.json) == (500, {"error": "a bug of the scheduler; its log says more"})

    run(story())
    assert "the secret of the house" in caplog.text
