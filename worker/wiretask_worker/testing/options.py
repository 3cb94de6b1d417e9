"""What a submission in a test asks for, as the wire has it. Durations are seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from wiretask_protocol import codec
from wiretask_protocol.messages import (
    ConcurrencyKey,
    DependencyPolicy,
    Encoding,
    Envelope,
    FairnessKey,
    Gather,
    Group,
    RateKey,
    Resource,
    RetryPolicy,
    UniqueKey,
    UniqueScope,
    UniqueUntil,
)
from wiretask_worker.handlers import Handler

_DEFAULT_PRIORITY = 5
_DEFAULT_QUEUE = "default"
_TIMES = ("delay", "expires_in", "time_limit", "retention")
_PLAIN = ("max_attempts", "cost", "note")
#: What a function can say of itself.
_DECLARED = (
    "priority",
    "max_attempts",
    "time_limit",
    "retry",
    "retention",
    "cost",
    "requires",
    "resources",
    "concurrency",
    "rate",
    "fairness",
)
NAMES = frozenset(
    (*_TIMES, *_PLAIN, *_DECLARED, "queue", "after", "on_dependency_failure", "unique", "gather", "group")
)


def merged(task_type: str | Handler[..., Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a submission, and what the function says where they say nothing."""
    declared = {}
    if isinstance(task_type, Handler):
        declared = {name: getattr(task_type, name) for name in (*_DECLARED, "queue")}
    return {name: value for name, value in {**declared, **said}.items() if value is not None}


def queue(options: Mapping[str, Any]) -> str:
    """Where the task waits."""
    return str(options.get("queue", _DEFAULT_QUEUE))


def priority(options: Mapping[str, Any]) -> int:
    """How soon it goes."""
    return int(options.get("priority", _DEFAULT_PRIORITY))


def envelope(name: str, where: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bytes:
    """A call as a client writes it: one argument of bytes as it is, everything else as JSON."""
    if len(args) == 1 and not kwargs and isinstance(args[0], bytes):
        return codec.encode_envelope(Envelope(name, where, Encoding.RAW, args[0]))
    if args and kwargs:
        raise TypeError("positional and keyword arguments cannot be mixed: name all arguments, or none")
    return codec.encode_envelope(Envelope(name, where, Encoding.JSON, msgspec.json.encode(kwargs or args)))


def tags(options: Mapping[str, Any]) -> dict[str, Any]:
    """The tagged fields of a Submit."""
    found: dict[str, Any] = {name: millis(options[name]) for name in _TIMES if name in options}
    found |= {name: options[name] for name in _PLAIN if name in options}
    for name, read in _READERS.items():
        if name in options:
            found[name] = read(options[name])
    return found


def millis(seconds: float) -> int:
    """Seconds as the wire has them."""
    return round(seconds * 1000)


def _retry(said: float | Mapping[str, float]) -> RetryPolicy:
    policy = {"base": 1.0, "factor": 2.0, "cap": 600.0, "jitter": 0.0}
    policy |= said if isinstance(said, Mapping) else {"base": said}
    return RetryPolicy(*(round(policy[name] * 1000) for name in ("base", "factor", "cap", "jitter")))


def _rate(said: Sequence[Any]) -> RateKey:
    key, limit = said[:2]
    period = said[2] if len(said) > 2 else 1.0
    return RateKey(key, limit, millis(period), said[3] if len(said) > 3 else limit)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "retry": _retry,
    "rate": _rate,
    "concurrency": lambda said: ConcurrencyKey(*said),
    "fairness": lambda said: FairnessKey(said, 1),
    "unique": lambda said: UniqueKey(said, UniqueScope.QUEUE, UniqueUntil.ENDED, 0),
    "requires": tuple,
    "resources": lambda said: tuple(Resource(name, amount) for name, amount in said.items()),
    "after": lambda said: tuple(job.task_id for job in said),
    "on_dependency_failure": lambda said: DependencyPolicy[said.upper()],
    "gather": lambda said: Gather(*said),
    "group": lambda said: Group(*said),
}
