"""What is known of a task, in words for people. Texts of peers are escaped here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from wiretask_client.status import Attempt, TaskStatus
from wiretask_client.terminal import escaped


def why(status: TaskStatus) -> str:
    """Why a task waits, in one line."""
    return f"the task waits: {status.detail or status.reason.replace('_', ' ')} ({status.reason}, task {status.id})"


def described(status: TaskStatus) -> str:
    """All that is known, a line each."""
    return "".join(f"{name:<14}{escaped(text)}\n" for name, text in _lines(status))


def _lines(status: TaskStatus) -> Iterator[tuple[str, str]]:
    for field in dataclasses.fields(status):
        value = getattr(status, field.name)
        if value is None or (field.name, value) == ("reason", "none"):
            continue
        if field.name == "history":
            yield from map(_past, value)
        elif field.name.endswith("_seconds_ago"):
            yield field.name.removesuffix("_seconds_ago"), f"{value:g} s ago"
        elif field.name.endswith("_in_seconds"):
            yield field.name.removesuffix("_in_seconds"), f"in {value:g} s"
        else:
            yield field.name.replace("_", " "), str(value)


def _past(past: Attempt) -> tuple[str, str]:
    at = f" at {past.worker}" if past.worker else ""
    error = f": {past.error}" if past.error else ""
    return f"attempt {past.attempt}", f"{past.outcome} {past.ended_seconds_ago:g} s ago{at}{error}"
