"""Other systems that do the same work, started on loopback if they are installed; nothing is installed here.

Each module drives one of them with the settings that made it fastest, on a Python that needs nothing of ours.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Program:
    """What a driver needs: programs, and modules of the Python that it runs on."""

    module: str
    programs: tuple[str, ...]
    modules: tuple[str, ...] = ()

    def missing(self, python: str) -> str:
        """What of it is not there, in a few words; nothing if all is."""
        for program in self.programs:
            if shutil.which(program) is None:
                return f"no {program} on the PATH"
        if self.modules:
            found = subprocess.run(
                [python, "-c", f"import {', '.join(self.modules)}"], capture_output=True, check=False, timeout=60
            )
            if found.returncode:
                return f"{python} has no {' and '.join(self.modules)}"
        return ""


PEERS = {
    "gearmand": Program("gearmand", ("gearmand",)),
    "beanstalkd": Program("beanstalkd", ("beanstalkd",)),
    "nats": Program("nats", ("nats-server",)),
    "redis": Program("redis_lists", ("redis-server",), ("redis",)),
    "dramatiq": Program("dramatiq", ("redis-server",), ("dramatiq", "redis")),
    "celery": Program("celery", ("redis-server",), ("celery", "redis")),
    "rq": Program("rq", ("redis-server",), ("rq",)),
    "dask": Program("dask", (), ("distributed",)),
}
