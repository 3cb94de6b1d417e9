"""The parts under test as real processes: a scheduler, workers, on free ports, in the folder of a benchmark."""

from __future__ import annotations

import json

from wiretask_bench.processes import Processes, Started

#: What a worker for tasks of no duration is best told.
INLINE = ("--executor", "inline", "--concurrency", "1000")


class System(Processes):
    """Schedulers and workers."""

    def scheduler(
        self, store: str, *, address: str = "127.0.0.1:0", http: str = "off", program: str = "", **settings: object
    ) -> tuple[Started, str]:
        """A scheduler that serves, and its address; the settings are those of its configuration file.

        `store` is `memory`, or the name of a file in the folder. `program` is Python that runs instead of the module.
        """
        config = self.folder / "wiretask.toml"
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        config.write_text("\n".join(["[scheduler]", *lines, ""]))
        what = ("-c", program) if program else ("-m", "wiretask_scheduler")
        started = self.python(
            *what,
            *("--listen", address, "--http", http, "--config", str(config), "--log-level", "info"),
            *("--store", "memory:" if store == "memory" else f"sqlite:{self.folder / store}"),
            name="scheduler",
        )
        return started, started.ready()

    def worker(self, address: str, *arguments: str) -> Started:
        """A worker that is subscribed."""
        started = self.python("-m", "wiretask_worker", "--scheduler", address, *arguments, name="worker")
        started.ready()
        return started
