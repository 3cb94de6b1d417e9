"""Processes that are started here and none of which is left over, whatever happens.

Each dies with the process that has started it (Linux tells it so), and `Processes` ends them in the order in which they
came, newest first. All stay in the process group of whoever started them: who ends the group has ended everything.
Needs nothing but the standard library, so that the drivers of peers run on a Python of their own.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

#: A process that has not said `ready` by then never will.
READY_SECONDS = 60
_SET_PARENT_DEATH_SIGNAL = 1
_C = ctypes.CDLL(None)


def die_with_parent() -> None:
    """Asks Linux for SIGKILL when the parent is gone; elsewhere the parent has to see to it."""
    if sys.platform == "linux":
        _C.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


class Started:
    """One process."""

    def __init__(self, name: str, process: subprocess.Popen[str], log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def stdin(self) -> IO[str]:
        assert self.process.stdin is not None
        return self.process.stdin

    def line(self, seconds: float = READY_SECONDS) -> str:
        """The next line that it prints. Raises RuntimeError with the end of its log."""
        stream = self.process.stdout
        assert stream is not None
        readable, _, _ = select.select([stream], [], [], seconds)
        if line := stream.readline() if readable else "":
            return line.rstrip("\n")
        said = self.log.read_text(errors="replace")[-2000:].strip()
        raise RuntimeError(f"{self.name} said nothing for {seconds:.0f} s; its log ends: {said or '(empty)'}")

    def ready(self) -> str:
        """Waits for its line `ready …` and returns what follows the word."""
        while not (line := self.line()).startswith("ready"):
            pass
        return line.removeprefix("ready").strip()

    def end(self) -> None:
        """Kills it and what it has started: workers whose master is gone would go on and disturb what comes next."""
        if self.process.poll() is None:
            family = descendants(self.pid)
            self.process.kill()
            self.process.wait()
            for pid in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


class Processes:
    """What a benchmark has started, and a folder for it. Leaving the context ends and removes all of it."""

    def __init__(self) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="wiretask-bench-", ignore_cleanup_errors=True)
        self.folder = Path(self._temporary.name)
        self._started: list[Started] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for started in self._started[::-1]:
            started.end()
        self._temporary.cleanup()

    def start(self, *command: str, env: Mapping[str, str] | None = None, name: str = "") -> Started:
        """Starts a program, in the folder; what it prints is for us, what it says of errors goes to a log."""
        name = name or Path(command[0]).name
        log = self.folder / f"{len(self._started)}-{name}.log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **(env or {})},
                preexec_fn=die_with_parent,  # noqa: PLW1509 -- no thread runs here that could hold a lock
            )
        started = Started(name, process, log)
        self._started.append(started)
        return started

    def python(self, *arguments: str, env: Mapping[str, str] | None = None, name: str = "") -> Started:
        """The same for a program of this Python, which finds this package."""
        path = str(Path(__file__).parents[1])
        return self.start(
            sys.executable, *arguments, env={"PYTHONPATH": path, **(env or {})}, name=name or arguments[-1]
        )

    def served(self, *command: str, port: int, env: Mapping[str, str] | None = None) -> Started:
        """A server that says nothing when it is ready: it is when somebody listens on its port."""
        started = self.start(*command, env=env)
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and started.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return started
            time.sleep(0.02)
        said = started.log.read_text(errors="replace")[-2000:].strip()
        raise RuntimeError(f"{started.name} does not listen on port {port}; its log ends: {said or '(empty)'}")


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have; Linux alone tells."""
    try:
        lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    children = [int(child) for text in lists for child in text.split()]
    return [*children, *(each for child in children for each in descendants(child))]


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def resident_bytes(pid: int) -> int:
    """The memory that a process has now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """What a process has computed, all its threads together; Linux alone tells."""
    # The clock of a process, as clock_getcpuclockid makes it, which Python does not have: /proc tells but hundredths.
    return time.clock_gettime(~pid << 3 | 2)


@contextlib.contextmanager
def group_of(*command: str, env: Mapping[str, str], log: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own; leaving the context ends the whole group."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        env={**os.environ, **env},
        start_new_session=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 -- no thread runs here that could hold a lock
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
