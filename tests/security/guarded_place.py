"""A scheduler in this process that wants tokens, or certificates; and peers that prove, or try without."""

from __future__ import annotations

import asyncio
import os
import ssl
from contextlib import asynccontextmanager
from typing import Any, cast

from wiretask_protocol import codec
from wiretask_protocol.authentication import Secret, Transcript, fingerprint
from wiretask_protocol.connection import Connection
from wiretask_protocol.messages import Auth, AuthKind, Hello, HelloKind, Role, VersionRange
from wiretask_scheduler.core import Broker, Settings
from wiretask_scheduler.core.grants import Grant
from wiretask_scheduler.doorkeeper import Doorkeeper
from wiretask_scheduler.flow import Flow
from wiretask_scheduler.session import SessionSettings
from wiretask_scheduler.store.memory import MemoryStore
from wiretask_scheduler.tokens import Keyring, Token


def secret(letter: str) -> Secret:
    return Secret(letter * 40)


def token(
    key_id: str, *roles: str, queues: tuple[str, ...] = ("*",), letter: str | None = None, principal: str | None = None
) -> Token:
    """A token that consists of the first letter of its key id, unless another one is said."""
    return Token(
        key_id=key_id,
        secret=secret(letter or key_id[0]),
        principal=principal or key_id,
        roles=frozenset(roles),
        grant=Grant(queues, admin="admin" in roles),
    )


TOKENS = (token("ann", "client"), token("ben", "client", queues=("ben.*",)), token("worker", "worker"))


class Peer:
    """Speaks raw frames, and remembers what it has sent and got in its handshake."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, role: str) -> None:
        self.reader, self.writer, self.role = reader, writer, role
        self.connection = Connection(cast("Any", role))
        self.waiting: list[Any] = []
        self.open = self.challenge = self.proof = self.accept = cast("Any", None)

    async def send(self, *messages: Any) -> None:
        self.writer.write(b"".join(each if isinstance(each, bytes) else codec.encode(each) for each in messages))
        await self.writer.drain()

    async def get(self) -> Any:
        """The next message; EOFError at the end of the stream."""
        while not self.waiting:
            octets = await self.reader.read(65536)
            if not octets:
                raise EOFError
            self.waiting += self.connection.receive(octets)
            while self.connection.more:
                self.waiting += self.connection.receive(b"")
        return self.waiting.pop(0)

    @property
    def certificate(self) -> bytes:
        inside = self.writer.get_extra_info("ssl_object")
        return fingerprint(inside.getpeercert(binary_form=True)) if inside is not None else b""

    async def greet(self, key_id: str | None = None, **rest: Any) -> Any:
        """Says open; returns what comes."""
        role = Role[self.role.upper()]
        self.open = Hello(HelloKind.OPEN, 7, **{"versions": VersionRange(1, 1), "role": role, "key_id": key_id, **rest})
        await self.send(self.open)
        return await self.get()

    async def prove(self, by: Secret, nonce: bytes | None = None) -> Any:
        """Answers the challenge; returns what comes."""
        nonce = nonce or os.urandom(32)
        said = Transcript(self.open, self.challenge, self.certificate)
        self.proof = Auth(AuthKind.PROOF, nonce, proof=said.client_proof(by, nonce))
        await self.send(self.proof)
        return await self.get()

    async def join(self, key_id: str, by: Secret | None = None, **rest: Any) -> Any:
        """The whole handshake; returns the accept, or what came instead of it."""
        self.challenge = await self.greet(key_id, **rest)
        assert self.challenge.kind is AuthKind.CHALLENGE
        self.accept = await self.prove(by or secret(key_id[0]))
        return self.accept

    def is_proved(self, by: Secret) -> bool:
        """Whether the scheduler has proved that it knows the token, too."""
        said = Transcript(self.open, self.challenge, self.certificate)
        return bool(said.server_proof(by, self.proof.nonce, self.accept) == self.accept.proof)


class Place:
    def __init__(self, flow: Flow, address: tuple[str, int], tls: ssl.SSLContext | None) -> None:
        self.flow, self.address, self.tls = flow, address, tls
        self.peers: list[Peer] = []

    async def peer(self, role: str = "client", **arguments: Any) -> Peer:
        if self.tls is not None:
            arguments = {"ssl": self.tls, "server_hostname": "localhost", **arguments}
        reader, writer = await asyncio.open_connection(*self.address, **arguments)
        self.peers.append(Peer(reader, writer, role))
        return self.peers[-1]


@asynccontextmanager
async def guarded(tokens=TOKENS, *, tls=None, trust=None, settings=None, **limits):
    """A running scheduler; `tls` is its own, `trust` the context of its peers."""
    failures: list[Exception] = []
    keeper = Doorkeeper(Keyring(tokens) if tokens is not None else None, **limits)
    flow = Flow(
        Broker(Settings(), lambda: 0.5, lambda: os.urandom(16)),
        MemoryStore(),
        settings or SessionSettings(),
        body_budget=1 << 20,
        failed=failures.append,
        doorkeeper=keeper,
    )
    flow.start()
    place = Place(flow, await flow.server.listen("127.0.0.1", 0, tls), trust)
    try:
        yield place
    finally:
        for peer in place.peers:
            peer.writer.close()
        await flow.stop()
        await flow.server.stop()
        flow.close()
    assert failures == []
