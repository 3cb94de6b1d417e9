"""Where the parts of a spec stand, by the names that lead to them: for refusals that are found on plain data."""

from __future__ import annotations

from wiretask_codegen.model import Message, Place, Relayed, Spec, Struct

#: Where a part would stand that is not there.
_FILES = {
    "messages": "messages",
    "requirements": "messages",
    "examples": "messages",
    "structs": "types.yaml",
    "relayed": "types.yaml",
    "enums": "types.yaml",
    "flags": "types.yaml",
    "errors": "errors.yaml",
    "machines": "machines.yaml",
}


class Places:
    """Finds the place of a part, or of the nearest one around it that is there."""

    def __init__(self, spec: Spec) -> None:
        self._folder = spec.header[0].place.file.rpartition("/")[0]
        self._found: dict[tuple[str, ...], Place] = {}
        for message in spec.messages:
            self._add_fields("messages", message)
            for requirement in message.requirements:
                self._found["requirements", requirement.id] = requirement.place
            for example in message.examples:
                self._found["examples", f"{message.name}/{example.name}"] = example.place
        for struct in spec.structs:
            self._add_fields("structs", struct)
        for relayed in spec.relayed:
            self._add_fields("relayed", relayed)
        for enum in spec.enums:
            self._found["enums", enum.name] = enum.place
            self._found |= {("enums", enum.name, value.name): value.place for value in enum.values}
        for flags in spec.flags:
            self._found["flags", flags.name] = flags.place
            self._found |= {("flags", flags.name, flag.name): flag.place for flag in flags.values}
        self._found |= {("errors", error.name): error.place for error in spec.errors}
        self._found |= {("limits", limit.name): limit.place for limit in spec.limits}
        for machine in spec.machines:
            self._found["machines", machine.name] = machine.place
            self._found |= {("machines", machine.name, state.name): state.place for state in machine.states}

    def _add_fields(self, kind: str, part: Message | Relayed | Struct) -> None:
        self._found[kind, part.name] = part.place
        self._found |= {(kind, part.name, field.name): field.place for field in part.fields}
        if not isinstance(part, Struct):
            self._found |= {(kind, part.name, tag.name): tag.place for tag in part.tagged}
        if not isinstance(part, Relayed):
            self._found |= {(kind, part.name, rule.id): rule.place for rule in part.rules}
            self._found |= {("rules", rule.id): rule.place for rule in part.rules}

    def of(self, *path: str) -> Place:
        """The place of a part, or of the nearest one around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._found:
                return self._found[path[:length]]
        return Place(file=f"{self._folder}/{_FILES.get(path[0], 'protocol.yaml')}", line=1)
