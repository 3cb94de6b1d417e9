"""The state machines of a spec: from their lists of transitions to total tables."""

from __future__ import annotations

from wiretask_codegen import parts
from wiretask_codegen.model import EnumType, Event, Machine, Message, Place, State
from wiretask_codegen.problems import Problems
from wiretask_codegen.yamlsource import Node

#: Which messages are events of a machine that says `messages:`; by the receiver of their flow.
DIRECTIONS = {"to_scheduler": "scheduler", "to_worker": "worker", "to_client": "client"}


def load_machines(node: Node, messages: tuple[Message, ...], problems: Problems) -> tuple[Machine, ...]:
    """All machines of the spec."""
    machines = parts.mapping(parts.mapping(node)["machines"])
    return tuple(
        _load_machine(name, part, parts.key_place(parts.mapping(node)["machines"], name), messages, problems)
        for name, part in machines.items()
    )


def kinds(message: Message) -> tuple[str | None, ...]:
    """The kinds of a message that has a closed enum named `kind`; one None for all others."""
    for field in message.fields:
        if field.name == "kind" and isinstance(field.type, EnumType) and field.type.enum.closed:
            return tuple(value.name for value in field.type.enum.values)
    return (None,)


def _load_machine(name: str, node: Node, place: Place, messages: tuple[Message, ...], problems: Problems) -> Machine:
    keys = parts.mapping(node)
    direction = parts.text(keys["messages"]) if "messages" in keys else None
    events = _message_events(direction, messages) if direction else []
    for event_name, event in parts.mapping(keys["events"]).items():
        about = parts.text(parts.mapping(event)["about"])
        stands = parts.key_place(keys["events"], event_name)
        events.append(Event(name=event_name, about=about, message=None, kind=None, place=stands))
    states = tuple(
        _load_state(state_name, state, parts.key_place(keys["states"], state_name))
        for state_name, state in parts.mapping(keys["states"]).items()
    )
    otherwise = parts.mapping(keys["otherwise"])
    otherwise_to = parts.text(otherwise["to"])
    return Machine(
        name=name,
        about=parts.text(keys["about"]),
        initial=parts.text(keys["initial"]),
        messages=direction,
        states=states,
        events=tuple(events),
        table=_table(keys["transitions"], states, events, problems),
        otherwise_to=None if otherwise_to == "stay" else otherwise_to,
        otherwise_error=parts.text(otherwise["error"]) if "error" in otherwise else None,
        place=place,
    )


def _message_events(direction: str, messages: tuple[Message, ...]) -> list[Event]:
    receiver = DIRECTIONS[direction]
    events: list[Event] = []
    for message in messages:
        if any(flow.receiver == receiver for flow in message.flows):
            for kind in kinds(message):
                name = f"{message.name}.{kind}" if kind else message.name
                events.append(
                    Event(name=name, about=message.about, message=message.name, kind=kind, place=message.place)
                )
    return events


def _load_state(name: str, node: Node, place: Place) -> State:
    keys = parts.mapping(node)
    return State(
        name=name,
        about=parts.text(keys["about"]),
        final="final" in keys and keys["final"].value is True,
        local="local" in keys and keys["local"].value is True,
        place=place,
    )


def _table(
    node: Node, states: tuple[State, ...], events: list[Event], problems: Problems
) -> dict[str, dict[str, str | None]]:
    table: dict[str, dict[str, str | None]] = {state.name: {event.name: None for event in events} for state in states}
    event_names = {event.name for event in events}
    for transition in parts.items(node):
        keys = parts.mapping(transition)
        sources = _words(keys["from"])
        target = parts.text(keys["to"])
        for source in list(table) if sources == ["any"] else sources:
            for event in _words(keys["on"]):
                if source not in table or event not in event_names or not (target in table or target == "stay"):
                    wrong = source if source not in table else event if event not in event_names else target
                    problems.add(
                        transition.place, "A001", f"{wrong!r} is no state or event of this machine; declare it"
                    )
                elif table[source][event] is not None:
                    problems.add(transition.place, "A002", f"{source} on {event} is decided above; remove one of both")
                else:
                    table[source][event] = source if target == "stay" else target
    return table


def _words(node: Node) -> list[str]:
    if isinstance(node.value, list):
        return [parts.text(item) for item in node.value]
    return [parts.text(node)]
