"""Holds what one side of a connection sends against the spec: legal frames, from who may send them, when, in order.

Sans-IO: octets in, messages out, `Failed` for what is not in the spec.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from wiretask_conformance.spec import Event
from wiretask_conformance.verdicts import Failed
from wiretask_conformance.wire import HEADER, Refused, Wire

#: Commands that mean nothing, sent so that skipping stays alive: a peer may send them once the connection is accepted.
_SKIPPED = {"skippable", "grease"}
#: What an opener may say before it is accepted, besides a proof.
_BEFORE_THE_ACCEPT = {"Error", "Goodbye"}


class Received(NamedTuple):
    """A message that has come. Its value is readable (see `wire`)."""

    message: str
    value: dict[str, Any]
    payload: bytes = b""

    @property
    def event(self) -> str:
        """As the machines write it."""
        return Event(self.message, self.value.get("kind")).name


class Watch:
    """One direction of one connection: `reader` is the role that reads it, `sender` the one that is watched."""

    def __init__(self, name: str, reader: str, sender: str, wire: Wire) -> None:
        self.name = name
        self.reader = reader
        self.sender = sender
        self.wire = wire
        self.machine = wire.spec.machine(reader)
        self.state = self.machine.initial
        self.last_seq = 0
        #: The longest payload that may come now, and what each side has said of it.
        self.limit: int = wire.spec.limits["handshake_frame_limit"]["value"]
        self._limits: list[int] = []
        #: Whether a command came that means nothing, as R-HEL-010 wants it.
        self.greased = False
        self._rest = b""

    @property
    def inside_frame(self) -> bool:
        """Whether a frame has not come whole."""
        return bool(self._rest)

    def accepted(self) -> bool:
        """Whether the handshake is over and the connection goes on: then pings may be sent both ways."""
        return self.machine.table[self.state].get("Hello.ping") is not None

    def take(self, octets: bytes) -> Iterator[Received]:
        """The messages that are whole now. Raises Failed for what is not in the spec, after those before it."""
        data, self._rest = self._rest + octets, b""
        at = 0
        while len(data) - at >= HEADER:
            length = int.from_bytes(data[at + 1 : at + HEADER], "big")
            if length > self.limit:
                raise Failed("%s: a frame of %d octets came, and %d is the limit" % (self.name, length, self.limit))
            end = at + HEADER + length
            if end > len(data):
                break
            received = self._frame(data[at:end])
            at = end
            if received is not None:
                yield received
        self._rest = data[at:]

    def decide(self, event: str) -> None:
        """The reader has answered: where it is the scheduler, that is what moves its machine on."""
        own = {"Hello.accept": "accept_" + self.sender, "Auth.challenge": "challenge"}.get(event)
        if own is not None and self.state in self.machine.local:
            self.state = self.machine.table[self.state][own] or self.state

    def agree(self, message: Received) -> None:
        """Hears what either side says of frames: once both have, the smaller limit holds in both directions."""
        if message.event in ("Hello.open", "Hello.accept"):
            said = message.value.get("frame_limit", self.wire.spec.limits["frame_limit"]["value"])
            self._limits.append(int(said))
            if message.event == "Hello.accept":
                self.limit = min(self._limits)

    def _frame(self, frame: bytes) -> Received | None:
        spec = self.wire.spec
        if frame[0] not in spec.commands:
            kind = next(item["kind"] for item in spec.command_ranges if item["from"] <= frame[0] <= item["to"])
            if kind not in _SKIPPED or not self.accepted():
                raise Failed("%s: it sent the unknown command 0x%02x" % (self.name, frame[0]))
            self.greased = self.greased or kind == "grease"
            return None
        try:
            message, value, _ = self.wire.decode(frame, readable=True)
        except Refused as refused:
            raise Failed("%s: not legal: %s in %s" % (self.name, refused, frame[:200].hex())) from None
        received = Received(message, value, frame[HEADER:])
        self._follow(received)
        return received

    def _follow(self, received: Received) -> None:
        spec = self.wire.spec
        flow = "%s -> %s" % (self.sender, self.reader)
        target = self.machine.table[self.state].get(received.event)
        if self.state in self.machine.local and received.message in _BEFORE_THE_ACCEPT:
            # The scheduler has not decided yet, and reads nothing; what comes is for the state after that (R-HEL-007).
            target = self.state
        if flow not in spec.messages[received.message]["flows"] or target is None:
            raise Failed("%s: %s may not be sent while it is %s" % (self.name, received.event, self.state))
        self.state = target
        if spec.messages[received.message]["sequenced"]:
            if received.value["seq"] != self.last_seq + 1:
                raise Failed("%s: seq %s came after %d" % (self.name, received.value["seq"], self.last_seq))
            self.last_seq += 1
