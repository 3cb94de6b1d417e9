"""The machines of a spec: states that exist and are reached, events that matter."""

from __future__ import annotations

from wiretask_codegen.lint.numbers import check_unique
from wiretask_codegen.model import Machine, Spec
from wiretask_codegen.problems import Problems


def check(spec: Spec, problems: Problems) -> None:
    """Notes what is wrong with the machines of a spec."""
    errors = {error.name for error in spec.errors}
    for machine in spec.machines:
        _check_ends(machine, errors, problems)
        _check_states(machine, problems)
        _check_events(machine, problems)


def _check_ends(machine: Machine, errors: set[str], problems: Problems) -> None:
    states = {state.name for state in machine.states}
    for name in (machine.initial, machine.otherwise_to or machine.initial):
        if name not in states:
            problems.add(machine.place, "L016", f"{machine.name} has no state {name!r}; declare it or mend the name")
    if machine.otherwise_error is not None and machine.otherwise_error not in errors:
        text = f"{machine.otherwise_error} is no error; add it to errors.yaml or mend the name"
        problems.add(machine.place, "L006", text)


def _check_states(machine: Machine, problems: Problems) -> None:
    reached = _reachable(machine)
    for state in machine.states:
        if state.name not in reached:
            problems.add(state.place, "L017", f"nothing leads to the state {state.name!r}; remove it or lead there")
        leaves = any(target not in (None, state.name) for target in machine.table[state.name].values())
        if state.final and leaves:
            problems.add(state.place, "L018", f"the final state {state.name!r} is left; remove final or the transition")
        own = {event.name for event in machine.events if event.message is None}
        moved = any(machine.table[state.name][name] not in (None, state.name) for name in own)
        if state.local and not moved:
            text = f"nothing is read in {state.name!r} until an event of the machine's own moves on; add a transition"
            problems.add(state.place, "L018", text)


def _check_events(machine: Machine, problems: Problems) -> None:
    constants = ((event.name.replace(".", "_").lower(), machine.name, event.place) for event in machine.events)
    check_unique(constants, "event", problems)
    taken: dict[str, bool] = {}
    for event in machine.events:
        used = any(targets[event.name] is not None for targets in machine.table.values())
        key = event.message or event.name
        taken[key] = taken.get(key, False) or used
    for event in machine.events:
        if not taken[event.message or event.name]:
            text = f"{machine.name} takes {event.message or event.name} in no state; add a transition"
            problems.add(event.place, "L030", f"{text} or remove the {'flow' if event.message else 'event'}")


def _reachable(machine: Machine) -> set[str]:
    reached = {machine.initial, machine.otherwise_to or machine.initial}
    waiting = list(reached)
    while waiting:
        for target in machine.table.get(waiting.pop(), {}).values():
            if target is not None and target not in reached:
                reached.add(target)
                waiting.append(target)
    return reached
