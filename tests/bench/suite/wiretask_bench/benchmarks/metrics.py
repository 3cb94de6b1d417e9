"""What metrics cost: the same scheduler with all of them, asked for each second, and with none.

Without them it has no HTTP side and does not count how long tasks wait and run: that is switched off from outside, since
no user would want to. Both run at the same time and are measured in turns. Compared is the processor time that a task
takes in the scheduler, which limits the throughput: it is steadier than the throughput itself.
"""

from __future__ import annotations

import statistics
import threading
import time
import urllib.request

from wiretask_bench import load
from wiretask_bench.figures import Row, at_most
from wiretask_bench.processes import Started, cpu_seconds
from wiretask_bench.settings import Settings
from wiretask_bench.system import INLINE, System

_UNCOUNTED = """
import sys
from wiretask_scheduler.core.latencies import Stopwatch
from wiretask_scheduler.__main__ import main

for name in ("handed_out", "reported"):
    assert callable(getattr(Stopwatch, name))
    setattr(Stopwatch, name, lambda *_: None)
main()
"""


class Prometheus(threading.Thread):
    """Asks for the metrics once a second, while it is told to."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url = url
        self.asked = 0
        self.wanted = threading.Event()
        self.over = False

    def run(self) -> None:
        while not self.over:
            self.wanted.wait()
            began = time.monotonic()
            with urllib.request.urlopen(self.url, timeout=10) as answer:
                answer.read()
            self.asked += 1
            time.sleep(max(0, began + 1 - time.monotonic()))


def cost(settings: Settings) -> list[Row]:
    """Rounds with and without."""
    with System() as system:
        counted, address = system.scheduler("memory", http="127.0.0.1:0")
        uncounted, bare = system.scheduler("memory", program=_UNCOUNTED)
        for each in (address, bare):
            system.worker(each, *INLINE)
            load.run(each, min(settings.round_seconds, 1))
        prometheus = Prometheus(_base(counted) + "/metrics")
        prometheus.start()
        pairs = []
        for _ in range(2 * settings.rounds):
            without = _micros(uncounted, bare, settings)
            prometheus.wanted.set()
            pairs.append((_micros(counted, address, settings), without))
            prometheus.wanted.clear()
        prometheus.over = True
        prometheus.wanted.set()
        prometheus.join()
    ratios = [some / none for some, none in pairs]
    percent = (statistics.median(ratios) - 1) * 100
    return [
        Row(
            name="metrics",
            what="what metrics cost a task in the scheduler, scraped each second",
            unit="µs of processor",
            better="less",
            value=statistics.median(some for some, _ in pairs),
            floor="the same without HTTP and without counting",
            floor_value=statistics.median(none for _, none in pairs),
            ratios=ratios,
            goals=[at_most(percent, 3, f"3 %: {percent:.1f} %")],
            notes=[f"scraped {prometheus.asked} times"],
        )
    ]


def _micros(scheduler: Started, address: str, settings: Settings) -> float:
    before = cpu_seconds(scheduler.pid)
    stretch = load.run(address, settings.round_seconds)
    return (cpu_seconds(scheduler.pid) - before) / stretch.tasks * 1e6


def _base(scheduler: Started) -> str:
    line = next(line for line in scheduler.log.read_text().splitlines() if "http://" in line)
    return "http://" + line.rpartition("http://")[2].split()[0].rstrip("/")
