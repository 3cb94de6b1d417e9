"""Plays one scenario: each verb is a method, and what goes wrong is one of `verdicts`.

Nothing waits for a time to pass where it can wait for something to happen: that nothing more comes is shown by a
barrier (see `hearing.quiet`), never by sleeping.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import itertools
import os
import struct
import time
from collections.abc import Callable
from typing import Any

from wiretask_conformance import hearing
from wiretask_conformance.actor import Actor, described
from wiretask_conformance.matching import filled, matches, merged, picked
from wiretask_conformance.scenario import Scenario, Step
from wiretask_conformance.tap import Tap
from wiretask_conformance.testee import ContractError, Testee
from wiretask_conformance.verdicts import Failed, HarnessError, NotApplicable, TimedOut
from wiretask_conformance.watch import Received
from wiretask_conformance.wire import Wire, octets_of

#: How long something may take that a scenario waits for, unless it says so: far more than it takes.
WITHIN_SECONDS = 5.0
#: The same for a part that starts, or starts again.
START_SECONDS = 30.0
#: Lines of the wire log that are kept of a scenario.
LOG_LINES = 400
#: Two clocks differ by less than this.
CLOCK_MS = 5
#: No message may come before the one that is expected.
NONE: frozenset[str] = frozenset()
_COUNTER = itertools.count(1)


class Stage:
    """One performance of one scenario."""

    def __init__(self, scenario: Scenario, wire: Wire, testee: Testee, templates: dict[str, Any], scale: float) -> None:
        self.scenario = scenario
        self.wire = wire
        self.testee = testee
        self.templates = templates
        self.scale = scale
        self.lines: list[str] = []
        self.actors: dict[str, Actor] = {}
        #: Further adapters, by their role: where two implementations meet, `testee` is the scheduler's.
        self.others: dict[str, Testee] = {}
        self._taps: list[Tap] = []
        run = next(_COUNTER)
        self.bound: dict[str, Any] = {"queue": "conformance.%s.%d" % (scenario.id, run), "nonce": 7}
        self.bound["session"] = "hex:" + os.urandom(16).hex()
        self.bound["task"] = self.new_id(self.bound["queue"])
        self.address = ("127.0.0.1", 0)
        self._begun = time.monotonic()
        self._server: asyncio.AbstractServer | None = None
        self._arrivals: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    # The performance

    async def play(self) -> None:
        """All steps. Raises what `verdicts` says, or ContractError."""
        try:
            for step in self.scenario.steps:
                await self.do(step)
            await self._curtain()
        finally:
            await self._clear()

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

    async def _clear(self) -> None:
        if self._server is not None:
            self._server.close()
        for tap in self._taps:
            await tap.close()
        for actor in self.actors.values():
            await actor.end()
        while not self._arrivals.empty():
            self._arrivals.get_nowait()[1].close()

    def log(self, line: str) -> None:
        """A line of the wire log, with the time since the beginning."""
        if len(self.lines) < LOG_LINES:
            self.lines.append("%7.3f %s" % (time.monotonic() - self._begun, line))

    def new_id(self, queue: str) -> str:
        """A task id in the placement of a queue (UUIDv7, PROTOCOL.md TaskId)."""
        octets = bytearray(struct.pack(">Q", int(time.time() * 1000) << 16) + os.urandom(8))
        octets[6:8] = os.urandom(2)
        octets[6] = 0x70 | octets[6] & 0x0F
        octets[8] = 0x80 | octets[8] & 0x3F
        octets[14:16] = hashlib.sha256(queue.encode()).digest()[:2]
        return "hex:" + octets.hex()

    def deadline(self, step: Step, seconds: float = WITHIN_SECONDS) -> float:
        """When what a step waits for must have come."""
        within: float = step.get("within", seconds * 1000) / 1000
        return asyncio.get_running_loop().time() + within * self.scale

    def actor(self, step: Step) -> Actor:
        """The connection that a step is about."""
        if step["of"] not in self.actors:
            raise HarnessError("there is no connection %s" % step["of"])
        return self.actors[step["of"]]

    def value(self, message: str, given: dict[str, Any]) -> dict[str, Any]:
        """The value of a message: the template of its kind, with what the scenario says."""
        kind = given.get("kind")
        template = self.templates["%s.%s" % (message, kind) if kind is not None else message]
        made: dict[str, Any] = filled(merged(template, given), self.bound)
        return made

    # Connections

    async def do_connect(self, step: Step) -> None:
        """Connects to the scheduler under test, as a worker or a client; `raw` says nothing and decodes nothing."""
        plays = step.get("as", "client")
        actor = self._cast(step, plays, "scheduler")
        actor.raw = step.get("raw", False)
        try:
            streams = await asyncio.wait_for(asyncio.open_connection(*self.address), WITHIN_SECONDS * self.scale)
        except (OSError, asyncio.TimeoutError) as error:
            raise Failed("the scheduler does not take a connection: %s" % error) from None
        actor.begin(*streams)
        if actor.raw or step.get("open") is False:
            return
        opening = merged({"kind": "open", "role": plays}, step.get("open", {}))
        await actor.send("Hello", self.value("Hello", opening))
        if step.get("accepted", True):
            accept = await hearing.one(actor, self.deadline(step), "Hello", {"kind": "accept"})
            self.bound.update({"%s.%s" % (actor.name, key): item for key, item in accept.value.items()})

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
            self._server = await asyncio.start_server(self._arrive, "127.0.0.1", step.get("port", 0))
        except OSError as error:
            raise HarnessError("no port: %s" % error.strerror) from None
        host, port = self._server.sockets[0].getsockname()[:2]
        self.bound["address"] = "%s:%d" % (host, port)

    async def _arrive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._arrivals.put((reader, writer))

    async def do_accept(self, step: Step) -> None:
        """Waits for the implementation to connect and to greet; `answer` is what the accept says, or false for none.

        With `not_before` it must stay away for so many milliseconds.
        """
        begun = asyncio.get_running_loop().time()
        deadline = self.deadline(step, START_SECONDS)
        try:
            left = deadline - asyncio.get_running_loop().time()
            streams = await asyncio.wait_for(self._arrivals.get(), left)
        except asyncio.TimeoutError:
            raise TimedOut("the %s does not connect" % self.scenario.role) from None
        away = (asyncio.get_running_loop().time() - begun) * 1000
        if away < step.get("not_before", 0) - CLOCK_MS:
            raise Failed("it came back after %d ms, and not after %d" % (away, step["not_before"]))
        actor = self._cast(step, "scheduler", self.scenario.role)
        actor.begin(*streams)
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

    # Out

    async def do_send(self, step: Step) -> None:
        """A message; what is not said is taken from its template, the seq is the next one. `times` repeats it."""
        actor = self.actor(step)
        for _ in range(step.get("times", 1)):
            value = self._next_value(actor, step)
            await actor.send(step["message"], value, step.get("sizes"))
            self._bind(step, value)

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
            self._bind(step, received.value)

    def _bind(self, step: Step, value: dict[str, Any]) -> None:
        for name, path in step.get("bind", {}).items():
            self.bound[name] = picked(value, path)

    async def do_expect_all(self, step: Step) -> None:
        """Several messages, in any order."""
        wanted = [(item["message"], filled(item.get("where", {}), self.bound)) for item in step["messages"]]
        found = await hearing.every(self.actor(step), self.deadline(step), wanted)
        for item, received in zip(step["messages"], found):
            self._bind(item, received.value)

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
        actor, deadline = self.actor(step), self.deadline(step)
        wanted = step["begin"].encode()
        while len(actor.octets) < len(wanted):
            if await actor.next(deadline, "octets") is None:
                break
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
        self._bind(step, answer)

    async def do_restart(self, step: Step) -> None:
        """Ends the scheduler (kill, graceful) and starts it with what it had."""
        answer = await self.ask("restart", mode=step["of"])
        self.connect_to(answer)

    def connect_to(self, answer: dict[str, Any]) -> None:
        """Takes the address that a scheduler says. Raises ContractError."""
        host, _, port = str(answer.get("listening", "")).rpartition(":")
        if not port.isdigit():
            raise ContractError("the answer has no address: %s" % answer)
        self.address = (host, int(port))

    async def ask(self, op: str, to: str | None = None, **arguments: Any) -> dict[str, Any]:
        """A request to the adapter and its `ok`. Raises ContractError, or NotApplicable where it cannot do it."""
        self.log("adapter > %s %s" % (op, arguments))
        seconds = START_SECONDS if op in ("listen", "restart") else WITHIN_SECONDS * 2
        request = functools.partial(
            (self.others[to] if to else self.testee).ask, op, seconds=seconds * self.scale, **arguments
        )
        answer = await asyncio.get_running_loop().run_in_executor(None, request)
        self.log("adapter < %s" % answer)
        if "skipped" in answer:
            raise NotApplicable(str(answer["skipped"]))
        if "crashed" in answer:
            raise Failed("%s crashed: %s" % (op, answer["crashed"]))
        if not isinstance(answer.get("ok"), dict):
            raise ContractError("the answer to %s is ok (an object) or skipped, not %s" % (op, answer))
        found: dict[str, Any] = answer["ok"]
        return found
