"""Renders the templates of the Python package. What a template needs is gathered here; layout is decided elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined

from wiretask_codegen.layout import Run, slot_of
from wiretask_codegen.machines import kinds
from wiretask_codegen.model import EnumType, Machine, Message, Relayed, Spec, TextType, Type
from wiretask_codegen.python import guardcode, names, reading, strategies, values, writing
from wiretask_codegen.python.reference import Expressions, enum_construct, flags_construct
from wiretask_codegen.spelling import snake

PACKAGE = "wiretask_protocol"
MODULES = (
    "__init__",
    "_bounded",
    "codec",
    "connection",
    "errors",
    "examples",
    "fast",
    "limits",
    "machines",
    "messages",
    "reference",
    "strategies",
)
#: Made for specs that have the messages which it is about.
AUTHENTICATION, AUTHENTICATED = ("authentication", "trust"), {"Auth", "Hello"}
_BANNER = """\
# Generated from spec/ (sha256 {digest}); do not edit.
# Edit the spec and run: nox -s generate
"""


@dataclass(frozen=True)
class Block:
    """A part that is laid out: what its runs are called by, and whether a frame's header goes before it."""

    name: str
    runs: list[Run]
    framed: bool


def render(spec: Spec) -> dict[str, str]:
    """Every file of the package: its path below generated/ and its text."""
    environment = Environment(
        loader=PackageLoader("wiretask_codegen.python"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 -- what is rendered is Python, not HTML
    )
    environment.filters["broken"] = guardcode.broken
    context = _context(spec)
    banner = _BANNER.format(digest=spec.digest[:16])
    files = {f"{PACKAGE}/py.typed": ""}
    known = {str(message.name) for message in spec.messages}
    for module in (*MODULES, *AUTHENTICATION) if known >= AUTHENTICATED else MODULES:
        text = environment.get_template(f"{module}.py.j2").render(context)
        files[f"{PACKAGE}/{module}.py"] = banner + text
    return files


def _context(spec: Spec) -> dict[str, object]:
    expressions = Expressions(spec.newtypes)
    return {
        "spec": spec,
        "directions": [(name, _members(spec, receiver)) for name, receiver in _DIRECTIONS],
        "imports": _imports(spec),
        "blocks": list(_blocks(spec)),
        "owners": [*spec.relayed, *spec.messages],
        "formats": reading.formats(_all_types(spec)),
        "name": next(item.type for item in spec.newtypes if isinstance(item.type, TextType) and item.type.pattern),
        "body_maximum": reading.BODY_MAXIMUM,
        "constants": list(_constants(spec)),
        "state_values": {machine.name: _state_values(machine, spec) for machine in spec.machines},
        "commands": {message.name: message.command for message in spec.messages},
        "kind_values": dict(_kind_values(spec)),
        "command_kinds": list(_command_kinds(spec)),
        "error_message": next(message for message in spec.messages if message.name == "Error"),
        "text_maximum": next(
            i.type.maximum for i in spec.newtypes if i.name == "ShortText" and isinstance(i.type, TextType)
        ),
        "construct": expressions.of,
        "declared": expressions.declared,
        "enum_construct": enum_construct,
        "flags_construct": flags_construct,
        "examples": list(values.examples(spec)),
        "strategy": strategies.strategy,
        "quoted": names.quoted,
        "regular": names.regular,
        "wrapped": names.wrapped,
        "annotation": names.annotation,
        "about": names.about,
        "snake": snake,
        "constant": names.constant,
        "prefix": names.machine_prefix,
        "relay_name": names.relay_name,
        "run_name": reading.run_name,
        "members_name": reading.members_name,
        "read_lines": reading.read_lines,
        "read_tag_lines": reading.read_tag_lines,
        "write_lines": writing.write_lines,
        "write_tag": writing.write_tag,
        "add_tag": writing.add_tag,
        "frames_plainly": writing.frames_plainly,
        "frame_lines": writing.frame_lines,
        "slot_of": slot_of,
        "names_before": reading.names_before,
        "tail_name": reading.tail_name,
        "check_relayed_lines": reading.check_relayed_lines,
        "read_relayed_lines": reading.read_relayed_lines,
        "relays_inline": reading.relays_inline,
        "whole_name": reading.whole_name,
        "whole_format": reading.whole_format,
        "read_whole_lines": reading.read_whole_lines,
        "broken": guardcode.broken,
    }


_DIRECTIONS = (("ToScheduler", "scheduler"), ("ToWorker", "worker"), ("ToClient", "client"))


def _members(spec: Spec, receiver: str) -> list[str]:
    return [message.name for message in spec.messages if any(flow.receiver == receiver for flow in message.flows)]


def _imports(spec: Spec) -> list[str]:
    closed = [enum.name for enum in spec.enums if enum.closed]
    parts = [
        [part.name for part in spec.structs],
        [part.name for part in spec.relayed],
        [part.name for part in spec.messages],
    ]
    return sorted(sum(parts, closed))


def _blocks(spec: Spec) -> Iterator[Block]:
    for struct in spec.structs:
        yield Block(struct.name, reading.runs(struct.fields, tags=False), framed=False)
    parts: list[Message | Relayed] = [*spec.relayed, *spec.messages]
    for part in parts:
        yield Block(part.name, reading.runs(part.fields, tags=True), framed=isinstance(part, Message))


def _all_types(spec: Spec) -> Iterator[Type]:
    owners: list[Message | Relayed] = [*spec.messages, *spec.relayed]
    for owner in (*spec.structs, *owners):
        yield from (field.type for field in owner.fields)
    for owner in owners:
        yield from (tag.type for tag in owner.tagged)


def _constants(spec: Spec) -> Iterator[tuple[str, int, str]]:
    """Each limit, with its unit in its name where that is a time, and its floor and ceiling."""
    for limit in spec.limits:
        suffix = "_MS" if limit.unit == "ms" else "_HEARTBEATS" if limit.unit == "heartbeats" else ""
        name = limit.name.upper() + suffix
        error = f" Beyond it: {limit.error}." if limit.error else ""
        yield name, limit.value, f"{limit.about} In {limit.unit}.{error}"
        if limit.floor is not None:
            yield f"{limit.name.upper()}_FLOOR{suffix}", limit.floor, f"The least that {name} can be set to."
        if limit.ceiling is not None:
            yield f"{limit.name.upper()}_CEILING{suffix}", limit.ceiling, f"The most that {name} can be set to."


def _state_values(machine: Machine, spec: Spec) -> dict[str, int]:
    """The numbers of a machine's states: those of the enum that goes over the wire where there is one."""
    wire = next((enum for enum in spec.enums if enum.name == f"{names.camel(machine.name)}State"), None)
    numbers = {value.name: value.value for value in wire.values} if wire else {}
    free = iter(number for number in range(256) if number not in numbers.values())
    return {state.name: numbers[state.name] if state.name in numbers else next(free) for state in machine.states}


def _kind_values(spec: Spec) -> Iterator[tuple[str, int]]:
    for message in spec.messages:
        if kinds(message) != (None,):
            kind = next(field.type for field in message.fields if field.name == "kind")
            assert isinstance(kind, EnumType)
            for value in kind.enum.values:
                yield f"{message.name}.{value.name}", value.value


def _command_kinds(spec: Spec) -> Iterator[tuple[str, int]]:
    kinds_of_all = [item.kind for item in spec.command_ranges for _ in range(item.first, item.last + 1)]
    for kind, group in groupby(kinds_of_all):
        yield kind, len(list(group))
