"""Renders PROTOCOL.md from its template, and the pictures beside it."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from wiretask_codegen.docs import diagrams, words
from wiretask_codegen.docs.pictures import picture
from wiretask_codegen.model import Example, Machine, Message, Spec


def render(spec: Spec) -> dict[str, str]:
    """The document and its pictures: path below generated/ -> text."""
    environment = Environment(
        loader=PackageLoader("wiretask_codegen.docs"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 -- Markdown
    )
    context = {
        "spec": spec,
        "type_name": words.type_name,
        "bounds": words.bounds,
        "wire": words.wire,
        "guard": words.guard,
        "link": words.link,
        "anchor": words.anchor,
        "diagram": diagrams,
        "annotated": annotated,
        "example": lambda name: _example(spec, name),
        "flows": _flows,
        "rows": _rows,
        "cell": _cell,
    }
    files = {"docs/PROTOCOL.md": environment.get_template("PROTOCOL.md.j2").render(context)}
    for machine in spec.machines:
        files[f"docs/{machine.name}.svg"] = picture(machine)
    return files


def annotated(example: Example) -> str:
    """The octets of an example, line by line: where they lie in the frame, what they are, what they mean."""
    lines: list[str] = []
    offset = 0
    for octets, comment in example.lines:
        for start in range(0, len(octets), 16):
            part = octets[start : start + 16]
            said = comment if start == 0 else ""
            lines.append(f"{offset + start:4}  {part.hex(' '):<47}  {said}".rstrip())
        offset += len(octets)
    return "\n".join(lines)


def _example(spec: Spec, name: str) -> Example:
    message_name, _, example_name = name.partition("/")
    message = next(message for message in spec.messages if message.name == message_name)
    return next(example for example in message.examples if example.name == example_name)


def _flows(message: Message) -> str:
    return ", ".join(f"{flow.sender} → {flow.receiver}" for flow in message.flows)


def _rows(machine: Machine) -> list[tuple[str, list[tuple[str, str]]]]:
    """For each state the targets and the events that lead to them; what is not listed is `otherwise`."""
    rows: list[tuple[str, list[tuple[str, str]]]] = []
    for state in machine.states:
        targets: dict[str, list[str]] = {}
        for event, target in machine.table[state.name].items():
            if target is not None:
                targets.setdefault("stays" if target == state.name else target, []).append(event)
        rows.append((state.name, [(target, ", ".join(events)) for target, events in targets.items()]))
    return rows


def _cell(text: str) -> str:
    """A text as a cell of a table."""
    return text.replace("|", "\\|")
