"""How a peer is measured: a few rounds of a size that fits the time, round trips one at a time, memory of what waits."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

from wiretask_bench.processes import Processes, Started, resident_bytes

_ROUND_TRIPS = 200
#: Tasks of the first round, for which connections are opened and programs are loaded.
_FEW = 100
_MOST = 1_000_000
_WAITING = 100_000


class Variant(ABC):
    """One system with one choice of settings. `serve` starts what keeps tasks, `work` one worker."""

    name: str
    system: str
    settings: str
    survives: str
    #: Whether `fill` can be asked for tasks that nobody takes.
    fills = False

    @abstractmethod
    def serve(self, processes: Processes) -> Started:
        """Starts what keeps the tasks."""

    @abstractmethod
    def work(self, processes: Processes, *, single: bool) -> None:
        """Starts a worker; a single one takes one task at a time, where that makes it answer sooner."""

    @abstractmethod
    def rate(self, count: int) -> float:
        """Tasks a second, from the first submission to the last result, all of which are checked."""

    @abstractmethod
    def round_trips(self, count: int) -> list[float]:
        """Seconds that one task takes, one after the other."""

    def fill(self, count: int, filled: Callable[[], None]) -> None:
        """Submits tasks that nobody takes, and calls when all are there: who submitted them is still connected then."""
        raise NotImplementedError

    def leave(self) -> None:  # noqa: B027 -- most have none
        """Lets go of connections of this process."""


def measure(variant: Variant, seconds: float, rounds: int) -> dict[str, Any]:
    """The figures, as a `Peer` has them."""
    figures = {key: getattr(variant, key) for key in ("name", "system", "settings", "survives")}
    with Processes() as processes:
        variant.serve(processes)
        variant.work(processes, single=False)
        variant.rate(_FEW)
        # What a short round promises, the next one corrects: what is fast takes long to get going.
        count = _FEW
        for _ in range(2):
            count = int(min(max(variant.rate(count) * seconds / 2, count), _MOST))
        count = int(min(max(variant.rate(count) * seconds, _FEW), _MOST))
        figures["rates"] = [variant.rate(count) for _ in range(rounds)]
        variant.leave()
    if variant.fills:
        figures["bytes_per_task"] = _bytes_per_task(variant)
    with Processes() as processes:
        variant.serve(processes)
        variant.work(processes, single=True)
        variant.round_trips(20)
        times = sorted(variant.round_trips(_ROUND_TRIPS))
        figures["p50_ms"] = statistics.median(times) * 1000
        figures["p99_ms"] = times[len(times) * 99 // 100] * 1000
        variant.leave()
    return figures


def _bytes_per_task(variant: Variant) -> float:
    with Processes() as processes:
        server = variant.serve(processes)
        sizes = [resident_bytes(server.pid)]
        variant.fill(_WAITING, lambda: sizes.append(resident_bytes(server.pid)))
        variant.leave()
    return (sizes[-1] - sizes[0]) / _WAITING


def main(variants: Callable[[], Iterable[Variant]], arguments: list[str]) -> None:
    """`SECONDS ROUNDS`: measures all variants and prints JSON, a line for each; a failure is one, too."""
    seconds, rounds = float(arguments[0]), int(arguments[1])
    for variant in variants():
        try:
            figures = measure(variant, seconds, rounds)
        except Exception as error:
            figures = {key: getattr(variant, key) for key in ("name", "system", "settings", "survives")}
            figures["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(figures), flush=True)


def version(*command: str) -> str:
    """The first thing that looks like a version in what a program says of itself."""
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    found = re.search(r"\d+\.\d+(\.\d+)?", said.stdout + said.stderr)
    return found.group() if found else "?"


def package(name: str) -> str:
    """A distribution of this Python and its version."""
    from importlib.metadata import version as installed

    return f"{name} {installed(name)}"


def worker(processes: Processes, module: str, *arguments: str) -> None:
    """Starts a worker of ours for a peer: `python -m wiretask_bench.peers.MODULE worker …`, which says `ready`."""
    processes.python("-m", f"wiretask_bench.peers.{module}", "worker", *arguments, name=f"{module}-worker").ready()


def is_worker() -> bool:
    """Whether this process was asked for by `worker`."""
    return len(sys.argv) > 1 and sys.argv[1] == "worker"
