"""Lines on stderr, one per event, with what peers say made harmless."""

from __future__ import annotations

import logging
import sys

LEVELS = ("debug", "info", "warning", "error")
_LINE = "%(asctime)s %(levelname)s %(message)s"


def set_up(level: str) -> None:
    """Writes what is logged from `level` on to stderr."""
    logging.basicConfig(stream=sys.stderr, level=level.upper(), format=_LINE)


def escape(text: str) -> str:
    """The text on one line without control characters: a terminal must not obey a peer."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
