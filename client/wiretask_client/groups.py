"""Chains and groups: calls that are tied to each other before they are submitted.

A chain is groups of one. A member of a group may be a chain or a group itself, and the first step of a chain a group.
All ids are made here, so that everything goes out at once; a callback goes after its members: then no circle can be
closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Unpack, assert_never, cast

from wiretask_client.calls import TaskType, Template, queue_of
from wiretask_client.errors import BadCall
from wiretask_client.options import Options
from wiretask_client.units import shown
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


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps, of which each gets the result of the one before it; options hold where a call says nothing."""

    steps: tuple[Step, ...]
    options: Options


@dataclass(frozen=True, slots=True)
class FanIn:
    """Members side by side, and a callback that gets the list of their results; options as of a chain."""

    members: tuple[Step, ...]
    callback: Call
    options: Options


#: What can be a member of a group, or the first step of a chain.
Step = Call | Chain | FanIn


def call(task_type: TaskType, /, *args: Any, kwargs: Mapping[str, Any] | None = None, **keywords: Any) -> Call:
    """A call for `chain` and `group`; arguments and options as in `submit`. Raises BadCall."""
    if "task_id" in keywords:
        raise BadCall("task_id: the ids of tied tasks are made by the client; put an argument of that name into kwargs")
    options = {name: value for name, value in keywords.items() if name in _OPTIONS}
    named = {name: value for name, value in keywords.items() if name not in _OPTIONS}
    return Call(task_type, args, {**(kwargs or {}), **named}, _kept(options))


def chain(*steps: Step, **options: Unpack[Options]) -> Chain:
    """Steps of which each gets the result of the one before it as its first argument. Raises BadCall."""
    if not steps:
        raise BadCall("a chain needs a call")
    if not isinstance(steps[0], Step):
        raise BadCall(f"{shown(steps[0])} is no step of a chain; make one with call(…), group(…) or chain(…)")
    for each in steps[1:]:
        if not isinstance(each, Call):
            raise BadCall(f"{shown(each)} is no step of a chain but as its first; make the others with call(…)")
    return Chain(steps, _kept(options))


def group(members: Iterable[Step], *, callback: Call, **options: Unpack[Options]) -> FanIn:
    """Members side by side, and a callback that gets the list of their results as its first argument. Raises BadCall.

    A member is a call, a chain, or a group, whose result is that of its callback.
    """
    if not isinstance(members, Iterable):
        raise BadCall(f"a group of {shown(members)}; give a list of calls")
    listed = tuple(members)
    if len(listed) > MEMBERS_MAXIMUM:
        raise BadCall(
            f"a group of {len(listed)}: {MEMBERS_MAXIMUM} members are the most; make a group of groups, group([group("
            f"part, callback=…) for part in parts], callback=…)"
        )
    for each in listed:
        if not isinstance(each, Step):
            raise BadCall(f"{shown(each)} is no member of a group; make one with call(…), chain(…) or group(…)")
    if not isinstance(callback, Call):
        raise BadCall(f"callback is {shown(callback)}; make one with call(…), and a chain of the group for more")
    return FanIn(listed, callback, _kept(options))


class Planned(NamedTuple):
    """A submission with its id. `tags` are those of its template, and what ties it to others."""

    task_id: bytes
    template: Template
    tags: dict[str, Any]
    envelope: bytes


#: Makes an id for a queue.
NewId = Callable[[str], bytes]


def plan(step: Step, new_id: NewId) -> list[Planned]:
    """What is to be submitted, in order; the last one has the result of all. Raises BadCall."""
    planner = _Planner(new_id)
    planner.plan(step, planner.new_id(step, Options()), Options(want_result=True), {})
    return planner.planned


class _Planner:
    """Turns steps into submissions. What options hold for many is merged on the way down."""

    def __init__(self, new_id: NewId) -> None:
        self.planned: list[Planned] = []
        self._new_id = new_id
        #: Of the call before, which is mostly of the same kind.
        self._last: tuple[TaskType, Options, Template] | None = None

    def new_id(self, step: Step, common: Options) -> bytes:
        """An id for the task that has the result of a step."""
        options = _merged(common, step.options)
        match step:
            case Call():
                return self._new_id(queue_of(step.task_type, options))
            case Chain():
                return self.new_id(step.steps[-1], options)
            case FanIn():
                return self.new_id(step.callback, options)
            case _:
                assert_never(step)

    def plan(self, step: Step, task_id: bytes, common: Options, links: dict[str, Any]) -> None:
        """Plans a step; `links` tie its last task, which has this id, to others."""
        options = _merged(common, step.options)
        match step:
            case Call():
                self._plan_call(step, task_id, options, links)
            case Chain():
                self._plan_chain(step, task_id, options, links)
            case FanIn():
                self._plan_group(step, task_id, options, links)
            case _:
                assert_never(step)

    def _plan_chain(self, chain: Chain, task_id: bytes, options: Options, links: dict[str, Any]) -> None:
        *first, last = chain.steps
        inner = _inner(options)
        ids = [*(self.new_id(each, options) for each in first), task_id]
        for index, each in enumerate(first):
            own = {"gather": Gather(1, GatherForm.VALUE)} if index else {}
            self.plan(each, ids[index], inner, {**own, "group": Group(ids[index + 1], 0)})
        gather = {"gather": Gather(1, GatherForm.VALUE)} if first else {}
        self.plan(last, task_id, options, {**links, **gather})

    def _plan_group(self, fan_in: FanIn, task_id: bytes, options: Options, links: dict[str, Any]) -> None:
        inner = _inner(options)
        for place, each in enumerate(fan_in.members):
            self.plan(each, self.new_id(each, options), inner, {"group": Group(task_id, place)})
        gather = Gather(len(fan_in.members), GatherForm.LIST)
        self.plan(fan_in.callback, task_id, options, {**links, "gather": gather})

    def _plan_call(self, call: Call, task_id: bytes, options: Options, links: dict[str, Any]) -> None:
        if links and options.get("unique") is not None:
            raise BadCall(
                "unique: a task that was there before cannot take the place of one in a chain or a group; submit a "
                "task with the key, and let that one submit them"
            )
        if self._last is None or self._last[0] is not call.task_type or self._last[1] != options:
            self._last = call.task_type, options, Template(call.task_type, options)
        template = self._last[2]
        envelope = template.envelope(call.args, call.kwargs)
        self.planned.append(
            Planned(task_id, template, {**template.tags, **links} if links else template.tags, envelope)
        )


def _kept(options: Mapping[str, Any]) -> Options:
    """Options that many calls read: what can be read once only is read here."""
    return cast(
        "Options", {name: tuple(value) if isinstance(value, Iterator) else value for name, value in options.items()}
    )


def _inner(options: Options) -> Options:
    """Nobody waits for what has a callback; its handle asks for the result if somebody does."""
    return cast("Options", {**options, "want_result": False})


def _merged(common: Options, own: Options) -> Options:
    return cast("Options", {**common, **own}) if own else common
