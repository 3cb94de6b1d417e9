"""One connection to the scheduler, from the Hello that opens it to its end.

It keeps the handshake, the heartbeats, the acknowledgement of Results and the judgement of what comes; it knows nothing
of requests. `receive` returns the messages that concern them. What is to be sent waits for `take_out`; once `closing`
is set the shell sends that and closes the stream.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from wiretask_protocol import MAX_VERSION, MIN_VERSION
from wiretask_protocol.authentication import NONCE_OCTETS, Credentials, Opening
from wiretask_protocol.codec import encode
from wiretask_protocol.connection import Connection, looks_like_tls
from wiretask_protocol.errors import ErrorCode, WireError, error_message
from wiretask_protocol.limits import (
    DEDUP_WINDOW_MS,
    FRAME_LIMIT,
    HANDSHAKE_DEADLINE_MS,
    HEARTBEAT_MS,
    IN_FLIGHT,
    SILENCE_HEARTBEATS,
)
from wiretask_protocol.machines import ClientConnectionState
from wiretask_protocol.messages import (
    Accepted,
    AnyMessage,
    Auth,
    Error,
    ErrorScope,
    Goodbye,
    GoodbyeReason,
    Hello,
    HelloKind,
    Result,
    Role,
    VersionRange,
)

_NONCE_BITS = 64
#: Grease keeps peers used to what they do not know (R-HEL-010): one of 16 tags, one of 16 commands.
_GREASE_TAG = 0x7FA0
_GREASE_COMMAND = 0xC0
_GREASE_BITS = 4


class Identity(NamedTuple):
    """Who opens a connection, as operators see it, and what proves it."""

    name: str
    agent: str
    credentials: Credentials | None = None


class Session:
    """One end of one connection. After each call: send `take_out`, then look at `closing`."""

    def __init__(
        self, now: float, random_bits: Callable[[int], int], identity: Identity, certificate: bytes = b""
    ) -> None:
        """`certificate` stands for the one that the scheduler has shown in TLS."""
        self.out: list[bytes] = []
        #: Nothing more is to be read, and nothing sent but what is in `out`.
        self.closing = False
        #: Why it ended, where that is known: an Error of the scheduler, or what was wrong with what it sent.
        self.verdict: Error | None = None
        #: Whether the verdict is ours: the scheduler broke the protocol.
        self.faulty = False
        self.window = IN_FLIGHT
        self.frame_limit = FRAME_LIMIT
        self.dedup_window_seconds = DEDUP_WINDOW_MS / 1000
        self.reconnect_after_seconds: float | None = None
        self._random_bits = random_bits
        self._connection = Connection("client", FRAME_LIMIT)
        self._nonce = random_bits(_NONCE_BITS)
        self._heartbeat_seconds = HEARTBEAT_MS / 1000
        self._handshake_until = now + HANDSHAKE_DEADLINE_MS / 1000
        self._last_received = self._last_sent = now
        self._result_seq = self._accepted_result_seq = 0
        self._opening: Opening | None = None
        self._greet(identity, certificate)

    @property
    def accepted(self) -> bool:
        """Whether requests may be sent: the scheduler has accepted the connection and has not said goodbye."""
        return self._connection.state is ClientConnectionState.ACCEPTED and not self.closing

    @property
    def speaks_tls(self) -> bool:
        """Whether what answers has begun like TLS."""
        return looks_like_tls(self._connection.first_bytes)

    def receive(self, octets: bytes, now: float) -> list[AnyMessage]:
        """Takes what has come and returns the messages that concern requests, and Hello accept, in order."""
        if self.closing:
            return []
        self._last_received = now
        taken: list[AnyMessage] = []
        try:
            self._sort(self._connection.receive(octets), taken)
            while self._connection.more and not self.closing:
                self._sort(self._connection.receive(b""), taken)
        except WireError as error:
            self.fault(error)
        return taken

    def ping(self, nonce: int) -> None:
        """Asks whether the scheduler is there."""
        self.out.append(encode(Hello(HelloKind.PING, nonce)))

    def take_out(self) -> list[bytes]:
        """What is to be sent, the acknowledgement of Results included."""
        if self._result_seq > self._accepted_result_seq and not self.closing:
            self._accepted_result_seq = self._result_seq
            self.out.append(encode(Accepted(self._result_seq)))
        out, self.out = self.out, []
        return out

    def sent(self, now: float) -> None:
        """Something has been sent: the scheduler knows that we are there."""
        self._last_sent = now

    def leave(self) -> None:
        """Says goodbye, and closes."""
        if not self.closing:
            self.out.append(encode(Goodbye(GoodbyeReason.DONE)))
            self.closing = True

    def tick(self, now: float) -> None:
        """Keeps the connection alive, or gives it up."""
        if self.closing or now < self.deadline():
            return
        if not self._connection.accepted:
            self.fault(WireError(ErrorCode.HANDSHAKE_TIMEOUT), faulty=False)
        elif now >= self._last_received + SILENCE_HEARTBEATS * self._heartbeat_seconds:
            self.fault(WireError(ErrorCode.SILENT, detail="nothing came from the scheduler for too long"), faulty=False)
        else:
            self.ping(self._random_bits(_NONCE_BITS))

    def deadline(self) -> float:
        """When `tick` has something to do."""
        if not self._connection.accepted:
            return self._handshake_until
        silence = self._last_received + SILENCE_HEARTBEATS * self._heartbeat_seconds
        return min(silence, self._last_sent + self._heartbeat_seconds)

    def fault(self, error: WireError, *, faulty: bool = True) -> None:
        """Ends the connection, and tells the scheduler why."""
        self.verdict = error.to_message()
        self.faulty = faulty
        self.out.append(encode(self.verdict))
        self.closing = True

    def _greet(self, identity: Identity, certificate: bytes) -> None:
        bits = self._random_bits(2 * _GREASE_BITS)
        self._grease = _GREASE_COMMAND | bits >> _GREASE_BITS
        hello = Hello(
            HelloKind.OPEN,
            self._nonce,
            versions=VersionRange(MIN_VERSION, MAX_VERSION),
            role=Role.CLIENT,
            agent=identity.agent,
            frame_limit=FRAME_LIMIT,
            key_id=identity.credentials.key_id if identity.credentials is not None else None,
            name=identity.name,
            unknown=((_GREASE_TAG | bits & 0xF, self._nonce.to_bytes(8, "big")[: bits & 0x7]),),
        )
        self.out.append(encode(hello))
        if identity.credentials is not None:
            nonce = self._random_bits(8 * NONCE_OCTETS).to_bytes(NONCE_OCTETS, "big")
            self._opening = Opening(hello, identity.credentials, nonce, certificate)

    def _sort(self, messages: list[AnyMessage], taken: list[AnyMessage]) -> None:
        for message in messages:
            if type(message) is Result:
                if message.seq != self._result_seq + 1:
                    raise WireError(ErrorCode.BAD_SEQUENCE, "seq", command=Result.COMMAND)
                self._result_seq = message.seq
                taken.append(message)
            elif isinstance(message, Hello):
                self._on_hello(message, taken)
            elif isinstance(message, Error):
                self._on_error(message, taken)
            elif isinstance(message, Goodbye):
                self._on_goodbye(message)
            elif isinstance(message, Auth):
                self._on_challenge(message)
            else:
                taken.append(message)

    def _on_hello(self, message: Hello, taken: list[AnyMessage]) -> None:
        if message.kind is HelloKind.ACCEPT:
            self._on_accept(message)
            if not self.closing:
                taken.append(message)
        elif message.kind is HelloKind.PING:
            self.out.append(encode(Hello(HelloKind.PONG, message.nonce)))
        else:
            taken.append(message)

    def _on_challenge(self, message: Auth) -> None:
        if self._opening is None:
            self.fault(WireError(ErrorCode.AUTH_REQUIRED, command=Auth.COMMAND), faulty=False)
            return
        self.out.append(encode(self._opening.prove(message)))

    def _on_accept(self, message: Hello) -> None:
        if self._opening is not None and not self._opening.is_proved(message):
            detail = "what answers has not proved that it knows the token; check the address, and the credentials"
            self.fault(WireError(ErrorCode.AUTH_FAILED, command=Hello.COMMAND, detail=detail), faulty=False)
            return
        if message.version is None or not MIN_VERSION <= message.version <= MAX_VERSION:
            raise WireError(ErrorCode.VERSION_MISMATCH, "version", command=Hello.COMMAND)
        if message.nonce != self._nonce:
            detail = "the accept does not answer our open: its nonce is another"
            raise WireError(ErrorCode.VERSION_MISMATCH, "nonce", command=Hello.COMMAND, detail=detail)
        self.window = message.in_flight or IN_FLIGHT
        self.frame_limit = min(FRAME_LIMIT, message.frame_limit or FRAME_LIMIT)
        self._connection.limit = self.frame_limit
        self._heartbeat_seconds = (message.heartbeat or HEARTBEAT_MS) / 1000
        if message.dedup_window is not None:
            self.dedup_window_seconds = message.dedup_window / 1000
        self.out.append(bytes([self._grease, 0, 0, 0, 0]))

    def _on_error(self, message: Error, taken: list[AnyMessage]) -> None:
        taken.append(message)
        if message.scope == ErrorScope.CONNECTION:
            self.verdict = message

    def _on_goodbye(self, message: Goodbye) -> None:
        if message.reconnect_after is not None:
            self.reconnect_after_seconds = message.reconnect_after / 1000
        if not self._connection.accepted:
            text = message.text or ""
            self.verdict = error_message(ErrorCode.SHUTTING_DOWN, command=Goodbye.COMMAND, text=text or None)
            self.closing = True
