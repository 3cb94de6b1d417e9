"""A legal payload as a tree of parts, each with the path that an error would name it by.

A rule exchanges the octets of one part; the lengths around it are computed again, so that nothing else becomes wrong.
It knows the types of the spec and nothing of what is legal: the values are the plainest that a type has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    Relayed,
    RelayedType,
    StructType,
    Tagged,
    TextType,
    Type,
)

#: Octets of the length of a tag and of a body.
LENGTH = 4
#: Longest body: the limit of every `Body`; a relayed struct says none of its own.
BODY = BytesType(maximum=1 << 26)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Octets with one meaning, or parts one after the other. `prefix` octets of length go before them."""

    path: str
    kind: str
    #: What coverage calls it: the message or struct that declares it, and its name there.
    item: str = ""
    type: Type | None = None
    octets: bytes = b""
    parts: tuple[Part, ...] = ()
    prefix: int = 0

    def __iter__(self) -> Iterator[Part]:
        """It and all parts in it, in the order of their octets."""
        yield self
        for part in self.parts:
            yield from part

    def __getitem__(self, path: str) -> Part:
        """The part in it with this path."""
        return next(part for part in self if part.path == path)

    def written(self, path: str = "", instead: bytes = b"") -> bytes:
        """Its octets; those of the part with this path (not the root) are exchanged, its prefix included."""
        if path and self.path == path:
            return instead
        octets = b"".join(part.written(path, instead) for part in self.parts) if self.parts else self.octets
        return len(octets).to_bytes(self.prefix, "big") + octets if self.prefix else octets

    def sized(self, octets: bytes) -> bytes:
        """Other octets with the prefix that belongs to them."""
        return len(octets).to_bytes(self.prefix, "big") + octets if self.prefix else octets


def message_part(message: Message, kinds: dict[str, int], tagged: Sequence[Tagged], *, deep: bool = False) -> Part:
    """The payload of a message with these tags. `kinds` says which value an enum field has, by the field's name.

    Only a `deep` one has tags in what it relays.
    """
    parts = _fields(message.fields, "", message.name, kinds)
    parts.append(_section(tagged, "", message.name))
    if message.relay is not None:
        relay = message.relay
        parts.append(relayed_part(relay, f"{relay.name.lower()}.", relay.tagged if deep else ()))
    return Part(path="", kind="message", item=message.name, parts=tuple(parts))


def relayed_part(relayed: Relayed, prefix: str, tagged: Sequence[Tagged]) -> Part:
    """A relayed struct; `prefix` goes before the paths in it."""
    fields = _fields(relayed.fields, prefix, relayed.name, {})
    section = _section(tagged, prefix, relayed.name)
    body = Part(
        path=f"{prefix}body", kind="octets", item=f"{relayed.name}.body", type=BODY, octets=b"body", prefix=LENGTH
    )
    path = prefix.removesuffix(".") or relayed.name
    return Part(path=path, kind="relayed", item=relayed.name, parts=(*fields, section, body))


def _section(tagged: Sequence[Tagged], prefix: str, owner: str) -> Part:
    count = Part(path=f"{prefix}tags.count", kind="tag count", item=owner, octets=bytes([len(tagged)]))
    tags = tuple(_tag(tag, prefix, owner) for tag in tagged)
    return Part(path=f"{prefix}tags", kind="tags", item=owner, parts=(count, *tags))


def _tag(tag: Tagged, prefix: str, owner: str) -> Part:
    path, item = f"{prefix}{tag.name}", f"{owner}.{tag.name}"
    inner = type_part(tag.type, path, item, tagged=True)
    number = Part(path=f"{path}.tag", kind="tag number", octets=tag.tag.to_bytes(2, "big"))
    value = Part(path=f"{path}.value", kind="tag value", item=item, parts=(inner,), prefix=LENGTH)
    return Part(path=f"{path}.whole", kind="tag", item=item, parts=(number, value))


def _fields(fields: Sequence[Field], prefix: str, owner: str, kinds: dict[str, int]) -> list[Part]:
    return [
        type_part(field.type, f"{prefix}{field.name}", f"{owner}.{field.name}", number=kinds.get(field.name))
        for field in fields
    ]


def type_part(type_: Type, path: str, item: str, *, tagged: bool = False, number: int | None = None) -> Part:
    """The plainest value of a type. Inside a tag a text and octets have no length of their own."""
    match type_:
        case IntegerType(integer=integer, minimum=minimum):
            return _number(type_, path, item, integer, max(minimum, 1) if number is None else number)
        case EnumType(enum=enum):
            return _number(type_, path, item, enum.repr, enum.values[0].value if number is None else number)
        case FlagsType(flags=flags):
            return _number(type_, path, item, flags.repr, 1 << flags.values[0].bit)
        case BooleanType():
            return Part(path=path, kind="number", item=item, type=type_, octets=b"\1")
        case FixedBytesType(size=size):
            return Part(path=path, kind="fixed", item=item, type=type_, octets=bytes(range(1, size + 1)))
        case TextType(prefix=prefix):
            width = 0 if tagged else WIDTHS[prefix]
            return Part(path=path, kind="text", item=item, type=type_, octets=b"ab", prefix=width)
        case BytesType():
            return Part(path=path, kind="octets", item=item, type=type_, octets=b"o", prefix=0 if tagged else LENGTH)
        case ListType(item=inner):
            count = Part(path=f"{path}.count", kind="count", type=type_, octets=b"\0\1")
            first = type_part(inner, f"{path}[0]", f"{item}[]")
            return Part(path=path, kind="list", item=item, type=type_, parts=(count, first))
        case StructType(struct=struct):
            parts = _fields(struct.fields, f"{path}.", struct.name, {})
            return Part(path=path, kind="struct", item=item, type=type_, parts=tuple(parts))
        case RelayedType(relayed=relayed):
            return relayed_part(relayed, f"{path}.", ())
    raise AssertionError(type_)


def _number(type_: Type, path: str, item: str, integer: Integer, number: int) -> Part:
    return Part(path=path, kind="number", item=item, type=type_, octets=number.to_bytes(WIDTHS[integer], "big"))
