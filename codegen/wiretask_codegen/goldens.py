"""Golden frames for the conformance suite: the examples of the spec, and what is derived from them by rule.

The bytes are put together here; what an implementation must say of them is asked of the reference codec, and a test
holds it against a decoder that was written by hand. Once written, a case changes only with `--bless`.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wiretask_codegen.layout import Run, message_steps
from wiretask_codegen.model import WIDTHS, EnumType, Example, IntegerType, Message, Place, Spec
from wiretask_codegen.problems import Problems

#: Where they lie: inside the import package of the suite, so that one path serves checkout, wheel and zip.
FOLDER = "conformance/wiretask_conformance/golden"


@dataclass(frozen=True, slots=True)
class Derived:
    """A payload that was derived from an example, and by which rule."""

    rule: str
    payload: bytes


def render(spec: Spec) -> dict[str, str]:
    """The files of the golden folder."""
    cases = [case for message in spec.messages for example in message.examples for case in _cases(message, example)]
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    head = json.dumps({"schema": "wiretask-golden-1", "spec": spec.digest})[:-1]
    return {"cases.json": f'{head}, "cases": [\n{lines}\n]}}\n'}


def check(files: dict[str, str], root: Path) -> None:
    """Refuses to change a case that is there already. Raises SpecError."""
    path = root / FOLDER / "cases.json"
    if not path.exists():
        return
    old = {case["id"]: case for case in json.loads(path.read_text())["cases"]}
    problems = Problems()
    for case in json.loads(files["cases.json"])["cases"]:
        before = old.get(case["id"], case)
        if before != case:
            text = f"{case['name']} would change from {before['frame']} {before['expect']} to {case['frame']}"
            text += f" {case['expect']}; if that is meant, generate with --bless and have it reviewed"
            problems.add(Place(file=f"{FOLDER}/cases.json", line=1), "D001", text)
    problems.refuse_if_any()


def _cases(message: Message, example: Example) -> Iterator[dict[str, object]]:
    payload = example.frame[5:]
    yield _case(message, f"{message.name}/{example.name}", payload)
    seen = {payload}
    for derived in _derive(message, payload):
        if derived.payload not in seen:
            seen.add(derived.payload)
            yield _case(message, f"{message.name}/{example.name}/{derived.rule}", derived.payload)


def _case(message: Message, name: str, payload: bytes) -> dict[str, object]:
    frame = bytes([message.command]) + len(payload).to_bytes(4, "big") + payload
    return {
        "id": "c-" + hashlib.sha256(name.encode()).hexdigest()[:10],
        "name": name,
        "frame": frame.hex(),
        "expect": _expected(message.command, payload),
    }


def _expected(command: int, payload: bytes) -> dict[str, object] | None:
    """What the reference codec says: None for a legal payload. It is generated, so it is imported only here."""
    reference: Any = importlib.import_module("wiretask_protocol.reference")
    errors: Any = importlib.import_module("wiretask_protocol.errors")
    try:
        reference.DECODERS[command](payload, 0, len(payload))
    except errors.WireError as error:
        return {"error": error.code.name, "field": error.field, "offset": error.offset}
    return None


def _derive(message: Message, payload: bytes) -> Iterator[Derived]:
    yield Derived("trailing", payload + b"\0")
    yield Derived("empty", b"")
    yield from _numbers(message, payload)
    yield from _sections(message, payload)
    for at in range(len(payload)):
        yield Derived(f"cut-{at}", payload[:at])


def _numbers(message: Message, payload: bytes) -> Iterator[Derived]:
    """Every number at a fixed place: its bounds, and one beyond each."""
    for step in message_steps(message):
        if not isinstance(step, Run) or step.offset is None:
            continue
        at = step.offset
        for slot in step.slots:
            if slot.field is not None and isinstance(slot.field.type, IntegerType | EnumType):
                for value in _values(slot.field.type):
                    octets = value.to_bytes(slot.octets, "big")
                    yield Derived(f"{slot.name}-{value}", payload[:at] + octets + payload[at + slot.octets :])
            at += slot.octets


def _values(type_: IntegerType | EnumType) -> list[int]:
    if isinstance(type_, EnumType):
        numbers = {value.value for value in type_.enum.values}
        top = (1 << 8 * WIDTHS[type_.enum.repr]) - 1
        return sorted({0, top, *numbers, max(numbers) + 1})
    top = (1 << 8 * WIDTHS[type_.integer]) - 1
    beyond = {type_.minimum - 1, type_.minimum, type_.maximum, type_.maximum + 1}
    return sorted(value for value in {0, top, *beyond} if 0 <= value <= top)


def _sections(message: Message, payload: bytes) -> Iterator[Derived]:
    """The tag section of the message, in all the ways that it can be wrong."""
    place = _section(message, payload)
    if place is None:
        return
    start, end = place
    head, tail = payload[:start], payload[end:]
    private, critical = _tag(0x4001, b"abc"), _tag(0x80FE, b"")
    sections = {
        "no-tags": b"\0",
        "unknown-tag": b"\x01" + private,
        "grease-tag": b"\x01" + _tag(0x7FA5, b"\xff"),
        "critical-tag": b"\x01" + critical,
        "tag-twice": b"\x02" + private + private,
        "tags-descending": b"\x02" + _tag(0x4002, b"") + private,
        "tag-0": b"\x01" + _tag(0, b""),
        "one-tag-too-many": b"\x02" + private,
        "one-tag-too-few": b"\0" + private,
        "tag-of-4-gib": b"\x01" + b"\x40\x01\xff\xff\xff\xff",
    }
    for tag in message.tagged:
        for rule, value in (("empty", b""), ("255s", b"\xff" * 9), ("zeros", bytes(3)), ("long", b"x" * 1025)):
            sections[f"tag-{tag.name}-{rule}"] = b"\x01" + _tag(tag.tag, value)
    for rule, section in sections.items():
        yield Derived(rule, head + section + tail)


def _section(message: Message, payload: bytes) -> tuple[int, int] | None:
    """Where the tag section lies, if all before it is of fixed width."""
    steps = message_steps(message)
    if len(steps) != 1 or not isinstance(steps[0], Run):
        return None
    start = steps[0].octets - 1
    end = start + 1
    for _ in range(payload[start]):
        end += 6 + int.from_bytes(payload[end + 2 : end + 6], "big")
    return start, end


def _tag(number: int, value: bytes) -> bytes:
    return number.to_bytes(2, "big") + len(value).to_bytes(4, "big") + value
