"""Clients and workers that write down what they say, hear and run: real processes, and what a test asks of them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from parts import Part
from raw_peer import task_id  # type: ignore[import-not-found] # it lies beside

_SUBMITTER = Path(__file__).with_name("submitter.py")
_PATIENCE_SECONDS = 100.0
_TASKS = """
import hashlib, os, time
from wiretask_worker import current, task

RUNS = os.open({runs!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

@task
def noted(body: bytes) -> bytes:
    os.write(RUNS, current().task_id.replace("-", "").encode() + b"\\n")
    time.sleep(0.005)
    return hashlib.sha256(body).hexdigest().encode()
"""


class Noted:
    """So many clients, each with so many tasks, and workers for them."""

    def __init__(self, place: Any, *, clients: int, tasks: int) -> None:
        self.place = place
        self.clients: list[subprocess.Popen[bytes]] = []
        self.runs = place.folder / "runs"
        self._owners = range(1, clients + 1)
        self._tasks = tasks
        self.bodies = {
            task_id(number, owner).hex(): b"%d %d" % (owner, number)
            for owner in self._owners
            for number in range(1, tasks + 1)
        }

    def start_workers(self, count: int, address: str) -> None:
        (self.place.folder / "noted_tasks.py").write_text(_TASKS.format(runs=str(self.runs)))
        for number in range(count):
            arguments = ("--scheduler", address, "--tasks", "noted_tasks", "--concurrency", "8")
            log = self.place.folder / f"worker-{number}.log"
            part = Part("worker", *arguments, log=log, env={"PYTHONPATH": str(self.place.folder)})
            self.place.parts.append(part)
            part.ready()

    def start_clients(self, address: str) -> None:
        for owner in self._owners:
            command = [sys.executable, str(_SUBMITTER), address, str(self._story(owner)), str(owner), str(self._tasks)]
            with (self.place.folder / f"client-{owner}.log").open("ab") as log:
                self.clients.append(subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True))

    def _story(self, owner: int) -> Path:
        return Path(self.place.folder / f"client-{owner}.history")

    def reach(self, results: int) -> None:
        """Waits until so many results have come, of all clients together."""
        self.until(lambda: self._results() >= results, f"{results} results")

    def _results(self) -> int:
        stories = [story for story in map(self._story, self._owners) if story.exists()]
        return sum(story.read_text().count("result ") for story in stories)

    def until(self, true: Callable[[], bool], what: str) -> None:
        """Waits for something that nobody tells of."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while not true():
            assert time.monotonic() < end, what
            time.sleep(0.02)

    def history(self, history: Any) -> Any:
        """All that has been written down."""
        for owner in self._owners:
            history.read_client(self._story(owner))
        history.read_worker(self.runs)
        return history

    def stop(self) -> None:
        """Ends the clients."""
        for client in self.clients:
            client.kill()
            client.wait()
