"""Where the scheduler is: HOST:PORT, as people write it."""

from __future__ import annotations

import os

from wiretask_client.errors import BadCall

DEFAULT_PORT = 9001
DEFAULT_ADDRESS = f"127.0.0.1:{DEFAULT_PORT}"
#: Names the scheduler where nothing else does.
VARIABLE = "WIRETASK_SCHEDULER"


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
