"""The spec as data: `spec.json`, for programs that have neither the generator nor a YAML reader.

It is the normal form with what people need besides (texts, ranges, the examples with their frames).
"""

from __future__ import annotations

import json

from wiretask_codegen.model import Message, Range, Spec, Struct
from wiretask_codegen.normal import normal


def render(spec: Spec) -> dict[str, str]:
    """The file: path below generated/ -> text."""
    owners: tuple[Message | Struct, ...] = (*spec.messages, *spec.structs)
    body = {
        "protocol": spec.protocol,
        "digest": spec.digest,
        "versions": {str(version.number): version.status for version in spec.versions},
        "first_command": spec.first_command,
        "command_ranges": [_range(item) for item in spec.command_ranges],
        "tag_ranges": [_range(item) for item in spec.tag_ranges],
        "check_order": [check.name for check in spec.check_order],
        **normal(spec),
        "newtypes": {newtype.name: newtype.about for newtype in spec.newtypes},
        "rules": [
            {"id": rule.id, "message": owner.name, "about": rule.about} for owner in owners for rule in owner.rules
        ],
        "requirements": [
            {
                "id": requirement.id,
                "message": message.name,
                "level": requirement.level,
                "about": requirement.about,
            }
            for message in spec.messages
            for requirement in message.requirements
        ],
        "error_texts": {error.name: error.text for error in spec.errors},
        "examples": [
            {
                "name": f"{message.name}/{example.name}",
                "about": example.about,
                "value": example.value,
                "frame": example.frame.hex(),
            }
            for message in spec.messages
            for example in message.examples
        ],
    }
    return {"spec.json": json.dumps(body, indent=1, ensure_ascii=False) + "\n"}


def _range(item: Range) -> dict[str, object]:
    return {"from": item.first, "to": item.last, "kind": item.kind, "about": item.about}
