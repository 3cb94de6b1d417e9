"""Limits that tasks share by a key: how many are with workers at a time, and how many start in a time.

A task that becomes ready passes its gates in order (concurrency, rate), and waits at the first one that is shut; it
keeps what it has got at the gate before. Only what is past all gates is in a lane, so no lane ever holds more tasks of
a key than may start at once, and whoever hands out tasks need not know of limits.

Who is past a gate is in its list until it leaves, whether it ended, failed, was given back or was cancelled in its
lane. So a limit cannot leak: it is the tasks themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wiretask_protocol.messages import ConcurrencyKey, RateKey, WaitReason
from wiretask_scheduler.core import facts
from wiretask_scheduler.core.ready import Line
from wiretask_scheduler.core.shelves import Turns
from wiretask_scheduler.core.tasks import Task

if TYPE_CHECKING:
    from wiretask_scheduler.core.state import State
    from wiretask_scheduler.core.turn import Now

GateKey = tuple[str, str, str]


class Gate:
    """Lets so many tasks of a concurrency key through at a time, and keeps the others in line."""

    __slots__ = ("alarm", "inside", "key", "limit", "line")

    reason = WaitReason.CONCURRENCY

    def __init__(self, key: GateKey, limit: int) -> None:
        self.key = key
        self.limit = limit
        #: Tasks that are past it and not yet gone.
        self.inside: dict[Task, None] = {}
        self.line = Line()
        #: When somebody looks at it again; 0.0 where nobody needs to.
        self.alarm = 0.0

    def is_open(self, now: float) -> bool:
        """Whether one more may pass."""
        return len(self.inside) < self.limit

    def enter(self, task: Task) -> None:
        """A task passes."""
        self.inside[task] = None

    def begin(self, task: Task, now: float) -> None:
        """A task that had passed is given to a worker."""

    def leave(self, task: Task) -> None:
        """A task that had passed is gone."""
        self.inside.pop(task, None)

    def opens(self) -> float | None:
        """When it opens by itself, by the monotonic clock; None if it waits for somebody."""
        return None

    def wait(self, task: Task, *, first: bool) -> None:
        """Puts a task in line."""
        task.gate = self
        if task.options.fairness is not None and self.line.turns is None:
            self.line.take_turns(Turns())
        if first:
            self.line.put_back(task)
        else:
            self.line.put(task)

    def text(self) -> str:
        """Why a task waits at it."""
        leased = sum(1 for task in self.inside if task.lease)
        text = f"the concurrency key {self.key[2]} allows {self.limit} at a time: {leased} are with workers"
        waiting = next((task for task in self.inside if not task.lease), None)
        if waiting is not None:
            text += f", and {len(self.inside) - leased} go first, such as {waiting.id.hex()}"
        return text


class RateGate(Gate):
    """So many starts in a period, with a burst (the virtual scheduling algorithm of ITU-T I.371, annex A).

    `inside` are those that have passed and have not started: never more than may start at once.
    """

    __slots__ = ("arrival", "burst", "interval")

    reason = WaitReason.RATE

    def __init__(self, key: GateKey, rate: RateKey, arrival: float) -> None:
        super().__init__(key, rate.limit)
        #: The theoretical arrival time of the next start, by the monotonic clock.
        self.arrival = arrival
        self.change(rate)

    def change(self, rate: RateKey) -> None:
        """What the last task has named holds."""
        self.limit = rate.limit
        self.burst = rate.burst
        self.interval = rate.period / 1000 / rate.limit

    def is_open(self, now: float) -> bool:
        """Whether one more may pass."""
        tokens = self.burst - max(0.0, self.arrival - now) / self.interval
        return tokens + _ROUNDING >= len(self.inside) + 1

    def begin(self, task: Task, now: float) -> None:
        """A task that had passed is given to a worker."""
        self.inside.pop(task, None)
        self.arrival = max(self.arrival, now) + self.interval

    def opens(self) -> float | None:
        """When it opens by itself; None if those inside must start first."""
        missing = len(self.inside) + 1 - self.burst
        return None if missing > 0 else self.arrival + missing * self.interval

    def text(self) -> str:
        """Why a task waits at it."""
        period = self.interval * self.limit
        return f"the rate key {self.key[2]} allows {self.limit} starts in {period:g} s, and they are used up"


#: Of a token: sums of intervals are not exact.
_ROUNDING = 1e-6
_CONCURRENCY, _RATE = "concurrency", "rate"
#: Gates that are remembered before the first sweep.
_GATES = 1024


class Gates:
    """All gates."""

    def __init__(self) -> None:
        self._gates: dict[GateKey, Gate] = {}
        self._sweep_at = _GATES

    def concurrency(self, queue: str, key: ConcurrencyKey) -> Gate:
        """The gate of a concurrency key."""
        name = (_CONCURRENCY, queue, key.key)
        gate = self._gates.get(name)
        if gate is None:
            gate = self._gates[name] = Gate(name, key.limit)
        return gate

    def rate(self, queue: str, key: RateKey, arrival: float = 0.0) -> RateGate:
        """The gate of a rate key."""
        name = (_RATE, queue, key.key)
        gate = self._gates.get(name)
        if gate is None:
            gate = self._gates[name] = RateGate(name, key, arrival)
        assert isinstance(gate, RateGate)
        return gate

    def of(self, task: Task) -> list[Gate]:
        """The gates of a task, in the order in which it passes them."""
        options = task.options
        found: list[Gate] = []
        if options.concurrency is not None:
            found.append(self.concurrency(options.queue, options.concurrency))
        if options.rate is not None:
            found.append(self.rate(options.queue, options.rate))
        return found

    def sweep(self, now: float) -> None:
        """Lets go of gates that nobody uses: keys that are used once cost no memory for ever."""
        if len(self._gates) < self._sweep_at:
            return
        for name, gate in list(self._gates.items()):
            spent = isinstance(gate, RateGate) and gate.arrival > now
            if not gate.inside and not gate.line.count and not spent:
                del self._gates[name]
        self._sweep_at = max(_GATES, 2 * len(self._gates))

    def __iter__(self) -> Iterator[Gate]:
        return iter(self._gates.values())

    def __len__(self) -> int:
        return len(self._gates)


def name(state: State, task: Task) -> None:
    """A task is taken in: the limits that it names for its keys hold from now on, for all tasks of those keys."""
    options = task.options
    if options.concurrency is not None:
        gate = state.gates.concurrency(options.queue, options.concurrency)
        gate.limit = options.concurrency.limit
        wake(state, gate)
    if options.rate is not None:
        rate = state.gates.rate(options.queue, options.rate)
        rate.change(options.rate)
        wake(state, rate)


def approach(state: State, task: Task, *, first: bool) -> bool:
    """A task that is ready passes its gates, as far as they are open. Whether it is past them all."""
    return _go_on(state, task, state.gates.of(task), first=first)


def _go_on(state: State, task: Task, gates: list[Gate], *, first: bool) -> bool:
    for gate in gates:
        if not gate.is_open(state.now.monotonic):
            gate.wait(task, first=first)
            _set_alarm(state, gate)
            return False
        gate.enter(task)
    task.gate = None
    return True


def occupy(state: State, task: Task) -> None:
    """A task that a worker has already is past its gates, open or not."""
    for gate in state.gates.of(task):
        gate.enter(task)
    begin(state, task)


def begin(state: State, task: Task) -> None:
    """A task is given to a worker."""
    for gate in state.gates.of(task):
        gate.begin(task, state.now.monotonic)
        if isinstance(gate, RateGate):
            _record(state, gate)
            _set_alarm(state, gate)


def leave(state: State, task: Task) -> None:
    """A task is neither ready nor with a worker any more: what it has of its limits is for others."""
    gates = state.gates.of(task)
    if task.gate is not None:
        task.gate.line.bury()
        gates = gates[: gates.index(task.gate)]
        task.gate = None
    for gate in gates:
        gate.leave(task)
    for gate in gates:
        wake(state, gate)
    state.gates.sweep(state.now.monotonic)


def wake(state: State, gate: Gate) -> None:
    """Lets through what a gate admits now."""
    while gate.line.count and gate.is_open(state.now.monotonic):
        for task in gate.line.take(1):
            gate.enter(task)
            gates = state.gates.of(task)
            if _go_on(state, task, gates[gates.index(gate) + 1 :], first=True):
                state.line_up(task, first=True)
    _set_alarm(state, gate)


def on_open(state: State, gate: Gate, now: Now) -> None:
    """Time has passed at a gate."""
    gate.alarm = 0.0
    wake(state, gate)


def _set_alarm(state: State, gate: Gate) -> None:
    if gate.line.count:
        opens = gate.opens()
        if opens is not None and not 0.0 < gate.alarm <= opens + _ROUNDING:
            gate.alarm = opens
            state.timers.at(opens, "open", gate)


def _record(state: State, gate: RateGate) -> None:
    """Writes what of a rate is used up: a restart must not allow it again."""
    _, queue, key = gate.key
    rate = RateKey(key, gate.limit, round(gate.interval * gate.limit * 1000), gate.burst)
    arrival = state.millis_at(gate.arrival)
    state.turn.changes.facts[facts.rate(queue, key)] = facts.Fact(facts.pack((queue, rate, arrival)), arrival)


def load(state: State, value: bytes) -> None:
    """What was used up of a rate before the restart.

    A clock that was put back since cannot make it wait for longer than an empty bucket.
    """
    queue, rate, arrival = facts.unpack(value, tuple[str, RateKey, int])
    gate = state.gates.rate(queue, rate)
    latest = state.now.monotonic + gate.burst * gate.interval
    gate.arrival = min(state.now.monotonic + arrival / 1000 - state.now.wall, latest)
