"""From the files of a spec to a `Spec`: read, checked by the schema, resolved, linted; refused as a whole or taken.

The last checks hold the value of each golden example against its octets, and the whole against what was released.
The order is that of the files' dependence: types, then errors and the protocol, then messages, then machines.
Every problem of a stage is reported at once; a later stage runs only on what the earlier ones have taken.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from wiretask_codegen import evolution, examples, ledger, lint, parts, schema
from wiretask_codegen.declared import load_types
from wiretask_codegen.machines import load_machines
from wiretask_codegen.messages import example_values, load_messages
from wiretask_codegen.model import Check, Spec, Version
from wiretask_codegen.problems import Problem, Problems, SpecError
from wiretask_codegen.types import Types
from wiretask_codegen.yamlsource import Node, read

#: The files of a spec besides its messages, each with a schema of its own name.
FILES = ("protocol", "types", "errors", "machines")


def load(root: Path, *, released: bool = True) -> Spec:
    """The spec in the folder `root`. Raises SpecError with every problem that was found.

    Without `released` it is not held against what was released: for who wants to see the differences.
    """
    sources = _read_all(root)
    problems = Problems()
    for name, node in sources.items():
        schema.check(node, schema.kind_of(name), root / "meta", problems)
    problems.refuse_if_any()
    spec = _resolve(sources, problems, digest(root))
    problems.refuse_if_any()
    lint.check(spec, problems)
    if not problems.found:
        examples.check(spec, example_values(_message_nodes(sources)), problems)
    if released:
        evolution.check(spec, root, problems)
        ledger.check(spec, root, problems)
    problems.refuse_if_any()
    return spec


def digest(root: Path) -> str:
    """SHA-256 over the names and the contents of the spec's files."""
    hasher = hashlib.sha256()
    for path in spec_files(root):
        hasher.update(path.relative_to(root).as_posix().encode() + b"\0")
        hasher.update(hashlib.sha256(path.read_bytes()).digest())
    return hasher.hexdigest()


def spec_files(root: Path) -> list[Path]:
    """The files that say the protocol, in the order of their names."""
    return [*(root / f"{name}.yaml" for name in FILES), *sorted((root / "messages").glob("*.yaml"))]


def _read_all(root: Path) -> dict[str, Node]:
    sources: dict[str, Node] = {}
    found: list[Problem] = []
    for path in spec_files(root):
        name = f"{root.name}/{path.relative_to(root).as_posix()}"
        try:
            sources[name] = read(path, name)
        except SpecError as error:
            found += error.problems
    if not (root / "messages").is_dir():
        found.append(Problem(f"{root.name}/messages", 1, "S001", "is not there; a spec has a folder of messages"))
    if found:
        raise SpecError(found)
    return sources


def _resolve(sources: dict[str, Node], problems: Problems, spec_digest: str) -> Spec:
    by_kind = {schema.kind_of(name): node for name, node in sources.items()}
    protocol = parts.mapping(by_kind["protocol"])
    types = Types(problems)
    groups = load_types(by_kind["types"], types, problems)
    messages = load_messages(_message_nodes(sources), types, groups, problems)
    errors = parts.load_errors(by_kind["errors"])
    machines = load_machines(by_kind["machines"], messages, problems)
    frame = parts.mapping(protocol["frame"])
    reserved = parts.mapping(protocol["reserved"]) if "reserved" in protocol else {}
    return Spec(
        protocol=parts.text(protocol["protocol"]),
        title=parts.text(protocol["title"]),
        about=parts.text(protocol["about"]),
        versions=_versions(protocol["versions"]),
        header=tuple(parts.load_field(node, types) for node in parts.items(frame["header"])),
        first_command=parts.number(frame["first_command"]),
        check_order=tuple(
            Check(name=parts.text(step["check"]), about=parts.text(step["about"]))
            for step in map(parts.mapping, parts.items(frame["check_order"]))
        ),
        command_ranges=tuple(map(parts.load_range, parts.items(protocol["command_ranges"]))),
        tag_ranges=tuple(map(parts.load_range, parts.items(protocol["tag_ranges"]))),
        limits=parts.load_limits(protocol["limits"]),
        newtypes=tuple(types.newtypes.values()),
        enums=tuple(types.enums.values()),
        flags=tuple(types.flags.values()),
        structs=tuple(types.structs.values()),
        relayed=tuple(types.relayed.values()),
        messages=messages,
        errors=errors,
        machines=machines,
        reserved_commands=parts.load_reserved(reserved, "commands"),
        reserved_names=tuple(map(parts.text, parts.items(reserved["names"]))) if "names" in reserved else (),
        reserved_errors=parts.load_reserved(parts.mapping(by_kind["errors"])),
        digest=spec_digest,
    )


def _message_nodes(sources: dict[str, Node]) -> list[Node]:
    return [node for name, node in sources.items() if schema.kind_of(name) == "message"]


def _versions(node: Node) -> tuple[Version, ...]:
    versions: list[Version] = []
    for number, version in parts.mapping(node).items():
        released = parts.text(parts.mapping(version)["status"]) == "released"
        place = parts.key_place(node, number)
        versions.append(Version(number=int(number), status="released" if released else "draft", place=place))
    return tuple(sorted(versions, key=lambda version: version.number))
