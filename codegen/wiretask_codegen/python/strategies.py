"""Hypothesis strategies: each type of the spec as the expression that draws values of it."""

from __future__ import annotations

from wiretask_codegen.model import (
    WIDTHS,
    BooleanType,
    BytesType,
    EnumType,
    FixedBytesType,
    FlagsType,
    IntegerType,
    ListType,
    RelayedType,
    StructType,
    TextType,
    Type,
)
from wiretask_codegen.python.names import regular
from wiretask_codegen.spelling import snake

#: Drawn texts, octets and lists are short: their bounds are the golden frames' matter.
DRAWN_MAXIMUM = 24


def strategy(type_: Type) -> str:
    """The expression that draws values of a type."""
    match type_:
        case IntegerType(minimum=minimum, maximum=maximum):
            return f"integers({minimum}, {maximum})"
        case BooleanType():
            return "st.booleans()"
        case FixedBytesType(size=size):
            return f"st.binary(min_size={size}, max_size={size})"
        case TextType(minimum=minimum, maximum=maximum, pattern=pattern):
            if pattern is not None:
                return f"names({regular(pattern)}, {minimum}, {maximum})"
            return f"texts({minimum}, {min(maximum, max(minimum, DRAWN_MAXIMUM))})"
        case BytesType(maximum=maximum):
            return f"st.binary(max_size={min(maximum, DRAWN_MAXIMUM)})"
        case EnumType(enum=enum):
            if enum.closed:
                return f"st.sampled_from(messages.{enum.name})"
            return f"integers(0, {(1 << 8 * WIDTHS[enum.repr]) - 1})"
        case FlagsType(flags=flags):
            mask = sum(1 << flag.bit for flag in flags.values)
            gaps = f".map(lambda bits: bits & {mask:#x})" if mask & (mask + 1) else ""
            return f"integers(0, {mask}){gaps}"
        case StructType(struct=struct):
            return f"draw_{snake(struct.name)}()"
        case ListType(item=item, maximum=maximum):
            return f"st.lists({strategy(item)}, max_size={min(maximum, 4)}).map(tuple)"
        case RelayedType(relayed=relayed):
            return f"draw_{snake(relayed.name)}().map(codec.encode_{snake(relayed.name)})"
