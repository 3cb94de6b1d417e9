"""The parts of a spec that messages are made of: fields, tags, types, errors, limits and ranges, from their nodes.

The schema has been checked, so shapes are as they should be; the accessors at the top say so to the type checker.
"""

from __future__ import annotations

from typing import Literal

from wiretask_codegen.guards import GuardError, parse
from wiretask_codegen.model import (
    EnumType,
    Error,
    Field,
    FlagsType,
    Guard,
    IntegerType,
    Limit,
    Place,
    Range,
    Requirement,
    Reserved,
    Rule,
    Tagged,
)
from wiretask_codegen.problems import Problems
from wiretask_codegen.types import NARROWING, Types
from wiretask_codegen.yamlsource import Node

TagGroups = dict[str, tuple[Tagged, ...]]
Numeric = dict[str, dict[str, int] | None]


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


def narrowing(keys: dict[str, Node]) -> dict[str, object]:
    """The keys of a field or a newtype that narrow its type."""
    return {key: keys[key].value for key in NARROWING if key in keys}


def load_field(node: Node, types: Types) -> Field:
    """A field that is always there."""
    keys = mapping(node)
    return Field(
        name=text(keys["name"]),
        type=types.resolve(text(keys["type"]), narrowing(keys), node.place),
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
    nodes: list[Node], fields: tuple[Field, ...], tagged: tuple[Tagged, ...] | None, problems: Problems
) -> tuple[Rule, ...]:
    """The cross-field rules of a message, or of a struct (which has no tags). A guard that is none is noted."""
    numeric = _numeric(fields)
    by_name = None if tagged is None else {tag.name: tag for tag in tagged}
    rules: list[Rule] = []
    for node in nodes:
        keys = mapping(node)
        guards = {key: _load_guard(node, key, numeric, by_name, problems) for key in ("when", "require")}
        require = guards["require"]
        if require is not None:
            about = text(keys["about"])
            rules.append(Rule(id=text(keys["id"]), when=guards["when"], require=require, about=about, place=node.place))
    return tuple(rules)


def _load_guard(
    node: Node, key: str, numeric: Numeric, tagged: dict[str, Tagged] | None, problems: Problems
) -> Guard | None:
    keys = mapping(node)
    if key not in keys:
        return None
    try:
        return parse(text(keys[key]), numeric, tagged)
    except GuardError as error:
        problems.add(key_place(node, key), "G001", str(error))
        return None


def _numeric(fields: tuple[Field, ...]) -> Numeric:
    """The fields that a guard can compare, each with the values of its enum if it has one."""
    numeric: Numeric = {}
    for field in fields:
        match field.type:
            case EnumType(enum=enum):
                numeric[field.name] = {value.name: value.value for value in enum.values}
            case IntegerType() | FlagsType():
                numeric[field.name] = None
            case _:
                pass
    return numeric


def load_requirements(nodes: list[Node]) -> tuple[Requirement, ...]:
    """The numbered sentences of a message."""
    requirements: list[Requirement] = []
    for node in nodes:
        keys = mapping(node)
        level: Literal["MUST", "SHOULD"] = "MUST" if text(keys["level"]) == "MUST" else "SHOULD"
        requirements.append(Requirement(id=text(keys["id"]), level=level, about=text(keys["about"]), place=node.place))
    return tuple(requirements)


def load_reserved(keys: dict[str, Node], name: str = "reserved") -> tuple[Reserved, ...]:
    """Numbers and names that are kept for later, or were used once."""
    return tuple(
        Reserved(
            number=number(mapping(node)["number"]),
            name=text(mapping(node)["name"]),
            about=text(mapping(node)["about"]),
            place=node.place,
        )
        for node in (items(keys[name]) if name in keys else ())
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
                place=key_place(mapping(node)["errors"], name),
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
