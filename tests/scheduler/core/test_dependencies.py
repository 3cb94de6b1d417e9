"""Tasks that wait for others: `after`, and what becomes of them when one fails."""

import pytest
from msgspec.structs import replace

from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import (
    Cancel,
    CancelMode,
    DependencyPolicy,
    Gather,
    Group,
    Outcome,
    TaskState,
    WaitReason,
)
from wiretask_scheduler.core import dependencies
from wiretask_scheduler.core.facts import Kind

RUN = int(DependencyPolicy.RUN)


def test_a_task_waits_until_those_it_names_have_succeeded(scene):
    scene.client()
    worker = scene.worker(types=("work",))
    first, second = scene.submit(), scene.submit()
    last = scene.submit(after=(first, second))
    sent = scene.dispatched()
    assert [task_id for _, task_id, _ in sent] == [first, second]
    scene.result(worker, sent[0][2], first)
    status = scene.status(last)
    assert (status.state, status.reason) == (TaskState.WAITING, WaitReason.DEPENDENCY)
    assert second.hex() in status.detail
    scene.result(worker, sent[1][2], second)
    assert scene.begun() == [last]


def test_tasks_that_waited_for_one_task_go_first_come_first_served(scene):
    scene.client()
    worker = scene.worker(slots=1)
    root = scene.submit()
    waiting = [scene.submit(after=(root,)) for _ in range(5)]
    assert scene.work(worker) == [root, *waiting]


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.TIMED_OUT, Outcome.CANCELLED])
def test_a_task_is_cancelled_when_one_before_it_has_not_succeeded_and_so_is_what_waits_for_it(scene, outcome):
    scene.client()
    worker = scene.worker()
    root = scene.submit()
    middle = scene.submit(after=(root,))
    leaf = scene.submit(after=(middle,))
    ((_, _, lease),) = scene.dispatched()
    scene.result(worker, lease, root, outcome)
    ended = scene.outcomes()
    assert [task_id for task_id, _ in ended] == [root, middle, leaf]
    assert {outcome for _, outcome in ended[1:]} == {Outcome.CANCELLED}
    assert scene.broker.state.tasks.count == 0


def test_a_task_with_the_policy_run_is_begun_when_all_have_ended(scene):
    scene.client()
    worker = scene.worker()
    bad, good = scene.submit(), scene.submit()
    last = scene.submit(after=(bad, good), on_dependency_failure=RUN)
    (_, _, first), (_, _, second) = scene.dispatched()
    scene.result(worker, first, bad, Outcome.FAILED)
    assert scene.begun() == []
    scene.result(worker, second, good)
    assert scene.begun() == [last]


def test_an_attempt_that_is_retried_is_not_a_failure(scene):
    scene.client()
    worker = scene.worker()
    root = scene.submit(max_attempts=2)
    last = scene.submit(after=(root,))
    ((_, _, lease),) = scene.dispatched()
    scene.result(worker, lease, root, Outcome.FAILED)
    scene.passes(2)
    ((_, _, lease),) = scene.dispatched()
    scene.result(worker, lease, root)
    assert scene.begun() == [last]


def test_a_task_that_is_not_known_is_refused(scene):
    scene.client()
    scene.submit(after=(scene.id(),))
    (lookup,) = scene.turn().lookups
    scene.broker.found(lookup, None, scene.now)
    assert scene.errors() == [ErrorCode.UNKNOWN_DEPENDENCY]
    assert scene.broker.state.tasks.count == 0


def test_a_task_that_would_wait_for_itself_is_refused(scene):
    scene.client()
    own = scene.id()
    scene.submit(id=own, after=(own,))
    for lookup in scene.turn().lookups:
        scene.broker.found(lookup, None, scene.now)
    assert scene.errors() == [ErrorCode.DEPENDENCY_CYCLE]


def test_a_member_that_waits_for_its_callback_is_refused_however_far_away_that_is(scene):
    scene.client()
    callback = scene.submit(gather=Gather(2, 1))
    behind = scene.submit(after=(callback,))
    further = scene.submit(after=(behind,))
    scene.sent()
    for after in ((callback,), (further,)):
        scene.submit(after=after, group=Group(callback, 0))
        assert scene.errors() == [ErrorCode.DEPENDENCY_CYCLE]


def test_a_member_of_one_group_that_waits_for_the_callback_of_another_is_no_cycle_unless_it_is_one(scene):
    scene.client()
    outer = scene.submit(gather=Gather(2, 1))
    inner = scene.submit(gather=Gather(1, 1))
    scene.submit(group=Group(outer, 0), after=(inner,))
    scene.sent()
    scene.submit(group=Group(inner, 0), after=(outer,))
    assert scene.errors() == [ErrorCode.DEPENDENCY_CYCLE]
    scene.submit(group=Group(inner, 0))
    assert scene.errors() == []


def test_a_delay_counts_from_the_submission_and_not_from_the_last_dependency(scene):
    scene.client()
    worker = scene.worker()
    root = scene.submit()
    last = scene.submit(after=(root,), delay=10_000)
    scene.passes(4)
    ((_, _, lease),) = scene.dispatched()
    scene.result(worker, lease, root)
    assert scene.begun() == []
    scene.passes(6)
    assert scene.begun() == [last]


def test_a_task_that_waits_expires_in_its_time(scene):
    scene.client()
    root = scene.submit(delay=60_000)
    last = scene.submit(after=(root,), expires_in=1000)
    scene.sent()
    scene.passes(2)
    assert scene.outcomes() == [(last, Outcome.EXPIRED)]


def test_what_waits_is_cancelled_when_a_task_before_it_expires(scene):
    scene.client()
    root = scene.submit(expires_in=1000)
    last = scene.submit(after=(root,))
    scene.sent()
    scene.passes(2)
    assert scene.outcomes() == [(root, Outcome.EXPIRED), (last, Outcome.CANCELLED)]


def test_cancelling_a_tree_cancels_what_waits_whatever_it_would_do(scene):
    scene.client()
    root = scene.submit()
    child = scene.submit(after=(root,), on_dependency_failure=RUN)
    leaf = scene.submit(after=(child,), on_dependency_failure=RUN)
    scene.sent()
    scene.receive(1, Cancel(scene.seq(1), root, 0, 1, tree=True))
    assert sorted(scene.outcomes()) == sorted((one, Outcome.CANCELLED) for one in (root, child, leaf))


def test_cancelling_the_tree_of_a_running_task_does_not_wait_for_it(scene):
    scene.client()
    worker = scene.worker()
    root = scene.submit()
    child = scene.submit(after=(root,), on_dependency_failure=RUN)
    ((_, _, lease),) = scene.dispatched()
    scene.receive(1, Cancel(scene.seq(1), root, 0, 1, tree=True))
    assert scene.outcomes() == [(child, Outcome.CANCELLED)]
    scene.result(worker, lease, root)
    assert scene.outcomes() == [(root, Outcome.SUCCEEDED)]


def test_cancelling_without_the_tree_lets_the_policy_decide(scene):
    scene.client()
    root = scene.submit()
    child = scene.submit(after=(root,), on_dependency_failure=RUN)
    scene.worker()
    scene.sent()
    scene.leave(9, "goodbye")
    scene.receive(1, Cancel(scene.seq(1), root, 0, 1))
    assert scene.outcomes() == [(root, Outcome.CANCELLED)]
    scene.worker(8)
    assert scene.begun() == [child]


def test_a_hundred_thousand_dependents_are_told_in_slices_and_others_go_on_meanwhile(scene):
    scene.client()
    worker = scene.worker(slots=10)
    root = scene.submit()
    for _ in range(10_000):
        scene.submit(after=(root,), flags=0)
    ((_, _, lease),) = scene.dispatched()
    scene.result(worker, lease, root)
    told = 10_000 - sum(len(news.waiting) for news in scene.broker.state.dependencies.news)
    assert 0 < told <= 2000
    scene.passes(1)
    assert not scene.broker.state.dependencies.news
    assert len(scene.broker.state.dependencies) == 0


def test_a_task_of_long_ago_counts_by_how_it_ended(lasting):
    lasting.client()
    worker = lasting.worker()
    good, bad = lasting.submit(), lasting.submit()
    (_, _, first), (_, _, second) = lasting.dispatched()
    lasting.result(worker, first, good)
    lasting.result(worker, second, bad, Outcome.FAILED)
    lasting.sent()
    after_good = lasting.submit(after=(good,))
    after_bad = lasting.submit(after=(bad, good))
    anyway = lasting.submit(after=(bad,), on_dependency_failure=RUN)
    sent = [entry for _ in range(4) for entry in lasting.sent()]
    assert [entry[2] for entry in sent if entry[1] == "Task"] == [after_good, anyway]
    assert [entry[2:] for entry in sent if entry[1] == "Result"] == [(after_bad, Outcome.CANCELLED)]


def test_a_dependency_on_a_task_that_has_expired_cancels(lasting):
    lasting.client()
    root = lasting.submit(expires_in=1000)
    lasting.passes(2)
    lasting.sent()
    last = lasting.submit(after=(root,))
    lasting.sent()
    assert lasting.outcomes() == [(last, Outcome.CANCELLED)]


def test_what_waited_goes_on_waiting_after_a_crash(lasting):
    lasting.client()
    worker = lasting.worker()
    first, second = lasting.submit(), lasting.submit()
    last = lasting.submit(after=(first, second))
    sent = lasting.dispatched()
    lasting.result(worker, sent[0][2], first)
    lasting.leave(worker, "goodbye")
    lasting.sent()
    lasting.crash()
    lasting.client()
    assert lasting.reason(last) == WaitReason.DEPENDENCY
    worker = lasting.worker(8)
    assert lasting.work(worker) == [second, last]


def test_a_crash_between_an_end_and_what_follows_from_it_loses_nothing(lasting):
    lasting.client()
    worker = lasting.worker()
    root = lasting.submit()
    waiting = [lasting.submit(after=(root,), flags=0) for _ in range(3000)]
    ((_, _, lease),) = lasting.dispatched()
    lasting.result(worker, lease, root)
    lasting.leave(worker, "goodbye")
    lasting.sent()
    lasting.crash()
    lasting.sent()
    lasting.passes(1)
    lasting.sent()
    worker = lasting.worker(8, slots=100_000)
    assert sorted(lasting.begun()) == sorted(waiting)


def test_an_id_that_was_used_before_leaves_no_edge_behind(lasting):
    lasting.client()
    worker = lasting.worker()
    used = lasting.submit()
    lasting.work(worker)
    root = lasting.submit(delay=60_000)
    lasting.sent()
    lasting.submit(id=used, after=(root,))
    lasting.sent()
    lasting.sent()
    assert len(lasting.broker.state.dependencies) == 0
    assert lasting.broker.state.tasks.count == 1


def cancel_tree(scene, task_id):
    scene.receive(1, Cancel(scene.seq(1), task_id, 0, int(CancelMode.COOPERATIVE), tree=True))


def test_a_tree_that_was_being_cancelled_when_the_scheduler_died_is_cancelled_to_its_end(lasting):
    """Its Cancel has been accepted, and those that would run all the same are too many for one go."""
    lasting.client()
    root = lasting.submit(delay=10_000_000)
    for _ in range(2500):
        child = lasting.submit(after=(root,), on_dependency_failure=DependencyPolicy.RUN)
    grandchild = lasting.submit(after=(child,), on_dependency_failure=DependencyPolicy.RUN)
    lasting.sent()
    cancel_tree(lasting, root)
    lasting.sent()
    assert lasting.broker.state.tasks.get(grandchild) is not None
    lasting.crash()
    lasting.sent()
    lasting.passes(1)
    assert lasting.dispatched() == []
    assert lasting.broker.state.tasks.count == 0
    lasting.crash()
    assert not lasting.broker.state.dependencies.uprooted
    assert not lasting.turn().changes.ranges


def test_so_is_a_callback_whose_member_was_in_the_tree(lasting, monkeypatch):
    monkeypatch.setattr(dependencies, "_SLICE", 1)
    lasting.client()
    root = lasting.submit(delay=10_000_000)
    callback = lasting.submit(gather=Gather(1, 0), on_dependency_failure=DependencyPolicy.RUN)
    member = lasting.submit(after=(root,), group=Group(callback, 0), on_dependency_failure=DependencyPolicy.RUN)
    last = lasting.submit(after=(callback,), on_dependency_failure=DependencyPolicy.RUN)
    cancel_tree(lasting, root)
    assert {task_id for task_id, _ in lasting.outcomes()} == {root, member}
    assert {task.id for task in lasting.broker.state.tasks} == {callback, last}
    lasting.crash()
    lasting.passes(1)
    lasting.sent()
    assert lasting.broker.state.tasks.count == 0


def test_a_tree_that_is_cancelled_in_one_go_leaves_nothing_to_remember(lasting):
    lasting.client()
    lasting.worker()
    root = lasting.submit()
    child = lasting.submit(after=(root,), on_dependency_failure=DependencyPolicy.RUN)
    lasting.sent()
    cancel_tree(lasting, root)
    turn = lasting.turn()
    assert [row.outcome for row in turn.changes.ended] == [Outcome.CANCELLED]
    assert [key for key in turn.changes.facts if key[0] == Kind.UPROOT] == []
    assert lasting.broker.state.tasks.get(child) is None


class _Unsearched(tuple):
    """What a task waits for, which nobody may go through for each of its ends."""

    __slots__ = ()

    def __contains__(self, item):
        raise AssertionError("it was searched")


def test_a_task_that_waits_for_thousands_is_told_of_each_end_without_a_search(scene):
    scene.client()
    worker = scene.worker(slots=3000)
    before = [scene.submit() for _ in range(3000)]
    last = scene.submit(after=tuple(before))
    rare = scene.broker.state.tasks.get(last).rare
    rare.links = replace(rare.links, after=_Unsearched(rare.links.after))
    assert scene.work(worker) == [*before, last]
