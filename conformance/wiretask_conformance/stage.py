"""Plays one scenario: each verb is a method, and what goes wrong is one of `verdicts`.

Nothing waits for a time to pass where it can wait for something to happen: that nothing more comes is shown by a
barrier (see `hearing.quiet`), never by sleeping.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from wiretask_conformance import hearing
from wiretask_conformance.actor import Actor, described
from wiretask_conformance.connecting import NONE, Connecting
from wiretask_conformance.matching import filled, matches
from wiretask_conformance.scenario import Step
from wiretask_conformance.verdicts import Failed, HarnessError
from wiretask_conformance.watch import Received
from wiretask_conformance.wire import octets_of


class Stage(Connecting):
    """One performance of one scenario."""

    async def play(self) -> None:
        """All steps. Raises what `verdicts` says, or ContractError."""
        try:
            for step in self.scenario.steps:
                await self.do(step)
            await self._curtain()
        finally:
            await self.clear()

    async def do(self, step: Step) -> None:
        """One step."""
        verb = next(iter(step))
        method: Callable[[Step], Any] | None = getattr(self, "do_" + verb, None)
        if method is None:
            raise HarnessError("there is no verb %s" % verb)
        await method({**step, "of": step[verb]})

    async def _curtain(self) -> None:
        """When all is done, nothing more may have come, on any connection."""
        for actor in self.actors.values():
            if actor.accepted() and not actor.raw and not actor.left:
                await hearing.quiet(actor, self.deadline({}))
            actor.check()
        for tap in self._taps:
            if tap.wrong is not None:
                raise tap.wrong

    async def clear(self) -> None:
        """Ends every connection, and takes no more."""
        if self._server is not None:
            self._server.close()
        for tap in self._taps:
            await tap.close()
        for actor in self.actors.values():
            await actor.end()
        while not self._arrivals.empty():
            self._arrivals.get_nowait()[1].close()

    # Out

    async def do_send(self, step: Step) -> None:
        """A message; what is not said is taken from its template, the seq is the next one. `times` repeats it."""
        actor = self.actor(step)
        for _ in range(step.get("times", 1)):
            value = self._next_value(actor, step)
            await actor.send(step["message"], value, step.get("sizes"))
            self.bind(step, value)

    def _next_value(self, actor: Actor, step: Step) -> dict[str, Any]:
        given = dict(step.get("value", {}))
        if self.wire.spec.messages[step["message"]]["sequenced"] and "seq" not in given:
            given["seq"] = actor.next_seq
            actor.next_seq += 1
        return self.value(step["message"], given)

    async def do_together(self, step: Step) -> None:
        """Messages whose octets leave as one, or in pieces of `sizes`; `new` binds another task id before each."""
        actor, octets = self.actor(step), b""
        for item in step["messages"]:
            for _ in range(item.get("times", 1)):
                if "new" in item:
                    await self.do_new({"of": item["new"]})
                value = self._next_value(actor, item)
                octets += self.wire.encode(item["message"], value)
                self.log("%s > %s" % (actor.name, described(item["message"], value)))
                actor.said(Received(item["message"], value))
        await actor.write(octets, step.get("sizes"))

    async def do_send_raw(self, step: Step) -> None:
        """Octets (hex:…, or the text itself)."""
        octets = filled(step["octets"], self.bound)
        raw = octets_of(octets) if octets.startswith("hex:") else octets.encode()
        await self.actor(step).send_octets(raw * step.get("times", 1), step.get("sizes"))

    async def do_new(self, step: Step) -> None:
        """Binds a new task id, in $queue or another one."""
        self.bound[step["of"]] = self.new_id(filled(step.get("queue", "$queue"), self.bound))

    async def do_bind(self, step: Step) -> None:
        """Binds names to values."""
        self.bound.update(filled(step["of"], self.bound))

    # In

    async def do_expect(self, step: Step) -> None:
        """The next message; FREE ones may come before, unless `strictly`. `times` wants it so often."""
        free = NONE if step.get("strictly") else hearing.FREE
        for _ in range(step.get("times", 1)):
            where = filled(step.get("where", {}), self.bound)
            received = await hearing.one(self.actor(step), self.deadline(step), step["message"], where, free)
            self.bind(step, received.value)

    async def do_expect_all(self, step: Step) -> None:
        """Several messages, in any order."""
        wanted = [(item["message"], filled(item.get("where", {}), self.bound)) for item in step["messages"]]
        found = await hearing.every(self.actor(step), self.deadline(step), wanted)
        for item, received in zip(step["messages"], found):
            self.bind(item, received.value)

    async def do_expect_any(self, step: Step) -> None:
        """One of several messages."""
        wanted = [(item["message"], filled(item.get("where", {}), self.bound)) for item in step["messages"]]
        await hearing.any_of(self.actor(step), self.deadline(step), wanted)

    async def do_expect_error(self, step: Step) -> None:
        """An Error with this code, of the scope and the retry that the spec says; `where` for the rest.

        With `strictly` it is the very next message, also where an Accepted might come.
        """
        error = self.wire.spec.errors[step["code"]]
        where = {"code": error["code"], "scope": error["scope"], "retry": error["retry"], **step.get("where", {})}
        actor = self.actor(step)
        free = NONE if step.get("strictly") else hearing.FREE
        await hearing.one(actor, self.deadline(step), "Error", filled(where, self.bound), free)
        if where["scope"] == "connection":
            await self.do_expect_close(step)

    async def do_expect_refused(self, step: Step) -> None:
        """An Error of the connection with this code, and its end; who was `left` alone may have ended it before."""
        left = step.get("left", False)
        await hearing.refusal(self.actor(step), self.deadline(step), step["code"], may_have_left=left)

    async def do_expect_ping(self, step: Step) -> None:
        """A ping of the implementation, after the last one that was expected."""
        await self.actor(step).pinged(self.deadline(step))

    async def do_expect_grease(self, step: Step) -> None:
        """A grease command has come before now (R-HEL-010)."""
        if not self.actor(step).watch.greased:
            raise Failed("%s: no grease command came" % step["of"])

    async def do_expect_open(self, step: Step) -> None:
        """Nothing says that the connection has ended; for states in which nothing can be asked."""
        self.actor(step).check()

    async def do_expect_close(self, step: Step) -> None:
        """The end of the connection, without a word before it; `allow` for messages that may come."""
        await hearing.close(self.actor(step), self.deadline(step), frozenset(step.get("allow", ())))

    async def do_expect_octets(self, step: Step) -> None:
        """On a raw connection: what comes begins like this."""
        actor, wanted = self.actor(step), step["begin"].encode()
        await actor.filled(len(wanted), self.deadline(step))
        if not actor.octets.startswith(wanted):
            raise Failed("%s: %r came instead of %r" % (actor.name, actor.octets[:100], wanted))

    async def do_expect_placement(self, step: Step) -> None:
        """A bound task id ends in the placement of $queue."""
        task: str = self.bound[step["of"]]
        placement = self.new_id(self.bound["queue"])[-4:]
        if not task.endswith(placement):
            raise Failed("the id %s does not end in the placement %s of its queue" % (task, placement))

    async def do_barrier(self, step: Step) -> None:
        """Shows that nothing more has come than may come at any time, `allow` more, `deny` less (see `hearing`)."""
        allowed = (hearing.FREE | set(step.get("allow", ()))) - set(step.get("deny", ()))
        await hearing.quiet(self.actor(step), self.deadline(step), allowed)

    # Time, and the implementation itself

    async def do_hold(self, step: Step) -> None:
        """Lets a timer of the implementation pass, in milliseconds. What happens is waited for, not slept for."""
        await asyncio.sleep(step["of"] / 1000)

    async def do_repeat(self, step: Step) -> None:
        """Steps, so many times."""
        for turn in range(step["of"]):
            self.bound["turn"] = turn
            for inner in step["steps"]:
                await self.do(inner)

    async def do_ask(self, step: Step) -> None:
        """A request to the adapter (`to` says to which of two); `answer` is what its `ok` must be."""
        answer = await self.ask(step["of"], step.get("to"), **filled(step.get("with", {}), self.bound))
        if "answer" in step and not matches(answer, filled(step["answer"], self.bound)):
            raise Failed("%s was answered with %s, not with %s" % (step["of"], answer, step["answer"]))
        self.bind(step, answer)

    async def do_restart(self, step: Step) -> None:
        """Ends the scheduler (kill, graceful) and starts it with what it had."""
        answer = await self.ask("restart", mode=step["of"])
        self.connect_to("restart", answer)
