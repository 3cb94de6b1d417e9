"""The layout of fields in octets: the one place where offsets and widths are computed.

Fields become steps. A `Run` is a stretch of fixed width, read and written at once; it takes in the length of the
text, octets or list that follows it, and the count of the tag section at the end. Every backend works from steps,
so two backends cannot disagree about where a field lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wiretask_codegen.model import (
    WIDTHS,
    BooleanType,
    BytesType,
    EnumType,
    Field,
    FixedBytesType,
    FlagsType,
    Integer,
    IntegerType,
    ListType,
    Message,
    Struct,
    StructType,
    TextType,
    Type,
)

#: How `struct` writes an integer.
CODES: dict[Integer, str] = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q"}

#: Octets of a frame's header: the command and the length.
HEADER_OCTETS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One value of a run: a field itself, or the length or count that goes before one."""

    name: str
    code: str
    octets: int
    #: The field that this slot is the value of; None for lengths and counts.
    field: Field | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A stretch of fixed width. `offset` is its place in the payload where all before it is fixed, else None."""

    slots: tuple[Slot, ...]
    offset: int | None

    @property
    def format(self) -> str:
        """As the `struct` module writes it, without the byte order."""
        return "".join(slot.code for slot in self.slots)

    @property
    def octets(self) -> int:
        """How long it is."""
        return sum(slot.octets for slot in self.slots)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A text, octets or a list, whose length or count is the last slot of the run before it."""

    field: Field
    length: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """A struct, read and written by a function of its own."""

    field: Field
    struct: Struct


Step = Run | Variable | Nested


def slot_of(type_: Type) -> tuple[str, int] | None:
    """The `struct` code and the octets of a type of fixed width; None for all others."""
    match type_:
        case IntegerType(integer=integer):
            return CODES[integer], WIDTHS[integer]
        case BooleanType():
            return "B", 1
        case FixedBytesType(size=size):
            return f"{size}s", size
        case EnumType(enum=enum):
            return CODES[enum.repr], WIDTHS[enum.repr]
        case FlagsType(flags=flags):
            return CODES[flags.repr], WIDTHS[flags.repr]
        case _:
            return None


def prefix_of(type_: Type) -> Integer | None:
    """The integer type of the length or count that goes before a value of the type."""
    match type_:
        case TextType(prefix=prefix):
            return prefix
        case BytesType():
            return "u32"
        case ListType():
            return "u16"
        case _:
            return None


def length_name(field: Field) -> str:
    """What the length or the count of a field is called; no field and no other local name is called so."""
    return f"_length_of_{field.name}"


def steps(fields: Sequence[Field], *, tags: bool) -> tuple[Step, ...]:
    """The steps of fields that come one after the other, with the count of a tag section at the end if `tags`."""
    laid: list[Step] = []
    slots: list[Slot] = []
    offset: int | None = 0

    def close() -> None:
        nonlocal offset
        if slots:
            run = Run(slots=tuple(slots), offset=offset)
            laid.append(run)
            offset = offset + run.octets if offset is not None else None
            slots.clear()

    for field in fields:
        fixed = slot_of(field.type)
        prefix = prefix_of(field.type)
        if fixed is not None:
            slots.append(Slot(name=field.name, code=fixed[0], octets=fixed[1], field=field))
        elif prefix is not None:
            length = length_name(field)
            slots.append(Slot(name=length, code=CODES[prefix], octets=WIDTHS[prefix], field=None))
            close()
            laid.append(Variable(field=field, length=length))
            offset = None
        else:
            assert isinstance(field.type, StructType)
            close()
            laid.append(Nested(field=field, struct=field.type.struct))
            offset = None
    if tags:
        slots.append(Slot(name="_count", code="B", octets=1, field=None))
    close()
    return tuple(laid)


def message_steps(message: Message) -> tuple[Step, ...]:
    """The steps of a message, the count of its tags included."""
    return steps(message.fields, tags=True)
