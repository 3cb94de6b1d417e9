"""The HTTP API of a live scheduler for a fuzzer: real sockets, one request an input, and a look whether it still serves."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "scheduler"))

from aiohttp.http_exceptions import HttpProcessingError
from http_place import asked  # type: ignore[import-not-found]

from wiretask_scheduler.http.endpoints import ENDPOINTS

_TASK = "01a3185c6d2a7756838230e9c5ce37a8"
#: What is there, as the API itself says, with what an operator may put in it.
PATHS = (
    *(endpoint.path.format(id=_TASK, name="default") for endpoint in ENDPOINTS),
    "/", "/healthz", "/readyz", "/metrics", "/api/openapi.json", "/api/events", "/api/tasks?limit=10&before=1&state=dead",
    "/api/tasks?type=x&queue=default&search=%41", "/api/dead/retry?type=x&error=y",
)  # fmt: skip
METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "X")
BODIES = (
    b"",
    b"{}",
    b"[]",
    b'{"mode": "paused"}',
    b'{"ids": ["x"], "all": true}',
    b'{"every": 1000, "type": "t"}',
    b"\xff",
    b"1",
)


class _Complaints(logging.Handler):
    """Whatever is logged as an error is a bug."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Somebody complains; aiohttp does of what is not HTTP, too, and answers it."""
        if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
            return
        why = f": {record.exc_info[1]!r}" if record.exc_info else ""
        self.found.append(record.getMessage() + why)


class Web:
    """A scheduler that lives as long as the fuzzer does."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.complaints = _Complaints()
        logging.getLogger().addHandler(self.complaints)
        self._asked: Any = None
        self.web = self.loop.run_until_complete(self._start())

    async def _start(self) -> Any:
        self._asked = asked()
        _, web = await self._asked.__aenter__()
        return web

    async def _say(self, octets: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self.web.host, self.web.port)
        answer = b""
        with suppress(ConnectionError, TimeoutError):
            writer.write(octets)
            await writer.drain()
            # A stream of events goes on: its beginning is enough.
            async with asyncio.timeout(5):
                answer = await reader.read(65536)
        writer.transport.abort()
        return answer

    def ask(self, octets: bytes) -> bytes:
        """What is answered. Raises AssertionError where the scheduler complains."""
        answer = self.loop.run_until_complete(self._say(octets))
        assert not self.complaints.found, self.complaints.found[0]
        return answer

    def close(self) -> None:
        """The end of it."""
        self.loop.run_until_complete(self._asked.__aexit__(None, None, None))
        self.loop.close()
        logging.getLogger().removeHandler(self.complaints)


_webs: list[Web] = []


def http(octets: bytes) -> None:
    """A request, and whether others are served after it."""
    if len(octets) < 4:
        return
    if not _webs:
        _webs.append(Web())
    web = _webs[0]
    said = octets[1:] + b"\r\n\r\n" if octets[0] >= 0xE0 else request(octets)
    answer = web.ask(said)
    assert not answer or answer.startswith(b"HTTP/1."), answer[:100]
    assert not answer.startswith(b"HTTP/1.1 500"), answer[:500]
    assert web.ask(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200")


def request(octets: bytes) -> bytes:
    """A request that is nearly legal: a method, a path and a body, and which octets of them are others."""
    method = METHODS[octets[0] % len(METHODS)]
    path = bytearray(PATHS[octets[1] % len(PATHS)].encode())
    body = bytearray(BODIES[octets[2] % len(BODIES)])
    for at in range(4, len(octets) - 1, 2):
        where = body if octets[3] % 2 and body else path
        where[octets[at] % len(where)] = octets[at + 1]
    target = bytes(octet for octet in path if octet > 0x20)
    head = b"%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nWiretask-Request: 1\r\nContent-Type: application/json\r\n"
    return head % (method.encode(), target) + b"Content-Length: %d\r\n\r\n" % len(body) + bytes(body)
