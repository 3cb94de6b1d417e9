"""A Redis for a peer: in memory, or with its log synced before each answer."""

from __future__ import annotations

from wiretask_bench.peers import variant
from wiretask_bench.processes import Processes, Started, free_port

#: What `appendfsync` leaves of accepted tasks.
SURVIVES = {"no": "nothing", "always": "all (AOF synced at each write)"}


class RedisVariant(variant.Variant):
    """A system that keeps its tasks in a Redis."""

    def __init__(self, sync: str, what: str) -> None:
        self.sync = sync
        self.name += "-synced" if sync == "always" else ""
        self.system = f"{what}, Redis {variant.version('redis-server', '--version')}"
        self.survives = SURVIVES[sync]
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def serve(self, processes: Processes) -> Started:
        self.port = free_port()
        log = ("--appendonly", "yes", "--appendfsync", "always") if self.sync == "always" else ("--appendonly", "no")
        return processes.served(
            *("redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(processes.folder)),
            *("--save", "", "--daemonize", "no", *log),
            port=self.port,
        )
