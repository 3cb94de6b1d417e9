"""What the fields, the tags and the types of a spec may be."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wiretask_codegen.model import (
    Field,
    IntegerType,
    ListType,
    Message,
    Place,
    RelayedType,
    Spec,
    Tagged,
    TextType,
    Type,
)
from wiretask_codegen.problems import Problems

_CLASS = re.compile(r"\[\^?(?:\\.|[^\]\\])+\]")
#: What regular expressions of other languages read differently or not at all, outside of a [class].
_DIALECT = re.compile(r"\(\?|\\[A-Za-z0-9]|(?<!\\)[.^$]|[*+?}][?+]")


def check(spec: Spec, problems: Problems) -> None:
    """Notes what is wrong with the fields of a spec."""
    fields = list(_all_fields(spec))
    for field in fields:
        _check_type(field.type, field.place, problems)
    for newtype in spec.newtypes:
        _check_type(newtype.type, newtype.place, problems)
    _check_patterns(spec, fields, problems)
    for message in spec.messages:
        _check_sequence(message, problems)
        if not message.examples:
            text = f"{message.name} has no example; write one with its value and its octets"
            problems.add(message.place, "L025", text)
    for item, name, type_ in zip(spec.header, ("command", "length"), ("u8", "u32"), strict=True):
        if item.name != name or not isinstance(item.type, IntegerType) or item.type.integer != type_:
            problems.add(item.place, "L032", f"the header is command: u8, length: u32 for ever; restore {name}")


def _all_fields(spec: Spec) -> Iterator[Field | Tagged]:
    for struct in spec.structs:
        yield from struct.fields
    for relayed in spec.relayed:
        yield from relayed.fields
        yield from relayed.tagged
    for message in spec.messages:
        yield from message.fields
        yield from message.tagged


def _check_type(type_: Type, place: Place, problems: Problems) -> None:
    if isinstance(type_, ListType):
        if isinstance(type_.item, ListType | RelayedType):
            problems.add(place, "L014", "lists hold integers, texts, octets and structs; wrap it into a struct")
        return
    if isinstance(type_, TextType) and type_.pattern is not None:
        _check_pattern(type_.pattern, place, problems)


def _check_pattern(pattern: str, place: Place, problems: Problems) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        problems.add(place, "L027", f"the pattern is no regular expression ({error}); mend it")
        return
    found = _DIALECT.search(_CLASS.sub("x", pattern))
    if found or not pattern.isascii():
        what = repr(found[0]) if found else "what is not ASCII"
        text = f"the pattern has {what}, which not all languages read alike; use literals, [classes], ( ) | * + ? {{}}"
        problems.add(place, "L027", text)


def _check_patterns(spec: Spec, fields: list[Field | Tagged], problems: Problems) -> None:
    """The codecs know one pattern, and remember the words that match it."""
    known: TextType | None = None
    for item in (*spec.newtypes, *fields):
        inner = item.type.item if isinstance(item.type, ListType) else item.type
        if isinstance(inner, TextType) and inner.pattern is not None:
            known = known or inner
            if (inner.prefix, inner.minimum, inner.maximum, inner.pattern) != (
                known.prefix,
                known.minimum,
                known.maximum,
                known.pattern,
            ):
                text = f"the codecs know one pattern with its bounds, that of {known.newtype}; use it as it is"
                problems.add(item.place, "L028", text)


def _check_sequence(message: Message, problems: Problems) -> None:
    first = message.fields[0] if message.fields else None
    if message.sequenced:
        type_ = first.type if first is not None and first.name == "seq" else None
        if first is None or type_ is None:
            problems.add(message.place, "L008", "a sequenced message begins with a field named seq; add it")
        elif not isinstance(type_, IntegerType) or (type_.integer, type_.minimum) != ("u64", 1):
            problems.add(first.place, "L020", "a seq is a u64 from 1; write type: Seq")
    for field in message.fields:
        if isinstance(field.type, RelayedType):
            problems.add(field.place, "L010", "a relayed struct is the end of a message or a tag; write relay: instead")
