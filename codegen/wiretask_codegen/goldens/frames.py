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


def message_payloads(message: Message, judge: Judge) -> Iterator[Derived]:
    """Every payload of a message. `judge` says None of a legal one: only such trees are spoilt."""
    for example in message.examples:
        yield Derived(rule=example.name, payload=example.frame[5:])
    first = True
    for kinds, name in choices(message):
        bare = message_part(message, kinds, needed_tags(message, kinds, judge))
        full = message_part(message, kinds, message.tagged)
        yield _whole(full, f"full{name}", message.tagged)
        yield _whole(message_part(message, kinds, ()), f"bare{name}", ())
        if not first:
            # One tree is spoilt in all of its parts; of the others only the tags, for the rules between fields.
            yield from _presences(full, f"full{name}", legal=judge(full.written()) is None)
        elif judge(bare.written()) is None:
            first = False
            yield from _spoilt(full, f"full{name}", [full["tags"], full["tags.count"]])
            yield from _spoilt(bare, f"least{name}", _fixed_parts(message, bare))
            yield from _tags(message, kinds, judge)
    for example in message.examples:
        yield from _cut(example.name, example.frame[5:])


def _presences(full: Part, name: str, *, legal: bool) -> Iterator[Derived]:
    """Which tags there are. Where having all of them is not legal, leaving one out shows nothing."""
    for derived in _spoilt(full, name, [full["tags"]]):
        rule = derived.rule.rpartition("/")[2]
        if rule in ("none", "unknown", "grease") or rule.startswith(("only-", "without-") if legal else "only-"):
            yield derived


def _tags(message: Message, kinds: Kinds, judge: Judge) -> Iterator[Derived]:
    """Each tag in all of its parts, among those that the message cannot be without."""
    needed = needed_tags(message, kinds, judge)
    for tag in message.tagged:
        among = [other for other in message.tagged if other is tag or other in needed]
        root = message_part(message, kinds, among)
        yield from _spoilt(root, f"tag-{tag.name}", _outside_relayed_tags(root[f"{tag.name}.whole"]))


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


def _fixed_parts(message: Message, root: Part) -> list[Part]:
    """All parts but the single tags of the message, and the values of the tags that it relays."""
    inside = {part.path for tag in root["tags"].parts[1:] for part in tag}
    return [part for part in _outside_relayed_tags(root) if part.path not in inside]


def _outside_relayed_tags(root: Part) -> list[Part]:
    """All parts but the values of relayed tags: who relays them does not look."""
    unseen: set[str] = set()
    for part in root:
        if part.kind == "relayed":
            values = (tag.parts[1] for tag in part.parts[-2].parts[1:])
            unseen |= {inner.path for value in values for inner in value if inner is not value}
    return [part for part in root if part.path not in unseen]


def _cut(name: str, payload: bytes) -> Iterator[Derived]:
    yield Derived(rule=f"{name}/trailing", payload=payload + b"\0")
    for at in range(len(payload)):
        yield Derived(rule=f"{name}/cut-{at}", payload=payload[:at])


def relayed_payloads(relayed: Relayed) -> Iterator[Derived]:
    """Every form of a relayed struct that is read by itself, the values of its tags included."""
    full, bare = relayed_part(relayed, "", relayed.tagged), relayed_part(relayed, "", ())
    yield _whole(full, "full", relayed.tagged)
    yield _whole(bare, "bare", ())
    yield from _spoilt(full, "full", [full["tags"], full["tags.count"]])
    yield from _spoilt(bare, "bare", bare)
    for tag in relayed.tagged:
        root = relayed_part(relayed, "", [tag])
        yield from _spoilt(root, f"tag-{tag.name}", root[f"{tag.name}.whole"])
    yield from _cut("full", full.written())
    yield from _cut("bare", bare.written())


def _whole(root: Part, rule: str, tagged: Iterable[Tagged]) -> Derived:
    """A tree as it is: it shows its tags, and its choices."""
    covers = [f"tag:{root.item}.{tag.name}:present" for tag in tagged]
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
