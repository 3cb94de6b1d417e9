"""Chains and groups: calls that are tied to each other before they are submitted.

A chain is groups of one. The callback of a group goes last: then no circle can be closed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from wiretask_client.calls import TaskType, Template
from wiretask_client.errors import BadCall
from wiretask_client.options import Options
from wiretask_protocol.messages import Gather, GatherForm, Group

#: What a list of the wire holds.
MEMBERS_MAXIMUM = 65535
_OPTIONS = frozenset(Options.__annotations__)


@dataclass(frozen=True, slots=True)
class Call:
    """A task that is not submitted yet: its type, its arguments and its options."""

    task_type: TaskType
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    options: Options = field(default_factory=Options)


def call(task_type: TaskType, /, *args: Any, kwargs: Mapping[str, Any] | None = None, **keywords: Any) -> Call:
    """A call for `chain` and `group`; arguments and options as in `submit`."""
    options = {name: value for name, value in keywords.items() if name in _OPTIONS}
    named = {name: value for name, value in keywords.items() if name not in _OPTIONS}
    return Call(task_type, args, {**(kwargs or {}), **named}, cast("Options", options))


class Planned(NamedTuple):
    """A submission with its id."""

    task_id: bytes
    template: Template
    envelope: bytes


#: Makes an id for a queue.
NewId = Callable[[str], bytes]


def plan_chain(calls: Sequence[Call], new_id: NewId) -> list[Planned]:
    """Each call gets the result of the one before it. Raises BadCall."""
    if not calls:
        raise BadCall("a chain needs a call")
    ids = [new_id(Template(each.task_type, each.options).queue) for each in calls]
    planned = []
    for index, each in enumerate(calls):
        links: dict[str, Any] = {}
        if index:
            links["gather"] = Gather(1, GatherForm.VALUE)
        if index + 1 < len(calls):
            links["group"] = Group(ids[index + 1], 0)
        planned.append(_planned(each, ids[index], links, last=index + 1 == len(calls)))
    return planned


def plan_group(members: Sequence[Call], callback: Call, new_id: NewId) -> list[Planned]:
    """The members, and at the end the callback, which gets the list of their results. Raises BadCall."""
    if len(members) > MEMBERS_MAXIMUM:
        raise BadCall(f"a group of {len(members)}: {MEMBERS_MAXIMUM} members are the most; make a group of groups")
    own = new_id(Template(callback.task_type, callback.options).queue)
    planned = [
        _planned(each, new_id(Template(each.task_type, each.options).queue), {"group": Group(own, place)}, last=False)
        for place, each in enumerate(members)
    ]
    gather = {"gather": Gather(len(members), GatherForm.LIST)}
    return [*planned, _planned(callback, own, gather, last=True)]


def _planned(each: Call, task_id: bytes, links: Mapping[str, Any], *, last: bool) -> Planned:
    # Nobody waits for what has a callback; its handle asks for the result if somebody does.
    options = cast("Options", {"want_result": last, **each.options})
    template = Template(each.task_type, options, links)
    return Planned(task_id, template, template.envelope(each.args, each.kwargs))
