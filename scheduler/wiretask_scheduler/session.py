"""One connection, without its socket: the handshake, the heartbeat, and what is to be sent when something is wrong.

It decides nothing about tasks: messages of an accepted peer go to the core as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from msgspec.structs import replace

from wiretask_protocol import MAX_VERSION, MIN_VERSION, codec
from wiretask_protocol.authentication import Transcript, same
from wiretask_protocol.connection import HEADER_OCTETS, Connection, looks_like_http
from wiretask_protocol.errors import ErrorCode, WireError, error_message
from wiretask_protocol.limits import (
    DEDUP_WINDOW_MS,
    FRAME_LIMIT,
    HANDSHAKE_DEADLINE_MS,
    HEARTBEAT_MS,
    IN_FLIGHT,
    SILENCE_HEARTBEATS,
)
from wiretask_protocol.machines import SchedulerConnectionEvent, SchedulerConnectionState
from wiretask_protocol.messages import Auth, AuthKind, Error, Goodbye, Hello, HelloKind, Role, ToScheduler
from wiretask_scheduler.core.grants import EVERYTHING, NOBODY, Grant
from wiretask_scheduler.core.sessions import Leaving
from wiretask_scheduler.tokens import Keyring, Token

#: An incomplete frame must have grown by this much a second, on average, or its peer is cut off.
MINIMUM_OCTETS_PER_SECOND = 1024

#: After so many heartbeats without a ping a worker gets one, so that its round-trip time is known.
_MEASURED_HEARTBEATS = 2

_HTTP = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n%s"
)
#: First numbers of the commands and the tags that are never assigned; there are 16 of each.
_GREASE_COMMAND, _GREASE_TAG = 0xC0, 0x7FA0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """What every connection has in common."""

    frame_limit: int = FRAME_LIMIT
    in_flight: int = IN_FLIGHT
    heartbeat_ms: int = HEARTBEAT_MS
    handshake_seconds: float = HANDSHAKE_DEADLINE_MS / 1000
    dedup_window_ms: int = DEDUP_WINDOW_MS
    agent: str = "wiretask-scheduler"
    #: Whether to send what peers must skip, so that skipping stays alive.
    grease: bool = True

    @property
    def heartbeat_seconds(self) -> float:
        """After so long without a word a ping is due."""
        return self.heartbeat_ms / 1000

    @property
    def silence_seconds(self) -> float:
        """After so long without a word a peer is taken for lost."""
        return SILENCE_HEARTBEATS * self.heartbeat_seconds


class Session:
    """What the scheduler knows of one connection. `out` is what to send now; `closing` says to close after it.

    `certificate` is what stands for the one that was shown in TLS; empty without TLS.
    """

    def __init__(self, number: int, settings: SessionSettings, now: float, certificate: bytes = b"") -> None:
        self.number = number
        self.settings = settings
        self.connection = Connection("scheduler", settings.frame_limit)
        self.out: list[bytes] = []
        self.closing = False
        #: What is wrong with the peer, in the words of the Error that it gets.
        self.refusal = ""
        self.hello: Hello | None = None
        #: The token that the peer has proved; None where nobody has to.
        self.token: Token | None = None
        self._certificate = certificate
        #: While a proof is awaited: the payload of the open, as that is small whatever is in it, and our nonce.
        self._asked: tuple[bytes, bytes] | None = None
        self._proved: tuple[Transcript, bytes] | None = None
        #: How the core is to take the end of the connection.
        self.leaving: Leaving = "broken"
        self._welcomed = False
        self._began = now
        self._heard = now
        self._said = now
        self._partial_since = now
        #: When a ping was sent last, and how long the answer took, in seconds.
        self._pinged = now
        self.round_trip: float | None = None

    @property
    def heard(self) -> float:
        """When something came from the peer last, by the monotonic clock."""
        return self._heard

    @property
    def accepted(self) -> bool:
        """Whether the core knows this peer."""
        return self.hello is not None

    @property
    def greeting(self) -> bool:
        """Whether an open is here and the scheduler must decide (with `accept` or `close`)."""
        return bool(self.connection.state is SchedulerConnectionState.OPENING)

    @property
    def proving(self) -> bool:
        """Whether a proof is here and the scheduler must decide."""
        return bool(self.connection.state is SchedulerConnectionState.PROVING)

    @property
    def principal(self) -> str:
        """Who the peer is."""
        return self.token.principal if self.token is not None else NOBODY

    @property
    def grant(self) -> Grant:
        """What the peer may do."""
        return self.token.grant if self.token is not None else EVERYTHING

    # -- what the peer says --

    def receive(self, octets: bytes, now: float) -> list[ToScheduler]:
        """The messages for the core; while `connection.more`, call again with nothing. An open is the last of its list.

        What is not in the protocol is answered here, and ends the connection.
        """
        self._heard = now
        connection = self.connection
        had_partial = connection.partial > 0
        try:
            # The machine of this side lets nothing else in.
            messages = cast("list[ToScheduler]", connection.receive(octets))
        except WireError as error:
            self.refuse(error)
            return []
        if messages or not had_partial:
            self._partial_since = now
        for message in messages:
            if type(message) is Hello and message.kind is HelloKind.PING:
                self.out.append(codec.encode(Hello(HelloKind.PONG, message.nonce)))
            elif type(message) is Hello and message.kind is HelloKind.PONG:
                self.round_trip = now - self._pinged
            elif type(message) is Goodbye:
                self.leaving = "goodbye"
        if connection.closed:
            self.closing = True
        return messages

    def end(self) -> None:
        """The peer says no more. In the middle of a frame that is an error, which it may still read."""
        if self.closing:
            return
        try:
            self.connection.eof()
        except WireError as error:
            self._say(error.to_message())
        self.closing = True

    # -- the handshake --

    def judge(self, hello: Hello, *, guarded: bool = False) -> Error | None:
        """What is wrong with an open, or None. `guarded` where everybody must prove who he is."""
        assert hello.versions is not None
        if _version(hello) < max(hello.versions.min_version, MIN_VERSION):
            text = f"this scheduler speaks versions {MIN_VERSION} to {MAX_VERSION}; upgrade the older side"
            return error_message(ErrorCode.VERSION_MISMATCH, command=Hello.COMMAND, text=text)
        if hello.role not in (Role.WORKER, Role.CLIENT):
            text = f"this scheduler serves workers and clients, not role {hello.role}"
            return error_message(ErrorCode.ROLE_REFUSED, command=Hello.COMMAND, text=text)
        if guarded:
            return error_message(ErrorCode.AUTH_REQUIRED, command=Hello.COMMAND) if hello.key_id is None else None
        if hello.key_id is not None:
            text = "this scheduler has no tokens; connect without one"
            return error_message(ErrorCode.AUTH_FAILED, command=Hello.COMMAND, text=text)
        return None

    def challenge(self, hello: Hello, nonce: bytes) -> None:
        """Asks for a proof of the key that an open has named, whether there is such a key or not."""
        self.connection.event(SchedulerConnectionEvent.CHALLENGE)
        self._asked = codec.encode(hello)[HEADER_OCTETS:], nonce
        self.out.append(codec.encode(Auth(AuthKind.CHALLENGE, nonce)))

    def prove(self, proof: Auth, keyring: Keyring) -> tuple[Hello, Error | None]:
        """Looks at a proof. Returns the open that it is for, and what is wrong, or None."""
        assert self._asked is not None
        opened, nonce = self._asked
        self._asked = None
        hello = codec.decode(Hello.COMMAND, opened)
        assert isinstance(hello, Hello)
        assert hello.key_id is not None
        transcript = Transcript(hello, Auth(AuthKind.CHALLENGE, nonce), self._certificate)
        right = same(transcript.client_proof(keyring.secret(hello.key_id), proof.nonce), proof.proof)
        token = keyring.get(hello.key_id)
        if not right or token is None:
            return hello, error_message(ErrorCode.AUTH_FAILED, command=Auth.COMMAND)
        if not token.serves(hello.role or 0):
            role = "worker" if hello.role == Role.WORKER else "client"
            text = f"the token {token.key_id} is not for the role {role}; use one that is"
            return hello, error_message(ErrorCode.ROLE_REFUSED, command=Hello.COMMAND, text=text)
        self.token = token
        self._proved = transcript, proof.nonce
        return hello, None

    def accept(self, hello: Hello, token: bytes | None) -> Hello:
        """Takes the peer. `token` is that of the session a worker begins. Returns the accept, to be sent before all."""
        worker = hello.role == Role.WORKER
        event = SchedulerConnectionEvent.ACCEPT_WORKER if worker else SchedulerConnectionEvent.ACCEPT_CLIENT
        self.connection.event(event)
        self.connection.limit = min(self.settings.frame_limit, hello.frame_limit or FRAME_LIMIT)
        self.hello = hello
        accept = Hello(
            HelloKind.ACCEPT,
            hello.nonce,
            version=_version(hello),
            agent=self.settings.agent,
            frame_limit=self.settings.frame_limit,
            heartbeat=self.settings.heartbeat_ms,
            in_flight=self.settings.in_flight,
            session=token,
            dedup_window=self.settings.dedup_window_ms,
            unknown=((_GREASE_TAG + self.number % 16, b"grease"),) if self.settings.grease else (),
        )
        if self._proved is None or self.token is None:
            return accept
        (transcript, nonce), self._proved = self._proved, None
        return replace(accept, proof=transcript.server_proof(self.token.secret, nonce, accept))

    def greeted(self) -> bytes:
        """What follows the accept: once a command that nobody knows, then nothing."""
        if self._welcomed:
            return b""
        self._welcomed = True
        if not self.settings.grease:
            return b""
        return bytes([_GREASE_COMMAND + self.number % 16]) + b"\0\0\0\x04\xff\0\xff\0"

    # -- the end --

    def refuse(self, error: WireError) -> None:
        """Answers what is not in the protocol, and closes."""
        if error.code is ErrorCode.NOT_WIRETASK and looks_like_http(self.connection.first_bytes):
            self.out.append(http_refusal(error.text))
            self.refusal = str(error)
        else:
            self._say(error.to_message())
        self.closing = True

    def close(self, error: Error | None) -> None:
        """Ends the connection, after an Error where there is one."""
        if error is not None:
            self._say(error)
        if not self.connection.closed:
            self.connection.close()
        self.closing = True

    def _say(self, error: Error) -> None:
        self.refusal = f"{ErrorCode(error.code).name}: {error.text}"
        self.out.append(codec.encode(error))

    # -- time --

    def sent(self, now: float) -> None:
        """Something has been sent."""
        self._said = now

    def resumed(self, now: float) -> None:
        """The peer was not read from until now: its silence was ours."""
        self._heard = now
        self._partial_since = now

    def tick(self, now: float) -> None:
        """Looks at the clocks: the handshake, the silence, a frame that trickles, the heartbeat."""
        if not self.accepted:
            if now - self._began > self.settings.handshake_seconds:
                self.close(error_message(ErrorCode.HANDSHAKE_TIMEOUT))
            return
        if now - self._heard > self.settings.silence_seconds:
            self.leaving = "silent"
            self.close(error_message(ErrorCode.SILENT))
        elif self._trickles(now):
            self.close(error_message(ErrorCode.FRAME_TOO_SLOW))
        elif self._welcomed and (now - self._said > self.settings.heartbeat_seconds or self._unmeasured(now)):
            self.out.append(codec.encode(Hello(HelloKind.PING, int(now * 1000))))
            self._said = self._pinged = now

    def _unmeasured(self, now: float) -> bool:
        """Whether a worker is due a ping although it is busy: only so its round-trip time is known."""
        assert self.hello is not None
        return (
            self.hello.role == Role.WORKER
            and now - self._pinged > _MEASURED_HEARTBEATS * self.settings.heartbeat_seconds
        )

    def _trickles(self, now: float) -> bool:
        partial = self.connection.partial
        waited = now - self._partial_since
        return 0 < partial < waited * MINIMUM_OCTETS_PER_SECOND and waited > self.settings.silence_seconds


def http_refusal(text: str) -> bytes:
    """What a program reads that takes this for HTTP."""
    body = f"{text}.\n".encode()
    return _HTTP % (len(body), body)


def _version(hello: Hello) -> int:
    """The version of the connection: the smaller of both newest ones (R-HEL-006)."""
    assert hello.versions is not None
    return min(hello.versions.max_version, MAX_VERSION)
