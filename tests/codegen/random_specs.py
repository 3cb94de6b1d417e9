"""Specs without chance's mercy: legal in every respect, and as nobody would write them.

A spec is the smallest part of the real one that the generated code cannot do without, and messages of all types
besides. It knows nothing of the generator: what is legal it has from the schema and from the lint, and the octets of
the examples it makes by itself.
"""

from __future__ import annotations

import itertools
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]

Draw = st.DrawFn
Plain = dict[str, Any]

#: What is kept of the real spec: see lint/needed.py.
MESSAGES = {"01-task": ["sha256"], "02-result": ["succeeded", "to_client"], "03-hello": ["open", "accept"]}
MESSAGES |= {"04-error": [], "07-submit": ["sha256"]}
STRUCTS = ("VersionRange", "Resource", "Header")
ENUMS = ("HelloKind", "Role", "Outcome", "ErrorScope", "Retry", "Encoding")

#: Patterns of the only text that may have one; each takes the words of the examples that are kept.
PATTERNS = (
    "[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*",
    "[a-z0-9]+",
    "[^ A-Z]+",
    "[a-z'\"\\\\][a-z0-9\"'\\\\]*",
    "(sha|def)(256|ault)|x{1,3}(\\.x)?",
)
#: Words that the generated code could be tempted to use for its own purposes.
WORDS = (
    *("octets", "name", "text", "count", "relay", "length", "end", "item", "sized", "refuse", "body", "body_length"),
    *("name_octets", "text_octets", "reader", "codec", "messages", "errors", "reference", "bounded", "header", "last"),
    *("number", "command", "error", "offset", "payload", "structs", "u8", "u16", "kind", "key", "index", "size", "rules"),
    *("a", "b", "a_b", "b_c", "c", "a__b", "x_", "read_tags", "write_tags", "new_name", "names", "tag", "booleans", "re"),
    *("enum", "parsed", "context", "path", "io", "obj", "legal", "present", "values_", "doubt", "unpack", "min", "max"),
)  # fmt: skip
#: Names of types and messages, in pairs that could be taken for each other.
TYPES = (
    *("A", "B", "C", "AB", "BC", "ABTags", "Tag", "Tags", "Names", "Structs", "Booleans", "Doubts", "U8", "Reader"),
    *("Foo", "FooBar", "Bar", "BarBaz", "FooTags", "FooRules", "X1", "X", "HelloVersions", "Octets", "Name1", "Rules"),
    *("Refuse", "Sized", "Section", "Item", "Decoders", "Encoders", "Integer", "Frame", "Whole", "FooWhole", "Exception"),
    *("KeyError", "TypeError", "Bytes", "Int", "Enum", "Optional", "Integers", "Window", "End", "Connection", "Codec"),
)  # fmt: skip
#: Names of relayed structs; each of them takes FieldsTags and the like for itself.
RELAYED = ("Memo", "Letter", "HelloRelayed", "Tag9")
ABOUTS = (
    "It is.",
    'He said "so".',
    '"""Thrice""" quoted, and a last one"?',
    "A path as C:\\new\\table\\N and \\u12 and \\x.",
    "{{ braces }} and {% tags %} # and a comment.",
    "Größe 🎉 \u202e reversed.",
    "It's a long sentence, " + "which goes on and on, " * 8 + "to its end.",
)


@dataclass
class Known:
    """A type: how it is written, its least value with its octets, and what rules can compare it with."""

    written: str
    keys: Plain = field(default_factory=dict)
    value: Any = None
    octets: bytes = b""
    number: int | None = None
    bounds: tuple[int, int] = (0, 0)
    words: dict[str, int] = field(default_factory=dict)
    listable: bool = True


@cache
def _real(name: str) -> str:
    return (ROOT / "spec" / f"{name}.yaml").read_text(encoding="utf-8")


def _read(name: str) -> Plain:
    read: Plain = yaml.load(_real(name), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return read


class _Writer(yaml.SafeDumper):
    """Writes everything out: a spec has no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def written(part: Plain) -> str:
    """A file of the spec."""
    return yaml.dump(part, Dumper=_Writer, sort_keys=False, allow_unicode=False, width=120)


class Files:
    """The files of a spec: path -> text. They are not shown: who wants to see them has them on the disk."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def write(self, root: Path) -> Path:
        """Writes them into a folder of their own, which is returned."""
        (root / "messages").mkdir(parents=True)
        (root / "meta").symlink_to(ROOT / "spec" / "meta")
        for path, text in self.texts.items():
            (root / path).write_text(text, encoding="utf-8")
        return root


@st.composite
def specs(draw: Draw, taken: frozenset[str] = frozenset()) -> Files:
    """A spec that is legal. `taken` are the words that the lint refuses."""
    return Files(_Spec(draw, taken).files())


class _Spec:
    """What has been drawn of one spec."""

    def __init__(self, draw: Draw, taken: frozenset[str]) -> None:
        self.draw = draw
        self.words = tuple(word for word in WORDS if word not in taken)
        self.free = list(draw(st.permutations([name for name in TYPES if name not in taken])))
        self.known: list[Known] = []
        self.relayed: list[str] = []
        self.relays: dict[str, tuple[Plain, bytes]] = {}
        self.ids = (f"R-RND-{number:03}" for number in itertools.count(1))
        self.types = self._base_types()
        self.messages: dict[str, Plain] = {}

    def files(self) -> dict[str, str]:
        """Draws everything, in the order of dependence."""
        self._newtypes()
        self._enums()
        self._flags()
        for _ in range(self._number(0, 4)):
            self._struct()
        for _ in range(self._number(0, 2)):
            self._relay()
        if self._rarely():
            self.types["tag_groups"] = {"some_tags": {"about": self._about(), "tagged": self._tags(1, 20, set())}}
        for name, examples in MESSAGES.items():
            self.messages[name] = self._base_message(name, examples)
        commands = self.draw(st.permutations([5, 6, 8, 0x15, 0x18, 0x40, 0x5B, 0x7F, 0x81, 0xBF]))
        for command in commands[: self._number(1, 4)]:
            self._message(command)
        files = {f"messages/{name}.yaml": written(part) for name, part in self.messages.items()}
        files |= {"types.yaml": written(self.types), "machines.yaml": written({"machines": self._machines()})}
        return files | {f"{name}.yaml": _real(name) for name in ("protocol", "errors")}

    # -- small draws --------------------------------------------------------------------------------------------

    def _number(self, least: int, most: int) -> int:
        return self.draw(st.integers(least, most))

    def _rarely(self) -> bool:
        return self._number(0, 3) == 3

    def _of(self, found: Any) -> Any:
        return self.draw(st.sampled_from(found))

    def _about(self) -> str:
        about: str = self._of(ABOUTS)
        return about

    def _fresh(self, used: set[str]) -> str:
        name: str = self._of([word for word in self.words if word not in used])
        used.add(name)
        return name

    # -- types ---------------------------------------------------------------------------------------------------

    def _base_types(self) -> Plain:
        """What the real messages need, with another pattern."""
        real = _read("types")
        types: Plain = {kind: real[kind] for kind in ("newtypes", "enums", "flags", "structs", "relayed")}
        types["enums"] = {name: real["enums"][name] for name in ENUMS}
        types["structs"] = {name: real["structs"][name] for name in STRUCTS}
        least, most = self._of([(1, 128), (0, 255), (1, 8), (6, 64)])
        name = {"min_bytes": least, "max_bytes": most, "pattern": self._of(PATTERNS)}
        types["newtypes"]["Name"] |= name
        octets = {least: word for word, least in (("x", 1), ("x", 0), ("sha256", 6))}[least].encode()
        if "x" not in name["pattern"] and not re.fullmatch(name["pattern"], octets.decode()):
            octets = b"sha256"
        self.known.append(Known("Name", value=octets.decode(), octets=bytes([len(octets)]) + octets))
        return types

    def _primitive(self) -> Known:
        match self._number(0, 5):
            case 0 | 1:
                return self._integer(f"u{self._of([8, 16, 32, 64])}")
            case 2:
                return Known("bool", value=False, octets=b"\0")
            case 3:
                size = self._of([1, 2, 16, 33, 300])
                return Known(f"bytes[{size}]", value=f"hex:{'00' * size}", octets=bytes(size))
            case 4:
                width = self._of([1, 2])
                least, most = sorted((self._number(0, 40), self._of([0, 1, 5, 40, 200, 255])))
                keys = self._some(min_bytes=least, max_bytes=max(most, 1))
                least = keys.get("min_bytes", 0)
                octets = least.to_bytes(width, "big") + b"a" * least
                return Known(f"text<u{8 * width}>", keys, "a" * least, octets)
            case _:
                keys = self._some(max_bytes=self._of([0, 1, 7, 1000]))
                return Known("bytes<u32>", keys, "hex:", bytes(4))

    def _integer(self, name: str, least: int = 0) -> Known:
        octets = int(name[1:]) // 8
        highest = (1 << 8 * octets) - 1
        bounds = st.sampled_from([least, least + 1, least + 9, highest // 2, highest - 1, highest])
        low, high = sorted((self.draw(bounds), self.draw(bounds)))
        keys = self._some(min=low, max=high)
        low, high = keys.get("min", least), keys.get("max", highest)
        return Known(name, keys, low, low.to_bytes(octets, "big"), low, (low, high))

    def _some(self, **keys: Any) -> Plain:
        return {key: value for key, value in keys.items() if self._number(0, 1)}

    def _newtypes(self) -> None:
        for _ in range(self._number(0, 3)):
            base = self._primitive()
            name = self.free.pop()
            self.types["newtypes"][name] = {"about": self._about(), "base": base.written, **base.keys}
            self.known.append(
                Known(name, {}, base.value, base.octets, number=base.number, bounds=base.bounds, words=base.words)
            )

    def _enums(self) -> None:
        for _ in range(self._number(0, 3)):
            octets, kind = self._of([1, 2, 4, 8]), self._of(["open", "closed"])
            numbers = self.draw(st.lists(self._any(octets), min_size=1, max_size=6, unique=True))
            used: set[str] = set()
            words = {self._fresh(used): number for number in numbers}
            name = self.free.pop()
            values = {word: {"value": number, "about": self._about()} for word, number in words.items()}
            body = {"about": self._about(), "repr": f"u{8 * octets}", "kind": kind, "values": values}
            self.types["enums"][name] = body
            first, number = next(iter(words.items()))
            self.known.append(
                Known(name, {}, first, number.to_bytes(octets, "big"), number, (0, (1 << 8 * octets) - 1), words)
            )

    def _any(self, octets: int) -> st.SearchStrategy[int]:
        highest = (1 << 8 * octets) - 1
        return st.integers(0, 9) | st.sampled_from([highest, highest - 1]) | st.integers(0, highest)

    def _flags(self) -> None:
        for _ in range(self._number(0, 2)):
            octets = self._of([1, 2, 4, 8])
            bits = self.draw(st.lists(st.integers(0, 8 * octets - 1), min_size=1, max_size=8, unique=True))
            used: set[str] = set()
            name = self.free.pop()
            values = {self._fresh(used): {"bit": bit, "about": self._about()} for bit in bits}
            self.types["flags"][name] = {"about": self._about(), "repr": f"u{8 * octets}", "values": values}
            mask = sum(1 << bit for bit in bits)
            self.known.append(Known(name, {}, [], bytes(octets), number=0, bounds=(0, mask)))

    def _type(self) -> Known:
        """A type of a field: a primitive, one that was declared, or a list of either."""
        match self._number(0, 7):
            case 0 | 1 | 2:
                return self._primitive()
            case 3:
                item = self._of([item for item in (*self.known, self._primitive()) if item.listable])
                keys = self._some(max_items=self._of([1, 2, 5, 0xFFFF]))
                return Known(f"list<{item.written}>", keys, [], bytes(2), listable=False)
            case _:
                known: Known = self._of(self.known)
                return known

    def _fields(self, least: int, used: set[str]) -> list[tuple[str, Known]]:
        return [(self._fresh(used), self._type()) for _ in range(self._number(least, 6))]

    def _plain(self, fields: list[tuple[str, Known]]) -> list[Plain]:
        return [{"name": name, "type": known.written, **known.keys, "about": self._about()} for name, known in fields]

    def _struct(self) -> None:
        fields = self._fields(1, set())
        name = self.free.pop()
        body: Plain = {"about": self._about(), "fields": self._plain(fields)}
        if self._rarely():
            body["rules"] = self._rules(fields, [])
        self.types["structs"][name] = {key: part for key, part in body.items() if part}
        value = {field_name: known.value for field_name, known in fields}
        self.known.append(Known(name, {}, value, b"".join(known.octets for _, known in fields)))

    def _relay(self) -> None:
        used = {"body"}
        fields, name = self._fields(1, used), RELAYED[len(self.relayed) + 2 * self._number(0, 1)]
        critical = self._of([True, False])
        body = {"about": self._about(), "fields": self._plain(fields), "body": self._about()}
        body["tagged"] = self._tags(0, 4, used, critical=critical)
        self.types["relayed"][name] = body | ({} if critical else {"critical_tags": False})
        self.relayed.append(name)
        value = {field_name: known.value for field_name, known in fields} | {"body": "hex:"}
        octets = b"".join(known.octets for _, known in fields) + bytes(5)
        self.relays[name] = (value, octets)

    def _tags(self, least: int, first: int, used: set[str], *, critical: bool = True) -> list[Plain]:
        numbers = self.draw(st.lists(st.integers(first, 0xFF), min_size=least, max_size=least + 4, unique=True))
        tags: list[Plain] = []
        for number in numbers:
            high = critical and self._rarely()
            known = Known(self._of(self.relayed)) if self.relayed and self._rarely() else self._type()
            tag = {"tag": number | 0x8000 if high else number, "name": self._fresh(used), "type": known.written}
            about = {"since": 1, "on_old_peer": "fail" if high else "drop", "about": self._about()}
            tags.append({**tag, **known.keys, **about})
        return tags

    # -- rules: true of the least value, so that the example keeps them --------------------------------------------

    def _rules(self, fields: list[tuple[str, Known]], tags: list[str], *, count: bool = False) -> list[Plain]:
        numeric = [(name, known) for name, known in fields if known.number is not None]
        if not numeric and not tags:
            return []
        rules: list[Plain] = []
        for _ in range(self._number(1, 2)):
            rule: Plain = {"id": next(self.ids)}
            require, holds = self._guard(numeric, tags, count)
            if self._number(0, 1):
                when, applies = self._guard(numeric, tags, count)
                rule["when"] = when
                holds = holds or not applies
            rule["require"] = require if holds else f"not ({require})"
            rules.append(rule | {"about": self._about()})
        return rules

    def _guard(
        self, numeric: list[tuple[str, Known]], tags: list[str], count: bool, depth: int = 2
    ) -> tuple[str, bool]:
        form = self._number(0, 5) if depth else 0
        if form in (3, 4):
            sides = [self._guard(numeric, tags, count, depth - 1) for _ in range(2)]
            word, join = ("and", all) if form == 3 else ("or", any)
            texts = [text if self._number(0, 1) and " or " not in text else f"({text})" for text, _ in sides]
            return f" {word} ".join(texts), join(holds for _, holds in sides)
        if form == 5:
            text, holds = self._guard(numeric, tags, count, depth - 1)
            return f"not ({text})", not holds
        return self._comparison(numeric, tags, count)

    def _comparison(self, numeric: list[tuple[str, Known]], tags: list[str], count: bool) -> tuple[str, bool]:
        signs: dict[str, Callable[[int, int], bool]] = {"==": operator.eq, "!=": operator.ne, "<": operator.lt}
        signs |= {"<=": operator.le, ">": operator.gt, ">=": operator.ge}
        sign: str = self._of(sorted(signs))
        if tags and (not numeric or self._number(0, 1)):
            if count and self._rarely():
                number = self._number(0, 3)
                return f"tag_count {sign} {number}", signs[sign](0, number)
            return f"present {self._of(tags)}", False
        name, known = self._of(numeric)
        assert known.number is not None
        words = {word: number for word, number in known.words.items() if word not in dict(numeric)}
        if words and self._number(0, 1):
            word, number = self._of(sorted(words.items()))
            return f"{name} {sign} {word}", signs[sign](known.number, number)
        others = [item for item in numeric if not item[1].words and item[0] != name]
        if not known.words and others and self._number(0, 1):
            other, second = self._of(others)
            return f"{name} {sign} {other}", signs[sign](known.number, second.number)
        number = self._of([known.number, *known.bounds])
        if self._number(0, 1):
            return f"{number} {sign} {name}", signs[sign](number, known.number)
        return f"{name} {sign} {number}", signs[sign](known.number, number)

    # -- messages and machines -------------------------------------------------------------------------------------

    def _base_message(self, name: str, examples: list[str]) -> Plain:
        real = _read(f"messages/{name}")
        real.pop("tag_group", None)
        kept = {name for kind in self.types.values() for name in kind}
        tagged = [tag for tag in real.pop("tagged", []) if set(re.findall("[A-Z][A-Za-z0-9]*", tag["type"])) <= kept]
        real |= {"tagged": tagged} if tagged else {}
        real["examples"] = {key: real["examples"][key] for key in examples or list(real["examples"])[:1]}
        return real

    def _message(self, command: int) -> None:
        name = self.free.pop()
        used: set[str] = set()
        relay = self._of([*self.relayed, "Envelope", "Report"]) if self._rarely() else None
        if relay:
            used.add(_snake(relay))
        body: Plain = {"message": name, "command": command, "since": 1, "about": self._about()}
        body["flows"] = self._of([["worker -> scheduler"], ["scheduler -> client", "client -> scheduler"]])
        fields: list[tuple[str, Known]] = []
        if self._rarely():
            body["sequenced"] = True
            used.add("seq")
            fields.append(("seq", Known("Seq", {}, 1, (1).to_bytes(8, "big"), 1, (1, (1 << 64) - 1))))
        fields += self._fields(0, used)
        body["fields"] = self._plain(fields)
        group = self.types.get("tag_groups", {}).get("some_tags", {}).get("tagged", [])
        grouped = [tag["name"] for tag in group]
        if group and not set(grouped) & used:
            body["tag_group"] = "some_tags"
            used |= set(grouped)
        tags = [tag for tag in self._tags(0, 1, used) if "tag_group" not in body or tag["tag"] & 0x7FFF < 20]
        body |= {"tagged": tags} if tags else {}
        body |= {"relay": relay} if relay else {}
        names = [tag["name"] for tag in tags] + (grouped if "tag_group" in body else [])
        if rules := self._rules(fields, names, count=True) if self._number(0, 1) else []:
            body["rules"] = rules
        body["examples"] = {"least": self._example(command, fields, relay)}
        self.messages[f"{command:02}-{_snake(name).replace('_', '-')}"] = body

    def _example(self, command: int, fields: list[tuple[str, Known]], relay: str | None) -> Plain:
        value = {name: known.value for name, known in fields}
        payload = b"".join(known.octets for _, known in fields) + b"\0"
        if relay is not None:
            value[_snake(relay)], octets = self._least(relay)
            payload += octets
        frame = bytes([command]) + len(payload).to_bytes(4, "big") + payload
        return {"about": self._about(), "value": value, "hex": f"{frame.hex()}  # all of it\n"}

    def _least(self, relay: str) -> tuple[Plain, bytes]:
        if relay == "Envelope":
            word = self.known[0]
            value = {"type": word.value, "queue": word.value, "encoding": "raw", "body": "hex:"}
            return value, word.octets * 2 + bytes(6)
        if relay == "Report":
            return {"encoding": "raw", "body": "hex:"}, bytes(6)
        least: tuple[Plain, bytes] = self.relays[relay]
        return least

    def _machines(self) -> Plain:
        """A machine for each side, in which everything may come once the handshake is over."""
        machines: Plain = {}
        for side in ("scheduler", "worker", "client"):
            events = [event for body in self.messages.values() for event in self._events(body, side)]
            first = "Hello.open" if side == "scheduler" else "Hello.accept"
            rest = [event for event in events if event != first]
            machines[f"{side}_connection"] = {
                "about": self._about(),
                "messages": f"to_{side}",
                "initial": "opening",
                "states": {
                    "opening": {"about": self._about()},
                    "accepted": {"about": self._about()},
                    "closed": {"about": self._about(), "final": True},
                },
                "events": {"close": {"about": self._about()}},
                "transitions": [
                    {"from": "opening", "on": first, "to": "accepted"},
                    {"from": "accepted", "on": rest, "to": "stay"},
                    {"from": "any", "on": "close", "to": "closed"},
                ],
                "otherwise": {"to": "closed", "error": "UNEXPECTED_MESSAGE"},
            }
        return machines

    def _events(self, body: Plain, side: str) -> list[str]:
        if not any(flow.endswith(f" -> {side}") for flow in body["flows"]):
            return []
        for item in body["fields"]:
            enum = self.types["enums"].get(item["type"])
            if item["name"] == "kind" and enum and enum["kind"] == "closed":
                return [f"{body['message']}.{value}" for value in enum["values"]]
        return [body["message"]]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
