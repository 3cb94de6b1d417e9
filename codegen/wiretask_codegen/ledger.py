"""Every number and name that the protocol has ever used: none of them is given a second meaning.

The ledger is a file of the spec (spec/ledger.yaml), written by the generator and reviewed with every change. An entry
of a version that is only a draft goes when the draft drops it; a released one stays for ever.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from wiretask_codegen.model import Message, Place, Relayed, Spec
from wiretask_codegen.problems import Problem, Problems, SpecError
from wiretask_codegen.yamlsource import read

_HEAD = """\
# Every number and name that the protocol has used. Written by `nox -s generate`; look at what it changes here.
# A number that stands here keeps its name for ever once its version is released, also when it is not used any more.
"""


def entries(spec: Spec) -> dict[str, dict[str, str]]:
    """What the present spec uses: kind -> number -> name."""
    found: dict[str, dict[str, str]] = {
        "commands": {str(message.command): message.name for message in spec.messages},
        "errors": {str(error.code): error.name for error in spec.errors},
    }
    found["commands"] |= {str(item.number): item.name for item in spec.reserved_commands}
    owners: list[Message | Relayed] = [*spec.messages, *spec.relayed]
    for owner in owners:
        if owner.tagged:
            found[f"tags of {owner.name}"] = {str(tag.tag): tag.name for tag in owner.tagged}
    for enum in spec.enums:
        found[f"values of {enum.name}"] = {str(value.value): value.name for value in enum.values}
    for flags in spec.flags:
        found[f"bits of {flags.name}"] = {str(flag.bit): flag.name for flag in flags.values}
    return {kind: dict(sorted(numbers.items(), key=lambda item: int(item[0]))) for kind, numbers in found.items()}


def load(root: Path) -> dict[str, dict[str, str]]:
    """The ledger as it is written; empty where there is none. Raises SpecError."""
    path = root / "ledger.yaml"
    if not path.exists():
        return {}
    plain = read(path, f"{root.name}/ledger.yaml").plain()
    if not isinstance(plain, dict) or not all(isinstance(numbers, dict) for numbers in plain.values()):
        place = f"{root.name}/ledger.yaml"
        raise SpecError([Problem(place, 1, "B001", "is no ledger; restore it from the version history")])
    return {kind: {str(number): str(name) for number, name in numbers.items()} for kind, numbers in plain.items()}


def check(spec: Spec, root: Path) -> None:
    """Refuses a number that has another name in the ledger, and a name that has another number. Raises SpecError.

    Only while something is released: a draft may still change its mind.
    """
    if not any((root / "released").glob("v*.json")):
        return
    problems = Problems()
    place = Place(file=f"{root.name}/ledger.yaml", line=1)
    now = entries(spec)
    for kind, numbers in load(root).items():
        present = now.get(kind, {})
        by_name = {name: number for number, name in present.items()}
        for number, name in numbers.items():
            if present.get(number, name) != name:
                text = f"{kind}: {number} was {name} and is now {present[number]}; take a number that was never used"
                problems.add(place, "B002", text)
            elif by_name.get(name, number) != number:
                text = f"{kind}: {name} was {number} and is now {by_name[name]}; take a name that was never used"
                problems.add(place, "B003", text)
    problems.refuse_if_any()


def write(spec: Spec, root: Path) -> None:
    """Brings the ledger up to date: adds what is new; drops nothing that was ever released."""
    kept = load(root) if any((root / "released").glob("v*.json")) else {}
    merged: dict[str, dict[int, str]] = {}
    for source in (kept, entries(spec)):
        for kind, numbers in source.items():
            merged.setdefault(kind, {}).update({int(number): name for number, name in numbers.items()})
    ordered = {kind: dict(sorted(numbers.items())) for kind, numbers in merged.items()}
    text = _HEAD + yaml.safe_dump(ordered, sort_keys=False, default_flow_style=False, width=120)
    path = root / "ledger.yaml"
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
