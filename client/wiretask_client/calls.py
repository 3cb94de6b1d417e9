"""Calls: a task type with its arguments, written as the envelope that a worker reads.

One argument of bytes is the body as it is; everything else is JSON, an array of positional arguments or an object of
keyword arguments (PROTOCOL.md, Encoding). What many calls have in common (names, headers, options) is a Template: it is
checked and encoded once, and each further envelope is a head, a length and a body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import msgspec

from wiretask_client.errors import BadCall, cannot_send
from wiretask_client.options import DEFAULT_PRIORITY, DEFAULT_QUEUE, Options, header_tags, tags
from wiretask_client.units import count, word
from wiretask_protocol.codec import encode, encode_envelope
from wiretask_protocol.errors import WireError
from wiretask_protocol.messages import Encoding, Envelope, Submit, SubmitFlags

#: What a task can be named by: its type, or the function that a worker runs for it.
TaskType = str | Callable[..., Any]

_BYTES = (bytes, bytearray, memoryview)
_PLAIN = int(SubmitFlags.WANT_RESULT)

#: An envelope ends in the length of its body (u32) and the body; a head is what stands before (PROTOCOL.md, Envelope).
_LENGTH_OCTETS = 4


class Template:
    """Everything that many submissions share. Raises BadCall for what cannot be sent."""

    __slots__ = ("_json", "_raw", "flags", "on_progress", "priority", "queue", "tags", "type")

    def __init__(self, task_type: TaskType, options: Options) -> None:
        declared = getattr(task_type, "__wiretask_task__", None)
        self.type = word("the type", type_name(task_type))
        self.queue = queue_of(task_type, options)
        priority = _first(options.get("priority"), getattr(declared, "priority", None), DEFAULT_PRIORITY)
        self.priority = count("priority", priority, 0, 9)
        self.on_progress = options.get("on_progress")
        # What `@task(…)` says holds where the submission says nothing; an empty list says that there are to be none.
        found = tags(options) if declared is None else {**tags(_declared_options(declared)), **tags(options)}
        self.tags = {name: value for name, value in found.items() if value != ()}
        self.flags = 0
        if options.get("want_result", True):
            self.flags |= SubmitFlags.WANT_RESULT
        if self.on_progress is not None:
            self.flags |= SubmitFlags.WANT_PROGRESS
        self.flags = int(self.flags)
        extra = header_tags(options)
        try:
            raw = encode_envelope(Envelope(self.type, self.queue, Encoding.RAW, b"", **extra))
            json = encode_envelope(Envelope(self.type, self.queue, Encoding.JSON, b"", **extra))
            encode(Submit(1, bytes(16), self.flags, self.priority, raw, **self.tags))
        except WireError as error:
            raise cannot_send(error) from None
        self._raw = raw[:-_LENGTH_OCTETS]
        self._json = json[:-_LENGTH_OCTETS]

    def envelope(self, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None) -> bytes:
        """The envelope of one call. Raises BadCall for arguments that cannot be sent."""
        if not kwargs and len(args) == 1 and isinstance(args[0], _BYTES):
            body = args[0]
            return self._raw + len(body).to_bytes(_LENGTH_OCTETS, "big") + body
        json = _json(args, kwargs)
        return self._json + len(json).to_bytes(_LENGTH_OCTETS, "big") + json


def type_name(task_type: TaskType) -> str:
    """The name of a task type: of a function, the one that `@task` gave it, else its own. Raises BadCall."""
    if isinstance(task_type, str):
        return task_type
    declared = getattr(task_type, "__wiretask_task__", None)
    name = getattr(task_type, "__name__", None) if declared is None else declared.name
    if not isinstance(name, str) or name == "<lambda>":
        raise BadCall(f"{task_type!r} has no name that a task type can have; give the type as a string")
    return name


def queue_of(task_type: TaskType, options: Options) -> str:
    """Where a call goes. Raises BadCall."""
    declared = getattr(task_type, "__wiretask_task__", None)
    return word("queue", _first(options.get("queue"), getattr(declared, "queue", None), DEFAULT_QUEUE))


def _first(*said: Any) -> Any:
    return next(each for each in said if each is not None)


def _declared_options(declared: Any) -> Options:
    """What `@task(…)` says of a function; what it does not say is None."""
    return cast("Options", {name: getattr(declared, name, None) for name in _DECLARED})


#: Options that can stand in `@task(…)`.
_DECLARED = (
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


def _json(args: Sequence[Any], kwargs: Mapping[str, Any] | None) -> bytes:
    if args and kwargs:
        raise BadCall(
            "positional and keyword arguments cannot be mixed: JSON bodies hold an array of the ones or an object of "
            "the others; name all arguments, or none"
        )
    try:
        return msgspec.json.encode(dict(kwargs) if kwargs else list(args))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise BadCall(f"an argument cannot be written as JSON ({error}); pass what JSON has, or one bytes") from None
