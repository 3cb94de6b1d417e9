"""Which payloads become cases: the examples, their cuts, and for each message what the rules make of its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from wiretask_codegen.goldens.anatomy import Part, message_part, relayed_part
from wiretask_codegen.goldens.rules import classes, spoilt
from wiretask_codegen.model import EnumType, Message, Relayed, Tagged

Kinds = dict[str, int]
Judge = Callable[[bytes], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A payload, by which rule it was made, and the coverage items that it is for."""

    rule: str
    payload: bytes
    covers: tuple[str, ...] = ()
    #: The part that the rule has exchanged: an error elsewhere shows nothing of it. Empty if the whole counts.
    path: str = ""


def message_payloads(message: Message, judge: Judge, shown: set[str]) -> Iterator[Derived]:
    """Every payload of a message. `judge` says None of a legal one: only such trees are spoilt.

    `shown` are the fields of structs that other messages have shown in their tags, and afterwards also this one.
    """
    for example in message.examples:
        yield Derived(rule=example.name, payload=example.frame[5:])
    first = True
    for kinds, name in choices(message):
        least = message_part(message, kinds, needed_tags(message, kinds, judge))
        full = message_part(message, kinds, message.tagged, deep=True)
        yield _whole(full, f"full{name}", message.tagged)
        yield _whole(message_part(message, kinds, ()), f"bare{name}", message.tagged)
        if not first:
            # One tree is spoilt in all of its parts; of the others only the tags, for the rules between fields.
            yield from _some(_spoilt(least, f"least{name}", [least["tags"]]), "none", "unknown", "grease", "without-")
            yield from (
                _whole(message_part(message, kinds, [tag]), f"only{name}-{tag.name}", [tag]) for tag in message.tagged
            )
        elif judge(least.written()) is None:
            first = False
            yield from _spoilt(full, f"full{name}", [full["tags.count"]])
            relayed = [part for part in full.parts[-1] if full.parts[-1].kind == "relayed" and part.kind == "tag value"]
            yield from _spoilt(full, f"full{name}", relayed)
            yield from _some(_spoilt(full, f"full{name}", [full["tags"]]), "unknown-last", "critical-last", "last-two")
            yield from _spoilt(least, f"least{name}", _fixed_parts(least))
            yield from _tags(message, kinds, judge, shown)
    for example in message.examples:
        yield from _cut(example.name, example.frame[5:])


def _some(made: Iterable[Derived], *rules: str) -> Iterator[Derived]:
    """Those whose rule begins with one of some words."""
    return (derived for derived in made if derived.rule.rpartition("/")[2].startswith(rules))


def _tags(message: Message, kinds: Kinds, judge: Judge, shown: set[str]) -> Iterator[Derived]:
    """Each tag in all of its parts, among those that the message cannot be without."""
    needed = needed_tags(message, kinds, judge)
    for tag in message.tagged:
        among = [other for other in message.tagged if other is tag or other in needed]
        root = message_part(message, kinds, among)
        parts = list(root[f"{tag.name}.whole"])
        yield from _spoilt(root, f"tag-{tag.name}", [part for part in parts if part.item not in shown])
        shown |= {part.item for part in parts if part.type and not part.item.startswith(f"{message.name}.")}


def needed_tags(message: Message, kinds: Kinds, judge: Judge) -> list[Tagged]:
    """Tags without which the message is not legal: all, less those that can be left out, one by one."""
    needed = list(message.tagged)
    if judge(message_part(message, kinds, ()).written()) is None:
        return []
    for tag in message.tagged:
        fewer = [other for other in needed if other is not tag]
        if judge(message_part(message, kinds, fewer).written()) is None:
            needed = fewer
    return needed


def _fixed_parts(root: Part) -> list[Part]:
    """All parts but the single tags of the message."""
    inside = {part.path for tag in root["tags"].parts[1:] for part in tag}
    return [part for part in root if part.path not in inside]


def _cut(name: str, payload: bytes) -> Iterator[Derived]:
    yield Derived(rule=f"{name}/trailing", payload=payload + b"\0")
    for at in range(len(payload)):
        yield Derived(rule=f"{name}/cut-{at}", payload=payload[:at])


def relayed_payloads(relayed: Relayed) -> Iterator[Derived]:
    """Every form of a relayed struct that is read by itself, the values of its tags included."""
    full, bare = relayed_part(relayed, "", relayed.tagged), relayed_part(relayed, "", ())
    yield _whole(full, "full", relayed.tagged)
    yield _whole(bare, "bare", relayed.tagged)
    yield from _spoilt(full, "full", [full["tags"], full["tags.count"]])
    yield from _spoilt(bare, "bare", bare)
    for tag in relayed.tagged:
        root = relayed_part(relayed, "", [tag])
        yield from _spoilt(root, f"tag-{tag.name}", root[f"{tag.name}.whole"])
    yield from _cut("full", full.written())
    yield from _cut("bare", bare.written())


def _whole(root: Part, rule: str, tagged: Iterable[Tagged]) -> Derived:
    """A tree as it is: it shows its tags, and its choices."""
    present = {part.item for part in root if part.kind == "tag"}
    items = [f"{root.item}.{tag.name}" for tag in tagged]
    covers = [f"tag:{item}:{'present' if item in present else 'absent'}" for item in items]
    for part in root:
        if isinstance(part.type, EnumType) and part.type.enum.closed:
            covers += (f"field:{part.item}:{name}" for name in classes(part.type, int.from_bytes(part.octets, "big")))
    return Derived(rule=rule, payload=root.written(), covers=tuple(covers))


def choices(message: Message) -> Iterator[tuple[Kinds, str]]:
    """Each choice of its closed enums, with a word for it; not every one of them allows all tags, or none."""
    closed = [field for field in message.fields if isinstance(field.type, EnumType) and field.type.enum.closed]
    for chosen in product(*([(field.name, value) for value in _values(field.type)] for field in closed)):
        yield {name: number for name, (_, number) in chosen}, "".join(f"-{word}" for _, (word, _) in chosen)


def _values(type_: object) -> list[tuple[str, int]]:
    assert isinstance(type_, EnumType)
    return [(value.name, value.value) for value in type_.enum.values]


def _spoilt(root: Part, name: str, parts: Iterable[Part]) -> Iterator[Derived]:
    """All that the rules make of some parts of a tree."""
    for part in parts:
        for made in spoilt(part):
            payload = root.written(part.path, made.octets)
            rule = f"{name}/{part.path}/{made.rule}"
            path = "" if part.kind.startswith("tag") else part.path
            yield Derived(rule=rule, payload=payload, covers=made.covers, path=path)
