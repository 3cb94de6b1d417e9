"""`--reload`, for development: the worker drains and starts anew when a file of its task modules has changed."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

from wiretask_worker.handlers import Catalog

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS = 0.25

#: Whether the worker is to start anew once it has drained.
wanted = False


async def watch(catalog: Catalog, drain: Callable[[], None]) -> None:
    """Asks for a drain when a file changes, vanishes or comes back."""
    global wanted  # noqa: PLW0603 -- of the process, which starts anew
    files = _files(catalog)
    before = _stamps(files)
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        now = _stamps(files)
        changed = [path for path in files if now[path] != before[path] and now[path]]
        if changed:
            _LOG.info("%s has changed: the worker starts anew when what runs is done", changed[0])
            wanted = True
            drain()
            return
        before = now


def start_anew() -> None:
    """Becomes a new process with the same command line."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", "wiretask_worker", *sys.argv[1:]])  # noqa: S606 -- our own


def _files(catalog: Catalog) -> list[Path]:
    """The files of the task modules, and of what lies beside them and they import."""
    own = {Path(file) for handler in catalog if (file := _file_of(handler.function.__module__)) is not None}
    folders = {path.parent for path in own}
    imported = {Path(file) for name in list(sys.modules) if (file := _file_of(name)) is not None}
    package = Path(__file__).parent
    return sorted(
        path for path in own | {each for each in imported if each.parent in folders} if path.parent != package
    )


def _file_of(module: str) -> str | None:
    return getattr(sys.modules.get(module), "__file__", None)


def _stamps(files: list[Path]) -> dict[Path, tuple[int, int] | None]:
    return {path: _stamp(path) for path in files}


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:  # between the old file and the new one, as editors do it
        return None
    return found.st_mtime_ns, found.st_size
