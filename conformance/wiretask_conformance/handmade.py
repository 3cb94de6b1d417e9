"""A decoder written by hand from PROTOCOL.md: the third opinion, beside the two generated codecs.

Plain Python, nothing generated. It says only whether a payload is legal, and if not, with which error. Where it differs
from the codecs, the document, the generator or this file is wrong.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Union


class Refused(Exception):
    """A payload is not legal; the argument is the name of the error."""


NAME = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*")
WIDTHS = {"B": 1, "H": 2, "I": 4, "Q": 8}


class Cursor:
    """Octets that are read from left to right."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.at = 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.octets):
            raise Refused("TRUNCATED")
        self.at += count
        return self.octets[self.at - count : self.at]

    def number(self, code: str, least: int = 0, most: int | None = None) -> int:
        value: int
        (value,) = struct.unpack(">" + code, self.take(WIDTHS[code]))
        if value < least or (most is not None and value > most):
            raise Refused("OUT_OF_RANGE")
        return value

    def closed(self, values: set[int]) -> int:
        value = self.number("B")
        if value not in values:
            raise Refused("BAD_ENUM")
        return value

    def name(self) -> None:
        check_name(self.take(self.number("B")))

    def text(self, most: int = 1024) -> None:
        check_text(self.take(self.number("H")), most)

    def body(self) -> None:
        octets = self.take(self.number("I"))
        if len(octets) > 64 << 20:
            raise Refused("LIMIT_EXCEEDED")

    def items(self, read: Callable[[Cursor], object], most: int = 65535) -> None:
        count = self.number("H")
        if count > most:
            raise Refused("LIMIT_EXCEEDED")
        for _ in range(count):
            read(self)

    def tags(self, known: dict[int, Kind], *, critical: bool = True, values: bool = True) -> list[int]:
        """A section of tags; returns the numbers that were there."""
        seen: list[int] = []
        for _ in range(self.number("B")):
            number, length = struct.unpack(">HI", self.take(6))
            if number <= (seen[-1] if seen else 0):
                raise Refused("TAG_ORDER")
            seen.append(number)
            value = self.take(length)
            if not values:
                if number >= 0x8000 and not critical:
                    raise Refused("CRITICAL_TAG")
            elif number in known:
                read_tag(value, known[number])
            elif number >= 0x8000:
                raise Refused("CRITICAL_TAG")
        return seen


#: How the value of a tag is read: as a name, a line, a text, or by a function.
Kind = Union[str, Callable[[Cursor], object]]


def check_name(octets: bytes) -> None:
    """A name: 1 to 128 octets of a pattern."""
    if not 1 <= len(octets) <= 128:
        raise Refused("LIMIT_EXCEEDED")
    check_text(octets, 128)
    if not NAME.fullmatch(octets):
        raise Refused("BAD_PATTERN")


def check_text(octets: bytes, most: int) -> None:
    """UTF-8 without NUL."""
    if len(octets) > most:
        raise Refused("LIMIT_EXCEEDED")
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("BAD_UTF8") from None
    if b"\0" in octets:
        raise Refused("BAD_UTF8")


def read_tag(value: bytes, kind: Kind) -> None:
    """The value of a tag: a text or a name has the tag's length, everything else its own."""
    if kind == "name":
        check_name(value)
    elif kind == "line":
        check_text(value, 1024)
    elif kind == "text":
        check_text(value, 65535)
    else:
        assert not isinstance(kind, str)
        cursor = Cursor(value)
        try:
            kind(cursor)
        except Refused as refused:
            raise Refused("TAG_LENGTH" if refused.args[0] == "TRUNCATED" else refused.args[0]) from None
        if cursor.at != len(value):
            raise Refused("TAG_LENGTH")


def u8(c: Cursor) -> None:
    c.number("B")


def u16(c: Cursor) -> None:
    c.number("H")


def u16_1(c: Cursor) -> None:
    c.number("H", 1)


def u32(c: Cursor) -> None:
    c.number("I")


def u32_1(c: Cursor) -> None:
    c.number("I", 1)


def u64(c: Cursor) -> None:
    c.number("Q")


def flag(c: Cursor) -> None:
    c.number("B", 0, 1)


def id16(c: Cursor) -> None:
    c.take(16)


def id32(c: Cursor) -> None:
    c.take(32)


def names(c: Cursor) -> None:
    c.items(Cursor.name, 64)


def labels(c: Cursor) -> None:
    c.items(Cursor.name, 256)


def ids(c: Cursor) -> None:
    c.items(id16)


def resource(c: Cursor) -> None:
    c.name()
    u64(c)


def resources(c: Cursor) -> None:
    c.items(resource, 64)


def worker_resources(c: Cursor) -> None:
    c.items(resource, 256)


def lease(c: Cursor) -> None:
    c.take(16)
    c.number("Q", 1)


def header(c: Cursor) -> None:
    c.name()
    c.text()


def headers(c: Cursor) -> None:
    c.items(header)


def retry(c: Cursor) -> None:
    u32(c)
    c.number("H", 1000)
    u32(c)
    c.number("H", 0, 1000)


def unique(c: Cursor) -> None:
    c.name()
    u8(c)
    u8(c)
    u32(c)


def group(c: Cursor) -> None:
    c.take(16)
    u32(c)
    u32_1(c)


def keyed(c: Cursor) -> None:
    c.name()
    u16_1(c)


def rate(c: Cursor) -> None:
    c.name()
    u32_1(c)
    u32_1(c)
    u32_1(c)


def type_support(c: Cursor) -> None:
    c.name()
    u8(c)
    u16(c)


def attempt(c: Cursor) -> None:
    u16(c)
    u8(c)
    u64(c)
    c.text()
    c.text()


def attempts(c: Cursor) -> None:
    c.items(attempt, 64)


def versions(c: Cursor) -> None:
    if c.number("H", 1) > c.number("H", 1):
        raise Refused("RULE_BROKEN")


def envelope(c: Cursor) -> None:
    c.name()
    c.name()
    u8(c)
    c.tags({}, values=False)
    c.body()


def report(c: Cursor) -> None:
    u8(c)
    c.tags({}, critical=False, values=False)
    c.body()


OPTIONS: dict[int, Kind] = {
    1: u32_1,
    2: u64,
    3: u32_1,
    4: u64,
    5: u32_1,
    6: u16_1,
    7: retry,
    8: unique,
    9: names,
    10: ids,
    11: u8,
    12: group,
    13: keyed,
    14: rate,
    15: keyed,
    16: u64,
    17: u16_1,
    18: resources,
    19: "line",
}
HELLO: dict[int, Kind] = {
    1: versions,
    2: u8,
    3: u16_1,
    4: "line",
    5: lambda c: c.number("I", 65536, 67108864),
    6: lambda c: c.number("I", 100, 600000),
    7: lambda c: c.number("I", 1, 1000000),
    8: "name",
    9: id16,
    10: u64,
    11: id32,
    12: "line",
}
STATUS: dict[int, Kind] = {
    1: "line",
    2: u8,
    3: u64,
    4: u64,
    5: u64,
    6: u64,
    7: u8,
    8: "line",
    9: "line",
    10: "line",
    11: u16,
    12: u32,
    13: attempts,
    14: u16,
}


def hello(c: Cursor) -> None:
    kind = c.closed({1, 2, 3, 4})
    u64(c)
    tags = c.tags(HELLO)
    if (kind == 1 and not {1, 2} <= set(tags)) or (kind == 2 and 3 not in tags) or (kind in (3, 4) and tags):
        raise Refused("RULE_BROKEN")


def auth(c: Cursor) -> None:
    kind = c.closed({1, 2})
    c.take(32)
    if (1 in c.tags({1: id32})) != (kind == 2):
        raise Refused("RULE_BROKEN")


def schedule(c: Cursor) -> None:
    c.number("Q", 1)
    c.name()
    action = c.closed({1, 2})
    c.number("B", 0, 9)
    tags = c.tags({**OPTIONS, 64: "line", 65: u32_1, 66: "name", 67: u8, 68: u8, 69: u32, 70: envelope})
    if (action == 1 and not (70 in tags and (64 in tags or 65 in tags))) or (action == 2 and tags):
        raise Refused("RULE_BROKEN")


def seq_and_id(c: Cursor) -> None:
    c.number("Q", 1)
    c.take(16)


def task(c: Cursor) -> None:
    lease(c)
    u16_1(c)
    u32(c)
    u32(c)
    c.tags({1: u16_1, 2: resources})
    envelope(c)


def result(c: Cursor) -> None:
    seq_and_id(c)
    u64(c)
    u8(c)
    c.tags({1: flag, 2: u32, 3: u16, 4: u16})
    report(c)


def error(c: Cursor) -> None:
    u16(c)
    u8(c)
    u8(c)
    u8(c)
    u64(c)
    c.text()
    c.tags({1: id16, 2: u32, 3: "line", 4: id16, 5: "line", 6: u32})


def goodbye(c: Cursor) -> None:
    u8(c)
    c.tags({1: "line", 2: u32})


def submit(c: Cursor) -> None:
    seq_and_id(c)
    c.number("H", 0, 7)
    c.number("B", 0, 9)
    c.tags(OPTIONS)
    envelope(c)


def accepted(c: Cursor) -> None:
    c.number("Q", 1)
    c.tags({})


def subscribe(c: Cursor) -> None:
    c.items(keyed, 1024)
    c.items(type_support, 4096)
    c.tags({1: labels, 2: worker_resources})


def credit(c: Cursor) -> None:
    u32(c)
    u64(c)
    u64(c)
    c.tags({})


def cancel(c: Cursor) -> None:
    seq_and_id(c)
    u64(c)
    u8(c)
    c.tags({1: flag})


def progress(c: Cursor) -> None:
    c.take(16)
    u64(c)
    u64(c)
    u64(c)
    c.body()
    c.tags({1: "line"})


def query(c: Cursor) -> None:
    seq_and_id(c)
    c.tags({})


def status(c: Cursor) -> None:
    seq_and_id(c)
    u8(c)
    u8(c)
    u16(c)
    c.name()
    c.name()
    c.tags(STATUS)


def await_(c: Cursor) -> None:
    seq_and_id(c)
    c.tags({1: flag})


def retract(c: Cursor) -> None:
    lease(c)
    c.tags({})


def return_(c: Cursor) -> None:
    c.number("Q", 1)
    lease(c)
    u8(c)
    c.tags({1: "line"})


def resume(c: Cursor) -> None:
    c.take(16)
    c.items(lease)
    c.tags({})


READERS: dict[int, Callable[[Cursor], None]] = {
    1: task,
    2: result,
    3: hello,
    4: error,
    5: auth,
    6: goodbye,
    7: submit,
    8: accepted,
    9: subscribe,
    10: credit,
    11: cancel,
    12: progress,
    13: query,
    14: status,
    15: await_,
    16: schedule,
    17: retract,
    18: return_,
    19: resume,
}


def decode(command: int, payload: bytes) -> str | None:
    """None for a legal payload; else the name of the error."""
    cursor = Cursor(payload)
    try:
        READERS[command](cursor)
    except Refused as refused:
        return str(refused.args[0])
    return "TRAILING_BYTES" if cursor.at != len(payload) else None
