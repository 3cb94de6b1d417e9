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
from wiretask_client.keys import Concurrency, Fairness, Rate, Unique, key_tags, label_tags, resource_tags
from wiretask_client.units import Seconds, millis, per_mille
from wiretask_protocol import messages

Moment = float | dt.datetime

DEFAULT_QUEUE = "default"
DEFAULT_PRIORITY = 5

_U64 = 2**64 - 1


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
    retry: RetryPolicy | Seconds | None
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
    unique: Unique | str | None
    #: Bounds how many like it run at a time, and how many start in a time; and whose turn it takes.
    concurrency: Concurrency | tuple[str, int] | None
    rate: Rate | tuple[Any, ...] | None
    fairness: Fairness | str | None
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
    retry = options.get("retry")
    if retry is not None and not isinstance(retry, RetryPolicy):
        retry = RetryPolicy(base=retry)
    found: dict[str, Any] = {
        "delay": millis("delay", options.get("delay")) or None,
        "not_before": _instant("not_before", options.get("not_before")),
        "expires_in": millis("expires_in", options.get("expires_in")),
        "expires_at": _instant("expires_at", options.get("expires_at")),
        "time_limit": millis("time_limit", options.get("time_limit")) or None,
        "max_attempts": options.get("max_attempts"),
        "retry": None if retry is None else retry.message(),
        "retention": millis("retention", options.get("retention"), _U64),
        "cost": options.get("cost"),
        "requires": label_tags(options.get("requires")),
        "resources": resource_tags(options.get("resources")),
        "after": _dependencies(options.get("after")),
        "on_dependency_failure": _policy(options.get("on_dependency_failure")),
        "note": options.get("note"),
        **key_tags(options),
    }
    return {name: value for name, value in found.items() if value is not None}


def _dependencies(after: Iterable[Any] | None) -> tuple[bytes, ...] | None:
    if after is None:
        return None
    if isinstance(after, str | bytes) or not isinstance(after, Iterable):
        raise BadCall("after is one task; give a list of handles or ids")
    found = tuple(dict.fromkeys(as_id(getattr(task, "id", task)) for task in after))
    if len(found) > _AFTER_MAXIMUM:
        raise BadCall(f"after names {len(found)} tasks, {_AFTER_MAXIMUM} are the most; let a task wait for each part")
    return found or None


def _policy(word: str | None) -> int | None:
    if word is not None and word not in _POLICIES:
        raise BadCall(f"on_dependency_failure is {word!r}; it is one of {', '.join(_POLICIES)}")
    return None if word is None else int(_POLICIES[word])


_POLICIES = {"cancel": messages.DependencyPolicy.CANCEL, "run": messages.DependencyPolicy.RUN}
#: What a list of the wire holds.
_AFTER_MAXIMUM = 65535


def header_tags(options: Options) -> dict[str, Any]:
    """The tagged fields of an Envelope that these options ask for."""
    headers = options.get("headers")
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
