"""Lists of Redis by hand, at least once: LMOVE to a list of what is in hand, LREM from it when the result is pushed."""

from __future__ import annotations

import sys
import time

import redis

from wiretask_bench.peers import variant
from wiretask_bench.peers.redis_server import RedisVariant
from wiretask_bench.peers.work import check, done, numbered
from wiretask_bench.processes import Processes

_BATCH = 200
_PUSHED = 500
_WINDOW = 4000
_HANGS_SECONDS = 60


class RedisLists(RedisVariant):
    """redis-py with hiredis, pipelined."""

    name = "redis-lists"
    settings = f"by hand, LMOVE and LREM (at least once), batches of {_BATCH}"

    def __init__(self, sync: str) -> None:
        super().__init__(sync, variant.package("redis"))

    def work(self, processes: Processes, *, single: bool) -> None:
        variant.worker(processes, "redis_lists", str(self.port), str(1 if single else _BATCH))

    def rate(self, count: int) -> float:
        client = redis.Redis(port=self.port)
        results: dict[int, bytes] = {}
        began, sent = time.perf_counter(), 0
        while len(results) < count:
            if sent < count and sent - len(results) < _WINDOW:
                last = min(sent + _PUSHED, count)
                pipeline = client.pipeline(transaction=False)
                pipeline.rpush("tasks", *map(numbered, range(sent, last)))
                pipeline.lpop("results", 2 * _PUSHED)
                sent = last
                got = pipeline.execute()[1]
            else:
                got = client.lpop("results", 2 * _PUSHED) or [client.blpop("results", timeout=_HANGS_SECONDS)[1]]
            for each in got or ():
                number, _, result = each.partition(b" ")
                results[int(number)] = result
        seconds = time.perf_counter() - began
        check(results, count)
        client.close()
        return count / seconds

    def round_trips(self, count: int) -> list[float]:
        client = redis.Redis(port=self.port)
        times, results = [], {}
        for number in range(count):
            began = time.perf_counter()
            client.rpush("tasks", numbered(number))
            _, result = client.blpop("results", timeout=_HANGS_SECONDS)
            times.append(time.perf_counter() - began)
            results[number] = result.partition(b" ")[2]
        check(results, count)
        client.close()
        return times


def _work(port: int, batch: int) -> None:
    client = redis.Redis(port=port)
    print("ready", flush=True)
    while True:
        taken = [client.blmove("tasks", "taken", 0, "LEFT", "RIGHT")]
        if batch > 1:
            pipeline = client.pipeline(transaction=False)
            for _ in range(batch - 1):
                pipeline.lmove("tasks", "taken", "LEFT", "RIGHT")
            taken += [each for each in pipeline.execute() if each is not None]
        pipeline = client.pipeline(transaction=True)
        pipeline.rpush("results", *map(done, taken))
        for each in taken:
            pipeline.lrem("taken", 1, each)
        pipeline.execute()


if __name__ == "__main__":
    if variant.is_worker():
        _work(int(sys.argv[2]), int(sys.argv[3]))
    else:
        variant.main(lambda: [RedisLists("no"), RedisLists("always")], sys.argv[1:])
