# Generated from spec/ (sha256 cc8e984844d8e543); do not edit.
# Edit the spec and run: nox -s generate
"""Hypothesis strategies that draw messages, and payloads that are nearly legal. For tests only."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from wiretask_protocol import codec, messages


def integers(minimum: int, maximum: int) -> st.SearchStrategy[int]:
    """Integers, with their bounds more often than chance would."""
    return st.sampled_from((minimum, maximum)) | st.integers(minimum, maximum)


def texts(minimum: int, maximum: int) -> st.SearchStrategy[str]:
    """Texts without NUL and surrogates, of so many octets."""
    alphabet = st.characters(min_codepoint=1, codec="utf-8")
    drawn = st.text(alphabet, max_size=maximum).map(lambda text: text.encode()[:maximum].decode("utf-8", "ignore"))
    return drawn.map(lambda text: text + "-" * (minimum - len(text.encode())))


def names(pattern: str, minimum: int, maximum: int) -> st.SearchStrategy[str]:
    """Texts without NUL that match a pattern, of so many octets."""
    drawn = st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)
    return drawn.filter(lambda text: minimum <= len(text.encode()) <= maximum and "\0" not in text)


def unknown_tags() -> st.SearchStrategy[tuple[tuple[int, bytes], ...]]:
    """Tags that no version of the protocol has: the private ones."""
    tags = st.dictionaries(st.integers(0x4000, 0x7EFF), st.binary(max_size=8), max_size=2)
    return tags.map(lambda drawn: tuple(sorted(drawn.items())))


def draw_version_range() -> st.SearchStrategy[messages.VersionRange]:
    """The protocol versions that a peer speaks."""
    return st.builds(
        messages.VersionRange,
        integers(1, 65535),
        integers(1, 65535),
    ).filter(lambda value: not (not (value.min_version <= value.max_version)))


def draw_queue_weight() -> st.SearchStrategy[messages.QueueWeight]:
    """A queue that a worker takes tasks from."""
    return st.builds(
        messages.QueueWeight,
        names(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", 1, 128),
        integers(1, 65535),
    )


def draw_type_support() -> st.SearchStrategy[messages.TypeSupport]:
    """A task type that a worker knows."""
    return st.builds(
        messages.TypeSupport,
        names(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", 1, 128),
        integers(0, 255),
        integers(0, 65535),
    )


def draw_resource() -> st.SearchStrategy[messages.Resource]:
    """An amount of something that tasks use up while they run."""
    return st.builds(
        messages.Resource,
        names(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", 1, 128),
        integers(0, 18446744073709551615),
    )


def draw_header() -> st.SearchStrategy[messages.Header]:
    """A pair of words that travels with a task."""
    return st.builds(
        messages.Header,
        names(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", 1, 128),
        texts(0, 24),
    )


def draw_held_lease() -> st.SearchStrategy[messages.HeldLease]:
    """A lease that a worker still holds."""
    return st.builds(
        messages.HeldLease,
        st.binary(min_size=16, max_size=16),
        integers(1, 18446744073709551615),
    )


def draw_retry_policy() -> st.SearchStrategy[messages.RetryPolicy]:
    """How long to wait before the next attempt."""
    return st.builds(
        messages.RetryPolicy,
        integers(0, 4294967295),
        integers(1000, 65535),
        integers(0, 4294967295),
        integers(0, 1000),
    )


def draw_unique_key() -> st.SearchStrategy[messages.UniqueKey]:
    """Keeps a second task with the same key out."""
    return st.builds(
        messages.UniqueKey,
        names(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", 1, 128),
        integers(0, 255),
        integers(0, 255),
        integers(0, 4294967295),
    )


def draw_group() -> st.SearchStrategy[messages.Group]:
    """Membership in a group: the result goes to the callback, which begins when all members have ended."""
    return st.builds(
        messages.Group,
        st.binary(min_size=16, max_size=16),
        integers(0, 65535),
    )


def draw_gather() -> st.SearchStrategy[messages.Gather]:
    """Makes a task the callback of a group. It waits until all members have ended, and begins with their results."""
    return st.builds(
        messages.Gather,
        integers(0, 65535),
        integers(0, 255),
    )


def draw_member_result() -> st.SearchStrategy[messages.MemberResult]:
    """How one member of a group ended."""
    return st.builds(
        messages.MemberResult,
        integers(0, 255),
        st.binary(max_size=24),
    )


def draw_gathered() -> st.SearchStrategy[messages.Gathered]:
    """The results of a group."""
    return st.builds(
        messages.Gathered,
        integers(0, 255),
        st.lists(draw_member_result(), max_size=4).map(tuple),
    )


def draw_concurrency_key() -> st.SearchStrategy[messages.ConcurrencyKey]:
    """Bounds how many tasks with one key run at a time."""
    return st.builds(
        messages.ConcurrencyKey,
        names(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", 1, 128),
        integers(1, 65535),
    )


def draw_rate_key() -> st.SearchStrategy[messages.RateKey]:
    """Bounds how many tasks with one key start in a time."""
    return st.builds(
        messages.RateKey,
        names(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", 1, 128),
        integers(1, 4294967295),
        integers(1, 4294967295),
        integers(1, 4294967295),
    )


def draw_fairness_key() -> st.SearchStrategy[messages.FairnessKey]:
    """Tasks of different keys in one queue go by turns."""
    return st.builds(
        messages.FairnessKey,
        names(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", 1, 128),
        integers(1, 65535),
    )


def draw_attempt_record() -> st.SearchStrategy[messages.AttemptRecord]:
    """How one attempt went."""
    return st.builds(
        messages.AttemptRecord,
        integers(0, 65535),
        integers(0, 255),
        integers(0, 18446744073709551615),
        texts(0, 24),
        texts(0, 24),
    )


def draw_envelope() -> st.SearchStrategy[messages.Envelope]:
    """What the client says to the worker. The scheduler reads the type and the queue, checks the structure of the rest,
    and passes the bytes on as they are."""
    return st.builds(
        messages.Envelope,
        names(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", 1, 128),
        names(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", 1, 128),
        integers(0, 255),
        st.binary(max_size=24),
        headers=st.none() | st.lists(draw_header(), max_size=4).map(tuple),
        trace_context=st.none() | texts(0, 24),
        trace_state=st.none() | texts(0, 24),
        unknown=unknown_tags(),
    )


def draw_report() -> st.SearchStrategy[messages.Report]:
    """What the worker says to the client. The scheduler checks its structure and passes the bytes on as they are."""
    return st.builds(
        messages.Report,
        integers(0, 255),
        st.binary(max_size=24),
        error_type=st.none() | texts(0, 24),
        error_message=st.none() | texts(0, 24),
        traceback=st.none() | texts(0, 24),
        unknown=unknown_tags(),
    )


def draw_task() -> st.SearchStrategy[messages.Task]:
    """Gives a worker a task, with the lease to run it once."""
    return st.builds(
        messages.Task,
        st.binary(min_size=16, max_size=16),
        integers(1, 18446744073709551615),
        integers(1, 65535),
        integers(0, 4294967295),
        integers(0, 4294967295),
        draw_envelope().map(codec.encode_envelope),
        cost=st.none() | integers(1, 65535),
        resources=st.none() | st.lists(draw_resource(), max_size=4).map(tuple),
        gathered=st.none() | draw_gathered(),
        unknown=unknown_tags(),
    )


def draw_result() -> st.SearchStrategy[messages.Result]:
    """Tells how a task ended: a worker tells the scheduler, the scheduler tells the clients that wait for it."""
    return st.builds(
        messages.Result,
        integers(1, 18446744073709551615),
        st.binary(min_size=16, max_size=16),
        integers(0, 18446744073709551615),
        integers(0, 255),
        draw_report().map(codec.encode_report),
        no_retry=st.none() | st.booleans(),
        retry_after=st.none() | integers(0, 4294967295),
        exit_status=st.none() | integers(0, 65535),
        attempt=st.none() | integers(0, 65535),
        unknown=unknown_tags(),
    )


def draw_hello() -> st.SearchStrategy[messages.Hello]:
    """Opens a connection, accepts it, and keeps it alive. Its layout is the same in every version of the protocol."""

    def legal(value: messages.Hello) -> bool:
        tag_count = len(value.unknown) + sum(
            tag is not None for tag in (value.versions, value.role, value.version, value.agent, value.frame_limit, value.heartbeat, value.in_flight, value.key_id, value.session, value.dedup_window, value.proof, value.name, )
        )
        assert tag_count >= 0
        return not ((value.kind == 1) and not ((value.versions is not None) and (value.role is not None)) or (value.kind == 2) and not (value.version is not None) or ((value.kind == 3) or (value.kind == 4)) and not (tag_count == 0))

    return st.builds(
        messages.Hello,
        st.sampled_from(messages.HelloKind),
        integers(0, 18446744073709551615),
        versions=st.none() | draw_version_range(),
        role=st.none() | integers(0, 255),
        version=st.none() | integers(1, 65535),
        agent=st.none() | texts(0, 24),
        frame_limit=st.none() | integers(65536, 67108864),
        heartbeat=st.none() | integers(100, 600000),
        in_flight=st.none() | integers(1, 1000000),
        key_id=st.none() | names(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", 1, 128),
        session=st.none() | st.binary(min_size=16, max_size=16),
        dedup_window=st.none() | integers(0, 18446744073709551615),
        proof=st.none() | st.binary(min_size=32, max_size=32),
        name=st.none() | texts(0, 24),
        unknown=unknown_tags(),
    ).filter(legal)


def draw_error() -> st.SearchStrategy[messages.Error]:
    """Says what went wrong and whether trying again can help. Never answered. A scheduler may send it before it
    accepts."""
    return st.builds(
        messages.Error,
        integers(0, 65535),
        integers(0, 255),
        integers(0, 255),
        integers(0, 255),
        integers(0, 18446744073709551615),
        texts(0, 24),
        task_id=st.none() | st.binary(min_size=16, max_size=16),
        retry_after=st.none() | integers(0, 4294967295),
        address=st.none() | texts(0, 24),
        existing_id=st.none() | st.binary(min_size=16, max_size=16),
        field=st.none() | texts(0, 24),
        offset=st.none() | integers(0, 4294967295),
        unknown=unknown_tags(),
    )


def draw_auth() -> st.SearchStrategy[messages.Auth]:
    """Challenge and proof, between the open and the accept."""

    def legal(value: messages.Auth) -> bool:
        tag_count = len(value.unknown) + sum(
            tag is not None for tag in (value.proof, )
        )
        assert tag_count >= 0
        return not ((value.kind == 2) and not (value.proof is not None) or (value.kind == 1) and not (not (value.proof is not None)))

    return st.builds(
        messages.Auth,
        st.sampled_from(messages.AuthKind),
        st.binary(min_size=32, max_size=32),
        proof=st.none() | st.binary(min_size=32, max_size=32),
        unknown=unknown_tags(),
    ).filter(legal)


def draw_goodbye() -> st.SearchStrategy[messages.Goodbye]:
    """Announces the end. A worker that drains gets no new Task, but reports what it has until the end of the stream."""
    return st.builds(
        messages.Goodbye,
        integers(0, 255),
        text=st.none() | texts(0, 24),
        reconnect_after=st.none() | integers(0, 4294967295),
        unknown=unknown_tags(),
    )


def draw_submit() -> st.SearchStrategy[messages.Submit]:
    """Hands a task to the scheduler."""
    return st.builds(
        messages.Submit,
        integers(1, 18446744073709551615),
        st.binary(min_size=16, max_size=16),
        integers(0, 7),
        integers(0, 9),
        draw_envelope().map(codec.encode_envelope),
        delay=st.none() | integers(1, 4294967295),
        not_before=st.none() | integers(0, 18446744073709551615),
        expires_in=st.none() | integers(1, 4294967295),
        expires_at=st.none() | integers(0, 18446744073709551615),
        time_limit=st.none() | integers(1, 4294967295),
        max_attempts=st.none() | integers(1, 65535),
        retry=st.none() | draw_retry_policy(),
        unique=st.none() | draw_unique_key(),
        requires=st.none() | st.lists(names(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", 1, 128), max_size=4).map(tuple),
        after=st.none() | st.lists(st.binary(min_size=16, max_size=16), max_size=4).map(tuple),
        on_dependency_failure=st.none() | integers(0, 255),
        group=st.none() | draw_group(),
        concurrency=st.none() | draw_concurrency_key(),
        rate=st.none() | draw_rate_key(),
        fairness=st.none() | draw_fairness_key(),
        retention=st.none() | integers(0, 18446744073709551615),
        cost=st.none() | integers(1, 65535),
        resources=st.none() | st.lists(draw_resource(), max_size=4).map(tuple),
        note=st.none() | texts(0, 24),
        gather=st.none() | draw_gather(),
        unknown=unknown_tags(),
    )


def draw_accepted() -> st.SearchStrategy[messages.Accepted]:
    """All sequenced messages up to this one are durable (at a client or a worker: taken), or were refused by an earlier
    Error that names their seq."""
    return st.builds(
        messages.Accepted,
        integers(1, 18446744073709551615),
        unknown=unknown_tags(),
    )


def draw_subscribe() -> st.SearchStrategy[messages.Subscribe]:
    """Says what a worker takes. Replaces the former one."""
    return st.builds(
        messages.Subscribe,
        st.lists(draw_queue_weight(), max_size=4).map(tuple),
        st.lists(draw_type_support(), max_size=4).map(tuple),
        labels=st.none() | st.lists(names(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", 1, 128), max_size=4).map(tuple),
        resources=st.none() | st.lists(draw_resource(), max_size=4).map(tuple),
        unknown=unknown_tags(),
    )


def draw_credit() -> st.SearchStrategy[messages.Credit]:
    """How much a worker takes at a time: an absolute window, not an increment."""
    return st.builds(
        messages.Credit,
        integers(0, 4294967295),
        integers(0, 18446744073709551615),
        integers(0, 18446744073709551615),
        concurrency=st.none() | integers(1, 4294967295),
        unknown=unknown_tags(),
    )


def draw_cancel() -> st.SearchStrategy[messages.Cancel]:
    """Asks for a task to be stopped: a client asks the scheduler, the scheduler asks the worker."""
    return st.builds(
        messages.Cancel,
        integers(1, 18446744073709551615),
        st.binary(min_size=16, max_size=16),
        integers(0, 18446744073709551615),
        integers(0, 255),
        tree=st.none() | st.booleans(),
        unknown=unknown_tags(),
    )


def draw_progress() -> st.SearchStrategy[messages.Progress]:
    """How far a running task is; a partial result or a line of its log."""
    return st.builds(
        messages.Progress,
        st.binary(min_size=16, max_size=16),
        integers(0, 18446744073709551615),
        integers(0, 18446744073709551615),
        integers(0, 18446744073709551615),
        st.binary(max_size=24),
        text=st.none() | texts(0, 24),
        unknown=unknown_tags(),
    )


def draw_query() -> st.SearchStrategy[messages.Query]:
    """Asks for everything known of a task."""
    return st.builds(
        messages.Query,
        integers(1, 18446744073709551615),
        st.binary(min_size=16, max_size=16),
        unknown=unknown_tags(),
    )


def draw_status() -> st.SearchStrategy[messages.Status]:
    """Everything known of a task."""
    return st.builds(
        messages.Status,
        integers(1, 18446744073709551615),
        st.binary(min_size=16, max_size=16),
        integers(0, 255),
        integers(0, 255),
        integers(0, 65535),
        names(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", 1, 128),
        names(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", 1, 128),
        detail=st.none() | texts(0, 24),
        priority=st.none() | integers(0, 255),
        submitted=st.none() | integers(0, 18446744073709551615),
        started=st.none() | integers(0, 18446744073709551615),
        ended=st.none() | integers(0, 18446744073709551615),
        due=st.none() | integers(0, 18446744073709551615),
        outcome=st.none() | integers(0, 255),
        worker=st.none() | texts(0, 24),
        error_type=st.none() | texts(0, 24),
        error_message=st.none() | texts(0, 24),
        max_attempts=st.none() | integers(0, 65535),
        ahead=st.none() | integers(0, 4294967295),
        history=st.none() | st.lists(draw_attempt_record(), max_size=4).map(tuple),
        deliveries=st.none() | integers(0, 65535),
        unknown=unknown_tags(),
    )


def draw_await() -> st.SearchStrategy[messages.Await]:
    """Asks for the Result of a task on this connection: at once if it has ended, else when it ends."""
    return st.builds(
        messages.Await,
        integers(1, 18446744073709551615),
        st.binary(min_size=16, max_size=16),
        progress=st.none() | st.booleans(),
        unknown=unknown_tags(),
    )


def draw_schedule() -> st.SearchStrategy[messages.Schedule]:
    """Creates, replaces or removes a recurring task."""

    def legal(value: messages.Schedule) -> bool:
        tag_count = len(value.unknown) + sum(
            tag is not None for tag in (value.delay, value.not_before, value.expires_in, value.expires_at, value.time_limit, value.max_attempts, value.retry, value.unique, value.requires, value.after, value.on_dependency_failure, value.group, value.concurrency, value.rate, value.fairness, value.retention, value.cost, value.resources, value.note, value.gather, value.cron, value.every, value.zone, value.overlap, value.catch_up, value.spread, value.envelope, )
        )
        assert tag_count >= 0
        return not ((value.action == 1) and not ((value.envelope is not None) and ((value.cron is not None) or (value.every is not None))) or (value.action == 2) and not (tag_count == 0))

    return st.builds(
        messages.Schedule,
        integers(1, 18446744073709551615),
        names(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", 1, 128),
        st.sampled_from(messages.ScheduleAction),
        integers(0, 9),
        delay=st.none() | integers(1, 4294967295),
        not_before=st.none() | integers(0, 18446744073709551615),
        expires_in=st.none() | integers(1, 4294967295),
        expires_at=st.none() | integers(0, 18446744073709551615),
        time_limit=st.none() | integers(1, 4294967295),
        max_attempts=st.none() | integers(1, 65535),
        retry=st.none() | draw_retry_policy(),
        unique=st.none() | draw_unique_key(),
        requires=st.none() | st.lists(names(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", 1, 128), max_size=4).map(tuple),
        after=st.none() | st.lists(st.binary(min_size=16, max_size=16), max_size=4).map(tuple),
        on_dependency_failure=st.none() | integers(0, 255),
        group=st.none() | draw_group(),
        concurrency=st.none() | draw_concurrency_key(),
        rate=st.none() | draw_rate_key(),
        fairness=st.none() | draw_fairness_key(),
        retention=st.none() | integers(0, 18446744073709551615),
        cost=st.none() | integers(1, 65535),
        resources=st.none() | st.lists(draw_resource(), max_size=4).map(tuple),
        note=st.none() | texts(0, 24),
        gather=st.none() | draw_gather(),
        cron=st.none() | texts(0, 24),
        every=st.none() | integers(1, 4294967295),
        zone=st.none() | names(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", 1, 128),
        overlap=st.none() | integers(0, 255),
        catch_up=st.none() | integers(0, 255),
        spread=st.none() | integers(0, 4294967295),
        envelope=st.none() | draw_envelope().map(codec.encode_envelope),
        unknown=unknown_tags(),
    ).filter(legal)


def draw_retract() -> st.SearchStrategy[messages.Retract]:
    """Asks a worker to give back a task that it has not begun."""
    return st.builds(
        messages.Retract,
        st.binary(min_size=16, max_size=16),
        integers(1, 18446744073709551615),
        unknown=unknown_tags(),
    )


def draw_return() -> st.SearchStrategy[messages.Return]:
    """Gives a task back, or says that it is kept. Burns no attempt."""
    return st.builds(
        messages.Return,
        integers(1, 18446744073709551615),
        st.binary(min_size=16, max_size=16),
        integers(1, 18446744073709551615),
        integers(0, 255),
        text=st.none() | texts(0, 24),
        unknown=unknown_tags(),
    )


def draw_resume() -> st.SearchStrategy[messages.Resume]:
    """A worker proves a former session and names the leases that it still holds; the scheduler answers with those that
    it may keep. After the accept and before Subscribe."""
    return st.builds(
        messages.Resume,
        st.binary(min_size=16, max_size=16),
        st.lists(draw_held_lease(), max_size=4).map(tuple),
        unknown=unknown_tags(),
    )


#: How to draw each message.
MESSAGES: dict[str, st.SearchStrategy[messages.AnyMessage]] = {
    "Task": draw_task(),
    "Result": draw_result(),
    "Hello": draw_hello(),
    "Error": draw_error(),
    "Auth": draw_auth(),
    "Goodbye": draw_goodbye(),
    "Submit": draw_submit(),
    "Accepted": draw_accepted(),
    "Subscribe": draw_subscribe(),
    "Credit": draw_credit(),
    "Cancel": draw_cancel(),
    "Progress": draw_progress(),
    "Query": draw_query(),
    "Status": draw_status(),
    "Await": draw_await(),
    "Schedule": draw_schedule(),
    "Retract": draw_retract(),
    "Return": draw_return(),
    "Resume": draw_resume(),
}


@st.composite
def nearly_legal(draw: st.DrawFn) -> tuple[int, bytes]:
    """A command and a payload that is one step away from a legal one: an octet changed, cut out or put in."""
    frame = codec.encode(draw(st.one_of(list(MESSAGES.values()))))
    payload = frame[5:]
    at = draw(st.integers(0, len(payload)))
    end = min(len(payload), at + draw(st.integers(0, 4)))
    return frame[0], payload[:at] + draw(st.binary(max_size=4)) + payload[end:]
