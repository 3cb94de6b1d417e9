"""RQ: its worker without a fork for each job, jobs enqueued in bulk."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from wiretask_bench.peers import variant
from wiretask_bench.peers.calls import Called, Submitter
from wiretask_bench.peers.work import digest

_BULK = 500
_HANGS_SECONDS = 60


class Rq(Called):
    """SimpleWorker."""

    name = "rq"
    module = "rq"
    settings = f"SimpleWorker, enqueue_many of {_BULK}"

    def __init__(self, sync: str) -> None:
        super().__init__(sync, variant.package("rq"))

    def command(self) -> Sequence[str]:
        quiet = ("-q", "--logging_level", "WARNING")
        return ("rq.cli", "worker", *quiet, "-w", "rq.SimpleWorker", "--url", self.url, "tasks")


class _Submitter(Submitter):
    def __init__(self) -> None:
        import redis
        from rq import Queue

        self.queue = Queue("tasks", connection=redis.Redis.from_url(os.environ["PEER_URL"]))
        self.said = {"result_ttl": 300, "description": ""}

    def all_of(self, texts: Sequence[str]) -> Sequence[Any]:
        jobs = []
        for at in range(0, len(texts), _BULK):
            some = texts[at : at + _BULK]
            jobs += self.queue.enqueue_many(
                [self.queue.prepare_data(digest, args=(text,), timeout=-1, **self.said) for text in some]
            )
        return [job.latest_result(timeout=_HANGS_SECONDS).return_value for job in jobs]

    def one(self, text: str) -> Any:
        job = self.queue.enqueue(digest, text, job_timeout=-1, **self.said)
        return job.latest_result(timeout=_HANGS_SECONDS).return_value


if __name__ == "__main__":
    if sys.argv[1] == "submitter":
        _Submitter().serve()
    else:
        variant.main(lambda: [Rq("no"), Rq("always")], sys.argv[1:])
