"""A network that breaks between real parts: everything ends once, with its result, whoever has heard of what."""

import asyncio
import hashlib
import sys
from pathlib import Path

import pytest

from wiretask_client import Client

sys.path.insert(0, str(Path(__file__).parent))

from broken_network import network  # type: ignore[import-not-found] # it lies beside
from place import scaled  # type: ignore[import-not-found]
from raw_peer import run  # type: ignore[import-not-found]

pytestmark = [pytest.mark.processes, pytest.mark.slow]


def digest(number):
    return hashlib.sha256(b"body %d" % number).hexdigest().encode()


class Crossing:
    """Tasks on their way from a client through the scheduler to a worker and back, both behind networks that break."""

    def __init__(self, client, tasks):
        self.client = client
        self.tasks = tasks
        self.done = 0
        self._window = asyncio.Semaphore(200)

    async def one(self, number):
        async with self._window:
            body = await self.client.submit("sha256", b"body %d" % number).result()
        assert body == digest(number)
        self.done += 1

    async def all(self):
        async with asyncio.TaskGroup() as group:
            for number in range(self.tasks):
                group.create_task(self.one(number))

    async def reach(self, done):
        """Waits until so many have come back."""
        while self.done < done:  # noqa: ASYNC110 -- the tasks are many, and tell nobody
            await asyncio.sleep(0.005)


def crossing(place, tasks, mischief):
    """Runs `mischief(crossing, clients, workers)` beside the crossing; all must come back, each task once."""
    place.settings |= {"heartbeat_seconds": 0.3, "resume_window_seconds": 0.5}

    async def story():
        place.start()
        async with network(place.port) as clients, network(place.port) as workers:
            for _ in range(2):
                await asyncio.to_thread(place.worker, address=workers.address)
            async with Client(clients.address, timeout=60) as client:
                cross = Crossing(client, tasks)
                async with asyncio.timeout(100), asyncio.TaskGroup() as group:
                    group.create_task(cross.all())
                    group.create_task(mischief(cross, clients, workers))
        states = [task["state"] for task in await asyncio.to_thread(place.tasks)]
        assert states == ["succeeded"] * tasks
        assert "a bug" not in place.log

    run(story())


@pytest.mark.parametrize("hears", ["both", "scheduler", "peer"])
@pytest.mark.parametrize("whose", ["clients", "workers"])
def test_connections_that_break_lose_nothing_whoever_hears_of_it(place, whose, hears):
    """Half of them are half open afterwards: one end goes on as if nothing were, until its silence tells."""
    times = scaled(1, 20)

    async def mischief(cross, clients, workers):
        for number in range(times):
            await cross.reach(200 + 300 * number)
            assert (clients if whose == "clients" else workers).cut(hears) > 0

    crossing(place, 400 + 300 * times, mischief)


@pytest.mark.parametrize("whose", ["clients", "workers"])
def test_a_network_that_holds_everything_for_a_while_is_lived_through(place, whose):
    """Longer than the silence that ends a connection: what is held comes through when nobody waits for it any more."""

    async def mischief(cross, clients, workers):
        broken = clients if whose == "clients" else workers
        for number in range(scaled(1, 6)):
            await cross.reach(200 + 300 * number)
            broken.hold()
            await asyncio.sleep(1.5)
            broken.heal()

    crossing(place, scaled(800, 2600), mischief)


def test_a_slow_network_that_dribbles_brings_everything(place):
    async def mischief(cross, clients, workers):
        for broken in (clients, workers):
            broken.delay_seconds = 0.02
            broken.piece = 7
        await cross.reach(scaled(300, 2000))

    crossing(place, scaled(300, 2000), mischief)
