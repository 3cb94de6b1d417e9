"""Celery, with Redis as its broker and for its results, which are read in bulk."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from wiretask_bench.peers import variant
from wiretask_bench.peers.calls import Called, Submitter

_READ = 1000
_POLL_SECONDS = 0.02
_HANGS_SECONDS = 60


class Celery(Called):
    """The solo pool, which is fastest where tasks take no time."""

    name = "celery"
    module = "celery"
    settings = "solo pool, prefetch 500, results read with MGET"

    def __init__(self, sync: str) -> None:
        super().__init__(sync, variant.package("celery"))

    def command(self) -> Sequence[str]:
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "ERROR")
        return ("celery", "-A", "wiretask_bench.peers.celery_tasks", "worker", "-P", "solo", *quiet)


class _Submitter(Submitter):
    def all_of(self, texts: Sequence[str]) -> Sequence[Any]:
        backend = app.backend
        subscribe, backend.on_task_call = backend.on_task_call, lambda *_: None
        with app.producer_or_acquire() as producer:
            keys = [backend.get_key_for_task(task.apply_async((text,), producer=producer).id) for text in texts]
        backend.on_task_call = subscribe
        results: dict[int, Any] = {}
        waiting = list(range(len(keys)))
        deadline = time.monotonic() + _HANGS_SECONDS
        while waiting and time.monotonic() < deadline:
            for at in range(0, len(waiting), _READ):
                some = waiting[at : at + _READ]
                for position, value in zip(some, backend.mget([keys[each] for each in some]), strict=True):
                    if value is not None:
                        results[position] = backend.decode_result(value)["result"]
            waiting = [position for position in waiting if position not in results]
            if waiting:
                time.sleep(_POLL_SECONDS)
        return [results[position] for position in range(len(keys))]

    def one(self, text: str) -> Any:
        return task.delay(text).get(timeout=_HANGS_SECONDS)


if __name__ == "__main__":
    if sys.argv[1] == "submitter":
        from wiretask_bench.peers.celery_tasks import app, task

        _Submitter().serve()
    else:
        variant.main(lambda: [Celery("no"), Celery("always")], sys.argv[1:])
