"""A small, strict YAML: plain data in which every value knows its file and line.

YAML has traps that a spec must not fall into: duplicate keys (the last one wins silently), words that turn into
booleans (`yes`, `no`), numbers in base 60, dates, anchors and merges. All are refused here, with the line; `on` and
`off` are words. What comes out are `Node`s: a mapping, a list, or a scalar (text, integer or boolean).

It is built from the parser's events and not from PyYAML's nodes, which have forgotten anchors and written tags.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from wiretask_codegen.model import Place
from wiretask_codegen.problems import Problem, Problems, SpecError

#: A spec file of this size is a mistake; the largest one here has 20 KiB.
MAX_FILE_BYTES = 1 << 20
#: Collections within collections. The spec needs nine; a thousand would end the parser, not the file.
MAX_DEPTH = 32
#: The largest integer of the wire is a u64, of 20 digits; Python refuses to read more than 4300.
MAX_DIGITS = 40

_INTEGER = re.compile(r"(?:-?(?:0|[1-9][0-9]*)|0x[0-9a-f]+)$")
_TRAPS = (
    (re.compile(r"(?i:yes|no|y|n)$"), "YAML 1.1 reads this word as a boolean; write true or false, or quote it"),
    (re.compile(r"(?i:true|false)$"), "write booleans in lower case"),
    (re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+$"), "YAML 1.1 reads this as a number in base 60; quote it"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"), "YAML reads this as a date; quote it"),
    (re.compile(r"[-+]?([0-9][0-9_]*)?\.([0-9]+([eE][-+]?[0-9]+)?|(?i:inf|nan))$"), "no floats: write a whole number"),
    (re.compile(r"[-+]?[0-9][0-9_]*\.?([eE][-+]?[0-9]+)?$"), "write numbers as 10 or 0x0a"),
    (re.compile(r"(?i:[-+]?(0x[0-9a-f_]+|0b[01_]+|0o[0-7_]+))$"), "write hexadecimal numbers in lower case, as 0x0a"),
)

# libyaml does the same ten times as fast; PyYAML's own parser is there where it is not.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands. `keys` says where each key of a mapping stands."""

    value: dict[str, Node] | list[Node] | str | int | bool
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

    def place_of(self, path: Iterable[str | int]) -> Place:
        """Where the part at a path of keys and indexes stands (its key, if it has one), or the nearest around it."""
        node, place = self, self.place
        for step in path:
            inner: Node | None = None
            if isinstance(node.value, dict):
                inner = node.value.get(str(step))
            elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
                inner = node.value[step]
            if inner is None:
                return place
            place = node.keys[str(step)] if node.keys else inner.place
            node = inner
        return place

    def at(self, path: Iterable[str | int]) -> Node:
        """The node at a path that is there."""
        node = self
        for step in path:
            if isinstance(node.value, dict):
                node = node.value[str(step)]
            elif isinstance(node.value, list) and isinstance(step, int):
                node = node.value[step]
        return node


def read(path: Path, name: str) -> Node:
    """Reads one file, named `name` in refusals. Raises SpecError with everything in it that is no strict YAML."""
    text = _text(path, name)
    problems = Problems()
    try:
        node = _Builder(yaml.parse(text, Loader=_LOADER), name, problems).document()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SpecError([Problem(name, line, "S004", f"is not YAML: {error.problem}; mend the line")]) from None
    except yaml.YAMLError as error:
        raise SpecError([Problem(name, _line_of(error, text), "S004", "has a character that is no text")]) from None
    problems.refuse_if_any()
    return node


def _text(path: Path, name: str) -> str:
    try:
        octets = path.read_bytes()
    except OSError as error:
        text = f"cannot be read ({error.strerror}); check the path and its permissions"
        raise SpecError([Problem(name, 1, "S001", text)]) from None
    if len(octets) > MAX_FILE_BYTES:
        raise SpecError([Problem(name, 1, "S003", f"has more than {MAX_FILE_BYTES} bytes; split it")])
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        line = octets[: error.start].count(b"\n") + 1
        raise SpecError([Problem(name, line, "S002", "is not UTF-8; save it as UTF-8")]) from None


def _line_of(error: yaml.YAMLError, text: str) -> int:
    position = getattr(error, "position", None)
    return text.count("\n", 0, position) + 1 if isinstance(position, int) else 1


class _Builder:
    """Builds one document from the events of a parser. Notes what is refused and goes on, so that all of it is seen."""

    def __init__(self, events: Iterator[yaml.Event], name: str, problems: Problems) -> None:
        self._events = events
        self._name = name
        self._problems = problems
        self._depth = 0

    def document(self) -> Node:
        """The only document of the file."""
        found: list[Node] = []
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if found:
                    raise self._refusal(event, "S005", "a second document begins here; a file holds one, remove it")
                found.append(self._node(next(self._events)))
        if not found:
            raise SpecError([Problem(self._name, 1, "S005", "is empty; write the spec or restore the file")])
        return found[0]

    def _node(self, event: yaml.Event) -> Node:
        place = Place(file=self._name, line=_line(event))
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            self._refuse(event, "S006", "anchors and aliases are not allowed; write the value out")
        if getattr(event, "tag", None) is not None:
            self._refuse(event, "S007", f"the tag {getattr(event, 'tag', '')} is not allowed; remove it")
        match event:
            case yaml.MappingStartEvent():
                return self._inside(event, self._mapping, place)
            case yaml.SequenceStartEvent():
                return self._inside(event, self._sequence, place)
            case yaml.ScalarEvent():
                return Node(self._scalar(event), place)
        return Node("", place)  # an alias, noted above

    def _inside(self, event: yaml.Event, build: Callable[[Place], Node], place: Place) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._refusal(event, "S012", f"is nested more than {MAX_DEPTH} deep; flatten it")
        node = build(place)
        self._depth -= 1
        return node

    def _sequence(self, place: Place) -> Node:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event))
        return Node(items, place)

    def _mapping(self, place: Place) -> Node:
        value: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event)
            node = self._node(next(self._events))
            if key in value:
                first = keys[key].line
                text = f"the key {key!r} stands in line {first} already; remove one of them"
                self._refuse(event, "S009", text)
            elif key is not None:
                value[key] = node
                keys[key] = Place(file=self._name, line=_line(event))
        return Node(value, place, keys)

    def _key(self, event: yaml.Event) -> str | None:
        if not isinstance(event, yaml.ScalarEvent):
            self._refuse(event, "S008", "keys are words; write this one as a word")
            self._node(event)
            return None
        if event.value == "<<" and not event.style:
            self._refuse(event, "S006", "merges are not allowed; write the keys out")
            return None
        if event.anchor is not None or event.tag is not None:
            self._node(event)
        return str(event.value)

    def _scalar(self, event: yaml.ScalarEvent) -> str | int | bool:
        text = str(event.value)
        if event.style:
            return text
        if text in {"", "~"} or text.lower() == "null":
            self._refuse(event, "S010", "is empty; write a value or remove the key")
        elif text in {"true", "false"}:
            return text == "true"
        elif _INTEGER.match(text) and len(text) <= MAX_DIGITS:
            return int(text, 0)
        else:
            remedies = (remedy for trap, remedy in _TRAPS if trap.match(text))
            if remedy := next(remedies, None):
                self._refuse(event, "S011", f"{text[:MAX_DIGITS]!r}: {remedy}")
        return text

    def _refuse(self, event: yaml.Event, code: str, text: str) -> None:
        self._problems.add(Place(file=self._name, line=_line(event)), code, text)

    def _refusal(self, event: yaml.Event, code: str, text: str) -> SpecError:
        self._refuse(event, code, text)
        return SpecError(self._problems.found)


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return mark.line + 1 if mark else 1
