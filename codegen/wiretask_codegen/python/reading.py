"""The straight-line codec: for each part of the spec the lines of Python that read it and write it.

The lines accept exactly what the protocol accepts and raise `Doubt` (or struct.error, KeyError …) on everything else;
which error it is, the reference codec says. So the checks here need no order and no words, only to be complete.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from wiretask_codegen.layout import CODES, Nested, Run, Step, Variable, prefix_of, slot_of, steps
from wiretask_codegen.model import (
    WIDTHS,
    BooleanType,
    BytesType,
    Enum,
    EnumType,
    Field,
    FlagsType,
    IntegerType,
    ListType,
    Message,
    Relayed,
    RelayedType,
    StructType,
    Tagged,
    TextType,
    Type,
)
from wiretask_codegen.spelling import snake

#: The largest body of a relayed struct: the ceiling of the frame limit.
BODY_MAXIMUM = 64 << 20


def run_name(owner: str, index: int) -> str:
    """The name of the precompiled struct of a run."""
    return f"_{snake(owner).upper()}_{index}"


def members_name(enum: Enum) -> str:
    """The name of the table of the members of a closed enum, by their numbers."""
    return f"_{snake(enum.name).upper()}__MEMBERS"


def runs(fields: Sequence[Field], *, tags: bool) -> list[Run]:
    """The runs of fields, in order."""
    return [step for step in steps(fields, tags=tags) if isinstance(step, Run)]


# -- checks of values that have been read -----------------------------------------------------------------------


def check(type_: Type, value: str) -> str | None:
    """A condition that is true when an integer of the type is out of its range; None where none can be."""
    match type_:
        case IntegerType(integer=integer, minimum=minimum, maximum=maximum):
            below = f"{value} < {minimum}" if minimum > 0 else None
            above = f"{value} > {maximum}" if maximum < (1 << 8 * WIDTHS[integer]) - 1 else None
            return " or ".join(part for part in (below, above) if part) or None
        case FlagsType(flags=flags):
            mask = sum(1 << flag.bit for flag in flags.values)
            return f"{value} & ~{mask:#x}"
        case _:
            return None


def convert(type_: Type, value: str) -> str:
    """The expression that turns what `struct` gives into the value of the type."""
    match type_:
        case BooleanType():
            return f"_BOOLEANS[{value}]"
        case EnumType(enum=enum) if enum.closed:
            return f"{members_name(enum)}[{value}]"
        case _:
            return value


# -- reading ----------------------------------------------------------------------------------------------------


def read_lines(owner: str, fields: Sequence[Field], *, tags: bool) -> Iterator[str]:
    """Lines that read the fields at `at`, into variables of their names, and leave `at` behind them."""
    index = 0
    for step in steps(fields, tags=tags):
        match step:
            case Run():
                names = ", ".join(slot.name for slot in step.slots) + ("," if len(step.slots) == 1 else "")
                yield f"{names} = {run_name(owner, index)}.unpack_from(data, at)"
                yield f"at += {step.octets}"
                index += 1
                yield from _read_checks(step)
            case Variable(field=field, length=length):
                yield from _read_variable(field, length)
            case Nested(field=field, struct=struct):
                yield f"{field.name}, at = _read_{snake(struct.name)}(data, at)"


def _read_checks(run: Run) -> Iterator[str]:
    for slot in run.slots:
        if slot.field is None:
            continue
        condition = check(slot.field.type, slot.name)
        if condition:
            yield f"if {condition}:"
            yield "    raise Doubt"
        converted = convert(slot.field.type, slot.name)
        if converted != slot.name:
            yield f"{slot.name} = {converted}"


def _read_variable(field: Field, length: str) -> Iterator[str]:
    match field.type:
        case TextType() | BytesType():
            yield f"_end = at + {length}"
            yield f"{field.name} = {_slice(field.type, 'at', '_end')}"
            yield "at = _end"
        case ListType():
            yield from _read_items(field.name, field.type, length)
        case _:  # pragma: no cover -- layout makes no others variable
            raise AssertionError(field)


def _slice(type_: Type, start: str, end: str) -> str:
    match type_:
        case TextType(pattern=pattern, minimum=minimum, maximum=maximum):
            if pattern is not None:
                return f"_name(data[{start}:{end}])"
            return f"_text(data[{start}:{end}], {minimum}, {maximum})"
        case BytesType(maximum=maximum):
            return f"_octets(data[{start}:{end}], {maximum})"
        case _:  # pragma: no cover -- only texts and octets are slices
            raise AssertionError(type_)


def _read_items(name: str, type_: ListType, count: str) -> Iterator[str]:
    yield f"if {count} > {type_.maximum}:"
    yield "    raise Doubt"
    items, item = f"_items_of_{name}", f"_item_of_{name}"
    yield f"{items} = []"
    yield f"for _ in range({count}):"
    for line in read_value_lines(item, type_.item):
        yield f"    {line}"
    yield f"    {items}.append({item})"
    yield f"{name} = tuple({items})"


def read_value_lines(name: str, type_: Type) -> Iterator[str]:
    """Lines that read one value with its own length, as it stands in a list."""
    slot = slot_of(type_)
    match type_:
        case StructType(struct=struct):
            yield f"{name}, at = _read_{snake(struct.name)}(data, at)"
        case TextType() | BytesType():
            prefix = prefix_of(type_)
            assert prefix is not None
            yield f"({name}_length,) = _{prefix.upper()}.unpack_from(data, at)"
            yield f"at += {WIDTHS[prefix]}"
            yield f"_end = at + {name}_length"
            yield f"{name} = {_slice(type_, 'at', '_end')}"
            yield "at = _end"
        case _:
            assert slot is not None
            yield f"({name},) = _STRUCTS['>{slot[0]}'].unpack_from(data, at)"
            yield f"at += {slot[1]}"
            condition = check(type_, name)
            if condition:
                yield f"if {condition}:"
                yield "    raise Doubt"
            converted = convert(type_, name)
            if converted != name:
                yield f"{name} = {converted}"


def names_before(part: Relayed) -> int:
    """How many names a relayed struct begins with, where only a run follows them: its head is looked up at once."""
    laid = list(steps(part.fields, tags=True))
    count = 0
    while len(laid) > 1 and _is_name(laid[0], laid[1]):
        del laid[:2]
        count += 1
    return count if len(laid) == 1 else 0


def _is_name(run: Step, text: Step) -> bool:
    return (
        isinstance(run, Run)
        and run.format == "B"
        and isinstance(text, Variable)
        and isinstance(text.field.type, TextType)
        and text.field.type.pattern is not None
    )


def tail_name(part: Relayed) -> str:
    """The name of the precompiled struct of a relayed struct's last run and the length of its body."""
    return f"_{snake(part.name).upper()}_TAIL"


def read_relayed_lines(part: Relayed, *, values: bool) -> Iterator[str]:
    """Lines that read a relayed struct up to its body, as if none of its `_count` tags came before `_length`.

    Without `values` the names before are looked at only.
    """
    laid, names = steps(part.fields, tags=True), names_before(part)
    heads = f"_{snake(part.name).upper()}_HEADS"
    if names:
        yield "_end = at"
        yield from ["_end += 1 + data[_end]"] * names
        if values:
            found = ", ".join(field.name for field in part.fields[:names])
            octets = "data[at:_end]"
            yield f"{found}{',' * (names == 1)} = {heads}.get({octets}) or _new_head({octets}, {names}, {heads})"
        else:
            yield f"if data[at:_end] not in {heads}:"
            yield f"    _new_head(data[at:_end], {names}, {heads})"
        yield "at = _end"
    else:
        last = len(laid) - 1
        before = [step.field for step in laid[:last] if not isinstance(step, Run)]
        cut = part.fields.index(before[-1]) + 1 if before else 0
        yield from read_lines(part.name, part.fields[:cut], tags=False)
    run = laid[-1]
    assert isinstance(run, Run)
    yield f"{', '.join(slot.name for slot in run.slots)}, _length = {tail_name(part)}.unpack_from(data, at)"
    yield f"at += {run.octets + WIDTHS['u32']}"
    yield from _read_checks(run)


def check_relayed_lines(part: Relayed) -> Iterator[str]:
    """Lines that look at a relayed struct from `at` to `stop`: its fields, and the structure of the rest."""
    yield from read_relayed_lines(part, values=False)
    yield "if _count:"
    highest = "0xFFFF" if part.critical_tags else "0x7FFF"
    yield f"    at = _skip_tags(data, at - 4, stop, _count, {highest}) + 4"
    yield "    (_length,) = _U32.unpack_from(data, at - 4)"
    yield f"if {_is_of_other_length('at')}:"
    yield "    raise Doubt"


def _is_of_other_length(body: str) -> str:
    return f"{body} + _length != stop or _length > {BODY_MAXIMUM}"


def relays_inline(message: Message) -> bool:
    """Whether the relayed struct of a message can be looked at in the same function: no two names are the same."""
    assert message.relay is not None
    return {field.name for field in message.fields}.isdisjoint(field.name for field in message.relay.fields)


def whole_name(message: Message) -> str:
    """The name of the precompiled struct of a message and the relayed struct in it."""
    return f"_{snake(message.name).upper()}_WHOLE"


def whole_format(message: Message) -> str | None:
    """The format of a message with the relayed struct in it, where both are of fixed width but for tags and body."""
    if message.relay is None or message.rules:
        return None
    laid = [*steps(message.fields, tags=True), *steps(message.relay.fields, tags=True)]
    if len(laid) != 2 or not all(isinstance(step, Run) for step in laid):
        return None
    if any(list(_read_checks(run)) for run in laid[1:] if isinstance(run, Run)):
        return None
    return "".join(run.format for run in laid if isinstance(run, Run)) + "I"


def read_whole_lines(message: Message) -> Iterator[str]:
    """Lines that read a message and the relayed struct in it at once, and return it where neither has tags."""
    assert message.relay is not None
    own, inner = (steps(fields, tags=True)[0] for fields in (message.fields, message.relay.fields))
    assert isinstance(own, Run)
    assert isinstance(inner, Run)
    read = [slot.name for slot in own.slots]
    skipped = ["_" for _ in inner.slots[:-1]]
    yield f"{', '.join([*read, *skipped])}, _inner, _length = {whole_name(message)}.unpack_from(data, at)"
    yield "if not _count and not _inner:"
    for line in _read_checks(own):
        yield f"    {line}"
    body = f"at + {own.octets + inner.octets + WIDTHS['u32']}"
    yield f"    if {_is_of_other_length(body)}:"
    yield "        raise Doubt"
    arguments = [field.name for field in message.fields]
    yield f"    return {message.name}({', '.join([*arguments, f'data[at + {own.octets} : stop]'])})"


def read_tag_lines(tag: Tagged) -> Iterator[str]:
    """Lines of a function (data, at, stop) that reads the value of a tag, whose length is the tag's."""
    match tag.type:
        case TextType() | BytesType():
            yield f"return {_slice(tag.type, 'at', 'stop')}"
            return
        case RelayedType(relayed=relayed):
            yield f"_check_{snake(relayed.name)}(data, at, stop)"
            yield "return data[at:stop]"
            return
        case ListType():
            yield "(_count,) = _U16.unpack_from(data, at)"
            yield "at += 2"
            yield from _read_items("value", tag.type, "_count")
        case StructType(struct=struct):
            yield f"value, at = _read_{snake(struct.name)}(data, at)"
        case _:
            yield from read_value_lines("value", tag.type)
    yield "if at != stop:"
    yield "    raise Doubt"
    yield "return value"


def formats(types: Iterable[Type]) -> list[str]:
    """The formats of single values that stand in lists and tags, of all types of fields and tags."""
    found = set(CODES.values())
    for type_ in types:
        inner = type_.item if isinstance(type_, ListType) else type_
        slot = slot_of(inner)
        if slot is not None:
            found.add(slot[0])
    return sorted(found)
