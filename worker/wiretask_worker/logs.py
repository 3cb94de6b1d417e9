"""Lines on stderr, one per event, with what peers say made harmless.

Plain text for people, or JSON for programs: then what a line is about (`about(task=…)`) stands in fields of its own.
The standard library's logging, so that the lines of task modules and libraries are in the same form.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from typing import Any

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")
_LINE = "%(asctime)s %(levelname)s %(message)s"


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


def set_up(level: str, form: str = "text") -> None:
    """Writes what is logged from `level` on to stderr. Once more changes it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Json() if form == "json" else logging.Formatter(_LINE))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def escape(text: str) -> str:
    """The text on one line without control characters: a terminal must not obey a peer."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
