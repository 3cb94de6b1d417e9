"""Space that is kept for a full disk, and given up when there is none left: it lets the log be copied back."""

from __future__ import annotations

import os
from pathlib import Path

#: What of the log has not been copied back when nobody writes much: `upkeep` begins at this length.
BALLAST_BYTES = 4 << 20


class Ballast:
    """A file beside the database that holds nothing but space."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + ".ballast")
        #: Octets that it holds, and those that it should.
        self.octets = 0
        self.wanted = BALLAST_BYTES
        self.restore()

    def restore(self) -> bool:
        """Takes the space, or takes it again; whether it has it."""
        if self.octets:
            return True
        try:
            with self.path.open("wb") as file:
                # Written, not only allocated: that means the same on every system.
                file.write(bytes(self.wanted))
                file.flush()
                os.fsync(file.fileno())
            self.octets = self.wanted
        except OSError:
            self.path.unlink(missing_ok=True)
        return self.octets > 0

    def release(self) -> bool:
        """Gives the space up; whether there was any."""
        held, self.octets = self.octets, 0
        self.path.unlink(missing_ok=True)
        return held > 0

    def close(self) -> None:
        """Leaves nothing behind."""
        self.release()
