"""Runs benchmarks and peers, each in a process group of its own, and leaves nothing of them behind.

A benchmark that hangs or fails is a row that says so; the others go on. The folder is where the stores lie: on the disk
of the checkout, since a temporary folder is often no disk at all.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import msgspec

from wiretask_bench.benchmarks import Benchmark
from wiretask_bench.figures import Peer, Row
from wiretask_bench.peers import Program
from wiretask_bench.processes import group_of
from wiretask_bench.settings import Settings

#: A peer is given this long, and what its rounds take.
_PEER_SECONDS = 100
_HOME = Path(__file__).parents[1]


class Runner:
    """Runs one at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def rows(self, benchmark: Benchmark, settings: Settings) -> list[Row]:
        """What a benchmark finds."""
        limit = benchmark.limit_seconds + 2 * settings.seconds + 12 * settings.rounds * settings.round_seconds
        command = (sys.executable, "-m", "wiretask_bench.one", benchmark.name, msgspec.json.encode(settings).decode())
        try:
            rows = msgspec.json.decode(self._run(command, limit), type=list[Row])
        except (RuntimeError, msgspec.DecodeError) as error:
            rows = [Row(name=benchmark.name, what=benchmark.about, error=str(error))]
        for row in rows:
            row.benchmark = benchmark.name
        return rows

    def peers(self, name: str, program: Program, python: str, settings: Settings) -> list[Peer]:
        """How a peer does."""
        seconds, rounds = settings.round_seconds, settings.rounds
        # What needs no package of theirs runs on our Python, which has uvloop.
        own = python if program.modules else sys.executable
        command = (own, "-m", f"wiretask_bench.peers.{program.module}", str(seconds), str(rounds))
        try:
            lines = self._run(command, _PEER_SECONDS + 8 * rounds * seconds).splitlines()
            return [msgspec.json.decode(line, type=Peer) for line in lines]
        except (RuntimeError, msgspec.DecodeError) as error:
            return [Peer(name=name, system=name, settings="", survives="", error=str(error))]

    def _run(self, command: tuple[str, ...], limit: float) -> bytes:
        """What it prints. Raises RuntimeError with the last line of what it says of errors."""
        with tempfile.TemporaryDirectory(dir=self.folder, ignore_cleanup_errors=True) as temporary:
            log = Path(temporary) / "errors"
            env = {"PYTHONPATH": str(_HOME), "TMPDIR": temporary}
            with log.open("wb") as errors, group_of(*command, env=env, log=errors) as process:
                try:
                    said, _ = process.communicate(timeout=limit)
                except subprocess.TimeoutExpired:
                    raise RuntimeError(f"not done in {limit:.0f} s, ended") from None
            if process.returncode:
                lines = log.read_text(errors="replace").strip().splitlines()
                raise RuntimeError(lines[-1] if lines else f"exit code {process.returncode}")
        return said


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM is as good as Ctrl-C: what was started is ended on the way out."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def load() -> float:
    """How busy the machine is: processes that wanted a processor, the mean of the last minute."""
    return os.getloadavg()[0]
