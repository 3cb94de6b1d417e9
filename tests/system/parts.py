"""The three parts as real processes: started from their own folders, on free ports, watched, and stopped for sure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
#: A part that has not said `ready` by then never will.
READY_SECONDS = 30


class Part:
    """One process and what it has said. It lives in a process group of its own."""

    def __init__(
        self, folder: str, *arguments: str, log: Path, env: dict[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        """`cwd` is the folder of the part where nothing else is said."""
        self.name = folder
        self.log = log
        module = f"wiretask_{folder}"
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=cwd or ROOT / folder,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
                env={**os.environ, **(env or {})},
            )

    def ready(self) -> str:
        """Waits for the `ready` line and returns what follows the word. Raises RuntimeError with the log."""
        lines: list[str] = []
        stream = self.process.stdout
        assert stream is not None
        reader = threading.Thread(target=lambda: lines.append(_first_line(stream)), daemon=True)
        reader.start()
        reader.join(READY_SECONDS)
        if not lines or not lines[0].startswith("ready"):
            self.kill()
            raise RuntimeError(f"{self.name} did not get ready; it said:\n{self.log.read_text()[-4000:]}")
        return lines[0].removeprefix("ready").strip()

    def terminate(self, timeout: float = 30) -> int:
        """Asks it to stop, and returns its exit code."""
        self.process.terminate()
        return self.wait(timeout)

    def wait(self, timeout: float = 30) -> int:
        """Its exit code. Raises RuntimeError with the log if it goes on."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError(f"{self.name} did not stop; it said:\n{self.log.read_text()[-4000:]}") from None
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def kill(self) -> None:
        """Kills it and all that it has started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def _first_line(stream: IO[str]) -> str:
    return stream.readline()


def start_scheduler(
    folder: Path, *, port: int = 0, store: str | None = None, extra: tuple[str, ...] = ()
) -> tuple[Part, str]:
    """A scheduler that serves, and its address."""
    store = store if store is not None else f"sqlite:{folder / 'tasks.db'}"
    http = () if "--http" in extra else ("--http", "off")
    part = Part(
        "scheduler", "--listen", f"127.0.0.1:{port}", "--store", store, *http, *extra, log=folder / "scheduler.log"
    )
    return part, part.ready()


def start_worker(folder: Path, address: str, *arguments: str, cwd: Path | None = None) -> Part:
    """A worker that is subscribed; it finds modules of tasks in the folder, beside its own path."""
    path = os.pathsep.join(part for part in (str(folder), os.environ.get("PYTHONPATH")) if part)
    log = folder / "worker.log"
    part = Part("worker", "--scheduler", address, *arguments, log=log, env={"PYTHONPATH": path}, cwd=cwd)
    part.ready()
    return part


def client(*arguments: str, address: str | None = None, stdin: str | None = None, timeout: float = 60):
    """Runs the client to its end."""
    env = {**os.environ, **({"WIRETASK_SCHEDULER": address} if address else {})}
    return subprocess.run(
        [sys.executable, "-m", "wiretask_client", *arguments],
        cwd=ROOT / "client",
        env=env,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
