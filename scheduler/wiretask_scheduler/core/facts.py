"""What else than tasks must survive a restart: small pairs of a key and a value, which only the core can read.

A fact is written with the turn that makes it true. The store keeps it by its kind and its key, and forgets it at the
time that it names, if it names one; keys of one kind that belong together begin with the same octets.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple, TypeVar

import msgspec

T = TypeVar("T")


class Kind(IntEnum):
    """What a fact is about."""

    #: A task waits for another: its own seq and the other's id.
    EDGE = 1
    #: The result of a member: its callback's id and its place.
    PART = 2
    #: Who holds a unique key.
    UNIQUE = 3
    #: What an operator has said of a queue.
    QUEUE = 4
    #: What of a rate is used up.
    RATE = 5
    #: A recurring task.
    SCHEDULE = 6
    #: A task with a worker that somebody asked to stop: its seq, and how.
    STOP = 7
    #: A session that has taken over another one whose worker may not know yet: the other's token.
    HEIR = 8
    #: The principal of a session: its token.
    PRINCIPAL = 9
    #: What waits for a task is being cancelled, whatever it asked for: its id, or its id and that of its callback.
    UPROOT = 10


FactKey = tuple[int, bytes]
#: Of the seq in the key of an edge.
SEQ_OCTETS = 8


class Fact(NamedTuple):
    """What is kept under a key. `forget` by the wall clock, in milliseconds; None is never."""

    value: bytes
    forget: int | None = None


def edge(seq: int, dependency: bytes = b"") -> FactKey:
    """The key of an edge; without a dependency, how the keys of all edges of a task begin."""
    return Kind.EDGE, seq.to_bytes(SEQ_OCTETS, "big") + dependency


def part(callback: bytes, place: int) -> FactKey:
    """The key of a member's result."""
    return Kind.PART, callback + place.to_bytes(2, "big")


def unique(key: bytes) -> FactKey:
    """The key of a unique key."""
    return Kind.UNIQUE, key


def queue(name: str) -> FactKey:
    """The key of a queue."""
    return Kind.QUEUE, name.encode()


def rate(queue_name: str, key: str) -> FactKey:
    """The key of a rate."""
    return Kind.RATE, f"{queue_name}\0{key}".encode()


def schedule(name: str) -> FactKey:
    """The key of a recurring task."""
    return Kind.SCHEDULE, name.encode()


def stop(seq: int) -> FactKey:
    """The key of what somebody asked to stop."""
    return Kind.STOP, seq.to_bytes(SEQ_OCTETS, "big")


def heir(token: bytes) -> FactKey:
    """The key of a session that was taken over."""
    return Kind.HEIR, token


def principal(token: bytes) -> FactKey:
    """The key of whose a session is."""
    return Kind.PRINCIPAL, token


def uproot(dependency: bytes, callback: bytes) -> FactKey:
    """The key of a tree that is being cancelled; of a callback, where it waits for its member."""
    return Kind.UPROOT, dependency + callback


def pack(value: Any) -> bytes:
    """A value as it is kept."""
    return msgspec.msgpack.encode(value)


def unpack(value: bytes, kind: type[T]) -> T:
    """The value that was kept."""
    return msgspec.msgpack.decode(value, type=kind)
