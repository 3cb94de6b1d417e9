"""The first check of a spec: does each file have the shape that its JSON Schema (spec/meta) says?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from wiretask_codegen.problems import Problems
from wiretask_codegen.yamlsource import Node


def kind_of(name: str) -> str:
    """Which kind of file a file of the spec is: message, or the word that it is named for."""
    path = Path(name)
    return "message" if path.parent.name == "messages" else path.stem


def check(node: Node, kind: str, meta: Path, problems: Problems) -> None:
    """Notes every place where a file is not of the shape of its kind."""
    validator = Draft202012Validator(json.loads((meta / f"{kind}.schema.json").read_text()))
    for error in validator.iter_errors(node.plain()):
        _note(error, node, problems)


def _note(error: ValidationError, node: Node, problems: Problems) -> None:
    schema: Any = error.schema
    values: Any = error.validator_value
    found: Any = error.instance
    path = list(error.absolute_path)
    place = node.at(iter(path)).place
    where = ".".join(str(step) for step in path) or "the file"
    match error.validator:
        case "additionalProperties":
            unknown = sorted(set(found) - set(schema.get("properties", {})))
            inner = node.at(iter(path))
            for key in unknown:
                at = (inner.keys or {}).get(key, place)
                known = ", ".join(sorted(schema.get("properties", {})))
                problems.add(at, "S101", f"{where} has no key {key!r}; it takes {known}")
        case "required":
            problems.add(place, "S102", f"{where}: {error.message}; add it")
        case "enum":
            allowed = ", ".join(str(value) for value in values)
            problems.add(place, "S103", f"{where} is {error.instance!r}; write one of {allowed}")
        case "pattern":
            problems.add(place, "S104", f"{where} is {error.instance!r}; {_description(error)}")
        case "type" | "anyOf" | "oneOf":
            problems.add(place, "S105", f"{where} is not of the right kind; {_description(error)}")
        case _:
            problems.add(place, "S106", f"{where}: {error.message}; {_description(error)}")


def _description(error: ValidationError) -> str:
    schema = error.schema
    if isinstance(schema, dict) and "description" in schema:
        return str(schema["description"])
    if isinstance(schema, dict) and "type" in schema:
        return f"write a value of type {schema['type']}"
    return "look at spec/meta"
