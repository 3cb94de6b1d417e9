"""The spec as typed, immutable values: what the loader makes and every backend reads.

Knows nothing of YAML, of byte offsets (see `layout`) or of any target language. A `Spec` that exists has
passed the schema and the lint, so backends check nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Integer = Literal["u8", "u16", "u32", "u64"]

#: Octets of each integer type.
WIDTHS: dict[Integer, int] = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the spec something is said."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


# -- types: what a field can hold; every newtype is resolved to one of these ---------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegerType:
    """An unsigned integer, big-endian, within `minimum` and `maximum` (inclusive)."""

    integer: Integer
    minimum: int
    maximum: int
    newtype: str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BooleanType:
    """One octet, 0 or 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedBytesType:
    """Exactly `size` octets."""

    size: int
    newtype: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextType:
    """A length of type `prefix`, then UTF-8 without NUL; `minimum` and `maximum` count octets."""

    prefix: Literal["u8", "u16"]
    minimum: int
    maximum: int
    #: Regular expression that the whole text matches (ASCII, the common subset of all dialects).
    pattern: str | None = None
    newtype: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesType:
    """A u32 length, then that many octets, at most `maximum`."""

    maximum: int
    newtype: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumType:
    """The integer of an enum. Closed: other values are refused. Open: they are kept."""

    enum: Enum


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagsType:
    """The integer of a set of flags. Bits without a name are refused."""

    flags: Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class StructType:
    """The fields of a struct, one after the other."""

    struct: Struct


@dataclass(frozen=True, slots=True, kw_only=True)
class ListType:
    """A u16 count, then that many items, at most `maximum`."""

    item: Type
    maximum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedType:
    """The octets of a relayed struct, whose structure alone is checked. Only the end of a message or a tag."""

    relayed: Relayed


Type = (
    IntegerType
    | BooleanType
    | FixedBytesType
    | TextType
    | BytesType
    | EnumType
    | FlagsType
    | StructType
    | ListType
    | RelayedType
)


# -- named parts ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """A number and a name that are kept for later, or were used once."""

    number: int
    name: str
    about: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumValue:
    """A value of an enum."""

    name: str
    value: int
    about: str
    since: int
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Enum:
    """Named values of an integer."""

    name: str
    about: str
    repr: Integer
    closed: bool
    values: tuple[EnumValue, ...]
    #: Values that were used once.
    reserved: tuple[Reserved, ...] = ()
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A bit of a set of flags; bit 0 is the least."""

    name: str
    bit: int
    about: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """Named bits of an integer."""

    name: str
    about: str
    repr: Integer
    values: tuple[Flag, ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Newtype:
    """A name for a narrower primitive."""

    name: str
    about: str
    type: Type
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field that is always there."""

    name: str
    type: Type
    about: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged:
    """A field that may be absent."""

    #: The number on the wire, the high bit included where it is critical.
    tag: int
    name: str
    type: Type
    about: str
    since: int
    on_old_peer: Literal["drop", "fail"]
    place: Place

    @property
    def critical(self) -> bool:
        """Whether a peer that does not know it must refuse the message."""
        return self.tag >= 0x8000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A cross-field rule: where `when` holds (always, if None), `require` must; else RULE_BROKEN."""

    id: str
    when: Guard | None
    require: Guard
    about: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Struct:
    """Fields that come together; frozen for ever once released."""

    name: str
    about: str
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Relayed:
    """Fields, then tags, then a body (u32 length): relayed as bytes. Who relays it checks fields and structure."""

    name: str
    about: str
    fields: tuple[Field, ...]
    tagged: tuple[Tagged, ...]
    #: Whether tags with the high bit are allowed in it.
    critical_tags: bool
    body_about: str
    #: Tags that were used once.
    reserved: tuple[Reserved, ...] = ()
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A numbered sentence that an implementation keeps."""

    id: str
    level: Literal["MUST", "SHOULD"]
    about: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A golden example: a value and its hand-checked bytes (the whole frame, header included)."""

    name: str
    about: str
    #: Plain data: names of fields to integers, strings ("hex:…" for octets, names for enum values), lists, mappings.
    value: dict[str, object]
    frame: bytes
    #: The hex as written: lines of (octets, comment).
    lines: tuple[tuple[bytes, str], ...]
    #: Where each of the lines stands.
    line_places: tuple[Place, ...]
    place: Place


PeerRole = Literal["scheduler", "worker", "client"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Who sends a message to whom."""

    sender: PeerRole
    receiver: PeerRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message: fields, then a section of tags, then (where `relay` is set) a relayed struct."""

    name: str
    command: int
    since: int
    about: str
    flows: tuple[Flow, ...]
    #: Its first field is a `seq` that counts per connection and direction.
    sequenced: bool
    fields: tuple[Field, ...]
    tagged: tuple[Tagged, ...]
    relay: Relayed | None
    rules: tuple[Rule, ...]
    requirements: tuple[Requirement, ...]
    examples: tuple[Example, ...]
    #: Tags that were used once.
    reserved: tuple[Reserved, ...] = ()
    place: Place


# -- guards: a closed little language, so that any backend can write it ---------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NameGuard:
    """The value of a field, or of an enum's value of the same enum as the other side of a comparison."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberGuard:
    """A number. Names of enum values are resolved to it by the loader (`enum_value` keeps the name)."""

    number: int
    enum_value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentGuard:
    """Whether a tagged field is there."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TagCountGuard:
    """How many tags there are, the unknown ones included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareGuard:
    """A comparison of two numbers."""

    operator: Literal["==", "!=", "<", "<=", ">", ">="]
    left: NameGuard | NumberGuard | TagCountGuard
    right: NameGuard | NumberGuard | TagCountGuard


@dataclass(frozen=True, slots=True, kw_only=True)
class NotGuard:
    """The opposite."""

    guard: Guard


@dataclass(frozen=True, slots=True, kw_only=True)
class AllGuard:
    """All of them (`and`)."""

    guards: tuple[Guard, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyGuard:
    """One of them at least (`or`)."""

    guards: tuple[Guard, ...]


Guard = CompareGuard | PresentGuard | NotGuard | AllGuard | AnyGuard


# -- errors, limits, ranges, machines --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """An error that goes over the wire."""

    name: str
    code: int
    scope: Literal["request", "task", "connection"]
    retry: Literal["never", "later", "elsewhere"]
    text: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A number that bounds something, and the error where it is exceeded."""

    name: str
    value: int
    floor: int | None
    ceiling: int | None
    unit: str
    error: str | None
    about: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A range of numbers (inclusive) and what becomes of those without a meaning."""

    first: int
    last: int
    kind: str
    about: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A state of a machine. `local`: nothing is read until an event of the machine's own has moved it on."""

    name: str
    about: str
    final: bool
    local: bool
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event of a machine: a word of its own, or a message received (`message` set, `kind` where it has kinds)."""

    name: str
    about: str
    message: str | None
    kind: str | None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A total state machine: `table[state][event]` is the next state, or None where `otherwise` decides."""

    name: str
    about: str
    initial: str
    #: Which messages are its events ("to_scheduler", "to_worker", "to_client"), or None.
    messages: str | None
    states: tuple[State, ...]
    events: tuple[Event, ...]
    table: dict[str, dict[str, str | None]]
    #: Where everything that is not listed leads; None stays.
    otherwise_to: str | None
    otherwise_error: str | None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A step of the order in which errors are found; the first error wins."""

    name: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of the protocol and where it is in its life."""

    number: int
    status: Literal["draft", "released"]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """The whole protocol."""

    protocol: str
    title: str
    about: str
    versions: tuple[Version, ...]
    header: tuple[Field, ...]
    first_command: int
    check_order: tuple[Check, ...]
    command_ranges: tuple[Range, ...]
    tag_ranges: tuple[Range, ...]
    limits: tuple[Limit, ...]
    newtypes: tuple[Newtype, ...]
    enums: tuple[Enum, ...]
    flags: tuple[Flags, ...]
    structs: tuple[Struct, ...]
    relayed: tuple[Relayed, ...]
    messages: tuple[Message, ...]
    errors: tuple[Error, ...]
    machines: tuple[Machine, ...]
    reserved_commands: tuple[Reserved, ...]
    reserved_names: tuple[str, ...]
    reserved_errors: tuple[Reserved, ...] = ()
    #: SHA-256 of the spec's files, in the order of their names.
    digest: str
