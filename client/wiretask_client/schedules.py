"""Recurring tasks: when they run, from what people write to what goes over the wire."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from wiretask_client.calls import Template
from wiretask_client.core import ScheduleRequest
from wiretask_client.errors import BadCall
from wiretask_client.groups import Call
from wiretask_client.keys import one_of
from wiretask_client.units import Seconds, millis, word
from wiretask_protocol.messages import CatchUpPolicy, OverlapPolicy

#: Options of one submission that make no sense for each run.
_SINGLE = ("want_result", "on_progress", "after", "not_before", "expires_at")


def times_of(
    *,
    cron: str | None,
    every: Seconds | None,
    zone: str | None,
    overlap: str | None,
    catch_up: str | None,
    spread: Seconds | None,
) -> dict[str, Any]:
    """The tagged fields of a Schedule that say when. Raises BadCall."""
    if (cron is None) == (every is None):
        raise BadCall("say when it runs: give cron or every, one of them")
    if zone is not None and cron is None:
        raise BadCall("zone is for cron; every counts seconds, which are the same everywhere")
    if every is not None and not millis("every", every):
        raise BadCall(f"every is {every!r}; give at least a millisecond")
    found = {
        "cron": cron,
        "every": millis("every", every),
        "zone": zone,
        "overlap": _word("overlap", overlap, OverlapPolicy),
        "catch_up": _word("catch_up", catch_up, CatchUpPolicy),
        "spread": millis("spread", spread) or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _word(name: str, said: str | None, kind: type[IntEnum]) -> int | None:
    return None if said is None else one_of(name, said, {member.name.lower(): member.value for member in kind})


def schedule_request(name: str, recurring: Call, times: dict[str, Any]) -> ScheduleRequest:
    """What asks for a recurring task. Raises BadCall."""
    for option in _SINGLE:
        if recurring.options.get(option) is not None:
            raise BadCall(f"{option} is for one task, and this one recurs; leave it out")
    template = Template(recurring.task_type, recurring.options)
    envelope = template.envelope(recurring.args, recurring.kwargs)
    tags = {**template.tags, **times, "envelope": envelope}
    return ScheduleRequest(name=word("the name of a recurring task", name), priority=template.priority, tags=tags)
