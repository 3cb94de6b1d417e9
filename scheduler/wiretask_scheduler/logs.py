"""Log lines on standard error: when, how bad, what. A peer's words are escaped before they come here."""

from __future__ import annotations

import logging
import sys

#: Characters of a peer's words that a line shows.
_SHOWN = 100


def set_up(level: str) -> None:
    """Logs from this level on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    logging.getLogger("aiohttp").setLevel(logging.WARNING)


def escaped(text: str) -> str:
    """A peer's words as they can be shown: on one line, without control characters, and not too many."""
    return text[:_SHOWN].encode("unicode_escape").decode("ascii")
