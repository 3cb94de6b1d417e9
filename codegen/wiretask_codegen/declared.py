"""What types.yaml declares, from its nodes: newtypes, enums, flags, structs, relayed structs and groups of tags."""

from __future__ import annotations

from wiretask_codegen.model import Enum, EnumValue, Flag, Flags, Newtype, Place, Relayed, Struct
from wiretask_codegen.parts import (
    TagGroups,
    items,
    key_place,
    load_field,
    load_reserved,
    load_rules,
    load_tagged,
    mapping,
    narrowing,
    number,
    optional_number,
    text,
)
from wiretask_codegen.problems import Problems
from wiretask_codegen.types import Types, named
from wiretask_codegen.yamlsource import Node


def load_types(node: Node, types: Types, problems: Problems) -> TagGroups:
    """Everything in types.yaml, in the order of dependence; returns the groups of tags."""
    for name, part, place in _named_parts(node, "newtypes"):
        if types.declare(name, place):
            types.newtypes[name] = _load_newtype(name, part, place, types)
    for name, part, place in _named_parts(node, "enums"):
        if types.declare(name, place):
            types.enums[name] = _load_enum(name, part, place)
    for name, part, place in _named_parts(node, "flags"):
        if types.declare(name, place):
            types.flags[name] = _load_flags(name, part, place)
    for name, part, place in _named_parts(node, "structs"):
        if types.declare(name, place):
            types.structs[name] = _load_struct(name, part, place, types, problems)
    for name, part, place in _named_parts(node, "relayed"):
        if types.declare(name, place):
            types.relayed[name] = _load_relayed(name, part, place, types)
    return {
        name: tuple(load_tagged(tag, types) for tag in items(mapping(part)["tagged"]))
        for name, part, _ in _named_parts(node, "tag_groups")
    }


def _named_parts(node: Node, kind: str) -> list[tuple[str, Node, Place]]:
    """The parts of a kind: name, node and where the name stands."""
    keys = mapping(node)
    if kind not in keys:
        return []
    return [(name, part, key_place(keys[kind], name)) for name, part in mapping(keys[kind]).items()]


def _load_newtype(name: str, node: Node, place: Place, types: Types) -> Newtype:
    keys = mapping(node)
    base = types.resolve(text(keys["base"]), narrowing(keys), place)
    return Newtype(name=name, about=text(keys["about"]), type=named(base, name), place=place)


def _load_enum(name: str, node: Node, place: Place) -> Enum:
    keys = mapping(node)
    return Enum(
        name=name,
        about=text(keys["about"]),
        repr=text(keys["repr"]),  # type: ignore[arg-type] # the schema lists the integers
        closed=text(keys["kind"]) == "closed",
        values=tuple(
            EnumValue(
                name=value_name,
                value=number(mapping(value)["value"]),
                about=text(mapping(value)["about"]),
                since=optional_number(mapping(value), "since") or 1,
                place=key_place(keys["values"], value_name),
            )
            for value_name, value in mapping(keys["values"]).items()
        ),
        reserved=load_reserved(keys),
        place=place,
    )


def _load_flags(name: str, node: Node, place: Place) -> Flags:
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
        place=place,
    )


def _load_struct(name: str, node: Node, place: Place, types: Types, problems: Problems) -> Struct:
    keys = mapping(node)
    fields = tuple(load_field(field, types) for field in items(keys["fields"]))
    rules = load_rules(items(keys["rules"]), fields, None, problems) if "rules" in keys else ()
    return Struct(name=name, about=text(keys["about"]), fields=fields, rules=rules, place=place)


def _load_relayed(name: str, node: Node, place: Place, types: Types) -> Relayed:
    keys = mapping(node)
    return Relayed(
        name=name,
        about=text(keys["about"]),
        fields=tuple(load_field(field, types) for field in items(keys["fields"])),
        tagged=tuple(sorted((load_tagged(tag, types) for tag in items(keys["tagged"])), key=lambda tag: tag.tag)),
        critical_tags=keys["critical_tags"].value is not False if "critical_tags" in keys else True,
        body_about=text(keys["body"]),
        reserved=load_reserved(keys),
        place=place,
    )
