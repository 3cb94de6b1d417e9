"""The spec in normal form: plain data without places and texts, so that two versions can be compared."""

from __future__ import annotations

from collections.abc import Sequence

from wiretask_codegen.guards import written
from wiretask_codegen.model import (
    BooleanType,
    BytesType,
    EnumType,
    Field,
    FixedBytesType,
    FlagsType,
    IntegerType,
    ListType,
    Machine,
    Message,
    Relayed,
    RelayedType,
    Reserved,
    Rule,
    Spec,
    StructType,
    Tagged,
    TextType,
    Type,
)

Plain = dict[str, object]


def normal_type(type_: Type) -> Plain:
    """A type as plain data; named parts by their names."""
    match type_:
        case IntegerType():
            return {"is": "integer", "integer": type_.integer, "min": type_.minimum, "max": type_.maximum}
        case BooleanType():
            return {"is": "boolean"}
        case FixedBytesType():
            return {"is": "fixed", "size": type_.size}
        case TextType():
            return {
                "is": "text",
                "prefix": type_.prefix,
                "min": type_.minimum,
                "max": type_.maximum,
                "pattern": type_.pattern,
            }
        case BytesType():
            return {"is": "bytes", "max": type_.maximum}
        case EnumType():
            return {"is": "enum", "name": type_.enum.name}
        case FlagsType():
            return {"is": "flags", "name": type_.flags.name}
        case StructType():
            return {"is": "struct", "name": type_.struct.name}
        case ListType():
            return {"is": "list", "item": normal_type(type_.item), "max": type_.maximum}
        case RelayedType():
            return {"is": "relayed", "name": type_.relayed.name}


def normal(spec: Spec) -> Plain:
    """The spec as plain data: what is compared, and what a release freezes."""
    return {
        "format": 1,
        "header": _fields(spec.header),
        "messages": {message.name: _message(message) for message in spec.messages},
        "structs": {
            struct.name: {"fields": _fields(struct.fields), "rules": _rules(struct.rules)} for struct in spec.structs
        },
        "relayed": {part.name: _relayed(part) for part in spec.relayed},
        "enums": {
            enum.name: {
                "repr": enum.repr,
                "closed": enum.closed,
                "values": {value.name: value.value for value in enum.values},
                "since": {value.name: value.since for value in enum.values if value.since > 1},
                "reserved": _reserved(enum.reserved),
            }
            for enum in spec.enums
        },
        "flags": {
            flags.name: {"repr": flags.repr, "bits": {flag.name: flag.bit for flag in flags.values}}
            for flags in spec.flags
        },
        "errors": {
            error.name: {"code": error.code, "scope": error.scope, "retry": error.retry} for error in spec.errors
        },
        "reserved_errors": _reserved(spec.reserved_errors),
        "limits": {
            limit.name: {
                "value": limit.value,
                "floor": limit.floor,
                "ceiling": limit.ceiling,
                "unit": limit.unit,
                "error": limit.error,
            }
            for limit in spec.limits
        },
        "machines": {machine.name: _machine(machine) for machine in spec.machines},
        "requirements": {
            requirement.id: requirement.level for message in spec.messages for requirement in message.requirements
        },
    }


def frozen(spec: Spec) -> Plain:
    """The normal form with what a release freezes besides: the frame, and the golden examples."""
    return {
        **normal(spec),
        "frame": {
            "header": _fields(spec.header),
            "first_command": spec.first_command,
            "command_ranges": [[item.first, item.last, item.kind] for item in spec.command_ranges],
            "tag_ranges": [[item.first, item.last, item.kind] for item in spec.tag_ranges],
            "check_order": [check.name for check in spec.check_order],
        },
        "reserved_commands": _reserved(spec.reserved_commands),
        "examples": {
            f"{message.name}/{example.name}": example.frame.hex()
            for message in spec.messages
            for example in message.examples
        },
    }


def _message(message: Message) -> Plain:
    return {
        "command": message.command,
        "since": message.since,
        "flows": sorted(f"{flow.sender} -> {flow.receiver}" for flow in message.flows),
        "sequenced": message.sequenced,
        "fields": _fields(message.fields),
        "tags": _tags(message.tagged),
        "relay": message.relay.name if message.relay else None,
        "rules": _rules(message.rules),
        "reserved": _reserved(message.reserved),
    }


def _relayed(part: Relayed) -> Plain:
    return {
        "fields": _fields(part.fields),
        "tags": _tags(part.tagged),
        "critical_tags": part.critical_tags,
        "rules": {},
        "reserved": _reserved(part.reserved),
    }


def _fields(fields: Sequence[Field]) -> list[Plain]:
    return [{"name": field.name, "type": normal_type(field.type)} for field in fields]


def _tags(tagged: Sequence[Tagged]) -> Plain:
    return {
        str(tag.tag): {
            "name": tag.name,
            "type": normal_type(tag.type),
            "since": tag.since,
            "on_old_peer": tag.on_old_peer,
        }
        for tag in tagged
    }


def _rules(rules: Sequence[Rule]) -> Plain:
    return {
        rule.id: {"when": written(rule.when) if rule.when else None, "require": written(rule.require)} for rule in rules
    }


def _reserved(reserved: Sequence[Reserved]) -> Plain:
    return {str(item.number): item.name for item in reserved}


def _machine(machine: Machine) -> Plain:
    return {
        "initial": machine.initial,
        "table": machine.table,
        "otherwise": [machine.otherwise_to, machine.otherwise_error],
        "final": [state.name for state in machine.states if state.final],
        "local": [state.name for state in machine.states if state.local],
    }
