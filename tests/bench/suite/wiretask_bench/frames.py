"""The frames that go through a relay: those of the protocol, and small ones of a fixed length."""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from hashlib import sha256

from wiretask_protocol import codec, messages

_HEADER = 5
_NUMBERED = struct.Struct(">Q32s")


class Frames(ABC):
    """What a client sends and reads, and what a worker makes of it."""

    @abstractmethod
    def tasks(self, first: int, count: int) -> bytes:
        """So many tasks, from a number on."""

    @abstractmethod
    def results(self, octets: bytes) -> tuple[int, bytes]:
        """How many results these are, each of them read; and what is left of the octets."""

    @abstractmethod
    def work(self, octets: bytes) -> tuple[bytes, bytes]:
        """The results of all tasks; and what is left of the octets."""


class Own(Frames):
    """Submit and Result, coded and decoded as our client and our worker do."""

    def tasks(self, first: int, count: int) -> bytes:
        frames = []
        for number in range(first, first + count):
            body = b"Hello, World! %d" % number
            envelope = codec.encode_envelope(messages.Envelope("sha256", "default", 0, body))
            frames.append(codec.encode(messages.Submit(number + 1, bytes(16), 1, 5, envelope)))
        return b"".join(frames)

    def results(self, octets: bytes) -> tuple[int, bytes]:
        at = count = 0
        decode = codec.DECODERS[messages.Result.COMMAND]
        while (stop := _end(octets, at)) <= len(octets):
            codec.decode_report(decode(octets, at + _HEADER, stop).report)  # type: ignore[union-attr] # a Result
            at = stop
            count += 1
        return count, octets[at:]

    def work(self, octets: bytes) -> tuple[bytes, bytes]:
        at, frames = 0, []
        decode = codec.DECODERS[messages.Submit.COMMAND]
        while (stop := _end(octets, at)) <= len(octets):
            submit = decode(octets, at + _HEADER, stop)
            assert isinstance(submit, messages.Submit)
            digest = sha256(codec.decode_envelope(submit.envelope).body).hexdigest().encode()
            report = codec.encode_report(messages.Report(0, digest))
            frames.append(codec.encode(messages.Result(submit.seq, submit.task_id, 0, 1, report)))
            at = stop
        return b"".join(frames), octets[at:]


def _end(octets: bytes, at: int) -> int:
    """Where the frame ends that begins there: behind the octets where they are no whole header."""
    if len(octets) - at < _HEADER:
        return len(octets) + 1
    return at + _HEADER + int.from_bytes(octets[at + 1 : at + _HEADER], "big")


class Small(Frames):
    """A number and 32 octets."""

    def tasks(self, first: int, count: int) -> bytes:
        pack = _NUMBERED.pack
        return b"".join([pack(number, b"Hello, World! %d" % number) for number in range(first, first + count)])

    def results(self, octets: bytes) -> tuple[int, bytes]:
        whole = len(octets) - len(octets) % _NUMBERED.size
        digests = dict(_NUMBERED.iter_unpack(octets[:whole]))
        return len(digests), octets[whole:]

    def work(self, octets: bytes) -> tuple[bytes, bytes]:
        whole = len(octets) - len(octets) % _NUMBERED.size
        pack = _NUMBERED.pack
        done = [
            pack(number, sha256(body.rstrip(b"\0")).digest()) for number, body in _NUMBERED.iter_unpack(octets[:whole])
        ]
        return b"".join(done), octets[whole:]


OWN, SMALL = Own(), Small()
#: The length of a small frame.
SMALL_OCTETS = _NUMBERED.size
