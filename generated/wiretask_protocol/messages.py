# Generated from spec/ (sha256 cc8e984844d8e543); do not edit.
# Edit the spec and run: nox -s generate
"""The messages of the protocol as typed, immutable values.

They validate nothing when they are built: `wiretask_protocol.codec` does, when they are encoded. Fields that stand
after a default of None are tags and may be absent. `unknown` keeps the tags that this version does not know.
"""

from __future__ import annotations

import enum
from typing import ClassVar

import msgspec


class HelloKind(enum.IntEnum):
    """What a Hello is for. Closed: other values are refused."""

    OPEN = 1
    """A peer greets the scheduler."""

    ACCEPT = 2
    """The scheduler takes the connection."""

    PING = 3
    """Are you there?"""

    PONG = 4
    """The answer to a ping; carries its nonce. Nobody answers a pong."""


class AuthKind(enum.IntEnum):
    """Which half of the challenge-response an Auth is. Closed: other values are refused."""

    CHALLENGE = 1
    """The scheduler asks for a proof."""

    PROOF = 2
    """The peer proves that it knows the token."""


class Role(enum.IntEnum):
    """What a peer of the scheduler is on this connection. Open: other values are kept as integers."""

    WORKER = 1
    """Runs tasks."""

    CLIENT = 2
    """Submits tasks and takes results."""


class Outcome(enum.IntEnum):
    """How a task, or one attempt at it, ended. Open: other values are kept as integers."""

    SUCCEEDED = 1
    """The handler returned; the body is its result."""

    FAILED = 2
    """The handler raised an error."""

    CANCELLED = 3
    """Stopped because somebody asked for it."""

    TIMED_OUT = 4
    """Stopped because its time limit was over."""

    CRASHED = 5
    """The process that ran it died; the worker lives."""

    EXPIRED = 16
    """Its time came before any worker did. Only the scheduler says so."""

    DEAD = 17
    """Given up after too many crashes. Only the scheduler says so."""

    LOST = 18
    """Given up after too many lost workers. Only the scheduler says so."""


class TaskState(enum.IntEnum):
    """Where a task is in its life; see the task machine. Open: other values are kept as integers."""

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


class WaitReason(enum.IntEnum):
    """Why a task is not running. Open: other values are kept as integers."""

    NONE = 0
    """It is running or has ended."""

    NO_WORKER = 1
    """No worker is connected that takes its queue."""

    UNKNOWN_TYPE = 2
    """No connected worker knows its type."""

    NO_SLOT = 3
    """Every worker that could run it is busy."""

    DELAY = 4
    """It was asked to start later."""

    BACKOFF = 5
    """It failed, and its next attempt is later."""

    DEPENDENCY = 6
    """A task that must succeed first has not."""

    PAUSED = 7
    """Its queue is paused."""

    LABEL = 8
    """No worker has the labels that it requires."""

    RESOURCE = 9
    """No worker has enough of a resource."""

    CONCURRENCY = 10
    """Its concurrency limit is reached."""

    RATE = 11
    """Its rate limit is reached."""

    GRACE = 12
    """The scheduler has restarted, and waits for the worker that may be running it."""

    TOO_LARGE = 13
    """No connected worker takes frames of its size."""

    ORDER = 14
    """Other tasks go first."""

    SUSPECT = 15
    """A worker died with it; suspects run one at a time."""


class ErrorScope(enum.IntEnum):
    """What an error ends. Open: other values are kept as integers."""

    REQUEST = 1
    """The message named by command and seq."""

    TASK = 2
    """A task, or one delivery of it."""

    CONNECTION = 3
    """The connection; its sender closes after it."""


class Retry(enum.IntEnum):
    """Whether trying again can help. Open: other values are kept as integers."""

    NEVER = 0
    """The same again will fail again."""

    LATER = 1
    """The same may succeed later."""

    ELSEWHERE = 2
    """The same may succeed at another scheduler."""


class GoodbyeReason(enum.IntEnum):
    """Why a peer leaves. Open: other values are kept as integers."""

    SHUTTING_DOWN = 1
    """The sender stops."""

    DRAIN = 2
    """The worker finishes what it has and takes nothing more."""

    DONE = 3
    """The sender needs nothing more."""

    REPLACED = 4
    """A newer connection has taken the session."""


class CancelMode(enum.IntEnum):
    """How hard to cancel. Open: other values are kept as integers."""

    COOPERATIVE = 1
    """Ask the handler to stop."""

    HARD = 2
    """Stop the process that runs it where the worker can."""

    SUPERSEDED = 3
    """Another worker holds the task now: stop, and report nothing."""


class ReturnReason(enum.IntEnum):
    """Why a worker gives a task back, or keeps it. Open: other values are kept as integers."""

    DRAIN = 1
    """The worker stops before it could finish it."""

    RETRACTED = 2
    """As asked: it had not begun."""

    KEPT = 3
    """Not given back: it has begun. The lease goes on."""

    UNSUPPORTED = 4
    """The worker cannot read this envelope or does not know its type."""

    OVERLOADED = 5
    """The worker cannot take it now."""


class CancelSupport(enum.IntEnum):
    """How a worker can stop a task of a type. Open: other values are kept as integers."""

    NONE = 0
    """Not at all."""

    COOPERATIVE = 1
    """The handler is asked."""

    HARD = 2
    """The process is stopped."""


class ScheduleAction(enum.IntEnum):
    """What to do with a recurring task. Closed: other values are refused."""

    PUT = 1
    """Create or replace it."""

    DELETE = 2
    """Remove it."""


class OverlapPolicy(enum.IntEnum):
    """What to do when a run is due while the former one goes on. Open: other values are kept as integers."""

    SKIP = 1
    """Leave this run out."""

    QUEUE = 2
    """Run it as well."""

    REPLACE = 3
    """Cancel the former run."""


class CatchUpPolicy(enum.IntEnum):
    """What to do with runs that were due while the scheduler was down. Open: other values are kept as integers."""

    SKIP = 1
    """Leave them out."""

    ONE = 2
    """Run once for all of them."""

    ALL = 3
    """Run each of them."""


class UniqueScope(enum.IntEnum):
    """What a unique key is compared with. Open: other values are kept as integers."""

    QUEUE = 1
    """Keys of the same queue."""

    TYPE = 2
    """Keys of the same queue and type."""

    BODY = 3
    """Keys of the same queue, type and body."""


class UniqueUntil(enum.IntEnum):
    """How long a unique key holds. Open: other values are kept as integers."""

    BEGUN = 1
    """Until a worker has it."""

    ENDED = 2
    """Until the task has ended."""

    TIME = 3
    """For the time given."""


class DependencyPolicy(enum.IntEnum):
    """What to do when a task that must succeed first has failed. Open: other values are kept as integers."""

    CANCEL = 1
    """Cancel this one too."""

    RUN = 2
    """Run it all the same."""


class GatherForm(enum.IntEnum):
    """How the handler of a callback is called with the results of its group. Open: other values are kept as integers."""

    LIST = 1
    """With a list of them, as its first argument."""

    VALUE = 2
    """With the only one of them, as its first argument: a step of a chain."""


class Encoding(enum.IntEnum):
    """How a body is written. Values from 128 are private. Open: other values are kept as integers."""

    RAW = 0
    """Bytes as they are."""

    JSON = 1
    """JSON: an array of positional arguments or an object of keyword arguments in a task; any value in a result."""


class SubmitFlags(enum.IntFlag):
    """What the client wants of the scheduler besides running the task."""

    WANT_RESULT = 1
    """Send the Result on this connection."""

    WANT_PROGRESS = 2
    """Send Progress on this connection."""

    REPEAT = 4
    """This Submit may have been sent before, on a connection that was lost."""


class VersionRange(msgspec.Struct, frozen=True, gc=False):
    """The protocol versions that a peer speaks."""

    min_version: int
    """The oldest one."""

    max_version: int
    """The newest one."""


class QueueWeight(msgspec.Struct, frozen=True, gc=False):
    """A queue that a worker takes tasks from."""

    queue: str
    """The queue. (Name.)"""

    weight: int
    """Its share among the worker's queues."""


class TypeSupport(msgspec.Struct, frozen=True, gc=False):
    """A task type that a worker knows."""

    type: str
    """The type; its version is part of its name (add@2). (Name.)"""

    cancel: int
    """How a task of it can be stopped. (CancelSupport.)"""

    max_attempts: int
    """How often its code may run and fail where the task does not say. 0 is once."""


class Resource(msgspec.Struct, frozen=True, gc=False):
    """An amount of something that tasks use up while they run."""

    name: str
    """The resource. (Name.)"""

    amount: int
    """How much of it."""


class Header(msgspec.Struct, frozen=True, gc=False):
    """A pair of words that travels with a task."""

    name: str
    """Its name. (Name.)"""

    text: str
    """What it says. (ShortText.)"""


class HeldLease(msgspec.Struct, frozen=True, gc=False):
    """A lease that a worker still holds."""

    task_id: bytes
    """The task. (TaskId.)"""

    lease: int
    """The lease. (Lease.)"""


class RetryPolicy(msgspec.Struct, frozen=True, gc=False):
    """How long to wait before the next attempt."""

    base: int
    """Before the second attempt. (Millis, in ms.)"""

    factor: int
    """Each further wait is this many times the former. (PerMille, in per mille.)"""

    cap: int
    """No wait is longer. 0 is no cap. (Millis, in ms.)"""

    jitter: int
    """Up to this fraction of the wait is taken off, at random. (PerMille, in per mille.)"""


class UniqueKey(msgspec.Struct, frozen=True, gc=False):
    """Keeps a second task with the same key out."""

    key: str
    """The key. (Name.)"""

    scope: int
    """What it is compared with. (UniqueScope.)"""

    until: int
    """How long it holds. (UniqueUntil.)"""

    hold: int
    """The time, where it holds for a time. (Millis, in ms.)"""


class Group(msgspec.Struct, frozen=True, gc=False):
    """Membership in a group: the result goes to the callback, which begins when all members have ended."""

    callback: bytes
    """The task that gathers the results of the group. (TaskId.)"""

    index: int
    """The place of this task's result among them, from 0."""


class Gather(msgspec.Struct, frozen=True, gc=False):
    """Makes a task the callback of a group. It waits until all members have ended, and begins with their results."""

    size: int
    """How many members the group has. Without any, nothing is waited for."""

    form: int
    """How the handler is called with the results. (GatherForm.)"""


class MemberResult(msgspec.Struct, frozen=True, gc=False):
    """How one member of a group ended."""

    outcome: int
    """How. (Outcome.)"""

    report: bytes
    """What its worker said of it. (PackedReport.)"""


class Gathered(msgspec.Struct, frozen=True, gc=False):
    """The results of a group."""

    form: int
    """How the handler is called with them. (GatherForm.)"""

    results: tuple[MemberResult, ...]
    """One for each member, in the order of their places."""


class ConcurrencyKey(msgspec.Struct, frozen=True, gc=False):
    """Bounds how many tasks with one key run at a time."""

    key: str
    """The key. (Name.)"""

    limit: int
    """How many."""


class RateKey(msgspec.Struct, frozen=True, gc=False):
    """Bounds how many tasks with one key start in a time."""

    key: str
    """The key. (Name.)"""

    limit: int
    """How many."""

    period: int
    """In how long. (Millis, in ms.)"""

    burst: int
    """How many at once."""


class FairnessKey(msgspec.Struct, frozen=True, gc=False):
    """Tasks of different keys in one queue go by turns."""

    key: str
    """The key. (Name.)"""

    weight: int
    """Its share."""


class AttemptRecord(msgspec.Struct, frozen=True, gc=False):
    """How one attempt went."""

    attempt: int
    """Its number."""

    outcome: int
    """How it ended. (Outcome.)"""

    ended: int
    """How long ago. (Age, in ms.)"""

    worker: str
    """Which worker had it. (ShortText.)"""

    error: str
    """What went wrong. (ShortText.)"""


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """What the client says to the worker. The scheduler reads the type and the queue, checks the structure of the rest,
    and passes the bytes on as they are."""

    type: str
    """Which handler is to run. (Name.)"""

    queue: str
    """Where the task waits. (Name.)"""

    encoding: int
    """How the body is written. (Encoding.)"""

    body: bytes
    """What the handler is called with."""

    headers: tuple[Header, ...] | None = None
    """Words that travel with the task."""

    trace_context: str | None = None
    """The W3C traceparent of the submitter. (ShortText.)"""

    trace_state: str | None = None
    """The W3C tracestate of the submitter. (ShortText.)"""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


class Report(msgspec.Struct, frozen=True, gc=False):
    """What the worker says to the client. The scheduler checks its structure and passes the bytes on as they are."""

    encoding: int
    """How the body is written. (Encoding.)"""

    body: bytes
    """What the handler returned."""

    error_type: str | None = None
    """The class of the error. (ShortText.)"""

    error_message: str | None = None
    """What it says. (Text.)"""

    traceback: str | None = None
    """Where it was raised. (Text.)"""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """What travels in one frame."""

    COMMAND: ClassVar[int] = 0


class Task(Message, frozen=True, gc=False):
    """Gives a worker a task, with the lease to run it once."""

    COMMAND: ClassVar[int] = 1

    task_id: bytes
    """The task. (TaskId.)"""

    lease: int
    """The right to run it once; goes back with the Result or the Return. (Lease.)"""

    attempt: int
    """Which attempt this is: one more than the attempts that have failed."""

    time_limit: int
    """Longest run of this attempt, from when it is begun. 0 is none. (Millis, in ms.)"""

    remaining: int
    """Not begun within this long from its arrival is given back. 0 is no bound. (Millis, in ms.)"""

    envelope: bytes
    """The octets of an Envelope, relayed as they are."""

    cost: int | None = None
    """How many slots it takes. 1 where absent."""

    resources: tuple[Resource, ...] | None = None
    """What it uses up while it runs."""

    gathered: Gathered | None = None
    """The results of its group, where it is a callback."""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


class Result(Message, frozen=True, gc=False):
    """Tells how a task ended: a worker tells the scheduler, the scheduler tells the clients that wait for it."""

    COMMAND: ClassVar[int] = 2

    seq: int
    """Position of this message. (Seq.)"""

    task_id: bytes
    """The task. (TaskId.)"""

    lease: int
    """The lease that it was run under. 0 towards a client. (Lease.)"""

    outcome: int
    """How it ended. (Outcome.)"""

    report: bytes
    """The octets of a Report, relayed as they are."""

    no_retry: bool | None = None
    """The handler says that another attempt is of no use."""

    retry_after: int | None = None
    """The handler asks for this wait before the next attempt. (Millis, in ms.)"""

    exit_status: int | None = None
    """Of the process that died: its exit code, or 256 and the number of the signal."""

    attempt: int | None = None
    """Which attempt it was. Towards a client."""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


class Hello(Message, frozen=True, gc=False):
    """Opens a connection, accepts it, and keeps it alive. Its layout is the same in every version of the protocol."""

    COMMAND: ClassVar[int] = 3

    kind: HelloKind
    """What this Hello is for."""

    nonce: int
    """Chosen by the sender of an open or a ping; the accept or the pong carries it back."""

    versions: VersionRange | None = None
    """The versions that the opener speaks."""

    role: int | None = None
    """What the opener is. (Role.)"""

    version: int | None = None
    """The version that this connection speaks."""

    agent: str | None = None
    """Which program this is, and its version. (ShortText.)"""

    frame_limit: int | None = None
    """Longest payload that the sender takes; 4 MiB where absent."""

    heartbeat: int | None = None
    """The heartbeat of this connection. (Millis, in ms.)"""

    in_flight: int | None = None
    """Sequenced messages that may be unaccepted at a time."""

    key_id: str | None = None
    """Which token the opener will prove. (Name.)"""

    session: bytes | None = None
    """The token of the session that this worker begins. (SessionToken.)"""

    dedup_window: int | None = None
    """How long the scheduler remembers the ids of ended tasks. (Age, in ms.)"""

    proof: bytes | None = None
    """The scheduler's half of the challenge-response. (Proof.)"""

    name: str | None = None
    """What people call this peer: a host and a process, say. (ShortText.)"""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


class Error(Message, frozen=True, gc=False):
    """Says what went wrong and whether trying again can help. Never answered. A scheduler may send it before it
    accepts."""

    COMMAND: ClassVar[int] = 4

    code: int
    """Which error; see the list of errors."""

    scope: int
    """What it ends. (ErrorScope.)"""

    retry: int
    """Whether trying again can help. (Retry.)"""

    command: int
    """The command of the message that caused it. 0 is none."""

    seq: int
    """The seq of the message that caused it. 0 is none."""

    text: str
    """For people; escaped before it is shown. (ShortText.)"""

    task_id: bytes | None = None
    """The task concerned. (TaskId.)"""

    retry_after: int | None = None
    """How long to wait before trying again. (Millis, in ms.)"""

    address: str | None = None
    """Where to try instead, as host:port. (ShortText.)"""

    existing_id: bytes | None = None
    """The task that is there already. (TaskId.)"""

    field: str | None = None
    """The field that could not be read. (ShortText.)"""

    offset: int | None = None
    """Where in the payload it lies."""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


class Auth(Message, frozen=True, gc=False):
    """Challenge and proof, between the open and the accept."""

    COMMAND: ClassVar[int] = 5

    kind: AuthKind
    """Which half this is."""

    nonce: bytes
    """Random bytes of the sender. (Nonce.)"""

    proof: bytes | None = None
    """The opener's half of the challenge-response. (Proof.)"""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


class Goodbye(Message, frozen=True, gc=False):
    """Announces the end. A worker that drains gets no new Task, but reports what it has until the end of the stream."""

    COMMAND: ClassVar[int] = 6

    reason: int
    """Why. (GoodbyeReason.)"""

    text: str | None = None
    """For people. (ShortText.)"""

    reconnect_after: int | None = None
    """When to come back. (Millis, in ms.)"""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


class Submit(Message, frozen=True, gc=False):
    """Hands a task to the scheduler."""

    COMMAND: ClassVar[int] = 7

    seq: int
    """Position of this message. (Seq.)"""

    task_id: bytes
    """Chosen by the client; ends in the placement of the queue. (TaskId.)"""

    flags: int
    """What the client wants besides. (SubmitFlags.)"""

    priority: int
    """9 goes first. Within one priority the first come goes first."""

    envelope: bytes
    """The octets of an Envelope, relayed as they are."""

    delay: int | None = None
    """Not before this long from now. (Millis, in ms.)"""

    not_before: int | None = None
    """Not before this point in time. (Instant, in unix ms.)"""

    expires_in: int | None = None
    """Not begun within this long from now is not begun at all. (Millis, in ms.)"""

    expires_at: int | None = None
    """Not begun by this point in time is not begun at all. (Instant, in unix ms.)"""

    time_limit: int | None = None
    """Longest run of one attempt. (Millis, in ms.)"""

    max_attempts: int | None = None
    """How often its code may run and fail. 1 where absent."""

    retry: RetryPolicy | None = None
    """How long to wait between attempts."""

    unique: UniqueKey | None = None
    """Keeps a second task like it out."""

    requires: tuple[str, ...] | None = None
    """Labels that its worker must have. (Name.)"""

    after: tuple[bytes, ...] | None = None
    """Tasks that must succeed first. (TaskId.)"""

    on_dependency_failure: int | None = None
    """What to do when one of them does not. (DependencyPolicy.)"""

    group: Group | None = None
    """Membership in a fan-in."""

    concurrency: ConcurrencyKey | None = None
    """Bounds how many like it run at a time."""

    rate: RateKey | None = None
    """Bounds how many like it start in a time."""

    fairness: FairnessKey | None = None
    """Whose turn it takes."""

    retention: int | None = None
    """How long its result is kept. (Age, in ms.)"""

    cost: int | None = None
    """How many slots it takes. 1 where absent."""

    resources: tuple[Resource, ...] | None = None
    """What it uses up while it runs."""

    note: str | None = None
    """A line for people who look at it. (ShortText.)"""

    gather: Gather | None = None
    """It is the callback of a group."""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


class Accepted(Message, frozen=True, gc=False):
    """All sequenced messages up to this one are durable (at a client or a worker: taken), or were refused by an earlier
    Error that names their seq."""

    COMMAND: ClassVar[int] = 8

    seq: int
    """The last of them. (Seq.)"""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


class Subscribe(Message, frozen=True, gc=False):
    """Says what a worker takes. Replaces the former one."""

    COMMAND: ClassVar[int] = 9

    queues: tuple[QueueWeight, ...]
    """The queues that it takes tasks from."""

    types: tuple[TypeSupport, ...]
    """The types that it knows."""

    labels: tuple[str, ...] | None = None
    """What a task can require of it. (Name.)"""

    resources: tuple[Resource, ...] | None = None
    """What it has of each resource."""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


class Credit(Message, frozen=True, gc=False):
    """How much a worker takes at a time: an absolute window, not an increment."""

    COMMAND: ClassVar[int] = 10

    slots: int
    """Tasks sent, less Results and Returns received, by cost, is at most this."""

    octets: int
    """The same for the octets of their envelopes; a task that is longer than the whole window is not sent. 0 is no
    bound."""

    begun: int
    """The last lease that was begun, in the order of arrival. 0 is none. (Lease.)"""

    concurrency: int | None = None
    """How much it runs at a time, by cost; what it has besides waits there. As much as slots where absent."""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


class Cancel(Message, frozen=True, gc=False):
    """Asks for a task to be stopped: a client asks the scheduler, the scheduler asks the worker."""

    COMMAND: ClassVar[int] = 11

    seq: int
    """Position of this message. (Seq.)"""

    task_id: bytes
    """The task. (TaskId.)"""

    lease: int
    """The lease to stop. 0 from a client. (Lease.)"""

    mode: int
    """How hard. (CancelMode.)"""

    tree: bool | None = None
    """Also the tasks that wait for it."""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


class Progress(Message, frozen=True, gc=False):
    """How far a running task is; a partial result or a line of its log."""

    COMMAND: ClassVar[int] = 12

    task_id: bytes
    """The task. (TaskId.)"""

    lease: int
    """The lease that it runs under. 0 towards a client. (Lease.)"""

    current: int
    """How much is done."""

    total: int
    """Of how much. 0 is not known."""

    body: bytes
    """A partial result or a line of the log. (Body.)"""

    text: str | None = None
    """What it is doing, for people. (ShortText.)"""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


class Query(Message, frozen=True, gc=False):
    """Asks for everything known of a task."""

    COMMAND: ClassVar[int] = 13

    seq: int
    """Position of this message. (Seq.)"""

    task_id: bytes
    """The task. (TaskId.)"""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


class Status(Message, frozen=True, gc=False):
    """Everything known of a task."""

    COMMAND: ClassVar[int] = 14

    query: int
    """The seq of the Query that this answers. (Seq.)"""

    task_id: bytes
    """The task. (TaskId.)"""

    state: int
    """Where it is in its life. (TaskState.)"""

    reason: int
    """Why it is not running. (WaitReason.)"""

    attempt: int
    """Attempts that have begun and failed, and the present one if it runs."""

    type: str
    """Its type. (Name.)"""

    queue: str
    """Its queue. (Name.)"""

    detail: str | None = None
    """The reason, in words. (ShortText.)"""

    priority: int | None = None
    """Its priority."""

    submitted: int | None = None
    """How long ago it was accepted. (Age, in ms.)"""

    started: int | None = None
    """How long ago the present delivery was sent. (Age, in ms.)"""

    ended: int | None = None
    """How long ago it ended. (Age, in ms.)"""

    due: int | None = None
    """In how long it becomes ready. (Age, in ms.)"""

    outcome: int | None = None
    """How it ended. (Outcome.)"""

    worker: str | None = None
    """Who has it. (ShortText.)"""

    error_type: str | None = None
    """The class of the last error. (ShortText.)"""

    error_message: str | None = None
    """What the last error said. (ShortText.)"""

    max_attempts: int | None = None
    """How often its code may run and fail."""

    ahead: int | None = None
    """About how many tasks go first."""

    history: tuple[AttemptRecord, ...] | None = None
    """How its latest attempts went, oldest first."""

    deliveries: int | None = None
    """How often it was given to a worker."""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


class Await(Message, frozen=True, gc=False):
    """Asks for the Result of a task on this connection: at once if it has ended, else when it ends."""

    COMMAND: ClassVar[int] = 15

    seq: int
    """Position of this message. (Seq.)"""

    task_id: bytes
    """The task. (TaskId.)"""

    progress: bool | None = None
    """Also send its Progress."""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


class Schedule(Message, frozen=True, gc=False):
    """Creates, replaces or removes a recurring task."""

    COMMAND: ClassVar[int] = 16

    seq: int
    """Position of this message. (Seq.)"""

    name: str
    """Which recurring task. (Name.)"""

    action: ScheduleAction
    """What to do with it."""

    priority: int
    """The priority of its runs."""

    delay: int | None = None
    """Not before this long from now. (Millis, in ms.)"""

    not_before: int | None = None
    """Not before this point in time. (Instant, in unix ms.)"""

    expires_in: int | None = None
    """Not begun within this long from now is not begun at all. (Millis, in ms.)"""

    expires_at: int | None = None
    """Not begun by this point in time is not begun at all. (Instant, in unix ms.)"""

    time_limit: int | None = None
    """Longest run of one attempt. (Millis, in ms.)"""

    max_attempts: int | None = None
    """How often its code may run and fail. 1 where absent."""

    retry: RetryPolicy | None = None
    """How long to wait between attempts."""

    unique: UniqueKey | None = None
    """Keeps a second task like it out."""

    requires: tuple[str, ...] | None = None
    """Labels that its worker must have. (Name.)"""

    after: tuple[bytes, ...] | None = None
    """Tasks that must succeed first. (TaskId.)"""

    on_dependency_failure: int | None = None
    """What to do when one of them does not. (DependencyPolicy.)"""

    group: Group | None = None
    """Membership in a fan-in."""

    concurrency: ConcurrencyKey | None = None
    """Bounds how many like it run at a time."""

    rate: RateKey | None = None
    """Bounds how many like it start in a time."""

    fairness: FairnessKey | None = None
    """Whose turn it takes."""

    retention: int | None = None
    """How long its result is kept. (Age, in ms.)"""

    cost: int | None = None
    """How many slots it takes. 1 where absent."""

    resources: tuple[Resource, ...] | None = None
    """What it uses up while it runs."""

    note: str | None = None
    """A line for people who look at it. (ShortText.)"""

    gather: Gather | None = None
    """It is the callback of a group."""

    cron: str | None = None
    """When it runs, as a cron expression. (ShortText.)"""

    every: int | None = None
    """Or how often it runs. (Millis, in ms.)"""

    zone: str | None = None
    """The time zone of the expression, by its IANA name. UTC where absent. (Name.)"""

    overlap: int | None = None
    """What to do while the former run goes on. (OverlapPolicy.)"""

    catch_up: int | None = None
    """What to do with runs that were missed. (CatchUpPolicy.)"""

    spread: int | None = None
    """Each run is delayed by up to this much, at random. (Millis, in ms.)"""

    envelope: bytes | None = None
    """What each run is. (an encoded Envelope.)"""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


class Retract(Message, frozen=True, gc=False):
    """Asks a worker to give back a task that it has not begun."""

    COMMAND: ClassVar[int] = 17

    task_id: bytes
    """The task. (TaskId.)"""

    lease: int
    """The lease. (Lease.)"""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


class Return(Message, frozen=True, gc=False):
    """Gives a task back, or says that it is kept. Burns no attempt."""

    COMMAND: ClassVar[int] = 18

    seq: int
    """Position of this message. (Seq.)"""

    task_id: bytes
    """The task. (TaskId.)"""

    lease: int
    """The lease. (Lease.)"""

    reason: int
    """Why. (ReturnReason.)"""

    text: str | None = None
    """For people. (ShortText.)"""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


class Resume(Message, frozen=True, gc=False):
    """A worker proves a former session and names the leases that it still holds; the scheduler answers with those that
    it may keep. After the accept and before Subscribe."""

    COMMAND: ClassVar[int] = 19

    session: bytes
    """The token of the former session; in the answer, that of the present one. (SessionToken.)"""

    leases: tuple[HeldLease, ...]
    """Held by the worker; in the answer, kept."""

    unknown: tuple[tuple[int, bytes], ...] = ()
    """Tags that this version does not know, as they came, in ascending order."""


ToScheduler = Result | Hello | Error | Auth | Goodbye | Submit | Accepted | Subscribe | Credit | Cancel | Progress | Query | Await | Schedule | Return | Resume

ToWorker = Task | Hello | Error | Auth | Goodbye | Accepted | Cancel | Retract | Resume

ToClient = Result | Hello | Error | Auth | Goodbye | Accepted | Progress | Status
AnyMessage = Task | Result | Hello | Error | Auth | Goodbye | Submit | Accepted | Subscribe | Credit | Cancel | Progress | Query | Status | Await | Schedule | Retract | Return | Resume

#: The class of each command.
BY_COMMAND: dict[int, type[AnyMessage]] = {
    1: Task,
    2: Result,
    3: Hello,
    4: Error,
    5: Auth,
    6: Goodbye,
    7: Submit,
    8: Accepted,
    9: Subscribe,
    10: Credit,
    11: Cancel,
    12: Progress,
    13: Query,
    14: Status,
    15: Await,
    16: Schedule,
    17: Retract,
    18: Return,
    19: Resume,
}
