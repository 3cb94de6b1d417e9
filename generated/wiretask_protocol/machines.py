# Generated from spec/ (sha256 cc8e984844d8e543); do not edit.
# Edit the spec and run: nox -s generate
"""The state machines of the protocol, as total tables.

`TABLE[state][event]` is the next state, or None where the spec lists nothing and the machine's `OTHERWISE` decides:
a state to go to (None stays) and the error to answer with (None is a refusal without one).
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from wiretask_protocol.errors import ErrorCode


class SchedulerConnectionState(enum.IntEnum):
    """A connection as the scheduler sees it."""

    GREETING = 0
    """Nothing but an open is expected; a first octet that is not that of a Hello is NOT_WIRETASK."""

    OPENING = 1
    """The open is here; the scheduler decides."""

    CHALLENGED = 2
    """A proof is expected."""

    PROVING = 3
    """The proof is here; the scheduler decides."""

    WORKER_NEW = 4
    """An accepted worker: it may resume, and must subscribe."""

    WORKER = 5
    """A worker that takes tasks."""

    WORKER_DRAINING = 6
    """A worker that takes no more tasks."""

    CLIENT = 7
    """An accepted client."""

    CLOSED = 8
    """Nothing more is read."""


class SchedulerConnectionEvent(enum.IntEnum):
    """What can happen to it."""

    RESULT = 0
    """Tells how a task ended: a worker tells the scheduler, the scheduler tells the clients that wait for it."""

    HELLO_OPEN = 1
    """Opens a connection, accepts it, and keeps it alive. Its layout is the same in every version of the protocol."""

    HELLO_ACCEPT = 2
    """Opens a connection, accepts it, and keeps it alive. Its layout is the same in every version of the protocol."""

    HELLO_PING = 3
    """Opens a connection, accepts it, and keeps it alive. Its layout is the same in every version of the protocol."""

    HELLO_PONG = 4
    """Opens a connection, accepts it, and keeps it alive. Its layout is the same in every version of the protocol."""

    ERROR = 5
    """Says what went wrong and whether trying again can help. Never answered. A scheduler may send it before it
    accepts."""

    AUTH_CHALLENGE = 6
    """Challenge and proof, between the open and the accept."""

    AUTH_PROOF = 7
    """Challenge and proof, between the open and the accept."""

    GOODBYE = 8
    """Announces the end. A worker that drains gets no new Task, but reports what it has until the end of the stream."""

    SUBMIT = 9
    """Hands a task to the scheduler."""

    ACCEPTED = 10
    """All sequenced messages up to this one are durable (at a client or a worker: taken), or were refused by an earlier
    Error that names their seq."""

    SUBSCRIBE = 11
    """Says what a worker takes. Replaces the former one."""

    CREDIT = 12
    """How much a worker takes at a time: an absolute window, not an increment."""

    CANCEL = 13
    """Asks for a task to be stopped: a client asks the scheduler, the scheduler asks the worker."""

    PROGRESS = 14
    """How far a running task is; a partial result or a line of its log."""

    QUERY = 15
    """Asks for everything known of a task."""

    AWAIT = 16
    """Asks for the Result of a task on this connection: at once if it has ended, else when it ends."""

    SCHEDULE = 17
    """Creates, replaces or removes a recurring task."""

    RETURN = 18
    """Gives a task back, or says that it is kept. Burns no attempt."""

    RESUME = 19
    """A worker proves a former session and names the leases that it still holds; the scheduler answers with those that
    it may keep. After the accept and before Subscribe."""

    CHALLENGE = 20
    """The scheduler wants a proof."""

    ACCEPT_WORKER = 21
    """The scheduler takes the worker."""

    ACCEPT_CLIENT = 22
    """The scheduler takes the client."""

    CLOSE = 23
    """Either side has closed the connection."""


class SchedulerConnectionOtherwise(NamedTuple):
    """What follows where the table has None."""

    state: SchedulerConnectionState | None
    error: ErrorCode | None


SCHEDULER_CONNECTION: dict[SchedulerConnectionState, dict[SchedulerConnectionEvent, SchedulerConnectionState | None]] = {
    SchedulerConnectionState.GREETING: {
        SchedulerConnectionEvent.RESULT: None,
        SchedulerConnectionEvent.HELLO_OPEN: SchedulerConnectionState.OPENING,
        SchedulerConnectionEvent.HELLO_ACCEPT: None,
        SchedulerConnectionEvent.HELLO_PING: None,
        SchedulerConnectionEvent.HELLO_PONG: None,
        SchedulerConnectionEvent.ERROR: None,
        SchedulerConnectionEvent.AUTH_CHALLENGE: None,
        SchedulerConnectionEvent.AUTH_PROOF: None,
        SchedulerConnectionEvent.GOODBYE: None,
        SchedulerConnectionEvent.SUBMIT: None,
        SchedulerConnectionEvent.ACCEPTED: None,
        SchedulerConnectionEvent.SUBSCRIBE: None,
        SchedulerConnectionEvent.CREDIT: None,
        SchedulerConnectionEvent.CANCEL: None,
        SchedulerConnectionEvent.PROGRESS: None,
        SchedulerConnectionEvent.QUERY: None,
        SchedulerConnectionEvent.AWAIT: None,
        SchedulerConnectionEvent.SCHEDULE: None,
        SchedulerConnectionEvent.RETURN: None,
        SchedulerConnectionEvent.RESUME: None,
        SchedulerConnectionEvent.CHALLENGE: None,
        SchedulerConnectionEvent.ACCEPT_WORKER: None,
        SchedulerConnectionEvent.ACCEPT_CLIENT: None,
        SchedulerConnectionEvent.CLOSE: SchedulerConnectionState.CLOSED,
    },
    SchedulerConnectionState.OPENING: {
        SchedulerConnectionEvent.RESULT: None,
        SchedulerConnectionEvent.HELLO_OPEN: None,
        SchedulerConnectionEvent.HELLO_ACCEPT: None,
        SchedulerConnectionEvent.HELLO_PING: None,
        SchedulerConnectionEvent.HELLO_PONG: None,
        SchedulerConnectionEvent.ERROR: None,
        SchedulerConnectionEvent.AUTH_CHALLENGE: None,
        SchedulerConnectionEvent.AUTH_PROOF: None,
        SchedulerConnectionEvent.GOODBYE: None,
        SchedulerConnectionEvent.SUBMIT: None,
        SchedulerConnectionEvent.ACCEPTED: None,
        SchedulerConnectionEvent.SUBSCRIBE: None,
        SchedulerConnectionEvent.CREDIT: None,
        SchedulerConnectionEvent.CANCEL: None,
        SchedulerConnectionEvent.PROGRESS: None,
        SchedulerConnectionEvent.QUERY: None,
        SchedulerConnectionEvent.AWAIT: None,
        SchedulerConnectionEvent.SCHEDULE: None,
        SchedulerConnectionEvent.RETURN: None,
        SchedulerConnectionEvent.RESUME: None,
        SchedulerConnectionEvent.CHALLENGE: SchedulerConnectionState.CHALLENGED,
        SchedulerConnectionEvent.ACCEPT_WORKER: SchedulerConnectionState.WORKER_NEW,
        SchedulerConnectionEvent.ACCEPT_CLIENT: SchedulerConnectionState.CLIENT,
        SchedulerConnectionEvent.CLOSE: SchedulerConnectionState.CLOSED,
    },
    SchedulerConnectionState.CHALLENGED: {
        SchedulerConnectionEvent.RESULT: None,
        SchedulerConnectionEvent.HELLO_OPEN: None,
        SchedulerConnectionEvent.HELLO_ACCEPT: None,
        SchedulerConnectionEvent.HELLO_PING: None,
        SchedulerConnectionEvent.HELLO_PONG: None,
        SchedulerConnectionEvent.ERROR: SchedulerConnectionState.CHALLENGED,
        SchedulerConnectionEvent.AUTH_CHALLENGE: None,
        SchedulerConnectionEvent.AUTH_PROOF: SchedulerConnectionState.PROVING,
        SchedulerConnectionEvent.GOODBYE: SchedulerConnectionState.CLOSED,
        SchedulerConnectionEvent.SUBMIT: None,
        SchedulerConnectionEvent.ACCEPTED: None,
        SchedulerConnectionEvent.SUBSCRIBE: None,
        SchedulerConnectionEvent.CREDIT: None,
        SchedulerConnectionEvent.CANCEL: None,
        SchedulerConnectionEvent.PROGRESS: None,
        SchedulerConnectionEvent.QUERY: None,
        SchedulerConnectionEvent.AWAIT: None,
        SchedulerConnectionEvent.SCHEDULE: None,
        SchedulerConnectionEvent.RETURN: None,
        SchedulerConnectionEvent.RESUME: None,
        SchedulerConnectionEvent.CHALLENGE: None,
        SchedulerConnectionEvent.ACCEPT_WORKER: None,
        SchedulerConnectionEvent.ACCEPT_CLIENT: None,
        SchedulerConnectionEvent.CLOSE: SchedulerConnectionState.CLOSED,
    },
    SchedulerConnectionState.PROVING: {
        SchedulerConnectionEvent.RESULT: None,
        SchedulerConnectionEvent.HELLO_OPEN: None,
        SchedulerConnectionEvent.HELLO_ACCEPT: None,
        SchedulerConnectionEvent.HELLO_PING: None,
        SchedulerConnectionEvent.HELLO_PONG: None,
        SchedulerConnectionEvent.ERROR: None,
        SchedulerConnectionEvent.AUTH_CHALLENGE: None,
        SchedulerConnectionEvent.AUTH_PROOF: None,
        SchedulerConnectionEvent.GOODBYE: None,
        SchedulerConnectionEvent.SUBMIT: None,
        SchedulerConnectionEvent.ACCEPTED: None,
        SchedulerConnectionEvent.SUBSCRIBE: None,
        SchedulerConnectionEvent.CREDIT: None,
        SchedulerConnectionEvent.CANCEL: None,
        SchedulerConnectionEvent.PROGRESS: None,
        SchedulerConnectionEvent.QUERY: None,
        SchedulerConnectionEvent.AWAIT: None,
        SchedulerConnectionEvent.SCHEDULE: None,
        SchedulerConnectionEvent.RETURN: None,
        SchedulerConnectionEvent.RESUME: None,
        SchedulerConnectionEvent.CHALLENGE: None,
        SchedulerConnectionEvent.ACCEPT_WORKER: SchedulerConnectionState.WORKER_NEW,
        SchedulerConnectionEvent.ACCEPT_CLIENT: SchedulerConnectionState.CLIENT,
        SchedulerConnectionEvent.CLOSE: SchedulerConnectionState.CLOSED,
    },
    SchedulerConnectionState.WORKER_NEW: {
        SchedulerConnectionEvent.RESULT: None,
        SchedulerConnectionEvent.HELLO_OPEN: None,
        SchedulerConnectionEvent.HELLO_ACCEPT: None,
        SchedulerConnectionEvent.HELLO_PING: SchedulerConnectionState.WORKER_NEW,
        SchedulerConnectionEvent.HELLO_PONG: SchedulerConnectionState.WORKER_NEW,
        SchedulerConnectionEvent.ERROR: SchedulerConnectionState.WORKER_NEW,
        SchedulerConnectionEvent.AUTH_CHALLENGE: None,
        SchedulerConnectionEvent.AUTH_PROOF: None,
        SchedulerConnectionEvent.GOODBYE: SchedulerConnectionState.WORKER_DRAINING,
        SchedulerConnectionEvent.SUBMIT: None,
        SchedulerConnectionEvent.ACCEPTED: SchedulerConnectionState.WORKER_NEW,
        SchedulerConnectionEvent.SUBSCRIBE: SchedulerConnectionState.WORKER,
        SchedulerConnectionEvent.CREDIT: None,
        SchedulerConnectionEvent.CANCEL: None,
        SchedulerConnectionEvent.PROGRESS: None,
        SchedulerConnectionEvent.QUERY: None,
        SchedulerConnectionEvent.AWAIT: None,
        SchedulerConnectionEvent.SCHEDULE: None,
        SchedulerConnectionEvent.RETURN: None,
        SchedulerConnectionEvent.RESUME: SchedulerConnectionState.WORKER_NEW,
        SchedulerConnectionEvent.CHALLENGE: None,
        SchedulerConnectionEvent.ACCEPT_WORKER: None,
        SchedulerConnectionEvent.ACCEPT_CLIENT: None,
        SchedulerConnectionEvent.CLOSE: SchedulerConnectionState.CLOSED,
    },
    SchedulerConnectionState.WORKER: {
        SchedulerConnectionEvent.RESULT: SchedulerConnectionState.WORKER,
        SchedulerConnectionEvent.HELLO_OPEN: None,
        SchedulerConnectionEvent.HELLO_ACCEPT: None,
        SchedulerConnectionEvent.HELLO_PING: SchedulerConnectionState.WORKER,
        SchedulerConnectionEvent.HELLO_PONG: SchedulerConnectionState.WORKER,
        SchedulerConnectionEvent.ERROR: SchedulerConnectionState.WORKER,
        SchedulerConnectionEvent.AUTH_CHALLENGE: None,
        SchedulerConnectionEvent.AUTH_PROOF: None,
        SchedulerConnectionEvent.GOODBYE: SchedulerConnectionState.WORKER_DRAINING,
        SchedulerConnectionEvent.SUBMIT: None,
        SchedulerConnectionEvent.ACCEPTED: SchedulerConnectionState.WORKER,
        SchedulerConnectionEvent.SUBSCRIBE: SchedulerConnectionState.WORKER,
        SchedulerConnectionEvent.CREDIT: SchedulerConnectionState.WORKER,
        SchedulerConnectionEvent.CANCEL: None,
        SchedulerConnectionEvent.PROGRESS: SchedulerConnectionState.WORKER,
        SchedulerConnectionEvent.QUERY: None,
        SchedulerConnectionEvent.AWAIT: None,
        SchedulerConnectionEvent.SCHEDULE: None,
        SchedulerConnectionEvent.RETURN: SchedulerConnectionState.WORKER,
        SchedulerConnectionEvent.RESUME: None,
        SchedulerConnectionEvent.CHALLENGE: None,
        SchedulerConnectionEvent.ACCEPT_WORKER: None,
        SchedulerConnectionEvent.ACCEPT_CLIENT: None,
        SchedulerConnectionEvent.CLOSE: SchedulerConnectionState.CLOSED,
    },
    SchedulerConnectionState.WORKER_DRAINING: {
        SchedulerConnectionEvent.RESULT: SchedulerConnectionState.WORKER_DRAINING,
        SchedulerConnectionEvent.HELLO_OPEN: None,
        SchedulerConnectionEvent.HELLO_ACCEPT: None,
        SchedulerConnectionEvent.HELLO_PING: SchedulerConnectionState.WORKER_DRAINING,
        SchedulerConnectionEvent.HELLO_PONG: SchedulerConnectionState.WORKER_DRAINING,
        SchedulerConnectionEvent.ERROR: SchedulerConnectionState.WORKER_DRAINING,
        SchedulerConnectionEvent.AUTH_CHALLENGE: None,
        SchedulerConnectionEvent.AUTH_PROOF: None,
        SchedulerConnectionEvent.GOODBYE: None,
        SchedulerConnectionEvent.SUBMIT: None,
        SchedulerConnectionEvent.ACCEPTED: SchedulerConnectionState.WORKER_DRAINING,
        SchedulerConnectionEvent.SUBSCRIBE: None,
        SchedulerConnectionEvent.CREDIT: SchedulerConnectionState.WORKER_DRAINING,
        SchedulerConnectionEvent.CANCEL: None,
        SchedulerConnectionEvent.PROGRESS: SchedulerConnectionState.WORKER_DRAINING,
        SchedulerConnectionEvent.QUERY: None,
        SchedulerConnectionEvent.AWAIT: None,
        SchedulerConnectionEvent.SCHEDULE: None,
        SchedulerConnectionEvent.RETURN: SchedulerConnectionState.WORKER_DRAINING,
        SchedulerConnectionEvent.RESUME: None,
        SchedulerConnectionEvent.CHALLENGE: None,
        SchedulerConnectionEvent.ACCEPT_WORKER: None,
        SchedulerConnectionEvent.ACCEPT_CLIENT: None,
        SchedulerConnectionEvent.CLOSE: SchedulerConnectionState.CLOSED,
    },
    SchedulerConnectionState.CLIENT: {
        SchedulerConnectionEvent.RESULT: None,
        SchedulerConnectionEvent.HELLO_OPEN: None,
        SchedulerConnectionEvent.HELLO_ACCEPT: None,
        SchedulerConnectionEvent.HELLO_PING: SchedulerConnectionState.CLIENT,
        SchedulerConnectionEvent.HELLO_PONG: SchedulerConnectionState.CLIENT,
        SchedulerConnectionEvent.ERROR: SchedulerConnectionState.CLIENT,
        SchedulerConnectionEvent.AUTH_CHALLENGE: None,
        SchedulerConnectionEvent.AUTH_PROOF: None,
        SchedulerConnectionEvent.GOODBYE: SchedulerConnectionState.CLOSED,
        SchedulerConnectionEvent.SUBMIT: SchedulerConnectionState.CLIENT,
        SchedulerConnectionEvent.ACCEPTED: SchedulerConnectionState.CLIENT,
        SchedulerConnectionEvent.SUBSCRIBE: None,
        SchedulerConnectionEvent.CREDIT: None,
        SchedulerConnectionEvent.CANCEL: SchedulerConnectionState.CLIENT,
        SchedulerConnectionEvent.PROGRESS: None,
        SchedulerConnectionEvent.QUERY: SchedulerConnectionState.CLIENT,
        SchedulerConnectionEvent.AWAIT: SchedulerConnectionState.CLIENT,
        SchedulerConnectionEvent.SCHEDULE: SchedulerConnectionState.CLIENT,
        SchedulerConnectionEvent.RETURN: None,
        SchedulerConnectionEvent.RESUME: None,
        SchedulerConnectionEvent.CHALLENGE: None,
        SchedulerConnectionEvent.ACCEPT_WORKER: None,
        SchedulerConnectionEvent.ACCEPT_CLIENT: None,
        SchedulerConnectionEvent.CLOSE: SchedulerConnectionState.CLOSED,
    },
    SchedulerConnectionState.CLOSED: {
        SchedulerConnectionEvent.RESULT: None,
        SchedulerConnectionEvent.HELLO_OPEN: None,
        SchedulerConnectionEvent.HELLO_ACCEPT: None,
        SchedulerConnectionEvent.HELLO_PING: None,
        SchedulerConnectionEvent.HELLO_PONG: None,
        SchedulerConnectionEvent.ERROR: None,
        SchedulerConnectionEvent.AUTH_CHALLENGE: None,
        SchedulerConnectionEvent.AUTH_PROOF: None,
        SchedulerConnectionEvent.GOODBYE: None,
        SchedulerConnectionEvent.SUBMIT: None,
        SchedulerConnectionEvent.ACCEPTED: None,
        SchedulerConnectionEvent.SUBSCRIBE: None,
        SchedulerConnectionEvent.CREDIT: None,
        SchedulerConnectionEvent.CANCEL: None,
        SchedulerConnectionEvent.PROGRESS: None,
        SchedulerConnectionEvent.QUERY: None,
        SchedulerConnectionEvent.AWAIT: None,
        SchedulerConnectionEvent.SCHEDULE: None,
        SchedulerConnectionEvent.RETURN: None,
        SchedulerConnectionEvent.RESUME: None,
        SchedulerConnectionEvent.CHALLENGE: None,
        SchedulerConnectionEvent.ACCEPT_WORKER: None,
        SchedulerConnectionEvent.ACCEPT_CLIENT: None,
        SchedulerConnectionEvent.CLOSE: SchedulerConnectionState.CLOSED,
    },
}

SCHEDULER_CONNECTION_INITIAL = SchedulerConnectionState.GREETING
SCHEDULER_CONNECTION_FINAL = frozenset({SchedulerConnectionState.CLOSED})
SCHEDULER_CONNECTION_OTHERWISE = SchedulerConnectionOtherwise(SchedulerConnectionState.CLOSED, ErrorCode.UNEXPECTED_MESSAGE)

#: States in which nothing is read until an event of the machine's own has moved it on.
SCHEDULER_CONNECTION_LOCAL = frozenset[SchedulerConnectionState]({SchedulerConnectionState.OPENING, SchedulerConnectionState.PROVING})

#: The event of each message: by its command, and by its kind where it has kinds (None where it has not).
SCHEDULER_CONNECTION_EVENTS: dict[tuple[int, int | None], SchedulerConnectionEvent] = {
    (2, None): SchedulerConnectionEvent.RESULT,
    (3, 1): SchedulerConnectionEvent.HELLO_OPEN,
    (3, 2): SchedulerConnectionEvent.HELLO_ACCEPT,
    (3, 3): SchedulerConnectionEvent.HELLO_PING,
    (3, 4): SchedulerConnectionEvent.HELLO_PONG,
    (4, None): SchedulerConnectionEvent.ERROR,
    (5, 1): SchedulerConnectionEvent.AUTH_CHALLENGE,
    (5, 2): SchedulerConnectionEvent.AUTH_PROOF,
    (6, None): SchedulerConnectionEvent.GOODBYE,
    (7, None): SchedulerConnectionEvent.SUBMIT,
    (8, None): SchedulerConnectionEvent.ACCEPTED,
    (9, None): SchedulerConnectionEvent.SUBSCRIBE,
    (10, None): SchedulerConnectionEvent.CREDIT,
    (11, None): SchedulerConnectionEvent.CANCEL,
    (12, None): SchedulerConnectionEvent.PROGRESS,
    (13, None): SchedulerConnectionEvent.QUERY,
    (15, None): SchedulerConnectionEvent.AWAIT,
    (16, None): SchedulerConnectionEvent.SCHEDULE,
    (18, None): SchedulerConnectionEvent.RETURN,
    (19, None): SchedulerConnectionEvent.RESUME,
}


class WorkerConnectionState(enum.IntEnum):
    """A connection as a worker sees it."""

    OPENING = 0
    """The open is sent."""

    PROVING = 1
    """The challenge is here, the proof is sent."""

    ACCEPTED = 2
    """The scheduler speaks to this worker."""

    LEAVING = 3
    """The scheduler has said goodbye; Results may still be accepted."""

    CLOSED = 4
    """Nothing more is read."""


class WorkerConnectionEvent(enum.IntEnum):
    """What can happen to it."""

    TASK = 0
    """Gives a worker a task, with the lease to run it once."""

    HELLO_OPEN = 1
    """Opens a connection, accepts it, and keeps it alive. Its layout is the same in every version of the protocol."""

    HELLO_ACCEPT = 2
    """Opens a connection, accepts it, and keeps it alive. Its layout is the same in every version of the protocol."""

    HELLO_PING = 3
    """Opens a connection, accepts it, and keeps it alive. Its layout is the same in every version of the protocol."""

    HELLO_PONG = 4
    """Opens a connection, accepts it, and keeps it alive. Its layout is the same in every version of the protocol."""

    ERROR = 5
    """Says what went wrong and whether trying again can help. Never answered. A scheduler may send it before it
    accepts."""

    AUTH_CHALLENGE = 6
    """Challenge and proof, between the open and the accept."""

    AUTH_PROOF = 7
    """Challenge and proof, between the open and the accept."""

    GOODBYE = 8
    """Announces the end. A worker that drains gets no new Task, but reports what it has until the end of the stream."""

    ACCEPTED = 9
    """All sequenced messages up to this one are durable (at a client or a worker: taken), or were refused by an earlier
    Error that names their seq."""

    CANCEL = 10
    """Asks for a task to be stopped: a client asks the scheduler, the scheduler asks the worker."""

    RETRACT = 11
    """Asks a worker to give back a task that it has not begun."""

    RESUME = 12
    """A worker proves a former session and names the leases that it still holds; the scheduler answers with those that
    it may keep. After the accept and before Subscribe."""

    CLOSE = 13
    """Either side has closed the connection."""


class WorkerConnectionOtherwise(NamedTuple):
    """What follows where the table has None."""

    state: WorkerConnectionState | None
    error: ErrorCode | None


WORKER_CONNECTION: dict[WorkerConnectionState, dict[WorkerConnectionEvent, WorkerConnectionState | None]] = {
    WorkerConnectionState.OPENING: {
        WorkerConnectionEvent.TASK: None,
        WorkerConnectionEvent.HELLO_OPEN: None,
        WorkerConnectionEvent.HELLO_ACCEPT: WorkerConnectionState.ACCEPTED,
        WorkerConnectionEvent.HELLO_PING: None,
        WorkerConnectionEvent.HELLO_PONG: None,
        WorkerConnectionEvent.ERROR: WorkerConnectionState.OPENING,
        WorkerConnectionEvent.AUTH_CHALLENGE: WorkerConnectionState.PROVING,
        WorkerConnectionEvent.AUTH_PROOF: None,
        WorkerConnectionEvent.GOODBYE: WorkerConnectionState.CLOSED,
        WorkerConnectionEvent.ACCEPTED: None,
        WorkerConnectionEvent.CANCEL: None,
        WorkerConnectionEvent.RETRACT: None,
        WorkerConnectionEvent.RESUME: None,
        WorkerConnectionEvent.CLOSE: WorkerConnectionState.CLOSED,
    },
    WorkerConnectionState.PROVING: {
        WorkerConnectionEvent.TASK: None,
        WorkerConnectionEvent.HELLO_OPEN: None,
        WorkerConnectionEvent.HELLO_ACCEPT: WorkerConnectionState.ACCEPTED,
        WorkerConnectionEvent.HELLO_PING: None,
        WorkerConnectionEvent.HELLO_PONG: None,
        WorkerConnectionEvent.ERROR: WorkerConnectionState.PROVING,
        WorkerConnectionEvent.AUTH_CHALLENGE: None,
        WorkerConnectionEvent.AUTH_PROOF: None,
        WorkerConnectionEvent.GOODBYE: WorkerConnectionState.CLOSED,
        WorkerConnectionEvent.ACCEPTED: None,
        WorkerConnectionEvent.CANCEL: None,
        WorkerConnectionEvent.RETRACT: None,
        WorkerConnectionEvent.RESUME: None,
        WorkerConnectionEvent.CLOSE: WorkerConnectionState.CLOSED,
    },
    WorkerConnectionState.ACCEPTED: {
        WorkerConnectionEvent.TASK: WorkerConnectionState.ACCEPTED,
        WorkerConnectionEvent.HELLO_OPEN: None,
        WorkerConnectionEvent.HELLO_ACCEPT: None,
        WorkerConnectionEvent.HELLO_PING: WorkerConnectionState.ACCEPTED,
        WorkerConnectionEvent.HELLO_PONG: WorkerConnectionState.ACCEPTED,
        WorkerConnectionEvent.ERROR: WorkerConnectionState.ACCEPTED,
        WorkerConnectionEvent.AUTH_CHALLENGE: None,
        WorkerConnectionEvent.AUTH_PROOF: None,
        WorkerConnectionEvent.GOODBYE: WorkerConnectionState.LEAVING,
        WorkerConnectionEvent.ACCEPTED: WorkerConnectionState.ACCEPTED,
        WorkerConnectionEvent.CANCEL: WorkerConnectionState.ACCEPTED,
        WorkerConnectionEvent.RETRACT: WorkerConnectionState.ACCEPTED,
        WorkerConnectionEvent.RESUME: WorkerConnectionState.ACCEPTED,
        WorkerConnectionEvent.CLOSE: WorkerConnectionState.CLOSED,
    },
    WorkerConnectionState.LEAVING: {
        WorkerConnectionEvent.TASK: None,
        WorkerConnectionEvent.HELLO_OPEN: None,
        WorkerConnectionEvent.HELLO_ACCEPT: None,
        WorkerConnectionEvent.HELLO_PING: WorkerConnectionState.LEAVING,
        WorkerConnectionEvent.HELLO_PONG: WorkerConnectionState.LEAVING,
        WorkerConnectionEvent.ERROR: WorkerConnectionState.LEAVING,
        WorkerConnectionEvent.AUTH_CHALLENGE: None,
        WorkerConnectionEvent.AUTH_PROOF: None,
        WorkerConnectionEvent.GOODBYE: None,
        WorkerConnectionEvent.ACCEPTED: WorkerConnectionState.LEAVING,
        WorkerConnectionEvent.CANCEL: WorkerConnectionState.LEAVING,
        WorkerConnectionEvent.RETRACT: WorkerConnectionState.LEAVING,
        WorkerConnectionEvent.RESUME: None,
        WorkerConnectionEvent.CLOSE: WorkerConnectionState.CLOSED,
    },
    WorkerConnectionState.CLOSED: {
        WorkerConnectionEvent.TASK: None,
        WorkerConnectionEvent.HELLO_OPEN: None,
        WorkerConnectionEvent.HELLO_ACCEPT: None,
        WorkerConnectionEvent.HELLO_PING: None,
        WorkerConnectionEvent.HELLO_PONG: None,
        WorkerConnectionEvent.ERROR: None,
        WorkerConnectionEvent.AUTH_CHALLENGE: None,
        WorkerConnectionEvent.AUTH_PROOF: None,
        WorkerConnectionEvent.GOODBYE: None,
        WorkerConnectionEvent.ACCEPTED: None,
        WorkerConnectionEvent.CANCEL: None,
        WorkerConnectionEvent.RETRACT: None,
        WorkerConnectionEvent.RESUME: None,
        WorkerConnectionEvent.CLOSE: WorkerConnectionState.CLOSED,
    },
}

WORKER_CONNECTION_INITIAL = WorkerConnectionState.OPENING
WORKER_CONNECTION_FINAL = frozenset({WorkerConnectionState.CLOSED})
WORKER_CONNECTION_OTHERWISE = WorkerConnectionOtherwise(WorkerConnectionState.CLOSED, ErrorCode.UNEXPECTED_MESSAGE)

#: States in which nothing is read until an event of the machine's own has moved it on.
WORKER_CONNECTION_LOCAL = frozenset[WorkerConnectionState]({})

#: The event of each message: by its command, and by its kind where it has kinds (None where it has not).
WORKER_CONNECTION_EVENTS: dict[tuple[int, int | None], WorkerConnectionEvent] = {
    (1, None): WorkerConnectionEvent.TASK,
    (3, 1): WorkerConnectionEvent.HELLO_OPEN,
    (3, 2): WorkerConnectionEvent.HELLO_ACCEPT,
    (3, 3): WorkerConnectionEvent.HELLO_PING,
    (3, 4): WorkerConnectionEvent.HELLO_PONG,
    (4, None): WorkerConnectionEvent.ERROR,
    (5, 1): WorkerConnectionEvent.AUTH_CHALLENGE,
    (5, 2): WorkerConnectionEvent.AUTH_PROOF,
    (6, None): WorkerConnectionEvent.GOODBYE,
    (8, None): WorkerConnectionEvent.ACCEPTED,
    (11, None): WorkerConnectionEvent.CANCEL,
    (17, None): WorkerConnectionEvent.RETRACT,
    (19, None): WorkerConnectionEvent.RESUME,
}


class ClientConnectionState(enum.IntEnum):
    """A connection as a client sees it."""

    OPENING = 0
    """The open is sent."""

    PROVING = 1
    """The challenge is here, the proof is sent."""

    ACCEPTED = 2
    """The scheduler speaks to this client."""

    LEAVING = 3
    """The scheduler has said goodbye; what is under way may still come."""

    CLOSED = 4
    """Nothing more is read."""


class ClientConnectionEvent(enum.IntEnum):
    """What can happen to it."""

    RESULT = 0
    """Tells how a task ended: a worker tells the scheduler, the scheduler tells the clients that wait for it."""

    HELLO_OPEN = 1
    """Opens a connection, accepts it, and keeps it alive. Its layout is the same in every version of the protocol."""

    HELLO_ACCEPT = 2
    """Opens a connection, accepts it, and keeps it alive. Its layout is the same in every version of the protocol."""

    HELLO_PING = 3
    """Opens a connection, accepts it, and keeps it alive. Its layout is the same in every version of the protocol."""

    HELLO_PONG = 4
    """Opens a connection, accepts it, and keeps it alive. Its layout is the same in every version of the protocol."""

    ERROR = 5
    """Says what went wrong and whether trying again can help. Never answered. A scheduler may send it before it
    accepts."""

    AUTH_CHALLENGE = 6
    """Challenge and proof, between the open and the accept."""

    AUTH_PROOF = 7
    """Challenge and proof, between the open and the accept."""

    GOODBYE = 8
    """Announces the end. A worker that drains gets no new Task, but reports what it has until the end of the stream."""

    ACCEPTED = 9
    """All sequenced messages up to this one are durable (at a client or a worker: taken), or were refused by an earlier
    Error that names their seq."""

    PROGRESS = 10
    """How far a running task is; a partial result or a line of its log."""

    STATUS = 11
    """Everything known of a task."""

    CLOSE = 12
    """Either side has closed the connection."""


class ClientConnectionOtherwise(NamedTuple):
    """What follows where the table has None."""

    state: ClientConnectionState | None
    error: ErrorCode | None


CLIENT_CONNECTION: dict[ClientConnectionState, dict[ClientConnectionEvent, ClientConnectionState | None]] = {
    ClientConnectionState.OPENING: {
        ClientConnectionEvent.RESULT: None,
        ClientConnectionEvent.HELLO_OPEN: None,
        ClientConnectionEvent.HELLO_ACCEPT: ClientConnectionState.ACCEPTED,
        ClientConnectionEvent.HELLO_PING: None,
        ClientConnectionEvent.HELLO_PONG: None,
        ClientConnectionEvent.ERROR: ClientConnectionState.OPENING,
        ClientConnectionEvent.AUTH_CHALLENGE: ClientConnectionState.PROVING,
        ClientConnectionEvent.AUTH_PROOF: None,
        ClientConnectionEvent.GOODBYE: ClientConnectionState.CLOSED,
        ClientConnectionEvent.ACCEPTED: None,
        ClientConnectionEvent.PROGRESS: None,
        ClientConnectionEvent.STATUS: None,
        ClientConnectionEvent.CLOSE: ClientConnectionState.CLOSED,
    },
    ClientConnectionState.PROVING: {
        ClientConnectionEvent.RESULT: None,
        ClientConnectionEvent.HELLO_OPEN: None,
        ClientConnectionEvent.HELLO_ACCEPT: ClientConnectionState.ACCEPTED,
        ClientConnectionEvent.HELLO_PING: None,
        ClientConnectionEvent.HELLO_PONG: None,
        ClientConnectionEvent.ERROR: ClientConnectionState.PROVING,
        ClientConnectionEvent.AUTH_CHALLENGE: None,
        ClientConnectionEvent.AUTH_PROOF: None,
        ClientConnectionEvent.GOODBYE: ClientConnectionState.CLOSED,
        ClientConnectionEvent.ACCEPTED: None,
        ClientConnectionEvent.PROGRESS: None,
        ClientConnectionEvent.STATUS: None,
        ClientConnectionEvent.CLOSE: ClientConnectionState.CLOSED,
    },
    ClientConnectionState.ACCEPTED: {
        ClientConnectionEvent.RESULT: ClientConnectionState.ACCEPTED,
        ClientConnectionEvent.HELLO_OPEN: None,
        ClientConnectionEvent.HELLO_ACCEPT: None,
        ClientConnectionEvent.HELLO_PING: ClientConnectionState.ACCEPTED,
        ClientConnectionEvent.HELLO_PONG: ClientConnectionState.ACCEPTED,
        ClientConnectionEvent.ERROR: ClientConnectionState.ACCEPTED,
        ClientConnectionEvent.AUTH_CHALLENGE: None,
        ClientConnectionEvent.AUTH_PROOF: None,
        ClientConnectionEvent.GOODBYE: ClientConnectionState.LEAVING,
        ClientConnectionEvent.ACCEPTED: ClientConnectionState.ACCEPTED,
        ClientConnectionEvent.PROGRESS: ClientConnectionState.ACCEPTED,
        ClientConnectionEvent.STATUS: ClientConnectionState.ACCEPTED,
        ClientConnectionEvent.CLOSE: ClientConnectionState.CLOSED,
    },
    ClientConnectionState.LEAVING: {
        ClientConnectionEvent.RESULT: ClientConnectionState.LEAVING,
        ClientConnectionEvent.HELLO_OPEN: None,
        ClientConnectionEvent.HELLO_ACCEPT: None,
        ClientConnectionEvent.HELLO_PING: ClientConnectionState.LEAVING,
        ClientConnectionEvent.HELLO_PONG: ClientConnectionState.LEAVING,
        ClientConnectionEvent.ERROR: ClientConnectionState.LEAVING,
        ClientConnectionEvent.AUTH_CHALLENGE: None,
        ClientConnectionEvent.AUTH_PROOF: None,
        ClientConnectionEvent.GOODBYE: None,
        ClientConnectionEvent.ACCEPTED: ClientConnectionState.LEAVING,
        ClientConnectionEvent.PROGRESS: ClientConnectionState.LEAVING,
        ClientConnectionEvent.STATUS: ClientConnectionState.LEAVING,
        ClientConnectionEvent.CLOSE: ClientConnectionState.CLOSED,
    },
    ClientConnectionState.CLOSED: {
        ClientConnectionEvent.RESULT: None,
        ClientConnectionEvent.HELLO_OPEN: None,
        ClientConnectionEvent.HELLO_ACCEPT: None,
        ClientConnectionEvent.HELLO_PING: None,
        ClientConnectionEvent.HELLO_PONG: None,
        ClientConnectionEvent.ERROR: None,
        ClientConnectionEvent.AUTH_CHALLENGE: None,
        ClientConnectionEvent.AUTH_PROOF: None,
        ClientConnectionEvent.GOODBYE: None,
        ClientConnectionEvent.ACCEPTED: None,
        ClientConnectionEvent.PROGRESS: None,
        ClientConnectionEvent.STATUS: None,
        ClientConnectionEvent.CLOSE: ClientConnectionState.CLOSED,
    },
}

CLIENT_CONNECTION_INITIAL = ClientConnectionState.OPENING
CLIENT_CONNECTION_FINAL = frozenset({ClientConnectionState.CLOSED})
CLIENT_CONNECTION_OTHERWISE = ClientConnectionOtherwise(ClientConnectionState.CLOSED, ErrorCode.UNEXPECTED_MESSAGE)

#: States in which nothing is read until an event of the machine's own has moved it on.
CLIENT_CONNECTION_LOCAL = frozenset[ClientConnectionState]({})

#: The event of each message: by its command, and by its kind where it has kinds (None where it has not).
CLIENT_CONNECTION_EVENTS: dict[tuple[int, int | None], ClientConnectionEvent] = {
    (2, None): ClientConnectionEvent.RESULT,
    (3, 1): ClientConnectionEvent.HELLO_OPEN,
    (3, 2): ClientConnectionEvent.HELLO_ACCEPT,
    (3, 3): ClientConnectionEvent.HELLO_PING,
    (3, 4): ClientConnectionEvent.HELLO_PONG,
    (4, None): ClientConnectionEvent.ERROR,
    (5, 1): ClientConnectionEvent.AUTH_CHALLENGE,
    (5, 2): ClientConnectionEvent.AUTH_PROOF,
    (6, None): ClientConnectionEvent.GOODBYE,
    (8, None): ClientConnectionEvent.ACCEPTED,
    (12, None): ClientConnectionEvent.PROGRESS,
    (14, None): ClientConnectionEvent.STATUS,
}


class TaskMachineState(enum.IntEnum):
    """The life of a task."""

    NEW = 0
    """Just submitted; nobody sees this state."""

    WAITING = 1
    """For tasks that must succeed first."""

    SCHEDULED = 2
    """For a point in time (a delay or a backoff)."""

    READY = 3
    """For a worker."""

    LEASED = 4
    """With a worker, which holds its lease."""

    SUCCEEDED = 5
    """Ended with a result."""

    DEAD = 6
    """Ended without a result; kept for inspection."""

    CANCELLED = 7
    """Ended because somebody asked for it."""

    EXPIRED = 8
    """Ended because its time was over."""


class TaskMachineEvent(enum.IntEnum):
    """What can happen to it."""

    ADMIT = 0
    """Nothing keeps it from running."""

    DELAY = 1
    """It may run later."""

    BLOCK = 2
    """Tasks that must succeed first have not."""

    DUE = 3
    """Its time has come."""

    LEASE = 4
    """A worker gets it."""

    SUCCEED = 5
    """Its handler returned."""

    RETRY = 6
    """Its handler failed, and it has attempts left."""

    GIVE_BACK = 7
    """It was not finished, through no fault of its own."""

    GIVE_UP = 8
    """It failed, crashed or was lost too often."""

    CANCEL = 9
    """Somebody asks for it to be stopped."""

    STOP = 10
    """It has been stopped as asked."""

    EXPIRE = 11
    """Its time is over."""

    REVIVE = 12
    """An operator gives it another life."""


class TaskMachineOtherwise(NamedTuple):
    """What follows where the table has None."""

    state: TaskMachineState | None
    error: ErrorCode | None


TASK: dict[TaskMachineState, dict[TaskMachineEvent, TaskMachineState | None]] = {
    TaskMachineState.NEW: {
        TaskMachineEvent.ADMIT: TaskMachineState.READY,
        TaskMachineEvent.DELAY: TaskMachineState.SCHEDULED,
        TaskMachineEvent.BLOCK: TaskMachineState.WAITING,
        TaskMachineEvent.DUE: None,
        TaskMachineEvent.LEASE: None,
        TaskMachineEvent.SUCCEED: None,
        TaskMachineEvent.RETRY: None,
        TaskMachineEvent.GIVE_BACK: None,
        TaskMachineEvent.GIVE_UP: None,
        TaskMachineEvent.CANCEL: None,
        TaskMachineEvent.STOP: None,
        TaskMachineEvent.EXPIRE: None,
        TaskMachineEvent.REVIVE: None,
    },
    TaskMachineState.WAITING: {
        TaskMachineEvent.ADMIT: TaskMachineState.READY,
        TaskMachineEvent.DELAY: TaskMachineState.SCHEDULED,
        TaskMachineEvent.BLOCK: None,
        TaskMachineEvent.DUE: None,
        TaskMachineEvent.LEASE: None,
        TaskMachineEvent.SUCCEED: None,
        TaskMachineEvent.RETRY: None,
        TaskMachineEvent.GIVE_BACK: None,
        TaskMachineEvent.GIVE_UP: None,
        TaskMachineEvent.CANCEL: TaskMachineState.CANCELLED,
        TaskMachineEvent.STOP: None,
        TaskMachineEvent.EXPIRE: TaskMachineState.EXPIRED,
        TaskMachineEvent.REVIVE: None,
    },
    TaskMachineState.SCHEDULED: {
        TaskMachineEvent.ADMIT: None,
        TaskMachineEvent.DELAY: None,
        TaskMachineEvent.BLOCK: None,
        TaskMachineEvent.DUE: TaskMachineState.READY,
        TaskMachineEvent.LEASE: None,
        TaskMachineEvent.SUCCEED: None,
        TaskMachineEvent.RETRY: None,
        TaskMachineEvent.GIVE_BACK: None,
        TaskMachineEvent.GIVE_UP: None,
        TaskMachineEvent.CANCEL: TaskMachineState.CANCELLED,
        TaskMachineEvent.STOP: None,
        TaskMachineEvent.EXPIRE: TaskMachineState.EXPIRED,
        TaskMachineEvent.REVIVE: None,
    },
    TaskMachineState.READY: {
        TaskMachineEvent.ADMIT: None,
        TaskMachineEvent.DELAY: None,
        TaskMachineEvent.BLOCK: None,
        TaskMachineEvent.DUE: None,
        TaskMachineEvent.LEASE: TaskMachineState.LEASED,
        TaskMachineEvent.SUCCEED: None,
        TaskMachineEvent.RETRY: None,
        TaskMachineEvent.GIVE_BACK: None,
        TaskMachineEvent.GIVE_UP: TaskMachineState.DEAD,
        TaskMachineEvent.CANCEL: TaskMachineState.CANCELLED,
        TaskMachineEvent.STOP: None,
        TaskMachineEvent.EXPIRE: TaskMachineState.EXPIRED,
        TaskMachineEvent.REVIVE: None,
    },
    TaskMachineState.LEASED: {
        TaskMachineEvent.ADMIT: None,
        TaskMachineEvent.DELAY: None,
        TaskMachineEvent.BLOCK: None,
        TaskMachineEvent.DUE: None,
        TaskMachineEvent.LEASE: None,
        TaskMachineEvent.SUCCEED: TaskMachineState.SUCCEEDED,
        TaskMachineEvent.RETRY: TaskMachineState.SCHEDULED,
        TaskMachineEvent.GIVE_BACK: TaskMachineState.READY,
        TaskMachineEvent.GIVE_UP: TaskMachineState.DEAD,
        TaskMachineEvent.CANCEL: TaskMachineState.LEASED,
        TaskMachineEvent.STOP: TaskMachineState.CANCELLED,
        TaskMachineEvent.EXPIRE: None,
        TaskMachineEvent.REVIVE: None,
    },
    TaskMachineState.SUCCEEDED: {
        TaskMachineEvent.ADMIT: None,
        TaskMachineEvent.DELAY: None,
        TaskMachineEvent.BLOCK: None,
        TaskMachineEvent.DUE: None,
        TaskMachineEvent.LEASE: None,
        TaskMachineEvent.SUCCEED: None,
        TaskMachineEvent.RETRY: None,
        TaskMachineEvent.GIVE_BACK: None,
        TaskMachineEvent.GIVE_UP: None,
        TaskMachineEvent.CANCEL: TaskMachineState.SUCCEEDED,
        TaskMachineEvent.STOP: None,
        TaskMachineEvent.EXPIRE: TaskMachineState.SUCCEEDED,
        TaskMachineEvent.REVIVE: None,
    },
    TaskMachineState.DEAD: {
        TaskMachineEvent.ADMIT: None,
        TaskMachineEvent.DELAY: None,
        TaskMachineEvent.BLOCK: None,
        TaskMachineEvent.DUE: None,
        TaskMachineEvent.LEASE: None,
        TaskMachineEvent.SUCCEED: None,
        TaskMachineEvent.RETRY: None,
        TaskMachineEvent.GIVE_BACK: None,
        TaskMachineEvent.GIVE_UP: None,
        TaskMachineEvent.CANCEL: TaskMachineState.DEAD,
        TaskMachineEvent.STOP: None,
        TaskMachineEvent.EXPIRE: TaskMachineState.DEAD,
        TaskMachineEvent.REVIVE: TaskMachineState.READY,
    },
    TaskMachineState.CANCELLED: {
        TaskMachineEvent.ADMIT: None,
        TaskMachineEvent.DELAY: None,
        TaskMachineEvent.BLOCK: None,
        TaskMachineEvent.DUE: None,
        TaskMachineEvent.LEASE: None,
        TaskMachineEvent.SUCCEED: None,
        TaskMachineEvent.RETRY: None,
        TaskMachineEvent.GIVE_BACK: None,
        TaskMachineEvent.GIVE_UP: None,
        TaskMachineEvent.CANCEL: TaskMachineState.CANCELLED,
        TaskMachineEvent.STOP: None,
        TaskMachineEvent.EXPIRE: TaskMachineState.CANCELLED,
        TaskMachineEvent.REVIVE: None,
    },
    TaskMachineState.EXPIRED: {
        TaskMachineEvent.ADMIT: None,
        TaskMachineEvent.DELAY: None,
        TaskMachineEvent.BLOCK: None,
        TaskMachineEvent.DUE: None,
        TaskMachineEvent.LEASE: None,
        TaskMachineEvent.SUCCEED: None,
        TaskMachineEvent.RETRY: None,
        TaskMachineEvent.GIVE_BACK: None,
        TaskMachineEvent.GIVE_UP: None,
        TaskMachineEvent.CANCEL: TaskMachineState.EXPIRED,
        TaskMachineEvent.STOP: None,
        TaskMachineEvent.EXPIRE: TaskMachineState.EXPIRED,
        TaskMachineEvent.REVIVE: None,
    },
}

TASK_INITIAL = TaskMachineState.NEW
TASK_FINAL = frozenset({TaskMachineState.SUCCEEDED, TaskMachineState.CANCELLED, TaskMachineState.EXPIRED})
TASK_OTHERWISE = TaskMachineOtherwise(None, None)


class AssignmentState(enum.IntEnum):
    """One lease of a task, from its dispatch to its end."""

    SENT = 0
    """On its way to the worker or waiting there."""

    BEGUN = 1
    """Its handler runs."""

    RETRACTING = 2
    """Asked back; the answer is awaited."""

    STOPPING = 3
    """Asked to stop; the end is awaited."""

    ENDED = 4
    """Not current any more."""


class AssignmentEvent(enum.IntEnum):
    """What can happen to it."""

    BEGIN = 0
    """The worker has begun it."""

    RETRACT = 1
    """The scheduler asks it back."""

    KEEP = 2
    """The worker has begun it and keeps it."""

    CANCEL = 3
    """The scheduler asks for it to be stopped."""

    REPORT = 4
    """Its Result is here."""

    RETURN = 5
    """It is given back."""

    LOSE = 6
    """Its worker is lost."""

    SUPERSEDE = 7
    """Another lease has taken its place."""


class AssignmentOtherwise(NamedTuple):
    """What follows where the table has None."""

    state: AssignmentState | None
    error: ErrorCode | None


ASSIGNMENT: dict[AssignmentState, dict[AssignmentEvent, AssignmentState | None]] = {
    AssignmentState.SENT: {
        AssignmentEvent.BEGIN: AssignmentState.BEGUN,
        AssignmentEvent.RETRACT: AssignmentState.RETRACTING,
        AssignmentEvent.KEEP: None,
        AssignmentEvent.CANCEL: AssignmentState.STOPPING,
        AssignmentEvent.REPORT: AssignmentState.ENDED,
        AssignmentEvent.RETURN: AssignmentState.ENDED,
        AssignmentEvent.LOSE: AssignmentState.ENDED,
        AssignmentEvent.SUPERSEDE: AssignmentState.ENDED,
    },
    AssignmentState.BEGUN: {
        AssignmentEvent.BEGIN: AssignmentState.BEGUN,
        AssignmentEvent.RETRACT: AssignmentState.RETRACTING,
        AssignmentEvent.KEEP: None,
        AssignmentEvent.CANCEL: AssignmentState.STOPPING,
        AssignmentEvent.REPORT: AssignmentState.ENDED,
        AssignmentEvent.RETURN: AssignmentState.ENDED,
        AssignmentEvent.LOSE: AssignmentState.ENDED,
        AssignmentEvent.SUPERSEDE: AssignmentState.ENDED,
    },
    AssignmentState.RETRACTING: {
        AssignmentEvent.BEGIN: AssignmentState.BEGUN,
        AssignmentEvent.RETRACT: None,
        AssignmentEvent.KEEP: AssignmentState.BEGUN,
        AssignmentEvent.CANCEL: AssignmentState.STOPPING,
        AssignmentEvent.REPORT: AssignmentState.ENDED,
        AssignmentEvent.RETURN: AssignmentState.ENDED,
        AssignmentEvent.LOSE: AssignmentState.ENDED,
        AssignmentEvent.SUPERSEDE: AssignmentState.ENDED,
    },
    AssignmentState.STOPPING: {
        AssignmentEvent.BEGIN: AssignmentState.STOPPING,
        AssignmentEvent.RETRACT: None,
        AssignmentEvent.KEEP: AssignmentState.STOPPING,
        AssignmentEvent.CANCEL: AssignmentState.STOPPING,
        AssignmentEvent.REPORT: AssignmentState.ENDED,
        AssignmentEvent.RETURN: AssignmentState.ENDED,
        AssignmentEvent.LOSE: AssignmentState.ENDED,
        AssignmentEvent.SUPERSEDE: AssignmentState.ENDED,
    },
    AssignmentState.ENDED: {
        AssignmentEvent.BEGIN: None,
        AssignmentEvent.RETRACT: None,
        AssignmentEvent.KEEP: None,
        AssignmentEvent.CANCEL: None,
        AssignmentEvent.REPORT: None,
        AssignmentEvent.RETURN: None,
        AssignmentEvent.LOSE: None,
        AssignmentEvent.SUPERSEDE: None,
    },
}

ASSIGNMENT_INITIAL = AssignmentState.SENT
ASSIGNMENT_FINAL = frozenset({AssignmentState.ENDED})
ASSIGNMENT_OTHERWISE = AssignmentOtherwise(None, ErrorCode.STALE_LEASE)
