"""The page of a real scheduler in a real browser, with tasks that fail until a mark is there.

Pictures are written to the folder that $WIRETASK_SCREENSHOTS names; nox and CI keep them in `screenshots/`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from parts import start_scheduler

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

TASKS = """
import time
from pathlib import Path
from wiretask_worker import task

@task
def send(mark: str) -> str:
    if not Path(mark).exists():
        raise TimeoutError("nobody answers at <b>smtp</b>")
    return "sent"

@task
def draw(shape: str) -> str:
    raise ValueError(f"no such shape: {shape}")

@task
def hold(mark: str) -> str:
    while not Path(mark).exists():
        time.sleep(0.01)
    return "released"
"""


def picture(page: Any, name: str) -> None:
    """A picture of the page, if somebody wants to have one."""
    if folder := os.environ.get("WIRETASK_SCREENSHOTS"):
        Path(folder).mkdir(exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


class Day:
    """A scheduler with its page, tasks that fail until a mark is there, and the page in a browser."""

    def __init__(self, system, browser, *, flags: tuple[str, ...] = (), **options) -> None:
        self.system = system
        system.scheduler.terminate()
        extra = ("--http", "127.0.0.1:0", *flags)
        system.scheduler, system.address = start_scheduler(system.folder, extra=extra)
        self.url = re.findall(r"at (https?://\S+)", (system.folder / "scheduler.log").read_text())[-1]
        self.back, self.released = system.folder / "back", system.folder / "released"
        if not flags:
            self.worker = system.worker(*system.tasks(TASKS), "--name", "blue:1", "--concurrency", "4")
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 860}, **options})
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)

    def submit(self, task_type, *arguments, code=None):
        words = ("--no-wait",) if code is None else ()
        done = self.system.client("submit", "--type", task_type, "--json", json.dumps(arguments), *words)
        assert done.returncode == (code or 0), done.stderr
        return done.stdout.strip()

    def fail(self):
        """Five tasks of one type die, and one of another."""
        for _ in range(5):
            self.submit("send", str(self.back), code=1)
        self.submit("draw", "circle", code=1)

    def open(self, path="", ready="main[data-ready]"):
        self.page.goto(f"{self.url}/{path}")
        self.page.wait_for_selector(ready)
        return self.page
