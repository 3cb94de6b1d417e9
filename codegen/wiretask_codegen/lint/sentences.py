"""What people read in a spec: `about` is a sentence, and the text of an error can stand inside of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Protocol

from wiretask_codegen.model import Place, Spec
from wiretask_codegen.problems import Problems

_ENDS = (".", "?", "!")


def check(spec: Spec, problems: Problems) -> None:
    """Notes every `about` that is no sentence."""
    for about, place in _all_abouts(spec):
        if not about.endswith(_ENDS) or about[0].islower():
            problems.add(place, "L021", f"{about!r} is no sentence; begin with a capital, end with a full stop")
    for error in spec.errors:
        if error.text.endswith(_ENDS) or error.text[0].isupper():
            text = f"{error.text!r} stands inside of other texts; begin in lower case, end without a full stop"
            problems.add(error.place, "L021", text)


class _Said(Protocol):
    """A part that people read about."""

    @property
    def about(self) -> str: ...

    @property
    def place(self) -> Place: ...


def _all_abouts(spec: Spec) -> Iterator[tuple[str, Place]]:
    for relayed in spec.relayed:
        yield relayed.body_about, relayed.place
    for part in _all_parts(spec):
        yield part.about, part.place


def _all_parts(spec: Spec) -> Iterator[_Said]:
    groups: list[Sequence[_Said]] = [
        *(spec.header, spec.command_ranges, spec.tag_ranges, spec.limits),
        *(spec.reserved_commands, spec.reserved_errors, spec.newtypes),
        *(spec.enums, spec.flags, spec.structs, spec.relayed, spec.messages, spec.machines),
    ]
    for enum in spec.enums:
        groups += [enum.values, enum.reserved]
    groups += [flags.values for flags in spec.flags]
    for struct in spec.structs:
        groups += [struct.fields, struct.rules]
    for relayed in spec.relayed:
        groups += [relayed.fields, relayed.tagged, relayed.reserved]
    for message in spec.messages:
        groups += [message.fields, message.tagged, message.rules, message.requirements]
        groups += [message.examples, message.reserved]
    for machine in spec.machines:
        groups += [machine.states, machine.events]
    return chain.from_iterable(groups)
