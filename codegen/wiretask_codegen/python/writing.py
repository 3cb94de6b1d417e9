"""The fast codec's other half: the lines of Python that write each part of the spec.

A value that must not be written makes the lines raise `Doubt` (or struct.error, TypeError …); the reference codec says
which error it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wiretask_codegen.layout import Nested, Run, Step, Variable, length_name, prefix_of, slot_of, steps
from wiretask_codegen.model import (
    BooleanType,
    BytesType,
    EnumType,
    Field,
    FixedBytesType,
    ListType,
    Message,
    Relayed,
    RelayedType,
    StructType,
    Tagged,
    TextType,
    Type,
)
from wiretask_codegen.python.names import relay_name
from wiretask_codegen.python.reading import BODY_MAXIMUM, check, members_name, run_name
from wiretask_codegen.spelling import snake


def octets_name(field: Field) -> str:
    """What the octets of a field are called; no other local name is called so."""
    return f"_octets_of_{field.name}"


def write_lines(
    owner: str, fields: Sequence[Field], *, message: Message | None = None, relayed: Relayed | None = None
) -> Iterator[str]:
    """Lines that write `value` and return its octets; a message with its header, a relayed struct with its body."""
    laid = steps(fields, tags=message is not None or relayed is not None)
    tail: list[str] = []
    if message is not None or relayed is not None:
        yield f"_count, _tags = _write_{snake(owner)}__tags(value)"
        tail.append("_tags")
    if message is not None and message.relay is not None:
        yield f"_relay = bytes(value.{relay_name(message.relay)})"
        tail.append("_relay")
    if relayed is not None:
        yield "_body = bytes(value.body)"
        yield f"if len(_body) > {BODY_MAXIMUM}:"
        yield "    raise Doubt"
        tail += ["_U32.pack(len(_body))", "_body"]
    for field in fields:
        yield from _write_checks(field)
    if message is not None and message.rules:
        yield f"if not _{snake(owner)}_rules(value, _count):"
        yield "    raise Doubt"
    yield f"return {' + '.join([*_write_parts(owner, laid, message), *tail])}"


def frames_plainly(message: Message) -> bool:
    """Whether a message is a run and a relayed struct: without tags it can be written without an object."""
    laid = steps(message.fields, tags=True)
    return message.relay is not None and not message.rules and len(laid) == 1 and isinstance(laid[0], Run)


def frame_lines(message: Message) -> Iterator[str]:
    """Lines that return the frame of such a message, from variables of the names of its fields."""
    assert message.relay is not None
    run, relay = steps(message.fields, tags=True)[0], relay_name(message.relay)
    assert isinstance(run, Run)
    for field in message.fields:
        condition = write_check(field.type, field.name)
        if condition:
            yield f"if {condition}:"
            yield "    raise Doubt"
    values = [field.name for field in message.fields]
    head = f"{message.command}, {run.octets} + len({relay})"
    yield f"return {run_name(message.name, 0)}_FRAMED.pack({', '.join([head, *values])}, 0) + {relay}"


def _write_parts(owner: str, laid: Sequence[Step], message: Message | None) -> Iterator[str]:
    index = 0
    if message is not None and not isinstance(laid[0], Run):
        yield f"_HEADER.pack({message.command}, {_payload_length(laid, message)})"
    for at, step in enumerate(laid):
        match step:
            case Run():
                arguments = [_write_slot(slot.name, slot.field) for slot in step.slots]
                if message is not None and at == 0:
                    arguments = [str(message.command), _payload_length(laid, message), *arguments]
                framed = "_FRAMED" if message is not None and at == 0 else ""
                yield f"{run_name(owner, index)}{framed}.pack({', '.join(arguments)})"
                index += 1
            case Variable(field=field) | Nested(field=field):
                yield octets_name(field)


def _payload_length(laid: Sequence[Step], message: Message) -> str:
    fixed = sum(step.octets for step in laid if isinstance(step, Run))
    variable = [f"len({octets_name(step.field)})" for step in laid if not isinstance(step, Run)]
    relay = ["len(_relay)"] if message.relay is not None else []
    return " + ".join([str(fixed), *variable, "len(_tags)", *relay])


def _write_slot(name: str, field: Field | None) -> str:
    if field is not None:
        return f"value.{field.name}"
    return name


def _write_checks(field: Field) -> Iterator[str]:
    value = f"value.{field.name}"
    match field.type:
        case TextType() | BytesType() | ListType() | StructType():
            yield f"{octets_name(field)} = {write_expression(field.type, value)}"
            if isinstance(field.type, ListType):
                yield f"{length_name(field)} = len({value})"
                yield f"if {length_name(field)} > {field.type.maximum}:"
                yield "    raise Doubt"
            elif not isinstance(field.type, StructType):
                yield f"{length_name(field)} = len({octets_name(field)})"
        case _:
            condition = write_check(field.type, value)
            if condition:
                yield f"if {condition}:"
                yield "    raise Doubt"


def write_check(type_: Type, value: str) -> str | None:
    """A condition that is true when a value of fixed width must not be written; struct.error says the rest."""
    match type_:
        case FixedBytesType(size=size):
            return f"len({value}) != {size}"
        case EnumType(enum=enum) if enum.closed:
            return f"{value} not in {members_name(enum)}"
        case BooleanType():
            return f"{value} not in _BOOLEANS_WRITTEN"
        case _:
            return check(type_, value)


def write_expression(type_: Type, value: str) -> str:
    """The octets of a text, octets, a list's items or a struct, without a length."""
    match type_:
        case TextType(pattern=pattern, minimum=minimum, maximum=maximum):
            if pattern is not None:
                return f"_name_octets({value})"
            return f"_text_octets({value}, {minimum}, {maximum})"
        case BytesType(maximum=maximum):
            return f"_octets(bytes({value}), {maximum})"
        case StructType(struct=struct):
            return f"_write_{snake(struct.name)}({value})"
        case ListType(item=item):
            return f'b"".join([{write_item(item, "_item")} for _item in {value}])'
        case _:  # pragma: no cover -- the others are of fixed width
            raise AssertionError(type_)


def write_item(type_: Type, value: str) -> str:
    """The octets of one value with its own length, as it stands in a list."""
    slot = slot_of(type_)
    match type_:
        case StructType():
            return write_expression(type_, value)
        case TextType() | BytesType():
            prefix = prefix_of(type_)
            assert prefix is not None
            return f"_sized(_{prefix.upper()}, {write_expression(type_, value)})"
        case _:
            assert slot is not None
            condition = write_check(type_, value)
            packed = f"_STRUCTS['>{slot[0]}'].pack({value})"
            return f"_refuse() if {condition} else {packed}" if condition else packed


def add_tag(owner: str, tag: Tagged) -> Iterator[str]:
    """Lines that add a present tag of `value` to `tags`, with its number and its length."""
    value = f"value.{tag.name}"
    slot = slot_of(tag.type)
    if slot is None:
        yield f"tags.append(_tagged({tag.tag}, _write_{snake(owner)}__{tag.name}({value})))"
        return
    condition = write_check(tag.type, value)
    if condition:
        yield f"if {condition}:"
        yield "    raise Doubt"
    yield f"tags.append(_TAG_{slot[0]}.pack({tag.tag}, {slot[1]}, {value}))"


def write_tag(tag: Tagged) -> Iterator[str]:
    """Lines that write the value of a present tag `value` and return its octets."""
    match tag.type:
        case TextType() | BytesType() | StructType():
            yield f"return {write_expression(tag.type, 'value')}"
        case RelayedType():
            yield "return bytes(value)"
        case ListType(maximum=maximum):
            yield f"if len(value) > {maximum}:"
            yield "    raise Doubt"
            yield f"return _U16.pack(len(value)) + {write_expression(tag.type, 'value')}"
        case _:  # pragma: no cover -- `add_tag` writes those of fixed width
            raise AssertionError(tag)
