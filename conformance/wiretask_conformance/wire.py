"""A codec that reads the spec while it works: slow, plain, and sharing nothing with the generated ones.

The suite speaks with it to implementations under test, and explains octets with it. Values are plain (conformance/
README.md, "Values"): integers are decimal strings, octets `hex:…`. A readable value has the names of enums and the
inside of relayed structs instead, and integers as integers: so scenarios are written; both forms can be encoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from wiretask_conformance.rules import holds
from wiretask_conformance.spec import Spec

HEADER = 5
WIDTHS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}
_CRITICAL = 0x8000
#: Longest body of a relayed struct: what the spec says of every body.
_LARGEST_BODY = 64 << 20


class Refused(Exception):
    """Octets that are not legal: the error of the protocol, the path of the field and where it begins.

    Where the fields of a whole message do not fit together there is no such place: no path, and None.
    """

    def __init__(self, error: str, field: str, offset: int | None) -> None:
        super().__init__("%s at %s (offset %s)" % (error, field or "the whole", offset))
        self.error = error
        self.field = field
        self.offset = offset


class Mark(NamedTuple):
    """Which octets are what."""

    start: int
    end: int
    path: str


class Decoded(NamedTuple):
    """A legal message or relayed struct. The marks count from the beginning of the frame."""

    name: str
    value: dict[str, Any]
    marks: list[Mark]


class Wire:
    """The codec of one spec."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    def decode(self, frame: bytes, *, readable: bool = False) -> Decoded:
        """A whole frame of a known command. Raises Refused; its offset counts from the beginning of the payload."""
        name = self.spec.commands[frame[0]]
        reader = _Reader(self.spec, frame[HEADER:], readable=readable)
        value = reader.finished(reader.message, name)
        marks = [Mark(0, 1, "command"), Mark(1, HEADER, "length")]
        return Decoded(name, value, marks + [Mark(m.start + HEADER, m.end + HEADER, m.path) for m in reader.marks])

    def decode_relayed(self, name: str, octets: bytes, *, readable: bool = False) -> Decoded:
        """A relayed struct, as it is read by whom it is for. Raises Refused."""
        reader = _Reader(self.spec, octets, readable=readable)
        return Decoded(name, reader.finished(reader.relayed, name), reader.marks)

    def marks(self, frame: bytes) -> list[Mark]:
        """What the octets of a frame are, as far as they can be read."""
        reader = _Reader(self.spec, frame[HEADER:], readable=False)
        with suppress(Refused, KeyError):
            reader.finished(reader.message, self.spec.commands.get(frame[0] if frame else 0, ""))
        header = [Mark(0, 1, "command"), Mark(1, HEADER, "length")]
        return header + [Mark(m.start + HEADER, m.end + HEADER, m.path) for m in reader.marks]

    def encode(self, name: str, value: dict[str, Any]) -> bytes:
        """The frame of a message. What the spec forbids is written all the same; only what no octets can say is not."""
        payload = _Writer(self.spec).message(name, value)
        return bytes([self.spec.messages[name]["command"]]) + len(payload).to_bytes(4, "big") + payload

    def encode_relayed(self, name: str, value: dict[str, Any]) -> bytes:
        """The octets of a relayed struct."""
        return _Writer(self.spec).relayed(name, value)


class _Reader:
    def __init__(self, spec: Spec, octets: bytes, *, readable: bool) -> None:
        self.spec = spec
        self.octets = octets
        self.at = 0
        self.end = len(octets)
        self.readable = readable
        self.marks: list[Mark] = []
        self.rules: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = []

    def finished(self, read: Any, name: str) -> dict[str, Any]:
        value: dict[str, Any] = read(name)
        if self.at < self.end:
            raise Refused("TRAILING_BYTES", "", self.at)
        return value

    def message(self, name: str) -> dict[str, Any]:
        """The rules of a message are judged when all of its fields have been read."""
        message = self.spec.messages[name]
        value = self.fields(message["fields"], "")
        tags = self.section(message["tags"], "tags", "")
        if message["relay"] is not None:
            field = message["relay"].lower()
            relayed = self.passed_on(message["relay"], field + ".")
            self.judge(message, {**value, **tags}, tags, "", None)
            return {**value, **tags, field: relayed}
        self.judge(message, {**value, **tags}, tags, "", None)
        return {**value, **tags}

    def relayed(self, name: str, prefix: str = "") -> dict[str, Any]:
        struct = self.spec.relayed[name]
        value = self.fields(struct["fields"], prefix)
        value.update(self.section(struct["tags"], prefix + "tags", prefix, critical=struct["critical_tags"]))
        value["body"] = self.value({"is": "bytes", "max": _LARGEST_BODY}, prefix + "body")
        return value

    def passed_on(self, name: str, prefix: str) -> Any:
        """A relayed struct inside of a message: its structure is looked at, its octets are the value."""
        start = self.at
        struct = self.spec.relayed[name]
        self.fields(struct["fields"], prefix)
        self.section(None, prefix + "tags", prefix, critical=struct["critical_tags"])
        self.value({"is": "bytes", "max": _LARGEST_BODY}, prefix + "body")
        octets = self.octets[start : self.at]
        if not self.readable:
            return "hex:" + octets.hex()
        try:
            return Wire(self.spec).decode_relayed(name, octets, readable=True).value
        except Refused:
            return "hex:" + octets.hex()

    def judge(
        self, owner: dict[str, Any], value: dict[str, Any], tags: dict[str, Any], path: str, at: int | None
    ) -> None:
        numbers = {"tag_count": len(tags) - ("unknown" in tags) + len(tags.get("unknown", ()))}
        for field in owner["fields"]:
            enum = self.spec.enums.get(field["type"].get("name", ""))
            numbers.update(enum["values"] if enum is not None else {})
            given = value[field["name"]]
            if isinstance(given, (int, str)) and str(given).isdigit():
                numbers[field["name"]] = int(given)
            elif enum is not None and given in enum["values"]:
                numbers[field["name"]] = enum["values"][given]
        for rule in owner["rules"].values():
            applies = rule["when"] is None or holds(rule["when"], numbers, tags)
            if applies and not holds(rule["require"], numbers, tags):
                raise Refused("RULE_BROKEN", path, at)

    def fields(self, fields: list[dict[str, Any]], prefix: str) -> dict[str, Any]:
        return {field["name"]: self.value(field["type"], prefix + field["name"]) for field in fields}

    def section(self, known: dict[str, Any] | None, path: str, prefix: str, *, critical: bool = True) -> dict[str, Any]:
        """A section of tags. With `known` None only its structure is looked at."""
        found: dict[str, Any] = {}
        unknown: list[dict[str, str]] = []
        last = 0
        for index in range(self.number(1, path)):
            entry = "%s[%d]" % (path, index)
            at = self.at
            self.need(6, entry, at)
            number, length = self.integer(2), self.integer(4)
            if number <= last:
                raise Refused("TAG_ORDER", entry, at)
            last = number
            self.need(length, entry, at)
            tag = (known or {}).get(str(number))
            name = prefix + tag["name"] if tag is not None else entry
            self.marks.append(Mark(at, self.at, name + " (tag %d)" % number))
            if tag is not None:
                found[tag["name"]] = self.tag_value(tag["type"], name, length)
                continue
            if number >= _CRITICAL and (known is not None or not critical):
                raise Refused("CRITICAL_TAG", entry, at)
            octets = self.take(length, name)
            unknown.append({"tag": str(number), "value": "hex:" + octets.hex()})
        if unknown:
            found["unknown"] = unknown
        return found

    def tag_value(self, type_: dict[str, Any], path: str, length: int) -> Any:
        """The value of a tag: it must take all of it; a text and octets have no other length."""
        start = self.at
        if type_["is"] in ("text", "bytes"):
            return self.sized(type_, self.take(length, path), path, start)
        with self.window(start + length):
            try:
                value = self.value(type_, path)
            except Refused as refused:
                if refused.error == "TRUNCATED":
                    raise Refused("TAG_LENGTH", path, start) from None
                raise
            if self.at < self.end:
                raise Refused("TAG_LENGTH", path, start)
        return value

    @contextmanager
    def window(self, end: int) -> Iterator[None]:
        before, self.end = self.end, end
        yield
        self.end = before

    def value(self, type_: dict[str, Any], path: str) -> Any:
        at = self.at
        return getattr(self, "_" + type_["is"])(type_, path, at)

    def _integer(self, type_: dict[str, Any], path: str, at: int) -> Any:
        number = self.number(WIDTHS[type_["integer"]], path)
        if not type_["min"] <= number <= type_["max"]:
            raise Refused("OUT_OF_RANGE", path, at)
        return number if self.readable else str(number)

    def _boolean(self, _type: dict[str, Any], path: str, at: int) -> bool:
        number = self.number(1, path)
        if number > 1:
            raise Refused("OUT_OF_RANGE", path, at)
        return number == 1

    def _enum(self, type_: dict[str, Any], path: str, at: int) -> Any:
        enum = self.spec.enums[type_["name"]]
        number = self.number(WIDTHS[enum["repr"]], path)
        names = {value: name for name, value in enum["values"].items()}
        if enum["closed"] and number not in names:
            raise Refused("BAD_ENUM", path, at)
        return names.get(number, number) if self.readable else str(number)

    def _flags(self, type_: dict[str, Any], path: str, at: int) -> Any:
        flags = self.spec.flags[type_["name"]]
        number = self.number(WIDTHS[flags["repr"]], path)
        if number & ~sum(1 << bit for bit in flags["bits"].values()):
            raise Refused("OUT_OF_RANGE", path, at)
        if self.readable:
            return [name for name, bit in flags["bits"].items() if number >> bit & 1]
        return str(number)

    def _fixed(self, type_: dict[str, Any], path: str, at: int) -> str:
        self.need(type_["size"], path, at)
        return "hex:" + self.take(type_["size"], path).hex()

    def _text(self, type_: dict[str, Any], path: str, at: int) -> Any:
        return self.sized(type_, self.prefixed(WIDTHS[type_["prefix"]], path), path, at)

    def _bytes(self, type_: dict[str, Any], path: str, at: int) -> Any:
        return self.sized(type_, self.prefixed(4, path), path, at)

    def _list(self, type_: dict[str, Any], path: str, at: int) -> list[Any]:
        count = self.number(2, path)
        if count > type_["max"]:
            raise Refused("LIMIT_EXCEEDED", path, at)
        return [self.value(type_["item"], "%s[%d]" % (path, index)) for index in range(count)]

    def _struct(self, type_: dict[str, Any], path: str, at: int) -> dict[str, Any]:
        struct = self.spec.structs[type_["name"]]
        value = self.fields(struct["fields"], path + ".")
        self.judge(struct, value, {}, path, at)
        return value

    def _relayed(self, type_: dict[str, Any], path: str, _at: int) -> Any:
        return self.passed_on(type_["name"], path + ".")

    def sized(self, type_: dict[str, Any], octets: bytes, path: str, at: int) -> str:
        """Octets or a text: the length, then UTF-8, then the pattern."""
        if not type_.get("min", 0) <= len(octets) <= type_["max"]:
            raise Refused("LIMIT_EXCEEDED", path, at)
        if type_["is"] == "bytes":
            return "hex:" + octets.hex()
        try:
            text = octets.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("BAD_UTF8", path, at) from None
        if "\0" in text:
            raise Refused("BAD_UTF8", path, at)
        if type_["pattern"] is not None and re.fullmatch(type_["pattern"], text, re.ASCII) is None:
            raise Refused("BAD_PATTERN", path, at)
        return text

    def prefixed(self, width: int, path: str) -> bytes:
        """Octets behind their length."""
        at = self.at
        length = self.number(width, path)
        self.need(length, path, at)
        return self.take(length, path)

    def number(self, width: int, path: str) -> int:
        self.need(width, path, self.at)
        self.marks.append(Mark(self.at, self.at + width, path))
        return self.integer(width)

    def integer(self, width: int) -> int:
        octets = self.octets[self.at : self.at + width]
        self.at += width
        return int.from_bytes(octets, "big")

    def take(self, count: int, path: str) -> bytes:
        if count:
            self.marks.append(Mark(self.at, self.at + count, path))
        self.at += count
        return self.octets[self.at - count : self.at]

    def need(self, count: int, path: str, at: int) -> None:
        if count > self.end - self.at:
            raise Refused("TRUNCATED", path, at)


class _Writer:
    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    def message(self, name: str, value: dict[str, Any]) -> bytes:
        message = self.spec.messages[name]
        octets = self.fields(message["fields"], value) + self.section(message["tags"], value)
        if message["relay"] is not None:
            octets += self.value({"is": "relayed", "name": message["relay"]}, value[message["relay"].lower()])
        return octets

    def relayed(self, name: str, value: dict[str, Any]) -> bytes:
        struct = self.spec.relayed[name]
        body = octets_of(value["body"])
        return self.fields(struct["fields"], value) + self.section(struct["tags"], value) + sized(body, 4)

    def fields(self, fields: list[dict[str, Any]], value: dict[str, Any]) -> bytes:
        return b"".join(self.value(field["type"], value[field["name"]]) for field in fields)

    def section(self, tags: dict[str, Any], value: dict[str, Any]) -> bytes:
        entries = [(int(item["tag"]), octets_of(item["value"])) for item in value.get("unknown", ())]
        for number, tag in tags.items():
            if tag["name"] in value:
                entries.append((int(number), self.value(tag["type"], value[tag["name"]], tagged=True)))
        entries.sort(key=lambda entry: entry[0])
        return bytes([len(entries)]) + b"".join(tag.to_bytes(2, "big") + sized(octets, 4) for tag, octets in entries)

    def value(self, type_: dict[str, Any], value: Any, *, tagged: bool = False) -> bytes:
        kind = type_["is"]
        if kind == "text":
            octets = value.encode("utf-8", "surrogatepass")
            return octets if tagged else sized(octets, WIDTHS[type_["prefix"]])
        if kind == "bytes":
            return octets_of(value) if tagged else sized(octets_of(value), 4)
        if kind == "fixed":
            return octets_of(value)
        if kind == "list":
            return len(value).to_bytes(2, "big") + b"".join(self.value(type_["item"], item) for item in value)
        if kind == "struct":
            return self.fields(self.spec.structs[type_["name"]]["fields"], value)
        if kind == "relayed":
            return octets_of(value) if isinstance(value, str) else self.relayed(type_["name"], value)
        return self.number(type_, value)

    def number(self, type_: dict[str, Any], value: Any) -> bytes:
        if type_["is"] == "integer":
            return int(value).to_bytes(WIDTHS[type_["integer"]], "big")
        if type_["is"] == "boolean":
            return bytes([bool(value)])
        if type_["is"] == "flags":
            flags = self.spec.flags[type_["name"]]
            number = sum(1 << flags["bits"][name] for name in value) if isinstance(value, list) else int(value)
            return number.to_bytes(WIDTHS[flags["repr"]], "big")
        enum = self.spec.enums[type_["name"]]
        return int(enum["values"].get(value, value)).to_bytes(WIDTHS[enum["repr"]], "big")


def octets_of(text: str) -> bytes:
    """The octets of `hex:…`."""
    return bytes.fromhex(text[len("hex:") :])


def sized(octets: bytes, width: int) -> bytes:
    """Octets behind their length."""
    return len(octets).to_bytes(width, "big") + octets
