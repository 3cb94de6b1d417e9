"""Nothing accepted is lost: 50 000 tasks while the scheduler is killed three times and a worker twice.

The history is kept by the test alone; what the scheduler says it has at the end is compared with it, over HTTP, by code
that shares nothing with the scheduler.
"""

import asyncio
import hashlib
import json
import sys
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

from wiretask_client import Client

sys.path.insert(0, str(Path(__file__).parents[1] / "system"))

from parts import Part, start_scheduler, start_worker

TASKS = 50_000
#: Results after which something is killed: the scheduler (0), or the first of both workers (1).
KILLS = {6_000: 0, 12_000: 1, 20_000: 0, 28_000: 1, 36_000: 0}


class Cluster:
    """One scheduler and two workers that come back after they were killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scheduler, self.address = self._scheduler(0)
        self.workers = [start_worker(folder, self.address) for _ in range(2)]
        self.kills: Counter[str] = Counter()

    def _scheduler(self, port: int) -> tuple[Part, str]:
        scheduler, address = start_scheduler(self.folder, port=port, extra=("--http", "off"))
        return scheduler, address

    def kill_scheduler(self) -> None:
        """SIGKILL, and a new one on the same port and the same file."""
        self.scheduler.kill()
        self.kills["scheduler"] += 1
        self.scheduler, _ = self._scheduler(int(self.address.rpartition(":")[2]))

    def kill_worker(self) -> None:
        """SIGKILL of the first worker, and a new one."""
        self.workers[0].kill()
        self.kills["worker"] += 1
        self.workers[0] = start_worker(self.folder, self.address)

    def stop(self) -> None:
        for part in (*self.workers, self.scheduler):
            part.kill()


@pytest.fixture
def cluster(tmp_path):
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.stop()


def digest(number: int) -> bytes:
    return hashlib.sha256(b"body %d" % number).hexdigest().encode()


async def submit_all(cluster: Cluster) -> tuple[dict[str, int], Counter[str], list[int]]:
    """Submits everything while parts are killed. Returns the ids, how often each had a result, and the wrong ones."""
    ids: dict[str, int] = {}
    results: Counter[str] = Counter()
    wrong: list[int] = []
    window = asyncio.Semaphore(4_000)
    loop = asyncio.get_running_loop()
    kills = dict(KILLS)
    killing = asyncio.Lock()

    async def one(client: Client, number: int) -> None:
        try:
            handle = client.submit("sha256", b"body %d" % number)
            await handle.accepted()
            ids[handle.id] = number
            body = await handle.result()
            results[handle.id] += 1
            if body != digest(number):
                wrong.append(number)
        finally:
            window.release()
        async with killing:
            due = [at for at in kills if at <= sum(results.values())]
            for at in due:
                kill = cluster.kill_scheduler if kills.pop(at) == 0 else cluster.kill_worker
                await loop.run_in_executor(None, kill)

    async with Client(cluster.address, timeout=60) as client, asyncio.TaskGroup() as group:
        for number in range(TASKS):
            await window.acquire()
            group.create_task(one(client, number))
    assert not kills
    return ids, results, wrong


def tasks_of(cluster: Cluster) -> list[dict]:
    """Everything that the scheduler has, page by page, from a scheduler that is started only to be asked."""
    cluster.scheduler.terminate()
    part = Part(
        "scheduler",
        "--listen",
        "127.0.0.1:0",
        "--http",
        "127.0.0.1:0",
        "--store",
        f"sqlite:{cluster.folder / 'tasks.db'}",
        log=cluster.folder / "scheduler.log",
    )
    try:
        part.ready()
        base = http_address(cluster.folder / "scheduler.log")
        found: list[dict] = []
        before = ""
        while True:
            with urllib.request.urlopen(f"{base}/api/tasks?limit=1000{before}") as answer:
                page = json.load(answer)
            found += page["tasks"]
            if page["next"] is None:
                return found
            before = f"&before={page['next']}"
    finally:
        part.kill()


def http_address(log: Path) -> str:
    """Where the last scheduler of a log serves HTTP."""
    lines = [line for line in log.read_text().splitlines() if "http://" in line]
    return "http://" + lines[-1].rpartition("http://")[2].strip()


@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_every_accepted_task_ends_exactly_once_whatever_is_killed(cluster):
    ids, results, wrong = asyncio.run(submit_all(cluster))

    assert cluster.kills == {"scheduler": 3, "worker": 2}
    assert len(ids) == TASKS
    assert wrong == []
    assert set(results) == set(ids)
    assert set(results.values()) == {1}

    stored = tasks_of(cluster)
    states = {task["id"].replace("-", ""): task["state"] for task in stored}
    assert len(stored) == len(states) == TASKS
    assert set(states) == {task_id.replace("-", "") for task_id in ids}
    assert set(states.values()) == {"succeeded"}
