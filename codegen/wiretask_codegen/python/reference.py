"""The construct codec: each type of the spec as the expression that declares it."""

from __future__ import annotations

from wiretask_codegen.model import (
    WIDTHS,
    BooleanType,
    BytesType,
    Enum,
    EnumType,
    FixedBytesType,
    Flags,
    FlagsType,
    IntegerType,
    ListType,
    Newtype,
    RelayedType,
    StructType,
    TextType,
    Type,
)
from wiretask_codegen.python.names import regular


class Expressions:
    """Writes types as construct expressions; a newtype that is not narrowed goes by its name."""

    def __init__(self, newtypes: tuple[Newtype, ...]) -> None:
        self._newtypes = {newtype.name: newtype.type for newtype in newtypes}

    def of(self, type_: Type) -> str:
        """The expression of a field's type."""
        name = getattr(type_, "newtype", None)
        if name is not None and self._newtypes[name] == type_:
            return str(name)
        return self.declared(type_)

    def declared(self, type_: Type) -> str:
        """The expression that declares a type, without its name."""
        return construct(type_, self)


def construct(type_: Type, names: Expressions) -> str:
    """The expression that declares a type."""
    match type_:
        case IntegerType(integer=integer, minimum=minimum, maximum=maximum):
            octets = WIDTHS[integer]
            bounds = [str(octets)]
            if minimum or maximum < (1 << 8 * octets) - 1:
                bounds.append(str(minimum))
            if maximum < (1 << 8 * octets) - 1:
                bounds.append(str(maximum))
            return f"bounded.Integer({', '.join(bounds)})"
        case BooleanType():
            return "bounded.Boolean()"
        case FixedBytesType(size=size):
            return f"bounded.Octets({size})"
        case TextType(prefix=prefix, minimum=minimum, maximum=maximum, pattern=pattern):
            extra = f", {regular(pattern)}" if pattern is not None else ""
            return f"bounded.Text({WIDTHS[prefix]}, {minimum}, {maximum}{extra})"
        case BytesType(maximum=maximum):
            return f"bounded.Sized(4, 0, {maximum})"
        case EnumType(enum=enum):
            return enum.name
        case FlagsType(flags=flags):
            return flags.name
        case StructType(struct=struct):
            return struct.name
        case RelayedType(relayed=relayed):
            return relayed.name
        case ListType(item=item, maximum=maximum):
            return f"bounded.Items({names.of(item)}, {maximum})"


def enum_construct(enum: Enum) -> str:
    """The expression that declares an enum."""
    octets = WIDTHS[enum.repr]
    return f"bounded.ClosedEnum({octets}, messages.{enum.name})" if enum.closed else f"bounded.Integer({octets})"


def flags_construct(flags: Flags) -> str:
    """The expression that declares a set of flags."""
    mask = sum(1 << flag.bit for flag in flags.values)
    return f"bounded.FlagSet({WIDTHS[flags.repr]}, {mask:#x})"
