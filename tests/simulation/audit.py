"""Counts everything again that the core of the scheduler keeps: running is one live lease, and slots are leases."""

from __future__ import annotations

from collections import Counter
from typing import Any

from wiretask_protocol.machines import TaskMachineState

_ENDED = {state for state in TaskMachineState if state.name in {"SUCCEEDED", "DEAD", "CANCELLED", "EXPIRED"}}


def audit(state: Any, together: int | None) -> list[Any]:
    """Returns all tasks. Raises AssertionError.

    No more than `together` tasks of a concurrency key are with workers; None is no bound.
    """
    holders = _leases(state)
    # Most of the shards of a table of few tasks are empty, and this is done at each step.
    tasks = [task for shard in state.tasks.parts if shard for task in shard.values()]
    lined_up = Counter(
        task.id for lane in state.ready if lane.count for task in lane if task.state is TaskMachineState.READY
    )
    lined_up.update(
        task.id
        for gate in state.gates
        if gate.line.count
        for task in gate.line
        if task.state is TaskMachineState.READY and task.gate is gate
    )
    for task in tasks:
        who = task.id.hex()
        assert task.state not in _ENDED, f"an ended task is kept: {who}"
        running = task.state is TaskMachineState.LEASED
        assert holders[task.id] == int(running), f"{task.state.name} and its leases differ: {who}"
        placed = lined_up[task.id] + int(task in state.held_back)
        assert placed >= int(task.state is TaskMachineState.READY), f"a ready task is in no lane: {who}"
    _gates(state, tasks, together)
    return tasks


def audit_envelopes(flow: Any) -> None:
    """Raises AssertionError: while nothing is on its way to the store, envelopes are kept of what lives, and counted."""
    outbox = flow.outbox
    kept = outbox._bodies
    if outbox._taken != outbox._released:
        return
    assert sum(map(len, kept.values())) == outbox.octets, f"{outbox.octets} octets of envelopes are counted"
    left = kept.keys() - {task.seq for task in flow.broker.state.tasks}
    assert not left, f"envelopes are kept of what is not there: {sorted(left)}"


def _leases(state: Any) -> Counter[bytes]:
    holders: Counter[bytes] = Counter()
    for session in state.sessions.values():
        counted = [*session.leases.values(), *session.revoked.values()]
        assert session.outstanding == sum(task.options.cost for task in counted), f"{session.name} counts wrongly"
        for lease, task in session.leases.items():
            assert task.lease == lease, f"a session holds a lease that is not current: {task.id.hex()}"
            assert task.holder == session.session, f"two sessions for one task: {task.id.hex()}"
            holders[task.id] += 1
    return holders


def _gates(state: Any, tasks: list[Any], together: int | None) -> None:
    """Who is past a gate is with a worker, or in line for one."""
    for gate in state.gates:
        kind, queue, key = gate.key
        if kind != "concurrency":
            continue
        here = {
            task.id
            for task in tasks
            if task.options.concurrency is not None
            and (task.options.concurrency.key, task.options.queue) == (key, queue)
            and (
                task.state is TaskMachineState.LEASED
                or (task.state is TaskMachineState.READY and task.gate is not gate and task not in state.held_back)
            )
        }
        assert {task.id for task in gate.inside} == here, f"the gate {key} counts wrongly"
        running = sum(task.state is TaskMachineState.LEASED for task in gate.inside)
        assert together is None or running <= together, f"{running} tasks of the key {key} run together"
