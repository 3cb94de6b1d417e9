"""Plays scenarios against an implementation: several at a time, and alone once more what was not done in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from wiretask_conformance import encryption, handshake, interrupts
from wiretask_conformance.results import Result
from wiretask_conformance.scenario import Scenario, templates
from wiretask_conformance.spec import Spec
from wiretask_conformance.stage import Stage
from wiretask_conformance.testee import ContractError, Died, Hung, Testee
from wiretask_conformance.verdicts import Ended, NotApplicable
from wiretask_conformance.wire import Wire

#: Adapters that run beside each other, each with one scenario at a time.
ADAPTERS = 2
#: Scenarios that one scheduler has at a time: each has queues of its own.
TOGETHER = 16
#: A scenario that timed out has so many times as long when it is played again, alone.
PATIENCE = 4.0
#: Where more than this were late, that is not an accident: none is played again.
MOST_AGAIN = 10
NEVER_ENOUGH = 1 << 30
#: Where none of the first cases has ended in time, the others are not played.
HOPELESS = 6
_HOPELESS_TEXT = "not played: nothing came in time in the first %d cases; see the log of one of them" % HOPELESS
#: Limits of the scheduler that scenarios share.
SHARED_LIMITS = {"resume_window": "500"}
#: How scenarios address the second adapter, where there are two.
OTHER = "client"


class Troupe:
    """The adapters of one implementation, and what it has said it lacks."""

    def __init__(self, command: Sequence[str], role: str, spec: Spec, scale: float) -> None:
        self.command = command
        self.role = role
        self.spec = spec
        self.scale = scale
        self.wire = Wire(spec)
        self.templates = templates()
        self.lacks: frozenset[str] = frozenset()
        self.implementation: dict[str, Any] = {}
        #: Where two implementations meet: this one is the scheduler's, and that one is the client's.
        self.beside: Troupe | None = None
        self._testees: list[Testee] = []
        self._all: list[Testee] = []
        self._abandoned = False

    def greet(self) -> None:
        """Starts the first adapter. Raises ContractError."""
        testee = self.testee()
        self.implementation = testee.greeted["implementation"]
        self.lacks = frozenset(testee.greeted.get("lacks", ()))
        self.release(testee)

    def testee(self) -> Testee:
        """An adapter that nobody uses."""
        if self._testees:
            return self._testees.pop()
        testee = Testee(self.command, scale=self.scale)
        self._all.append(testee)
        if self._abandoned:
            testee.abandon()
        try:
            testee.greet(self.role, self.spec.digest, self.spec.versions)
        except ContractError:
            testee.close()
            raise
        return testee

    def release(self, testee: Testee) -> None:
        """Gives an adapter back."""
        self._testees.append(testee)

    def dismiss(self) -> None:
        """Stops all that are not in use."""
        while self._testees:
            self._testees.pop().close()

    def abandon(self) -> None:
        """Ends all of them now: nobody waits any more for what they do."""
        self._abandoned = True
        for testee in self._all:
            testee.abandon()
        if self.beside is not None:
            self.beside.abandon()


def run(
    troupe: Troupe,
    scenarios: Sequence[Scenario],
    said: Callable[[Result], None] = lambda result: None,
    *,
    enough: int = NEVER_ENOUGH,
    again: bool = True,
) -> list[Result]:
    """Every scenario, in order; none more once `enough` have failed. What is late is tried once more, if `again`."""
    return interrupts.run(_run(troupe, scenarios, said, enough, again=again), troupe.abandon)


async def _run(
    troupe: Troupe, scenarios: Sequence[Scenario], said: Callable[[Result], None], enough: int, *, again: bool
) -> list[Result]:
    playing = [scenario for scenario in scenarios if not troupe.lacks & set(scenario.needs)]
    together = [s for s in playing if s.role == "scheduler" and not s.alone]
    singly = [s for s in playing if s not in together]
    results: dict[str, Result] = {
        s.id: _result(s, "not_applicable", "it lacks " + ", ".join(sorted(troupe.lacks & set(s.needs))), 0.0, [])
        for s in scenarios
        if s not in playing
    }
    for result in results.values():
        said(result)

    def done(result: Result) -> None:
        results[result.id] = result
        said(result)

    def more() -> bool:
        return sum(result.failed for result in results.values()) < enough and not hopeless()

    def hopeless() -> bool:
        """Whether nothing has come in time so far, of so many."""
        played = [result for result in results.values() if result.verdict != "not_applicable"]
        return len(played) >= HOPELESS and all(result.verdict == "timeout" for result in played)

    for guarded in (False, True):
        sharing = [scenario for scenario in together if ("auth" in scenario.needs) is guarded]
        if sharing:
            await _together(troupe, sharing, done, more)
    await _bounded(ADAPTERS, more, singly, lambda scenario: _singly(troupe, scenario, done))
    late = [result.id for result in results.values() if result.verdict == "timeout"]
    if hopeless():
        for scenario in playing:
            if scenario.id not in results:
                done(_result(scenario, "not_applicable", _HOPELESS_TEXT, 0.0, []))
    elif again and len(late) <= MOST_AGAIN:
        for scenario in playing:
            if scenario.id in late:
                await _again(troupe, scenario, done)
    return [results[scenario.id] for scenario in scenarios if scenario.id in results]


async def _bounded(
    most: int, more: Callable[[], bool], scenarios: Sequence[Scenario], play: Callable[[Scenario], Any]
) -> None:
    """All of them, so many at a time, as long as more are wanted."""
    places = asyncio.Semaphore(most)

    async def placed(scenario: Scenario) -> None:
        async with places:
            if more():
                await play(scenario)

    await asyncio.gather(*map(placed, scenarios))


async def _together(
    troupe: Troupe, scenarios: Sequence[Scenario], done: Callable[[Result], None], more: Callable[[], bool]
) -> None:
    """Scenarios that share one scheduler."""
    try:
        testee = await _offstage(troupe.testee)
        lobby = Stage(scenarios[0], troupe.wire, testee, troupe.templates, troupe.scale)
        lobby.connect_to("listen", await _shared(lobby))
    except (ContractError, Ended) as error:
        for scenario in scenarios:
            done(_result(scenario, *_broken(error), 0.0, []))
        return

    async def one(scenario: Scenario) -> None:
        stage = Stage(scenario, troupe.wire, testee, troupe.templates, troupe.scale)
        stage.address = lobby.address
        done(await _played(stage))

    await _bounded(TOGETHER, more, scenarios, one)
    await _left(troupe, testee, lobby)


async def _shared(lobby: Stage) -> dict[str, Any]:
    """A scheduler for all: one that gives up lost workers soon, where that can be said."""
    try:
        return await lobby.ask("listen", **_wanted(lobby.scenario, SHARED_LIMITS))
    except NotApplicable:
        return await lobby.ask("listen", **_wanted(lobby.scenario, {}))


def _wanted(scenario: Scenario, config: dict[str, str]) -> dict[str, Any]:
    """What a scheduler is to be like."""
    wanted: dict[str, Any] = {"config": config}
    if "auth" in scenario.needs:
        wanted["tokens"] = handshake.TOKENS
    if "tls" in scenario.needs:
        wanted["tls"] = {"certificate": encryption.pem("scheduler.pem"), "key": encryption.pem("scheduler.key")}
    return wanted


async def _singly(troupe: Troupe, scenario: Scenario, done: Callable[[Result], None], patience: float = 1.0) -> None:
    """A scenario that has an adapter for itself."""
    try:
        testee = await _offstage(troupe.testee)
        other: Testee | None = await _offstage(troupe.beside.testee) if troupe.beside is not None else None
    except ContractError as error:
        done(_result(scenario, *_broken(error), 0.0, []))
        return
    stage = Stage(scenario, troupe.wire, testee, troupe.templates, troupe.scale * patience)
    if other is not None:
        stage.others[OTHER] = other
    result = await _played(stage, listen=troupe.role == "scheduler")
    if troupe.beside is not None and other is not None:
        await _left(troupe.beside, other, stage, OTHER)
    await _left(troupe, testee, stage)
    done(result)


async def _again(troupe: Troupe, scenario: Scenario, done: Callable[[Result], None]) -> None:
    """Once more, alone and with more time: what passes now is flaky."""
    again: list[Result] = []
    await _singly(troupe, scenario, again.append, PATIENCE)
    result = again[0]
    if result.verdict == "pass":
        result = result._replace(verdict="flaky", detail="passed when it was played again, alone and with more time")
    done(result)


async def _played(stage: Stage, *, listen: bool = False) -> Result:
    """Plays one; what comes of it is never an exception."""
    begun = time.perf_counter()
    verdict, detail = "pass", ""
    try:
        if listen:
            stage.connect_to("listen", await stage.ask("listen", **_wanted(stage.scenario, stage.scenario.config)))
        await stage.play()
    except (ContractError, Ended) as error:
        verdict, detail = _broken(error)
    except Exception as error:  # whatever it is, it is ours, and costs one scenario
        verdict, detail = "harness_error", "the suite could not go on, please report it: %r" % error
    seconds = time.perf_counter() - begun
    return _result(stage.scenario, verdict, detail, seconds, stage.lines if verdict != "pass" else [])


async def _left(troupe: Troupe, testee: Testee, stage: Stage, to: str | None = None) -> None:
    """After a scenario nothing of the implementation is left; an adapter that cannot do that is started anew."""
    try:
        await stage.ask("end", to)
    except NotApplicable:
        await _offstage(testee.stop)
    except (ContractError, Ended):
        await _offstage(testee.fail)
    troupe.release(testee)


async def _offstage(function: Callable[[], Any]) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, function)


def _broken(error: ContractError | Ended) -> tuple[str, str]:
    if isinstance(error, Ended):
        return error.verdict, str(error)
    if isinstance(error, Hung):
        return "timeout", str(error)
    return "crash" if isinstance(error, Died) else "contract", str(error)


def _result(s: Scenario, verdict: str, detail: str, seconds: float, log: list[str]) -> Result:
    return Result(s.id, s.name, s.kind, s.level, s.requires, verdict, seconds, detail, tuple(log))
