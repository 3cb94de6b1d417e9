"""A server that lets everybody in and answers heartbeats, and that is all; says `ready HOST:PORT`."""

from __future__ import annotations

import asyncio
from typing import Any

import uvloop

from wiretask_protocol import codec
from wiretask_protocol.connection import Connection
from wiretask_protocol.machines import SchedulerConnectionEvent
from wiretask_protocol.messages import Hello, HelloKind


class Peer(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.connection = Connection("scheduler")

    def data_received(self, octets: bytes) -> None:
        messages = self.connection.receive(octets)
        while self.connection.more:
            messages += self.connection.receive(b"")
        for message in messages:
            if isinstance(message, Hello) and message.kind is HelloKind.OPEN:
                accept = Hello(HelloKind.ACCEPT, message.nonce, version=1, session=bytes(16), heartbeat=5000)
                self.transport.write(codec.encode(accept))
                self.connection.event(SchedulerConnectionEvent.ACCEPT_WORKER)
            elif isinstance(message, Hello) and message.kind is HelloKind.PING:
                self.transport.write(codec.encode(Hello(HelloKind.PONG, message.nonce)))


async def main() -> None:
    """Serves until it is killed."""
    server = await asyncio.get_running_loop().create_server(Peer, "127.0.0.1", 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    print(f"ready 127.0.0.1:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
