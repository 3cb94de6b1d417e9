"""The JSON Schema of the golden files, published beside them."""

from __future__ import annotations

from typing import Any

_HEX = {"type": "string", "pattern": "^([0-9a-f]{2})*$"}
_NAME = {"type": "string", "minLength": 1}
_ERROR = {"type": "string", "pattern": "^[A-Z][A-Z0-9_]*$"}
_COUNT = {"type": "integer", "minimum": 0}
_VALUE = {"$ref": "#/$defs/value"}
_REFUSAL = {
    "type": "object",
    "properties": {"error": _ERROR, "field": {"type": "string"}, "offset": {"type": ["integer", "null"]}},
    "required": ["error", "field", "offset"],
    "additionalProperties": False,
}
_COMMON: dict[str, Any] = {
    "id": {
        "type": "string",
        "pattern": "^c-[0-9a-f]{10}$",
        "description": "Given once; stands for this case for ever.",
    },
    "name": {**_NAME, "description": "For people; may change."},
    "about": {**_NAME, "description": "What it is, where people have written it."},
    "kind": {"enum": ["decode", "relayed", "encode", "stream"]},
    "requires": {"type": "array", "items": _NAME, "description": "Rules and requirements that it shows."},
    "level": {"enum": ["MUST", "SHOULD"]},
    "since": {"type": "integer", "minimum": 1, "description": "First version of the protocol that it belongs to."},
    "until": {"type": "integer", "minimum": 1, "description": "Last one, if there is one."},
    "covers": {"type": "array", "items": _NAME, "uniqueItems": True, "description": "Coverage items."},
    "at": {**_COUNT, "description": "Where its octets begin in the .bin of the same name."},
}
_ANY = ["id", "name", "kind", "requires", "level", "since", "covers"]


def _kind(name: str, properties: dict[str, Any], required: list[str], **more: Any) -> dict[str, Any]:
    """The shape of one kind of cases."""
    return {
        "type": "object",
        "properties": {**_COMMON, "kind": {"const": name}, **properties},
        "required": [*_ANY, *required],
        "additionalProperties": False,
        **more,
    }


#: A legal case says what it means and where each part lies; a refused one does not.
_LEGAL_OR_REFUSED: dict[str, Any] = {
    "if": {"properties": {"expect": {"type": "null"}}},
    "then": {"required": ["value", "map"]},
    "else": {"properties": {"value": False, "map": False}},
}
_MAP = {
    "type": "array",
    "items": {"type": "array", "prefixItems": [_COUNT, _COUNT, _NAME], "minItems": 3, "items": False},
    "description": "Start, end and path of each part.",
}
_SAID = {"expect": {"anyOf": [{"type": "null"}, _REFUSAL]}, "value": {"type": "object"}, "map": _MAP}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Golden cases of the Wiretask protocol (wiretask-golden-1)",
    "type": "object",
    "properties": {"schema": {"const": "wiretask-golden-1"}},
    "required": ["schema"],
    "oneOf": [{"$ref": "#/$defs/manifest"}, {"$ref": "#/$defs/cases"}, {"$ref": "#/$defs/retired"}],
    "$defs": {
        "manifest": {
            "properties": {
                "schema": True,
                "spec": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "Digest of the spec."},
                "files": {"type": "array", "items": _NAME, "uniqueItems": True},
                "counts": {"type": "object", "additionalProperties": _COUNT},
            },
            "required": ["spec", "files", "counts"],
            "additionalProperties": False,
        },
        "retired": {
            "properties": {
                "schema": True,
                "retired": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"id": _COMMON["id"], "name": _NAME},
                        "required": ["id", "name"],
                        "additionalProperties": False,
                    },
                },
            },
            "required": ["retired"],
            "additionalProperties": False,
        },
        "cases": {
            "properties": {"schema": True, "cases": {"type": "array", "items": {"$ref": "#/$defs/case"}}},
            "required": ["cases"],
            "additionalProperties": False,
        },
        "case": {"oneOf": [{"$ref": f"#/$defs/{kind}"} for kind in ("decode", "relayed", "encode", "stream")]},
        "decode": _kind("decode", {"frame": _HEX, **_SAID}, ["frame", "expect", "at"], **_LEGAL_OR_REFUSED),
        "relayed": _kind(
            "relayed",
            {"struct": _NAME, "octets": _HEX, **_SAID},
            ["struct", "octets", "expect", "at"],
            **_LEGAL_OR_REFUSED,
        ),
        "encode": _kind(
            "encode",
            {
                "message": _NAME,
                "struct": _NAME,
                "value": {"type": "object"},
                "expect": {
                    "oneOf": [
                        {"properties": {key: shape}, "required": [key], "additionalProperties": False}
                        for key, shape in (("frame", _HEX), ("octets", _HEX), ("error", _ERROR))
                    ]
                },
            },
            ["value", "expect"],
            oneOf=[{"required": ["message"]}, {"required": ["struct"]}],
        ),
        "stream": _kind(
            "stream",
            {
                "side": {"enum": ["scheduler", "worker", "client"]},
                "state": _NAME,
                "limit": {"type": "integer", "minimum": 1},
                "chunks": {"type": "array", "items": _HEX},
                "end": {"type": "boolean"},
                "expect": {
                    "type": "object",
                    "properties": {
                        "frames": {"type": "array", "items": _HEX},
                        "error": {"anyOf": [{"type": "null"}, _ERROR]},
                    },
                    "required": ["frames", "error"],
                    "additionalProperties": False,
                },
            },
            ["side", "state", "limit", "chunks", "end", "expect", "at"],
        ),
    },
}
