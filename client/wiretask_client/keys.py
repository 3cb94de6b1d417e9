"""Keys that tasks share: one at a time, so many in a time, by turns, or only once; as people write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from wiretask_client.errors import BadCall
from wiretask_client.units import Seconds, count, millis, more_than_none, shown, word
from wiretask_protocol import messages

_SCOPES = {"queue": 1, "type": 2, "body": 3}
_UNTIL = {"begun": 1, "ended": 2}
_FOR_A_TIME = 3
_U16, _U32, _U64 = 2**16 - 1, 2**32 - 1, 2**64 - 1
#: Labels, and resources, of one task (types.yaml, task_options).
_LIST_MAXIMUM = 64


@dataclass(frozen=True, slots=True)
class Unique:
    """Keeps a second task like it out: the handle of the second submission is that of the first task.

    scope   what the key is compared within: "queue", "type" (queue and type) or "body" (queue, type and body)
    until   how long it holds: "begun", "ended", or for so many seconds (or a timedelta)
    """

    key: str
    scope: str = "queue"
    until: str | Seconds = "ended"

    def message(self) -> messages.UniqueKey:
        """It as the wire has it."""
        key = word("unique.key", self.key)
        scope = one_of("unique.scope", self.scope, _SCOPES)
        if isinstance(self.until, str):
            if self.until not in _UNTIL:
                raise BadCall(f"unique.until is {shown(self.until)}; it is begun, ended, or a number of seconds")
            return messages.UniqueKey(key, scope, _UNTIL[self.until], 0)
        hold = more_than_none("unique.until", self.until, "give a time in which a second task is kept out")
        if hold is None:
            raise BadCall("unique.until is None; it is begun, ended, or a number of seconds")
        return messages.UniqueKey(key, scope, _FOR_A_TIME, hold)


@dataclass(frozen=True, slots=True)
class Concurrency:
    """Of the tasks of one queue with this key at most `limit` are with workers at a time."""

    key: str
    limit: int

    def message(self) -> messages.ConcurrencyKey:
        """It as the wire has it."""
        return messages.ConcurrencyKey(
            word("concurrency.key", self.key), count("concurrency.limit", self.limit, 1, _U16)
        )


@dataclass(frozen=True, slots=True)
class Rate:
    """Of the tasks of one queue with this key at most `limit` start in each period, and `burst` of them at once."""

    key: str
    limit: int
    period: Seconds = 1.0
    #: As many as `limit` where nothing is said.
    burst: int | None = None

    def message(self) -> messages.RateKey:
        """It as the wire has it."""
        key = word("rate.key", self.key)
        limit = count("rate.limit", self.limit, 1, _U32)
        burst = limit if self.burst is None else count("rate.burst", self.burst, 1, _U32)
        period = millis("rate.period", self.period)
        if not period:
            raise BadCall(f"rate.period is {shown(self.period)}; give more than 0 seconds")
        return messages.RateKey(key, limit, period, burst)


@dataclass(frozen=True, slots=True)
class Fairness:
    """Tasks of one queue with different keys go by turns, as their weights say."""

    key: str
    weight: int = 1

    def message(self) -> messages.FairnessKey:
        """It as the wire has it."""
        return messages.FairnessKey(word("fairness.key", self.key), count("fairness.weight", self.weight, 1, _U16))


def key_tags(options: Mapping[str, Any]) -> dict[str, Any]:
    """The tagged fields of a Submit that these options ask for; None where they say nothing. Raises BadCall."""
    kinds = {"unique": Unique, "concurrency": Concurrency, "rate": Rate, "fairness": Fairness}
    said = {name: options.get(name) for name in kinds}
    return {name: None if each is None else made(kinds[name], name, each).message() for name, each in said.items()}


def made(kind: type[Any], name: str, said: Any) -> Any:
    """What people write, as an object: itself, a mapping or a tuple of what it is made of, or its first part alone."""
    if isinstance(said, kind):
        return said
    try:
        if isinstance(said, Mapping):
            return kind(**said)
        if isinstance(said, str):
            return kind(said)
        return kind(*said)
    except TypeError:
        parts = ", ".join(each.name for each in fields(kind))
        text = f"{name} is {shown(said)}; give a {kind.__name__}, or a tuple or a dict of what it is made of: {parts}"
        raise BadCall(text) from None


def one_of(name: str, said: object, words: Mapping[str, int]) -> int:
    """The number of a word. Raises BadCall."""
    if not isinstance(said, str) or said not in words:
        raise BadCall(f"{name} is {shown(said)}; it is one of {', '.join(words)}")
    return int(words[said])


def resource_tags(resources: Mapping[str, int] | None) -> tuple[messages.Resource, ...] | None:
    """Amounts by their names as the wire has them. Raises BadCall."""
    if resources is None:
        return None
    if not isinstance(resources, Mapping):
        raise BadCall(f"resources is {shown(resources)}; give a dict of names and amounts")
    _few("resources", len(resources))
    return tuple(
        messages.Resource(word("a name in resources", name), count(f"resources[{name!r}]", amount, 0, _U64))
        for name, amount in resources.items()
    )


def label_tags(requires: Iterable[str] | None) -> tuple[str, ...] | None:
    """Labels as the wire has them. Raises BadCall."""
    if requires is None:
        return None
    if isinstance(requires, str | bytes) or not isinstance(requires, Iterable):
        raise BadCall(f"requires is {shown(requires)}; give a list of labels")
    labels = tuple(dict.fromkeys(word("a label in requires", label) for label in requires))
    _few("requires", len(labels))
    return labels


def _few(name: str, has: int) -> None:
    if has > _LIST_MAXIMUM:
        raise BadCall(f"{name} has {has} items, {_LIST_MAXIMUM} are the most; let one stand for several")
