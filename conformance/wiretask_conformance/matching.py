"""What a scenario says of values: which it sends, and which it expects.

In both, `$name` stands for what has been bound. An expected value is matched in part: a mapping by the keys that it
names, everything else as a whole. A mapping of one operator compares: {">=": 5}, {"in": [1, 2]}, {"not": 0},
{"has": item}, {"has_all": [items]}, {"items": [these, in any order]}, {"absent": true}, {"any": true}, {"ends": text},
{"octets": 100} (so many octets long), {"run_of": name} (the id of a run of this recurring task, R-SCH-003).
{"zeros": 100} is so many zero octets, in both.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable, Mapping
from typing import Any

from wiretask_conformance.verdicts import HarnessError

_ABSENT = object()
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "in": lambda found, wanted: found in wanted,
    "not": lambda found, wanted: not matches(found, wanted),
    "has": lambda found, wanted: any(matches(item, wanted) for item in found),
    "has_all": lambda found, wanted: all(any(matches(item, one) for item in found) for one in wanted),
    "items": lambda found, wanted: len(found) == len(wanted) and _paired(list(found), wanted),
    "absent": lambda found, wanted: (found is _ABSENT) is wanted,
    "any": lambda found, _wanted: found is not _ABSENT,
    "ends": lambda found, wanted: isinstance(found, str) and found.endswith(wanted),
    "octets": lambda found, wanted: isinstance(found, str) and len(found.removeprefix("hex:")) == 2 * wanted,
    "run_of": lambda found, wanted: (
        isinstance(found, str) and _is_run(bytes.fromhex(found.removeprefix("hex:")), wanted)
    ),
}


def _is_run(task_id: bytes, name: str) -> bool:
    """Whether an id is that of a run: its nominal time says all of the rest but the placement (R-SCH-003)."""
    moment = b"\0\0" + task_id[:6]
    rest = hashlib.sha256(name.encode() + b"\0" + moment).digest()
    version = bytes((0x70 | rest[0] & 0x0F, rest[1], 0x80 | rest[2] & 0x3F))
    return task_id[6:14] == version + rest[3:8]


def filled(value: Any, bound: Mapping[str, Any]) -> Any:
    """A value of a scenario with what is bound in the place of names."""
    if isinstance(value, str) and value.startswith("$"):
        if value[1:] not in bound:
            raise HarnessError("nothing is bound to %s" % value)
        return bound[value[1:]]
    if isinstance(value, Mapping):
        if len(value) == 1 and "zeros" in value:
            return "hex:" + "00" * int(value["zeros"])
        return {key: filled(item, bound) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, bound) for item in value]
    return value


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping with another one laid over it, mappings in it included; None takes a key away."""
    made = dict(base)
    for key, value in over.items():
        before = made.get(key)
        if value is None:
            made.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(before, Mapping):
            made[key] = merged(before, value)
        else:
            made[key] = value
    return made


def matches(found: Any, wanted: Any) -> bool:
    """Whether a value is one that was expected."""
    if isinstance(wanted, Mapping):
        if len(wanted) == 1:
            ((word, operand),) = wanted.items()
            if word in OPERATORS:
                return _compared(word, found, operand)
        if not isinstance(found, Mapping):
            return False
        return all(matches(found.get(key, _ABSENT), item) for key, item in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(matches, found, wanted))
    return bool(found == wanted)


def _compared(word: str, found: Any, operand: Any) -> bool:
    if found is _ABSENT:
        return word == "absent" and operand is True
    try:
        return OPERATORS[word](found, operand)
    except TypeError:
        return False


def _paired(found: list[Any], wanted: list[Any]) -> bool:
    """Whether each wanted item has an item for itself; these lists are short."""
    if not wanted:
        return True
    return any(
        matches(item, wanted[0]) and _paired(found[:at] + found[at + 1 :], wanted[1:]) for at, item in enumerate(found)
    )


def picked(value: Mapping[str, Any], path: str) -> Any:
    """What lies at a path: `report.body`."""
    found: Any = value
    for name in path.split("."):
        try:
            found = found[int(name)] if isinstance(found, list) else found[name]
        except (KeyError, IndexError, TypeError, ValueError):
            raise HarnessError("there is no %s in %s" % (path, value)) from None
    return found
