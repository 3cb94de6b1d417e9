"""The first check of a spec: does each file have the shape that its JSON Schema (spec/meta) says?

The schemas are for editors too: `description` is what they show beside a key, `errorMessage` what they and we say
where a value does not fit. Refusals point at the line of the key that is wrong, not at the file.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from wiretask_codegen.problems import Problem, Problems, SpecError
from wiretask_codegen.yamlsource import Node

#: The schema that the others refer to.
_PARTS = "parts.schema.json"
#: A long value helps nobody in a line that a terminal shows.
_SHOWN = 60


def kind_of(name: str) -> str:
    """Which kind of file a file of the spec is: message, or the word that it is named for."""
    path = Path(name)
    return "message" if path.parent.name == "messages" else path.stem


def check(node: Node, kind: str, meta: Path, problems: Problems) -> None:
    """Notes every place where a file is not of the shape of its kind. Raises SpecError where there is no schema."""
    path = meta / f"{kind}.schema.json"
    try:
        validator = _validator(path.read_text(encoding="utf-8"), (meta / _PARTS).read_text(encoding="utf-8"))
        for error in validator.iter_errors(node.plain()):
            _note(error, node, problems)
    except (OSError, ValueError, SchemaError, Unresolvable) as error:
        reason = error.message if isinstance(error, SchemaError) else " ".join(str(error).split())
        text = f"is no JSON Schema for {kind} ({reason}); restore it from the version history"
        raise SpecError([Problem(f"{meta.parent.name}/meta/{path.name}", 1, "S013", text)]) from None


@lru_cache(maxsize=16)
def _validator(schema: str, parts: str) -> Draft202012Validator:
    contents = json.loads(schema)
    Draft202012Validator.check_schema(contents)
    resource: Resource[Any] = DRAFT202012.create_resource(json.loads(parts))
    registry: Registry[Any] = Registry().with_resource(_PARTS, resource)
    return Draft202012Validator(contents, registry=registry)


def _note(error: ValidationError, node: Node, problems: Problems) -> None:
    values: Any = error.validator_value
    path = list(error.absolute_path)
    place = node.place_of(path)
    where = ".".join(str(step) for step in path) or "the file"
    match error.validator:
        case "additionalProperties":
            _note_unknown_keys(error, node, where, problems)
        case "required":
            problems.add(place, "S102", f"{where}: {error.message}; add it")
        case "enum":
            allowed = ", ".join(str(value) for value in values)
            problems.add(place, "S103", f"{where} is {_shown(error.instance)}; write one of {allowed}")
        case "pattern":
            problems.add(place, "S104", f"{where} is {_shown(error.instance)}; {_remedy(error)}")
        case "type" | "anyOf" | "const":
            problems.add(place, "S105", f"{where} is {_shown(error.instance)}; {_remedy(error)}")
        case _:
            what = {"minItems": "has too few items", "maxItems": "has too many items", "minLength": "is too short"}
            told = what.get(str(error.validator), f"is {_shown(error.instance)}, which is out of range")
            problems.add(place, "S106", f"{where} {told}; {_remedy(error)}")


def _note_unknown_keys(error: ValidationError, node: Node, where: str, problems: Problems) -> None:
    schema: Any = error.schema
    inner = node.at(error.absolute_path)
    known = sorted(schema.get("properties", {}))
    for key, place in (inner.keys or {}).items():
        if known and key not in known:
            problems.add(place, "S101", f"{where} has no key {key!r}; it takes {', '.join(known)}")
        elif not any(re.search(pattern, key) for pattern in schema.get("patternProperties", {})) and not known:
            problems.add(place, "S104", f"{where} has the key {key!r}; {_remedy(error)}")


def _remedy(error: ValidationError) -> str:
    schema: Any = error.schema
    if "errorMessage" in schema:
        return str(schema["errorMessage"])
    kinds = {"object": "write keys and values", "array": "write a list", "string": "write a text; quote it"}
    return kinds.get(str(schema.get("type")), "look at spec/meta")


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str | int | bool) else "a list" if isinstance(value, list) else "a mapping"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
