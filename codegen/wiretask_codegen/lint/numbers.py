"""Numbers of a spec: each in its range, used once, and none that is reserved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wiretask_codegen.model import WIDTHS, Enum, Message, Place, Range, Relayed, Reserved, Spec, Struct, Tagged
from wiretask_codegen.problems import Problems


def check(spec: Spec, problems: Problems) -> None:
    """Notes what is wrong with the numbers of a spec."""
    _check_ranges("command_ranges", spec.command_ranges, 0xFF, problems)
    _check_ranges("tag_ranges", spec.tag_ranges, 0xFFFF, problems)
    _check_versions(spec, problems)
    _check_commands(spec, problems)
    for enum in spec.enums:
        _check_enum(enum, problems)
    _check_flags(spec, problems)
    _check_errors(spec, problems)
    _check_limits(spec, problems)
    _check_ids(spec, problems)
    for message in spec.messages:
        _check_tags(message, spec, problems, critical=True)
    for relayed in spec.relayed:
        _check_tags(relayed, spec, problems, critical=relayed.critical_tags)


def _check_ranges(name: str, ranges: Sequence[Range], last: int, problems: Problems) -> None:
    expected = 0
    for item in ranges:
        if item.first != expected or item.last < item.first:
            problems.add(item.place, "L001", f"{name} go on at {expected:#x} without a gap; mend from and to")
        expected = item.last + 1
    if expected != last + 1:
        place = ranges[-1].place
        problems.add(place, "L001", f"{name} end at {expected - 1:#x} instead of {last:#x}; mend the last one")


def _kind(ranges: Sequence[Range], number: int) -> str:
    return next((item.kind for item in ranges if item.first <= number <= item.last), "outside all ranges")


def _check_versions(spec: Spec, problems: Problems) -> None:
    for expected, version in enumerate(spec.versions, 1):
        if version.number != expected:
            problems.add(version.place, "L023", f"versions go on at {expected} without a gap; renumber this one")
        if version.status == "draft" and version is not spec.versions[-1]:
            problems.add(version.place, "L023", "only the newest version is a draft; release this one first")
    newest = spec.versions[-1].number
    for name, since, place in _all_since(spec):
        if since > newest:
            problems.add(place, "L023", f"{name} is of version {since}, which is not in protocol.yaml; add it there")
    for message in spec.messages:
        for tag in message.tagged:
            if tag.since < message.since:
                text = f"the tag {tag.name} is older than its message; write since: {message.since} or more"
                problems.add(tag.place, "L023", text)


def _all_since(spec: Spec) -> Iterable[tuple[str, int, Place]]:
    for message in spec.messages:
        yield message.name, message.since, message.place
    owners: list[Message | Relayed] = [*spec.messages, *spec.relayed]
    for owner in owners:
        for tag in owner.tagged:
            yield tag.name, tag.since, tag.place
    for enum in spec.enums:
        for value in enum.values:
            yield value.name, value.since, value.place


def _check_commands(spec: Spec, problems: Problems) -> None:
    used = [(message.command, message.name, message.place) for message in spec.messages]
    check_unique(used, "command", problems)
    check_unique(((message.name, message.name, message.place) for message in spec.messages), "message", problems)
    _check_reserved("command", used, spec.reserved_commands, problems)
    for message in spec.messages:
        kind = _kind(spec.command_ranges, message.command)
        if kind not in {"required", "skippable"}:
            problems.add(message.place, "L002", f"command {message.command:#x} is of kind {kind}; take another number")
    if spec.first_command not in {message.command for message in spec.messages}:
        place = spec.header[0].place
        problems.add(place, "L004", f"no message has the first command, {spec.first_command}; mend first_command")


def _check_enum(enum: Enum, problems: Problems) -> None:
    used = [(value.value, value.name, value.place) for value in enum.values]
    check_unique(used, f"value of {enum.name}", problems)
    _check_reserved(f"value of {enum.name}", used, enum.reserved, problems)
    for value in enum.values:
        if value.value >= 1 << 8 * WIDTHS[enum.repr]:
            problems.add(value.place, "L005", f"{value.value} does not fit into {enum.repr}; take a smaller one")


def _check_flags(spec: Spec, problems: Problems) -> None:
    for flags in spec.flags:
        check_unique(((flag.bit, flag.name, flag.place) for flag in flags.values), f"bit of {flags.name}", problems)
        for flag in flags.values:
            if flag.bit >= 8 * WIDTHS[flags.repr]:
                problems.add(flag.place, "L005", f"bit {flag.bit} does not fit into {flags.repr}; take a lower one")


def _check_errors(spec: Spec, problems: Problems) -> None:
    used = [(error.code, error.name, error.place) for error in spec.errors]
    check_unique(used, "error code", problems)
    _check_reserved("error code", used, spec.reserved_errors, problems)


def _check_limits(spec: Spec, problems: Problems) -> None:
    known = {error.name for error in spec.errors}
    for limit in spec.limits:
        if limit.error is not None and limit.error not in known:
            problems.add(limit.place, "L006", f"{limit.error} is no error; add it to errors.yaml or mend the name")
        floor = limit.floor if limit.floor is not None else limit.value
        ceiling = limit.ceiling if limit.ceiling is not None else limit.value
        if not floor <= limit.value <= ceiling:
            problems.add(limit.place, "L007", f"{limit.value} is not between {floor} and {ceiling}; mend one of them")


def _check_ids(spec: Spec, problems: Problems) -> None:
    owners: list[Struct | Message] = [*spec.structs, *spec.messages]
    ids = [(rule.id, owner.name, rule.place) for owner in owners for rule in owner.rules]
    ids += [(item.id, message.name, item.place) for message in spec.messages for item in message.requirements]
    check_unique(ids, "id", problems)


def _check_tags(owner: Message | Relayed, spec: Spec, problems: Problems, *, critical: bool) -> None:
    used = [(tag.tag & 0x7FFF, tag.name, tag.place) for tag in owner.tagged]
    check_unique(used, "tag", problems)
    _check_reserved("tag", used, owner.reserved, problems)
    for tag in owner.tagged:
        _check_tag(tag, spec, problems, critical=critical)


def _check_tag(tag: Tagged, spec: Spec, problems: Problems, *, critical: bool) -> None:
    kind = _kind(spec.tag_ranges, tag.tag & 0x7FFF)
    if kind != "assigned":
        problems.add(tag.place, "L011", f"tag {tag.tag:#x} is of kind {kind}; take a free number of the assigned ones")
    if tag.critical and not critical:
        problems.add(tag.place, "L012", "this struct has no critical tags; clear the high bit")
    if tag.critical and tag.on_old_peer == "drop":
        text = "a critical tag cannot be dropped for an old peer, which would act without it; write on_old_peer: fail"
        problems.add(tag.place, "L022", text)


def _check_reserved(
    what: str, used: Iterable[tuple[int, str, Place]], reserved: Sequence[Reserved], problems: Problems
) -> None:
    numbers = {item.number & 0x7FFF if what == "tag" else item.number: item for item in reserved}
    names = {item.name: item for item in reserved}
    for number, name, place in used:
        item = numbers.get(number) or names.get(name)
        if item is not None:
            text = f"the {what} {item.number}, {item.name}, is reserved at {item.place}; take a number and a name"
            problems.add(place, "L003", f"{text} that were never used")
    check_unique(((item.number, item.name, item.place) for item in reserved), f"reserved {what}", problems)


def check_unique(found: Iterable[tuple[object, str, Place]], what: str, problems: Problems) -> None:
    """Notes every key that was there before: (key, who has it, where)."""
    seen: dict[object, Place] = {}
    for key, name, place in found:
        if key in seen:
            problems.add(place, "L019", f"the {what} {key} of {name} is used at {seen[key]} already; choose another")
        seen.setdefault(key, place)
