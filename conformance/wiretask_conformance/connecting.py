"""The verbs that make connections and end them."""

from __future__ import annotations

import asyncio

from wiretask_conformance import encryption, hearing
from wiretask_conformance.actor import Actor
from wiretask_conformance.matching import merged
from wiretask_conformance.proving import Proving
from wiretask_conformance.scenario import Step
from wiretask_conformance.setting import CONNECT_SECONDS, WITHIN_SECONDS
from wiretask_conformance.tap import Tap
from wiretask_conformance.verdicts import Failed, HarnessError, TimedOut

#: Two clocks differ by less than this.
CLOCK_MS = 5
#: No message may come before the one that is expected.
NONE: frozenset[str] = frozenset()
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Connecting(Proving):
    """Connects to a scheduler under test, or is found by a worker or a client."""

    async def do_connect(self, step: Step) -> None:
        """Connects to the scheduler under test, as a worker or a client; `raw` says nothing and decodes nothing.

        With a `key` it names that, proves that it knows the token, and wants the scheduler's proof.
        """
        plays = step.get("as", "client")
        actor = self._cast(step, plays, "scheduler")
        actor.raw = step.get("raw", False)
        actor.begin(*await self.connection(plain=step.get("plain", False)))
        if actor.raw or step.get("open") is False:
            return
        opening = merged({"kind": "open", "role": plays}, step.get("open", {}))
        if "key" in step:
            self.keys[actor.name] = opening["key_id"] = step["key"]
        await actor.send("Hello", self.value("Hello", opening))
        if not step.get("accepted", True):
            return
        if "key" in step:
            await hearing.one(actor, self.deadline(step), "Auth", {"kind": "challenge"})
            await self.do_prove({"of": actor.name})
            await self.proved(actor, step)
        else:
            accept = await hearing.one(actor, self.deadline(step), "Hello", {"kind": "accept"})
            self.bound.update({"%s.%s" % (actor.name, key): item for key, item in accept.value.items()})

    async def connection(self, *, plain: bool = False) -> Streams:
        """A connection to the scheduler under test, with TLS where the scenario has it. Raises Failed."""
        seconds = WITHIN_SECONDS * self.scale
        tls = encryption.trusting() if self.tls and not plain else None
        try:
            return await asyncio.wait_for(asyncio.open_connection(*self.address, ssl=tls), seconds)
        except asyncio.TimeoutError:
            why = "nothing in %g seconds" % seconds
        except (OSError, ValueError) as error:
            # A name that no resolver takes is a ValueError.
            why = str(error)
        raise Failed("the scheduler does not take a connection at %s:%d: %s" % (*self.address, why))

    async def do_crowd(self, step: Step) -> None:
        """So many connections at once, each accepted (c.0, c.1 …); with `reset` each is torn down again at once."""

        async def one(name: str) -> None:
            await self.do_connect({**step, "of": name})
            if step.get("reset"):
                self.actors[name].reset()

        await asyncio.gather(*(one("%s.%d" % (step["of"], number)) for number in range(step["count"])))

    def _cast(self, step: Step, plays: str, against: str) -> Actor:
        """A new connection of this name; one that had it before must have ended.

        What a client submits is accepted by the scenario alone: that is what its scenarios are about.
        """
        name = step["of"]
        actor = Actor(name, plays, against, self.wire, self.log)
        actor.seen.certificate = encryption.fingerprint() if self.tls else b""
        actor.keepalive = step.get("keepalive", True)
        actor.auto_accept = step.get("auto_accept", against != "client")
        former = self.actors.pop(name, None)
        if former is not None:
            self.actors["%s (%d)" % (name, len(self.actors))] = former
        self.actors[name] = actor
        return actor

    async def do_listen(self, step: Step) -> None:
        """Listens, for a worker or a client under test; its address is $address."""
        try:
            tls = encryption.showing() if self.tls else None
            self._server = await asyncio.start_server(self._arrive, "127.0.0.1", step.get("port", 0), ssl=tls)
        except OSError as error:
            raise HarnessError("no port: %s" % error.strerror) from None
        host, port = self._server.sockets[0].getsockname()[:2]
        self.bound["address"] = "%s:%d" % (host, port)

    async def _arrive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._arrivals.put((reader, writer))

    async def arrival(self, deadline: float) -> Streams:
        """The next connection of a worker or a client under test. Raises TimedOut."""
        left = deadline - asyncio.get_running_loop().time()
        try:
            return await asyncio.wait_for(self._arrivals.get(), left)
        except asyncio.TimeoutError:
            raise TimedOut("the %s does not connect" % self.scenario.role) from None

    async def do_accept(self, step: Step) -> None:
        """Waits for the implementation to connect and to greet; `answer` is what the accept says, or false for none.

        With `not_before` it must stay away for so many milliseconds.
        """
        begun = asyncio.get_running_loop().time()
        deadline = self.deadline(step, CONNECT_SECONDS)
        streams = await self.arrival(deadline)
        away = (asyncio.get_running_loop().time() - begun) * 1000
        actor = self._cast(step, "scheduler", self.scenario.role)
        actor.begin(*streams)
        if away < step.get("not_before", 0) - CLOCK_MS:
            raise Failed("it came back after %d ms, and not after %d" % (away, step["not_before"]))
        opening = await hearing.one(actor, deadline, "Hello", {"kind": "open", **step.get("where", {})}, NONE)
        self.bound["nonce"] = opening.value["nonce"]
        answer = step.get("answer", {})
        if answer is False:
            return
        if self.scenario.role == "worker":
            answer = merged({"session": "$session"}, answer)
        await actor.send("Hello", self.value("Hello", merged({"kind": "accept"}, answer)))

    async def do_stays_away(self, step: Step) -> None:
        """The implementation does not connect for so many milliseconds: longer than its first waits."""
        await asyncio.sleep(step["of"] / 1000)
        if not self._arrivals.empty():
            raise Failed("the %s connects again, although the same again will fail again" % self.scenario.role)

    async def do_tap(self, step: Step) -> None:
        """Listens for a client under test, and leads it to the scheduler under test; its address is $address."""
        tap = Tap(step["of"], self.wire, self.address, self.log)
        self._taps.append(tap)
        self.bound["address"] = await tap.open()

    async def do_half_close(self, step: Step) -> None:
        """Sends nothing more, and goes on to read."""
        self.actor(step).half_close()

    async def do_reset(self, step: Step) -> None:
        """Tears the connection down."""
        self.actor(step).reset()

    async def do_close(self, step: Step) -> None:
        """Closes it as programs do that end."""
        actor = self.actor(step)
        actor.left = True
        await actor.end()

    async def do_pause_reading(self, step: Step) -> None:
        """Takes nothing more from the socket."""
        self.actor(step).pause()

    async def do_resume_reading(self, step: Step) -> None:
        """Reads again."""
        self.actor(step).resume()

    async def do_keepalive(self, step: Step) -> None:
        """Whether pings are sent and answered."""
        self.actor(step).keepalive = step["on"]
