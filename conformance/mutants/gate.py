"""Implementations that are broken on purpose must be caught, each by a named case of `kills.json`.

    python conformance/mutants/gate.py            each mutant against the cases that are said to kill it
    python conformance/mutants/gate.py --bless    each mutant against all cases; writes kills.json anew
    python conformance/mutants/gate.py NAME …     only these

A mutant that no case kills needs an entry in `equivalents.json`: one sentence that proves that it cannot be seen.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from wiretask_conformance import performance, spec
from wiretask_conformance.performance import Wanted
from wiretask_conformance.results import Verdict
from wiretask_conformance.testee import ContractError

HERE = Path(__file__).parent
ROLES = ("codec", "worker", "client", "scheduler")
#: Cases that are kept in the matrix of one mutant; that it has more is said by their number.
KEPT = 3
#: A mutant that never does what is waited for is not waited for as long as an honest implementation.
SCALE = 0.8
#: Failures after which a mutant is dead enough.
ENOUGH = 8
#: What kills an adapter that does not answer what it is asked.
SMOKE = "smoke"
#: Mutants that run beside each other.
TOGETHER = 4


class Mutant(NamedTuple):
    """One mutant; one that is no adapter must be stopped by the smoke run, every other one by a case."""

    role: str
    name: str
    no_adapter: bool


def mutants() -> list[Mutant]:
    """Every mutant of every role."""
    sys.path.insert(0, str(HERE))
    found: list[Mutant] = []
    for role in ROLES:
        module: Any = importlib.import_module(f"broken_{role}")
        found += [Mutant(role, name, name in module.MUTANTS.no_adapters) for name in module.MUTANTS]
    return found


def play(mutant: Mutant, cases: Sequence[str] = ()) -> list[str]:
    """Runs a mutant against these cases, or all, and says which of them it fails first."""
    command = (sys.executable, str(HERE / f"broken_{mutant.role}.py"), mutant.name)
    patterns = tuple(case for case in cases if case != SMOKE)
    try:
        wanted = Wanted(mutant.role, command, patterns, scale=SCALE, enough=1 if cases else ENOUGH, again=False)
        run, _ = performance.run(spec.load(), wanted)
    except ContractError:
        return [SMOKE] if mutant.no_adapter else []
    if mutant.no_adapter and all(case.verdict == Verdict.NOT_APPLICABLE for case in run.cases):
        # A run that has judged nothing finds nobody conformant.
        return [SMOKE]
    # The quickest first: those are waited for each time that the gate is run.
    return [case.name for case in sorted(run.cases, key=lambda case: case.seconds) if case.failed]


def play_honest(role: str) -> list[str]:
    """What our own implementation does not do in the time that mutants get: it kills nobody."""
    command = (sys.executable, str(HERE.parent / "implementations" / "python" / f"{role}.py"))
    run, _ = performance.run(spec.load(), Wanted(role, command, scale=SCALE, again=False))
    return [case.name for case in run.cases if case.failed]


def main(arguments: Sequence[str]) -> int:
    """Runs and returns the exit code."""
    bless = "--bless" in arguments
    chosen = [word for word in arguments if word != "--bless"]
    listed: dict[str, dict[str, list[str]]] = _read("kills.json")
    wanted = [mutant for mutant in mutants() if not chosen or mutant.name in chosen]

    def one(mutant: Mutant) -> list[str]:
        cases = listed.get(mutant.role, {}).get(mutant.name, [])
        return play(mutant, () if bless else cases) if bless or cases else []

    with ThreadPoolExecutor(TOGETHER) as pool:
        kills = dict(zip(wanted, pool.map(one, wanted), strict=True))
    if bless:
        honest = {role: set(play_honest(role)) for role in {mutant.role for mutant in wanted}}
        kills = {
            mutant: [case for case in killers if case not in honest[mutant.role]][:KEPT]
            for mutant, killers in kills.items()
        }
        _write(listed, kills)
        listed = _read("kills.json")
    return _judge(kills, listed, _read("equivalents.json"), whole=not chosen)


def _read(name: str) -> dict[str, Any]:
    path = HERE / name
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return read


def _write(listed: dict[str, dict[str, list[str]]], kills: dict[Mutant, list[str]]) -> None:
    made: dict[str, dict[str, list[str]]] = {role: {} for role in ROLES}
    for mutant in mutants():
        before = listed.get(mutant.role, {}).get(mutant.name, [])
        made[mutant.role][mutant.name] = kills.get(mutant, before)
    (HERE / "kills.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


def _judge(
    kills: dict[Mutant, list[str]], listed: dict[str, dict[str, list[str]]], equivalents: dict[str, str], *, whole: bool
) -> int:
    problems: list[str] = []
    alive = 0
    for mutant, killers in kills.items():
        expected = listed.get(mutant.role, {}).get(mutant.name, [])
        name = f"{mutant.role}/{mutant.name}"
        if killers:
            continue
        alive += 1
        if name not in equivalents:
            problems.append(f"ALIVE {name}: {', '.join(expected) or 'no case'} has not killed it; see --bless")
    if whole:
        names = {f"{mutant.role}/{mutant.name}" for mutant in kills}
        killed = {f"{mutant.role}/{mutant.name}" for mutant, killers in kills.items() if killers}
        problems += [
            f"STALE {name} in equivalents.json is killed, or none" for name in equivalents if name not in names - killed
        ]
        known = {f"{role}/{name}" for role in listed for name in listed[role]}
        problems += [f"STALE {name} in kills.json is no mutant; run with --bless" for name in sorted(known - names)]
    for problem in problems:
        print(problem)
    print(f"mutants: {len(kills) - alive} of {len(kills)} killed, {len(equivalents)} equivalent")
    return 5 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
