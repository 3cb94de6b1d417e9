# Generated from spec/ (sha256 cc8e984844d8e543); do not edit.
# Edit the spec and run: nox -s generate
"""The errors that go over the wire, and the one exception that a peer's bytes can raise.

    WireError       what a peer sent (or somebody wanted to send) is not in the protocol
        CodecDisagreement   both codecs differ: a bug in the generator, never a peer's fault
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from wiretask_protocol.messages import Error, ErrorScope, Retry


class ErrorCode(enum.IntEnum):
    """Which error. A peer may send codes that this version does not know."""

    UNKNOWN_COMMAND = 101
    """This command is not known here; speak the version that the accept named."""

    FRAME_TOO_LARGE = 102
    """The frame is longer than the limit in force; send smaller bodies or raise the limit on both sides."""

    NOT_WIRETASK = 103
    """This port speaks the Wiretask protocol, and these bytes are not it."""

    UNEXPECTED_MESSAGE = 104
    """This message is not allowed in the present state of the connection."""

    FRAME_TOO_SLOW = 105
    """The rest of a frame did not arrive in time."""

    TRUNCATED = 201
    """The payload ends in the middle of a field."""

    TRAILING_BYTES = 202
    """Bytes are left over after the last field."""

    BAD_UTF8 = 203
    """A text is not UTF-8 or holds a NUL."""

    BAD_ENUM = 204
    """A closed enum has no such value."""

    OUT_OF_RANGE = 205
    """A number is outside its range."""

    LIMIT_EXCEEDED = 206
    """A length or a count is outside its limits."""

    TAG_ORDER = 207
    """Tags are not in ascending order, or one comes twice."""

    CRITICAL_TAG = 208
    """A tag that must be understood is not known here."""

    TAG_LENGTH = 209
    """The length of a tag is not that of its value."""

    BAD_PATTERN = 210
    """A name has a character that names do not have."""

    RULE_BROKEN = 211
    """The fields do not fit together."""

    VERSION_MISMATCH = 301
    """No version of the protocol is spoken by both sides; upgrade the older one."""

    ROLE_REFUSED = 302
    """This scheduler does not serve that role."""

    AUTH_REQUIRED = 303
    """This scheduler wants a token; connect with credentials (KEY_ID:TOKEN)."""

    AUTH_FAILED = 304
    """The proof is wrong; check the key id and the token."""

    FORBIDDEN = 305
    """The token does not allow this."""

    HANDSHAKE_TIMEOUT = 306
    """The handshake did not end in time."""

    SILENT = 307
    """Nothing came for too long; send a ping each heartbeat."""

    SLOW_CONSUMER = 308
    """This peer does not read what it is sent."""

    BAD_SEQUENCE = 309
    """A seq is not one more than the one before."""

    TOO_MANY_CONNECTIONS = 310
    """Too many connections; close some or raise the limit."""

    TOO_MANY_IN_FLIGHT = 311
    """More messages are unaccepted than the accept allowed."""

    SHUTTING_DOWN = 312
    """The scheduler is stopping; connect again."""

    INTERNAL = 313
    """The sender has a bug; please report it."""

    STALE_LEASE = 401
    """This lease is not current any more; what it reports does not count."""

    UNKNOWN_TASK = 402
    """No task with this id is known; it may have been forgotten."""

    ID_TAKEN = 403
    """This task id is in use by somebody else; make a new one."""

    PLACEMENT_MISMATCH = 404
    """The task id does not end in the placement of its queue."""

    UNIQUE_CONFLICT = 405
    """A task with this unique key is there already."""

    QUEUE_FULL = 406
    """The queue is full; submit later."""

    STORE_FULL = 407
    """The store takes nothing new now; free space on its disk."""

    NOT_OWNER = 408
    """Another scheduler owns this queue."""

    TASK_TOO_LARGE = 409
    """The task is larger than the frame limit less its headroom; raise the limit or pass a reference."""

    UNSUPPORTED_OPTION = 410
    """This scheduler does not support an option of the task."""

    UNKNOWN_DEPENDENCY = 411
    """A task that must succeed first is not known."""

    DEPENDENCY_CYCLE = 412
    """The task would wait for itself."""

    OUTCOME_UNKNOWN = 413
    """The connection was lost for longer than the scheduler remembers; look whether the task was done before submitting
    it anew."""

    BAD_SCHEDULE = 414
    """The cron expression or the time zone is not valid, or never comes."""

    UNKNOWN_SCHEDULE = 415
    """No recurring task has this name."""

    RESERVED_NAME = 416
    """Names that begin with wiretask. are reserved."""

    QUEUE_CLOSED = 417
    """An operator lets the queue run empty, and it takes nothing new; submit later or to another queue."""

    BAD_GROUP = 418
    """The task does not fit into its group: its place is taken or not below the size, or the callback has begun."""


class ErrorInfo(NamedTuple):
    """What every error of a code has in common."""

    code: ErrorCode
    scope: ErrorScope
    retry: Retry
    text: str


ERRORS: dict[ErrorCode, ErrorInfo] = {
    ErrorCode.UNKNOWN_COMMAND: ErrorInfo(
        ErrorCode.UNKNOWN_COMMAND,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "this command is not known here; speak the version that the accept named",
    ),
    ErrorCode.FRAME_TOO_LARGE: ErrorInfo(
        ErrorCode.FRAME_TOO_LARGE,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "the frame is longer than the limit in force; send smaller bodies or raise the limit on both sides",
    ),
    ErrorCode.NOT_WIRETASK: ErrorInfo(
        ErrorCode.NOT_WIRETASK,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "this port speaks the Wiretask protocol, and these bytes are not it",
    ),
    ErrorCode.UNEXPECTED_MESSAGE: ErrorInfo(
        ErrorCode.UNEXPECTED_MESSAGE,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "this message is not allowed in the present state of the connection",
    ),
    ErrorCode.FRAME_TOO_SLOW: ErrorInfo(
        ErrorCode.FRAME_TOO_SLOW,
        ErrorScope.CONNECTION,
        Retry.LATER,
        "the rest of a frame did not arrive in time",
    ),
    ErrorCode.TRUNCATED: ErrorInfo(
        ErrorCode.TRUNCATED,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "the payload ends in the middle of a field",
    ),
    ErrorCode.TRAILING_BYTES: ErrorInfo(
        ErrorCode.TRAILING_BYTES,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "bytes are left over after the last field",
    ),
    ErrorCode.BAD_UTF8: ErrorInfo(
        ErrorCode.BAD_UTF8,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "a text is not UTF-8 or holds a NUL",
    ),
    ErrorCode.BAD_ENUM: ErrorInfo(
        ErrorCode.BAD_ENUM,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "a closed enum has no such value",
    ),
    ErrorCode.OUT_OF_RANGE: ErrorInfo(
        ErrorCode.OUT_OF_RANGE,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "a number is outside its range",
    ),
    ErrorCode.LIMIT_EXCEEDED: ErrorInfo(
        ErrorCode.LIMIT_EXCEEDED,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "a length or a count is outside its limits",
    ),
    ErrorCode.TAG_ORDER: ErrorInfo(
        ErrorCode.TAG_ORDER,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "tags are not in ascending order, or one comes twice",
    ),
    ErrorCode.CRITICAL_TAG: ErrorInfo(
        ErrorCode.CRITICAL_TAG,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "a tag that must be understood is not known here",
    ),
    ErrorCode.TAG_LENGTH: ErrorInfo(
        ErrorCode.TAG_LENGTH,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "the length of a tag is not that of its value",
    ),
    ErrorCode.BAD_PATTERN: ErrorInfo(
        ErrorCode.BAD_PATTERN,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "a name has a character that names do not have",
    ),
    ErrorCode.RULE_BROKEN: ErrorInfo(
        ErrorCode.RULE_BROKEN,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "the fields do not fit together",
    ),
    ErrorCode.VERSION_MISMATCH: ErrorInfo(
        ErrorCode.VERSION_MISMATCH,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "no version of the protocol is spoken by both sides; upgrade the older one",
    ),
    ErrorCode.ROLE_REFUSED: ErrorInfo(
        ErrorCode.ROLE_REFUSED,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "this scheduler does not serve that role",
    ),
    ErrorCode.AUTH_REQUIRED: ErrorInfo(
        ErrorCode.AUTH_REQUIRED,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "this scheduler wants a token; connect with credentials (KEY_ID:TOKEN)",
    ),
    ErrorCode.AUTH_FAILED: ErrorInfo(
        ErrorCode.AUTH_FAILED,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "the proof is wrong; check the key id and the token",
    ),
    ErrorCode.FORBIDDEN: ErrorInfo(
        ErrorCode.FORBIDDEN,
        ErrorScope.REQUEST,
        Retry.NEVER,
        "the token does not allow this",
    ),
    ErrorCode.HANDSHAKE_TIMEOUT: ErrorInfo(
        ErrorCode.HANDSHAKE_TIMEOUT,
        ErrorScope.CONNECTION,
        Retry.LATER,
        "the handshake did not end in time",
    ),
    ErrorCode.SILENT: ErrorInfo(
        ErrorCode.SILENT,
        ErrorScope.CONNECTION,
        Retry.LATER,
        "nothing came for too long; send a ping each heartbeat",
    ),
    ErrorCode.SLOW_CONSUMER: ErrorInfo(
        ErrorCode.SLOW_CONSUMER,
        ErrorScope.CONNECTION,
        Retry.LATER,
        "this peer does not read what it is sent",
    ),
    ErrorCode.BAD_SEQUENCE: ErrorInfo(
        ErrorCode.BAD_SEQUENCE,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "a seq is not one more than the one before",
    ),
    ErrorCode.TOO_MANY_CONNECTIONS: ErrorInfo(
        ErrorCode.TOO_MANY_CONNECTIONS,
        ErrorScope.CONNECTION,
        Retry.LATER,
        "too many connections; close some or raise the limit",
    ),
    ErrorCode.TOO_MANY_IN_FLIGHT: ErrorInfo(
        ErrorCode.TOO_MANY_IN_FLIGHT,
        ErrorScope.CONNECTION,
        Retry.NEVER,
        "more messages are unaccepted than the accept allowed",
    ),
    ErrorCode.SHUTTING_DOWN: ErrorInfo(
        ErrorCode.SHUTTING_DOWN,
        ErrorScope.CONNECTION,
        Retry.LATER,
        "the scheduler is stopping; connect again",
    ),
    ErrorCode.INTERNAL: ErrorInfo(
        ErrorCode.INTERNAL,
        ErrorScope.CONNECTION,
        Retry.LATER,
        "the sender has a bug; please report it",
    ),
    ErrorCode.STALE_LEASE: ErrorInfo(
        ErrorCode.STALE_LEASE,
        ErrorScope.TASK,
        Retry.NEVER,
        "this lease is not current any more; what it reports does not count",
    ),
    ErrorCode.UNKNOWN_TASK: ErrorInfo(
        ErrorCode.UNKNOWN_TASK,
        ErrorScope.REQUEST,
        Retry.NEVER,
        "no task with this id is known; it may have been forgotten",
    ),
    ErrorCode.ID_TAKEN: ErrorInfo(
        ErrorCode.ID_TAKEN,
        ErrorScope.REQUEST,
        Retry.NEVER,
        "this task id is in use by somebody else; make a new one",
    ),
    ErrorCode.PLACEMENT_MISMATCH: ErrorInfo(
        ErrorCode.PLACEMENT_MISMATCH,
        ErrorScope.REQUEST,
        Retry.NEVER,
        "the task id does not end in the placement of its queue",
    ),
    ErrorCode.UNIQUE_CONFLICT: ErrorInfo(
        ErrorCode.UNIQUE_CONFLICT,
        ErrorScope.REQUEST,
        Retry.NEVER,
        "a task with this unique key is there already",
    ),
    ErrorCode.QUEUE_FULL: ErrorInfo(
        ErrorCode.QUEUE_FULL,
        ErrorScope.REQUEST,
        Retry.LATER,
        "the queue is full; submit later",
    ),
    ErrorCode.STORE_FULL: ErrorInfo(
        ErrorCode.STORE_FULL,
        ErrorScope.REQUEST,
        Retry.LATER,
        "the store takes nothing new now; free space on its disk",
    ),
    ErrorCode.NOT_OWNER: ErrorInfo(
        ErrorCode.NOT_OWNER,
        ErrorScope.REQUEST,
        Retry.ELSEWHERE,
        "another scheduler owns this queue",
    ),
    ErrorCode.TASK_TOO_LARGE: ErrorInfo(
        ErrorCode.TASK_TOO_LARGE,
        ErrorScope.REQUEST,
        Retry.NEVER,
        "the task is larger than the frame limit less its headroom; raise the limit or pass a reference",
    ),
    ErrorCode.UNSUPPORTED_OPTION: ErrorInfo(
        ErrorCode.UNSUPPORTED_OPTION,
        ErrorScope.REQUEST,
        Retry.NEVER,
        "this scheduler does not support an option of the task",
    ),
    ErrorCode.UNKNOWN_DEPENDENCY: ErrorInfo(
        ErrorCode.UNKNOWN_DEPENDENCY,
        ErrorScope.REQUEST,
        Retry.NEVER,
        "a task that must succeed first is not known",
    ),
    ErrorCode.DEPENDENCY_CYCLE: ErrorInfo(
        ErrorCode.DEPENDENCY_CYCLE,
        ErrorScope.REQUEST,
        Retry.NEVER,
        "the task would wait for itself",
    ),
    ErrorCode.OUTCOME_UNKNOWN: ErrorInfo(
        ErrorCode.OUTCOME_UNKNOWN,
        ErrorScope.REQUEST,
        Retry.NEVER,
        "the connection was lost for longer than the scheduler remembers; look whether the task was done before submitting it anew",
    ),
    ErrorCode.BAD_SCHEDULE: ErrorInfo(
        ErrorCode.BAD_SCHEDULE,
        ErrorScope.REQUEST,
        Retry.NEVER,
        "the cron expression or the time zone is not valid, or never comes",
    ),
    ErrorCode.UNKNOWN_SCHEDULE: ErrorInfo(
        ErrorCode.UNKNOWN_SCHEDULE,
        ErrorScope.REQUEST,
        Retry.NEVER,
        "no recurring task has this name",
    ),
    ErrorCode.RESERVED_NAME: ErrorInfo(
        ErrorCode.RESERVED_NAME,
        ErrorScope.REQUEST,
        Retry.NEVER,
        "names that begin with wiretask. are reserved",
    ),
    ErrorCode.QUEUE_CLOSED: ErrorInfo(
        ErrorCode.QUEUE_CLOSED,
        ErrorScope.REQUEST,
        Retry.LATER,
        "an operator lets the queue run empty, and it takes nothing new; submit later or to another queue",
    ),
    ErrorCode.BAD_GROUP: ErrorInfo(
        ErrorCode.BAD_GROUP,
        ErrorScope.REQUEST,
        Retry.NEVER,
        "the task does not fit into its group: its place is taken or not below the size, or the callback has begun",
    ),
}


def error_message(
    code: ErrorCode,
    *,
    command: int = 0,
    seq: int = 0,
    text: str | None = None,
    task_id: bytes | None = None,
    retry_after: int | None = None,
    address: str | None = None,
    existing_id: bytes | None = None,
    field: str | None = None,
    offset: int | None = None,
) -> Error:
    """An Error of a code, with its scope and its retry advice; `text` in place of the usual one."""
    info = ERRORS[code]
    return Error(
        info.code,
        info.scope,
        info.retry,
        command,
        seq,
        short(text if text is not None else info.text),
        task_id,
        retry_after,
        address,
        existing_id,
        field,
        offset,
    )


def short(text: str) -> str:
    """A text as an Error can carry it: without NUL, at most 1024 octets."""
    octets = text.replace("\0", "?").encode("utf-8", "replace")
    return octets[:1024].decode("utf-8", "ignore")


class WireError(Exception):
    """What a peer sent is not in the protocol.

    `field` is the path of the field at fault ("envelope.queue", "leases[3].lease", "" for none), `offset` its place in
    the payload (its length included), `command` the message's. `text` says the remedy.
    """

    def __init__(
        self, code: ErrorCode, field: str = "", offset: int | None = None, *, command: int = 0, detail: str = ""
    ) -> None:
        self.code = code
        self.field = field
        self.offset = offset
        self.command = command
        self.detail = detail
        super().__init__(code, field, offset)

    @property
    def text(self) -> str:
        """The error in words, with its place."""
        where = f" ({self.field})" if self.field else ""
        at = f" at byte {self.offset} of the payload" if self.offset is not None else ""
        return (self.detail or ERRORS[self.code].text) + where + at

    def __str__(self) -> str:
        return f"{self.code.name}: {self.text}"

    def to_message(self, seq: int = 0) -> Error:
        """The Error to answer with before the connection is closed."""
        return error_message(
            self.code,
            command=self.command,
            seq=seq,
            text=self.text,
            field=short(self.field) if self.field else None,
            offset=self.offset,
        )


class CodecDisagreement(Exception):  # noqa: N818 -- it says what happened
    """The reference and the fast codec differ on the same bytes. A bug in the generator: please report it."""
