"""Whose a task is, and what a token is for: R-AUT-008 and R-AUT-009, on the core alone."""

from __future__ import annotations

import pytest

from wiretask_protocol import codec
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import (
    Await,
    Cancel,
    CancelMode,
    Credit,
    Envelope,
    Gather,
    GatherForm,
    Group,
    HeldLease,
    Hello,
    HelloKind,
    Outcome,
    Query,
    QueueWeight,
    Resume,
    Role,
    Schedule,
    ScheduleAction,
    Submit,
    SubmitFlags,
    Subscribe,
    TypeSupport,
    UniqueKey,
    UniqueScope,
    UniqueUntil,
    VersionRange,
)
from wiretask_scheduler.core.facts import Kind
from wiretask_scheduler.core.grants import EVERYTHING, Grant

ANN, BEN, OPERATOR, WORKER = 1, 2, 3, 9


def join(scene, peer, principal, grant=EVERYTHING, role=Role.CLIENT):
    hello = Hello(HelloKind.OPEN, 1, versions=VersionRange(1, 1), role=role, name=f"{principal} {peer}")
    token = scene.broker.join(peer, hello, principal, scene.now, grant)
    scene.seqs[peer] = 0
    return token


def subscribe(scene, peer, *queues):
    weights = tuple(QueueWeight(queue, 1) for queue in queues)
    scene.receive(peer, Subscribe(weights, (TypeSupport("work", 0, 0),)), Credit(10, 0, 0))


def schedule(scene, peer, queue="default", action=ScheduleAction.PUT, name="nightly"):
    envelope = codec.encode_envelope(Envelope("work", queue, 0, b"")) if action is ScheduleAction.PUT else None
    every = 60_000 if action is ScheduleAction.PUT else None
    scene.receive(peer, Schedule(scene.seq(peer), name, action, 5, every=every, envelope=envelope))


@pytest.fixture
def both(scene):
    """Ann and Ben, who have nothing to do with each other, and somebody who sees all."""
    join(scene, ANN, "ann")
    join(scene, BEN, "ben")
    join(scene, OPERATOR, "operator", Grant(admin=True))
    return scene


def told(scene, *kinds):
    return [entry for entry in scene.sent() if entry[1] in (kinds or ("Error", "Result", "Status", "Progress"))]


# -- patterns --


@pytest.mark.parametrize(
    ("patterns", "yes", "no"),
    [
        (("*",), ["a", "anything.at/all"], []),
        (("billing",), ["billing"], ["billing2", "billin", "my.billing", "BILLING"]),
        (("billing.*",), ["billing.", "billing.eu"], ["billing", "billingxeu"]),
        (("a*c", "x"), ["ac", "abbbc", "x"], ["ab", "xx", "abcd"]),
        (("*.eu",), ["a.eu"], ["a.eu.x", "aeu"]),
        (("a+",), ["a+"], ["aa", "a"]),
        ((), [], ["a", "*"]),
    ],
)
def test_a_star_stands_for_anything_and_all_else_for_itself(patterns, yes, no):
    grant = Grant(patterns)
    assert all(grant.allows(queue) for queue in yes)
    assert not any(grant.allows(queue) for queue in no)


def test_grants_are_equal_when_they_allow_the_same():
    assert Grant(("a",)) == Grant(["a"]) != Grant(("a",), admin=True)
    assert len({Grant(("a",)), Grant(["a"]), EVERYTHING}) == 2
    assert Grant() != "*"


# -- queues --


def test_a_token_for_another_queue_submits_nothing(scene):
    join(scene, ANN, "ann", Grant(("billing.*",)))
    scene.submit(ANN, queue="default")
    assert scene.sent() == [(ANN, "Error", ErrorCode.FORBIDDEN, 1), (ANN, "Accepted", 1)]
    scene.submit(ANN, queue="billing.eu")
    assert scene.sent() == [(ANN, "Accepted", 2)]


def test_a_subscribe_with_a_queue_of_others_is_refused_whole_and_ends_nothing(scene):
    join(scene, ANN, "ann")
    join(scene, WORKER, "workers", Grant(("a", "b")), Role.WORKER)
    subscribe(scene, WORKER, "a", "secret")
    assert scene.sent() == [(WORKER, "Error", ErrorCode.FORBIDDEN, 0)]
    scene.submit(ANN, queue="secret")
    scene.submit(ANN, queue="a")
    assert scene.dispatched() == []
    subscribe(scene, WORKER, "a")
    assert len(scene.dispatched()) == 1


def test_a_subscribe_that_is_refused_leaves_the_one_before_it_in_force(scene):
    join(scene, ANN, "ann")
    join(scene, WORKER, "workers", Grant(("a", "b")), Role.WORKER)
    subscribe(scene, WORKER, "a")
    subscribe(scene, WORKER, "b", "secret")
    assert scene.sent() == [(WORKER, "Error", ErrorCode.FORBIDDEN, 0)]
    scene.submit(ANN, queue="b")
    assert scene.dispatched() == []
    scene.submit(ANN, queue="a")
    assert len(scene.dispatched()) == 1


def test_a_recurring_task_in_a_queue_of_others_is_refused(scene):
    join(scene, ANN, "ann", Grant(("a",)))
    schedule(scene, ANN, "b")
    assert told(scene) == [(ANN, "Error", ErrorCode.FORBIDDEN, 1)]
    assert len(scene.broker.state.recurring) == 0


# -- tasks --


def test_nobody_sees_the_task_of_another_one(both):
    task_id = both.submit(ANN)
    both.sent()
    both.receive(BEN, Query(both.seq(BEN), task_id), Await(both.seq(BEN), task_id))
    (query, await_) = both.turn().lookups
    both.broker.found(query, None, both.now)
    both.broker.found(await_, None, both.now)
    unknown = [(BEN, "Error", ErrorCode.UNKNOWN_TASK, seq) for seq in (1, 2)]
    assert both.sent() == unknown


def test_a_task_of_another_one_is_answered_as_one_that_nobody_has(both):
    """The same way to the store and back: neither the answer nor the time tells that it is there."""
    known, nobody_s = both.submit(ANN), both.id()
    both.sent()
    for seq, task_id in enumerate((known, nobody_s), 1):
        both.receive(BEN, Query(both.seq(BEN), task_id))
        turn = both.turn()
        assert [lookup.task_id for lookup in turn.lookups] == [task_id]
        both.broker.found(turn.lookups[0], None, both.now)
        assert both.sent() == [(BEN, "Error", ErrorCode.UNKNOWN_TASK, seq)]


def test_nobody_cancels_the_task_of_another_one(both):
    task_id = both.submit(ANN)
    both.sent()
    both.receive(BEN, Cancel(both.seq(BEN), task_id, 0, CancelMode.HARD, tree=True))
    assert both.sent() == [(BEN, "Accepted", 1)]
    assert both.broker.state.tasks.get(task_id) is not None


def test_the_id_of_another_one_is_taken(both):
    task_id = both.submit(ANN)
    both.submit(BEN, id=task_id, flags=SubmitFlags.WANT_RESULT | SubmitFlags.WANT_PROGRESS)
    assert told(both) == [(BEN, "Error", ErrorCode.ID_TAKEN, 1)]
    both.worker()
    ((_, _, lease),) = both.dispatched()
    both.result(9, lease, task_id)
    assert told(both) == [(ANN, "Result", task_id, Outcome.SUCCEEDED)]


def test_an_admin_sees_and_stops_the_tasks_of_all(both):
    task_id = both.submit(ANN)
    assert both.status(task_id, OPERATOR).queue == "default"
    both.sent()
    both.receive(OPERATOR, Await(both.seq(OPERATOR), task_id))
    both.receive(OPERATOR, Cancel(both.seq(OPERATOR), task_id, 0, CancelMode.COOPERATIVE))
    results = [(ANN, "Result", task_id, Outcome.CANCELLED), (OPERATOR, "Result", task_id, Outcome.CANCELLED)]
    assert sorted(told(both)) == results


def test_connections_of_one_principal_share_their_tasks(both):
    join(both, 4, "ann")
    task_id = both.submit(ANN)
    assert both.status(task_id, 4).queue == "default"


def test_what_has_ended_is_still_its_owner_s_alone(lasting):
    join(lasting, ANN, "ann")
    join(lasting, BEN, "ben")
    task_id = lasting.submit(ANN)
    lasting.worker()
    lasting.work()
    lasting.sent()
    lasting.crash()
    join(lasting, ANN, "ann")
    join(lasting, BEN, "ben")
    lasting.receive(BEN, Query(lasting.seq(BEN), task_id), Await(lasting.seq(BEN), task_id))
    lasting.receive(ANN, Await(lasting.seq(ANN), task_id))
    lasting.sent()
    said = told(lasting)
    assert said == [
        (BEN, "Error", ErrorCode.UNKNOWN_TASK, 1),
        (BEN, "Error", ErrorCode.UNKNOWN_TASK, 2),
        (ANN, "Result", task_id, Outcome.SUCCEEDED),
    ]


@pytest.mark.parametrize("flags", [SubmitFlags.WANT_RESULT, SubmitFlags.WANT_RESULT | SubmitFlags.REPEAT])
def test_the_id_of_a_task_that_has_ended_is_taken_too(lasting, flags):
    join(lasting, ANN, "ann")
    join(lasting, BEN, "ben")
    task_id = lasting.submit(ANN)
    lasting.worker()
    lasting.work()
    lasting.submit(BEN, id=task_id, flags=flags)
    said = told(lasting) + told(lasting) + told(lasting)
    assert [entry[:3] for entry in said] == [(BEN, "Error", ErrorCode.ID_TAKEN)]


def test_whose_a_task_is_survives_a_restart(lasting):
    join(lasting, ANN, "ann")
    task_id = lasting.submit(ANN)
    lasting.sent()
    lasting.crash()
    join(lasting, ANN, "ann")
    join(lasting, BEN, "ben")
    lasting.submit(BEN, id=task_id)
    assert told(lasting) == [(BEN, "Error", ErrorCode.ID_TAKEN, 1)]
    assert lasting.status(task_id, ANN).queue == "default"


# -- what ties tasks together --


def test_nobody_waits_for_the_task_of_another_one(both):
    task_id = both.submit(ANN)
    both.submit(BEN, after=(task_id,))
    assert told(both) == [(BEN, "Error", ErrorCode.UNKNOWN_DEPENDENCY, 1)]


def test_nobody_waits_for_the_ended_task_of_another_one(lasting):
    join(lasting, ANN, "ann")
    join(lasting, BEN, "ben")
    task_id = lasting.submit(ANN)
    lasting.worker()
    lasting.work()
    lasting.submit(BEN, after=(task_id,))
    said = told(lasting) + told(lasting)
    assert said == [(BEN, "Error", ErrorCode.UNKNOWN_DEPENDENCY, 1)]


@pytest.mark.parametrize("callback_first", [True, False])
def test_nobody_puts_a_result_into_the_group_of_another_one(both, callback_first):
    callback = both.id()
    member = Group(callback, 0)
    if callback_first:
        both.submit(ANN, id=callback, gather=Gather(2, GatherForm.LIST))
    else:
        both.submit(ANN, group=member)
    both.submit(BEN, group=Group(callback, 1))
    assert told(both) == [(BEN, "Error", ErrorCode.BAD_GROUP, 1)]


def test_nobody_gathers_the_results_of_another_one(both):
    callback = both.id()
    both.submit(ANN, group=Group(callback, 0))
    both.submit(BEN, id=callback, gather=Gather(1, GatherForm.LIST))
    assert told(both) == [(BEN, "Error", ErrorCode.BAD_GROUP, 1)]


def test_a_unique_key_is_held_against_nobody_else(both):
    unique = UniqueKey("invoice-7", UniqueScope.TYPE, UniqueUntil.ENDED, 0)
    both.submit(ANN, unique=unique)
    both.submit(BEN, unique=unique)
    both.submit(BEN, unique=unique)
    assert told(both) == [(BEN, "Error", ErrorCode.UNIQUE_CONFLICT, 2)]


# -- recurring tasks --


def test_the_recurring_task_of_another_one_is_not_to_be_replaced_or_removed(both):
    schedule(both, ANN)
    schedule(both, BEN)
    schedule(both, BEN, action=ScheduleAction.DELETE)
    assert told(both) == [(BEN, "Error", ErrorCode.FORBIDDEN, 1), (BEN, "Error", ErrorCode.UNKNOWN_SCHEDULE, 2)]
    schedule(both, ANN, action=ScheduleAction.DELETE)
    assert told(both) == []


def test_the_runs_of_a_recurring_task_are_its_owner_s_also_after_a_restart(lasting):
    join(lasting, ANN, "ann")
    schedule(lasting, ANN)
    lasting.sent()
    lasting.crash()
    lasting.passes(61)
    (task,) = lasting.broker.state.tasks
    assert task.options.principal == "ann"


def test_an_admin_may_change_it_and_it_stays_its_owner_s(both):
    schedule(both, ANN)
    schedule(both, OPERATOR, "other")
    assert told(both) == []
    (recurrence,) = both.broker.state.recurring
    assert recurrence.principal == "ann"


# -- sessions --


def working(scene, principal="workers"):
    """A worker that has a task: its session, the task and the lease."""
    join(scene, ANN, "ann")
    token = join(scene, WORKER, principal, role=Role.WORKER)
    subscribe(scene, WORKER, "default")
    task_id = scene.submit(ANN)
    ((_, _, lease),) = scene.dispatched()
    return token, task_id, lease


def resumed(scene, peer, principal, session, held, grant=EVERYTHING):
    join(scene, peer, principal, grant, Role.WORKER)
    scene.receive(peer, Resume(session, tuple(HeldLease(*one) for one in held)))
    return next(entry[2] for entry in scene.sent() if entry[:2] == (peer, "Resume"))


def test_a_session_is_resumed_by_its_principal_alone(scene):
    token, task_id, lease = working(scene)
    scene.leave(WORKER)
    assert resumed(scene, 8, "others", token, [(task_id, lease)]) == ()
    assert resumed(scene, 7, "workers", token, [(task_id, lease)]) == (lease,)


@pytest.mark.parametrize(("principal", "kept"), [("workers", True), ("others", False), ("", False)])
def test_the_principal_of_a_session_survives_a_restart(lasting, principal, kept):
    token, task_id, lease = working(lasting)
    lasting.passes(1)
    lasting.sent()
    lasting.crash()
    assert resumed(lasting, 8, principal, token, [(task_id, lease)]) == ((lease,) if kept else ())


def test_the_principal_of_a_session_is_forgotten_with_it(lasting):
    working(lasting)
    lasting.leave(WORKER, "goodbye")
    lasting.sent()
    assert [key for kind, key, _ in lasting.store.load("main").facts if kind == Kind.PRINCIPAL] == []


def test_no_worker_claims_what_its_token_is_not_for(lasting):
    """A lease that was too young to be written: the worker's word counts, where it might have had the task at all."""
    token, task_id, lease = working(lasting)
    lasting.crash()
    narrow = Grant(("other",))
    assert resumed(lasting, 8, "workers", token, [(task_id, lease)], narrow) == ()


def test_a_repeated_submit_of_its_owner_is_accepted_also_when_the_token_has_lost_the_queue(scene):
    join(scene, ANN, "ann")
    task_id = scene.submit(ANN)
    scene.sent()
    scene.leave(ANN)
    join(scene, ANN, "ann", Grant(("other",)))
    envelope = codec.encode_envelope(Envelope("work", "default", 0, b"body"))
    scene.receive(ANN, Submit(1, task_id, int(SubmitFlags.REPEAT), 5, envelope))
    assert scene.sent() == [(ANN, "Accepted", 1)]
