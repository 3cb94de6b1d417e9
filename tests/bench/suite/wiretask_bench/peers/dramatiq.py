"""dramatiq, with Redis as its broker and for its results."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from wiretask_bench.peers import variant
from wiretask_bench.peers.calls import Called, Submitter

_MILLIS = 60_000


class Dramatiq(Called):
    """One worker process of four threads, and no middleware but what results and retries need."""

    name = "dramatiq"
    module = "dramatiq"
    settings = "one process of 4 threads, results and retries only"

    def __init__(self, sync: str) -> None:
        super().__init__(sync, variant.package("dramatiq"))

    def command(self) -> Sequence[str]:
        return ("dramatiq", "-p", "1", "-t", "4", "wiretask_bench.peers.dramatiq_tasks")


class _Submitter(Submitter):
    def all_of(self, texts: Sequence[str]) -> Sequence[Any]:
        sent = [actor.send(text) for text in texts]
        return [message.get_result(block=True, timeout=_MILLIS) for message in sent]

    def one(self, text: str) -> Any:
        return actor.send(text).get_result(block=True, timeout=_MILLIS)


if __name__ == "__main__":
    if sys.argv[1] == "submitter":
        from wiretask_bench.peers.dramatiq_tasks import actor

        _Submitter().serve()
    else:
        variant.main(lambda: [Dramatiq("no"), Dramatiq("always")], sys.argv[1:])
