"""Peers whose tasks are functions of Python: their submitter is a process of its own, told where their server is.

A module of tasks is made for one server, when it is imported: so each round has a process, which prints its figures.
"""

from __future__ import annotations

import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from wiretask_bench.peers.redis_server import RedisVariant
from wiretask_bench.peers.work import body, check
from wiretask_bench.processes import Processes


class Submitter(ABC):
    """What can be asked of a submitter."""

    @abstractmethod
    def all_of(self, texts: Sequence[str]) -> Sequence[Any]:
        """Submits them and returns the results in their order."""

    @abstractmethod
    def one(self, text: str) -> Any:
        """Submits it and returns its result."""

    def serve(self) -> None:
        """Reads `rate COUNT` and `round_trips COUNT`, and answers each in JSON, until its input ends."""
        print("ready", flush=True)
        for line in sys.stdin:
            word, count = line.split()
            print(json.dumps(getattr(self, word)(int(count))), flush=True)

    def rate(self, count: int) -> float:
        texts = [body(number).decode() for number in range(count)]
        began = time.perf_counter()
        results = self.all_of(texts)
        seconds = time.perf_counter() - began
        check(dict(enumerate(results)), count)
        return count / seconds

    def round_trips(self, count: int) -> list[float]:
        times, results = [], {}
        for number in range(count):
            began = time.perf_counter()
            results[number] = self.one(body(number).decode())
            times.append(time.perf_counter() - began)
        check(results, count)
        return times


class Called(RedisVariant):
    """Such a peer. `module` is its driver; `command` starts its worker."""

    module: str

    def work(self, processes: Processes, *, single: bool) -> None:
        env = {"PEER_URL": self.url}
        processes.python("-m", *self.command(), env=env, name=f"{self.module}-worker")
        self._submitter = processes.python(
            "-m", f"wiretask_bench.peers.{self.module}", "submitter", env=env, name=f"{self.module}-submitter"
        )
        self._submitter.ready()

    def command(self) -> Sequence[str]:
        """The module of the worker, and its arguments."""
        raise NotImplementedError

    def rate(self, count: int) -> float:
        return float(self._ask("rate", count))

    def round_trips(self, count: int) -> list[float]:
        times: list[float] = self._ask("round_trips", count)
        return times

    def _ask(self, word: str, count: int) -> Any:
        self._submitter.stdin.write(f"{word} {count}\n")
        self._submitter.stdin.flush()
        return json.loads(self._submitter.line(120))
