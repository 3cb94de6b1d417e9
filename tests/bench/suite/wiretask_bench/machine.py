"""What a run was made on, for whoever reads its figures later."""

from __future__ import annotations

import datetime as dt
import os
import platform
import sqlite3
import subprocess
from importlib.metadata import version
from pathlib import Path

#: Of ours the commit, of others what the figures depend on.
_PACKAGES = ("msgspec", "uvloop")
_ROOT = Path(__file__).parents[4]


def machine(folder: Path) -> dict[str, str]:
    """Processor, system, versions, the file system of the stores, and how busy it was before."""
    return {
        "processor": f"{os.cpu_count()} × {_processor()}",
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "sqlite": sqlite3.sqlite_version,
        **{package: version(package) for package in _PACKAGES},
        "files": _said("findmnt", "--noheadings", "--output", "FSTYPE", "--target", str(folder)),
        "commit": _said("git", "-C", str(_ROOT), "rev-parse", "--short", "HEAD"),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def now() -> str:
    """The time, in UTC."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
