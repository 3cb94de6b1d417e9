"""Bugs that are planted on purpose, one at a time: each must be caught by a day of `seeds`, or the invariants have a hole.

python tests/simulation/planted.py                   each bug on the day that is said to catch it (planted.json)
python tests/simulation/planted.py --bless [NAME …]  looks for that day, and writes the table anew
python tests/simulation/planted.py --day SEED NAME   one day with one bug; exit code 1 if it was caught
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("planted.json")
#: Days that are looked at for one that catches a bug.
BUDGET = 400

#: Bugs whose day is not known any more since the workers are given work in another way: `--bless` looks for one, and the
#: tests of the outbox hold what they break. They are named in each run, and do not fail it.
LOST = frozenset({"asks_the_store_no_more_for_a_peer_that_has_waited"})

BUGS: dict[str, Callable[[], None]] = {}


def bug(function: Callable[[], None]) -> Callable[[], None]:
    """Takes one in; its name says what is wrong."""
    BUGS[function.__name__] = function
    return function


def nothing(*_: Any, **__: Any) -> None:
    """Does nothing, instead of something."""


def wrapped(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Puts something else in the place of a function, made of the function itself."""
    setattr(owner, name, make(getattr(owner, name)))


class _Product:
    """Modules of the scheduler by name, imported when they are broken, and as things that can be written to."""

    def __getattr__(self, name: str) -> Any:
        where = "wiretask_scheduler" if name in {"flow", "outbox"} else "wiretask_scheduler.core"
        return importlib.import_module(f"{where}.{name}")


product: Any = _Product()


# What is durable


@bug
def tells_before_it_is_written() -> None:
    from wiretask_scheduler.core import Turn

    flow = product.flow.Flow

    def flush(self: Any) -> None:
        self._flushing = False
        turn = self.broker.take_turn()
        if turn:
            self._put += 1
            octets = self.outbox.take(turn)
            self._count(turn.changes.rows(), octets)
            self._release_turn(turn)
            self.committer.put(Turn(changes=turn.changes), octets)
        self._arm()

    flow.flush = flush


@bug
def never_writes_what_has_changed() -> None:
    product.state.State.record = nothing


@bug
def never_raises_the_ceiling_of_leases() -> None:
    def leases(self: Any, count: int) -> range:
        first = int(self.next_lease)
        self.next_lease = first + count
        return range(first, self.next_lease)

    product.state.State.leases = leases


@bug
def begins_its_leases_again_after_a_restart() -> None:
    wrapped(
        product.broker.Broker,
        "load",
        lambda load: lambda self, *rest, **more: load(self, *rest, **{**more, "lease_ceiling": 1}),
    )


@bug
def forgets_all_timers_in_a_restart() -> None:

    def make(load: Any) -> Any:
        def loads(state: Any, *rest: Any) -> None:
            load(state, *rest)
            state.timers = product.timers.Timers()

        return loads

    wrapped(product.loading, "load", make)


@bug
def forgets_who_ran_what_in_a_restart() -> None:
    wrapped(product.loading, "load", lambda load: lambda state, tasks, sessions, *rest: load(state, tasks, (), *rest))


@bug
def forgets_unique_keys_in_a_restart() -> None:
    product.uniques.load = nothing


@bug
def forgets_dependencies_in_a_restart() -> None:
    product.dependencies.load = nothing


@bug
def forgets_results_of_groups_in_a_restart() -> None:
    product.groups.load_part = nothing


@bug
def takes_what_was_there_already_for_new() -> None:
    product.broker.Broker.conflicted = nothing


@bug
def keeps_the_envelopes_of_what_was_there_already() -> None:
    product.outbox.Outbox.drop = nothing


@bug
def ends_a_recurring_task_only_in_memory() -> None:
    product.recurring.delete = lambda state, name: state.recurring.pop(name) is not None


@bug
def forgets_what_was_asked_to_stop_in_a_restart() -> None:
    wrapped(product.loading, "_load_task", lambda load: lambda state, stored, stop: load(state, stored, 0))


@bug
def keeps_what_a_death_has_left_of_an_id_that_was_there_already() -> None:
    product.loading._forget = nothing


@bug
def asks_the_store_no_more_for_a_peer_that_has_waited() -> None:
    wrapped(
        product.outbox.Outbox,
        "__init__",
        lambda make: lambda self, *rest, **more: make(self, *rest, **{**more, "idle": nothing}),
    )


# Leases


@bug
def forgets_the_former_token_at_once() -> None:

    def make(on_resume: Any) -> Any:
        def resumes(state: Any, *rest: Any) -> None:
            on_resume(state, *rest)
            state.heirs.clear()

        return resumes

    wrapped(product.sessions, "on_resume", make)


@bug
def every_lease_is_current() -> None:
    reports = product.reports

    def make(on_result: Any) -> Any:
        def claiming(state: Any, worker: Any, result: Any, now: Any) -> None:
            task = state.tasks.get(result.task_id)
            if task is not None and result.lease not in worker.leases:
                holder = state.sessions.get(task.holder)
                if holder is not None:
                    holder.release(task.lease)
                    worker.hold(task, result.lease)
            on_result(state, worker, result, now)

        return claiming

    wrapped(reports, "on_result", make)


@bug
def loses_what_a_lost_worker_had() -> None:
    product.broker._TIMERS["resume"] = nothing


@bug
def keeps_every_lease_that_is_claimed() -> None:
    wrapped(
        product.sessions,
        "_claimed",
        lambda claimed: lambda state, held: claimed(state, held) or state.tasks.get(held.task_id),
    )


@bug
def gives_up_at_the_end_of_the_grace_who_has_come_back_since() -> None:
    def make(release: Any) -> Any:
        def releases(state: Any, now: Any, *, over: bool = False) -> None:
            for worker in state.sessions.values():
                worker.awaited = worker.awaited or not worker.number
            release(state, now, over=over)

        return releases

    wrapped(product.sessions, "release_held_back", make)


@bug
def holds_tasks_back_for_ever_after_a_restart() -> None:
    product.broker._TIMERS["grace"] = nothing
    product.sessions.release_held_back = nothing


@bug
def gives_back_at_the_cost_of_an_attempt() -> None:
    def make(given_back: Any) -> Any:
        def burning(state: Any, task: Any, now: Any) -> None:
            task.rarely().failures += 1
            given_back(state, task, now)

        return burning

    wrapped(product.reports, "given_back", make)


@bug
def tries_once_more_than_it_may() -> None:
    def make(failed: Any) -> Any:
        def failing(state: Any, worker: Any, task: Any, *rest: Any, **more: Any) -> None:
            rare = task.rarely()
            rare.failures -= 1
            failed(state, worker, task, *rest, **more)
            rare.failures += 1

        return failing

    wrapped(product.reports, "failed", make)


@bug
def forgets_what_is_given_back() -> None:
    product.reports.on_return = lambda state, worker, message, now: worker.take(message.seq, message.COMMAND)


@bug
def gives_nobody_what_a_dead_worker_had() -> None:
    product.state.State.take_back = nothing


@bug
def never_lets_go_of_a_suspect() -> None:
    def make(vacate: Any) -> Any:
        def vacating(self: Any, task: Any, former: Any) -> None:
            suspect = self.suspect
            vacate(self, task, former)
            self.suspect = suspect

        return vacating

    wrapped(product.state.State, "vacate", make)


@bug
def counts_no_slots_back() -> None:
    wrapped(product.peers.Worker, "_free", lambda _: nothing)


@bug
def keeps_the_session_of_who_has_left() -> None:
    product.sessions._forget = nothing


# Time


@bug
def loses_the_timer_of_a_delay() -> None:
    product.submissions._set_timer = nothing


@bug
def loses_the_timer_of_a_backoff() -> None:
    wrapped(
        product.timers.Timers,
        "at",
        lambda at: lambda self, when, kind, what: at(self, when, kind, what) if kind != "due" else None,
    )


@bug
def begins_what_has_expired_at_a_worker() -> None:

    def make(expire: Any) -> Any:
        def expires(state: Any, task: Any, now: Any) -> None:
            expire(state, task, now)
            if task.rare is not None:
                task.rare.overdue = False

        return expires

    product.broker._TIMERS["expire"] = make(product.broker._TIMERS["expire"])


@bug
def takes_no_notice_of_time_limits() -> None:
    product.state.State.bound = nothing


# Ties and limits


@bug
def takes_the_lowest_priority_first() -> None:
    line = product.ready.Line

    def take(self: Any, most: int) -> list[Any]:
        if self.head() is None:
            return []
        priority = next(each for each in range(10) if self.mask >> each & 1)
        shelf = self.shelves[priority]
        taken, dropped = shelf.take(most)
        self._drop(dropped)
        self.count -= len(taken)
        if not shelf:
            self.mask &= ~(1 << priority)
        return list(taken)

    line.take = take


@bug
def allows_twice_the_burst() -> None:
    def make(change: Any) -> Any:
        def changes(self: Any, rate: Any) -> None:
            change(self, rate)
            self.burst = 2 * rate.burst

        return changes

    wrapped(product.limits.RateGate, "change", make)


@bug
def waits_for_nothing() -> None:
    product.dependencies.tie = nothing


@bug
def tells_nobody_that_a_task_has_ended() -> None:
    product.dependencies.ended = nothing


@bug
def goes_on_after_every_failure() -> None:
    wrapped(
        product.dependencies,
        "_tell",
        lambda tell: (
            lambda state, dependency, *, succeeded, uproots: tell(state, dependency, succeeded=True, uproots=uproots)
        ),
    )


@bug
def gathers_backwards() -> None:
    outbox = product.outbox
    wrapped(outbox, "Gathered", lambda gathered: lambda form, results: gathered(form, tuple(reversed(results))))


@bug
def takes_every_unique_key() -> None:
    product.uniques.holder = nothing


@bug
def never_lets_go_of_unique_keys() -> None:
    product.uniques.ended = nothing


@bug
def lets_everybody_through() -> None:
    product.limits.Gate.is_open = lambda self, now: True


@bug
def never_leaves_a_gate() -> None:
    product.limits.leave = nothing


@bug
def forgets_to_open_a_gate() -> None:
    product.limits._set_alarm = nothing


# Peers


@bug
def forgets_who_asks_for_what_has_ended() -> None:
    def found(state: Any, lookup: Any, stored: Any, now: Any) -> None:
        if lookup.kind != "await":
            original(state, lookup, stored, now)

    requests = product.requests
    original = requests.found
    requests.found = found


@bug
def delivers_to_the_first_who_waits_only() -> None:
    product.endings.add_waiter = lambda task, peer: setattr(task, "waiter", task.waiter or peer)


@bug
def tells_a_waiter_twice() -> None:
    def make(send: Any) -> Any:
        def twice(*rest: Any) -> None:
            send(*rest)
            send(*rest)

        return twice

    wrapped(product.endings, "_send_result", make)


@bug
def hands_nothing_out_when_a_worker_has_room_again() -> None:

    def make(on_result: Any) -> Any:
        def quietly(state: Any, *rest: Any) -> None:
            before = state.unsettled
            on_result(state, *rest)
            state.unsettled = before

        return quietly

    wrapped(product.reports, "on_result", make)


@bug
def a_client_forgets_what_it_awaits() -> None:
    from wiretask_client.core.ledger import Ledger

    def make(interrupted: Any) -> Any:
        def forgetting(self: Any) -> None:
            for task_id in [key for key, request in self._open.items() if request.accepted]:
                del self._open[task_id]
            interrupted(self)

        return forgetting

    wrapped(Ledger, "interrupted", make)


@bug
def a_client_submits_under_a_new_id_again() -> None:
    from wiretask_client.core.requests import SubmitRequest

    def make(message: Any) -> Any:
        def renamed(self: Any, seq: int) -> Any:
            if not self.accepted and self.first_sent is not None:
                self.task_id = bytes((self.task_id[0] ^ 1, *self.task_id[1:]))
            return message(self, seq)

        return renamed

    wrapped(SubmitRequest, "message", make)


@bug
def a_worker_reports_under_its_former_lease() -> None:
    from wiretask_worker.core.desk import Desk

    wrapped(
        Desk,
        "arrive",
        lambda arrive: lambda self, task, now: arrive(
            self, type(task)(*(getattr(task, f) if f != "lease" else max(1, task.lease - 1) for f in task.__struct_fields__)), now
        ),
    )  # fmt: skip


# Looking for them


def caught(name: str, seed: int) -> bool:
    """Whether a day with a bug goes wrong. In a process of its own: a bug stays planted."""
    command = [sys.executable, __file__, "--day", str(seed), name]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONHASHSEED": "0"}, capture_output=True, check=False, timeout=300
    )
    if done.returncode not in {0, 1}:
        raise RuntimeError(done.stderr.decode()[-2000:])
    return done.returncode == 1


def _days(name: str, first: int, last: int) -> int:
    """The first of these days with a bug that goes wrong, of all parts or of the core; exit code 1, and says which."""
    from simulate import KINDS, live

    logging.disable(logging.CRITICAL - 1)
    BUGS[name]()
    for seed in range(first, last):
        for kind in reversed(KINDS):
            try:
                violated = live(kind, seed).violated
            except Exception as error:
                violated = repr(error)  # whatever it is, it is not a day like others
            if violated is not None:
                print(seed, kind, violated.splitlines()[0])
                return 1
    return 0


def _look(name: str) -> int | None:
    command = [sys.executable, __file__, "--days", str(BUDGET), name]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=False
    )
    print(f"{name}: {done.stdout.strip() or 'survives' + done.stderr[-300:]}", flush=True)
    return int(done.stdout.split()[0]) if done.returncode == 1 else None


def main(words: Sequence[str]) -> int:
    """Runs and returns the exit code."""
    if words[:1] == ["--day"]:
        return _days(words[2], int(words[1]), int(words[1]) + 1)
    if words[:1] == ["--days"]:
        return _days(words[2], 0, int(words[1]))
    table: dict[str, int | None] = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        if words[:1] == ["--bless"]:
            chosen = list(words[1:]) or list(BUGS)
            table |= dict(zip(chosen, pool.map(_look, chosen), strict=True))
            TABLE.write_text(json.dumps({name: table.get(name) for name in BUGS}, indent=1) + "\n")
            return 0
        known = {name: seed for name, seed in table.items() if seed is not None}
        verdicts = dict(zip(known, pool.map(lambda name: caught(name, known[name]), known), strict=True))
    alive = [name for name in BUGS if not verdicts.get(name)]
    for name in alive:
        print(f"ALIVE {name}: no day has caught it; see --bless" + " (its day is lost)" * (name in LOST))
    print(f"planted bugs: {len(BUGS) - len(alive)} of {len(BUGS)} caught")
    return 1 if set(alive) - LOST else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
