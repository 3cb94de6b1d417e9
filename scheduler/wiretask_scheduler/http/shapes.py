"""What the HTTP side says, as types: answers are encoded from them, and the OpenAPI document is made of them.

Moments are milliseconds by the wall clock (`_ms`), durations say so in their descriptions.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

State = Literal["waiting", "scheduled", "ready", "leased", "succeeded", "dead", "cancelled", "expired"]
Mode = Literal["open", "paused", "closed"]
TaskId = Annotated[str, Meta(pattern="^[0-9a-f]{32}$", description="32 hexadecimal digits; a request may say a UUID.")]
Count = Annotated[int, Meta(ge=0)]


class Problem(Struct, kw_only=True):
    """Why a request was refused, and what to do about it, in one line."""

    error: str


class Attempt(Struct, kw_only=True):
    """How one delivery of a task went that did not succeed."""

    attempt: int
    outcome: str
    ended_ms: int
    worker: str
    error_type: str | None
    error_message: str | None


class Task(Struct, kw_only=True):
    """A task in a list."""

    id: TaskId
    type: str
    queue: str
    priority: int
    state: State
    attempt: int
    submitted_ms: int
    ended_ms: int | None
    error_type: str | None
    error_message: str | None
    attempts: list[Attempt]


class TaskPage(Struct, kw_only=True):
    """A part of a list, newest first. `next` is the `before` of the next part; None at the end, and only there."""

    tasks: list[Task]
    next: int | None


class Body(Struct, kw_only=True):
    """The beginning of what a task was called with, or of what it returned."""

    encoding: str
    octets: Count
    text: Annotated[str | None, Meta(description="None for octets that are no text.")]
    cut: Annotated[bool, Meta(description="Whether there is more of it.")]


class Report(Struct, kw_only=True):
    """What the last worker said."""

    error_type: str | None
    error_message: str | None
    traceback: str | None
    result: Body | None


class Wait(Struct, kw_only=True):
    """Why a task is not running, and what would change that."""

    reason: str
    text: str


class Moment(Struct, kw_only=True):
    """One thing that has happened to a task, or is going to."""

    what: Literal[
        "submitted", "attempt", "running", "waiting", "due", "expires", "succeeded", "dead", "cancelled", "expired"
    ]
    at_ms: int | None
    text: str
    worker: str | None = None
    attempt: int | None = None
    outcome: str | None = None


class Story(Task, kw_only=True):
    """Everything that is known of a task."""

    outcome: str | None
    worker: str | None
    started_ms: int | None
    due_ms: int | None
    expires_ms: int | None
    deliveries: Count
    crashes: Count
    losses: Count
    options: Annotated[dict[str, Any], Meta(description="What it asks for, where that is not the usual.")]
    after: Annotated[list[TaskId], Meta(description="Tasks that must succeed first.")]
    waits: Wait | None
    arguments: Body | None
    report: Report | None
    story: Annotated[list[Moment], Meta(description="In the order of time.")]
    can: Annotated[list[Literal["retry", "purge", "cancel"]], Meta(description="What may be done with it now.")]


class Running(Struct, kw_only=True):
    """A task that a worker has."""

    id: TaskId
    type: str
    queue: str
    attempt: int
    begun: Annotated[bool, Meta(description="Whether its code runs; else it waits at the worker.")]
    age_ms: Annotated[int | None, Meta(description="A duration, since it was handed out; None if that is not known.")]
    time_limit_ms: int | None


class Worker(Struct, kw_only=True):
    """A worker that is connected, or that may come back."""

    peer: int
    name: str
    connected: bool
    address: str | None
    agent: str | None
    version: Annotated[int | None, Meta(description="Of the protocol.")]
    queues: dict[str, int]
    types: list[str]
    labels: list[str]
    resources: dict[str, int]
    slots: Count
    concurrency: Count
    outstanding: int
    running: Count
    draining: bool
    done: Count
    connected_seconds: float
    heard_ms: Annotated[int | None, Meta(description="A duration, since it was heard last.")]
    round_trip_ms: Annotated[float | None, Meta(description="A duration, of the last ping and its answer.")]
    stuck: Annotated[str | None, Meta(description="What is wrong with it, and what to do.")]
    tasks: Annotated[list[Running], Meta(description="Those that it has had longest; not all of them.")]


class Workers(Struct, kw_only=True):
    """All workers."""

    workers: list[Worker]


class Queue(Struct, kw_only=True):
    """A queue that has tasks, that a worker takes, or that an operator has said something of."""

    name: str
    mode: Mode
    live: Count
    ready: Count
    leased: Count
    waiting: Count
    scheduled: Count
    oldest_ready_ms: Annotated[int | None, Meta(description="A duration, since the oldest ready task was submitted.")]
    length_limit: int | None


class Queues(Struct, kw_only=True):
    """All queues."""

    queues: list[Queue]


class Schedule(Struct, kw_only=True):
    """A recurring task."""

    name: str
    type: str
    queue: str
    cron: str | None
    every_ms: int | None
    zone: str
    overlap: str
    catch_up: str
    next_ms: int | None
    last_ms: int | None
    left_out: Annotated[str | None, Meta(description="Why the run that was due last is not there.")]


class Schedules(Struct, kw_only=True):
    """All recurring tasks."""

    schedules: list[Schedule]


class DeadGroup(Struct, kw_only=True):
    """Dead tasks of one type and queue whose last error is of one class."""

    type: str
    queue: str
    error_type: str | None
    count: Count
    last_ms: int
    sample: Annotated[TaskId, Meta(description="The newest of them.")]
    error_message: str | None


class DeadGroups(Struct, kw_only=True):
    """What has failed, the most frequent first."""

    groups: list[DeadGroup]
    counted: Annotated[int, Meta(description="Dead tasks that were looked at, the newest ones.")]
    complete: Annotated[bool, Meta(description="Whether those were all.")]


class Sample(Struct, kw_only=True):
    """One second. Rates are a second's, `p50` and `p99` are durations in milliseconds, None where nothing happened."""

    at_ms: int
    submitted: float
    started: float
    succeeded: float
    failed: Annotated[float, Meta(description="Attempts that failed, with those that ended their task.")]
    live: Count
    leased: Count
    workers: Count
    wait_p50_ms: float | None
    wait_p99_ms: float | None
    total_p50_ms: float | None
    total_p99_ms: float | None
    lag_ms: Annotated[float, Meta(description="The longest that the event loop was late.")]


class History(Struct, kw_only=True):
    """The last ten minutes, the oldest second first."""

    samples: list[Sample]


class Overview(Struct, kw_only=True):
    """How it goes."""

    now_ms: int
    started_ms: int
    version: str
    accepting: Annotated[bool, Meta(description="Whether new tasks are taken.")]
    states: dict[str, int]
    counts: Annotated[dict[str, int], Meta(description="Since the start.")]
    workers: Count
    clients: Count
    connections: Count
    slots: Count
    last: Sample | None


class Retried(Struct, kw_only=True):
    """How many tasks have another life."""

    retried: Count


class Purged(Struct, kw_only=True):
    """How many tasks are forgotten."""

    purged: Count


class Cancelled(Struct, kw_only=True):
    """Whether there was a task to stop: 1, or 0."""

    cancelled: Count


class Filter(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which dead tasks are meant; what is left out is any. A queue or a type may end in `*`."""

    queue: str | None = None
    type: str | None = None
    error: Annotated[str | None, Meta(description="The class of the last error.")] = None
    older_ms: Annotated[Count | None, Meta(description="A duration: ended so long ago, or longer.")] = None


class SignIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """A token, as it stands in the token file."""

    key_id: str
    token: str


class Session(Struct, kw_only=True):
    """Who asks."""

    wants_tokens: Annotated[bool, Meta(description="Whether everybody has to say who he is.")]
    signed_in: Annotated[bool, Meta(description="Whether that was said at the page.")]
    key_id: Annotated[str | None, Meta(description="Of the token that was said.")]
    principal: Annotated[str, Meta(description="Empty where nobody has to say who he is.")]
