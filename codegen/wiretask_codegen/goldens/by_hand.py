"""The cases that no rule derives: spec/by_hand.yaml, written by people, its expectations included.

The reference codec does not say what is expected here; it is held against what people have written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wiretask_codegen.model import Place
from wiretask_codegen.problems import Problems
from wiretask_codegen.yamlsource import Node, read

FILE = "by_hand.yaml"
_KINDS = {
    "decode": {"frame", "expect"},
    "relayed": {"struct", "octets", "expect"},
    "stream": {"side", "state", "limit", "chunks", "end", "expect"},
}
_OPTIONAL = {"requires", "covers"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """One case as it is written."""

    case: dict[str, Any]
    place: Place


def load(folder: Path) -> list[ByHand]:
    """The cases of a spec's folder; none where it has no such file. Raises SpecError."""
    path = folder / FILE
    if not path.exists():
        return []
    problems = Problems()
    cases = list(_cases(read(path, f"{folder.name}/{FILE}"), problems))
    problems.refuse_if_any()
    return cases


def _cases(root: Node, problems: Problems) -> Iterator[ByHand]:
    cases = root.value.get("cases") if isinstance(root.value, dict) else None
    if cases is None or not isinstance(cases.value, list):
        problems.add(root.place, "D003", "write `cases:` and a list below it")
        return
    seen: set[object] = set()
    for node in cases.value:
        plain = node.plain()
        wrong = _wrong(plain, seen)
        if wrong:
            problems.add(node.place, "D003", wrong)
        else:
            assert isinstance(plain, dict)
            seen.add(plain["name"])
            yield ByHand(case=_case(plain), place=node.place)


def _wrong(plain: object, seen: set[object]) -> str:
    """What is wrong with the shape of a case; empty if nothing."""
    if not isinstance(plain, dict) or not {"name", "about", "kind"} <= set(plain):
        return "a case has a name, an about and a kind"
    if plain["kind"] not in _KINDS:
        return f"the kind {plain['kind']!r} is not one of {', '.join(_KINDS)}"
    if plain["name"] in seen:
        return f"the name {plain['name']!r} is taken; find another one"
    needed = _KINDS[plain["kind"]]
    keys = set(plain) - {"name", "about", "kind"}
    if not needed <= keys <= needed | _OPTIONAL:
        return f"a case of the kind {plain['kind']} has {', '.join(sorted(needed))}, and nothing else"
    if not _expectation(plain["kind"], plain["expect"]):
        return "what is expected is `legal` or {error, field, offset}; of a stream it is {frames, error}"
    if plain["kind"] == "stream" and not isinstance(plain["chunks"], list):
        return "the chunks of a stream are a list"
    texts = [plain.get("frame", ""), plain.get("octets", ""), *plain.get("chunks", [])]
    try:
        for text in texts:
            bytes.fromhex(text)
    except (TypeError, ValueError):
        return "octets are pairs of hexadecimal digits in quotes"
    return ""


def _expectation(kind: str, expect: object) -> bool:
    """Whether an expectation has the shape that its kind has."""
    if kind == "stream":
        return isinstance(expect, dict) and {"frames"} <= set(expect) <= {"frames", "error"}
    return expect == "legal" or (isinstance(expect, dict) and {"error"} <= set(expect) <= {"error", "field", "offset"})


def _case(plain: dict[str, Any]) -> dict[str, Any]:
    """The case as the suite has it: octets without spaces, None for what is legal."""
    case = {**plain, "expect": None if plain["expect"] == "legal" else {"field": "", "offset": None, **plain["expect"]}}
    for key in ("frame", "octets"):
        if key in case:
            case[key] = bytes.fromhex(case[key]).hex()
    if "chunks" in case:
        case["chunks"] = [bytes.fromhex(chunk).hex() for chunk in case["chunks"]]
        expect = {"error": None, **plain["expect"]}
        case["expect"] = {
            "frames": [bytes.fromhex(frame).hex() for frame in expect["frames"]],
            "error": expect["error"],
        }
    return case
