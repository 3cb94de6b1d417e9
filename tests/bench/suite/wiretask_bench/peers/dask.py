"""dask.distributed: a scheduler and a worker of one thread, `Client.map` and `gather`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from wiretask_bench.peers import variant
from wiretask_bench.peers.calls import Submitter
from wiretask_bench.peers.work import digest
from wiretask_bench.processes import Processes, Started, free_port

#: What slowed it down, switched off.
_ENV = {
    "DASK_DISTRIBUTED__SCHEDULER__WORK_STEALING": "False",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION": "inf",
    "DASK_DISTRIBUTED__ADMIN__LOG_LENGTH": "0",
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__DIAGNOSTICS__NVML": "False",
}
_HOME = ("--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")


class Dask(variant.Variant):
    """No nanny, no work stealing, no profile."""

    name = "dask"
    settings = "one worker of one thread, no nanny, no stealing, saturation inf"
    survives = "nothing"

    def __init__(self) -> None:
        self.system = variant.package("distributed")
        self.port = free_port()
        self._client: Any = None

    def serve(self, processes: Processes) -> Started:
        self.port = free_port()
        command = (sys.executable, "-m", "dask", "scheduler", *_HOME, "--port", str(self.port))
        # It reads the graph, and so imports what the tasks are.
        return processes.served(*command, port=self.port, env={**_ENV, "PYTHONPATH": os.environ["PYTHONPATH"]})

    def work(self, processes: Processes, *, single: bool) -> None:
        from distributed import Client

        address = f"tcp://127.0.0.1:{self.port}"
        kept = ("--memory-limit", "0", "--local-directory", str(processes.folder))
        processes.python(
            *("-m", "dask", "worker", address, "--no-nanny", "--nthreads", "1", *_HOME, *kept), env=_ENV, name="worker"
        )
        self._client = Client(address, set_as_default=False)
        self._client.wait_for_workers(1, timeout=30)

    def rate(self, count: int) -> float:
        return _Submitter(self._client).rate(count)

    def round_trips(self, count: int) -> list[float]:
        return _Submitter(self._client).round_trips(count)

    def leave(self) -> None:
        if self._client is not None:
            self._client.close(timeout=5)
            self._client = None


class _Submitter(Submitter):
    def __init__(self, client: Any) -> None:
        self.client = client

    def all_of(self, texts: Sequence[str]) -> Sequence[Any]:
        results: Sequence[Any] = self.client.gather(self.client.map(digest, texts, pure=False))
        return results

    def one(self, text: str) -> Any:
        return self.client.submit(digest, text, pure=False).result(timeout=60)


if __name__ == "__main__":
    variant.main(lambda: [Dask()], sys.argv[1:])
