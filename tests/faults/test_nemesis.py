"""Everything at once: parts are killed and stopped, networks cut and held, at moments that a seed says; and what all of
them have written down meanwhile is a history that can be.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from broken_network import network  # type: ignore[import-not-found] # it lies beside
from kept_history import History  # type: ignore[import-not-found]
from parts import Part
from place import scaled  # type: ignore[import-not-found]
from raw_peer import run, task_id  # type: ignore[import-not-found]

pytestmark = [pytest.mark.processes, pytest.mark.slow]

#: Which seeds: `WIRETASK_SEED` says where to begin.
FIRST = int(os.environ.get("WIRETASK_SEED", "1"))
SEEDS = range(FIRST, FIRST + scaled(1, 25))
TASKS, FAULTS = scaled(1500, 6000), scaled(12, 60)
CLIENTS, WORKERS = 2, 2
#: After the last fault everything must end within this time.
CALM_SECONDS = 60

NOTED = """
import hashlib, os, time
from wiretask_worker import current, task

RUNS = os.open({runs!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

@task
def noted(body: bytes) -> bytes:
    os.write(RUNS, current().task_id.replace("-", "").encode() + b"\\n")
    # So that all last as long as the faults do.
    time.sleep(0.03)
    return hashlib.sha256(body).hexdigest().encode()
"""


class Nemesis:
    """All parts, and what can happen to them."""

    def __init__(self, place, seed, clients, workers):
        self.place = place
        self.chance = Random(seed)
        self.networks = {"clients": clients, "workers": workers}
        self.workers = [self._worker(number) for number in range(WORKERS)]
        self.clients = [self._client(owner) for owner in range(1, CLIENTS + 1)]
        self.done = Counter()

    # -- the parts --

    def _worker(self, number):
        log = self.place.folder / f"worker-{number}.log"
        arguments = ("--scheduler", self.networks["workers"].address, "--tasks", "noted_tasks", "--concurrency", "8")
        part = Part("worker", *arguments, log=log, env={"PYTHONPATH": str(self.place.folder)})
        self.place.parts.append(part)
        return part

    def _client(self, owner):
        program = str(Path(__file__).with_name("submitter.py"))
        history = str(self.place.folder / f"client-{owner}.history")
        with (self.place.folder / f"client-{owner}.log").open("ab") as log:
            command = [sys.executable, program, self.networks["clients"].address, history, str(owner), str(TASKS)]
            return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def kill_client(self, index):
        client = self.clients[index]
        client.kill()
        client.wait()

    # -- what happens --

    async def strike(self):
        """One fault, from its beginning to its end."""
        faults = {
            "the scheduler dies": self.scheduler_dies,
            "the scheduler stops": self.scheduler_stops,
            "a worker dies": self.worker_dies,
            "a worker stops": self.worker_stops,
            "a client dies": self.client_dies,
            "a client stops": self.client_stops,
            "a network is cut": self.network_is_cut,
            "a network holds": self.network_holds,
            "a network is slow": self.network_is_slow,
        }
        await self.nap(0.3)
        name = self.chance.choice(list(faults))
        self.done[name] += 1
        await faults[name]()

    async def nap(self, most):
        await asyncio.sleep(self.chance.random() * most)

    async def scheduler_dies(self):
        self.place.kill()
        await self.nap(0.5)
        await asyncio.to_thread(self.place.start)

    async def stops(self, process):
        process.send_signal(signal.SIGSTOP)
        # Sometimes for longer than the silence after which a peer is lost.
        await self.nap(1.5)
        process.send_signal(signal.SIGCONT)

    async def scheduler_stops(self):
        await self.stops(self.place.scheduler.process)

    async def worker_dies(self):
        index = self.chance.randrange(WORKERS)
        self.workers[index].kill()
        self.workers[index] = self._worker(index)

    async def worker_stops(self):
        await self.stops(self.chance.choice(self.workers).process)

    async def client_dies(self):
        index = self.chance.randrange(CLIENTS)
        self.kill_client(index)
        self.clients[index] = self._client(index + 1)

    async def client_stops(self):
        await self.stops(self.chance.choice(self.clients))

    async def network_is_cut(self):
        self.networks[self.chance.choice(list(self.networks))].cut(self.chance.choice(["both", "scheduler", "peer"]))

    async def network_holds(self):
        broken = self.networks[self.chance.choice(list(self.networks))]
        broken.hold()
        await self.nap(1.5)
        broken.heal()

    async def network_is_slow(self):
        broken = self.networks[self.chance.choice(list(self.networks))]
        broken.delay_seconds, broken.piece = 0.02 * self.chance.random(), self.chance.choice([0, 1, 7, 100])
        await self.nap(1.0)
        broken.heal()

    # -- the end --

    async def calm(self):
        """No more faults: every client gets what it waits for."""
        for client in self.clients:
            assert await asyncio.to_thread(client.wait, CALM_SECONDS) == 0
        for worker in self.workers:
            worker.kill()

    def stop(self):
        for index in range(CLIENTS):
            self.kill_client(index)


@pytest.mark.timeout(scaled(120, 600))
@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_the_history_is_one_that_can_be(place, seed):
    place.settings |= {"heartbeat_seconds": 0.3, "resume_grace_seconds": 0.5, "resume_window_seconds": 0.3}
    runs = place.folder / "runs"
    (place.folder / "noted_tasks.py").write_text(NOTED.format(runs=str(runs)))
    done, history = Counter(), History()

    async def story():
        await asyncio.to_thread(place.start)
        async with network(place.port) as clients, network(place.port) as workers:
            nemesis = Nemesis(place, seed, clients, workers)
            try:
                for _ in range(FAULTS):
                    await nemesis.strike()
                history.read_worker(runs)
                done["runs before the last fault"] = len(history.runs)
                history.runs.clear()
                await nemesis.calm()
            finally:
                nemesis.stop()
                done.update(nemesis.done)

    run(story())
    for owner in range(1, CLIENTS + 1):
        history.read_client(place.folder / f"client-{owner}.history")
    history.read_worker(runs)
    bodies = {
        task_id(number, owner).hex(): b"%d %d" % (owner, number)
        for owner in range(1, CLIENTS + 1)
        for number in range(1, TASKS + 1)
    }
    print(f"seed {seed}: {dict(done)}; {history.connections} connections, {sum(history.runs.values())} runs")
    assert history.impossible(place.tasks(), bodies)[:10] == []
    assert history.accepted == set(bodies)
    assert "a bug" not in place.log
