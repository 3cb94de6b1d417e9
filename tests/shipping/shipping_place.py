"""A scheduler with HTTP, its workers and clients as real processes, for tests of what is shipped beside them."""

from __future__ import annotations

import re
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

sys.path.insert(0, str(Path(__file__).parents[1] / "system"))

from parts import Part, client, start_scheduler, start_worker

#: What has not come by then never will.
SECONDS = 30


class Place:
    """One scheduler on free ports, and what is started beside it; all of it is gone at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._parts: list[Part] = []

    def __enter__(self) -> Self:
        scheduler, self.address = start_scheduler(self.folder, extra=("--http", "127.0.0.1:0"))
        self._parts.append(scheduler)
        found = re.search(r"at http://(\S+)", (self.folder / "scheduler.log").read_text())
        assert found is not None
        self.http = found[1]
        return self

    def __exit__(self, *_: object) -> None:
        for part in reversed(self._parts):
            part.kill()

    def worker(self, *arguments: str) -> str:
        """A worker that is subscribed, and where it serves metrics."""
        self._parts.append(start_worker(self.folder, self.address, "--http", "127.0.0.1:0", *arguments))
        found = re.search(r"at http://(\S+)", (self.folder / "worker.log").read_text())
        assert found is not None
        return found[1]

    def client(self, *arguments: str) -> Any:
        """The client, to its end."""
        return client(*arguments, address=self.address)

    def post(self, path: str) -> None:
        """Asks for something over HTTP."""
        url = f"http://{self.http}{path}"
        request = urllib.request.Request(url, headers={"Wiretask-Request": "1"}, method="POST")
        urllib.request.urlopen(request, timeout=SECONDS).close()

    def until(self, holds: Callable[[], bool]) -> None:
        """Waits for what comes by itself."""
        end = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < end, "it did not come"
