"""A great many tasks that no worker takes: of one plain kind, or delayed, prioritised, keyed and of tenants."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import uvloop

from wiretask_protocol import codec, messages
from wiretask_protocol.connection import Connection

BODY = b"Hello, World!"
_BATCH = 1000
_WINDOW = 20_000
_DELAY_MS = 40_000_000
_PLACEMENT = sha256(b"default").digest()[:2]
_ENVELOPE = codec.encode_envelope(messages.Envelope("nobody.knows", "default", 0, BODY))


def task_id(number: int) -> bytes:
    """An id as a client makes it, of the queue `default`."""
    return (1_700_000_000_000 + number).to_bytes(6, "big") + b"\x70\0\x80" + number.to_bytes(5, "big") + _PLACEMENT


def plain(seq: int, chance: random.Random) -> messages.Submit:
    """A task that nobody takes."""
    return messages.Submit(seq, task_id(seq), 0, 5, _ENVELOPE)


def mixed(seq: int, chance: random.Random) -> messages.Submit:
    """A quarter each is delayed, of ten priorities, with a concurrency key, of a thousand tenants."""
    kind, priority = seq % 4, 5
    options: dict[str, Any] = {}
    if kind == 0:
        options = {"delay": _DELAY_MS + chance.randrange(1000)}
    elif kind == 1:
        priority = chance.randrange(10)
    elif kind == 2:
        options = {"concurrency": messages.ConcurrencyKey(f"key{chance.randrange(1000)}", 2)}
    else:
        options = {"fairness": messages.FairnessKey(f"tenant{chance.randrange(1000)}", 1)}
    return messages.Submit(seq, task_id(seq), 0, priority, _ENVELOPE, **options)


async def _fill(
    address: str, count: int, make: Callable[[int, random.Random], messages.Submit], taken: Callable[[int], None]
) -> float:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    hello = messages.Hello(messages.HelloKind.OPEN, 1, versions=messages.VersionRange(1, 1), role=messages.Role.CLIENT)
    writer.write(codec.encode(hello))
    connection = Connection("client")
    chance = random.Random(1)
    accepted, sent = -1, 0
    began = time.perf_counter()
    while accepted < count:
        while accepted >= 0 and sent < count and sent - accepted < _WINDOW:
            some = range(sent + 1, min(sent + _BATCH, count) + 1)
            writer.write(b"".join([codec.encode(make(seq, chance)) for seq in some]))
            sent += len(some)
        octets = await reader.read(1 << 16)
        if not octets:
            raise RuntimeError("the scheduler has closed the connection")
        for message in connection.receive(octets):
            if isinstance(message, messages.Accepted):
                accepted = message.seq
                taken(accepted)
            elif isinstance(message, messages.Hello):
                accepted = max(accepted, 0)
    writer.close()
    return count / (time.perf_counter() - began)


def fill(
    address: str,
    count: int,
    make: Callable[[int, random.Random], messages.Submit] = plain,
    taken: Callable[[int], None] = lambda accepted: None,
) -> float:
    """Submits them all and returns how many were taken in a second; `taken` hears how many are."""
    return uvloop.run(_fill(address, count, make, taken))
