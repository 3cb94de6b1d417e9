"""Space that is kept for a full disk: given up when there is none left, so that what runs can be brought to its end."""

from __future__ import annotations

import os
from pathlib import Path

#: Enough for the results of some ten thousand tasks.
BALLAST_BYTES = 4 << 20


class Ballast:
    """A file beside the database that holds nothing but space."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + ".ballast")
        self._held = False
        self.restore()

    def restore(self) -> bool:
        """Takes the space, or takes it again; whether it has it."""
        if self._held:
            return True
        try:
            with self.path.open("wb") as file:
                # Written, not only allocated: that means the same on every system.
                file.write(bytes(BALLAST_BYTES))
                file.flush()
                os.fsync(file.fileno())
            self._held = True
        except OSError:
            self.path.unlink(missing_ok=True)
        return self._held

    def release(self) -> bool:
        """Gives the space up; whether there was any."""
        held, self._held = self._held, False
        self.path.unlink(missing_ok=True)
        return held

    def close(self) -> None:
        """Leaves nothing behind."""
        self.release()
