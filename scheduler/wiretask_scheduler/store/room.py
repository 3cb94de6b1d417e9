"""How much room there is for the file and its log, and what is kept of it for those tasks that are there already.

The log takes the most: a task that ends needs less in the file than it gives back, but some pages of the log. So the
log pays for itself. It is copied back and cut before it is longer than what is free for copying it; and where a commit
finds no space, the ballast lends the room to copy it, which gives back more than that took.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from wiretask_scheduler.store.ballast import Ballast

#: A log past this size is copied back as a whole and cut, between two commits.
LOG_BYTES = 64 << 20
#: Room that new tasks must leave to those that are there, for their reports and what is noted of them; less on a disk
#: that is small.
RESERVE_BYTES, RESERVE_SHARE = 16 << 20, 8
#: As long as so much is free nobody needs to know more: twice what may be on its way to the store, and the log.
_PLENTY_BYTES = 256 << 20
#: How often to try where somebody reads the log, or copies it back already; each waits for `opening.BUSY_SECONDS`.
_TRIES = 20


def log_bytes(path: Path) -> int:
    """The length of the log."""
    try:
        return path.with_name(path.name + "-wal").stat().st_size
    except FileNotFoundError:
        return 0


class Room:
    """The room of one database, looked after on the connection that writes."""

    def __init__(self, writer: sqlite3.Connection, path: Path) -> None:
        self._writer = writer
        self._path = path
        self._ballast = Ballast(path)

    def left(self) -> int:
        """How much room is left for new tasks. Call it after each commit: it keeps the log in its bounds."""
        free, reserve = self._trimmed()
        return self._left(free, reserve)

    def _left(self, free: int, reserve: int) -> int:
        """How much room is left for new tasks: they go through the log, for which only the disk has room."""
        if free > _PLENTY_BYTES:
            return free - reserve
        return min(free + self._unused() - reserve, 2 * free)

    def _trimmed(self) -> tuple[int, int]:
        """What `_free` says when the log is no longer than what is free for copying it back."""
        free, reserve = self._free()
        if log_bytes(self._path) > min(LOG_BYTES, free // 2):
            self.cut_log()
            return self._free()
        return free, reserve

    def make(self) -> bool:
        """Frees what can be freed; whether that was anything."""
        released = self._ballast.release()
        # Before anything else is written: a commit would put into the log what copying it back needs.
        return self.cut_log(tries=_TRIES) or released

    def regain(self) -> bool:
        """Takes the ballast again; whether there is room for new tasks besides."""
        free, reserve = self._trimmed()
        if not self._ballast.octets and free > self._ballast.wanted + reserve and self._ballast.restore():
            free, reserve = self._free()
        # More than nothing: what has just been refused would else be taken and refused by turns.
        return bool(self._ballast.octets) and self._left(free, reserve) > reserve

    def cut_log(self, tries: int = 1) -> bool:
        """Copies the log back into the file and cuts it; whether it is shorter. The commits in it stand either way."""
        before = log_bytes(self._path)
        busy = before > 0
        while busy and tries:
            tries -= 1
            try:
                (busy, _, _) = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.OperationalError as error:
                # On a full disk, say, the log grows on until there is room. Some cannot even cut a file then, and the
                # log that is copied back is written over.
                code = error.sqlite_errorcode
                if code & 0xFF == sqlite3.SQLITE_IOERR and code != sqlite3.SQLITE_IOERR_TRUNCATE:
                    raise
                break
        return log_bytes(self._path) < before

    def close(self) -> None:
        """Leaves nothing behind but the file."""
        self._ballast.close()

    def _free(self) -> tuple[int, int]:
        """Octets that are free on the disk, and how many of them are reserved."""
        disk = os.statvfs(self._path.parent)
        return disk.f_bavail * disk.f_frsize, min(RESERVE_BYTES, disk.f_blocks * disk.f_frsize // RESERVE_SHARE)

    def _unused(self) -> int:
        """Octets of the file that nothing uses: what has ended and was forgotten leaves them behind."""
        (pages,) = self._writer.execute("PRAGMA freelist_count").fetchone()
        (octets,) = self._writer.execute("PRAGMA page_size").fetchone()
        return int(pages * octets)
