# Generated from spec/ (sha256 cc8e984844d8e543); do not edit.
# Edit the spec and run: nox -s generate
"""The bounded parts that the reference codec is built from: construct's own, with their traps closed.

construct is a joy to declare with, but on a peer's bytes it is too kind: unknown enum values pass, slack in a prefixed
part is dropped, a flag may be 2, a declared length of 4 GiB reaches read(), a missing key is a KeyError. Each class here
refuses instead, with the error of the protocol, the path of the field and its offset. Checks come in the order that
the protocol prescribes: completeness, limit, UTF-8, range or enum, pattern.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from typing import Any

from construct import Construct, Container

from wiretask_protocol.errors import ErrorCode, WireError

_HEADS = ("(parsing)", "(building)", "")


def field_of(path: str) -> str:
    """The path of a field in our words: `(parsing) -> leases[3] -> lease` is `leases[3].lease`."""
    return ".".join(part for part in path.split(" -> ") if part not in _HEADS)


class Integer(Construct):
    """An unsigned integer, big-endian, within bounds."""

    def __init__(self, octets: int, minimum: int = 0, maximum: int | None = None) -> None:
        super().__init__()
        self.octets = octets
        self.minimum = minimum
        self.maximum = (1 << 8 * octets) - 1 if maximum is None else maximum

    def _parse(self, stream: io.BytesIO, context: Container, path: str) -> Any:
        at = stream.tell()
        value = int.from_bytes(take(stream, self.octets, path, at), "big")
        return self.refine(value, path, at)

    def _build(self, obj: Any, stream: io.BytesIO, context: Container, path: str) -> Any:
        if not isinstance(obj, int):
            raise WireError(ErrorCode.OUT_OF_RANGE, field_of(path))
        self.refine(int(obj), path, None)
        stream.write(int(obj).to_bytes(self.octets, "big"))
        return obj

    def refine(self, value: int, path: str, at: int | None) -> Any:
        """The value that an integer stands for, or the refusal."""
        if not self.minimum <= value <= self.maximum:
            raise WireError(ErrorCode.OUT_OF_RANGE, field_of(path), at)
        return value

    def _sizeof(self, context: Container, path: str) -> int:
        return self.octets


class Boolean(Integer):
    """One octet, 0 or 1."""

    def __init__(self) -> None:
        super().__init__(1, 0, 1)

    def refine(self, value: int, path: str, at: int | None) -> bool:
        return bool(super().refine(value, path, at))


class ClosedEnum(Integer):
    """An enum whose other values are refused."""

    def __init__(self, octets: int, members: type) -> None:
        super().__init__(octets)
        self.members = members

    def refine(self, value: int, path: str, at: int | None) -> Any:
        super().refine(value, path, at)
        try:
            return self.members(value)
        except ValueError:
            raise WireError(ErrorCode.BAD_ENUM, field_of(path), at) from None


class FlagSet(Integer):
    """Flags; bits without a name are refused."""

    def __init__(self, octets: int, mask: int) -> None:
        super().__init__(octets)
        self.mask = mask

    def refine(self, value: int, path: str, at: int | None) -> int:
        super().refine(value, path, at)
        if value & ~self.mask:
            raise WireError(ErrorCode.OUT_OF_RANGE, field_of(path), at)
        return value


class Octets(Construct):
    """Exactly so many octets."""

    def __init__(self, octets: int) -> None:
        super().__init__()
        self.octets = octets

    def _parse(self, stream: io.BytesIO, context: Container, path: str) -> bytes:
        return take(stream, self.octets, path, stream.tell())

    def _build(self, obj: Any, stream: io.BytesIO, context: Container, path: str) -> Any:
        if not isinstance(obj, bytes | bytearray) or len(obj) != self.octets:
            raise WireError(ErrorCode.OUT_OF_RANGE, field_of(path))
        stream.write(obj)
        return obj

    def _sizeof(self, context: Container, path: str) -> int:
        return self.octets


class Sized(Construct):
    """A length, then so many octets. As the value of a tag, the length is the tag's."""

    def __init__(self, prefix: int, minimum: int, maximum: int) -> None:
        super().__init__()
        self.prefix = Integer(prefix)
        self.minimum = minimum
        self.maximum = maximum

    def _parse(self, stream: io.BytesIO, context: Container, path: str) -> Any:
        at = stream.tell()
        length = self.prefix._parse(stream, context, path)
        left = remaining(stream)
        if length > left:
            raise WireError(ErrorCode.TRUNCATED, field_of(path), at)
        return self.refine(stream.read(length), path, at)

    def parse_tag(self, octets: bytes, path: str, at: int) -> Any:
        """The value of a tag of these octets."""
        return self.refine(octets, path, at)

    def _build(self, obj: Any, stream: io.BytesIO, context: Container, path: str) -> Any:
        octets = self.octets_of(obj, path)
        self.refine(octets, path, None)
        self.prefix._build(len(octets), stream, context, path)
        stream.write(octets)
        return obj

    def build_tag(self, obj: Any, path: str) -> bytes:
        """The octets of the value of a tag."""
        octets = self.octets_of(obj, path)
        self.refine(octets, path, None)
        return octets

    def octets_of(self, obj: Any, path: str) -> bytes:
        """What a value is written as."""
        if not isinstance(obj, bytes | bytearray | memoryview):
            raise WireError(ErrorCode.OUT_OF_RANGE, field_of(path))
        return bytes(obj)

    def refine(self, octets: bytes, path: str, at: int | None) -> Any:
        """The value that octets stand for, or the refusal."""
        if not self.minimum <= len(octets) <= self.maximum:
            raise WireError(ErrorCode.LIMIT_EXCEEDED, field_of(path), at)
        return octets


class Text(Sized):
    """UTF-8 without NUL, of a pattern where it has one."""

    def __init__(self, prefix: int, minimum: int, maximum: int, pattern: str | None = None) -> None:
        super().__init__(prefix, minimum, maximum)
        self.pattern = re.compile(pattern, re.ASCII) if pattern is not None else None

    def octets_of(self, obj: Any, path: str) -> bytes:
        if not isinstance(obj, str):
            raise WireError(ErrorCode.OUT_OF_RANGE, field_of(path))
        try:
            return obj.encode("utf-8")
        except UnicodeEncodeError:
            raise WireError(ErrorCode.BAD_UTF8, field_of(path)) from None

    def refine(self, octets: bytes, path: str, at: int | None) -> str:
        super().refine(octets, path, at)
        try:
            text = octets.decode("utf-8")
        except UnicodeDecodeError:
            raise WireError(ErrorCode.BAD_UTF8, field_of(path), at) from None
        if "\0" in text:
            raise WireError(ErrorCode.BAD_UTF8, field_of(path), at)
        if self.pattern is not None and self.pattern.fullmatch(text) is None:
            raise WireError(ErrorCode.BAD_PATTERN, field_of(path), at)
        return text


class Items(Construct):
    """A count, then so many items."""

    def __init__(self, item: Construct, maximum: int) -> None:
        super().__init__()
        self.count = Integer(2)
        self.item = item
        self.maximum = maximum

    def _parse(self, stream: io.BytesIO, context: Container, path: str) -> Any:
        at = stream.tell()
        count = self.count._parse(stream, context, path)
        if count > self.maximum:
            raise WireError(ErrorCode.LIMIT_EXCEEDED, field_of(path), at)
        return tuple(self.item._parse(stream, context, f"{path}[{index}]") for index in range(count))

    def _build(self, obj: Any, stream: io.BytesIO, context: Container, path: str) -> Any:
        if not isinstance(obj, tuple | list):
            raise WireError(ErrorCode.OUT_OF_RANGE, field_of(path))
        if len(obj) > self.maximum:
            raise WireError(ErrorCode.LIMIT_EXCEEDED, field_of(path))
        self.count._build(len(obj), stream, context, path)
        for index, item in enumerate(obj):
            self.item._build(item, stream, context, f"{path}[{index}]")
        return obj


class Record(Construct):
    """A construct Struct with a class of its own: what it parses into and builds from, and its rules."""

    def __init__(self, fields: Construct, kind: type, rules: Callable[[Any], bool] | None = None) -> None:
        super().__init__()
        self.fields = fields
        self.kind = kind
        self.rules = rules

    def _parse(self, stream: io.BytesIO, context: Container, path: str) -> Any:
        at = stream.tell()
        parsed = self.fields._parsereport(stream, context, path)
        value = self.kind(**{name: parsed[name] for name in parsed if not name.startswith("_")})
        self.check(value, path, at)
        return value

    def _build(self, obj: Any, stream: io.BytesIO, context: Container, path: str) -> Any:
        if not isinstance(obj, self.kind):
            raise WireError(ErrorCode.OUT_OF_RANGE, field_of(path))
        self.fields._build(fields_of(obj), stream, context, path)
        self.check(obj, path, None)
        return obj

    def check(self, value: Any, path: str, at: int | None) -> None:
        """Refuses a value whose fields do not fit together."""
        if self.rules is not None and self.rules(value):
            raise WireError(ErrorCode.RULE_BROKEN, field_of(path), at)


class Tag:
    """A field that may be absent: its number, its name and its value."""

    def __init__(self, number: int, name: str, value: Construct) -> None:
        self.number = number
        self.name = name
        self.value = value

    def parse(self, octets: bytes, context: Container, path: str, at: int) -> Any:
        """The value, which must take all of the tag."""
        path = f"{path.rpartition(' -> ')[0]} -> {self.name}"
        if isinstance(self.value, Sized):
            return self.value.parse_tag(octets, path, at)
        if isinstance(self.value, Relayed):
            return self.value.parse_octets(octets, context, path, at)
        stream = Window(octets, at)
        try:
            value = self.value._parse(stream, context, path)
        except WireError as error:
            if error.code is ErrorCode.TRUNCATED:
                raise WireError(ErrorCode.TAG_LENGTH, field_of(path), at) from None
            raise
        if remaining(stream):
            raise WireError(ErrorCode.TAG_LENGTH, field_of(path), at)
        return value

    def build(self, value: Any, context: Container, path: str) -> bytes:
        """The octets of the value."""
        path = f"{path.rpartition(' -> ')[0]} -> {self.name}"
        if isinstance(self.value, Sized):
            return self.value.build_tag(value, path)
        if isinstance(self.value, Relayed):
            return bytes(value)
        stream = io.BytesIO()
        self.value._build(value, stream, context, path)
        return stream.getvalue()


class Tags(Construct):
    """A counted section of tags, strictly ascending. Unknown ones are kept, critical ones refused."""

    def __init__(self, *tags: Tag, critical: bool = True) -> None:
        super().__init__()
        self.tags = {tag.number: tag for tag in tags}
        self.critical = critical

    def _parse(self, stream: io.BytesIO, context: Container, path: str) -> Any:
        found: dict[str, Any] = {}
        unknown: list[tuple[int, bytes]] = []
        for number, octets, at, entry in self.entries(stream, path):
            tag = self.tags.get(number)
            if tag is not None:
                found[tag.name] = tag.parse(octets, context, path, at)
            elif number >= 0x8000:
                raise WireError(ErrorCode.CRITICAL_TAG, *entry)
            else:
                unknown.append((number, octets))
        if unknown:
            found["unknown"] = tuple(unknown)
        return found

    def entries(self, stream: io.BytesIO, path: str) -> Any:
        """Each tag: its number, its octets, where they lie, and (field, offset) of the tag itself."""
        count = int.from_bytes(take(stream, 1, path, stream.tell()), "big")
        last = 0
        for index in range(count):
            entry = (field_of(f"{path}[{index}]"), stream.tell())
            head = take(stream, 6, f"{path}[{index}]", entry[1])
            number, length = int.from_bytes(head[:2], "big"), int.from_bytes(head[2:], "big")
            if number <= last:
                raise WireError(ErrorCode.TAG_ORDER, *entry)
            last = number
            if length > remaining(stream):
                raise WireError(ErrorCode.TRUNCATED, *entry)
            at = stream.tell()
            yield number, stream.read(length), at, entry

    def _build(self, obj: Any, stream: io.BytesIO, context: Container, path: str) -> Any:
        entries: list[tuple[int, bytes]] = []
        for tag in self.tags.values():
            if obj[tag.name] is not None:
                entries.append((tag.number, tag.build(obj[tag.name], context, path)))
        last = 0
        for number, octets in obj["unknown"]:
            if number in self.tags or not last < number < 0x8000:
                raise WireError(ErrorCode.TAG_ORDER, field_of(path))
            last = number
            entries.append((number, bytes(octets)))
        if len(entries) > 0xFF:
            raise WireError(ErrorCode.LIMIT_EXCEEDED, field_of(path))
        stream.write(bytes([len(entries)]))
        for number, octets in sorted(entries):
            stream.write(number.to_bytes(2, "big") + len(octets).to_bytes(4, "big") + octets)
        return obj


class SkippedTags(Tags):
    """A section of tags whose structure alone is checked: what who relays it looks at."""

    def _parse(self, stream: io.BytesIO, context: Container, path: str) -> Any:
        for number, _, _, entry in self.entries(stream, path):
            if number >= 0x8000 and not self.critical:
                raise WireError(ErrorCode.CRITICAL_TAG, *entry)
        return None


class Relayed(Construct):
    """The octets of a relayed struct: its fields and its structure are checked, its values are not looked at."""

    def __init__(self, fields: Construct, body: Sized, *, critical: bool) -> None:
        super().__init__()
        self.fields = fields
        self.tags = SkippedTags(critical=critical)
        self.body = body

    def _parse(self, stream: io.BytesIO, context: Container, path: str) -> bytes:
        at = stream.tell()
        self.fields._parsereport(stream, context, path)
        self.tags._parse(stream, context, f"{path} -> tags")
        self.body._parse(stream, context, f"{path} -> body")
        end = stream.tell()
        stream.seek(at - base(stream))
        return stream.read(end - at)

    def parse_octets(self, octets: bytes, context: Container, path: str, at: int) -> bytes:
        """The same as the value of a tag: it must take all of it."""
        stream = Window(octets, at)
        try:
            value = self._parse(stream, context, path)
        except WireError as error:
            if error.code is ErrorCode.TRUNCATED:
                raise WireError(ErrorCode.TAG_LENGTH, field_of(path), at) from None
            raise
        if remaining(stream):
            raise WireError(ErrorCode.TAG_LENGTH, field_of(path), at)
        return value

    def _build(self, obj: Any, stream: io.BytesIO, context: Container, path: str) -> Any:
        if not isinstance(obj, bytes | bytearray | memoryview):
            raise WireError(ErrorCode.OUT_OF_RANGE, field_of(path))
        stream.write(obj)
        return obj


class End(Construct):
    """Where the fields end, if octets are left over there; else None. Rules are judged before it is an error."""

    def _parse(self, stream: io.BytesIO, context: Container, path: str) -> int | None:
        return stream.tell() if remaining(stream) else None

    def _build(self, obj: Any, stream: io.BytesIO, context: Container, path: str) -> Any:
        return obj


class Window(io.BytesIO):
    """Octets that lie at an offset of something larger, so that errors name the place in the whole."""

    def __init__(self, octets: bytes, offset: int) -> None:
        super().__init__(octets)
        self.offset = offset

    def tell(self) -> int:
        return super().tell() + self.offset


def base(stream: io.BytesIO) -> int:
    """Where the first octet of a stream lies in the payload."""
    return stream.offset if isinstance(stream, Window) else 0


def remaining(stream: io.BytesIO) -> int:
    """How many octets are left."""
    return stream.getbuffer().nbytes - (stream.tell() - base(stream))


def take(stream: io.BytesIO, octets: int, path: str, at: int) -> bytes:
    """So many octets, or TRUNCATED. The length is checked before it reaches read()."""
    if octets > remaining(stream):
        raise WireError(ErrorCode.TRUNCATED, field_of(path), at)
    return stream.read(octets)


def fields_of(value: Any) -> Mapping[str, Any]:
    """The fields of a message or a struct, by name."""
    return {name: getattr(value, name) for name in value.__struct_fields__}
