"""How our scheduler does not do what tasks ask for: more mutants of `broken_scheduler.py`."""

from __future__ import annotations

import os
from typing import Any

import msgspec
from breaking import Mutants, nothing, wrapped

from wiretask_protocol.messages import Outcome, UniqueScope, WaitReason
from wiretask_scheduler import outbox
from wiretask_scheduler.core import (
    delivery,
    dependencies,
    explain,
    groups,
    limits,
    peers,
    queues,
    recurring,
    submissions,
    uniques,
)

MUTANTS = Mutants()
mutant = MUTANTS.add
#: As things that can be written to.
_delivery: Any = delivery
_dependencies: Any = dependencies
_explain: Any = explain
_groups: Any = groups
_outbox: Any = outbox
_recurring: Any = recurring
_submissions: Any = submissions
_uniques: Any = uniques
_Gate: Any = limits.Gate
_RateGate: Any = limits.RateGate
_Worker: Any = peers.Worker


def _submitted(**changed: Any) -> None:
    """Every Submit, with something else in it."""
    wrapped(
        _submissions,
        "_options",
        lambda options: lambda state, submit, *rest: options(state, msgspec.structs.replace(submit, **changed), *rest),
    )


# Unique keys


@mutant
def takes_every_unique_key() -> None:
    _uniques.holder = nothing


@mutant
def never_lets_go_of_unique_keys() -> None:
    _uniques.ended = nothing


@mutant
def keeps_the_unique_keys_of_what_has_begun() -> None:
    _uniques.begun = nothing


@mutant
def compares_unique_keys_by_nothing_else() -> None:
    def make(key: Any) -> Any:
        return lambda unique, *rest: key(msgspec.structs.replace(unique, scope=UniqueScope.QUEUE), *rest)

    wrapped(_uniques, "key", make)


@mutant
def does_not_say_who_has_a_unique_key() -> None:
    wrapped(
        _submissions,
        "replace",
        lambda replace: lambda error, **changed: replace(error, **{**changed, "existing_id": bytes(16)}),
    )


@mutant
def forgets_unique_keys_on_a_restart() -> None:
    _uniques.load = nothing


# Dependencies and groups


@mutant
def waits_for_nothing() -> None:
    _dependencies.tie = nothing


@mutant
def goes_on_after_every_failure() -> None:
    wrapped(
        _dependencies,
        "_tell",
        lambda tell: (
            lambda state, dependency, *, succeeded, uproots: tell(state, dependency, succeeded=True, uproots=uproots)
        ),
    )


@mutant
def never_goes_on_after_a_failure() -> None:
    wrapped(
        _submissions,
        "_links",
        lambda links: lambda *arguments: _never_anyway(links(*arguments)),
    )


def _never_anyway(links: Any) -> Any:
    return links if links is None else msgspec.structs.replace(links, run_anyway=False)


@mutant
def lets_tasks_wait_for_themselves() -> None:
    _dependencies.cycle = nothing


@mutant
def takes_every_place_in_a_group() -> None:
    _groups.misfit = nothing


def _gathered(change: Any) -> None:
    """The results of every group, with something done to them."""

    def make(gathered: Any) -> Any:
        return lambda form, results: gathered(form, tuple(change(results)))

    wrapped(_outbox, "Gathered", make)


@mutant
def gathers_backwards() -> None:
    _gathered(reversed)


@mutant
def gathers_successes_only() -> None:
    _gathered(lambda results: [each for each in results if each.outcome == Outcome.SUCCEEDED])


@mutant
def cancels_no_tree() -> None:
    _dependencies.uproot = nothing


@mutant
def forgets_dependencies_on_a_restart() -> None:
    _dependencies.load = nothing


# Limits, tenants, and who fits


@mutant
def lets_everybody_through() -> None:
    _Gate.is_open = lambda self, now: True


@mutant
def lets_tasks_start_at_any_rate() -> None:
    _RateGate.is_open = lambda self, now: True


@mutant
def knows_no_tenants() -> None:
    _submitted(fairness=None)


@mutant
def ignores_labels() -> None:
    _submitted(requires=None)


@mutant
def ignores_resources() -> None:
    _submitted(resources=None)


@mutant
def ignores_costs() -> None:
    _submitted(cost=1)


@mutant
def asks_nothing_back() -> None:
    _delivery._ask_back = nothing


# Recurring tasks


@mutant
def names_runs_by_chance() -> None:
    _recurring.run_id = lambda name, queue, moment: os.urandom(14) + queues.placement(queue)


@mutant
def never_ends_a_recurring_task() -> None:
    wrapped(_recurring, "delete", lambda delete: lambda state, name: state.recurring.get(name) is not None)


@mutant
def takes_every_cron_expression() -> None:
    def make(put: Any) -> Any:
        def putting(state: Any, schedule: Any, now: Any) -> None:
            try:
                put(state, schedule, now)
            except recurring.BadScheduleError:
                return

        return putting

    wrapped(_recurring, "put", make)


# Status


@mutant
def tells_no_history() -> None:
    _explain.history = nothing


@mutant
def waits_for_a_worker_whatever_it_waits_for() -> None:
    _explain.why = lambda state, task: (WaitReason.NO_WORKER, "")
