"""Waits for what an implementation sends, and says what is wrong where something else comes."""

from __future__ import annotations

import itertools
from collections.abc import Set as AbstractSet
from typing import Any

from wiretask_conformance.actor import Actor
from wiretask_conformance.matching import matches
from wiretask_conformance.verdicts import Failed, WrongError
from wiretask_conformance.watch import Received

#: Messages that may come at any time; they are passed over unless they are what is expected.
FREE = frozenset({"Accepted", "Credit", "Progress", "Subscribe"})
_NONCES = itertools.count(1 << 32)
_UNEXPECTED = "%s: %s %s was not expected"


async def one(
    actor: Actor, deadline: float, message: str, where: dict[str, Any], free: AbstractSet[str] = FREE
) -> Received:
    """The message that must come next; only those that are free may come before it."""
    wanted = "%s %s" % (message, where or "")
    while True:
        received = await actor.next(deadline, wanted)
        if received is None:
            raise Failed("%s: the connection ended while %s was expected" % (actor.name, wanted))
        if received.message == message and matches(received.value, where):
            return received
        if _passes(received, free):
            continue
        said = "%s: %s %s came while %s was expected" % (actor.name, received.message, received.value, wanted)
        if received.message == message == "Error":
            raise WrongError(said)
        raise Failed(said)


async def every(actor: Actor, deadline: float, wanted: list[tuple[str, dict[str, Any]]]) -> list[Received]:
    """Several messages, in any order; returned in the order in which they are wanted."""
    found: dict[int, Received] = {}
    while len(found) < len(wanted):
        left = [number for number in range(len(wanted)) if number not in found]
        received = await actor.next(deadline, " and ".join(wanted[number][0] for number in left))
        if received is None:
            names = ", ".join(wanted[number][0] for number in left)
            raise Failed("%s: the connection ended while %s was expected" % (actor.name, names))
        for number in left:
            if wanted[number][0] == received.message and matches(received.value, wanted[number][1]):
                found[number] = received
                break
        else:
            if not _passes(received, FREE):
                raise Failed(_UNEXPECTED % (actor.name, received.message, received.value))
    return [found[number] for number in range(len(wanted))]


async def any_of(actor: Actor, deadline: float, wanted: list[tuple[str, dict[str, Any]]]) -> Received:
    """One of several messages; only those that are free may come before it."""
    names = " or ".join(message for message, _ in wanted)
    while True:
        received = await actor.next(deadline, names)
        if received is None:
            raise Failed("%s: the connection ended while %s was expected" % (actor.name, names))
        if any(received.message == message and matches(received.value, where) for message, where in wanted):
            return received
        if not _passes(received, FREE):
            raise Failed(_UNEXPECTED % (actor.name, received.message, received.value))


async def close(actor: Actor, deadline: float, allowed: AbstractSet[str] = frozenset()) -> None:
    """The end of the connection; before it only what may come at any time, and what is allowed."""
    while True:
        received = await actor.next(deadline, "the end of the connection")
        if received is None:
            return
        if not _passes(received, FREE | allowed):
            said = "%s: %s %s came instead of the end of the connection"
            raise Failed(said % (actor.name, received.message, received.value))


async def refusal(actor: Actor, deadline: float, code: str, *, may_have_left: bool = False) -> None:
    """An Error of the connection with this code, and its end. Who may have left can have ended it before, in peace."""
    number = actor.wire.spec.errors[code]["code"]
    while True:
        received = await actor.next(deadline, code)
        if received is None:
            if may_have_left:
                return
            raise Failed("%s: the connection ended without %s" % (actor.name, code))
        if ends(received):
            break
    if received.value["code"] != number:
        raise WrongError("%s: %s came instead of %s" % (actor.name, received.value, code))
    await close(actor, deadline)


async def quiet(actor: Actor, deadline: float, allowed: AbstractSet[str] = FREE) -> None:
    """A ping and its pong, and the Accepted of all that was sent: until then nothing may have come but what is allowed.

    A pong alone would not do: what an answer reveals must be durable, and a pong does not wait for that.
    """
    nonce = next(_NONCES)
    await actor.send("Hello", {"kind": "ping", "nonce": nonce})
    answered = False
    while not answered or actor.accepted_to < actor.next_seq - 1:
        wanted = "the Accepted of %d" % (actor.next_seq - 1) if answered else "the pong to %d" % nonce
        received = await actor.next(deadline, wanted)
        if received is None:
            raise Failed("%s: the connection ended before %s" % (actor.name, wanted))
        if received.message == "Hello" and matches(received.value, {"kind": "pong", "nonce": nonce}):
            answered = True
        elif not _passes(received, allowed) or ends(received):
            raise Failed(_UNEXPECTED % (actor.name, received.message, received.value))


def _passes(received: Received, allowed: AbstractSet[str]) -> bool:
    """Whether a message may come that is not waited for; a ping always may, where the scenario leaves it unanswered."""
    return received.message in allowed or received.event == "Hello.ping"


def ends(received: Received) -> bool:
    """Whether a message is an Error after which its sender closes."""
    return received.message == "Error" and bool(received.value["scope"] == "connection")
