"""The messages of a spec, from their nodes: fields, tags, rules and the golden examples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

from wiretask_codegen import parts
from wiretask_codegen.model import Example, Flow, Message, PeerRole, Place
from wiretask_codegen.parts import TagGroups
from wiretask_codegen.problems import Problems
from wiretask_codegen.types import Types
from wiretask_codegen.yamlsource import Node

_HEX_LINE = re.compile(r"(?P<octets>[0-9a-f ]*?)\s*(?:#\s*(?P<comment>.*))?$")


def load_messages(nodes: list[Node], types: Types, groups: TagGroups, problems: Problems) -> tuple[Message, ...]:
    """All messages, in the order of their commands."""
    messages = [_load_message(node, types, groups, problems) for node in nodes]
    return tuple(sorted(messages, key=lambda message: message.command))


def _load_message(node: Node, types: Types, groups: TagGroups, problems: Problems) -> Message:
    keys = parts.mapping(node)
    fields = tuple(parts.load_field(field, types) for field in _items(keys, "fields"))
    tagged = tuple(parts.load_tagged(tag, types) for tag in _items(keys, "tagged"))
    if "tag_group" in keys:
        group = parts.text(keys["tag_group"])
        if group not in groups:
            problems.add(keys["tag_group"].place, "M001", f"{group!r} is no group of tags; declare it in types.yaml")
        tagged = groups.get(group, ()) + tagged
    relay = None
    if "relay" in keys:
        relay = types.relayed.get(parts.text(keys["relay"]))
        if relay is None:
            problems.add(keys["relay"].place, "M002", "relay takes a relayed struct; declare it in types.yaml")
    return Message(
        name=parts.text(keys["message"]),
        command=parts.number(keys["command"]),
        since=parts.number(keys["since"]),
        about=parts.text(keys["about"]),
        flows=tuple(map(_load_flow, _items(keys, "flows"))),
        sequenced="sequenced" in keys and keys["sequenced"].value is True,
        fields=fields,
        tagged=tuple(sorted(tagged, key=lambda tag: tag.tag)),
        relay=relay,
        rules=parts.load_rules(_items(keys, "rules"), fields, tagged, problems),
        requirements=parts.load_requirements(_items(keys, "requirements")),
        examples=_load_examples(keys["examples"], problems) if "examples" in keys else (),
        reserved=parts.load_reserved(keys),
        place=parts.key_place(node, "message"),
    )


def _items(keys: dict[str, Node], name: str) -> list[Node]:
    return parts.items(keys[name]) if name in keys else []


def _load_flow(node: Node) -> Flow:
    roles: dict[str, PeerRole] = {role: role for role in get_args(PeerRole)}
    sender, _, receiver = parts.text(node).partition(" -> ")
    return Flow(sender=roles[sender], receiver=roles[receiver])


def _load_examples(node: Node, problems: Problems) -> tuple[Example, ...]:
    examples: list[Example] = []
    for name, part in parts.mapping(node).items():
        keys = parts.mapping(part)
        lines = list(_hex_lines(keys["hex"], problems))
        value = keys["value"].plain()
        assert isinstance(value, dict)
        examples.append(
            Example(
                name=name,
                about=parts.text(keys["about"]),
                value=value,
                frame=b"".join(octets for octets, _, _ in lines),
                lines=tuple((octets, comment) for octets, comment, _ in lines),
                line_places=tuple(place for _, _, place in lines),
                place=parts.key_place(node, name),
            )
        )
    return tuple(examples)


def _hex_lines(node: Node, problems: Problems) -> Iterator[tuple[bytes, str, Place]]:
    assert isinstance(node.value, str)
    for offset, line in enumerate(node.value.splitlines(), 1):
        place = Place(file=node.place.file, line=node.place.line + offset)
        match = _HEX_LINE.match(line.strip())
        digits = match["octets"].replace(" ", "") if match else "?"
        if match is None or len(digits) % 2:
            problems.add(place, "M004", "hex is pairs of digits 0-9 a-f, then # and a comment; mend the line")
        elif digits or match["comment"]:
            yield bytes.fromhex(digits), match["comment"] or "", place


def example_values(nodes: list[Node]) -> dict[tuple[str, str], Node]:
    """The node of the value of every example, by the names of its message and its own."""
    return {
        (parts.text(keys["message"]), name): parts.mapping(example)["value"]
        for keys in map(parts.mapping, nodes)
        if "examples" in keys
        for name, example in parts.mapping(keys["examples"]).items()
    }
