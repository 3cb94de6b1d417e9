"""What an encoder is given: each value of the examples, and one value for each constraint that it can break.

Everything here is a plain value (see `reading`); what can be said only in octets, such as ill-formed UTF-8, is left to
decoding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from wiretask_codegen.goldens.anatomy import message_part, relayed_part, type_part
from wiretask_codegen.goldens.binding import Binding
from wiretask_codegen.goldens.frames import choices, needed_tags
from wiretask_codegen.goldens.reading import Plain, read_message, read_relayed, read_value
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
    Struct,
    StructType,
    Tagged,
    TextType,
    Type,
)

#: A value that is too long for its type is shown only if it has no more octets than this: there are plenty.
_LONGEST = 3000

Judge = Callable[[bytes], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Encode:
    """A value to be encoded: whose it is, and by which rule it was made."""

    owner: Message | Relayed
    rule: str
    value: Plain


def message_values(message: Message, judge: Judge) -> Iterator[Encode]:
    """Values of a message."""
    for example in message.examples:
        yield Encode(owner=message, rule=example.name, value=read_message(message, example.frame[5:]).value)
    spoilt = False
    for kinds, name in choices(message):
        # What a kind must have, and must not: the rules between fields.
        trees = {
            f"full{name}": message_part(message, kinds, message.tagged),
            f"bare{name}": message_part(message, kinds, ()),
        }
        for rule, tree in trees.items():
            yield Encode(owner=message, rule=rule, value=read_message(message, tree.written()).value)
        if not spoilt and judge(trees[f"full{name}"].written()) is None:
            spoilt = True
            least = message_part(message, kinds, needed_tags(message, kinds, judge))
            yield from _message_spoilt(message, read_message(message, least.written()).value)


def _message_spoilt(message: Message, value: Plain) -> Iterator[Encode]:
    for rule, spoilt in _spoilt(message.fields, message.tagged, value):
        yield Encode(owner=message, rule=rule, value=spoilt)
    for rule, unknown in _wrong_unknown(message.tagged):
        yield Encode(owner=message, rule=rule, value={**value, "unknown": unknown})
    if message.relay is not None:
        name = message.relay.name.lower()
        yield Encode(owner=message, rule=f"{name}/absent", value=_without(value, name))


def relayed_values(relayed: Relayed) -> Iterator[Encode]:
    """Values of a relayed struct."""
    full = read_relayed(relayed, relayed_part(relayed, "", relayed.tagged).written()).value
    bare = read_relayed(relayed, relayed_part(relayed, "", ()).written()).value
    yield Encode(owner=relayed, rule="full", value=full)
    yield Encode(owner=relayed, rule="bare", value=bare)
    for rule, spoilt in _spoilt(relayed.fields, relayed.tagged, bare):
        yield Encode(owner=relayed, rule=rule, value=spoilt)
    for rule, unknown in _wrong_unknown(relayed.tagged):
        yield Encode(owner=relayed, rule=rule, value={**bare, "unknown": unknown})
    yield Encode(owner=relayed, rule="body/absent", value=_without(bare, "body"))


def _spoilt(fields: Sequence[Field], tagged: Sequence[Tagged], value: Plain) -> Iterator[tuple[str, Plain]]:
    """The value with one thing wrong."""
    for field in fields:
        yield f"{field.name}/absent", _without(value, field.name)
        for rule, wrong in _wrong(field.type):
            yield f"{field.name}/{rule}", {**value, field.name: wrong}
    for tag in tagged:
        for rule, wrong in _wrong(tag.type):
            yield f"{tag.name}/{rule}", {**value, tag.name: wrong}


def _wrong_unknown(tagged: Sequence[Tagged]) -> Iterator[tuple[str, object]]:
    """Tags said to be unknown that cannot be written: each would be read as something else, or not at all."""
    numbers = {"critical": [0x8001], "descending": [0x4002, 0x4001], "twice": [0x4001, 0x4001], "number-0": [0]}
    if tagged:
        numbers["known"] = [tagged[0].tag]
    for rule, wrong in numbers.items():
        yield f"unknown/{rule}", [{"tag": str(number), "value": "hex:"} for number in wrong]


def _without(value: Plain, name: str) -> Plain:
    return {other: inner for other, inner in value.items() if other != name}


def _wrong(type_: Type) -> Iterator[tuple[str, object]]:
    """Values that break one constraint of a type each, with the name of what is broken."""
    match type_:
        case IntegerType(integer=integer, minimum=minimum, maximum=maximum):
            yield from ((str(number), str(number)) for number in (minimum - 1, maximum + 1) if number >= 0)
            if maximum + 1 < 1 << 8 * WIDTHS[integer]:
                yield "too-wide", str(1 << 8 * WIDTHS[integer])
            yield "negative", "-1"
        case EnumType(enum=enum):
            if enum.closed:
                yield "unknown", str(max(value.value for value in enum.values) + 1)
            yield "too-wide", str(1 << 8 * WIDTHS[enum.repr])
        case FlagsType(flags=flags):
            yield "undefined", str(1 << max(flag.bit for flag in flags.values) + 1)
        case FixedBytesType(size=size):
            yield "short", f"hex:{bytes(size - 1).hex()}"
            yield "long", f"hex:{bytes(size + 1).hex()}"
        case TextType():
            yield from _wrong_texts(type_)
        case ListType(item=item, maximum=maximum):
            if maximum * len(_plainest(item)[1]) <= _LONGEST:
                yield f"{maximum + 1}-items", [_plainest(item)[0]] * (maximum + 1)
            yield from ((f"item/{rule}", [wrong]) for rule, wrong in _wrong(item))
        case StructType(struct=struct):
            value, _ = _plainest(type_)
            assert isinstance(value, dict)
            yield from _spoilt(struct.fields, (), value)
            yield from _breaking(struct, value)
        case BytesType() | BooleanType() | RelayedType():
            return


def _wrong_texts(type_: TextType) -> Iterator[tuple[str, object]]:
    if type_.minimum:
        yield "empty", ""
    if type_.maximum < _LONGEST:
        yield f"{type_.maximum + 1}-octets", "a" * (type_.maximum + 1)
    yield "nul", "a\0b"
    if type_.pattern is not None:
        yield "space", "a b"
        yield "newline", "ab\n"
        yield "dot-first", ".a"


def _plainest(type_: Type) -> tuple[object, bytes]:
    """The plainest value of a type, and its octets."""
    octets = type_part(type_, "", "").written()
    return read_value(type_, octets), octets


def _breaking(struct: Struct, value: Plain) -> Iterator[tuple[str, Plain]]:
    """The struct with one of its numbers greater by one, where that breaks a rule."""
    for name, number in value.items():
        if isinstance(number, str) and number.isdigit():
            spoilt = {**value, name: str(int(number) + 1)}
            numbers = {
                other: int(inner) for other, inner in spoilt.items() if isinstance(inner, str) and inner.isdigit()
            }
            if any(not holds(rule.require, numbers, (), 0) for rule in struct.rules):
                yield f"{name}-breaks-a-rule", spoilt


class Encoder:
    """The reference encoder, given plain values."""

    def __init__(self, binding: Binding) -> None:
        self._binding = binding

    def expected(self, case: Encode) -> Plain:
        """The frame (or the octets) of a value, or the error that refuses it."""
        encode, key = self._encoder(case.owner)
        octets: list[bytes] = []
        error = self._binding.said(lambda: octets.append(encode(self._object(case.owner, case.value))))
        return {"error": error["error"]} if error else {key: octets[0].hex()}

    def _encoder(self, owner: Message | Relayed) -> tuple[Callable[[Any], bytes], str]:
        encode: Callable[[Any], bytes] = getattr(self._binding.reference, f"encode_{owner.name.lower()}")
        return encode, "frame" if isinstance(owner, Message) else "octets"

    def _object(self, owner: Message | Relayed, value: Plain) -> object:
        types: dict[str, Type] = {field.name: field.type for field in owner.fields}
        optional = {tag.name: tag.type for tag in owner.tagged}
        if isinstance(owner, Relayed):
            types["body"] = BytesType(maximum=0)
        elif owner.relay is not None:
            types[owner.relay.name.lower()] = RelayedType(relayed=owner.relay)
        return self._built(owner.name, types, optional, value)

    def _built(self, name: str, types: dict[str, Type], optional: dict[str, Type], value: Plain) -> object:
        """An object of the binding; None stands for a field that is not there."""
        fields = {
            field: self._python(type_, value[field]) if field in value else None for field, type_ in types.items()
        }
        fields |= {field: self._python(type_, value[field]) for field, type_ in optional.items() if field in value}
        if "unknown" in value:
            unknown = value["unknown"]
            assert isinstance(unknown, list)
            fields["unknown"] = tuple((int(item["tag"]), _octets(item["value"])) for item in unknown)
        built: object = getattr(self._binding.messages, name)(**fields)
        return built

    def _python(self, type_: Type, value: object) -> object:
        match type_, value:
            case ((IntegerType() | EnumType() | FlagsType()), str()):
                return int(value)
            case ((FixedBytesType() | BytesType() | RelayedType()), str()):
                return _octets(value)
            case ListType(item=item), list():
                return tuple(self._python(item, inner) for inner in value)
            case StructType(struct=struct), dict():
                return self._built(struct.name, {field.name: field.type for field in struct.fields}, {}, value)
        return value


def _octets(value: object) -> bytes:
    return bytes.fromhex(str(value).removeprefix("hex:"))
