# Generated from spec/ (sha256 cc8e984844d8e543); do not edit.
# Edit the spec and run: nox -s generate
"""One end of a connection: octets in at any split, messages out, in the order of errors that the protocol prescribes.

It knows frames and the state machine of its side, and nothing of sockets, clocks or tasks. How to use it:

    for message in connection.receive(octets): ...
    while connection.more: ...connection.receive(b"")

`receive` returns as soon as a message has changed the state, so that what it means is decided (with `event`, say)
before the next frame is judged; `more` says that octets are left. What is wrong is raised as WireError, but only when
all earlier messages have been returned; after it the connection is closed.
"""

from __future__ import annotations

import enum
import struct
from typing import Any, Literal

from wiretask_protocol import machines
from wiretask_protocol.codec import DECODERS
from wiretask_protocol.errors import ErrorCode, WireError
from wiretask_protocol.limits import FRAME_LIMIT, HANDSHAKE_FRAME_LIMIT
from wiretask_protocol.messages import AnyMessage

Side = Literal["scheduler", "worker", "client"]

_HEADER = struct.Struct(">BI")
HEADER_OCTETS = 5

#: A frame whose missing part is larger than this is collected in pieces: joining them one by one is quadratic.
_PIECEWISE_OCTETS = 65536

#: What becomes of a command that no message has.
_COMMAND_KINDS: tuple[str, ...] = (
    *("never",) * 1,
    *("required",) * 21,
    *("never",) * 1,
    *("required",) * 42,
    *("never",) * 26,
    *("required",) * 37,
    *("skippable",) * 64,
    *("grease",) * 16,
    *("private",) * 32,
    *("never",) * 16,
)
_SKIPPED = frozenset({"skippable", "grease"})
FIRST_COMMAND = 3


class _Rules:
    """What one state of one side allows."""

    __slots__ = ("accepted", "changing", "decoders", "local")

    def __init__(self, state: Any, table: Any, events: Any, local: Any, accepted: Any) -> None:
        #: Commands that are allowed, or that are for some of their kinds.
        self.decoders = {
            command: DECODERS[command] for (command, _), event in events.items() if table[state][event] is not None
        }
        #: Commands that are looked at once more when they are decoded: they change the state, or have kinds.
        self.changing = {
            command
            for (command, kind), event in events.items()
            if command in self.decoders and (kind is not None or table[state][event] is not state)
        }
        self.local = state in local
        self.accepted = state in accepted


def _rules(side: str) -> dict[Any, _Rules]:
    name = f"{side.upper()}_CONNECTION"
    table = getattr(machines, name)
    local = getattr(machines, f"{name}_LOCAL")
    events = getattr(machines, f"{name}_EVENTS")
    accepted = _ACCEPTED[name]
    return {state: _Rules(state, table, events, local, accepted) for state in table}


#: States in which the connection is accepted: a ping is allowed there.
_ACCEPTED: dict[str, frozenset[Any]] = {
    "SCHEDULER_CONNECTION": frozenset({machines.SchedulerConnectionState.WORKER_NEW, machines.SchedulerConnectionState.WORKER, machines.SchedulerConnectionState.WORKER_DRAINING, machines.SchedulerConnectionState.CLIENT}),
    "WORKER_CONNECTION": frozenset({machines.WorkerConnectionState.ACCEPTED, machines.WorkerConnectionState.LEAVING}),
    "CLIENT_CONNECTION": frozenset({machines.ClientConnectionState.ACCEPTED, machines.ClientConnectionState.LEAVING}),
}
_RULES: dict[str, dict[Any, _Rules]] = {side: _rules(side) for side in ("scheduler", "worker", "client")}


class Connection:
    """One end of a connection, on the side of the scheduler, of a worker or of a client."""

    def __init__(self, side: Side, frame_limit: int = FRAME_LIMIT) -> None:
        name = f"{side.upper()}_CONNECTION"
        self.side = side
        #: The frame limit in force once accepted; set it to the smaller of both peers' when the accept is known.
        self.limit = frame_limit
        self.state: Any = getattr(machines, f"{name}_INITIAL")
        #: Whether octets are left that a state change has kept from being looked at.
        self.more = False
        #: The first octets that came, for whoever wants to answer another protocol in its own words.
        self.first_bytes = b""
        self._table: Any = getattr(machines, name)
        self._events: Any = getattr(machines, f"{name}_EVENTS")
        self._close: Any = getattr(machines, f"{_PREFIXES[side]}Event").CLOSE
        self._rules = _RULES[side][self.state]
        self._rest = b""
        self._pieces: list[bytes] = []
        self._missing = 0
        self._error: WireError | None = None
        self._greeted = False

    @property
    def accepted(self) -> bool:
        """Whether the handshake is over and the connection is not closed."""
        return self._rules.accepted

    @property
    def closed(self) -> bool:
        """Whether nothing more is read."""
        return bool(self.state.name == "CLOSED")

    @property
    def partial(self) -> int:
        """Octets of a frame that has not come whole."""
        return len(self._rest) + sum(map(len, self._pieces))

    def event(self, event: enum.IntEnum) -> None:
        """Something of our own has happened. Raises ValueError where the machine has no such transition."""
        target = self._table[self.state][event]
        if target is None:
            raise ValueError(f"{event.name} is not possible in the state {self.state.name}")
        self._enter(target)

    def close(self) -> None:
        """Either side has closed the connection: nothing more is read."""
        self.event(self._close)
        self._rest = b""
        self._pieces.clear()
        self.more = False

    def eof(self) -> None:
        """The stream has ended. Raises WireError if that was in the middle of a frame."""
        inside = self.partial
        self.close()
        if inside:
            raise WireError(ErrorCode.TRUNCATED, "", inside, detail="the stream ended in the middle of a frame")

    def receive(self, octets: bytes) -> list[AnyMessage]:
        """The messages that have come whole. Raises WireError for what is not in the protocol, and closes."""
        if self._error is not None:
            error, self._error = self._error, None
            self.close()
            raise error
        if self.closed:
            return []
        if self._missing > len(octets):
            self._missing -= len(octets)
            self._pieces.append(octets)
            return []
        data = self._joined(octets)
        if not self._greeted and data:
            self._greet(data)
        messages: list[AnyMessage] = []
        try:
            at = self._read(data, messages)
        except WireError as error:
            if not messages:
                self.close()
                raise
            self._error = error
            self.more = True
            return messages
        self._rest = data[at:] if at else data
        return messages

    def _joined(self, octets: bytes) -> bytes:
        if self._pieces:
            data = b"".join([*self._pieces, octets])
            self._pieces.clear()
        else:
            data = self._rest + octets if self._rest else octets
        self._rest = b""
        self._missing = 0
        return data

    def _read(self, data: bytes, messages: list[AnyMessage]) -> int:
        """Decodes frames into `messages` and returns where it has stopped."""
        at, end = 0, len(data)
        rules = self._rules
        decoders, changing, unpack = rules.decoders, rules.changing, _HEADER.unpack_from
        limit = self.limit if rules.accepted else HANDSHAKE_FRAME_LIMIT
        self.more = False
        if rules.local:
            self.more = end - at >= HEADER_OCTETS
            return at
        while end - at >= HEADER_OCTETS:
            command: int
            length: int
            command, length = unpack(data, at)
            start = at + HEADER_OCTETS
            decoder = decoders.get(command)
            if decoder is None:
                self._judge(command)
            if length > limit:
                raise WireError(ErrorCode.FRAME_TOO_LARGE, "", None, command=command)
            stop = start + length
            if stop > end:
                self._wait(data, at, stop - end)
                return end if self._pieces else at
            if decoder is not None:
                message = decoder(data, start, stop)
                if command in changing and self._step(command, message):
                    messages.append(message)
                    self.more = stop < end and not self.closed
                    return stop
                messages.append(message)
            at = stop
        return at

    def _wait(self, data: bytes, at: int, missing: int) -> None:
        if missing > _PIECEWISE_OCTETS:
            self._pieces.append(data[at:])
            self._missing = missing

    def _step(self, command: int, message: AnyMessage) -> bool:
        """Follows the machine with a message; whether the state has changed."""
        event = self._events.get((command, None))
        if event is None:
            event = self._events[command, int(getattr(message, "kind"))]  # noqa: B009 -- only messages with kinds
        target = self._table[self.state][event]
        if target is None:
            raise WireError(ErrorCode.UNEXPECTED_MESSAGE, "", None, command=command)
        if target is self.state:
            return False
        self._enter(target)
        return True

    def _enter(self, state: Any) -> None:
        self.state = state
        self._rules = _RULES[self.side][state]

    def _judge(self, command: int) -> None:
        """Raises the error of a command that is not allowed; returns if its frame is to be skipped."""
        if command in DECODERS:
            raise WireError(ErrorCode.UNEXPECTED_MESSAGE, "", None, command=command)
        if _COMMAND_KINDS[command] in _SKIPPED:
            if self._rules.accepted:
                return
            raise WireError(ErrorCode.UNEXPECTED_MESSAGE, "", None, command=command)
        raise WireError(ErrorCode.UNKNOWN_COMMAND, "", None, command=command)

    def _greet(self, data: bytes) -> None:
        """Looks at the first octet of all: a scheduler's port is found by all kinds of programs."""
        self._greeted = True
        self.first_bytes = data[:1024]
        if self.side == "scheduler" and data[0] != FIRST_COMMAND:
            guess = _guess(data)
            detail = f"this port speaks the Wiretask protocol; {guess}"
            self.close()
            raise WireError(ErrorCode.NOT_WIRETASK, "", None, detail=detail)


_PREFIXES: dict[str, str] = {side: f"{side.capitalize()}Connection" for side in ("scheduler", "worker", "client")}


def _guess(data: bytes) -> str:
    """What it probably is that came instead of a Hello."""
    if data[0] == 0x16:
        return "these bytes are a TLS handshake: connect without TLS, or to the port that has it"
    if data.startswith(b"PROXY ") or data.startswith(b"\r\n\r\n\0\r\nQUIT\n"):
        return "these bytes are a PROXY header: switch it off in the proxy"
    if looks_like_http(data):
        return "these bytes are an HTTP request: the HTTP interface has a port of its own"
    if data.startswith(b"SSH-"):
        return "these bytes are SSH: connect to another port"
    if data[0] in DECODERS:
        return "the first message of a connection is a Hello"
    return "these bytes are not it: check the address and the port"


_METHODS = (b"GET ", b"POST ", b"PUT ", b"HEAD ", b"OPTIONS ", b"DELETE ", b"PATCH ", b"CONNECT ", b"TRACE ", b"PRI * HTTP")


def looks_like_http(data: bytes) -> bool:
    """Whether the first octets of a connection are those of an HTTP request."""
    return any(data.startswith(method[: len(data)]) for method in _METHODS)


def looks_like_tls(data: bytes) -> bool:
    """Whether the first octets of a connection are those of TLS: of a handshake, or of an alert."""
    return data[:2] in (b"\x16\x03", b"\x15\x03")
