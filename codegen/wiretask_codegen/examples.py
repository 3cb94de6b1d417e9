"""Golden examples: what the value of each is in octets by the spec alone, held against the octets written by hand.

This knows neither the layout nor the codecs, on purpose: it is a second opinion on both, and it
speaks in lines of the spec. It never writes an example; where value and octets differ, a person decides which is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from wiretask_codegen.guards import holds
from wiretask_codegen.model import (
    WIDTHS,
    BooleanType,
    BytesType,
    EnumType,
    Example,
    Field,
    FixedBytesType,
    FlagsType,
    IntegerType,
    ListType,
    Message,
    Place,
    Relayed,
    RelayedType,
    Spec,
    Struct,
    StructType,
    Tagged,
    TextType,
    Type,
)
from wiretask_codegen.problems import Problems
from wiretask_codegen.spelling import snake
from wiretask_codegen.yamlsource import Node

#: Octets are shown around the first difference, not by the hundred.
_SHOWN = 8


class Unfit(Exception):  # noqa: N818 -- it becomes a Problem, with the place that it carries
    """A part of a value does not fit; `place` says where it stands."""

    def __init__(self, place: Place, text: str) -> None:
        super().__init__(text)
        self.place = place


def check(spec: Spec, values: dict[tuple[str, str], Node], problems: Problems) -> None:
    """Notes every example whose value does not fit its message, or whose octets are not those of its value.

    `values` holds the node of each value by the names of its message and its example.
    """
    for message in spec.messages:
        for example in message.examples:
            node = values[message.name, example.name]
            try:
                octets = frame(message, node)
            except Unfit as error:
                problems.add(error.place, "X001", f"{message.name}/{example.name}: {error}; mend the value")
            else:
                _compare(message, example, octets, problems)
                _check_rules(message, example, node, problems)


def frame(message: Message, node: Node) -> bytes:
    """The whole frame of a value. Raises Unfit."""
    left = _mapping(node)
    payload = _fields(message.fields, left, node)
    tail = b""
    if message.relay is not None:
        name = snake(message.relay.name)
        tail = _relayed(message.relay, _take(left, name, node))
    payload += _tags(message.tagged, left, node) + tail
    return bytes([message.command]) + len(payload).to_bytes(4, "big") + payload


def _compare(message: Message, example: Example, octets: bytes, problems: Problems) -> None:
    if octets == example.frame:
        return
    pairs = zip(octets, example.frame, strict=False)
    at = next((index for index, (one, other) in enumerate(pairs) if one != other), min(len(octets), len(example.frame)))
    place, end = example.place, 0
    for (line, _), stands in zip(example.lines, example.line_places, strict=True):
        place, end = stands, end + len(line)
        if end > at:
            break
    ours, theirs = octets[at : at + _SHOWN].hex() or "the end", example.frame[at : at + _SHOWN].hex() or "the end"
    text = (
        f"{message.name}/{example.name}: at octet {at} the value is {ours} and the hex says {theirs}; mend one of them"
    )
    problems.add(place, "X002", text)


def _check_rules(message: Message, example: Example, node: Node, problems: Problems) -> None:
    parts = _mapping(node)
    numbers = _numbers(message.fields, parts)
    present = {tag.name for tag in message.tagged} & set(parts)
    tag_count = len(present) + (len(_list(parts["unknown"], "unknown")) if "unknown" in parts else 0)
    for rule in message.rules:
        applies = rule.when is None or holds(rule.when, numbers, present, tag_count)
        if applies and not holds(rule.require, numbers, present, tag_count):
            text = f"{message.name}/{example.name} breaks {rule.id}: {rule.about} Mend the value"
            problems.add(example.place, "X003", text)


def _numbers(fields: Sequence[Field], parts: dict[str, Node]) -> dict[str, int]:
    """The fields that guards compare."""
    return {
        field.name: int.from_bytes(value(field.type, parts[field.name], field.name), "big")
        for field in fields
        if isinstance(field.type, IntegerType | EnumType | FlagsType)
    }


def _mapping(node: Node) -> dict[str, Node]:
    if not isinstance(node.value, dict):
        raise Unfit(node.place, "names of fields and their values are expected here")
    return dict(node.value)


def _take(left: dict[str, Node], name: str, around: Node) -> Node:
    if name not in left:
        raise Unfit(around.place, f"{name} is missing")
    return left.pop(name)


def _fields(fields: Sequence[Field], left: dict[str, Node], around: Node) -> bytes:
    return b"".join(value(field.type, _take(left, field.name, around), field.name) for field in fields)


def _tags(tagged: Sequence[Tagged], left: dict[str, Node], around: Node) -> bytes:
    """The section of tags; takes all that is left, so whatever is no tag is refused here."""
    found = {tag.tag: value(tag.type, left.pop(tag.name), tag.name, bare=True) for tag in tagged if tag.name in left}
    assigned = {tag.tag & 0x7FFF for tag in tagged}
    if "unknown" in left:
        unknown = left.pop("unknown")
        for item in _list(unknown, "unknown"):
            keys = _mapping(item)
            number = _integer(_take(keys, "tag", item), "tag", 1, 0x7FFF)
            if number in assigned or number in found:
                raise Unfit(item.place, f"the tag {number:#x} is known or comes twice")
            found[number] = _octets(_take(keys, "value", item), "value")
    for name in left:
        places = around.keys or {}
        raise Unfit(places.get(name, around.place), f"there is no field {name}")
    parts = [number.to_bytes(2, "big") + _sized(octets, 4) for number, octets in sorted(found.items())]
    return bytes([len(parts)]) + b"".join(parts)


def _relayed(relayed: Relayed, node: Node) -> bytes:
    left = _mapping(node)
    fields = _fields(relayed.fields, left, node)
    body = _octets(_take(left, "body", node), "body")
    return fields + _tags(relayed.tagged, left, node) + _sized(body, 4)


def value(type_: Type, node: Node, name: str, *, bare: bool = False) -> bytes:
    """The octets of one value; `bare` leaves out the length that a tag has already. Raises Unfit."""
    match type_:
        case IntegerType(integer=integer):
            return _integer(node, name, type_.minimum, type_.maximum).to_bytes(WIDTHS[integer], "big")
        case BooleanType():
            if not isinstance(node.value, bool):
                raise Unfit(node.place, f"{name} is true or false")
            return bytes([node.value])
        case FixedBytesType(size=size):
            return _bounded(_octets(node, name), size, size, node, name)
        case BytesType(maximum=maximum):
            octets = _bounded(_octets(node, name), 0, maximum, node, name)
            return octets if bare else _sized(octets, 4)
        case TextType(prefix=prefix):
            octets = _text(type_, node, name)
            return octets if bare else _sized(octets, WIDTHS[prefix])
        case EnumType():
            return _enum(type_, node, name).to_bytes(WIDTHS[type_.enum.repr], "big")
        case FlagsType():
            return _flags(type_, node, name).to_bytes(WIDTHS[type_.flags.repr], "big")
        case StructType(struct=struct):
            left = _mapping(node)
            octets = _fields(struct.fields, left, node)
            if left:
                raise Unfit(node.place, f"{struct.name} has no field {', '.join(left)}")
            _check_struct(struct, node)
            return octets
        case ListType(item=item, maximum=maximum):
            nodes = _list(node, name)
            if len(nodes) > maximum:
                raise Unfit(node.place, f"{name} has more than {maximum} items")
            return len(nodes).to_bytes(2, "big") + b"".join(value(item, inner, name) for inner in nodes)
        case RelayedType(relayed=relayed):
            return _relayed(relayed, node)


def _check_struct(struct: Struct, node: Node) -> None:
    numbers = _numbers(struct.fields, _mapping(node))
    for rule in struct.rules:
        applies = rule.when is None or holds(rule.when, numbers, (), 0)
        if applies and not holds(rule.require, numbers, (), 0):
            raise Unfit(node.place, f"{struct.name} breaks {rule.id}")


def _integer(node: Node, name: str, minimum: int, maximum: int) -> int:
    if not isinstance(node.value, int) or isinstance(node.value, bool) or not minimum <= node.value <= maximum:
        raise Unfit(node.place, f"{name} is {node.plain()!r}, not a number from {minimum} to {maximum}")
    return node.value


def _octets(node: Node, name: str) -> bytes:
    text = node.value if isinstance(node.value, str) else ""
    if not re.fullmatch(r"hex:([0-9a-f]{2} ?)*", text):
        raise Unfit(node.place, f"{name} is octets, written as hex: and pairs of digits 0-9 a-f")
    return bytes.fromhex(text[4:])


def _text(type_: TextType, node: Node, name: str) -> bytes:
    if not isinstance(node.value, str) or "\0" in node.value:
        raise Unfit(node.place, f"{name} is a text; quote it")
    if type_.pattern is not None and not re.fullmatch(type_.pattern, node.value, re.ASCII):
        raise Unfit(node.place, f"{name} is {node.value!r}, which does not match {type_.pattern}")
    return _bounded(node.value.encode(), type_.minimum, type_.maximum, node, name)


def _bounded(octets: bytes, minimum: int, maximum: int, node: Node, name: str) -> bytes:
    if not minimum <= len(octets) <= maximum:
        raise Unfit(node.place, f"{name} has {len(octets)} octets, not {minimum} to {maximum}")
    return octets


def _enum(type_: EnumType, node: Node, name: str) -> int:
    values = {item.name: item.value for item in type_.enum.values}
    if isinstance(node.value, str) and node.value in values:
        return values[node.value]
    # An open enum keeps what it does not know, so an example may show such a number; a known one has its name here.
    if type_.enum.closed or not isinstance(node.value, int) or node.value in values.values():
        raise Unfit(node.place, f"{name} is {node.plain()!r}, not one of {', '.join(values)}")
    return _integer(node, name, 0, (1 << 8 * WIDTHS[type_.enum.repr]) - 1)


def _flags(type_: FlagsType, node: Node, name: str) -> int:
    bits = {flag.name: 1 << flag.bit for flag in type_.flags.values}
    nodes = _list(node, name)
    for item in nodes:
        if item.value not in bits:
            raise Unfit(item.place, f"{name} is a list of some of {', '.join(bits)}")
    return sum(bits[name] for name in {str(item.value) for item in nodes})


def _list(node: Node, name: str) -> list[Node]:
    if not isinstance(node.value, list):
        raise Unfit(node.place, f"{name} is a list")
    return node.value


def _sized(octets: bytes, width: int) -> bytes:
    return len(octets).to_bytes(width, "big") + octets
