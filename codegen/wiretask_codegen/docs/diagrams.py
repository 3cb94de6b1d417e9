"""Byte diagrams in plain text: the parts of a message side by side, with their widths above."""

from __future__ import annotations

from collections.abc import Sequence

from wiretask_codegen.docs.words import width
from wiretask_codegen.model import Field, Message, Relayed

#: A line of a diagram is at most this wide; longer ones go on below.
_LINE = 100


def boxes(parts: Sequence[tuple[str, str]]) -> str:
    """Draws (width, name) parts as boxes in rows."""
    rows: list[list[tuple[str, str, int]]] = [[]]
    used = 1
    for octets, name in parts:
        size = max(len(name), len(octets)) + 2
        if used + size + 1 > _LINE and rows[-1]:
            rows.append([])
            used = 1
        rows[-1].append((octets, name, size))
        used += size + 1
    return "\n".join(_row(row) for row in rows)


def _row(row: Sequence[tuple[str, str, int]]) -> str:
    widths = " " + " ".join(octets.center(size) for octets, _, size in row)
    edge = "+" + "+".join("-" * size for _, _, size in row) + "+"
    names = "|" + "|".join(name.center(size) for _, name, size in row) + "|"
    return f"{widths.rstrip()}\n{edge}\n{names}\n{edge}"


def _fields(fields: Sequence[Field]) -> list[tuple[str, str]]:
    return [(width(field.type), field.name) for field in fields]


def message(part: Message) -> str:
    """The payload of a message."""
    parts = [*_fields(part.fields), ("1", "tag count"), ("n", "tags")]
    if part.relay is not None:
        parts.append(("n", part.relay.name))
    return boxes(parts)


def relayed(part: Relayed) -> str:
    """A relayed struct."""
    return boxes([*_fields(part.fields), ("1", "tag count"), ("n", "tags"), ("4", "length"), ("n", "body")])


def frame() -> str:
    """The frame."""
    return boxes([("1", "command"), ("4", "length"), ("length", "payload")])


def tag() -> str:
    """A tag section."""
    return boxes([("1", "tag count"), ("2", "tag"), ("4", "length"), ("length", "value"), ("", "… next tag")])
