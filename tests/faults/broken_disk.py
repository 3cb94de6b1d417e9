"""The disk and the clock of one process, as a test says: a shim in C that is preloaded (see `broken_disk.c`).

It is compiled with the C compiler of the machine; where there is none, the tests that need it are skipped.
"""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_suffix(".c")
#: Kinds of files.
DATABASE, LOG, INDEX, OTHERS = 1, 2, 4, 8
ALL = DATABASE | LOG | INDEX | OTHERS

_FIELDS = (
    "write_errno",
    "sync_errno",
    "read_errno",
    "kinds",
    "skip",
    "hold_syncs",
    "sync_nanos",
    "wall_nanos",
    "faults",
    "syncs",
    "waiting",
)
_FIELD = struct.Struct("=q")


def compiled(folder: Path) -> Path:
    """The shim as a library; skips the test where it cannot be had."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or sys.platform != "linux":
        pytest.skip("the shim of a broken disk needs Linux and a C compiler (cc)")
    library = folder / "broken_disk.so"
    if not library.exists():
        command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return library


class BrokenDisk:
    """What happens to the files of one process whose path contains a word."""

    def __init__(self, library: Path, folder: Path, word: str) -> None:
        path = folder / "faults"
        path.write_bytes(bytes(_FIELD.size * len(_FIELDS)))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self.env = {"LD_PRELOAD": str(library), "WIRETASK_FAULTS": str(path), "WIRETASK_FAULTY_PATH": word}
        self.set(kinds=ALL)

    def set(self, **fields: int) -> None:
        """Changes what happens, from now on."""
        for name, value in fields.items():
            _FIELD.pack_into(self._map, _FIELDS.index(name) * _FIELD.size, value)

    def __getitem__(self, name: str) -> int:
        found: int = _FIELD.unpack_from(self._map, _FIELDS.index(name) * _FIELD.size)[0]
        return found

    @contextmanager
    def doing(self, **fields: int) -> Iterator[None]:
        """Something that happens for a while; nothing of it after that."""
        self.set(**fields)
        try:
            yield
        finally:
            self.set(**dict.fromkeys(fields, 0), skip=0)
            self.set(kinds=ALL)
