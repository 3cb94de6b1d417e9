"""Log lines on standard error: when, how bad, what. A peer's words are escaped before they come here.

A line is a line: of an error only its last words and its place are shown, the whole story at the level `debug`.
"""

from __future__ import annotations

import logging
import sys
import traceback

#: Characters of a peer's words that a line shows.
_SHOWN = 200


class OneLine(logging.Formatter):
    """Puts a record on one line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line, whatever is in the record."""
        text = self.formatTime(record) + f" {record.levelname} {record.getMessage()}"
        if record.exc_info and record.exc_info[1] is not None:
            text += f" ({_last_words(record.exc_info[1])})"
        return text.replace("\n", "\\n")


def _last_words(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {error}{place}"


def set_up(level: str) -> None:
    """Logs from this level on."""
    handler = logging.StreamHandler(sys.stderr)
    plain = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    handler.setFormatter(plain if level == "debug" else OneLine())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    logging.getLogger("aiohttp").setLevel(logging.WARNING)


def escaped(text: str) -> str:
    """A peer's words as they can be shown: on one line, without control characters, and not too many."""
    return text[:_SHOWN].encode("unicode_escape").decode("ascii")
