"""The types of a spec: primitives, newtypes, enums, flags, structs and relayed structs, resolved by name.

A type is written as a word (`u16`, `bytes[16]`, `list<HeldLease>`, `Name`); a field may narrow it with min, max,
min_bytes, max_bytes and max_items.
"""

from __future__ import annotations

import re
from dataclasses import replace

from wiretask_codegen.model import (
    WIDTHS,
    BooleanType,
    BytesType,
    Enum,
    EnumType,
    FixedBytesType,
    Flags,
    FlagsType,
    Integer,
    IntegerType,
    ListType,
    Newtype,
    Place,
    Relayed,
    RelayedType,
    Struct,
    StructType,
    TextType,
    Type,
)
from wiretask_codegen.problems import Problems

_FIXED = re.compile(r"bytes\[([1-9][0-9]*)\]$")
_LIST = re.compile(r"list<(.+)>$")
_TEXT_MAXIMUM = {"u8": 0xFF, "u16": 0xFFFF}

#: Keys of a field that narrow its type, and the types that they apply to.
NARROWING = ("min", "max", "min_bytes", "max_bytes", "pattern", "max_items", "unit")


class Types:
    """The names that a spec has given to types. Names must be declared before they are used."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self.newtypes: dict[str, Newtype] = {}
        self.enums: dict[str, Enum] = {}
        self.flags: dict[str, Flags] = {}
        self.structs: dict[str, Struct] = {}
        self.relayed: dict[str, Relayed] = {}
        self._declared: dict[str, Place] = {}

    def declare(self, name: str, place: Place) -> bool:
        """Takes a name for a type; notes a problem and returns False if it is taken."""
        if name in self._declared:
            self._problems.add(place, "T004", f"{name!r} is declared at {self._declared[name]} already; rename one")
            return False
        self._declared[name] = place
        return True

    def resolve(self, written: str, narrowing: dict[str, object], place: Place) -> Type:
        """The type that is written, narrowed. A type that cannot be is noted as a problem and stands as u8."""
        found = self._named(written, place)
        if found is None:
            self._problems.add(
                place, "T001", f"{written!r} is no type; declare it in types.yaml before its use, or mend the name"
            )
            return IntegerType(integer="u8", minimum=0, maximum=0xFF)
        return self._narrowed(found, dict(narrowing), written, place)

    def _named(self, written: str, place: Place) -> Type | None:
        if written in WIDTHS:
            integer: Integer = written
            return IntegerType(integer=integer, minimum=0, maximum=(1 << 8 * WIDTHS[integer]) - 1)
        if match := _FIXED.match(written):
            return FixedBytesType(size=int(match[1]))
        if match := _LIST.match(written):
            return ListType(item=self.resolve(match[1], {}, place), maximum=0xFFFF)
        match written:
            case "bool":
                return BooleanType()
            case "text<u8>":
                return TextType(prefix="u8", minimum=0, maximum=0xFF)
            case "text<u16>":
                return TextType(prefix="u16", minimum=0, maximum=0xFFFF)
            case "bytes<u32>":
                return BytesType(maximum=0xFFFF_FFFF)
        if written in self.newtypes:
            return self.newtypes[written].type
        if written in self.enums:
            return EnumType(enum=self.enums[written])
        if written in self.flags:
            return FlagsType(flags=self.flags[written])
        if written in self.structs:
            return StructType(struct=self.structs[written])
        if written in self.relayed:
            return RelayedType(relayed=self.relayed[written])
        return None

    def _narrowed(self, base: Type, keys: dict[str, object], written: str, place: Place) -> Type:
        def take(key: str, default: int) -> int:
            value = keys.pop(key, default)
            return value if isinstance(value, int) else default

        result: Type
        match base:
            case IntegerType():
                unit = keys.pop("unit", base.unit)
                result = replace(
                    base,
                    minimum=take("min", base.minimum),
                    maximum=take("max", base.maximum),
                    unit=unit if isinstance(unit, str) else None,
                )
                self._check_bounds(base.minimum, result.minimum, result.maximum, base.maximum, place)
            case TextType():
                pattern = keys.pop("pattern", base.pattern)
                result = replace(
                    base,
                    minimum=take("min_bytes", base.minimum),
                    maximum=take("max_bytes", base.maximum),
                    pattern=pattern if isinstance(pattern, str) else None,
                )
                self._check_bounds(base.minimum, result.minimum, result.maximum, base.maximum, place)
            case BytesType():
                result = replace(base, maximum=take("max_bytes", base.maximum))
                self._check_bounds(0, 0, result.maximum, base.maximum, place)
            case ListType():
                result = replace(base, maximum=take("max_items", base.maximum))
                self._check_bounds(0, 1, result.maximum, base.maximum, place)
            case _:
                result = base
        for key in keys:
            self._problems.add(place, "T002", f"{key!r} does not narrow {written}; remove it")
        return result

    def _check_bounds(self, floor: int, minimum: int, maximum: int, ceiling: int, place: Place) -> None:
        if not floor <= minimum <= maximum <= ceiling:
            self._problems.add(
                place, "T003", f"{minimum} to {maximum} is not within {floor} to {ceiling}; mend the bounds"
            )


def named(base: Type, name: str) -> Type:
    """The same type under the name of a newtype."""
    match base:
        case IntegerType() | FixedBytesType() | TextType() | BytesType():
            return replace(base, newtype=name)
        case other:
            return other
