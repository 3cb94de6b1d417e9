"""A scheduler in a folder, and what a test starts beside it: on free ports, watched, and stopped for sure."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, TypeVar

sys.path.insert(0, str(Path(__file__).parents[1] / "system"))

from parts import Part, start_worker

from wiretask_scheduler.server import STALL_SECONDS

#: Losses and deaths that tests cause are not the fault of tasks; and nobody waits ten seconds for who is dead.
_PATIENT = {"crash_limit": 10_000, "loss_limit": 10_000, "resume_grace_seconds": 1}
_LOG_OCTETS = 6000


_Size = TypeVar("_Size")


def scaled(quick: _Size, long: _Size) -> _Size:
    """How much of something: in every run of the tests, and in `nox -s faults`."""
    return long if os.environ.get("WIRETASK_LONG") else quick


class Place:
    """One scheduler that can die and come back, on the same port and over the same file."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        """The settings are those of the configuration file."""
        self.folder = folder
        self.env: dict[str, str] = {}
        self.settings = {**_PATIENT, **settings}
        self.parts: list[Part] = []
        self.scheduler: Part | None = None
        self.address = ""
        #: Where it listens, and what it is told besides.
        self.host = "127.0.0.1"
        self.arguments: tuple[str, ...] = ()
        self.store = f"sqlite:{folder / 'tasks.db'}"

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2] or 0)

    @property
    def log(self) -> str:
        return (self.folder / "scheduler.log").read_text()

    def start(self) -> str:
        """Starts the scheduler; its address."""
        config = self.folder / "wiretask.toml"
        lines = [f"{name} = {json.dumps(value)}" for name, value in self.settings.items()]
        config.write_text("\n".join(["[scheduler]", *lines, ""]))
        self.scheduler = Part(
            "scheduler",
            *("--listen", f"{self.host}:{self.port}", "--http", "127.0.0.1:0"),
            *("--store", self.store, "--config", str(config)),
            *self.arguments,
            log=self.folder / "scheduler.log",
            env=self.env,
        )
        self.address = self.scheduler.ready()
        return self.address

    def worker(self, *arguments: str, address: str | None = None) -> Part:
        part = start_worker(self.folder, address or self.address, *arguments)
        self.parts.append(part)
        return part

    def kill(self) -> None:
        """SIGKILL of the scheduler, whatever it does."""
        assert self.scheduler is not None
        self.scheduler.kill()

    def restart(self) -> None:
        """SIGKILL, and a new scheduler at once."""
        self.kill()
        self.start()

    def send(self, number: signal.Signals) -> None:
        assert self.scheduler is not None
        self.scheduler.process.send_signal(number)

    def rss(self) -> int:
        """Octets of memory that the scheduler has now."""
        assert self.scheduler is not None
        status = Path(f"/proc/{self.scheduler.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def stalls(self) -> list[str]:
        """What the log says of an event loop that stood still by its own fault: a busy machine is another matter."""
        said = re.findall(r"the event loop stood still for .*; this process ran for (.*) s of it", self.log)
        assert len(said) == self.log.count("stood still"), self.log
        return [ran for ran in said if float(ran) > STALL_SECONDS]

    def get(self, path: str) -> Any:
        """What the HTTP side says, as JSON where it is; the status where it is an error."""
        lines = [line for line in self.log.splitlines() if "http://" in line]
        base = "http://" + lines[-1].rpartition("http://")[2].strip()
        try:
            with urllib.request.urlopen(base + path, timeout=30) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code
        return json.loads(text) if text.startswith("{") else text

    def tasks(self) -> list[dict[str, Any]]:
        """Everything that the scheduler has, page by page."""
        found: list[dict[str, Any]] = []
        before = ""
        while True:
            page = self.get(f"/api/tasks?limit=1000{before}")
            found += page["tasks"]
            if page["next"] is None:
                return found
            before = f"&before={page['next']}"

    def stop(self) -> None:
        for part in (*self.parts, self.scheduler):
            if part is not None:
                part.kill()

    def tell(self) -> str:
        """The end of every log, for whoever looks why a test failed."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"-- {log.name}\n{log.read_text(errors='replace')[-_LOG_OCTETS:]}" for log in logs)
