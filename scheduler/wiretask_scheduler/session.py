"""One connection, without its socket: the handshake, the heartbeat, and what is to be sent when something is wrong.

It decides nothing about tasks: messages of an accepted peer go to the core as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

from wiretask_protocol import MAX_VERSION, MIN_VERSION, codec
from wiretask_protocol.connection import Connection, looks_like_http
from wiretask_protocol.errors import ErrorCode, WireError, error_message
from wiretask_protocol.limits import (
    DEDUP_WINDOW_MS,
    FRAME_LIMIT,
    HANDSHAKE_DEADLINE_MS,
    HEARTBEAT_MS,
    SILENCE_HEARTBEATS,
)
from wiretask_protocol.machines import SchedulerConnectionEvent, SchedulerConnectionState
from wiretask_protocol.messages import AnyMessage, Error, Hello, HelloKind, Role

#: An incomplete frame must grow by this much a second, on average, or the peer is cut off.
MINIMUM_OCTETS_PER_SECOND = 1024

HTTP_HINT = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """What every connection has in common."""

    frame_limit: int = FRAME_LIMIT
    in_flight: int = 100_000
    heartbeat_ms: int = HEARTBEAT_MS
    handshake_seconds: float = HANDSHAKE_DEADLINE_MS / 1000
    dedup_window_ms: int = DEDUP_WINDOW_MS
    agent: str = "wiretask-scheduler"
    #: Sends a frame that nobody knows after each accept, so that skipping stays alive.
    grease: bool = True


class Session:
    """The state of one connection. `out` collects what is to be sent at once."""

    def __init__(self, number: int, settings: SessionSettings, now: float) -> None:
        self.number = number
        self.settings = settings
        self.connection = Connection("scheduler", settings.frame_limit)
        self.out: list[bytes] = []
        self.hello: Hello | None = None
        self.closing = False
        #: Why it ended, for the core: a word of `sessions.Leaving`.
        self.leaving = "broken"
        self._began = now
        self._heard = now
        self._said = now
        self._partial_since = now

    @property
    def accepted(self) -> bool:
        """Whether the core knows this peer."""
        return self.hello is not None

    def receive(self, octets: bytes, now: float) -> list[AnyMessage]:
        """The messages for the core. A Hello is handled here: see `greeting`."""
        self._heard = now
        connection = self.connection
        had_partial = connection.partial > 0
        try:
            messages = connection.receive(octets)
        except WireError as error:
            self.refuse(error)
            return []
        if not (had_partial and connection.partial):
            self._partial_since = now
        for message in messages:
            if type(message) is Hello and message.kind is HelloKind.PING:
                self.out.append(codec.encode(Hello(HelloKind.PONG, message.nonce)))
        return messages

    @property
    def greeting(self) -> bool:
        """Whether an open is here and the scheduler must decide (with `accept` or `refuse`)."""
        return bool(self.connection.state is SchedulerConnectionState.OPENING)

    def judge(self, hello: Hello) -> Error | None:
        """What is wrong with an open, or None."""
        assert hello.versions is not None
        version = min(hello.versions.max_version, MAX_VERSION)
        if version < max(hello.versions.min_version, MIN_VERSION):
            text = f"this scheduler speaks versions {MIN_VERSION} to {MAX_VERSION}; upgrade the older side"
            return error_message(ErrorCode.VERSION_MISMATCH, command=Hello.COMMAND, text=text)
        if hello.role not in (Role.WORKER, Role.CLIENT):
            text = f"this scheduler serves workers and clients, not role {hello.role}"
            return error_message(ErrorCode.ROLE_REFUSED, command=Hello.COMMAND, text=text)
        if hello.key_id is not None:
            text = "this scheduler has no tokens; connect without one"
            return error_message(ErrorCode.AUTH_FAILED, command=Hello.COMMAND, text=text)
        return None

    def accept(self, hello: Hello, token: bytes | None) -> None:
        """Takes the peer. `token` is that of the session a worker begins."""
        assert hello.versions is not None
        worker = hello.role == Role.WORKER
        event = SchedulerConnectionEvent.ACCEPT_WORKER if worker else SchedulerConnectionEvent.ACCEPT_CLIENT
        self.connection.event(event)
        self.connection.limit = min(self.settings.frame_limit, hello.frame_limit or FRAME_LIMIT)
        self.hello = hello
        grease = ((0x7FA0 + self.number % 16, b"grease"),) if self.settings.grease else ()
        accept = Hello(
            HelloKind.ACCEPT,
            hello.nonce,
            version=min(hello.versions.max_version, MAX_VERSION),
            agent=self.settings.agent,
            frame_limit=self.settings.frame_limit,
            heartbeat=self.settings.heartbeat_ms,
            in_flight=self.settings.in_flight,
            session=token,
            dedup_window=self.settings.dedup_window_ms,
            unknown=grease,
        )
        self.out.append(codec.encode(accept))
        if self.settings.grease:
            self.out.append(bytes([0xC0 + self.number % 16]) + (4).to_bytes(4, "big") + b"\xff\x00\xff\x00")

    def refuse(self, error: WireError) -> None:
        """Answers what is not in the protocol, and closes."""
        if error.code is ErrorCode.NOT_WIRETASK and looks_like_http(self.connection.first_bytes):
            text = f"{error.text}.\n".encode()
            self.out.append(HTTP_HINT % (len(text), text))
        else:
            self.out.append(codec.encode(error.to_message()))
        self.closing = True

    def close(self, error: Error | None) -> None:
        """Ends the connection, after an Error where there is one."""
        if error is not None:
            self.out.append(codec.encode(error))
        if not self.connection.closed:
            self.connection.close()
        self.closing = True

    def sent(self, now: float) -> None:
        """Something has been sent."""
        self._said = now

    def tick(self, now: float) -> None:
        """Looks at the clocks of the connection: the handshake, the heartbeat, the silence, a frame that trickles."""
        heartbeat = self.settings.heartbeat_ms / 1000
        if not self.accepted:
            if now - self._began > self.settings.handshake_seconds:
                self.close(error_message(ErrorCode.HANDSHAKE_TIMEOUT))
            return
        if now - self._heard > SILENCE_HEARTBEATS * heartbeat:
            self.leaving = "silent"
            self.close(error_message(ErrorCode.SILENT))
            return
        partial = self.connection.partial
        if partial:
            waited = now - self._partial_since
            if waited > SILENCE_HEARTBEATS * heartbeat and partial < waited * MINIMUM_OCTETS_PER_SECOND:
                self.close(error_message(ErrorCode.FRAME_TOO_SLOW))
                return
        if now - self._said > heartbeat:
            self.out.append(codec.encode(Hello(HelloKind.PING, int(now * 1000) & 0xFFFF_FFFF_FFFF_FFFF)))
            self._said = now
