"""Groups: a callback waits for its members, and gets their results."""

import pytest

from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import Cancel, DependencyPolicy, Gather, Group, Outcome, TaskState, WaitReason
from wiretask_scheduler.core.facts import Kind

LIST = 1
RUN = int(DependencyPolicy.RUN)


def group_of(scene, size, *, first=True, **callback):
    """Submits a group; returns the callback and the members. The callback first, or last."""
    own = scene.id()
    if first:
        scene.submit(id=own, gather=Gather(size, LIST), **callback)
    members = [scene.submit(group=Group(own, place)) for place in range(size)]
    if not first:
        scene.submit(id=own, gather=Gather(size, LIST), **callback)
    return own, members


def parts(scene):
    """Places of results that the store has been told to keep, in the last turn."""
    return [int.from_bytes(key[16:], "big") for (kind, key), fact in scene.turns[-1].changes.facts.items() if fact]


@pytest.mark.parametrize("first", [True, False])
def test_a_callback_waits_for_all_members_whether_it_came_first_or_last(scene, first):
    scene.client()
    worker = scene.worker(slots=1)
    callback, members = group_of(scene, 3, first=first)
    assert scene.work(worker) == [*members, callback]


def test_members_that_have_ended_before_their_callback_came_count(scene):
    scene.client()
    worker = scene.worker()
    own = scene.id()
    members = [scene.submit(group=Group(own, place)) for place in range(2)]
    assert scene.work(worker) == members
    scene.submit(id=own, gather=Gather(2, LIST))
    assert scene.begun() == [own]


def test_a_group_without_members_is_at_its_end(scene):
    scene.client()
    scene.worker()
    callback, _ = group_of(scene, 0)
    assert scene.begun() == [callback]


def test_the_result_of_a_member_is_kept_with_its_place_in_the_turn_of_its_end(scene):
    scene.client()
    worker = scene.worker()
    callback, members = group_of(scene, 3)
    sent = {task_id: lease for _, task_id, lease in scene.dispatched()}
    scene.result(worker, sent[members[2]], members[2])
    scene.sent()
    assert parts(scene) == [2]
    status = scene.status(callback)
    assert (status.state, status.reason) == (TaskState.WAITING, WaitReason.DEPENDENCY)
    assert status.detail == "1 of the 3 members of its group have ended"


def test_a_member_that_fails_cancels_the_callback(scene):
    scene.client()
    worker = scene.worker()
    callback, members = group_of(scene, 2)
    sent = {task_id: lease for _, task_id, lease in scene.dispatched()}
    scene.result(worker, sent[members[0]], members[0], Outcome.FAILED)
    assert scene.outcomes() == [(members[0], Outcome.FAILED), (callback, Outcome.CANCELLED)]


@pytest.mark.parametrize("size", [1, 2])
def test_a_member_that_has_failed_cancels_a_callback_that_comes_later(scene, size):
    scene.client()
    worker = scene.worker()
    own = scene.id()
    member = scene.submit(group=Group(own, 0))
    ((_, _, lease),) = scene.dispatched()
    scene.result(worker, lease, member, Outcome.FAILED)
    scene.sent()
    scene.submit(id=own, gather=Gather(size, LIST))
    assert scene.outcomes() == [(own, Outcome.CANCELLED)]


def test_a_callback_with_the_policy_run_gets_all_results_the_bad_ones_too(scene):
    scene.client()
    worker = scene.worker()
    callback, members = group_of(scene, 2, on_dependency_failure=RUN)
    sent = {task_id: lease for _, task_id, lease in scene.dispatched()}
    scene.result(worker, sent[members[0]], members[0], Outcome.FAILED)
    scene.result(worker, sent[members[1]], members[1])
    assert scene.begun() == [callback]


@pytest.mark.parametrize(
    ("place", "why"),
    [(0, "is taken"), (2, "is not below 2"), (65535, "is not below 2")],
    ids=["taken", "beyond", "far"],
)
def test_a_place_that_does_not_fit_is_refused(scene, place, why):
    scene.client()
    callback, _ = group_of(scene, 2)
    scene.sent()
    scene.submit(group=Group(callback, place))
    error = scene.turn().sends[1][0]
    assert error.code == ErrorCode.BAD_GROUP
    assert why in error.text


def test_a_callback_that_is_too_small_for_a_member_is_refused(scene):
    scene.client()
    own = scene.id()
    scene.submit(group=Group(own, 7))
    scene.sent()
    scene.submit(id=own, gather=Gather(7, LIST))
    assert scene.errors() == [ErrorCode.BAD_GROUP]


def test_a_member_that_comes_after_its_callback_has_begun_is_refused(scene):
    scene.client()
    scene.worker()
    callback, _ = group_of(scene, 0)
    scene.sent()
    scene.submit(group=Group(callback, 0))
    assert scene.errors() == [ErrorCode.BAD_GROUP]


def test_the_results_go_when_the_callback_has_ended(scene):
    scene.client()
    worker = scene.worker()
    callback, _ = group_of(scene, 2)
    scene.work(worker)
    assert (Kind.PART, callback, 0) in [entry for turn in scene.turns for entry in turn.changes.ranges]
    assert scene.broker.state.dependencies.groups == {}


def test_results_that_are_too_large_together_are_said_so(make_scene):
    scene = make_scene(frame_limit=65536)
    scene.client()
    worker = scene.worker()
    callback, members = group_of(scene, 2)
    from wiretask_protocol import codec
    from wiretask_protocol.messages import Report, Result

    report = codec.encode_report(Report(0, bytes(40_000)))
    for _, task_id, lease in scene.dispatched():
        scene.receive(worker, Result(scene.seq(worker), task_id, lease, 1, report))
    ended = dict(scene.outcomes())
    assert (ended[callback], set(members) <= set(ended)) == (Outcome.CANCELLED, True)


def test_a_group_whose_callback_never_comes_is_forgotten(make_scene):
    scene = make_scene(retention_seconds=60.0)
    scene.client()
    worker = scene.worker()
    scene.submit(group=Group(scene.id(), 0))
    scene.work(worker)
    scene.passes(61)
    assert scene.broker.state.dependencies.groups == {}


def test_cancelling_the_tree_of_a_member_cancels_the_callback(scene):
    scene.client()
    callback, members = group_of(scene, 2, on_dependency_failure=RUN)
    scene.sent()
    scene.receive(1, Cancel(scene.seq(1), members[0], 0, 1, tree=True))
    assert {task_id for task_id, _ in scene.outcomes()} == {members[0], callback}


def test_a_group_goes_on_after_a_crash_at_each_step(lasting):
    lasting.client()
    callback, members = group_of(lasting, 3)
    lasting.sent()
    done = []
    for peer in range(20, 24):
        lasting.crash(11)
        lasting.client()
        worker = lasting.worker(peer, slots=1)
        ((_, task_id, lease),) = lasting.dispatched()
        lasting.result(worker, lease, task_id)
        lasting.leave(worker, "goodbye")
        lasting.sent()
        done.append(task_id)
    assert done == [*members, callback]
    found = lasting.store.facts(Kind.PART, callback)
    assert found == []


def test_a_failure_just_before_a_crash_still_cancels_the_callback(lasting):
    lasting.client()
    worker = lasting.worker()
    callback, members = group_of(lasting, 2)
    sent = {task_id: lease for _, task_id, lease in lasting.dispatched()}
    # The process dies after the commit of the member's end, before the callback has heard of it.
    lasting.broker.state.dependencies.news = _Deaf()
    lasting.result(worker, sent[members[0]], members[0], Outcome.FAILED)
    lasting.sent()
    lasting.crash()
    lasting.client()
    assert lasting.broker.state.tasks.get(callback) is None


class _Deaf(list):
    """News that nobody hears."""

    def append(self, news):
        pass
