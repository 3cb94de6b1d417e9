"""What a submission can ask for, from what people write to what goes over the wire.

It knows units and nothing else: durations come as seconds or timedeltas and leave as milliseconds, instants come as
aware datetimes or Unix seconds. Ranges that the protocol states are checked by the codec, not here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from wiretask_client.errors import BadCall
from wiretask_client.ids import as_id
from wiretask_client.keys import Concurrency, Fairness, Rate, Unique, key_tags, label_tags, made, one_of, resource_tags
from wiretask_client.units import Seconds, count, millis, more_than_none, per_mille, shown
from wiretask_protocol import messages

Moment = float | dt.datetime

DEFAULT_QUEUE = "default"
DEFAULT_PRIORITY = 5

_U16, _U64 = 2**16 - 1, 2**64 - 1
#: A ShortText of the spec (types.yaml), in UTF-8.
_NOTE_OCTETS = 1024
#: Dependencies of one task: what a list of the wire holds.
_AFTER_MAXIMUM = 65535
_POLICIES = {"cancel": messages.DependencyPolicy.CANCEL, "run": messages.DependencyPolicy.RUN}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long to wait between attempts: base, then `factor` times as long each time, up to the cap. Seconds."""

    base: Seconds = 1.0
    factor: float = 2.0
    #: The longest wait. 0 is no cap.
    cap: Seconds = 600.0
    #: Up to this fraction of each wait is taken off at random, so that what failed together does not return together.
    jitter: float = 0.1

    def message(self) -> messages.RetryPolicy:
        """It as the wire has it."""
        return messages.RetryPolicy(
            millis("retry.base", self.base) or 0,
            per_mille("retry.factor", self.factor, 1.0, 65.535),
            millis("retry.cap", self.cap) or 0,
            per_mille("retry.jitter", self.jitter, 0.0, 1.0),
        )


class Options(TypedDict, total=False):
    """What `submit`, `map` and `submit_many` take by keyword."""

    #: Where the task waits; "default" where neither this nor `@task` says more.
    queue: str | None
    #: 9 goes first.
    priority: int | None
    #: Not before this long from now.
    delay: Seconds | None
    #: Not before this point in time.
    not_before: Moment | None
    #: Not begun within this long from now is not begun at all.
    expires_in: Seconds | None
    #: Not begun by this point in time is not begun at all.
    expires_at: Moment | None
    #: Longest run of one attempt.
    time_limit: Seconds | None
    #: How often its code may run and fail.
    max_attempts: int | None
    #: How long to wait between attempts; a number is the first wait.
    retry: RetryPolicy | Mapping[str, Any] | Seconds | None
    #: How long its result is kept.
    retention: Seconds | None
    #: How many slots it takes.
    cost: int | None
    #: Labels that its worker must have, and what of a worker's resources it uses up while it runs.
    requires: Iterable[str] | None
    resources: Mapping[str, int] | None
    #: Tasks that must succeed first (handles or ids), and what to do when one has not: "cancel" (it too), or "run".
    after: Iterable[Any] | None
    on_dependency_failure: str | None
    #: Keeps a second task like it out.
    unique: Unique | tuple[Any, ...] | str | None
    #: Bounds how many like it run at a time, and how many start in a time; and whose turn it takes.
    concurrency: Concurrency | tuple[str, int] | None
    rate: Rate | tuple[Any, ...] | None
    fairness: Fairness | tuple[str, int] | str | None
    #: A line for people who look at it.
    note: str | None
    #: Words that travel with the task to its handler.
    headers: Mapping[str, str] | None
    #: The W3C traceparent and tracestate of the submitter.
    trace_context: str | None
    trace_state: str | None
    #: Whether the result is to come back at all. Without it a task is done for the client once it is accepted.
    want_result: bool
    #: Called with each Progress of the task, on the client's event loop.
    on_progress: Callable[[messages.Progress], None] | None


def tags(options: Options) -> dict[str, Any]:
    """The tagged fields of a Submit that these options ask for. Raises BadCall."""
    retry, policy = options.get("retry"), options.get("on_dependency_failure")
    found: dict[str, Any] = {
        "delay": millis("delay", options.get("delay")) or None,
        "not_before": _instant("not_before", options.get("not_before")),
        "expires_in": more_than_none("expires_in", options.get("expires_in"), "give the task some time to begin"),
        "expires_at": _instant("expires_at", options.get("expires_at")),
        "time_limit": millis("time_limit", options.get("time_limit")) or None,
        "max_attempts": _count("max_attempts", options.get("max_attempts")),
        "retry": None if retry is None else _retry(retry).message(),
        "retention": millis("retention", options.get("retention"), _U64),
        "cost": _count("cost", options.get("cost")),
        "requires": label_tags(options.get("requires")),
        "resources": resource_tags(options.get("resources")),
        "after": _dependencies(options.get("after")),
        "on_dependency_failure": None if policy is None else one_of("on_dependency_failure", policy, _POLICIES),
        "note": _note(options.get("note")),
        **key_tags(options),
    }
    return {name: value for name, value in found.items() if value is not None}


def _dependencies(after: Iterable[Any] | None) -> tuple[bytes, ...] | None:
    if after is None:
        return None
    if isinstance(after, str | bytes) or hasattr(after, "id") or not isinstance(after, Iterable):
        raise BadCall("after is one task; give a list of handles or ids")
    found = tuple(dict.fromkeys(as_id(getattr(task, "id", task)) for task in after))
    if len(found) > _AFTER_MAXIMUM:
        raise BadCall(f"after names {len(found)} tasks, {_AFTER_MAXIMUM} are the most; let a task wait for each part")
    return found or None


def _count(name: str, number: int | None) -> int | None:
    return None if number is None else count(name, number, 1, _U16)


def _retry(said: Any) -> RetryPolicy:
    if isinstance(said, RetryPolicy):
        return said
    return made(RetryPolicy, "retry", said) if isinstance(said, Mapping) else RetryPolicy(base=said)


def _note(note: str | None) -> str | None:
    if note is not None and not isinstance(note, str):
        raise BadCall(f"note is {shown(note)}; give a text")
    octets = len(note.encode(errors="replace")) if note else 0
    if octets > _NOTE_OCTETS:
        raise BadCall(f"note has {octets} bytes, {_NOTE_OCTETS} are the most; put more into the arguments")
    return note


def header_tags(options: Options) -> dict[str, Any]:
    """The tagged fields of an Envelope that these options ask for."""
    headers = options.get("headers")
    if headers is not None and not isinstance(headers, Mapping):
        raise BadCall(f"headers is {shown(headers)}; give a dict of names and texts")
    found: dict[str, Any] = {
        "headers": tuple(messages.Header(name, value) for name, value in headers.items()) if headers else None,
        "trace_context": options.get("trace_context"),
        "trace_state": options.get("trace_state"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _instant(name: str, moment: Moment | None) -> int | None:
    if moment is None:
        return None
    if isinstance(moment, dt.datetime):
        if moment.tzinfo is None:
            raise BadCall(f"{name} has no time zone; give it one, datetime.now(timezone.utc) for example")
        moment = moment.timestamp()
    return millis(name, moment, _U64)
