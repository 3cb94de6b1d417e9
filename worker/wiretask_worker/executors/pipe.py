"""What a worker and its child processes say to each other: msgpack with a length before it, over a socket pair.

No pickle: only octets and numbers cross, and both sides have imported the same task modules.
"""

from __future__ import annotations

import struct

import msgspec

_LENGTH = struct.Struct(">I")


class Setup(msgspec.Struct, tag="setup"):
    """To the child, first of all: where to find the task modules, and which they are."""

    path: list[str]
    modules: list[str]


class Call(msgspec.Struct, tag="call"):
    """To the child: run this."""

    task_id: bytes
    attempt: int
    #: The octets of an Envelope.
    envelope: bytes
    #: The results of its group: their form, and outcome and report of each.
    gathered: tuple[int, list[tuple[int, bytes]]] | None = None


class Ask(msgspec.Struct, tag="ask"):
    """To the child: what runs is to stop."""


class Leave(msgspec.Struct, tag="leave"):
    """To the child: there is nothing more to run; let go of your resources and end."""


class Up(msgspec.Struct, tag="up"):
    """From the child: the task modules are imported, a Call can come."""


class Broken(msgspec.Struct, tag="broken"):
    """From the child: the task modules cannot be imported here; it ends."""

    text: str


class Step(msgspec.Struct, tag="step"):
    """From the child: how far it is."""

    current: int
    total: int
    body: bytes
    text: str | None


class Done(msgspec.Struct, tag="done"):
    """From the child: the attempt has ended, as a Finished says it."""

    outcome: int
    report: bytes
    no_retry: bool | None
    retry_after: int | None
    #: Octets of memory that the child uses.
    memory: int = 0


ToChild = Setup | Call | Ask | Leave
FromChild = Up | Broken | Step | Done
_ENCODER = msgspec.msgpack.Encoder()
_TO_CHILD = msgspec.msgpack.Decoder(ToChild)
_FROM_CHILD = msgspec.msgpack.Decoder(FromChild)


def pack(said: ToChild | FromChild) -> bytes:
    """The octets of one message."""
    octets = _ENCODER.encode(said)
    return _LENGTH.pack(len(octets)) + octets


class Unpacker:
    """Octets in at any split, messages out."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def to_child(self, octets: bytes) -> list[ToChild]:
        """What has come whole, in the child."""
        return [_TO_CHILD.decode(piece) for piece in self._pieces(octets)]

    def from_child(self, octets: bytes) -> list[FromChild]:
        """What has come whole, in the worker."""
        return [_FROM_CHILD.decode(piece) for piece in self._pieces(octets)]

    def _pieces(self, octets: bytes) -> list[bytes]:
        rest = self._rest
        rest += octets
        pieces = []
        at = 0
        while len(rest) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(rest, at)
            stop = at + _LENGTH.size + length
            if stop > len(rest):
                break
            pieces.append(bytes(rest[at + _LENGTH.size : stop]))
            at = stop
        del rest[:at]
        return pieces
