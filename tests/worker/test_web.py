"""What Prometheus and probes get of a worker, over HTTP."""

import asyncio
import http.client
import json
import socket

import pytest
from prometheus_client.parser import text_string_to_metric_families

from wiretask_protocol.messages import Outcome, Result, Subscribe
from wiretask_worker import web as webs
from wiretask_worker.config import Config
from wiretask_worker.counts import BOUNDS, Counts, Histogram
from wiretask_worker.errors import ConfigError
from wiretask_worker.handlers import Catalog, Handler
from wiretask_worker.reports import failed, succeeded
from wiretask_worker.runtime import Runtime
from wiretask_worker.settings import Configured
from wiretask_worker.web import Web

PATIENCE_SECONDS = 20


def echo(body: bytes):
    return body


async def broken():
    raise KeyError("no")


def handlers():
    return Catalog([Handler(function, name=function.__name__) for function in (echo, broken)])


class Place:
    """A worker with HTTP, in this event loop."""

    def __init__(self, config):
        loop = asyncio.get_running_loop()
        self.ready = asyncio.Event()
        self.runtime = Runtime(config, handlers(), loop, self.ready.set)
        self.now = 100.0
        self.web = Web(self.runtime, "127.0.0.1", 0, lambda: self.now)

    async def get(self, path):
        """(status, body)."""

        def ask():
            connection = http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=PATIENCE_SECONDS)
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

        return await asyncio.to_thread(ask)

    async def metrics(self):
        """Values by name and labels."""
        _, text = await self.get("/metrics")
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return {(sample.name, *sorted(sample.labels.values())): sample.value for sample in samples}


@pytest.fixture
def placed(fake_scheduler):
    """Runs a scenario with a scheduler and a worker."""

    def run(scenario, **options):
        async def main():
            async with fake_scheduler() as scheduler, asyncio.timeout(PATIENCE_SECONDS):
                place = Place(Config(port=scheduler.port, name="me", concurrency=2, **options))
                place.early = await place.get("/readyz")
                running = asyncio.create_task(place.runtime.run())
                try:
                    await scenario(scheduler, place)
                finally:
                    place.runtime.stop()
                    await running
                    place.web.close()

        asyncio.run(main())

    return run


@pytest.mark.parametrize("executor", ["inline", "thread"])
def test_metrics_say_how_attempts_ended_and_how_long_they_took(placed, words, executor):
    async def scenario(scheduler, place):
        peer = await scheduler.peer()
        await peer.get(Subscribe)
        peer.send(*(words.assign(number, kind="echo", body=b"x") for number in (1, 2)), words.assign(3, kind="broken"))
        outcomes = sorted([(await peer.get(Result)).outcome for _ in range(3)])
        assert outcomes == [Outcome.SUCCEEDED, Outcome.SUCCEEDED, Outcome.FAILED]
        found = await place.metrics()
        assert found["wiretask_worker_attempts_total", "echo", "succeeded"] == 2
        assert found["wiretask_worker_attempts_total", "broken", "failed"] == 1
        assert found["wiretask_worker_run_seconds_count", "echo"] == 2
        assert found["wiretask_worker_run_seconds_bucket", "+Inf", "broken"] == 1
        assert found["wiretask_worker_run_seconds_bucket", "3600.0", "echo"] == 2
        assert (found[("wiretask_worker_slots",)], found[("wiretask_worker_running",)]) == (2, 0)
        assert (found[("wiretask_worker_serving",)], found[("wiretask_worker_undelivered_results",)]) == (1, 3)
        assert found[("wiretask_worker_connections_total",)] == 1
        assert found[("wiretask_worker_credit",)] > 2
        assert found[("process_resident_memory_bytes",)] > 0

    placed(scenario, executor=executor)


def test_a_worker_is_ready_while_it_takes_tasks(placed):
    async def scenario(scheduler, place):
        status, said = place.early
        assert (status, json.loads(said)["state"]) == (503, "connecting")
        peer = await scheduler.peer()
        await peer.get(Subscribe)
        await place.ready.wait()
        status, said = await place.get("/readyz")
        assert (status, json.loads(said)["state"], json.loads(said)["name"]) == (200, "serving", "me")
        place.runtime.drain()
        assert (await place.get("/readyz"))[0] == 503

    placed(scenario)


def test_a_worker_whose_loop_stands_still_is_not_well(placed):
    async def scenario(scheduler, place):
        place.web.beat()
        assert (await place.get("/healthz"))[0] == 200
        place.now += webs.STUCK_SECONDS
        status, said = await place.get("/healthz")
        assert (status, json.loads(said)) == (503, {"ok": False, "silent_seconds": 60.0})
        place.web.beat()
        assert (await place.get("/healthz"))[0] == 200
        assert (await place.metrics())["wiretask_worker_loop_lag_seconds_sum",] == 59.5

    placed(scenario)


def test_nothing_else_is_there_and_nobody_else_is_heard(placed):
    async def scenario(scheduler, place):
        assert (await place.get("/"))[0] == 404
        with socket.create_connection(("127.0.0.1", place.web.port)) as rude:
            rude.sendall(b"\x00\xff\r\n\r\n")
            assert (await place.get("/healthz"))[0] == 200

    placed(scenario)


def test_those_who_come_when_many_are_here_already_are_let_go(placed):
    async def scenario(scheduler, place):
        address = "127.0.0.1", place.web.port
        silent = [socket.create_connection(address) for _ in range(webs._REQUESTS)]
        late = socket.create_connection(address)
        late.settimeout(PATIENCE_SECONDS)
        assert await asyncio.to_thread(late.recv, 1) == b""
        for one in (*silent, late):
            one.close()

    placed(scenario)


def test_an_address_that_is_taken_is_one_line(placed):
    async def scenario(scheduler, place):
        with pytest.raises(
            ConfigError, match=r"^--http 127.0.0.1:\d+: Address already in use; choose another address$"
        ):
            Web(place.runtime, "127.0.0.1", place.web.port)

    placed(scenario)


@pytest.mark.parametrize("where", ["0.0.0.0:0", "worker.example:1", "[::]:1", "127.example:1"])
def test_other_machines_get_nothing_unless_that_is_said(where):
    with pytest.raises(
        ConfigError, match=r"can be reached from other machines; serve it on 127\.0\.0\.1, or say --insecure"
    ):
        Configured(None, {"http": where})
    assert Configured(None, {"http": where, "insecure": True}).config.http is not None


@pytest.mark.parametrize("where", ["127.0.0.1:0", "localhost:1", "[::1]:1", ":1"])
def test_this_machine_may_look(where):
    assert Configured(None, {"http": where}).config.http is not None
    assert Configured(None, {}).config.http is None


@pytest.mark.parametrize("where", ["on", "x", "host:", "host:65536", "host:-1"])
def test_what_is_no_address_is_refused(where):
    with pytest.raises(ConfigError, match=r"--http: .* is not an address"):
        Configured(None, {"http": where})


# -- the numbers


def test_a_histogram_counts_what_is_at_a_bound_below_it():
    histogram = Histogram((1.0, 2.0))
    for seconds in (0.0, 1.0, 1.5, 2.0, 9.0):
        histogram.add(seconds)
    assert (histogram.counts, histogram.sum) == ([2, 2, 1], 13.5)


def test_attempts_that_run_together_count_as_the_mean_of_them(words):
    counts = Counts()
    ended = [(Assigned("a"), succeeded(b""))] * 3 + [(Assigned("b"), failed(ValueError()))]
    counts.end_together(ended, 4.0)
    assert counts.ended == {("a", Outcome.SUCCEEDED): 3, ("b", Outcome.FAILED): 1}
    assert (counts.seconds["a"].sum, counts.seconds["b"].sum) == (3.0, 1.0)
    assert len(counts.seconds["a"].counts) == len(BOUNDS) + 1
    counts.end_together([], 1.0)


def test_an_attempt_that_never_began_took_no_time():
    counts = Counts()
    begun, never = Assigned("a"), Assigned("a")
    counts.begin([begun], 10.0)
    counts.end([(begun, succeeded(b"")), (never, succeeded(b""))], 12.5)
    assert counts.seconds["a"].sum == 2.5
    assert counts._began == {}


class Assigned:
    """As much of an assignment as is counted."""

    def __init__(self, kind):
        self.envelope = self
        self.type = kind
