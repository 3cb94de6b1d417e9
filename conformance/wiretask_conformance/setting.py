"""What a scenario is played in: what is bound, who is there, how long things may take, and the adapter."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import itertools
import os
import struct
import time
from typing import Any

from wiretask_conformance import encryption, handshake
from wiretask_conformance.actor import Actor
from wiretask_conformance.matching import filled, merged, picked
from wiretask_conformance.scenario import Scenario, Step
from wiretask_conformance.tap import Tap
from wiretask_conformance.testee import ContractError, Testee
from wiretask_conformance.verdicts import Failed, HarnessError, NotApplicable
from wiretask_conformance.wire import Wire

#: How long something may take that a scenario waits for, unless it says so: far more than it takes.
WITHIN_SECONDS = 5.0
#: The same for a part that starts, or starts again.
START_SECONDS = 30.0
#: The same for a worker or a client that looks for its scheduler.
CONNECT_SECONDS = 10.0
#: Lines of the wire log that are kept of a scenario.
LOG_LINES = 400
_COUNTER = itertools.count(1)


class Setting:
    """Everything that the verbs of a scenario share."""

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
        #: What an implementation that is to prove is given.
        self.bound["credentials"] = handshake.credentials(handshake.KEYS.get(scenario.role, ""))
        self.tls = "tls" in scenario.needs
        self.bound["ca"] = encryption.pem("ca.pem")
        #: The keys that our connections have named, by their names.
        self.keys: dict[str, str] = {}
        self.bound["session"] = "hex:" + os.urandom(16).hex()
        self.bound["task"] = self.new_id(self.bound["queue"])
        self.address = ("127.0.0.1", 0)
        self._begun = time.monotonic()
        self._server: asyncio.AbstractServer | None = None
        self._arrivals: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

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

    def bind(self, step: Step, value: dict[str, Any]) -> None:
        """Binds what a step wants of a value."""
        for name, path in step.get("bind", {}).items():
            self.bound[name] = picked(value, path)

    def connect_to(self, op: str, answer: dict[str, Any]) -> None:
        """Takes the address that a scheduler says in its answer to a request. Raises ContractError."""
        host, _, port = str(answer.get("listening", "")).rpartition(":")
        host = host.strip("[]")
        if not host.isprintable() or not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 1 << 16:
            raise ContractError('ok of %s is {"listening": "HOST:PORT"}, not %s' % (op, answer))
        self.address = (host, int(port))

    async def ask(self, op: str, to: str | None = None, **arguments: Any) -> dict[str, Any]:
        """A request to the adapter and its `ok`. Raises ContractError, or NotApplicable where it cannot do it."""
        self.log("adapter > %s %s" % (op, arguments))
        seconds = START_SECONDS if op in ("listen", "restart") else WITHIN_SECONDS * 2
        testee = self.others[to] if to else self.testee
        # The testee scales every wait itself; what is left is the patience of a second try.
        request = functools.partial(testee.ask, op, seconds=seconds * self.scale / testee.scale, **arguments)
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
