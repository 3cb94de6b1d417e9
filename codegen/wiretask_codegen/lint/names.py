"""Names of a spec: none that Python, construct or the generated code has taken, no two that it cannot tell apart."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable
from pathlib import PurePath

from wiretask_codegen.guards import WORDS
from wiretask_codegen.lint.numbers import check_unique
from wiretask_codegen.model import Enum, Field, Flags, Message, Newtype, Place, Relayed, Spec, Struct, Tagged
from wiretask_codegen.problems import Problems
from wiretask_codegen.spelling import snake

#: Methods and attributes of construct's Container; a field of that name could be written and not be read.
_CONTAINER = frozenset({"clear", "copy", "fromkeys", "get", "items", "keys", "pop", "popitem", "search", "search_all"})
_CONTAINER |= frozenset({"setdefault", "update", "values"})
#: Local names of the generated functions, where fields become local names too.
_LOCALS = frozenset({"at", "data", "self", "start", "stop", "tags", "unknown", "value", "message", "struct", "fields"})
#: Builtins that the generated functions or the annotations of the generated classes need.
_BUILTINS = frozenset({"any", "bool", "bytes", "dict", "int", "len", "list", "map", "range", "str", "sum", "tuple"})
#: Codecs' own words on messages.
_METHODS = frozenset({"decode", "encode"})
TAKEN = _CONTAINER | _LOCALS | _BUILTINS | _METHODS | WORDS

#: Classes and type variables of the generated modules and of what they import.
CLASSES = frozenset({"Any", "AnyMessage", "Callable", "ClassVar", "CodecDisagreement", "Construct", "Doubt"})
CLASSES |= frozenset({"ErrorCode", "ErrorInfo", "Literal", "Mapping", "Message", "NamedTuple", "NoReturn", "Struct"})
CLASSES |= frozenset({"ToClient", "ToScheduler", "ToWorker", "TypeVar", "WireError"})
#: And what Python itself calls so: exceptions are caught by their names, and what is True must stay so.
CLASSES |= frozenset(name for name in dir(builtins) if name[0].isupper())


Named = Newtype | Enum | Flags | Struct | Relayed | Message


def check(spec: Spec, problems: Problems) -> None:
    """Notes what is wrong with the names of a spec."""
    for struct in spec.structs:
        _check_fields(struct.fields, (), problems)
    for relayed in spec.relayed:
        _check_fields(relayed.fields, relayed.tagged, problems, also={"body": "its body"})
    for message in spec.messages:
        also = {snake(message.relay.name): f"the relayed {message.relay.name}"} if message.relay else {}
        _check_fields(message.fields, message.tagged, problems, also=also)
    _check_classes(spec, problems)
    _check_files(spec, problems)


def _check_fields(
    fields: Iterable[Field], tagged: Iterable[Tagged], problems: Problems, *, also: dict[str, str] | None = None
) -> None:
    parts: list[Field | Tagged] = [*fields, *tagged]
    found = [(item.name, item.place) for item in parts]
    check_unique(((name, "a field or a tag", place) for name, place in found), "name", problems)
    for name, place in found:
        if also and name in also:
            problems.add(place, "L009", f"{name!r} is how the generated code calls {also[name]}; rename the field")
        if keyword.iskeyword(name) or name in TAKEN:
            text = f"{name!r} is taken by Python, construct or the generated code; choose another name"
            problems.add(place, "L015", text)


def _check_classes(spec: Spec, problems: Problems) -> None:
    parts: list[Named] = [*spec.newtypes, *spec.enums, *spec.flags, *spec.structs, *spec.relayed, *spec.messages]
    seen: dict[str, tuple[str, Place]] = {}
    for relayed in spec.relayed:
        for suffix in ("Fields", "Tags", "Body"):
            seen[snake(relayed.name + suffix)] = (relayed.name + suffix, relayed.place)
    for part in parts:
        if part.name in CLASSES:
            problems.add(part.place, "L024", f"{part.name!r} is a class of the generated code; choose another name")
        name, place = seen.setdefault(snake(part.name), (part.name, part.place))
        if place != part.place:
            text = f"{part.name!r} and {name!r} at {place} are one name to the generated code; rename one of them"
            problems.add(part.place, "L024", text)


def _check_files(spec: Spec, problems: Problems) -> None:
    for message in spec.messages:
        expected = f"{message.command:02}-{snake(message.name).replace('_', '-')}.yaml"
        if PurePath(message.place.file).name != expected:
            problems.add(message.place, "L026", f"{message.name} belongs into {expected}; rename the file")
