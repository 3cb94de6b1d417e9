"""A decoder written by hand from PROTOCOL.md: the third opinion, beside the two generated codecs.

Plain Python, nothing generated. It says only whether octets are legal, and if not, with which error. Where it differs
from the codecs, the document, the generator or this file is wrong. How it works: the tables say each layout in words
that `Reader.read` knows; a range stands after a colon.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Tags = dict[int, str]


STRUCTS = {
    "versions": "u16:1- u16:1-",
    "resource": "name u64",
    "header": "name line",
    "held": "b16 u64:1-",
    "retry": "u32 u16:1000- u32 u16:0-1000",
    "unique": "name u8 u8 u32",
    "group": "b16 u16",
    "gather": "u16 u8",
    "member": "u8 body",
    "gathered": "u8 list:65535:member",
    "keyed": "name u16:1-",
    "rate": "name u32:1- u32:1- u32:1-",
    "type": "name u8 u16",
    "attempt": "u16 u8 u64 line line",
    "id": "b16",
}
OPTIONS: Tags = {
    1: "u32:1-",
    2: "u64",
    3: "u32:1-",
    4: "u64",
    5: "u32:1-",
    6: "u16:1-",
    7: "retry",
    8: "unique",
    9: "list:64:name",
    10: "list:65535:id",
    11: "u8",
    12: "group",
    13: "keyed",
    14: "rate",
    15: "keyed",
    16: "u64",
    17: "u16:1-",
    18: "list:64:resource",
    19: "line",
    20: "gather",
}
TIMES: Tags = {64: "line", 65: "u32:1-", 66: "name", 67: "u8", 68: "u8", 69: "u32", 70: "Envelope"}
HELLO: Tags = {1: "versions", 2: "u8", 3: "u16:1-", 4: "line", 5: "u32:65536-67108864", 6: "u32:100-600000"}
HELLO.update({7: "u32:1-1000000", 8: "name", 9: "b16", 10: "u64", 11: "b32", 12: "line"})
STATUS: Tags = {1: "line", 2: "u8", 3: "u64", 4: "u64", 5: "u64", 6: "u64", 7: "u8", 8: "line", 9: "line", 10: "line"}
STATUS.update({11: "u16", 12: "u32", 13: "list:64:attempt", 14: "u16"})
#: Command -> fields, tags, and the relayed struct at the end.
MESSAGES: dict[int, tuple[str, Tags, str]] = {
    1: ("held u16:1- u32 u32", {1: "u16:1-", 2: "list:64:resource", 3: "gathered"}, "Envelope"),
    2: ("u64:1- b16 u64 u8", {1: "u8:0-1", 2: "u32", 3: "u16", 4: "u16"}, "Report"),
    3: ("kind:4 u64", HELLO, ""),
    4: ("u16 u8 u8 u8 u64 line", {1: "b16", 2: "u32", 3: "line", 4: "b16", 5: "line", 6: "u32"}, ""),
    5: ("kind:2 b32", {1: "b32"}, ""),
    6: ("u8", {1: "line", 2: "u32"}, ""),
    7: ("u64:1- b16 u16:0-7 u8:0-9", OPTIONS, "Envelope"),
    8: ("u64:1-", {}, ""),
    9: ("list:1024:keyed list:4096:type", {1: "list:256:name", 2: "list:256:resource"}, ""),
    10: ("u32 u64 u64", {1: "u32:1-"}, ""),
    11: ("u64:1- b16 u64 u8", {1: "u8:0-1"}, ""),
    12: ("b16 u64 u64 u64 body", {1: "line"}, ""),
    13: ("u64:1- b16", {}, ""),
    14: ("u64:1- b16 u8 u8 u16 name name", STATUS, ""),
    15: ("u64:1- b16", {1: "u8:0-1"}, ""),
    16: ("u64:1- name kind:2 u8:0-9", {**OPTIONS, **TIMES}, ""),
    17: ("held", {}, ""),
    18: ("u64:1- held u8", {1: "line"}, ""),
    19: ("b16 list:65535:held", {}, ""),
}
#: Relayed struct -> fields, tags, and whether a tag of it may be critical.
RELAYED: dict[str, tuple[str, Tags, bool]] = {
    "Envelope": ("name name u8", {1: "list:65535:header", 2: "line", 3: "line"}, True),
    "Report": ("u8", {1: "line", 2: "text", 3: "text"}, False),
}
#: Texts: octets of the length before it, longest.
TEXTS = {"name": (1, 128), "line": (2, 1024), "text": (2, 65535)}
NAME = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*")
LARGEST_BODY = 64 << 20


class Refused(Exception):
    """Octets are not legal; the argument is the name of the error."""


def need(holds: bool, error: str) -> None:
    if not holds:
        raise Refused(error)


class Reader:
    """Octets that are read from left to right."""

    def __init__(self, octets: bytes) -> None:
        self.octets, self.at, self.kind = octets, 0, 0

    def take(self, count: int) -> bytes:
        need(self.at + count <= len(self.octets), "TRUNCATED")
        self.at += count
        return self.octets[self.at - count : self.at]

    def number(self, octets: int) -> int:
        return int.from_bytes(self.take(octets), "big")

    def read(self, layout: str) -> None:
        """Words, one after the other."""
        for word in layout.split():
            name, _, rest = word.partition(":")
            if name in STRUCTS:
                start = self.at
                self.read(STRUCTS[name])
                if name == "versions":
                    need(self.octets[start : start + 2] <= self.octets[start + 2 : start + 4], "RULE_BROKEN")
            elif name in RELAYED:
                self.relayed(name)
            elif name in TEXTS:
                check_text(name, self.take(self.number(TEXTS[name][0])))
            elif name == "body":
                octets = self.take(self.number(4))
                need(len(octets) <= LARGEST_BODY, "LIMIT_EXCEEDED")
            elif name == "kind":
                self.kind = self.number(1)
                need(1 <= self.kind <= int(rest), "BAD_ENUM")
            elif name == "list":
                self.items(*rest.split(":"))
            elif name[0] == "b":
                self.take(int(name[1:]))
            else:
                check_range(self.number(int(name[1:]) // 8), rest)

    def items(self, most: str, item: str) -> None:
        count = self.number(2)
        need(count <= int(most), "LIMIT_EXCEEDED")
        for _ in range(count):
            self.read(item)

    def tags(self, known: Tags | None, *, critical: bool = True) -> list[int]:
        """A section of tags; returns their numbers. With `known` None only the structure is looked at."""
        seen = [0]
        for _ in range(self.number(1)):
            head = self.take(6)
            number, length = int.from_bytes(head[:2], "big"), int.from_bytes(head[2:], "big")
            need(number > seen[-1], "TAG_ORDER")
            seen.append(number)
            value = self.take(length)
            must = number >= 0x8000
            need(not must or (critical and known is None) or number in (known or {}), "CRITICAL_TAG")
            if known and number in known:
                read_tag(known[number], value)
        return seen[1:]

    def relayed(self, name: str, *, values: bool = False) -> None:
        """A relayed struct. Who relays it looks at the structure, who reads it also at the values of the tags."""
        fields, known, critical = RELAYED[name]
        self.read(fields)
        self.tags(known if values else None, critical=critical)
        self.read("body")


def check_range(number: int, bounds: str) -> None:
    least, _, most = bounds.partition("-")
    need(int(least or 0) <= number and (not most or number <= int(most)), "OUT_OF_RANGE")


def check_text(kind: str, octets: bytes) -> None:
    need((kind == "name") <= len(octets) <= TEXTS[kind][1], "LIMIT_EXCEEDED")
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("BAD_UTF8") from None
    need(b"\0" not in octets, "BAD_UTF8")
    need(kind != "name" or NAME.fullmatch(octets) is not None, "BAD_PATTERN")


def read_tag(layout: str, value: bytes) -> None:
    """The value of a tag: a text has the tag's length, everything else must fill the tag."""
    if layout in TEXTS:
        check_text(layout, value)
        return
    reader = Reader(value)
    try:
        reader.read(layout)
    except Refused as refused:
        raise Refused("TAG_LENGTH" if refused.args[0] == "TRUNCATED" else refused.args[0]) from None
    need(reader.at == len(value), "TAG_LENGTH")


def check_rules(command: int, kind: int, tags: list[int]) -> None:
    if command == 3:
        need(kind != 1 or {1, 2} <= set(tags), "RULE_BROKEN")
        need(kind != 2 or 3 in tags, "RULE_BROKEN")
        need(kind < 3 or not tags, "RULE_BROKEN")
    elif command == 5:
        need((kind == 2) == (1 in tags), "RULE_BROKEN")
    elif command == 16:
        need(kind != 1 or (70 in tags and (64 in tags or 65 in tags)), "RULE_BROKEN")
        need(kind != 2 or not tags, "RULE_BROKEN")


def said(octets: bytes, read: Callable[[Reader], None]) -> str | None:
    """None if the octets are read to their end without an error; else its name."""
    reader = Reader(octets)
    try:
        read(reader)
        need(reader.at == len(octets), "TRAILING_BYTES")
    except Refused as refused:
        return str(refused.args[0])
    return None


def decode(command: int, payload: bytes) -> str | None:
    """None for a legal payload; else the name of the error."""

    def read(reader: Reader) -> None:
        fields, known, relayed = MESSAGES[command]
        reader.read(fields)
        tags = reader.tags(known)
        if relayed:
            reader.relayed(relayed)
        check_rules(command, reader.kind, tags)

    return said(payload, read)


def decode_relayed(struct: str, octets: bytes) -> str | None:
    """None for a legal relayed struct, as it is read by whom it is for; else the name of the error."""
    return said(octets, lambda reader: reader.relayed(struct, values=True))


PING, PONG = (3, 3), (3, 4)
#: Commands, or commands with a kind, that are allowed in a state.
STATES: dict[str, tuple[int | tuple[int, int], ...]] = {
    "scheduler greeting": ((3, 1),),
    "scheduler challenged": (4, (5, 2), 6),
    "scheduler worker_new": (PING, PONG, 4, 6, 8, 9, 19),
    "scheduler worker": (2, PING, PONG, 4, 6, 8, 9, 10, 12, 18),
    "scheduler worker_draining": (2, PING, PONG, 4, 8, 10, 12, 18),
    "scheduler client": (PING, PONG, 4, 6, 7, 8, 11, 13, 15, 16),
    "worker opening": ((3, 2), 4, (5, 1), 6),
    "worker proving": ((3, 2), 4, 6),
    "worker accepted": (1, PING, PONG, 4, 6, 8, 11, 17, 19),
    "worker leaving": (PING, PONG, 4, 8, 11, 17),
    "client opening": ((3, 2), 4, (5, 1), 6),
    "client proving": ((3, 2), 4, 6),
    "client accepted": (2, PING, PONG, 4, 6, 8, 12, 14),
    "client leaving": (2, PING, PONG, 4, 8, 12, 14),
}
UNACCEPTED = ("greeting", "challenged", "opening", "proving")
#: Where a message leads, if not back to the same state. No layout is known of what follows `decides`: the scheduler has
#: to decide first, and reads nothing until then.
LEADS: dict[str, dict[int | tuple[int, int], str]] = {
    "scheduler greeting": {(3, 1): "decides"},
    "scheduler challenged": {(5, 2): "decides", 6: "closed"},
    "scheduler worker_new": {9: "worker", 6: "worker_draining"},
    "scheduler worker": {6: "worker_draining"},
    "scheduler client": {6: "closed"},
    "worker opening": {(5, 1): "proving", (3, 2): "accepted", 6: "closed"},
    "worker proving": {(3, 2): "accepted", 6: "closed"},
    "worker accepted": {6: "leaving"},
    "client opening": {(5, 1): "proving", (3, 2): "accepted", 6: "closed"},
    "client proving": {(3, 2): "accepted", 6: "closed"},
    "client accepted": {6: "leaving"},
}


def stream(side: str, state: str, limit: int, octets: bytes, *, end: bool) -> tuple[list[bytes], str | None]:
    """The frames that are found in a stream, and the error that ends it."""
    frames: list[bytes] = []
    at = 0
    if state == "greeting" and octets and octets[0] != 3:
        return [], "NOT_WIRETASK"
    while len(octets) - at >= 5:
        if side + " " + state not in STATES:
            return frames, None
        stop, error = next_frame(side, state, limit, octets, at)
        if error is not None:
            return frames, error
        if stop > len(octets):
            break
        command, payload = octets[at], octets[at + 5 : stop]
        if command in MESSAGES:
            frames.append(octets[at:stop])
            leads = LEADS.get(side + " " + state, {})
            state = leads.get(command) or leads.get((command, payload[0])) or state
        at = stop
    return frames, "TRUNCATED" if end and at < len(octets) else None


def next_frame(side: str, state: str, limit: int, octets: bytes, at: int) -> tuple[int, str | None]:
    """Where the frame ends (maybe beyond what has come), and what is wrong with it."""
    accepted = state not in UNACCEPTED
    allowed = STATES[side + " " + state]
    command, length = octets[at], int.from_bytes(octets[at + 1 : at + 5], "big")
    stop = at + 5 + length
    skipped = 0x80 <= command <= 0xCF and accepted
    if not skipped and not any(command in (word if isinstance(word, tuple) else (word,))[:1] for word in allowed):
        known = command in MESSAGES or 0x80 <= command <= 0xCF
        return stop, "UNEXPECTED_MESSAGE" if known else "UNKNOWN_COMMAND"
    if length > (limit if accepted else 4096):
        return stop, "FRAME_TOO_LARGE"
    if skipped or stop > len(octets):
        return stop, None
    payload = octets[at + 5 : stop]
    error = decode(command, payload)
    if error is None and command not in allowed and (command, payload[0]) not in allowed:
        error = "UNEXPECTED_MESSAGE"
    return stop, error
