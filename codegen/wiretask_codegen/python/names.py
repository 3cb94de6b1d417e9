"""How the parts of a spec are called and annotated in Python."""

from __future__ import annotations

import json
import re
import textwrap

from wiretask_codegen.model import (
    BooleanType,
    BytesType,
    EnumType,
    FixedBytesType,
    FlagsType,
    IntegerType,
    ListType,
    Machine,
    Relayed,
    RelayedType,
    StructType,
    TextType,
    Type,
)
from wiretask_codegen.spelling import snake

#: The generated code keeps to this.
LINE_LENGTH = 120


def camel(name: str) -> str:
    """`scheduler_connection` as `SchedulerConnection`."""
    return "".join(word.capitalize() for word in re.split(r"[_.]", name))


def constant(name: str) -> str:
    """`Hello.open` as `HELLO_OPEN`."""
    return snake(name).replace(".", "_").upper()


def annotation(type_: Type) -> str:
    """The Python type of a field. Open enums are integers, so that unknown values are kept."""
    match type_:
        case IntegerType() | FlagsType():
            return "int"
        case BooleanType():
            return "bool"
        case FixedBytesType() | BytesType() | RelayedType():
            return "bytes"
        case TextType():
            return "str"
        case EnumType(enum=enum):
            return enum.name if enum.closed else "int"
        case StructType(struct=struct):
            return struct.name
        case ListType(item=item):
            return f"tuple[{annotation(item)}, ...]"


def remark(type_: Type) -> str:
    """What the annotation does not say: the newtype, the enum, the unit."""
    match type_:
        case IntegerType(newtype=newtype, unit=unit):
            return ", ".join(word for word in (newtype, f"in {unit}" if unit else None) if word)
        case FixedBytesType(newtype=newtype, size=size):
            return newtype or f"{size} octets"
        case TextType(newtype=newtype) | BytesType(newtype=newtype):
            return newtype or ""
        case EnumType(enum=enum):
            return "" if enum.closed else enum.name
        case FlagsType(flags=flags):
            return flags.name
        case RelayedType(relayed=relayed):
            return f"an encoded {relayed.name}"
        case ListType(item=item):
            return remark(item)
        case StructType() | BooleanType():
            return ""


def about(text: str, type_: Type) -> str:
    """A field's sentence, with what its annotation does not say."""
    extra = remark(type_)
    return f"{text} ({extra}.)" if extra else text


def quoted(text: str) -> str:
    """A text as a literal."""
    return json.dumps(text, ensure_ascii=False)


def regular(pattern: str) -> str:
    """A regular expression as a literal: raw where that can be written."""
    return repr(pattern) if '"' in pattern else f'r"{pattern}"'


def wrapped(text: str, indent: int, first: str = "", rest: str = "") -> str:
    """Text folded to the line length, each line after `indent` spaces and a prefix. A docstring is escaped."""
    pad = " " * indent
    if first == '"""':
        text = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return textwrap.fill(
        text,
        LINE_LENGTH,
        initial_indent=pad + first,
        subsequent_indent=pad + rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def machine_prefix(machine: Machine) -> str:
    """The class prefix of a machine; the task's own states are a machine's, not the wire's `TaskState`."""
    return "TaskMachine" if machine.name == "task" else camel(machine.name)


def relay_name(relayed: Relayed) -> str:
    """The field that holds the octets of a relayed struct."""
    return snake(relayed.name)
