"""The second check of a spec: does it make sense? Every rule has a code, and every refusal says the remedy."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Sequence

from wiretask_codegen.model import (
    WIDTHS,
    EnumType,
    Field,
    FlagsType,
    IntegerType,
    ListType,
    Machine,
    Message,
    Place,
    Range,
    RelayedType,
    Spec,
    StructType,
    Tagged,
    Type,
)
from wiretask_codegen.problems import Problems
from wiretask_codegen.types import minimal_octets

#: Names that would shadow methods of construct's Container or of the generated classes.
TAKEN = frozenset({"clear", "copy", "decode", "encode", "fromkeys", "get", "items", "keys", "pop", "popitem", "search"})
TAKEN |= frozenset(
    {"bool", "bytes", "int", "str", "tuple", "search_all", "self", "setdefault", "unknown", "update", "value", "values"}
)


def check(spec: Spec, problems: Problems) -> None:
    """Notes everything in the spec that cannot be right."""
    _check_ranges("command_ranges", spec.command_ranges, 0xFF, problems)
    _check_ranges("tag_ranges", spec.tag_ranges, 0xFFFF, problems)
    _check_commands(spec, problems)
    _check_enums(spec, problems)
    _check_errors(spec, problems)
    _check_ids(spec, problems)
    for struct in spec.structs:
        _check_fields(struct.fields, problems)
    for relayed in spec.relayed:
        _check_fields(relayed.fields, problems)
        _check_tags(relayed.tagged, relayed.fields, problems, critical=relayed.critical_tags)
    for message in spec.messages:
        _check_message(message, problems)
    for machine in spec.machines:
        _check_machine(machine, {error.name for error in spec.errors}, problems)


def _check_ranges(name: str, ranges: Sequence[Range], last: int, problems: Problems) -> None:
    expected = 0
    for item in ranges:
        if item.first != expected or item.last < item.first:
            problems.add(item.place, "L001", f"{name} go on at {expected:#x} without a gap; mend from and to")
        expected = item.last + 1
    if expected != last + 1:
        place = ranges[-1].place
        problems.add(place, "L001", f"{name} end at {expected - 1:#x} instead of {last:#x}; add the rest")


def _check_commands(spec: Spec, problems: Problems) -> None:
    reserved = {item.number: item.name for item in spec.reserved_commands}
    _check_unique(((message.command, message.name, message.place) for message in spec.messages), "command", problems)
    _check_unique(((message.name, message.name, message.place) for message in spec.messages), "message", problems)
    for message in spec.messages:
        kind = next((item.kind for item in spec.command_ranges if item.first <= message.command <= item.last), "none")
        if kind not in {"required", "skippable"}:
            problems.add(message.place, "L002", f"command {message.command:#x} is of kind {kind}; take another number")
        if message.command in reserved or message.name in reserved.values():
            problems.add(message.place, "L003", f"{message.name} or its command is reserved; free it in protocol.yaml")
    if spec.first_command not in {message.command for message in spec.messages}:
        problems.add(spec.messages[0].place, "L004", f"no message has the first command, {spec.first_command}; add it")


def _check_enums(spec: Spec, problems: Problems) -> None:
    for enum in spec.enums:
        _check_unique(
            ((value.value, value.name, value.place) for value in enum.values), f"value of {enum.name}", problems
        )
        for value in enum.values:
            _check_name(value.name, value.place, problems)
            if value.value >= 1 << 8 * WIDTHS[enum.repr]:
                problems.add(value.place, "L005", f"{value.value} does not fit into {enum.repr}; take a smaller one")
    for flags in spec.flags:
        _check_unique(((flag.bit, flag.name, flag.place) for flag in flags.values), f"bit of {flags.name}", problems)
        for flag in flags.values:
            if flag.bit >= 8 * WIDTHS[flags.repr]:
                problems.add(flag.place, "L005", f"bit {flag.bit} does not fit into {flags.repr}; take a lower one")


def _check_errors(spec: Spec, problems: Problems) -> None:
    _check_unique(((error.code, error.name, error.place) for error in spec.errors), "error code", problems)
    known = {error.name for error in spec.errors}
    for limit in spec.limits:
        if limit.error is not None and limit.error not in known:
            problems.add(limit.place, "L006", f"{limit.error} is no error; add it to errors.yaml or mend the name")
        if not (limit.floor or 0) <= limit.value <= (limit.ceiling or limit.value):
            problems.add(limit.place, "L007", f"{limit.value} is not between floor and ceiling; mend it")


def _check_ids(spec: Spec, problems: Problems) -> None:
    rules = [rule for struct in spec.structs for rule in struct.rules]
    rules += [rule for message in spec.messages for rule in message.rules]
    requirements = [requirement for message in spec.messages for requirement in message.requirements]
    ids = [(rule.id, rule.id, rule.place) for rule in rules]
    ids += [(requirement.id, requirement.id, requirement.place) for requirement in requirements]
    _check_unique(ids, "id", problems)


def _check_message(message: Message, problems: Problems) -> None:
    _check_fields(message.fields, problems)
    _check_tags(message.tagged, message.fields, problems, critical=True)
    if message.sequenced and (not message.fields or message.fields[0].name != "seq"):
        problems.add(message.place, "L008", "a sequenced message begins with a field named seq; add it")
    names = {field.name for field in message.fields} | {tag.name for tag in message.tagged}
    if message.relay and message.relay.name.lower() in names:
        problems.add(message.place, "L009", f"a field has the name of the relayed {message.relay.name}; rename it")


def _check_fields(fields: Iterable[Field], problems: Problems) -> None:
    fields = tuple(fields)
    _check_unique(((field.name, field.name, field.place) for field in fields), "field", problems)
    for field in fields:
        _check_name(field.name, field.place, problems)
        _check_type(field.type, field.place, problems)
        if isinstance(field.type, RelayedType):
            problems.add(field.place, "L010", "a relayed struct is the end of a message or a tag; write relay: instead")


def _check_tags(tagged: Sequence[Tagged], fields: Sequence[Field], problems: Problems, *, critical: bool) -> None:
    _check_unique(((tag.tag & 0x7FFF, tag.name, tag.place) for tag in tagged), "tag", problems)
    names = [(field.name, field.name, field.place) for field in fields]
    names += [(tag.name, tag.name, tag.place) for tag in tagged]
    _check_unique(names, "name of a field or a tag", problems)
    for tag in tagged:
        _check_name(tag.name, tag.place, problems)
        _check_type(tag.type, tag.place, problems)
        if not 1 <= tag.tag & 0x7FFF <= 0xFF:
            problems.add(tag.place, "L011", f"tag {tag.tag:#x} is outside 1 to 255; take a free number there")
        if tag.critical and not critical:
            problems.add(tag.place, "L012", "this struct has no critical tags; clear the high bit")


def _check_type(type_: Type, place: Place, problems: Problems) -> None:
    match type_:
        case ListType(item=item):
            if minimal_octets(item) == 0:
                problems.add(place, "L013", "items of a list take at least one octet; a count alone costs memory")
            if isinstance(item, ListType | RelayedType):
                problems.add(place, "L014", "lists hold integers, texts, octets and structs; wrap it into a struct")
        case StructType(struct=struct):
            for field in struct.fields:
                _check_type(field.type, field.place, problems)
        case IntegerType() | EnumType() | FlagsType() | _:
            pass


def _check_name(name: str, place: Place, problems: Problems) -> None:
    if keyword.iskeyword(name) or name in TAKEN:
        problems.add(place, "L015", f"{name!r} is taken by Python, construct or the generated code; choose another")


def _check_machine(machine: Machine, errors: set[str], problems: Problems) -> None:
    states = {state.name for state in machine.states}
    for name in (machine.initial, machine.otherwise_to or machine.initial):
        if name not in states:
            problems.add(machine.place, "L016", f"{machine.name} has no state {name!r}; declare it")
    if machine.otherwise_error is not None and machine.otherwise_error not in errors:
        problems.add(machine.place, "L006", f"{machine.otherwise_error} is no error; add it to errors.yaml")
    for state in machine.states:
        if state.name not in _reachable(machine):
            problems.add(state.place, "L017", f"nothing leads to the state {state.name!r}; remove it or lead there")
        leaves = any(target not in (None, state.name) for target in machine.table[state.name].values())
        if state.final and leaves:
            problems.add(state.place, "L018", f"the final state {state.name!r} is left; remove final or the transition")


def _reachable(machine: Machine) -> set[str]:
    reached = {machine.initial, machine.otherwise_to or machine.initial}
    waiting = list(reached)
    while waiting:
        for target in machine.table.get(waiting.pop(), {}).values():
            if target is not None and target not in reached:
                reached.add(target)
                waiting.append(target)
    return reached


def _check_unique(found: Iterable[tuple[object, str, Place]], what: str, problems: Problems) -> None:
    seen: dict[object, Place] = {}
    for key, name, place in found:
        if key in seen:
            problems.add(place, "L019", f"the {what} {key} of {name} is used at {seen[key]} already; choose another")
        seen.setdefault(key, place)
