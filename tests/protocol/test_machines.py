"""Every pair of state and event of every machine, against a reading of the spec that shares no code with its own."""

from pathlib import Path

import pytest
import yaml

from wiretask_protocol import Connection, WireError, codec, machines, messages
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.examples import EXAMPLES

SPEC = Path(__file__).parents[2] / "spec"
MACHINES = yaml.load((SPEC / "machines.yaml").read_text(), Loader=yaml.BaseLoader)["machines"]
PREFIXES = {
    "scheduler_connection": "SchedulerConnection",
    "worker_connection": "WorkerConnection",
    "client_connection": "ClientConnection",
    "task": "TaskMachine",
    "assignment": "Assignment",
}


def words(value) -> list[str]:
    return [value] if isinstance(value, str) else value


def expected(machine: dict, state: str, event: str) -> str | None:
    """What the spec says of a pair, read by hand; None where it says nothing."""
    found = [
        state if line["to"] == "stay" else line["to"]
        for line in machine["transitions"]
        if (line["from"] == "any" or state in words(line["from"])) and event in words(line["on"])
    ]
    assert len(found) <= 1
    return found[0] if found else None


def constant(name: str) -> str:
    return name.replace(".", "_").upper()


def cells():
    for name, machine in MACHINES.items():
        events = getattr(machines, f"{PREFIXES[name]}Event")
        for state in machine["states"]:
            for event in events:
                yield pytest.param(name, state, event, id=f"{name}-{state}-{event.name}")


@pytest.mark.parametrize(("name", "state", "event"), list(cells()))
def test_a_pair_leads_where_the_spec_says(name, state, event):
    machine = MACHINES[name]
    states = getattr(machines, f"{PREFIXES[name]}State")
    spellings = {word for line in machine["transitions"] for word in words(line["on"])}
    said = {constant(word): word for word in spellings}
    target = expected(machine, state, said[event.name]) if event.name in said else None
    table = getattr(machines, name.upper())
    assert table[states[constant(state)]][event] == (states[constant(target)] if target else None)


@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_is_total_and_says_what_follows_otherwise(name):
    table = getattr(machines, name.upper())
    states = getattr(machines, f"{PREFIXES[name]}State")
    events = getattr(machines, f"{PREFIXES[name]}Event")
    assert set(table) == set(states)
    assert all(set(row) == set(events) for row in table.values())
    said_events = {constant(word) for line in MACHINES[name]["transitions"] for word in words(line["on"])}
    assert said_events <= {event.name for event in events}
    otherwise = getattr(machines, f"{name.upper()}_OTHERWISE")
    said = MACHINES[name]["otherwise"]
    assert otherwise.state == (None if said["to"] == "stay" else states[constant(said["to"])])
    assert otherwise.error == (ErrorCode[said["error"]] if "error" in said else None)
    for state in getattr(machines, f"{name.upper()}_FINAL"):
        assert all(target in (None, state) for target in table[state].values())


def test_the_states_of_a_task_are_those_of_the_wire():
    for state in messages.TaskState:
        assert machines.TaskMachineState[state.name] == state.value


def frames_by_event() -> dict[tuple[int, int | None], bytes]:
    """A frame for each event that a message is."""
    found: dict[tuple[int, int | None], bytes] = {}
    for message, frame in EXAMPLES.values():
        kind = getattr(message, "kind", None)
        found.setdefault((frame[0], None if kind is None else int(kind)), frame)
    return found


def message_cells():
    frames = frames_by_event()
    for side in ("scheduler", "worker", "client"):
        table = getattr(machines, f"{side.upper()}_CONNECTION")
        events = getattr(machines, f"{side.upper()}_CONNECTION_EVENTS")
        local = getattr(machines, f"{side.upper()}_CONNECTION_LOCAL")
        for state in table:
            if state.name != "CLOSED" and state not in local:
                for key, frame in frames.items():
                    yield pytest.param(side, state, events.get(key), frame, id=f"{side}-{state.name}-{key[0]}-{key[1]}")


@pytest.mark.parametrize(("side", "state", "event", "frame"), list(message_cells()))
def test_a_connection_takes_a_message_in_a_state_just_if_its_machine_does(side, state, event, frame):
    connection = Connection(side)
    connection._enter(state)
    connection._greeted = True
    target = getattr(machines, f"{side.upper()}_CONNECTION")[state][event] if event is not None else None
    if target is None:
        with pytest.raises(WireError) as caught:
            connection.receive(frame)
        assert caught.value.code is ErrorCode.UNEXPECTED_MESSAGE
        assert connection.closed
    else:
        assert [codec.encode(message) for message in connection.receive(frame)] == [frame]
        assert connection.state is target
