"""The values of golden examples, written as Python expressions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from wiretask_codegen.model import (
    BooleanType,
    BytesType,
    EnumType,
    Field,
    FixedBytesType,
    FlagsType,
    IntegerType,
    ListType,
    Message,
    Relayed,
    RelayedType,
    Spec,
    StructType,
    Tagged,
    TextType,
    Type,
)
from wiretask_codegen.problems import Problem, SpecError
from wiretask_codegen.python.names import relay_name
from wiretask_codegen.spelling import snake


@dataclass(frozen=True)
class ExampleCode:
    """An example: its name, the expression of its value, and its frame."""

    name: str
    expression: str
    frame: bytes


def examples(spec: Spec) -> Iterator[ExampleCode]:
    """Every example of the spec."""
    for message in spec.messages:
        for example in message.examples:
            try:
                expression = _message(message, example.value)
            except (KeyError, ValueError, TypeError, StopIteration) as error:
                place = example.place
                text = f"the value of {message.name}/{example.name} does not fit its fields ({error}); mend it"
                raise SpecError([Problem(place.file, place.line, "X001", text)]) from None
            yield ExampleCode(f"{message.name}/{example.name}", expression, example.frame)


def _message(message: Message, value: Mapping[str, object]) -> str:
    left = dict(value)
    parts = _fields(message.fields, left)
    if message.relay is not None:
        name = relay_name(message.relay)
        parts.append(f"{name}=codec.encode_{name}({_relayed(message.relay, left.pop(name))})")
    parts += _tagged(message.tagged, left)
    return f"messages.{message.name}({', '.join(parts)})"


def _relayed(relayed: Relayed, value: object) -> str:
    if not isinstance(value, Mapping):
        raise TypeError(f"{relayed.name} is a mapping")
    left = dict(value)
    parts = [*_fields(relayed.fields, left), f"body={_octets(left.pop('body'))!r}", *_tagged(relayed.tagged, left)]
    return f"messages.{relayed.name}({', '.join(parts)})"


def _fields(fields: Sequence[Field], left: dict[str, object]) -> list[str]:
    return [f"{field.name}={_value(field.type, left.pop(field.name))}" for field in fields]


def _tagged(tagged: Sequence[Tagged], left: dict[str, object]) -> list[str]:
    parts = [f"{tag.name}={_value(tag.type, left.pop(tag.name))}" for tag in tagged if tag.name in left]
    if "unknown" in left:
        unknown = left.pop("unknown")
        assert isinstance(unknown, list)
        pairs = [f"({item['tag']}, {_octets(item['value'])!r})" for item in unknown]
        parts.append(f"unknown=({''.join(pair + ', ' for pair in pairs)})")
    if left:
        raise KeyError(", ".join(left))
    return parts


def _value(type_: Type, value: object) -> str:
    match type_:
        case IntegerType() | BooleanType():
            return repr(value)
        case FixedBytesType() | BytesType():
            return repr(_octets(value))
        case TextType():
            return repr(str(value))
        case EnumType(enum=enum):
            number = next(item.value for item in enum.values if item.name == value) if isinstance(value, str) else value
            return f"messages.{enum.name}({number})" if enum.closed else str(number)
        case FlagsType(flags=flags):
            assert isinstance(value, list)
            bits = {flag.name: flag.bit for flag in flags.values}
            return str(sum(1 << bits[str(name)] for name in value))
        case StructType(struct=struct):
            assert isinstance(value, Mapping)
            return f"messages.{struct.name}({', '.join(_fields(struct.fields, dict(value)))})"
        case ListType(item=item):
            assert isinstance(value, list)
            return f"({''.join(_value(item, inner) + ', ' for inner in value)})"
        case RelayedType(relayed=relayed):
            return f"codec.encode_{snake(relayed.name)}({_relayed(relayed, value)})"


def _octets(value: object) -> bytes:
    text = str(value)
    if not text.startswith("hex:"):
        raise ValueError(f"octets are written as hex:…, not {text!r}")
    return bytes.fromhex(text[4:].replace(" ", ""))
