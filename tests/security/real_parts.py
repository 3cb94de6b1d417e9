"""Parts as real processes, with tokens and certificates in files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TOKENS = {"billing": "b" * 40, "narrow": "n" * 40, "crew": "c" * 40}
TOKEN_FILE = f"""\
[billing]
token = "{TOKENS["billing"]}"
roles = ["client"]

[narrow]
token = "{TOKENS["narrow"]}"
roles = ["client", "worker"]
queues = ["narrow.*"]

[crew]
token = "{TOKENS["crew"]}"
roles = ["worker"]
"""
#: Far longer than anything here takes, also on a busy machine.
SECONDS = 60


class Process:
    """A part that is started with its command line."""

    def __init__(self, part: str, *arguments: object, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"wiretask_{part}", *map(str, arguments)],
            cwd=folder,
            env={name: value for name, value in os.environ.items() if not name.startswith("WIRETASK")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> str:
        """What it says when it is ready; for a scheduler, the port."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line.startswith("ready"), self.end()
        return line.rpartition(":")[2]

    def end(self, *signals: int) -> tuple[int, str, str]:
        """Its exit code and what it wrote, after these signals."""
        for number in signals:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out, err

    def says(self, word: str) -> str:
        """The next line of its log with this word."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if word in line:
                return line
        raise AssertionError(f"it has ended without {word}")

    @property
    def seen_by_others(self) -> bytes:
        """What everybody on the machine sees of it, and its owner of its environment."""
        folder = Path(f"/proc/{self.process.pid}")
        return (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()


class Parts:
    """What is started in a folder, and the files that it is given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tokens = self.secret("tokens.toml", TOKEN_FILE)
        self._started: list[Process] = []

    def start(self, part: str, *arguments: object) -> Process:
        """A process that is ended with the test."""
        self._started.append(Process(part, *arguments, folder=self.folder))
        return self._started[-1]

    def scheduler(self, *arguments: object) -> tuple[Process, str]:
        """One that serves, and its port."""
        process = self.start("scheduler", "--listen", "127.0.0.1:0", "--http", "off", "--store", "memory:", *arguments)
        return process, process.ready()

    def submit(self, port: str, *arguments: object, host: str = "localhost") -> tuple[int, str, str]:
        """What comes of `wiretask submit`."""
        wanted = ("submit", "Hello, World!", "--scheduler", f"{host}:{port}", *arguments)
        return self.start("client", *wanted).end()

    def worker(self, port: str, *arguments: object, host: str = "localhost") -> Process:
        """A worker that looks for its scheduler."""
        return self.start("worker", "--scheduler", f"{host}:{port}", *arguments)

    def secret(self, name: str, text: str, mode: int = 0o600) -> Path:
        """A file for its owner alone, unless `mode` says otherwise."""
        path = self.folder / name
        path.touch()
        path.chmod(mode)
        path.write_text(text)
        return path

    def credentials(self, key_id: str, token: str | None = None) -> tuple[str, Path]:
        """The flag that names credentials."""
        path = self.secret(f"{key_id}-{len(self._started)}", f"{key_id}:{token or TOKENS[key_id]}\n")
        return "--credentials", path

    def end(self) -> None:
        """Ends everything."""
        for process in self._started:
            process.process.kill()
            process.process.communicate()


@contextmanager
def parts(folder: Path) -> Iterator[Parts]:
    """Parts for a test, or for several."""
    made = Parts(folder)
    try:
        yield made
    finally:
        made.end()
