"""How a part of a payload is spoilt, or brought to its bounds: the octets in its place, and what that shows.

A rule does not say whether the result is legal: that is asked of the reference codec (see `frames`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wiretask_codegen.goldens.anatomy import LENGTH, Part
from wiretask_codegen.model import (
    WIDTHS,
    BooleanType,
    BytesType,
    EnumType,
    FlagsType,
    IntegerType,
    ListType,
    TextType,
    Type,
)

#: A list is filled to its limit only if that takes no more octets than this (4 096 types of a worker do).
FILLED_OCTETS = 25_000
#: Texts that are nearly UTF-8, or are UTF-8 and must be taken: the octets, and the class.
_TEXTS = {
    "nul": (b"a\0b", "nul"),
    "nul-last": (b"ab\0", "nul"),
    "continuation": (b"a\x80b", "utf8"),
    "overlong": (b"\xc0\x80", "utf8"),
    "surrogate": (b"\xed\xa0\x80", "utf8"),
    "beyond-unicode": (b"\xf4\x90\x80\x80", "utf8"),
    "cut-character": (b"a\xe2\x82", "utf8"),
    "latin-1": (b"caf\xe9", "utf8"),
    "four-octets": (b"\xf0\x9f\x98\x80", ""),
}
#: Texts that are nearly names, and one that is.
_WORDS = {
    "two-octets": (b"\xc3\xa9", "pattern"),
    "space": (b"a b", "pattern"),
    "newline": (b"ab\n", "pattern"),
    "dot-first": (b".a", "pattern"),
    "dash-first": (b"-a", "pattern"),
    "tilde": (b"a~", "pattern"),
    "all-signs": (b"A_0.:/@+-z", ""),
}


@dataclass(frozen=True, slots=True)
class Spoilt:
    """Octets for a part: the name of the rule, and the coverage items that it is for."""

    rule: str
    octets: bytes
    covers: tuple[str, ...] = ()


def spoilt(part: Part) -> Iterator[Spoilt]:
    """Everything that can be put in the place of a part."""
    match part.kind:
        case "number":
            yield from _numbers(part)
        case "text":
            yield from _texts(part)
        case "octets":
            yield from _octets(part)
        case "fixed":
            yield Spoilt("zeros", bytes(len(part.octets)))
            yield Spoilt("ones", b"\xff" * len(part.octets))
        case "list":
            yield from _lists(part)
        case "tag count":
            yield from _tag_counts(part)
        case "tags":
            yield from _sections(part)
        case "tag value":
            yield from _tag_values(part)


def classes(type_: Type, value: int) -> list[str]:
    """The classes that a number is of, in the words of coverage."""
    match type_:
        case IntegerType(integer=integer, minimum=minimum, maximum=maximum):
            top = (1 << 8 * WIDTHS[integer]) - 1
            named = {"min": minimum, "max": maximum, "below": minimum - 1, "above": maximum + 1, "zero": 0, "ones": top}
            return [name for name, number in named.items() if number == value]
        case EnumType(enum=enum):
            return [item.name for item in enum.values if item.value == value] or ["unknown"]
        case FlagsType(flags=flags):
            bits = {flag.name: 1 << flag.bit for flag in flags.values}
            named = {**bits, "none": 0, "all": sum(bits.values())}
            return [name for name, number in named.items() if number == value] or ["undefined"]
        case BooleanType():
            return [{0: "false", 1: "true"}.get(value, "other")]
    raise AssertionError(type_)


def _numbers(part: Part) -> Iterator[Spoilt]:
    width = len(part.octets)
    top = (1 << 8 * width) - 1
    match part.type:
        case IntegerType(minimum=minimum, maximum=maximum):
            values = {0, minimum - 1, minimum, maximum, maximum + 1, top}
        case EnumType(enum=enum):
            numbers = {value.value for value in enum.values}
            values = {0, top, *numbers, max(numbers) + 1}
        case FlagsType(flags=flags):
            bits = {1 << flag.bit for flag in flags.values}
            values = {0, top, *bits, sum(bits), max(bits) << 1}
        case BooleanType():
            values = {0, 1, 2, top}
        case _:
            raise AssertionError(part)
    for value in sorted(values):
        if 0 <= value <= top:
            covers = _items(part, *classes(part.type, value))
            yield Spoilt(str(value), value.to_bytes(width, "big"), covers)


def _texts(part: Part) -> Iterator[Spoilt]:
    assert isinstance(part.type, TextType)
    yield Spoilt("empty", part.sized(b""), _items(part, "empty"))
    texts = _TEXTS if part.type.pattern is None else {**_TEXTS, **_WORDS}
    for rule, (octets, shows) in texts.items():
        yield Spoilt(rule, part.sized(octets), _items(part, shows) if shows else ())
    longest = part.type.maximum
    yield Spoilt(f"{longest}-octets", part.sized(b"a" * longest), _items(part, "max"))
    if longest + 1 < 1 << 8 * WIDTHS[part.type.prefix]:
        yield Spoilt(f"{longest + 1}-octets", part.sized(b"a" * (longest + 1)), _items(part, "above"))
    yield from _lengths(part)


def _octets(part: Part) -> Iterator[Spoilt]:
    assert isinstance(part.type, BytesType)
    yield Spoilt("empty", part.sized(b""), _items(part, "empty"))
    yield Spoilt("zeros", part.sized(bytes(3)), _items(part, "some"))
    if part.prefix:
        # So many octets would be longer than any frame; what can come is the length that promises them.
        longer = (part.type.maximum + 1).to_bytes(part.prefix, "big") + part.octets
        yield Spoilt("longer-than-all", longer, _items(part, "above"))
    yield from _lengths(part)


def _lengths(part: Part) -> Iterator[Spoilt]:
    """The octets as they are, behind a length that lies."""
    if not part.prefix:
        return
    octets = part.written()[part.prefix :]
    top = (1 << 8 * part.prefix) - 1
    for rule, length in (("one-less", len(octets) - 1), ("one-more", len(octets) + 1), ("most", top)):
        yield Spoilt(f"length-{rule}", length.to_bytes(part.prefix, "big") + octets)


def _tag_values(part: Part) -> Iterator[Spoilt]:
    """A tag whose length lies, or is that of a shorter or a longer value."""
    octets = part.written()[part.prefix :]
    yield Spoilt("empty", part.sized(b""))
    yield Spoilt("one-octet-less", part.sized(octets[:-1]), (f"tag:{part.item}:short",))
    yield Spoilt("one-octet-more", part.sized(octets + b"\0"), (f"tag:{part.item}:long",))
    yield from _lengths(part)


def _lists(part: Part) -> Iterator[Spoilt]:
    assert isinstance(part.type, ListType)
    item, longest = part.parts[1].written(), part.type.maximum
    yield Spoilt("empty", bytes(2), _items(part, "empty"))
    yield Spoilt("one-item", b"\0\1" + item, _items(part, "one"))
    yield Spoilt("two-items", b"\0\2" + item * 2)
    yield Spoilt("count-one-more", b"\0\2" + item, _items(part, "short"))
    yield Spoilt("count-one-less", bytes(2) + item)
    yield Spoilt("count-most", b"\xff\xff" + item)
    if longest * len(item) <= FILLED_OCTETS:
        yield Spoilt(f"{longest}-items", longest.to_bytes(2, "big") + item * longest, _items(part, "max"))
    if longest < 0xFFFF:
        # The count is judged before any item is read, so the items are not needed.
        yield Spoilt(f"{longest + 1}-items", (longest + 1).to_bytes(2, "big") + item, _items(part, "above"))


def _tag_counts(part: Part) -> Iterator[Spoilt]:
    count = part.octets[0]
    for value in sorted({0, count - 1, count + 1, 255}):
        if 0 <= value <= 255 and value != count:
            shows = "more" if value > count else "less"
            yield Spoilt(str(value), bytes([value]), (f"section:{part.item}:count-{shows}",))


def _items(part: Part, *shown: str) -> tuple[str, ...]:
    return tuple(f"field:{part.item}:{name}" for name in shown)


def tag(number: int, value: bytes) -> bytes:
    """A tag."""
    return number.to_bytes(2, "big") + len(value).to_bytes(LENGTH, "big") + value


_PRIVATE, _CRITICAL = tag(0x4001, b"abc"), tag(0x80FE, b"")
#: Sections that any owner can have: the name of the rule, the tags, and the class.
_ANY_SECTION = {
    "none": ([], "zero"),
    "unknown": ([_PRIVATE], "unknown"),
    "assigned-unknown": ([tag(0xFE, b"x")], "unknown"),
    "grease": ([tag(0x7FA5, b"\xff")], "unknown"),
    "last-that-may-be-skipped": ([tag(0x7FFF, b"")], "unknown"),
    "critical": ([_CRITICAL], "critical"),
    "first-critical": ([tag(0x8000, b"")], "critical"),
    "twice": ([_PRIVATE, _PRIVATE], "twice"),
    "descending": ([tag(0x4002, b""), _PRIVATE], "order"),
    "number-0": ([tag(0, b"")], "zero"),
    "order-before-length": ([_PRIVATE, b"\x40\x01\xff\xff\xff\xff"], "twice"),
    "length-of-4-gib": ([b"\x40\x01\xff\xff\xff\xff"], ""),
    "255-unknown": ([tag(0x4000 + number, b"") for number in range(255)], "most"),
}


def _sections(part: Part) -> Iterator[Spoilt]:
    """The whole section, in all the ways that it can be legal or not."""
    tags = part.parts[1:]
    written = [inner.written() for inner in tags]
    sections = dict(_ANY_SECTION)
    if tags:
        sections["unknown-last"] = ([*written, _PRIVATE], "unknown")
        sections["critical-last"] = ([*written, _CRITICAL], "critical")
        sections["known-twice"] = ([written[0], written[0]], "twice")
        sections["known-critical"] = ([bytes([written[0][0] | 0x80]) + written[0][1:]], "critical")
    if len(tags) > 1:
        sections["known-descending"] = ([written[1], written[0]], "order")
        sections["last-two-descending"] = ([*written[:-2], written[-1], written[-2]], "order")
    yield Spoilt("one-tag-too-few", b"\0" + _PRIVATE, (f"section:{part.item}:count-less",))
    yield Spoilt("one-tag-too-many", b"\2" + _PRIVATE, (f"section:{part.item}:count-more",))
    for rule, (octets, shows) in sections.items():
        covers = (f"section:{part.item}:{shows}",) if shows else ()
        yield Spoilt(rule, bytes([len(octets)]) + b"".join(octets), covers)
    for index, inner in enumerate(tags):
        name = inner.item.rpartition(".")[2]
        without = written[:index] + written[index + 1 :]
        yield Spoilt(f"only-{name}", b"\1" + written[index], (f"tag:{inner.item}:present",))
        yield Spoilt(f"without-{name}", bytes([len(without)]) + b"".join(without), (f"tag:{inner.item}:absent",))
