"""Real processes for a test: a scheduler, its workers, and a client, all stopped at the end, whatever happens."""

import socket
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from browser_day import CHROMIUM, Day
from parts import Part, client, start_scheduler, start_worker


class System:
    """A scheduler on a free port, and what is started beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts: list[Part] = []
        #: Connections of peers that are only bytes.
        self.sockets: list[socket.socket] = []
        self.scheduler, self.address = start_scheduler(folder)

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def worker(self, *arguments: str) -> Part:
        part = start_worker(self.folder, self.address, *arguments)
        self.parts.append(part)
        return part

    def tasks(self, source: str) -> tuple[str, str]:
        """A module of tasks of the user's own; what to give to a worker."""
        (self.folder / "user_tasks.py").write_text(source)
        return "--tasks", "user_tasks"

    def client(self, *arguments: str, **options):
        return client(*arguments, address=self.address, **options)

    def restart_scheduler(self, *, kill: bool) -> None:
        if kill:
            self.scheduler.kill()
        else:
            assert self.scheduler.terminate() == 0
        self.scheduler, _ = start_scheduler(self.folder, port=self.port)

    def stop(self) -> None:
        for connection in self.sockets:
            connection.close()
        for part in (*self.parts, self.scheduler):
            part.kill()


@pytest.fixture
def system(tmp_path):
    system = System(tmp_path)
    yield system
    system.stop()


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium, headless."""
    if CHROMIUM is None:
        pytest.skip("SKIPPED: the dashboard, because this machine has no Chromium; apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        # Without a sandbox it also runs where nobody may make one, as root in a container.
        launched = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def day(system, browser):
    day = Day(system, browser)
    yield day
    day.context.close()
