"""The files of the golden cases, and the gate before them: a case that is there changes only with `--bless`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from wiretask_codegen import data
from wiretask_codegen.goldens import binding, shape
from wiretask_codegen.goldens.cases import Case, Cases
from wiretask_codegen.goldens.identity import Register
from wiretask_codegen.model import Spec

#: Where they lie: inside the import package of the suite, so that one path serves checkout, wheel and zip.
FOLDER = "conformance/wiretask_conformance/golden"
FORMAT = "wiretask-golden-1"


@dataclass(frozen=True, slots=True)
class Goldens:
    """The files (path below the folder -> contents), and what was there before."""

    files: dict[str, str | bytes]
    cases: tuple[Case, ...]
    register: Register

    def check(self) -> None:
        """Refuses to change or to drop a case that is there already. Raises SpecError."""
        self.register.check(self.cases)


def make(spec: Spec, rendered: dict[str, str], root: Path) -> Goldens:
    """The golden files of a spec, given what it renders to and the repository that has its by-hand cases and ids."""
    with binding.loaded(rendered) as loaded:
        made = Cases(spec, loaded)
        # First, because it can be refused.
        written = list(made.by_hand(root / "spec"))
        groups = {f"{message.name}.json": list(made.of_message(message)) for message in spec.messages}
        groups |= {f"{relayed.name}.json": list(made.of_relayed(relayed)) for relayed in spec.relayed}
        groups["streams.json"] = list(made.of_streams())
        groups["encode.json"] = list(made.of_encoding())
        groups["by_hand.json"] = written
    cases = tuple(case for group in groups.values() for case in group)
    register = Register(root / FOLDER, FOLDER)
    register.name(list(cases))
    files: dict[str, str | bytes] = {
        "manifest.json": _manifest(spec, groups),
        "retired.json": _list("retired", register.retired),
        "schema.json": json.dumps(shape.SCHEMA, indent=1) + "\n",
        "spec.json": _compact(json.loads(data.render(spec)["spec.json"])) + "\n",
    }
    for name, group in groups.items():
        octets = _octets(group)
        files[name] = _list("cases", group)
        files[name.replace(".json", ".bin")] = octets
    return Goldens(files, cases, register)


def _octets(group: Iterable[Case]) -> bytes:
    """All octets of the cases, one after the other; each case says where its own begin."""
    joined = bytearray()
    for case in group:
        own = _octets_of(case)
        if own is not None:
            case["at"] = len(joined)
            joined += own
    return bytes(joined)


def _octets_of(case: Case) -> bytes | None:
    """What is sent, or (where a value is encoded) what must come out; None if that is refused."""
    if case["kind"] == "stream":
        return bytes.fromhex("".join(case["chunks"]))
    if case["kind"] == "encode":
        written = case["expect"].get("frame") or case["expect"].get("octets")
        return bytes.fromhex(written) if written else None
    return bytes.fromhex(case["frame"] if case["kind"] == "decode" else case["octets"])


def _manifest(spec: Spec, groups: dict[str, list[Case]]) -> str:
    body = {
        "schema": FORMAT,
        "spec": spec.digest,
        "files": list(groups),
        "counts": {name: len(group) for name, group in groups.items()},
    }
    return json.dumps(body, indent=1) + "\n"


def _list(key: str, entries: Iterable[object]) -> str:
    """A file with one entry a line, so that a review shows which ones have changed."""
    lines = ",\n".join(_compact(entry) for entry in entries)
    return f'{{"schema":"{FORMAT}","{key}":[\n{lines}\n]}}\n'


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
