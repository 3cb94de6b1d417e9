"""Log lines on standard error: when, how bad, what. A peer's words are escaped before they come here.

A line is a line: of an error only its last words and its place are shown, the whole story at the level `debug`. Or it
is JSON, for programs: then what it is about (`about(task=…)`) stands in fields of its own. The standard library's
logging, so that the lines of libraries are in the same form; a line costs too much for each task, so there is none.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from typing import Any

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


class Json(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{when}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            **getattr(record, "about", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = repr(record.exc_info[1])
            line["traceback"] = "".join(traceback.format_exception(record.exc_info[1]))
        return json.dumps(line, default=str)


def about(**fields: object) -> dict[str, Any]:
    """For `extra`: what a line is about, as fields."""
    return {"about": fields}


def _last_words(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {error}{place}"


def set_up(level: str, form: str = "text") -> None:
    """Logs from this level on, as text or as json. Once more changes it."""
    handler = logging.StreamHandler(sys.stderr)
    plain = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    handler.setFormatter(Json() if form == "json" else plain if level == "debug" else OneLine())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    logging.getLogger("aiohttp").setLevel(logging.WARNING)


def escaped(text: str) -> str:
    """A peer's words as they can be shown: on one line, without control characters, and not too many."""
    return text[:_SHOWN].encode("unicode_escape").decode("ascii")
