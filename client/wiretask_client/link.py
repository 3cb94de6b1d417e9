"""One stream to the scheduler, with TLS or without: how it is made, what comes on it, and why it has ended.

It knows addresses and the event loop, and nothing of what is said.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import socket
import ssl
from typing import Any, Protocol, cast

from wiretask_client.threads import in_thread
from wiretask_protocol import trust

#: What may wait in the transport before requests stay in the core.
_HIGH_WATER_OCTETS = 1024 * 1024


class Listener(Protocol):
    """Who hears what happens on a stream."""

    closed: bool

    def on_connected(self, link: Link) -> None:
        """There is a stream."""

    def on_data(self, octets: bytes) -> None:
        """Something has come."""

    def on_lost(self, error: Exception | None) -> None:
        """The stream has ended."""

    def ask_turn(self) -> None:
        """There is room for more."""


async def connect(listener: Listener, host: str, port: int, tls: ssl.SSLContext | None) -> None:
    """A stream to the first address of the host that takes one. Raises what the last one said."""
    name = None if tls is None else host

    async def connect_to(address: Any) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: Link(listener), *address[:2], ssl=tls, server_hostname=name)

    *others, last = await _addresses(host, port)
    for address in others:
        with contextlib.suppress(OSError):
            await connect_to(address)
            return
    await connect_to(last)


class Link(asyncio.Protocol):
    """One stream to the scheduler."""

    def __init__(self, listener: Listener) -> None:
        self.paused = False
        #: What stands for the certificate that the scheduler has shown in TLS.
        self.certificate = b""
        self._listener = listener
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self.certificate = trust.fingerprint_shown(transport.get_extra_info("ssl_object"))
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(_HIGH_WATER_OCTETS)
        if self._listener.closed:
            self._transport.abort()
            return
        self._listener.on_connected(self)

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._listener.on_data(data)

    def pause_writing(self) -> None:
        """See asyncio."""
        self.paused = True

    def resume_writing(self) -> None:
        """See asyncio."""
        self.paused = False
        self._listener.ask_turn()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._listener.on_lost(exc)

    def write(self, octets: bytes) -> None:
        """Sends, or keeps for sending."""
        if self._transport is not None:
            self._transport.write(octets)

    def close(self) -> None:
        """Ends the stream when everything is sent."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Ends the stream now."""
        if self._transport is not None:
            self._transport.abort()


async def _addresses(host: str, port: int) -> list[Any]:
    """The socket addresses of a host. Looked up in a thread: a slow name server must not outlast our timeout."""
    lookup = functools.partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = lookup(flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        found = await in_thread(lookup)
    return [address for *_, address in found]


def reason(error: BaseException) -> str:
    """Why there is no stream, in a few words."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or "TLS was cut off").lower().replace("_", " ")
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or "no answer"
