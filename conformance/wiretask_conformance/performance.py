"""One run of the suite against one command: which cases are chosen, and who judges them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import NamedTuple

from wiretask_conformance import behaviour, cells, codec, golden, known, rehearsal, scenario
from wiretask_conformance.known import Known
from wiretask_conformance.patterns import matches
from wiretask_conformance.results import Implementation, Result, Run
from wiretask_conformance.scenario import Scenario
from wiretask_conformance.spec import SIDES, Spec
from wiretask_conformance.testee import Testee

#: Stands between the two commands of `both`: the client's, and the scheduler's.
BETWEEN = "----"


class Wanted(NamedTuple):
    """What is to be run, and how."""

    role: str
    command: tuple[str, ...]
    #: Patterns of ids or names; all cases where there are none.
    patterns: tuple[str, ...] = ()
    version: int = 1
    scale: float = 1.0
    known: Known | None = None
    #: After so many failures no case is begun any more.
    enough: int = behaviour.NEVER_ENOUGH
    #: Whether what was late is tried once more, alone.
    again: bool = True

    def has(self, identifier: str, name: str) -> bool:
        """Whether a case is among those that are run."""
        return not self.patterns or any(matches(pattern, identifier, name) for pattern in self.patterns)


def two(command: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The two commands of `both`; what is not there is empty."""
    at = command.index(BETWEEN) if BETWEEN in command else len(command)
    return command[:at], command[at + 1 :]


def run(spec: Spec, wanted: Wanted, said: Callable[[Result], None] = lambda result: None) -> tuple[Run, list[Result]]:
    """Runs it; the results as they are, and the run with the known failures excused. Raises ContractError."""
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    begun = time.perf_counter()
    judge = {"codec": _codec, "both": _both}.get(wanted.role, _part)
    implementation, results = judge(spec, wanted, said)
    seconds = time.perf_counter() - begun
    problems: list[str] = []
    shown = results
    if wanted.known is not None:
        applied = known.apply(wanted.known, results, datetime.now(timezone.utc).date(), complete=not wanted.patterns)
        shown, problems = applied.results, applied.problems
    made = Run(
        spec.digest,
        wanted.role,
        implementation,
        wanted.command,
        wanted.scale,
        started,
        seconds,
        tuple(shown),
        tuple(problems),
    )
    return made, results


def _codec(spec: Spec, wanted: Wanted, said: Callable[[Result], None]) -> tuple[Implementation, list[Result]]:
    cases = [case for case in golden.load(spec, wanted.version) if wanted.has(case.id, case.name)]
    testee = Testee(wanted.command, scale=wanted.scale)
    try:
        answer = testee.greet("codec", spec.digest, [wanted.version])
        implementation = Implementation.of(answer["implementation"])
        codec.smoke(testee)
        return implementation, codec.run(testee, cases, said=said, enough=wanted.enough)
    except KeyboardInterrupt:
        # Whoever waits for the end of it does not wait for an answer to `stop`.
        testee.abandon()
        raise
    finally:
        testee.close()


def _both(spec: Spec, wanted: Wanted, said: Callable[[Result], None]) -> tuple[Implementation, list[Result]]:
    chosen = [played for played in scenarios(spec, wanted.role) if wanted.has(played.id, played.name)]
    client, scheduler = two(wanted.command)
    clients = behaviour.Troupe(client, "client", spec, wanted.scale)
    schedulers = behaviour.Troupe(scheduler, "scheduler", spec, wanted.scale)
    schedulers.beside = clients
    try:
        clients.greet()
        schedulers.greet()
        rehearsal.run(schedulers)
        rehearsal.run(clients)
        names = Implementation.of(clients.implementation), Implementation.of(schedulers.implementation)
        versions = dict.fromkeys(one.version for one in names)
        together = Implementation(" and ".join(one.name for one in names), " and ".join(versions))
        return together, behaviour.run(schedulers, chosen, said, enough=wanted.enough, again=wanted.again)
    finally:
        clients.dismiss()
        schedulers.dismiss()


def _part(spec: Spec, wanted: Wanted, said: Callable[[Result], None]) -> tuple[Implementation, list[Result]]:
    chosen = [played for played in scenarios(spec, wanted.role) if wanted.has(played.id, played.name)]
    troupe = behaviour.Troupe(wanted.command, wanted.role, spec, wanted.scale)
    try:
        troupe.greet()
        rehearsal.run(troupe)
        return Implementation.of(troupe.implementation), behaviour.run(
            troupe, chosen, said, enough=wanted.enough, again=wanted.again
        )
    finally:
        troupe.dismiss()


def scenarios(spec: Spec, role: str) -> Sequence[Scenario]:
    """Every scenario for a role: the cells, and those that were written by hand."""
    return [*(cells.cells(spec, role) if role in SIDES else ()), *scenario.load(role)]


def cases(spec: Spec, role: str, version: int) -> Sequence[golden.Case | Scenario]:
    """Every case for a role."""
    return golden.load(spec, version) if role == "codec" else scenarios(spec, role)


def names(spec: Spec, wanted: Wanted) -> Sequence[tuple[str, str]]:
    """The ids and names of what would be run."""
    found = cases(spec, wanted.role, wanted.version)
    return [(case.id, case.name) for case in found if wanted.has(case.id, case.name)]
