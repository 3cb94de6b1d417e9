"""Requests: what somebody waits for, from the asking to the answer.

A request knows the message that asks for it, and nothing of when it is sent. Exactly one answer is set, once. They
survive connections: a `SubmitRequest` that has not been accepted asks with Submit (again, with the flag `repeat`), one
that has asks with Await.

They are `msgspec.Struct`s without garbage collection, because a client may hold 100 000 of them: whoever settles one
clears its `owner`, which breaks the only cycle that there can be.
"""

from __future__ import annotations

from typing import Any

import msgspec

from wiretask_client.errors import ClientError
from wiretask_protocol.messages import (
    Await,
    Cancel,
    Query,
    Result,
    Schedule,
    ScheduleAction,
    Status,
    Submit,
    SubmitFlags,
)

_REPEAT = int(SubmitFlags.REPEAT)
_WANT_RESULT = int(SubmitFlags.WANT_RESULT)
_WANT_PROGRESS = int(SubmitFlags.WANT_PROGRESS)


#: What an accepted submission has left; nobody writes into it.
_NO_TAGS: dict[str, Any] = {}


class Done(msgspec.Struct, frozen=True):
    """The answer of a request that has no more to say than that it was done."""


DONE = Done()

#: What answers a request.
Answer = Result | Status | Done | float | ClientError


class Request(msgspec.Struct, gc=False, eq=False):
    """Something that somebody waits for."""

    #: Who waits; the core never looks at it.
    owner: Any = None
    answer: Answer | None = None


class ReachRequest(Request, gc=False, eq=False):
    """For the scheduler to be reached. Answered with DONE."""


class PingRequest(Request, gc=False, eq=False):
    """For a pong. Answered with the seconds that it took."""

    sent: float = 0.0


class Sequenced(Request, gc=False, eq=False):
    """What is asked with a message that has a seq."""

    task_id: bytes = bytes(16)
    #: Of the message that asked last, on the present connection.
    seq: int = 0
    #: When it was first sent; None is not yet.
    first_sent: float | None = None
    #: Whether it was sent before, on a connection that was lost: it may have been done there.
    repeated: bool = False

    @property
    def awaits(self) -> bool:
        """Whether it asks with Await."""
        return False

    def message(self, seq: int) -> Submit | Await | Query | Cancel | Schedule:
        """The message that asks for it."""
        raise NotImplementedError


class SubmitRequest(Sequenced, gc=False, eq=False):
    """For a task to be accepted and, where `flags` wants it, for its Result.

    Answered with a Result, or with DONE where none is wanted. Born with `accepted` it only awaits a task that
    somebody else may have submitted.
    """

    flags: int = _WANT_RESULT
    priority: int = 0
    envelope: bytes = b""
    tags: dict[str, Any] = msgspec.field(default_factory=dict)
    accepted: bool = False
    #: Whether it asks for a task that was there before, because it has the same unique key.
    existed: bool = False
    #: Whether somebody wants to hear of the acceptance.
    watched: bool = False

    @property
    def awaits(self) -> bool:
        """Whether it asks with Await: once it is accepted."""
        return self.accepted

    @property
    def wants_result(self) -> bool:
        """Whether the Result is to come back."""
        return bool(self.flags & _WANT_RESULT)

    def message(self, seq: int) -> Submit | Await:
        """Submit until it is accepted, Await from then on."""
        if self.accepted:
            return Await(seq, self.task_id, True if self.flags & _WANT_PROGRESS else None)
        flags = self.flags if self.first_sent is None else self.flags | _REPEAT
        return Submit(seq, self.task_id, flags, self.priority, self.envelope, **self.tags)

    def accept(self) -> None:
        """The scheduler has it for good: what only a repeat would need is let go."""
        self.accepted = True
        self.envelope = b""
        self.tags = _NO_TAGS


class QueryRequest(Sequenced, gc=False, eq=False):
    """For everything known of a task. Answered with a Status."""

    def message(self, seq: int) -> Query:
        """The Query."""
        return Query(seq, self.task_id)


class CancelRequest(Sequenced, gc=False, eq=False):
    """For a task to be stopped. Answered with DONE when the scheduler has taken note."""

    mode: int = 0
    tree: bool = False

    def message(self, seq: int) -> Cancel:
        """The Cancel; a client names no lease."""
        return Cancel(seq, self.task_id, 0, self.mode, self.tree or None)


class ScheduleRequest(Sequenced, gc=False, eq=False):
    """For a recurring task to be put, or where it has no tags to be removed. Answered with DONE when it is durable."""

    name: str = ""
    priority: int = 0
    tags: dict[str, Any] = msgspec.field(default_factory=dict)

    def message(self, seq: int) -> Schedule:
        """The Schedule."""
        action = ScheduleAction.PUT if self.tags else ScheduleAction.DELETE
        return Schedule(seq, self.name, action, self.priority, **self.tags)
