"""Ten thousand workers that are connected and have nothing to do, beside a bare server that answers the same heartbeats."""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path
from typing import Any

from wiretask_bench.figures import Row, at_most
from wiretask_bench.processes import Started, cpu_seconds, resident_bytes
from wiretask_bench.settings import Settings
from wiretask_bench.system import System
from wiretask_bench.words import whole

_CROWD = Path(__file__).parents[4] / "faults" / "crowd.py"
_JOIN_SECONDS = 120


def connected(settings: Settings) -> list[Row]:
    """First the bare server, then the scheduler, each with a crowd of its own."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < settings.connected + 100:
        raise RuntimeError(f"this machine allows {hard} open files; {settings.connected} workers need more: ulimit -Hn")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with System() as system:
        bare = system.python("-m", "wiretask_bench.answering", name="answering")
        bare_share, bare_bytes = _watch(system, bare, bare.ready(), settings)
    with System() as system:
        scheduler, address = system.scheduler("tasks.db")
        share, size = _watch(system, scheduler, address, settings)
    return [
        Row(
            name="idle-processor",
            what=f"{whole(settings.connected)} idle connected workers, processor",
            unit="% of a core",
            better="less",
            value=share,
            floor="a bare server, same heartbeats",
            floor_value=bare_share,
            ratios=[share / bare_share],
            goals=[at_most(share, 5, "5 %")],
        ),
        Row(
            name="idle-memory",
            what=f"{whole(settings.connected)} idle connected workers, memory",
            unit="MiB",
            better="less",
            value=size,
            floor="a bare server, same heartbeats",
            floor_value=bare_bytes,
            ratios=[size / bare_bytes],
            goals=[at_most(size, 400, "400 MiB")],
        ),
    ]


def _watch(system: System, server: Started, address: str, settings: Settings) -> tuple[float, float]:
    """Percent of a core, and MiB, while all are there and none is lost."""
    crowd = system.python(str(_CROWD), address, str(system.folder / "history"), name="crowd")
    try:
        joined = _tell(crowd, f"join {settings.connected} nobody.knows")
    except RuntimeError as error:
        said = server.log.read_text(errors="replace").strip().splitlines()
        raise RuntimeError(
            f"not all were let in after {_JOIN_SECONDS} s; the last that {server.name} says: {said[-1:]}"
        ) from error
    if joined["here"] != settings.connected:
        raise RuntimeError(f"of {settings.connected} workers {joined['here']} came in: {joined['errors']}")
    before, began = cpu_seconds(server.pid), time.perf_counter()
    time.sleep(settings.idle_seconds)
    share = (cpu_seconds(server.pid) - before) / (time.perf_counter() - began) * 100
    return max(share, 0.01), resident_bytes(server.pid) / 2**20


def _tell(crowd: Started, words: str) -> Any:
    crowd.stdin.write(words + "\n")
    crowd.stdin.flush()
    return json.loads(crowd.line(_JOIN_SECONDS))
