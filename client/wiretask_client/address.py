"""Where the scheduler is, as people write it: HOST:PORT, and the URL of its HTTP side."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from wiretask_client.errors import BadCall

if TYPE_CHECKING:
    from urllib.parse import SplitResult

DEFAULT_PORT = 9001
DEFAULT_ADDRESS = f"127.0.0.1:{DEFAULT_PORT}"
#: Names the scheduler where nothing else does.
VARIABLE = "WIRETASK_SCHEDULER"
#: Where it serves HTTP if nobody says otherwise (its `--http`), and what names that where nothing else does.
DEFAULT_URL = "http://127.0.0.1:9002"
URL_VARIABLE = "WIRETASK_HTTP"


def default_address() -> str:
    """The address to use where none is given: of the environment, else of this machine."""
    return os.environ.get(VARIABLE) or DEFAULT_ADDRESS


def parse_address(text: str) -> tuple[str, int]:
    """The host and the port of HOST, HOST:PORT or [IPv6]:PORT. Raises BadCall."""
    host, colon, port = text.strip().rpartition(":")
    if not colon or (text.endswith("]") and text.startswith("[")):
        host, port = text.strip(), str(DEFAULT_PORT)
    bracketed = host.startswith("[") and host.endswith("]")
    if bracketed:
        host = host[1:-1]
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536 or (":" in host) != bracketed:
        raise BadCall(f"{text!r} is not an address; write HOST:PORT, {DEFAULT_ADDRESS} for example, or [IPV6]:PORT")
    return host, int(port)


def parse_url(url: str) -> SplitResult:
    """The parts of http://HOST:PORT, or of HOST:PORT. Raises BadCall."""
    from urllib.parse import urlsplit  # noqa: PLC0415 -- for operators

    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.query or parts.fragment or parts.username or not url.isascii() or not url.isprintable():
        raise BadCall(f"{url!r} is not where a scheduler serves HTTP; write {DEFAULT_URL} for example")
    return parts
