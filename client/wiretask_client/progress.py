"""A progress bar on a terminal. Imported only where there is one: rich takes its time to load.

Where the results go to a terminal too it is most likely the same one: the bar steps aside while they are printed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as RichProgress
from rich.text import Text

from wiretask_client.terminal import PROGRAM, escaped, is_terminal
from wiretask_protocol.messages import Progress


class Bar:
    """A bar on stderr, while it is entered."""

    def __init__(self, total: int | None) -> None:
        self._console = Console(stderr=True)
        self._steps_aside = is_terminal(sys.stdout)
        columns = (SpinnerColumn(), BarColumn(), MofNCompleteColumn(), _Speed(), TimeElapsedColumn())
        self._progress = RichProgress(*columns, console=self._console, transient=self._steps_aside)
        self._task = self._progress.add_task("tasks", total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def advance(self, count: int) -> None:
        """So many more are done."""
        self._progress.advance(self._task, count)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """While results are printed."""
        if not self._steps_aside:
            yield
            return
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()

    def say(self, text: str) -> None:
        """Says something above the bar."""
        self._console.print(f"{PROGRAM}: {escaped(text)}", markup=False, highlight=False, soft_wrap=True)


class TaskBar:
    """A bar on stderr for one task, from its first progress on. Call `stop` when it has ended."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        columns = (SpinnerColumn(), BarColumn(), TaskProgressColumn(), TextColumn("{task.description}", markup=False))
        self._progress = RichProgress(*columns, console=self._console, transient=True)
        self._task: TaskID | None = None

    def show(self, progress: Progress) -> None:
        """It is on its way."""
        if self._task is None:
            self._task = self._progress.add_task("", total=None)
            self._progress.start()
        total, text = progress.total or None, progress.text
        description = None if text is None else escaped(text)
        self._progress.update(self._task, completed=progress.current, total=total, description=description)

    def say(self, text: str) -> None:
        """Says something above the bar."""
        self._console.print(f"{PROGRAM}: {escaped(text)}", markup=False, highlight=False, soft_wrap=True)

    def stop(self) -> None:
        """It has ended: the line is free again."""
        if self._task is not None:
            self._progress.refresh()
        self._progress.stop()


class _Speed(ProgressColumn):
    """Tasks a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")
