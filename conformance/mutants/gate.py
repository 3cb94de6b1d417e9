"""Implementations that are broken on purpose must be caught, each by a named case of `kills.json`.

    python conformance/mutants/gate.py            each mutant against the cases that are said to kill it
    python conformance/mutants/gate.py --bless    each mutant against all cases; writes kills.json anew
    python conformance/mutants/gate.py NAME …     only these

A mutant that no case kills needs an entry in `equivalents.json`: one sentence that proves that it cannot be seen.
"""

from __future__ import annotations

import importlib.util
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
#: What kills an adapter that does not answer what it is asked.
SMOKE = "smoke"
#: Mutants that run beside each other.
TOGETHER = 2


class Kill(NamedTuple):
    """Who kills a mutant: the first cases, and how many there are."""

    killed_by: list[str]
    cases: int


def mutants() -> list[tuple[str, str]]:
    """Every mutant, with its role."""
    return [(role, name) for role in ROLES if (HERE / f"{role}.py").exists() for name in _names(role)]


def _names(role: str) -> list[str]:
    """The names that a program of mutants has, without running one."""
    found = importlib.util.spec_from_file_location(f"{role}_mutants", HERE / f"{role}.py")
    assert found is not None
    assert found.loader is not None
    module: Any = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return list(module.MUTANTS)


def play(role: str, name: str, cases: Sequence[str] = ()) -> Kill:
    """Runs a mutant against these cases, or all, and says which of them it fails."""
    command = (sys.executable, str(HERE / f"{role}.py"), name)
    patterns = tuple(case for case in cases if case != SMOKE)
    try:
        run, _ = performance.run(spec.load(), Wanted(role, command, patterns))
    except ContractError:
        return Kill([SMOKE], 1)
    if all(case.verdict == Verdict.NOT_APPLICABLE for case in run.cases):
        # A run that has judged nothing finds nobody conformant.
        return Kill([SMOKE], 1)
    failed = [case.name for case in run.cases if case.failed]
    return Kill(failed, len(failed))


def main(arguments: Sequence[str]) -> int:
    """Runs and returns the exit code."""
    bless = "--bless" in arguments
    chosen = [word for word in arguments if word != "--bless"]
    listed = json.loads((HERE / "kills.json").read_text()) if (HERE / "kills.json").exists() else {}
    equivalents = json.loads((HERE / "equivalents.json").read_text())
    wanted = [(role, name) for role, name in mutants() if not chosen or name in chosen]

    def one(mutant: tuple[str, str]) -> Kill:
        role, name = mutant
        cases = [] if bless else listed.get(role, {}).get(name, {}).get("killed_by", [])
        return play(role, name, cases) if bless or cases else Kill([], 0)

    with ThreadPoolExecutor(TOGETHER) as pool:
        kills = dict(zip(wanted, pool.map(one, wanted), strict=True))
    if bless:
        _write(listed, kills)
    return _judge(kills, listed, equivalents, whole=not chosen)


def _write(listed: dict[str, Any], kills: dict[tuple[str, str], Kill]) -> None:
    made: dict[str, dict[str, Any]] = {role: {} for role in ROLES}
    for role, name in mutants():
        kill = kills.get((role, name))
        if kill is not None:
            made[role][name] = {"killed_by": kill.killed_by[:KEPT], "cases": kill.cases}
        elif name in listed.get(role, {}):
            made[role][name] = listed[role][name]
    (HERE / "kills.json").write_text(json.dumps(made, indent=1) + "\n")


def _judge(
    kills: dict[tuple[str, str], Kill], listed: dict[str, Any], equivalents: dict[str, str], *, whole: bool
) -> int:
    alive = [mutant for mutant, kill in kills.items() if not kill.cases and mutant[1] not in equivalents]
    for role, name in alive:
        expected = (
            ", ".join(listed.get(role, {}).get(name, {}).get("killed_by", [])) or "nothing is listed; see --bless"
        )
        print(f"ALIVE {role} {name}: no case has killed it ({expected})")
    stale = [name for name in equivalents if whole and name not in {mutant[1] for mutant in kills}]
    for name in stale:
        print(f"STALE {name} in equivalents.json is no mutant; delete it")
    gone = [name for role in listed for name in listed[role] if whole and (role, name) not in kills]
    for name in gone:
        print(f"STALE {name} in kills.json is no mutant; run with --bless")
    dead = sum(bool(kill.cases) for kill in kills.values())
    print(f"mutants: {dead} of {len(kills)} killed, {len(kills) - dead - len(alive)} equivalent")
    return 5 if alive or stale or gone else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
