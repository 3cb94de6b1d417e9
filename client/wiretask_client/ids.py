"""Task ids: made here, so that a submission can be repeated without running twice.

A task id is a UUIDv7 whose last two bytes are the placement, the first two bytes of the SHA-256 of the queue's name
(PROTOCOL.md, TaskId). It knows no clock and no randomness: both are given. How it works: 48 bits of milliseconds, then
58 bits that begin at random in each millisecond and count up within it, so that ids of one process only ever rise and
lie together in an index; a clock that goes back is ignored until it has caught up.

    0                   48   52          64  66                    112             128
    | unix milliseconds | 7  | counter   | 2 | counter             | placement     |
"""

from __future__ import annotations

import functools
import hashlib
import struct
from collections.abc import Callable

from wiretask_client.errors import BadCall

_COUNTER_BITS = 58
#: A millisecond begins in the lower half, so that 2^57 ids fit into it before the counter runs over.
_START_BITS = _COUNTER_BITS - 1
_LOW_BITS = 46
_ID_OCTETS = 16

_PACK = struct.Struct(">QQ").pack


@functools.lru_cache(maxsize=4096)
def placement(queue: str) -> int:
    """Where the tasks of a queue belong: the first two bytes of the SHA-256 of its name."""
    return int.from_bytes(hashlib.sha256(queue.encode()).digest()[:2], "big")


class TaskIds:
    """Makes task ids that rise. `unix_millis` is the wall clock, `random_bits(n)` gives n random bits."""

    __slots__ = ("_counter", "_millis", "_random_bits", "_unix_millis")

    def __init__(self, unix_millis: Callable[[], int], random_bits: Callable[[int], int]) -> None:
        self._unix_millis = unix_millis
        self._random_bits = random_bits
        self._millis = -1
        self._counter = 0

    def restart(self) -> None:
        """Forgets how far it has counted: the next id begins at random."""
        self._millis = -1

    def make(self, queue: str) -> bytes:
        """A new id for a task of this queue."""
        millis = self._unix_millis()
        if millis > self._millis:
            self._millis = millis
            self._counter = self._random_bits(_START_BITS)
        else:
            self._counter += 1
            if self._counter >> _COUNTER_BITS:
                self._millis += 1
                self._counter = self._random_bits(_START_BITS)
        counter = self._counter
        return _PACK(
            self._millis << 16 | 0x7000 | counter >> _LOW_BITS,
            0x8000_0000_0000_0000 | (counter & 0x3FFF_FFFF_FFFF) << 16 | placement(queue),
        )


def id_text(task_id: bytes) -> str:
    """An id as people write it."""
    digits = task_id.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def id_bytes(text: str) -> bytes:
    """The id that somebody has written, with or without its dashes. Raises BadCall."""
    digits = text.strip().replace("-", "")
    try:
        task_id = bytes.fromhex(digits)
    except ValueError:
        task_id = b""
    if len(task_id) != _ID_OCTETS or len(digits) != 32:
        raise BadCall(f"{text!r} is not a task id; one is 32 hexadecimal digits, as submit --no-wait prints it")
    return task_id


def as_id(task_id: str | bytes) -> bytes:
    """An id in either form. Raises BadCall."""
    if isinstance(task_id, bytes) and len(task_id) == _ID_OCTETS:
        return task_id
    return id_bytes(task_id if isinstance(task_id, str) else repr(task_id))
