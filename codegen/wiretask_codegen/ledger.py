"""Every number and name that the protocol has ever used: none of them is given a second meaning.

The ledger (spec/ledger.yaml) is written by the generator and reviewed with every change. What only the draft uses may
still go; what was ever released stays for ever, also when the spec has long forgotten it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from wiretask_codegen import schema
from wiretask_codegen.evolution import load_locks
from wiretask_codegen.model import Place, Spec
from wiretask_codegen.normal import frozen
from wiretask_codegen.places import Places
from wiretask_codegen.problems import Problems, SpecError
from wiretask_codegen.yamlsource import read

Entries = dict[str, dict[str, str]]

_HEAD = """\
# yaml-language-server: $schema=meta/ledger.schema.json
# Every number and name that the protocol has used. Written by `nox -s generate`; look at what it changes here.
# What is released keeps its name for ever, also when it is not used any more; a draft may still change its mind.
"""
#: The kind whose names are not unique: each id says whether it numbers a rule or a requirement.
_IDS = "ids"


def entries(spec: dict[str, Any]) -> Entries:
    """What a spec in normal form uses or reserves: kind -> number -> name."""
    found: Entries = {"commands": {str(part["command"]): name for name, part in spec["messages"].items()}}
    found["commands"] |= spec["reserved_commands"]
    found["errors"] = {str(error["code"]): name for name, error in spec["errors"].items()} | spec["reserved_errors"]
    for name, part in [*spec["messages"].items(), *spec["relayed"].items()]:
        found[f"tags of {name}"] = {number: tag["name"] for number, tag in part["tags"].items()} | part["reserved"]
    for name, enum in spec["enums"].items():
        found[f"values of {name}"] = {str(number): value for value, number in enum["values"].items()} | enum["reserved"]
    for name, flags in spec["flags"].items():
        found[f"bits of {name}"] = {str(bit): flag for flag, bit in flags["bits"].items()}
    owners = [*spec["messages"].values(), *spec["structs"].values()]
    found[_IDS] = {rule: "rule" for owner in owners for rule in owner["rules"]}
    found[_IDS] |= dict.fromkeys(spec["requirements"], "requirement")
    return {kind: dict(sorted(numbers.items(), key=_order)) for kind, numbers in found.items() if numbers}


def _order(item: tuple[str, str]) -> tuple[int, str]:
    number = item[0]
    return (int(number), "") if number.isdigit() else (0, number)


def load(root: Path) -> tuple[Entries, Entries]:
    """What the ledger calls released, and draft; empty where there is no ledger. Raises SpecError."""
    path = root / "ledger.yaml"
    if not path.exists():
        return {}, {}
    name = f"{root.name}/ledger.yaml"
    node = read(path, name)
    problems = Problems()
    schema.check(node, "ledger", root / "meta", problems)
    problems.refuse_if_any()
    plain: Any = node.plain()
    return plain["released"], plain["draft"]


def check(spec: Spec, root: Path, problems: Problems) -> None:
    """Notes a number that had another name in a release, a name that had another number, and what the ledger lost."""
    try:
        released, _ = load(root)
    except SpecError as error:
        problems.found += error.problems
        return
    whole = Place(file=f"{root.name}/ledger.yaml", line=1)
    for version, lock in load_locks(root, Problems()).items():
        for kind, numbers in entries(lock).items():
            for number, name in numbers.items():
                if released.get(kind, {}).get(number) != name:
                    text = f"{kind}: {number}, {name}, of version {version} is not here; restore the ledger"
                    problems.add(whole, "B001", f"{text} from the version history")
    present = entries(frozen(spec))
    places = Places(spec)
    for kind, numbers in released.items():
        _check_kind(kind, numbers, present.get(kind, {}), places, problems)


def _check_kind(
    kind: str, released: dict[str, str], present: dict[str, str], places: Places, problems: Problems
) -> None:
    by_name = {name: number for number, name in present.items()} if kind != _IDS else {}
    for number, name in released.items():
        if present.get(number, name) != name:
            text = f"{kind}: {number} was {name} and is now {present[number]}; take a number that was never used"
            problems.add(places.of(*_path(kind, number, present[number])), "B002", text)
        elif by_name.get(name, number) != number:
            text = f"{kind}: {name} was {number} and is now {by_name[name]}; take a name that was never used"
            problems.add(places.of(*_path(kind, number, name)), "B003", text)


def _path(kind: str, number: str, name: str) -> tuple[str, ...]:
    """The names that lead to an entry of the present spec."""
    what, _, owner = kind.partition(" of ")
    match what:
        case "commands":
            return ("messages", name)
        case "errors":
            return ("errors", name)
        case "ids":
            return ("requirements" if name == "requirement" else "rules", number)
        case "values":
            return ("enums", owner, name)
        case "bits":
            return ("flags", owner, name)
        case _:
            return ("messages", owner, name)


def text(spec: Spec, root: Path, *, release: bool = False) -> str:
    """What the ledger should say: all that was released, and what the draft uses besides. Raises SpecError.

    With `release`, the draft is released.
    """
    released, _ = load(root)
    present = entries(frozen(spec))
    if release:
        released = {kind: released.get(kind, {}) | present.get(kind, {}) for kind in {**present, **released}}
    draft = {
        kind: {number: name for number, name in numbers.items() if number not in released.get(kind, {})}
        for kind, numbers in present.items()
    }
    body = {"released": _plain(released), "draft": _plain(draft)}
    return _HEAD + yaml.safe_dump(body, sort_keys=False, default_flow_style=False, width=120)


def _plain(found: Entries) -> dict[str, dict[int | str, str]]:
    """As YAML shows it best: numbers as numbers, in their order."""
    plain: dict[str, dict[int | str, str]] = {}
    for kind, numbers in found.items():
        for number, name in sorted(numbers.items(), key=_order):
            plain.setdefault(kind, {})[int(number) if number.isdigit() else number] = name
    return plain


def stale(spec: Spec, root: Path) -> bool:
    """Whether the ledger does not say what it should. Raises SpecError."""
    path = root / "ledger.yaml"
    return not path.exists() or path.read_text(encoding="utf-8") != text(spec, root)


def write(spec: Spec, root: Path, *, release: bool = False) -> bool:
    """Brings the ledger up to date; whether that changed it. Raises SpecError."""
    wanted = text(spec, root, release=release)
    path = root / "ledger.yaml"
    if path.exists() and path.read_text(encoding="utf-8") == wanted:
        return False
    path.write_text(wanted, encoding="utf-8")
    return True
