"""What is measured: each benchmark has a process of its own and makes one row of the table, or a few."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wiretask_bench.benchmarks import codec, idle, latency, metrics, queued, starting, throughput
from wiretask_bench.figures import Row
from wiretask_bench.settings import Settings


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One of them."""

    name: str
    about: str
    run: Callable[[Settings], list[Row]]
    #: By how much its ratios differ from run to run on a machine that does nothing else: a change within it is none.
    tolerance: float
    #: After so long, and what was asked for besides, it hangs.
    limit_seconds: float = 60


BENCHMARKS = {
    benchmark.name: benchmark
    for benchmark in (
        Benchmark("durable", "single tasks through SQLite, without a pause", throughput.durable, 0.15),
        Benchmark("memory", "single tasks through the memory store", throughput.memory, 0.15),
        Benchmark("threads", "handlers of 0 ms in threads", throughput.threads, 0.15),
        Benchmark("latency", "one task at a time on an idle system", latency.latency, 0.25),
        Benchmark("bytes", "memory per queued task", queued.memory, 0.05, 180),
        Benchmark("queued", "throughput and restart with many queued", queued.queued, 0.15, 240),
        Benchmark("idle", "connected workers that have nothing to do", idle.connected, 0.25, 300),
        Benchmark("codec", "one Task, coded and decoded", codec.coded, 0.1),
        Benchmark("start", "a worker and a client, to `ready`", starting.started, 0.15),
        Benchmark("metrics", "what metrics cost", metrics.cost, 0.03),
        Benchmark("arrays", "task arrays", throughput.arrays, 0.15),
    )
}
