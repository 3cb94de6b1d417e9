"""How the parts of a spec are said in the document."""

from __future__ import annotations

from wiretask_codegen.model import (
    AllGuard,
    AnyGuard,
    BooleanType,
    BytesType,
    CompareGuard,
    EnumType,
    FixedBytesType,
    FlagsType,
    Guard,
    IntegerType,
    ListType,
    NameGuard,
    NotGuard,
    NumberGuard,
    PresentGuard,
    RelayedType,
    StructType,
    TagCountGuard,
    TextType,
    Type,
)


def type_name(type_: Type) -> str:
    """A type as a link to where it is said, or as a primitive."""
    match type_:
        case IntegerType(newtype=newtype) | FixedBytesType(newtype=newtype) if newtype:
            return link(newtype)
        case TextType(newtype=newtype) | BytesType(newtype=newtype) if newtype:
            return link(newtype)
        case IntegerType(integer=integer):
            return integer
        case BooleanType():
            return "bool"
        case FixedBytesType(size=size):
            return f"bytes[{size}]"
        case TextType(prefix=prefix):
            return f"text<{prefix}>"
        case BytesType():
            return "bytes<u32>"
        case EnumType(enum=enum):
            return link(enum.name)
        case FlagsType(flags=flags):
            return link(flags.name)
        case StructType(struct=struct):
            return link(struct.name)
        case ListType(item=item):
            return f"list of {type_name(item)}"
        case RelayedType(relayed=relayed):
            return link(relayed.name)
    raise AssertionError(type_)


def bounds(type_: Type) -> str:
    """What a value must keep to besides its type; empty where nothing."""
    match type_:
        case IntegerType(minimum=minimum, maximum=maximum, integer=integer):
            top = (1 << {"u8": 8, "u16": 16, "u32": 32, "u64": 64}[integer]) - 1
            if minimum and maximum < top:
                return f"{minimum} to {maximum}"
            if minimum:
                return f"at least {minimum}"
            return f"at most {maximum}" if maximum < top else ""
        case TextType(minimum=minimum, maximum=maximum):
            return f"{minimum} to {maximum} octets"
        case BytesType(maximum=maximum):
            return f"at most {maximum} octets"
        case ListType(maximum=maximum):
            return f"at most {maximum} items"
        case _:
            return ""


def wire(type_: Type) -> str:
    """How a value of the type is written."""
    match type_:
        case IntegerType(integer=integer):
            return f"{integer}, big-endian"
        case BooleanType():
            return "u8, 0 or 1"
        case FixedBytesType(size=size):
            return f"{size} octets"
        case TextType(prefix=prefix):
            return f"{prefix} length, then UTF-8 without NUL"
        case BytesType():
            return "u32 length, then octets"
        case EnumType(enum=enum):
            return enum.repr
        case FlagsType(flags=flags):
            return flags.repr
        case StructType():
            return "its fields, one after the other"
        case ListType():
            return "u16 count, then items"
        case RelayedType():
            return "its fields, its tags, u32 length, body"
    raise AssertionError(type_)


def width(type_: Type) -> str:
    """How many octets, as a byte diagram says it."""
    match type_:
        case IntegerType(integer=integer):
            return str({"u8": 1, "u16": 2, "u32": 4, "u64": 8}[integer])
        case EnumType(enum=enum):
            return str({"u8": 1, "u16": 2, "u32": 4, "u64": 8}[enum.repr])
        case FlagsType(flags=flags):
            return str({"u8": 1, "u16": 2, "u32": 4, "u64": 8}[flags.repr])
        case BooleanType():
            return "1"
        case FixedBytesType(size=size):
            return str(size)
        case TextType(prefix="u8"):
            return "1+n"
        case TextType() | ListType():
            return "2+n"
        case BytesType():
            return "4+n"
        case _:
            return "n"


def guard(value: Guard) -> str:
    """A guard in words and signs."""
    match value:
        case PresentGuard(name=name):
            return f"`{name}` is present"
        case CompareGuard(operator=operator, left=left, right=right):
            return f"`{_operand(left)} {operator} {_operand(right)}`"
        case NotGuard(guard=inner):
            return f"not ({guard(inner)})"
        case AllGuard(guards=guards):
            return " and ".join(guard(inner) for inner in guards)
        case AnyGuard(guards=guards):
            return "(" + " or ".join(guard(inner) for inner in guards) + ")"


def _operand(value: NameGuard | NumberGuard | TagCountGuard) -> str:
    match value:
        case NameGuard(name=name):
            return name
        case NumberGuard(number=number, enum_value=enum_value):
            return enum_value if enum_value is not None else str(number)
        case TagCountGuard():
            return "number of tags"


def anchor(name: str) -> str:
    """The anchor of a heading."""
    return "".join(letter for letter in name.lower().replace(" ", "-") if letter.isalnum() or letter in "-_")


def link(name: str) -> str:
    """A name as a link to its heading."""
    return f"[{name}](#{anchor(name)})"
