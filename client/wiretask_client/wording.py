"""What is known of a task, in words for people. Texts of peers are escaped here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import pairwise

from wiretask_client.status import TaskStatus
from wiretask_client.tables import table
from wiretask_client.terminal import escaped


def why(status: TaskStatus) -> str:
    """Why a task waits, in one line."""
    return f"the task waits: {status.detail or status.reason.replace('_', ' ')} ({status.reason}, task {status.id})"


def described(status: TaskStatus) -> str:
    """All that is known, a line each, and a table of its attempts."""
    return "".join(f"{name:<14}{escaped(text)}\n" for name, text in _lines(status)) + _history(status)


def span(seconds: float) -> str:
    """A time, in the two units that say most."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.3g} s"
    for (unit, name), (smaller, smaller_name) in pairwise(_UNITS):
        if seconds >= unit:
            whole, rest = divmod(int(seconds), unit)
            return f"{whole} {name} {rest // smaller} {smaller_name}"
    return f"{seconds:.3g} s"


_MINUTE = 60
_UNITS = ((86400, "d"), (3600, "h"), (_MINUTE, "min"), (1, "s"))


def _lines(status: TaskStatus) -> Iterator[tuple[str, str]]:
    for field in dataclasses.fields(status):
        value = getattr(status, field.name)
        if value is None or (field.name, value) == ("reason", "none"):
            continue
        if field.name == "history":
            continue
        if field.name.endswith("_seconds_ago"):
            yield field.name.removesuffix("_seconds_ago"), f"{span(value)} ago"
        elif field.name.endswith("_in_seconds"):
            yield field.name.removesuffix("_in_seconds"), f"in {span(value)}"
        else:
            yield field.name.replace("_", " "), str(value)


def _history(status: TaskStatus) -> str:
    if not status.history:
        return ""
    rows = (
        (past.attempt, past.outcome, f"{span(past.ended_seconds_ago)} ago", past.worker, past.error)
        for past in status.history
    )
    return "\n" + table(("attempt", "outcome", "ended", "worker", "error"), rows)
