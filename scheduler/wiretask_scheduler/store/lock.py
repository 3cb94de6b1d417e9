"""The lock beside a database file: one scheduler at a time, and whoever comes second is told who the first one is.

The lock is on a file of its own: a process that opens and closes the database itself would drop SQLite's locks.
"""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path

from wiretask_scheduler.store.window import StoreError


class Lock:
    """Held as long as the process lives; the system lets go of it when the process dies."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + ".lock")
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror}; check the folder and its permissions") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._file, 200, 0).decode("utf-8", "replace").strip() or "an unknown process"
            os.close(self._file)
            raise StoreError(f"{database} is in use by {holder}; stop that scheduler or choose another file") from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)

    def close(self) -> None:
        """Lets the next one in."""
        os.ftruncate(self._file, 0)
        os.close(self._file)
