"""The parts of a spec that messages are made of: fields, tags, types, errors, limits and ranges, from their nodes.

The schema has been checked, so shapes are as they should be; the accessors at the top say so to the type checker.
"""

from __future__ import annotations

from typing import Literal

from wiretask_codegen.guards import GuardError, parse
from wiretask_codegen.model import (
    Enum,
    EnumType,
    EnumValue,
    Error,
    Field,
    Flag,
    Flags,
    FlagsType,
    IntegerType,
    Limit,
    Newtype,
    Place,
    Range,
    Relayed,
    Requirement,
    Reserved,
    Rule,
    Struct,
    Tagged,
)
from wiretask_codegen.problems import Problems
from wiretask_codegen.types import NARROWING, Types, named
from wiretask_codegen.yamlsource import Node

TagGroups = dict[str, tuple[Tagged, ...]]


def mapping(node: Node) -> dict[str, Node]:
    """The value of a node that the schema knows to be a mapping."""
    assert isinstance(node.value, dict)
    return node.value


def items(node: Node) -> list[Node]:
    """The value of a node that the schema knows to be a list."""
    assert isinstance(node.value, list)
    return node.value


def text(node: Node) -> str:
    """The value of a node that the schema knows to be a text, folded to one line."""
    assert isinstance(node.value, str)
    return " ".join(node.value.split())


def number(node: Node) -> int:
    """The value of a node that the schema knows to be an integer."""
    assert isinstance(node.value, int)
    return node.value


def optional_number(keys: dict[str, Node], name: str) -> int | None:
    """The integer under a key, or None."""
    return number(keys[name]) if name in keys else None


def key_place(node: Node, key: str) -> Place:
    """Where a key of a mapping stands."""
    return node.keys[key] if node.keys and key in node.keys else node.place


def load_field(node: Node, types: Types) -> Field:
    """A field that is always there."""
    keys = mapping(node)
    narrowing = {key: keys[key].value for key in NARROWING if key in keys}
    return Field(
        name=text(keys["name"]),
        type=types.resolve(text(keys["type"]), dict(narrowing), node.place),
        about=text(keys["about"]),
        place=node.place,
    )


def load_tagged(node: Node, types: Types) -> Tagged:
    """A field that may be absent."""
    keys = mapping(node)
    field = load_field(node, types)
    on_old_peer: Literal["drop", "fail"] = "fail" if text(keys["on_old_peer"]) == "fail" else "drop"
    return Tagged(
        tag=number(keys["tag"]),
        name=field.name,
        type=field.type,
        about=field.about,
        since=number(keys["since"]),
        on_old_peer=on_old_peer,
        place=node.place,
    )


def load_rules(
    nodes: list[Node], fields: tuple[Field, ...], tagged: tuple[Tagged, ...], problems: Problems
) -> tuple[Rule, ...]:
    """The cross-field rules of a message or a struct."""
    numeric: dict[str, dict[str, int] | None] = {}
    for field in fields:
        match field.type:
            case EnumType(enum=enum):
                numeric[field.name] = {value.name: value.value for value in enum.values}
            case IntegerType() | FlagsType():
                numeric[field.name] = None
            case _:
                pass
    by_name = {tag.name: tag for tag in tagged}
    rules: list[Rule] = []
    for node in nodes:
        keys = mapping(node)
        try:
            rules.append(
                Rule(
                    id=text(keys["id"]),
                    when=parse(text(keys["when"]), numeric, by_name) if "when" in keys else None,
                    require=parse(text(keys["require"]), numeric, by_name),
                    about=text(keys["about"]),
                    place=node.place,
                )
            )
        except GuardError as error:
            problems.add(node.place, "G001", str(error))
    return tuple(rules)


def load_requirements(nodes: list[Node]) -> tuple[Requirement, ...]:
    """The numbered sentences of a message."""
    requirements: list[Requirement] = []
    for node in nodes:
        keys = mapping(node)
        level: Literal["MUST", "SHOULD"] = "MUST" if text(keys["level"]) == "MUST" else "SHOULD"
        requirements.append(Requirement(id=text(keys["id"]), level=level, about=text(keys["about"]), place=node.place))
    return tuple(requirements)


def load_types(node: Node, types: Types, problems: Problems) -> TagGroups:
    """Everything in types.yaml, in the order of dependence; returns the groups of tags."""
    keys = mapping(node)
    for name, part in _named_parts(keys, "newtypes"):
        _load_newtype(name, part, types)
    for name, part in _named_parts(keys, "enums"):
        types.enums[name] = _load_enum(name, part)
    for name, part in _named_parts(keys, "flags"):
        types.flags[name] = _load_flags(name, part)
    for name, part in _named_parts(keys, "structs"):
        types.structs[name] = _load_struct(name, part, types, problems)
    for name, part in _named_parts(keys, "relayed"):
        types.relayed[name] = _load_relayed(name, part, types)
    return {
        name: tuple(load_tagged(tag, types) for tag in items(mapping(part)["tagged"]))
        for name, part in _named_parts(keys, "tag_groups")
    }


def _named_parts(keys: dict[str, Node], kind: str) -> list[tuple[str, Node]]:
    return list(mapping(keys[kind]).items()) if kind in keys else []


def _load_newtype(name: str, node: Node, types: Types) -> None:
    keys = mapping(node)
    narrowing = {key: keys[key].value for key in NARROWING if key in keys}
    base = types.resolve(text(keys["base"]), dict(narrowing), node.place)
    types.newtypes[name] = Newtype(name=name, about=text(keys["about"]), type=named(base, name), place=node.place)


def _load_enum(name: str, node: Node) -> Enum:
    keys = mapping(node)
    values: list[EnumValue] = []
    for value_name, value in mapping(keys["values"]).items():
        inner = mapping(value)
        values.append(
            EnumValue(
                name=value_name,
                value=number(inner["value"]),
                about=text(inner["about"]),
                since=optional_number(inner, "since") or 1,
                place=key_place(keys["values"], value_name),
            )
        )
    return Enum(
        name=name,
        about=text(keys["about"]),
        repr=text(keys["repr"]),  # type: ignore[arg-type] # the schema lists the integers
        closed=text(keys["kind"]) == "closed",
        values=tuple(values),
        place=node.place,
    )


def _load_flags(name: str, node: Node) -> Flags:
    keys = mapping(node)
    return Flags(
        name=name,
        about=text(keys["about"]),
        repr=text(keys["repr"]),  # type: ignore[arg-type] # the schema lists the integers
        values=tuple(
            Flag(
                name=flag_name,
                bit=number(mapping(flag)["bit"]),
                about=text(mapping(flag)["about"]),
                place=key_place(keys["values"], flag_name),
            )
            for flag_name, flag in mapping(keys["values"]).items()
        ),
        place=node.place,
    )


def _load_struct(name: str, node: Node, types: Types, problems: Problems) -> Struct:
    keys = mapping(node)
    fields = tuple(load_field(field, types) for field in items(keys["fields"]))
    rules = load_rules(items(keys["rules"]), fields, (), problems) if "rules" in keys else ()
    return Struct(name=name, about=text(keys["about"]), fields=fields, rules=rules, place=node.place)


def _load_relayed(name: str, node: Node, types: Types) -> Relayed:
    keys = mapping(node)
    return Relayed(
        name=name,
        about=text(keys["about"]),
        fields=tuple(load_field(field, types) for field in items(keys["fields"])),
        tagged=tuple(load_tagged(tag, types) for tag in items(keys["tagged"])),
        critical_tags=keys["critical_tags"].value is not False if "critical_tags" in keys else True,
        body_about=text(keys["body"]),
        place=node.place,
    )


def load_errors(node: Node) -> tuple[Error, ...]:
    """The errors that go over the wire."""
    errors: list[Error] = []
    for name, part in mapping(mapping(node)["errors"]).items():
        keys = mapping(part)
        errors.append(
            Error(
                name=name,
                code=number(keys["code"]),
                scope=text(keys["scope"]),  # type: ignore[arg-type] # the schema lists them
                retry=text(keys["retry"]),  # type: ignore[arg-type] # the schema lists them
                text=text(keys["text"]),
                place=part.place,
            )
        )
    return tuple(errors)


def load_limits(node: Node) -> tuple[Limit, ...]:
    """The numbers that bound something."""
    limits: list[Limit] = []
    for name, part in mapping(node).items():
        keys = mapping(part)
        limits.append(
            Limit(
                name=name,
                value=number(keys["value"]),
                floor=optional_number(keys, "floor"),
                ceiling=optional_number(keys, "ceiling"),
                unit=text(keys["unit"]),
                error=text(keys["error"]) if "error" in keys else None,
                about=text(keys["about"]),
                place=key_place(node, name),
            )
        )
    return tuple(limits)


def load_range(node: Node) -> Range:
    """A range of commands or of tags."""
    keys = mapping(node)
    return Range(
        first=number(keys["from"]),
        last=number(keys["to"]),
        kind=text(keys["kind"]),
        about=text(keys["about"]),
        place=node.place,
    )


def load_reserved(node: Node) -> Reserved:
    """A number and a name that are kept for later."""
    keys = mapping(node)
    return Reserved(number=number(keys["number"]), name=text(keys["name"]), about=text(keys["about"]), place=node.place)
