"""Before a part is judged: whether its adapter drives it at all.

It must start the part, and the part must be found, or look for us. What fails here is said of the adapter alone, in one
line and soon, and nothing of the part. No message is exchanged.
"""

from __future__ import annotations

import asyncio
from typing import Any

from wiretask_conformance import interrupts
from wiretask_conformance.behaviour import Troupe
from wiretask_conformance.scenario import Scenario
from wiretask_conformance.setting import CONNECT_SECONDS
from wiretask_conformance.stage import Stage
from wiretask_conformance.testee import ContractError, Testee
from wiretask_conformance.verdicts import Failed, NotApplicable, TimedOut

#: What makes a part look for its scheduler.
_STARTS: dict[str, dict[str, Any]] = {
    "worker": {"op": "serve", "queue": "conformance.rehearsal", "slots": 1},
    "client": {"op": "open"},
}


def run(troupe: Troupe) -> None:
    """Starts the part once, and ends it. Raises ContractError."""
    interrupts.run(_run(troupe), troupe.abandon)


async def _run(troupe: Troupe) -> None:
    testee = troupe.testee()
    stage = Stage(_scenario(troupe.role), troupe.wire, testee, troupe.templates, troupe.scale)
    try:
        await (_found(stage) if troupe.role == "scheduler" else _looks(stage))
        await _ended(stage, testee)
    except ContractError:
        testee.fail()
        raise
    finally:
        troupe.release(testee)


def _scenario(role: str) -> Scenario:
    """One without a step: what is bound for it is all that is wanted."""
    about = "The adapter drives its part."
    return Scenario("rehearsal", "rehearsal", role, about, "MUST", (), (), (), {}, True, "scenario", ())


async def _found(stage: Stage) -> None:
    """A scheduler takes connections at the address that it says."""
    stage.connect_to("listen", await _asked(stage, "listen", config={}))
    try:
        _, writer = await stage.connection()
    except Failed as error:
        raise ContractError("listen: %s" % error) from None
    writer.close()


async def _looks(stage: Stage) -> None:
    """A worker or a client connects to the address that it is given."""
    role = stage.scenario.role
    await stage.do_listen({})
    request = {**_STARTS[role], "connect": stage.bound["address"]}
    try:
        await _asked(stage, **request)
        _, writer = await stage.arrival(asyncio.get_running_loop().time() + CONNECT_SECONDS * stage.scale)
        writer.close()
    except TimedOut as error:
        what = (request["op"], error, request["connect"], CONNECT_SECONDS * stage.scale)
        raise ContractError("%s: %s to %s in %g seconds" % what) from None
    finally:
        await stage.clear()


async def _ended(stage: Stage, testee: Testee) -> None:
    try:
        await stage.ask("end")
    except NotApplicable:
        testee.stop()
    except Failed as error:
        raise ContractError(str(error)) from None


async def _asked(stage: Stage, op: str, **arguments: Any) -> dict[str, Any]:
    """What no part can be judged without. Raises ContractError."""
    try:
        return await stage.ask(op, **arguments)
    except NotApplicable as error:
        raise ContractError("%s: is skipped (%s), and nothing can be judged without it" % (op, error)) from None
    except Failed as error:
        raise ContractError(str(error)) from None
