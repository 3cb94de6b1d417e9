"""Log lines on standard error: when, how bad, what. A peer's words are escaped before they come here."""

from __future__ import annotations

import logging
import sys


def set_up(level: str) -> None:
    """Logs from this level on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    logging.getLogger("aiohttp").setLevel(logging.WARNING)
