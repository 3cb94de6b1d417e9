"""What a payload means and where each of its parts lies. It checks nothing: the reference codec has taken it already.

Values are plain (conformance/README.md): integers, enums and flags are decimal strings, octets begin with "hex:", a
relayed struct inside a message is its octets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wiretask_codegen.goldens.anatomy import LENGTH
from wiretask_codegen.guards import holds
from wiretask_codegen.model import (
    WIDTHS,
    BooleanType,
    BytesType,
    EnumType,
    Field,
    FixedBytesType,
    FlagsType,
    IntegerType,
    ListType,
    Message,
    Relayed,
    RelayedType,
    Rule,
    StructType,
    Tagged,
    TextType,
    Type,
)

Plain = dict[str, object]

#: Items of a list that are on the map one by one; the others are one stretch of it.
_MAPPED_ITEMS = 8
#: The same of tags: no owner knows so many.
_MAPPED_TAGS = 40


@dataclass(slots=True)
class Reading:
    """Octets that are read from left to right, and what has been found in them."""

    octets: bytes
    at: int = 0
    value: Plain = field(default_factory=dict)
    #: Start, end and path of each part.
    map: list[tuple[int, int, str]] = field(default_factory=list)
    #: Every rule that applied, and whether it was kept.
    rules: list[tuple[str, bool]] = field(default_factory=list)


def read_message(message: Message, payload: bytes) -> Reading:
    """A payload whose fields are legal, though its rules may be broken."""
    reading = Reading(payload)
    value = _fields(reading, message.fields, "")
    tags = _tags(reading, message.tagged, "")
    value |= tags
    if message.relay is not None:
        name = message.relay.name.lower()
        value[name] = _relayed_octets(reading, message.relay, name)
    known = {tag.name for tag in message.tagged} & set(tags)
    unknown = tags.get("unknown", [])
    assert isinstance(unknown, list)
    _judge(reading, message.rules, message.fields, value, known, len(known) + len(unknown))
    reading.value = value
    return reading


def read_relayed(relayed: Relayed, octets: bytes) -> Reading:
    """A relayed struct by itself, the values of its tags included."""
    reading = Reading(octets)
    reading.value = _relayed(reading, relayed, "")
    return reading


def read_value(type_: Type, octets: bytes) -> object:
    """One value of a type."""
    return _value(Reading(octets), type_, "")


def _take(reading: Reading, octets: int) -> bytes:
    reading.at += octets
    return reading.octets[reading.at - octets : reading.at]


def _number(reading: Reading, octets: int) -> int:
    return int.from_bytes(_take(reading, octets), "big")


def _fields(reading: Reading, fields: Sequence[Field], prefix: str) -> Plain:
    return {part.name: _value(reading, part.type, f"{prefix}{part.name}") for part in fields}


def _tags(reading: Reading, tagged: Sequence[Tagged], prefix: str, *, relayed: bool = False) -> Plain:
    """A section of tags. Who relays it does not look into their values."""
    found: Plain = {}
    unknown: list[Plain] = []
    known = {tag.tag: tag for tag in tagged}
    start = reading.at
    count = _number(reading, 1)
    reading.map.append((start, reading.at, f"{prefix}tags.count"))
    for index in range(count):
        if index == _MAPPED_TAGS:
            rest, mapped = reading.at, len(reading.map)
        start = reading.at
        number, length = _number(reading, 2), _number(reading, LENGTH)
        tag = known.get(number)
        path = f"{prefix}{tag.name if tag else number}"
        reading.map.append((start, reading.at, f"{path}.tag"))
        if tag is None or relayed:
            start = reading.at
            unknown.append({"tag": str(number), "value": f"hex:{_take(reading, length).hex()}"})
            reading.map.append((start, reading.at, path))
        else:
            found[tag.name] = _value(reading, tag.type, path, length)
    if count > _MAPPED_TAGS:
        reading.map[mapped:] = [(rest, reading.at, f"{prefix}tags[{_MAPPED_TAGS}-{count - 1}]")]
    return {**found, "unknown": unknown} if unknown else found


def _relayed(reading: Reading, relayed: Relayed, prefix: str, *, inside: bool = False) -> Plain:
    value = _fields(reading, relayed.fields, prefix) | _tags(reading, relayed.tagged, prefix, relayed=inside)
    return value | {"body": _sized(reading, f"{prefix}body", LENGTH)}


def _relayed_octets(reading: Reading, relayed: Relayed, path: str) -> str:
    start = reading.at
    _relayed(reading, relayed, f"{path}.", inside=True)
    return f"hex:{reading.octets[start : reading.at].hex()}"


def _sized(reading: Reading, path: str, prefix: int) -> str:
    start = reading.at
    value = f"hex:{_take(reading, _number(reading, prefix)).hex()}"
    reading.map.append((start, reading.at, path))
    return value


def _value(reading: Reading, type_: Type, path: str, length: int | None = None) -> object:
    """One value; `length` is that of the tag it stands in, where it has none of its own."""
    match type_:
        case ListType():
            return _list(reading, type_, path)
        case StructType(struct=struct):
            fields = _fields(reading, struct.fields, f"{path}.")
            _judge(reading, struct.rules, struct.fields, fields, set(), 0)
            return fields
        case RelayedType(relayed=relayed):
            return _relayed_octets(reading, relayed, path)
    start = reading.at
    value = _leaf(reading, type_, length)
    reading.map.append((start, reading.at, path))
    return value


def _leaf(reading: Reading, type_: Type, length: int | None) -> object:
    match type_:
        case IntegerType(integer=integer):
            return str(_number(reading, WIDTHS[integer]))
        case EnumType(enum=enum):
            return str(_number(reading, WIDTHS[enum.repr]))
        case FlagsType(flags=flags):
            return str(_number(reading, WIDTHS[flags.repr]))
        case BooleanType():
            return _number(reading, 1) == 1
        case FixedBytesType(size=size):
            return f"hex:{_take(reading, size).hex()}"
        case TextType(prefix=prefix):
            return _take(reading, _number(reading, WIDTHS[prefix]) if length is None else length).decode()
        case BytesType():
            return f"hex:{_take(reading, _number(reading, LENGTH) if length is None else length).hex()}"
    raise AssertionError(type_)


def _list(reading: Reading, type_: ListType, path: str) -> list[object]:
    start = reading.at
    count = _number(reading, 2)
    reading.map.append((start, reading.at, f"{path}.count"))
    items: list[object] = []
    for index in range(count):
        if index == _MAPPED_ITEMS:
            start, mapped = reading.at, len(reading.map)
        items.append(_value(reading, type_.item, f"{path}[{index}]"))
    if count > _MAPPED_ITEMS:
        reading.map[mapped:] = [(start, reading.at, f"{path}[{_MAPPED_ITEMS}-{count - 1}]")]
    return items


def _judge(
    reading: Reading, rules: Sequence[Rule], fields: Sequence[Field], value: Plain, present: set[str], tag_count: int
) -> None:
    """Notes the rules that apply."""
    numbers = {
        part.name: int(str(value[part.name]))
        for part in fields
        if isinstance(part.type, IntegerType | EnumType | FlagsType)
    }
    for rule in rules:
        if rule.when is None or holds(rule.when, numbers, present, tag_count):
            reading.rules.append((rule.id, holds(rule.require, numbers, present, tag_count)))
