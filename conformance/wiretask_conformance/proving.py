"""The verbs of handshakes with tokens: the suite proves, asks for proofs, and does both wrongly on purpose.

`by` is the key whose token is used. `as_if` is what a proof is made over instead of what was seen: values of the
`open`, another `challenge`, `nonce` or `certificate` (octets).
"""

from __future__ import annotations

import copy
from typing import Any

from wiretask_conformance import handshake, hearing
from wiretask_conformance.actor import Actor
from wiretask_conformance.handshake import Handshake
from wiretask_conformance.matching import filled, merged
from wiretask_conformance.scenario import Step
from wiretask_conformance.setting import Setting
from wiretask_conformance.verdicts import Failed
from wiretask_conformance.wire import HEADER, octets_of


class Proving(Setting):
    """Proofs of either side."""

    # Where a scheduler is under test

    async def do_prove(self, step: Step) -> None:
        """Answers the challenge that has come; with `proof` with just that, with `label` under another one."""
        actor = self.actor(step)
        nonce = filled(step.get("nonce", handshake.nonce()), self.bound)
        seen = self._seen(actor, {"nonce": nonce, **step.get("as_if", {})})
        made = "hex:" + seen.proof(step.get("label", "client"), step.get("by", self._key(actor))).hex()
        proof = filled(step.get("proof", made), self.bound)
        value = {"kind": "proof", "nonce": nonce, "proof": proof}
        self.bind(step, value)
        await actor.send("Auth", value)

    async def do_expect_proved(self, step: Step) -> None:
        """The accept, with the right proof of the scheduler."""
        await self.proved(self.actor(step), step)

    async def proved(self, actor: Actor, step: Step) -> None:
        """The accept that must come next is proved. Raises Failed."""
        accept = await hearing.one(actor, self.deadline(step), "Hello", {"kind": "accept"})
        actor.seen.judge_accept(step.get("by", self._key(actor)), accept.value, accept.payload)
        self.bound.update({"%s.%s" % (actor.name, key): item for key, item in accept.value.items()})
        self.bind(step, accept.value)

    # Where a worker or a client is under test

    async def do_challenge(self, step: Step) -> None:
        """Asks for a proof."""
        await self.actor(step).send("Auth", {"kind": "challenge", "nonce": handshake.nonce()})

    async def do_expect_proof(self, step: Step) -> None:
        """The right proof of the implementation, and nothing before it."""
        actor = self.actor(step)
        where = filled({"kind": "proof", **step.get("where", {})}, self.bound)
        received = await hearing.one(actor, self.deadline(step), "Auth", where, frozenset())
        wanted = "hex:" + actor.seen.proof("client", step.get("by", self._key(actor))).hex()
        if received.value["proof"] != wanted:
            raise Failed("%s: the proof is %s, and %s is right" % (actor.name, received.value["proof"], wanted))
        self.bind(step, received.value)

    async def do_admit(self, step: Step) -> None:
        """Accepts, and proves that it knows the token; with `proof` with just that (null for none)."""
        actor = self.actor(step)
        answer = dict(step.get("answer", {}))
        if self.scenario.role == "worker":
            answer = merged({"session": "$session"}, answer)
        value = self.value("Hello", merged({"kind": "accept"}, answer))
        seen = self._seen(actor, step.get("as_if", {}))
        made = seen.proved(self.wire, value, step.get("by", self._key(actor)), step.get("label", "server"))
        if "proof" in step:
            made = merged(made, {"proof": filled(step["proof"], self.bound)})
        # What is said after it was proved.
        made = merged(made, step.get("changed", {}))
        self.bind(step, made)
        await actor.send("Hello", made)

    # Both

    def _seen(self, actor: Actor, as_if: dict[str, Any]) -> Handshake:
        """What was seen, or what a liar says that it was."""
        seen = copy.copy(actor.seen)
        for name, value in filled(as_if, self.bound).items():
            if name == "open":
                _, opened, _ = self.wire.decode(b"\x03" + len(seen.open).to_bytes(4, "big") + seen.open, readable=True)
                seen.open = self.wire.encode("Hello", merged(opened, value))[HEADER:]
            elif name == "challenge":
                seen.challenge = self.wire.encode("Auth", {"kind": "challenge", "nonce": value})[HEADER:]
            else:
                setattr(seen, name, octets_of(value))
        return seen

    def _key(self, actor: Actor) -> str:
        """The key that a handshake is about: the one of the open, or of the implementation."""
        return self.keys.get(actor.name) or handshake.KEYS.get(self.scenario.role, "")
