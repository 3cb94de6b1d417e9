# Generated from spec/ (sha256 cc8e984844d8e543); do not edit.
# Edit the spec and run: nox -s generate
"""The reference codec: the protocol declared with construct, one line for each field.

It is what the fast codec is measured against, and what speaks when something is wrong: its errors carry the code, the
path of the field and the offset. This is the only module that imports construct.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from construct import Construct, Struct

from wiretask_protocol import _bounded as bounded
from wiretask_protocol import messages
from wiretask_protocol.errors import ErrorCode, WireError

# Names a task, for ever and everywhere. Made by the client: a UUIDv7 whose last two bytes are the placement, the first
# two bytes of the SHA-256 of the queue's name.
TaskId = bounded.Octets(16)

# Position of a sequenced message on its connection and in its direction: 1, and one more each time.
Seq = bounded.Integer(8, 1)

# The right to run a task once and to report on it. Strictly increasing for each task. 0 is no lease.
Lease = bounded.Integer(8)

# A duration. 0 is none.
Millis = bounded.Integer(4)

# A duration that may exceed 49 days.
Age = bounded.Integer(8)

# A point in time by the scheduler's own clock, in milliseconds since the Unix epoch.
Instant = bounded.Integer(8)

# A fraction in thousandths.
PerMille = bounded.Integer(2)

# A word that people and programs choose; compared byte by byte. Names that begin with "wiretask." are reserved.
Name = bounded.Text(1, 1, 128, r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*")

# Text for people.
Text = bounded.Text(2, 0, 65535)

# A line for people.
ShortText = bounded.Text(2, 0, 1024)

# Bytes that belong to the user. The scheduler never looks into them.
Body = bounded.Sized(4, 0, 67108864)

# The octets of a Report, as its worker wrote them.
PackedReport = bounded.Sized(4, 0, 67108864)

# Secret that proves to a restarted scheduler, or on a new connection, which session the leases belong to.
SessionToken = bounded.Octets(16)

# 32 random bytes, never used twice.
Nonce = bounded.Octets(32)

# HMAC-SHA-256 under a token, over the handshake: see Authentication.
Proof = bounded.Octets(32)

# What a Hello is for.
HelloKind = bounded.ClosedEnum(1, messages.HelloKind)

# Which half of the challenge-response an Auth is.
AuthKind = bounded.ClosedEnum(1, messages.AuthKind)

# What a peer of the scheduler is on this connection.
Role = bounded.Integer(1)

# How a task, or one attempt at it, ended.
Outcome = bounded.Integer(1)

# Where a task is in its life; see the task machine.
TaskState = bounded.Integer(1)

# Why a task is not running.
WaitReason = bounded.Integer(1)

# What an error ends.
ErrorScope = bounded.Integer(1)

# Whether trying again can help.
Retry = bounded.Integer(1)

# Why a peer leaves.
GoodbyeReason = bounded.Integer(1)

# How hard to cancel.
CancelMode = bounded.Integer(1)

# Why a worker gives a task back, or keeps it.
ReturnReason = bounded.Integer(1)

# How a worker can stop a task of a type.
CancelSupport = bounded.Integer(1)

# What to do with a recurring task.
ScheduleAction = bounded.ClosedEnum(1, messages.ScheduleAction)

# What to do when a run is due while the former one goes on.
OverlapPolicy = bounded.Integer(1)

# What to do with runs that were due while the scheduler was down.
CatchUpPolicy = bounded.Integer(1)

# What a unique key is compared with.
UniqueScope = bounded.Integer(1)

# How long a unique key holds.
UniqueUntil = bounded.Integer(1)

# What to do when a task that must succeed first has failed.
DependencyPolicy = bounded.Integer(1)

# How the handler of a callback is called with the results of its group.
GatherForm = bounded.Integer(1)

# How a body is written. Values from 128 are private.
Encoding = bounded.Integer(1)

# What the client wants of the scheduler besides running the task.
SubmitFlags = bounded.FlagSet(2, 0x7)

# -- structs ----------------------------------------------------------------------------------------------------

# The protocol versions that a peer speaks.
VersionRange = bounded.Record(
    Struct(
        "min_version" / bounded.Integer(2, 1),  # The oldest one.
        "max_version" / bounded.Integer(2, 1),  # The newest one.
    ),
    messages.VersionRange,
    rules=lambda value: not (value.min_version <= value.max_version),
)

# A queue that a worker takes tasks from.
QueueWeight = bounded.Record(
    Struct(
        "queue" / Name,  # The queue.
        "weight" / bounded.Integer(2, 1),  # Its share among the worker's queues.
    ),
    messages.QueueWeight,
)

# A task type that a worker knows.
TypeSupport = bounded.Record(
    Struct(
        "type" / Name,  # The type; its version is part of its name (add@2).
        "cancel" / CancelSupport,  # How a task of it can be stopped.
        "max_attempts" / bounded.Integer(2),  # How often its code may run and fail where the task does not say. 0 is once.
    ),
    messages.TypeSupport,
)

# An amount of something that tasks use up while they run.
Resource = bounded.Record(
    Struct(
        "name" / Name,  # The resource.
        "amount" / bounded.Integer(8),  # How much of it.
    ),
    messages.Resource,
)

# A pair of words that travels with a task.
Header = bounded.Record(
    Struct(
        "name" / Name,  # Its name.
        "text" / ShortText,  # What it says.
    ),
    messages.Header,
)

# A lease that a worker still holds.
HeldLease = bounded.Record(
    Struct(
        "task_id" / TaskId,  # The task.
        "lease" / bounded.Integer(8, 1),  # The lease.
    ),
    messages.HeldLease,
)

# How long to wait before the next attempt.
RetryPolicy = bounded.Record(
    Struct(
        "base" / Millis,  # Before the second attempt.
        "factor" / bounded.Integer(2, 1000),  # Each further wait is this many times the former.
        "cap" / Millis,  # No wait is longer. 0 is no cap.
        "jitter" / bounded.Integer(2, 0, 1000),  # Up to this fraction of the wait is taken off, at random.
    ),
    messages.RetryPolicy,
)

# Keeps a second task with the same key out.
UniqueKey = bounded.Record(
    Struct(
        "key" / Name,  # The key.
        "scope" / UniqueScope,  # What it is compared with.
        "until" / UniqueUntil,  # How long it holds.
        "hold" / Millis,  # The time, where it holds for a time.
    ),
    messages.UniqueKey,
)

# Membership in a group: the result goes to the callback, which begins when all members have ended.
Group = bounded.Record(
    Struct(
        "callback" / TaskId,  # The task that gathers the results of the group.
        "index" / bounded.Integer(2),  # The place of this task's result among them, from 0.
    ),
    messages.Group,
)

# Makes a task the callback of a group. It waits until all members have ended, and begins with their results.
Gather = bounded.Record(
    Struct(
        "size" / bounded.Integer(2),  # How many members the group has. Without any, nothing is waited for.
        "form" / GatherForm,  # How the handler is called with the results.
    ),
    messages.Gather,
)

# How one member of a group ended.
MemberResult = bounded.Record(
    Struct(
        "outcome" / Outcome,  # How.
        "report" / PackedReport,  # What its worker said of it.
    ),
    messages.MemberResult,
)

# The results of a group.
Gathered = bounded.Record(
    Struct(
        "form" / GatherForm,  # How the handler is called with them.
        "results" / bounded.Items(MemberResult, 65535),  # One for each member, in the order of their places.
    ),
    messages.Gathered,
)

# Bounds how many tasks with one key run at a time.
ConcurrencyKey = bounded.Record(
    Struct(
        "key" / Name,  # The key.
        "limit" / bounded.Integer(2, 1),  # How many.
    ),
    messages.ConcurrencyKey,
)

# Bounds how many tasks with one key start in a time.
RateKey = bounded.Record(
    Struct(
        "key" / Name,  # The key.
        "limit" / bounded.Integer(4, 1),  # How many.
        "period" / bounded.Integer(4, 1),  # In how long.
        "burst" / bounded.Integer(4, 1),  # How many at once.
    ),
    messages.RateKey,
)

# Tasks of different keys in one queue go by turns.
FairnessKey = bounded.Record(
    Struct(
        "key" / Name,  # The key.
        "weight" / bounded.Integer(2, 1),  # Its share.
    ),
    messages.FairnessKey,
)

# How one attempt went.
AttemptRecord = bounded.Record(
    Struct(
        "attempt" / bounded.Integer(2),  # Its number.
        "outcome" / Outcome,  # How it ended.
        "ended" / Age,  # How long ago.
        "worker" / ShortText,  # Which worker had it.
        "error" / ShortText,  # What went wrong.
    ),
    messages.AttemptRecord,
)

# -- relayed structs --------------------------------------------------------------------------------------------

# What the client says to the worker. The scheduler reads the type and the queue, checks the structure of the rest, and
# passes the bytes on as they are.
EnvelopeFields = Struct(
    "type" / Name,  # Which handler is to run.
    "queue" / Name,  # Where the task waits.
    "encoding" / Encoding,  # How the body is written.
)
EnvelopeTags = bounded.Tags(
    bounded.Tag(1, "headers", bounded.Items(Header, 65535)),  # Words that travel with the task.
    bounded.Tag(2, "trace_context", ShortText),  # The W3C traceparent of the submitter.
    bounded.Tag(3, "trace_state", ShortText),  # The W3C tracestate of the submitter.
    critical=True,
)
EnvelopeBody = bounded.Sized(4, 0, 67108864)  # What the handler is called with.
Envelope = bounded.Relayed(EnvelopeFields, EnvelopeBody, critical=True)

# What the worker says to the client. The scheduler checks its structure and passes the bytes on as they are.
ReportFields = Struct(
    "encoding" / Encoding,  # How the body is written.
)
ReportTags = bounded.Tags(
    bounded.Tag(1, "error_type", ShortText),  # The class of the error.
    bounded.Tag(2, "error_message", Text),  # What it says.
    bounded.Tag(3, "traceback", Text),  # Where it was raised.
    critical=False,
)
ReportBody = bounded.Sized(4, 0, 67108864)  # What the handler returned.
Report = bounded.Relayed(ReportFields, ReportBody, critical=False)

# -- messages ---------------------------------------------------------------------------------------------------

# Gives a worker a task, with the lease to run it once.
Task = Struct(
    "task_id" / TaskId,  # The task.
    "lease" / bounded.Integer(8, 1),  # The right to run it once; goes back with the Result or the Return.
    "attempt" / bounded.Integer(2, 1),  # Which attempt this is: one more than the attempts that have failed.
    "time_limit" / Millis,  # Longest run of this attempt, from when it is begun. 0 is none.
    "remaining" / Millis,  # Not begun within this long from its arrival is given back. 0 is no bound.
    "tags" / bounded.Tags(
        bounded.Tag(1, "cost", bounded.Integer(2, 1)),  # How many slots it takes. 1 where absent.
        bounded.Tag(2, "resources", bounded.Items(Resource, 64)),  # What it uses up while it runs.
        bounded.Tag(3, "gathered", Gathered),  # The results of its group, where it is a callback.
    ),
    "envelope" / Envelope,
    "_end" / bounded.End(),
)

# Tells how a task ended: a worker tells the scheduler, the scheduler tells the clients that wait for it.
Result = Struct(
    "seq" / Seq,  # Position of this message.
    "task_id" / TaskId,  # The task.
    "lease" / Lease,  # The lease that it was run under. 0 towards a client.
    "outcome" / Outcome,  # How it ended.
    "tags" / bounded.Tags(
        bounded.Tag(1, "no_retry", bounded.Boolean()),  # The handler says that another attempt is of no use.
        bounded.Tag(2, "retry_after", Millis),  # The handler asks for this wait before the next attempt.
        bounded.Tag(3, "exit_status", bounded.Integer(2)),  # Of the process that died: its exit code, or 256 and the number of the signal.
        bounded.Tag(4, "attempt", bounded.Integer(2)),  # Which attempt it was. Towards a client.
    ),
    "report" / Report,
    "_end" / bounded.End(),
)

# Opens a connection, accepts it, and keeps it alive. Its layout is the same in every version of the protocol.
Hello = Struct(
    "kind" / HelloKind,  # What this Hello is for.
    "nonce" / bounded.Integer(8),  # Chosen by the sender of an open or a ping; the accept or the pong carries it back.
    "tags" / bounded.Tags(
        bounded.Tag(1, "versions", VersionRange),  # The versions that the opener speaks.
        bounded.Tag(2, "role", Role),  # What the opener is.
        bounded.Tag(3, "version", bounded.Integer(2, 1)),  # The version that this connection speaks.
        bounded.Tag(4, "agent", ShortText),  # Which program this is, and its version.
        bounded.Tag(5, "frame_limit", bounded.Integer(4, 65536, 67108864)),  # Longest payload that the sender takes; 4 MiB where absent.
        bounded.Tag(6, "heartbeat", bounded.Integer(4, 100, 600000)),  # The heartbeat of this connection.
        bounded.Tag(7, "in_flight", bounded.Integer(4, 1, 1000000)),  # Sequenced messages that may be unaccepted at a time.
        bounded.Tag(8, "key_id", Name),  # Which token the opener will prove.
        bounded.Tag(9, "session", SessionToken),  # The token of the session that this worker begins.
        bounded.Tag(10, "dedup_window", Age),  # How long the scheduler remembers the ids of ended tasks.
        bounded.Tag(11, "proof", Proof),  # The scheduler's half of the challenge-response.
        bounded.Tag(12, "name", ShortText),  # What people call this peer: a host and a process, say.
    ),
    "_end" / bounded.End(),
)

# Says what went wrong and whether trying again can help. Never answered. A scheduler may send it before it accepts.
Error = Struct(
    "code" / bounded.Integer(2),  # Which error; see the list of errors.
    "scope" / ErrorScope,  # What it ends.
    "retry" / Retry,  # Whether trying again can help.
    "command" / bounded.Integer(1),  # The command of the message that caused it. 0 is none.
    "seq" / bounded.Integer(8),  # The seq of the message that caused it. 0 is none.
    "text" / ShortText,  # For people; escaped before it is shown.
    "tags" / bounded.Tags(
        bounded.Tag(1, "task_id", TaskId),  # The task concerned.
        bounded.Tag(2, "retry_after", Millis),  # How long to wait before trying again.
        bounded.Tag(3, "address", ShortText),  # Where to try instead, as host:port.
        bounded.Tag(4, "existing_id", TaskId),  # The task that is there already.
        bounded.Tag(5, "field", ShortText),  # The field that could not be read.
        bounded.Tag(6, "offset", bounded.Integer(4)),  # Where in the payload it lies.
    ),
    "_end" / bounded.End(),
)

# Challenge and proof, between the open and the accept.
Auth = Struct(
    "kind" / AuthKind,  # Which half this is.
    "nonce" / Nonce,  # Random bytes of the sender.
    "tags" / bounded.Tags(
        bounded.Tag(1, "proof", Proof),  # The opener's half of the challenge-response.
    ),
    "_end" / bounded.End(),
)

# Announces the end. A worker that drains gets no new Task, but reports what it has until the end of the stream.
Goodbye = Struct(
    "reason" / GoodbyeReason,  # Why.
    "tags" / bounded.Tags(
        bounded.Tag(1, "text", ShortText),  # For people.
        bounded.Tag(2, "reconnect_after", Millis),  # When to come back.
    ),
    "_end" / bounded.End(),
)

# Hands a task to the scheduler.
Submit = Struct(
    "seq" / Seq,  # Position of this message.
    "task_id" / TaskId,  # Chosen by the client; ends in the placement of the queue.
    "flags" / SubmitFlags,  # What the client wants besides.
    "priority" / bounded.Integer(1, 0, 9),  # 9 goes first. Within one priority the first come goes first.
    "tags" / bounded.Tags(
        bounded.Tag(1, "delay", bounded.Integer(4, 1)),  # Not before this long from now.
        bounded.Tag(2, "not_before", Instant),  # Not before this point in time.
        bounded.Tag(3, "expires_in", bounded.Integer(4, 1)),  # Not begun within this long from now is not begun at all.
        bounded.Tag(4, "expires_at", Instant),  # Not begun by this point in time is not begun at all.
        bounded.Tag(5, "time_limit", bounded.Integer(4, 1)),  # Longest run of one attempt.
        bounded.Tag(6, "max_attempts", bounded.Integer(2, 1)),  # How often its code may run and fail. 1 where absent.
        bounded.Tag(7, "retry", RetryPolicy),  # How long to wait between attempts.
        bounded.Tag(8, "unique", UniqueKey),  # Keeps a second task like it out.
        bounded.Tag(9, "requires", bounded.Items(Name, 64)),  # Labels that its worker must have.
        bounded.Tag(10, "after", bounded.Items(TaskId, 65535)),  # Tasks that must succeed first.
        bounded.Tag(11, "on_dependency_failure", DependencyPolicy),  # What to do when one of them does not.
        bounded.Tag(12, "group", Group),  # Membership in a fan-in.
        bounded.Tag(13, "concurrency", ConcurrencyKey),  # Bounds how many like it run at a time.
        bounded.Tag(14, "rate", RateKey),  # Bounds how many like it start in a time.
        bounded.Tag(15, "fairness", FairnessKey),  # Whose turn it takes.
        bounded.Tag(16, "retention", Age),  # How long its result is kept.
        bounded.Tag(17, "cost", bounded.Integer(2, 1)),  # How many slots it takes. 1 where absent.
        bounded.Tag(18, "resources", bounded.Items(Resource, 64)),  # What it uses up while it runs.
        bounded.Tag(19, "note", ShortText),  # A line for people who look at it.
        bounded.Tag(20, "gather", Gather),  # It is the callback of a group.
    ),
    "envelope" / Envelope,
    "_end" / bounded.End(),
)

# All sequenced messages up to this one are durable (at a client or a worker: taken), or were refused by an earlier
# Error that names their seq.
Accepted = Struct(
    "seq" / Seq,  # The last of them.
    "tags" / bounded.Tags(
    ),
    "_end" / bounded.End(),
)

# Says what a worker takes. Replaces the former one.
Subscribe = Struct(
    "queues" / bounded.Items(QueueWeight, 1024),  # The queues that it takes tasks from.
    "types" / bounded.Items(TypeSupport, 4096),  # The types that it knows.
    "tags" / bounded.Tags(
        bounded.Tag(1, "labels", bounded.Items(Name, 256)),  # What a task can require of it.
        bounded.Tag(2, "resources", bounded.Items(Resource, 256)),  # What it has of each resource.
    ),
    "_end" / bounded.End(),
)

# How much a worker takes at a time: an absolute window, not an increment.
Credit = Struct(
    "slots" / bounded.Integer(4),  # Tasks sent, less Results and Returns received, by cost, is at most this.
    "octets" / bounded.Integer(8),  # The same for the octets of their envelopes; a task that is longer than the whole window is not sent. 0 is no bound.
    "begun" / Lease,  # The last lease that was begun, in the order of arrival. 0 is none.
    "tags" / bounded.Tags(
        bounded.Tag(1, "concurrency", bounded.Integer(4, 1)),  # How much it runs at a time, by cost; what it has besides waits there. As much as slots where absent.
    ),
    "_end" / bounded.End(),
)

# Asks for a task to be stopped: a client asks the scheduler, the scheduler asks the worker.
Cancel = Struct(
    "seq" / Seq,  # Position of this message.
    "task_id" / TaskId,  # The task.
    "lease" / Lease,  # The lease to stop. 0 from a client.
    "mode" / CancelMode,  # How hard.
    "tags" / bounded.Tags(
        bounded.Tag(1, "tree", bounded.Boolean()),  # Also the tasks that wait for it.
    ),
    "_end" / bounded.End(),
)

# How far a running task is; a partial result or a line of its log.
Progress = Struct(
    "task_id" / TaskId,  # The task.
    "lease" / Lease,  # The lease that it runs under. 0 towards a client.
    "current" / bounded.Integer(8),  # How much is done.
    "total" / bounded.Integer(8),  # Of how much. 0 is not known.
    "body" / Body,  # A partial result or a line of the log.
    "tags" / bounded.Tags(
        bounded.Tag(1, "text", ShortText),  # What it is doing, for people.
    ),
    "_end" / bounded.End(),
)

# Asks for everything known of a task.
Query = Struct(
    "seq" / Seq,  # Position of this message.
    "task_id" / TaskId,  # The task.
    "tags" / bounded.Tags(
    ),
    "_end" / bounded.End(),
)

# Everything known of a task.
Status = Struct(
    "query" / Seq,  # The seq of the Query that this answers.
    "task_id" / TaskId,  # The task.
    "state" / TaskState,  # Where it is in its life.
    "reason" / WaitReason,  # Why it is not running.
    "attempt" / bounded.Integer(2),  # Attempts that have begun and failed, and the present one if it runs.
    "type" / Name,  # Its type.
    "queue" / Name,  # Its queue.
    "tags" / bounded.Tags(
        bounded.Tag(1, "detail", ShortText),  # The reason, in words.
        bounded.Tag(2, "priority", bounded.Integer(1)),  # Its priority.
        bounded.Tag(3, "submitted", Age),  # How long ago it was accepted.
        bounded.Tag(4, "started", Age),  # How long ago the present delivery was sent.
        bounded.Tag(5, "ended", Age),  # How long ago it ended.
        bounded.Tag(6, "due", Age),  # In how long it becomes ready.
        bounded.Tag(7, "outcome", Outcome),  # How it ended.
        bounded.Tag(8, "worker", ShortText),  # Who has it.
        bounded.Tag(9, "error_type", ShortText),  # The class of the last error.
        bounded.Tag(10, "error_message", ShortText),  # What the last error said.
        bounded.Tag(11, "max_attempts", bounded.Integer(2)),  # How often its code may run and fail.
        bounded.Tag(12, "ahead", bounded.Integer(4)),  # About how many tasks go first.
        bounded.Tag(13, "history", bounded.Items(AttemptRecord, 64)),  # How its latest attempts went, oldest first.
        bounded.Tag(14, "deliveries", bounded.Integer(2)),  # How often it was given to a worker.
    ),
    "_end" / bounded.End(),
)

# Asks for the Result of a task on this connection: at once if it has ended, else when it ends.
Await = Struct(
    "seq" / Seq,  # Position of this message.
    "task_id" / TaskId,  # The task.
    "tags" / bounded.Tags(
        bounded.Tag(1, "progress", bounded.Boolean()),  # Also send its Progress.
    ),
    "_end" / bounded.End(),
)

# Creates, replaces or removes a recurring task.
Schedule = Struct(
    "seq" / Seq,  # Position of this message.
    "name" / Name,  # Which recurring task.
    "action" / ScheduleAction,  # What to do with it.
    "priority" / bounded.Integer(1, 0, 9),  # The priority of its runs.
    "tags" / bounded.Tags(
        bounded.Tag(1, "delay", bounded.Integer(4, 1)),  # Not before this long from now.
        bounded.Tag(2, "not_before", Instant),  # Not before this point in time.
        bounded.Tag(3, "expires_in", bounded.Integer(4, 1)),  # Not begun within this long from now is not begun at all.
        bounded.Tag(4, "expires_at", Instant),  # Not begun by this point in time is not begun at all.
        bounded.Tag(5, "time_limit", bounded.Integer(4, 1)),  # Longest run of one attempt.
        bounded.Tag(6, "max_attempts", bounded.Integer(2, 1)),  # How often its code may run and fail. 1 where absent.
        bounded.Tag(7, "retry", RetryPolicy),  # How long to wait between attempts.
        bounded.Tag(8, "unique", UniqueKey),  # Keeps a second task like it out.
        bounded.Tag(9, "requires", bounded.Items(Name, 64)),  # Labels that its worker must have.
        bounded.Tag(10, "after", bounded.Items(TaskId, 65535)),  # Tasks that must succeed first.
        bounded.Tag(11, "on_dependency_failure", DependencyPolicy),  # What to do when one of them does not.
        bounded.Tag(12, "group", Group),  # Membership in a fan-in.
        bounded.Tag(13, "concurrency", ConcurrencyKey),  # Bounds how many like it run at a time.
        bounded.Tag(14, "rate", RateKey),  # Bounds how many like it start in a time.
        bounded.Tag(15, "fairness", FairnessKey),  # Whose turn it takes.
        bounded.Tag(16, "retention", Age),  # How long its result is kept.
        bounded.Tag(17, "cost", bounded.Integer(2, 1)),  # How many slots it takes. 1 where absent.
        bounded.Tag(18, "resources", bounded.Items(Resource, 64)),  # What it uses up while it runs.
        bounded.Tag(19, "note", ShortText),  # A line for people who look at it.
        bounded.Tag(20, "gather", Gather),  # It is the callback of a group.
        bounded.Tag(64, "cron", ShortText),  # When it runs, as a cron expression.
        bounded.Tag(65, "every", bounded.Integer(4, 1)),  # Or how often it runs.
        bounded.Tag(66, "zone", Name),  # The time zone of the expression, by its IANA name. UTC where absent.
        bounded.Tag(67, "overlap", OverlapPolicy),  # What to do while the former run goes on.
        bounded.Tag(68, "catch_up", CatchUpPolicy),  # What to do with runs that were missed.
        bounded.Tag(69, "spread", Millis),  # Each run is delayed by up to this much, at random.
        bounded.Tag(70, "envelope", Envelope),  # What each run is.
    ),
    "_end" / bounded.End(),
)

# Asks a worker to give back a task that it has not begun.
Retract = Struct(
    "task_id" / TaskId,  # The task.
    "lease" / bounded.Integer(8, 1),  # The lease.
    "tags" / bounded.Tags(
    ),
    "_end" / bounded.End(),
)

# Gives a task back, or says that it is kept. Burns no attempt.
Return = Struct(
    "seq" / Seq,  # Position of this message.
    "task_id" / TaskId,  # The task.
    "lease" / bounded.Integer(8, 1),  # The lease.
    "reason" / ReturnReason,  # Why.
    "tags" / bounded.Tags(
        bounded.Tag(1, "text", ShortText),  # For people.
    ),
    "_end" / bounded.End(),
)

# A worker proves a former session and names the leases that it still holds; the scheduler answers with those that it
# may keep. After the accept and before Subscribe.
Resume = Struct(
    "session" / SessionToken,  # The token of the former session; in the answer, that of the present one.
    "leases" / bounded.Items(HeldLease, 65535),  # Held by the worker; in the answer, kept.
    "tags" / bounded.Tags(
    ),
    "_end" / bounded.End(),
)


_Rules = Callable[[Any, int], "str | None"]
_T = TypeVar("_T")


def _no_rules(value: Any, tag_count: int) -> str | None:
    return None


def _hello_rules(value: messages.Hello, tag_count: int) -> str | None:
    if (value.kind == 1) and not ((value.versions is not None) and (value.role is not None)):
        return "R-HEL-001: An open names the versions and the role."
    if (value.kind == 2) and not (value.version is not None):
        return "R-HEL-002: An accept names the version."
    if ((value.kind == 3) or (value.kind == 4)) and not (tag_count == 0):
        return "R-HEL-003: A ping and a pong have no tags."
    return None


def _auth_rules(value: messages.Auth, tag_count: int) -> str | None:
    if (value.kind == 2) and not (value.proof is not None):
        return "R-AUT-001: A proof carries the proof."
    if (value.kind == 1) and not (not (value.proof is not None)):
        return "R-AUT-002: A challenge carries none."
    return None


def _schedule_rules(value: messages.Schedule, tag_count: int) -> str | None:
    if (value.action == 1) and not ((value.envelope is not None) and ((value.cron is not None) or (value.every is not None))):
        return "R-SCH-001: A recurring task has an envelope and a time."
    if (value.action == 2) and not (tag_count == 0):
        return "R-SCH-002: A removal has no tags."
    return None


def _decode(declared: Construct, kind: type[_T], rules: _Rules, data: bytes, at: int, stop: int) -> _T:
    try:
        parsed = declared.parse(data[at:stop])
        tags = parsed["tags"]
        fields = {name: parsed[name] for name in parsed if name != "tags" and not name.startswith("_")}
        value = kind(**fields, **tags)
        broken = rules(value, len(tags) - ("unknown" in tags) + len(tags.get("unknown", ())))
        if broken is not None:
            raise WireError(ErrorCode.RULE_BROKEN, detail=broken)
        if parsed["_end"] is not None:
            raise WireError(ErrorCode.TRAILING_BYTES, "", parsed["_end"])
    except WireError as error:
        error.command = getattr(kind, "COMMAND", 0)
        raise error from None
    return value


def _encode(declared: Construct, kind: type[_T], rules: _Rules, value: _T) -> bytes:
    try:
        if not isinstance(value, kind):
            raise WireError(ErrorCode.OUT_OF_RANGE, detail=f"{value!r} is no {kind.__name__}")
        fields = bounded.fields_of(value)
        octets: bytes = declared.build({**fields, "tags": fields, "_end": None})
        broken = rules(value, _tag_count(declared, fields))
        if broken is not None:
            raise WireError(ErrorCode.RULE_BROKEN, detail=broken)
    except WireError as error:
        error.command = getattr(kind, "COMMAND", 0)
        raise error from None
    return octets


def _tag_count(declared: Construct, fields: Mapping[str, Any]) -> int:
    (tags,) = (part.subcon for part in declared.subcons if part.name == "tags")
    return sum(fields[tag.name] is not None for tag in tags.tags.values()) + len(fields["unknown"])


def _frame(command: int, payload: bytes) -> bytes:
    return bytes([command]) + len(payload).to_bytes(4, "big") + payload

_EnvelopeWhole = Struct(*EnvelopeFields.subcons, "tags" / EnvelopeTags, "body" / EnvelopeBody, "_end" / bounded.End())


def decode_envelope(data: bytes) -> messages.Envelope:
    """A relayed Envelope, from its octets. Raises WireError."""
    return _decode(_EnvelopeWhole, messages.Envelope, _no_rules, data, 0, len(data))


def encode_envelope(value: messages.Envelope) -> bytes:
    """The octets of an Envelope. Raises WireError."""
    return _encode(_EnvelopeWhole, messages.Envelope, _no_rules, value)

_ReportWhole = Struct(*ReportFields.subcons, "tags" / ReportTags, "body" / ReportBody, "_end" / bounded.End())


def decode_report(data: bytes) -> messages.Report:
    """A relayed Report, from its octets. Raises WireError."""
    return _decode(_ReportWhole, messages.Report, _no_rules, data, 0, len(data))


def encode_report(value: messages.Report) -> bytes:
    """The octets of a Report. Raises WireError."""
    return _encode(_ReportWhole, messages.Report, _no_rules, value)


def decode_task(data: bytes, at: int, stop: int) -> messages.Task:
    """A Task, from the payload data[at:stop]. Raises WireError."""
    return _decode(Task, messages.Task, _no_rules, data, at, stop)


def encode_task(value: messages.Task) -> bytes:
    """The frame of a Task. Raises WireError."""
    return _frame(1, _encode(Task, messages.Task, _no_rules, value))


def decode_result(data: bytes, at: int, stop: int) -> messages.Result:
    """A Result, from the payload data[at:stop]. Raises WireError."""
    return _decode(Result, messages.Result, _no_rules, data, at, stop)


def encode_result(value: messages.Result) -> bytes:
    """The frame of a Result. Raises WireError."""
    return _frame(2, _encode(Result, messages.Result, _no_rules, value))


def decode_hello(data: bytes, at: int, stop: int) -> messages.Hello:
    """A Hello, from the payload data[at:stop]. Raises WireError."""
    return _decode(Hello, messages.Hello, _hello_rules, data, at, stop)


def encode_hello(value: messages.Hello) -> bytes:
    """The frame of a Hello. Raises WireError."""
    return _frame(3, _encode(Hello, messages.Hello, _hello_rules, value))


def decode_error(data: bytes, at: int, stop: int) -> messages.Error:
    """An Error, from the payload data[at:stop]. Raises WireError."""
    return _decode(Error, messages.Error, _no_rules, data, at, stop)


def encode_error(value: messages.Error) -> bytes:
    """The frame of an Error. Raises WireError."""
    return _frame(4, _encode(Error, messages.Error, _no_rules, value))


def decode_auth(data: bytes, at: int, stop: int) -> messages.Auth:
    """An Auth, from the payload data[at:stop]. Raises WireError."""
    return _decode(Auth, messages.Auth, _auth_rules, data, at, stop)


def encode_auth(value: messages.Auth) -> bytes:
    """The frame of an Auth. Raises WireError."""
    return _frame(5, _encode(Auth, messages.Auth, _auth_rules, value))


def decode_goodbye(data: bytes, at: int, stop: int) -> messages.Goodbye:
    """A Goodbye, from the payload data[at:stop]. Raises WireError."""
    return _decode(Goodbye, messages.Goodbye, _no_rules, data, at, stop)


def encode_goodbye(value: messages.Goodbye) -> bytes:
    """The frame of a Goodbye. Raises WireError."""
    return _frame(6, _encode(Goodbye, messages.Goodbye, _no_rules, value))


def decode_submit(data: bytes, at: int, stop: int) -> messages.Submit:
    """A Submit, from the payload data[at:stop]. Raises WireError."""
    return _decode(Submit, messages.Submit, _no_rules, data, at, stop)


def encode_submit(value: messages.Submit) -> bytes:
    """The frame of a Submit. Raises WireError."""
    return _frame(7, _encode(Submit, messages.Submit, _no_rules, value))


def decode_accepted(data: bytes, at: int, stop: int) -> messages.Accepted:
    """An Accepted, from the payload data[at:stop]. Raises WireError."""
    return _decode(Accepted, messages.Accepted, _no_rules, data, at, stop)


def encode_accepted(value: messages.Accepted) -> bytes:
    """The frame of an Accepted. Raises WireError."""
    return _frame(8, _encode(Accepted, messages.Accepted, _no_rules, value))


def decode_subscribe(data: bytes, at: int, stop: int) -> messages.Subscribe:
    """A Subscribe, from the payload data[at:stop]. Raises WireError."""
    return _decode(Subscribe, messages.Subscribe, _no_rules, data, at, stop)


def encode_subscribe(value: messages.Subscribe) -> bytes:
    """The frame of a Subscribe. Raises WireError."""
    return _frame(9, _encode(Subscribe, messages.Subscribe, _no_rules, value))


def decode_credit(data: bytes, at: int, stop: int) -> messages.Credit:
    """A Credit, from the payload data[at:stop]. Raises WireError."""
    return _decode(Credit, messages.Credit, _no_rules, data, at, stop)


def encode_credit(value: messages.Credit) -> bytes:
    """The frame of a Credit. Raises WireError."""
    return _frame(10, _encode(Credit, messages.Credit, _no_rules, value))


def decode_cancel(data: bytes, at: int, stop: int) -> messages.Cancel:
    """A Cancel, from the payload data[at:stop]. Raises WireError."""
    return _decode(Cancel, messages.Cancel, _no_rules, data, at, stop)


def encode_cancel(value: messages.Cancel) -> bytes:
    """The frame of a Cancel. Raises WireError."""
    return _frame(11, _encode(Cancel, messages.Cancel, _no_rules, value))


def decode_progress(data: bytes, at: int, stop: int) -> messages.Progress:
    """A Progress, from the payload data[at:stop]. Raises WireError."""
    return _decode(Progress, messages.Progress, _no_rules, data, at, stop)


def encode_progress(value: messages.Progress) -> bytes:
    """The frame of a Progress. Raises WireError."""
    return _frame(12, _encode(Progress, messages.Progress, _no_rules, value))


def decode_query(data: bytes, at: int, stop: int) -> messages.Query:
    """A Query, from the payload data[at:stop]. Raises WireError."""
    return _decode(Query, messages.Query, _no_rules, data, at, stop)


def encode_query(value: messages.Query) -> bytes:
    """The frame of a Query. Raises WireError."""
    return _frame(13, _encode(Query, messages.Query, _no_rules, value))


def decode_status(data: bytes, at: int, stop: int) -> messages.Status:
    """A Status, from the payload data[at:stop]. Raises WireError."""
    return _decode(Status, messages.Status, _no_rules, data, at, stop)


def encode_status(value: messages.Status) -> bytes:
    """The frame of a Status. Raises WireError."""
    return _frame(14, _encode(Status, messages.Status, _no_rules, value))


def decode_await(data: bytes, at: int, stop: int) -> messages.Await:
    """An Await, from the payload data[at:stop]. Raises WireError."""
    return _decode(Await, messages.Await, _no_rules, data, at, stop)


def encode_await(value: messages.Await) -> bytes:
    """The frame of an Await. Raises WireError."""
    return _frame(15, _encode(Await, messages.Await, _no_rules, value))


def decode_schedule(data: bytes, at: int, stop: int) -> messages.Schedule:
    """A Schedule, from the payload data[at:stop]. Raises WireError."""
    return _decode(Schedule, messages.Schedule, _schedule_rules, data, at, stop)


def encode_schedule(value: messages.Schedule) -> bytes:
    """The frame of a Schedule. Raises WireError."""
    return _frame(16, _encode(Schedule, messages.Schedule, _schedule_rules, value))


def decode_retract(data: bytes, at: int, stop: int) -> messages.Retract:
    """A Retract, from the payload data[at:stop]. Raises WireError."""
    return _decode(Retract, messages.Retract, _no_rules, data, at, stop)


def encode_retract(value: messages.Retract) -> bytes:
    """The frame of a Retract. Raises WireError."""
    return _frame(17, _encode(Retract, messages.Retract, _no_rules, value))


def decode_return(data: bytes, at: int, stop: int) -> messages.Return:
    """A Return, from the payload data[at:stop]. Raises WireError."""
    return _decode(Return, messages.Return, _no_rules, data, at, stop)


def encode_return(value: messages.Return) -> bytes:
    """The frame of a Return. Raises WireError."""
    return _frame(18, _encode(Return, messages.Return, _no_rules, value))


def decode_resume(data: bytes, at: int, stop: int) -> messages.Resume:
    """A Resume, from the payload data[at:stop]. Raises WireError."""
    return _decode(Resume, messages.Resume, _no_rules, data, at, stop)


def encode_resume(value: messages.Resume) -> bytes:
    """The frame of a Resume. Raises WireError."""
    return _frame(19, _encode(Resume, messages.Resume, _no_rules, value))


#: How to read the payload of each command: (data, start, stop) -> message.
DECODERS: dict[int, Callable[[bytes, int, int], messages.AnyMessage]] = {
    1: decode_task,
    2: decode_result,
    3: decode_hello,
    4: decode_error,
    5: decode_auth,
    6: decode_goodbye,
    7: decode_submit,
    8: decode_accepted,
    9: decode_subscribe,
    10: decode_credit,
    11: decode_cancel,
    12: decode_progress,
    13: decode_query,
    14: decode_status,
    15: decode_await,
    16: decode_schedule,
    17: decode_retract,
    18: decode_return,
    19: decode_resume,
}

#: How to write each message: message -> frame.
ENCODERS: dict[type[messages.AnyMessage], Callable[[Any], bytes]] = {
    messages.Task: encode_task,
    messages.Result: encode_result,
    messages.Hello: encode_hello,
    messages.Error: encode_error,
    messages.Auth: encode_auth,
    messages.Goodbye: encode_goodbye,
    messages.Submit: encode_submit,
    messages.Accepted: encode_accepted,
    messages.Subscribe: encode_subscribe,
    messages.Credit: encode_credit,
    messages.Cancel: encode_cancel,
    messages.Progress: encode_progress,
    messages.Query: encode_query,
    messages.Status: encode_status,
    messages.Await: encode_await,
    messages.Schedule: encode_schedule,
    messages.Retract: encode_retract,
    messages.Return: encode_return,
    messages.Resume: encode_resume,
}
