"""Keys that tasks share: one at a time, so many in a time, by turns, or only once; as people write them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wiretask_client.errors import BadCall
from wiretask_client.units import Seconds, count, millis
from wiretask_protocol import messages

_SCOPES = {"queue": 1, "type": 2, "body": 3}
_UNTIL = {"begun": 1, "ended": 2}
_FOR_A_TIME = 3
_U16, _U32, _U64 = 2**16 - 1, 2**32 - 1, 2**64 - 1


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
        if self.scope not in _SCOPES:
            raise BadCall(f"unique.scope is {self.scope!r}; it is one of {', '.join(_SCOPES)}")
        if isinstance(self.until, str):
            if self.until not in _UNTIL:
                raise BadCall(f"unique.until is {self.until!r}; it is begun, ended, or a number of seconds")
            return messages.UniqueKey(self.key, _SCOPES[self.scope], _UNTIL[self.until], 0)
        return messages.UniqueKey(self.key, _SCOPES[self.scope], _FOR_A_TIME, millis("unique.until", self.until) or 0)


@dataclass(frozen=True, slots=True)
class Concurrency:
    """Of the tasks of one queue with this key at most `limit` are with workers at a time."""

    key: str
    limit: int

    def message(self) -> messages.ConcurrencyKey:
        """It as the wire has it."""
        return messages.ConcurrencyKey(self.key, count("concurrency.limit", self.limit, 1, _U16))


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
        limit = count("rate.limit", self.limit, 1, _U32)
        burst = limit if self.burst is None else count("rate.burst", self.burst, 1, _U32)
        period = millis("rate.period", self.period)
        if not period:
            raise BadCall(f"rate.period is {self.period!r}; give more than 0 seconds")
        return messages.RateKey(self.key, limit, period, burst)


@dataclass(frozen=True, slots=True)
class Fairness:
    """Tasks of one queue with different keys go by turns, as their weights say."""

    key: str
    weight: int = 1

    def message(self) -> messages.FairnessKey:
        """It as the wire has it."""
        return messages.FairnessKey(self.key, count("fairness.weight", self.weight, 1, _U16))


def key_tags(options: Mapping[str, Any]) -> dict[str, Any]:
    """The tagged fields of a Submit that these options ask for; None where they say nothing. Raises BadCall."""
    unique, concurrency, rate, fairness = map(options.get, ("unique", "concurrency", "rate", "fairness"))
    return {
        "unique": None if unique is None else _made(Unique, "unique", unique).message(),
        "concurrency": None if concurrency is None else _made(Concurrency, "concurrency", concurrency).message(),
        "rate": None if rate is None else _made(Rate, "rate", rate).message(),
        "fairness": None if fairness is None else _made(Fairness, "fairness", fairness).message(),
    }


def _made(kind: type[Any], name: str, said: Any) -> Any:
    """A key as people write it: the object, a tuple of what it is made of, or a word where that is enough."""
    if isinstance(said, kind):
        return said
    try:
        return kind(said) if isinstance(said, str) else kind(*said)
    except TypeError:
        raise BadCall(f"{name} is {said!r}; give a {kind.__name__}, or a tuple of what it is made of") from None


def resource_tags(resources: Mapping[str, int] | None) -> tuple[messages.Resource, ...] | None:
    """Amounts by their names as the wire has them. Raises BadCall."""
    if resources is None:
        return None
    if not isinstance(resources, Mapping):
        raise BadCall(f"resources is {resources!r}; give a dict of names and amounts")
    return tuple(
        messages.Resource(name, count(f"resources[{name!r}]", amount, 0, _U64)) for name, amount in resources.items()
    )


def label_tags(requires: Any) -> tuple[str, ...] | None:
    """Labels as the wire has them. Raises BadCall."""
    if requires is None:
        return None
    if isinstance(requires, str | dt.date) or not all(isinstance(label, str) for label in requires):
        raise BadCall(f"requires is {requires!r}; give a list of labels")
    return tuple(requires)
