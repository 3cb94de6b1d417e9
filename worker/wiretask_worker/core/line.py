"""The connection as the core sees it: handshake, session, sequence and signs of life. Knows nothing of tasks.

    OFFLINE → OPENING (open sent) → [RESUMING (Resume sent)] → SERVING → [LEAVING (goodbye came)] → OFFLINE

Whether a message is allowed at all, the generated connection machine decides before it comes here.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from wiretask_protocol import MAX_VERSION, MIN_VERSION
from wiretask_protocol.authentication import Opening
from wiretask_protocol.limits import (
    FRAME_LIMIT,
    HANDSHAKE_DEADLINE_MS,
    HEARTBEAT_MS,
    IN_FLIGHT,
    RESUME_GRACE_MS,
    SILENCE_HEARTBEATS,
)
from wiretask_protocol.messages import Auth, HeldLease, Hello, HelloKind, Resume, Role, VersionRange
from wiretask_worker.core.settings import Settings

#: HeldLease is 24 octets; a Resume also has the session, a count and a tag section.
_LEASE_OCTETS = 24
_RESUME_OCTETS = 64
_LIST_MAXIMUM = 65535
#: The first of the 16 grease tags and commands (protocol.yaml).
_GREASE_TAG = 0x7FA0
_GREASE_COMMAND = 0xC0


class Stage(enum.Enum):
    """How far the connection is."""

    OFFLINE = enum.auto()
    OPENING = enum.auto()
    RESUMING = enum.auto()
    SERVING = enum.auto()
    LEAVING = enum.auto()


class Line:
    """The connection of this worker, or its absence."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        #: What proves who this is, from the next connection on.
        self.credentials = settings.credentials
        self.stage = Stage.OFFLINE
        #: Secret of the session that our leases belong to; None before the first accept.
        self.session: bytes | None = None
        self.frame_limit = settings.frame_limit
        self.in_flight = IN_FLIGHT
        #: When octets last came, when we last sent some, and until when the present stage may last.
        self.heard_at = 0.0
        self.sent_at = 0.0
        self._patient_until = 0.0
        self._heartbeat = HEARTBEAT_MS / 1000
        self._nonce = 0
        #: Where this worker has credentials: the handshake under way.
        self._opening: Opening | None = None
        self._pings = 0
        self._heard_seq = 0

    @property
    def live(self) -> bool:
        """Whether Results and Returns go out."""
        return self.stage in (Stage.SERVING, Stage.LEAVING)

    @property
    def serving(self) -> bool:
        """Whether tasks come in, and begin."""
        return self.stage is Stage.SERVING

    @property
    def lease_maximum(self) -> int:
        """How many leases a Resume on this connection can name."""
        return min(_LIST_MAXIMUM, (self.frame_limit - _RESUME_OCTETS) // _LEASE_OCTETS)

    def open(self, nonce: int, now: float, proof_nonce: bytes, certificate: bytes) -> Hello:
        """There is a stream: what to send on it first."""
        credentials = self.credentials
        self.stage = Stage.OPENING
        self._nonce = nonce
        self._heard_seq = 0
        self.heard_at = now
        self._patient_until = now + HANDSHAKE_DEADLINE_MS / 1000
        hello = Hello(
            HelloKind.OPEN,
            nonce,
            versions=VersionRange(MIN_VERSION, MAX_VERSION),
            role=Role.WORKER,
            agent=self._settings.agent,
            frame_limit=self._settings.frame_limit,
            key_id=credentials.key_id if credentials is not None else None,
            name=self._settings.name,
            unknown=((_GREASE_TAG + nonce % 16, b""),),
        )
        self._opening = None if credentials is None else Opening(hello, credentials, proof_nonce, certificate)
        return hello

    def prove(self, challenge: Auth) -> Auth | None:
        """The scheduler wants a proof; None where this worker has none."""
        return self._opening.prove(challenge) if self._opening is not None else None

    def trusts(self, accept: Hello) -> bool:
        """Whether the scheduler has proved that it knows our token; where we have none, it need not."""
        return self._opening is None or self._opening.is_proved(accept)

    def accept(self, message: Hello) -> str | None:
        """The scheduler takes us. Returns what is wrong with how it says so, if anything."""
        if message.nonce != self._nonce:
            return "the scheduler's accept answers another open: its nonce is not ours"
        if message.version is None or not MIN_VERSION <= message.version <= MAX_VERSION:
            return f"the scheduler has chosen version {message.version}, which this worker does not speak"
        self.frame_limit = min(self._settings.frame_limit, message.frame_limit or FRAME_LIMIT)
        self.in_flight = message.in_flight or IN_FLIGHT
        self._heartbeat = (message.heartbeat or HEARTBEAT_MS) / 1000
        return None

    @property
    def grease(self) -> bytes:
        """A frame that every scheduler skips, so that skipping stays alive (R-HEL-010)."""
        return bytes((_GREASE_COMMAND + (self._nonce >> 8) % 16, 0, 0, 0, 0))

    def resume(self, session: bytes, leases: Sequence[HeldLease], now: float) -> Resume:
        """What to say of a former session, before anything else."""
        self.stage = Stage.RESUMING
        self._patient_until = now + RESUME_GRACE_MS / 1000
        return Resume(session, tuple(leases))

    def heard(self, seq: int) -> bool:
        """A sequenced message is here; whether its seq is the next one."""
        if seq != self._heard_seq + 1:
            return False
        self._heard_seq = seq
        return True

    def ping(self) -> Hello:
        """The next ping."""
        self._pings += 1
        return Hello(HelloKind.PING, self._pings)

    def overdue(self, now: float) -> str | None:
        """Why the connection is to be given up now, if it is."""
        match self.stage:
            case Stage.OFFLINE:
                return None
            case Stage.OPENING if now >= self._patient_until:
                return f"the scheduler has not accepted within {HANDSHAKE_DEADLINE_MS / 1000:g} s"
            case Stage.RESUMING if now >= self._patient_until:
                return f"the scheduler has not answered the Resume within {RESUME_GRACE_MS / 1000:g} s"
            case _ if now >= self.heard_at + self._silence:
                return f"nothing has come from the scheduler for {self._silence:g} s"
        return None

    def ping_due(self, now: float) -> bool:
        """Whether we have been silent for a heartbeat."""
        return self.stage not in (Stage.OFFLINE, Stage.OPENING) and now >= self.sent_at + self._heartbeat

    def deadline(self) -> float | None:
        """When `overdue` or `ping_due` may next say something (monotonic seconds)."""
        match self.stage:
            case Stage.OFFLINE:
                return None
            case Stage.OPENING:
                return self._patient_until
            case Stage.RESUMING:
                return min(self._patient_until, self.sent_at + self._heartbeat, self.heard_at + self._silence)
            case _:
                return min(self.sent_at + self._heartbeat, self.heard_at + self._silence)

    @property
    def _silence(self) -> float:
        return self._heartbeat * SILENCE_HEARTBEATS
