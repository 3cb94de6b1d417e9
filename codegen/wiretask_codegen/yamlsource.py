"""A small, strict YAML: plain data in which every value knows its file and line.

YAML has traps that a spec must not fall into: duplicate keys (the last one wins silently), words that turn into
booleans (`on`, `no`), numbers in base 60, dates, anchors and merges. All are refused here, with the line. What
comes out are `Node`s: a mapping, a list, or a scalar (text, integer, boolean or nothing).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from wiretask_codegen.model import Place
from wiretask_codegen.problems import Problem, SpecError

#: A spec file of this size is a mistake; the largest one here has 20 KiB.
MAX_FILE_BYTES = 1 << 20

#: What YAML takes a plain node for; every other tag was written by somebody.
_PLAIN_TAGS = frozenset({"bool", "float", "int", "map", "merge", "null", "seq", "str", "timestamp", "value"})
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)$|0x[0-9a-f]+$")
_TRAPS = (
    (re.compile(r"(?i:yes|no|y|n)$"), "YAML 1.1 reads this word as a boolean; write true or false, or quote it"),
    (re.compile(r"(?i:true|false)$"), "write booleans in lower case"),
    (re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+$"), "YAML 1.1 reads this as a number in base 60; quote it"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"), "YAML reads this as a date; quote it"),
    (re.compile(r"[-+]?([0-9][0-9_]*)?\.[0-9]+([eE][-+]?[0-9]+)?$"), "no floats: write a whole number and its unit"),
    (re.compile(r"[-+]?[0-9][0-9_]*\.?([eE][-+]?[0-9]+)?$"), "write numbers as 10 or 0x0a"),
    (re.compile(r"(?i:0x[0-9a-f_]+|0b[01_]+|0o[0-7_]+)$"), "write hexadecimal numbers in lower case, as 0x0a"),
)


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands. `keys` says where each key of a mapping stands."""

    value: dict[str, Node] | list[Node] | str | int | bool | None
    place: Place
    keys: dict[str, Place] | None = None

    def plain(self) -> object:
        """The same without places: what a schema checker takes."""
        match self.value:
            case dict() as mapping:
                return {key: node.plain() for key, node in mapping.items()}
            case list() as items:
                return [node.plain() for node in items]
            case scalar:
                return scalar

    def at(self, path: Iterator[str | int]) -> Node:
        """The node at a path of keys and indexes, or the nearest one above it."""
        node = self
        for step in path:
            inner: Node | None = None
            if isinstance(node.value, dict):
                inner = node.value.get(str(step))
            elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
                inner = node.value[step]
            if inner is None:
                return node
            node = inner
        return node


def read(path: Path, name: str) -> Node:
    """Reads one file, named `name` in refusals. Raises SpecError."""
    try:
        octets = path.read_bytes()
        text = octets.decode("utf-8")
    except OSError as error:
        raise _refusal(
            name, 1, "S001", f"cannot be read ({error.strerror}); check the path and its permissions"
        ) from None
    except UnicodeDecodeError as error:
        line = octets[: error.start].count(b"\n") + 1
        raise _refusal(name, line, "S002", "is not UTF-8; save it as UTF-8") from None
    if len(octets) > MAX_FILE_BYTES:
        raise _refusal(name, 1, "S003", f"has more than {MAX_FILE_BYTES} bytes; split it")
    try:
        _refuse_anchors(text, name)
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise _refusal(name, mark.line + 1 if mark else 1, "S004", f"is not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise _refusal(name, 1, "S004", f"is not YAML: {' '.join(str(error).split())}") from None
    if len(documents) != 1 or documents[0] is None:
        raise _refusal(name, 1, "S005", "must hold exactly one document; remove the other ones")
    return _convert(documents[0], name)


def _refuse_anchors(text: str, name: str) -> None:
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            mark = event.start_mark
            line = mark.line + 1 if mark else 1
            raise _refusal(name, line, "S006", "anchors and aliases are not allowed; write the value out")


def _convert(node: yaml.Node, name: str) -> Node:
    place = Place(file=name, line=node.start_mark.line + 1)
    if str(node.tag).removeprefix("tag:yaml.org,2002:") not in _PLAIN_TAGS:
        raise _refusal(name, place.line, "S007", f"the tag {node.tag} is not allowed; remove it")
    match node:
        case yaml.MappingNode():
            return _convert_mapping(node, name, place)
        case yaml.SequenceNode():
            return Node([_convert(item, name) for item in node.value], place)
        case yaml.ScalarNode():
            return Node(_scalar(node, name, place.line), place)
    raise _refusal(name, place.line, "S004", "is not YAML that a spec can hold")


def _convert_mapping(node: yaml.MappingNode, name: str, place: Place) -> Node:
    value: dict[str, Node] = {}
    keys: dict[str, Place] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise _refusal(name, line, "S008", "keys are words; write this one as a word")
        key = str(key_node.value)
        if key == "<<":
            raise _refusal(name, line, "S006", "merges are not allowed; write the keys out")
        if key in value:
            first = keys[key].line
            raise _refusal(name, line, "S009", f"the key {key!r} stands in line {first} already; remove one of them")
        value[key] = _convert(value_node, name)
        keys[key] = Place(file=name, line=line)
    return Node(value, place, keys)


def _scalar(node: yaml.ScalarNode, name: str, line: int) -> str | int | bool | None:
    text = str(node.value)
    if node.style is not None:
        return text
    if text in {"", "~", "null"}:
        raise _refusal(name, line, "S010", "is empty; write a value or remove the key")
    if text in {"true", "false"}:
        return text == "true"
    if _INTEGER.match(text):
        return int(text, 0)
    for trap, remedy in _TRAPS:
        if trap.match(text):
            raise _refusal(name, line, "S011", f"{text!r}: {remedy}")
    return text


def _refusal(name: str, line: int, code: str, text: str) -> SpecError:
    return SpecError([Problem(name, line, code, text)])
