"""A restart goes on where the scheduler stopped: workers keep what they have, and nothing is counted or told twice."""

import pytest

from wiretask_protocol.messages import (
    CancelMode,
    Credit,
    HeldLease,
    Hello,
    HelloKind,
    Outcome,
    QueueWeight,
    Resume,
    Return,
    ReturnReason,
    Role,
    Subscribe,
    TypeSupport,
    UniqueKey,
    UniqueScope,
    UniqueUntil,
    VersionRange,
)
from wiretask_scheduler.core.facts import Kind

#: The session of the first worker of a scene.
TOKEN = bytes([1]) * 16


def rejoin(scene, held, peer=9, session=TOKEN):
    """The worker has come back and names what it holds. Returns the leases that it keeps."""
    hello = Hello(HelloKind.OPEN, 1, versions=VersionRange(1, 1), role=Role.WORKER, name=f"worker {peer}")
    scene.broker.join(peer, hello, "", scene.now)
    scene.seqs[peer] = 0
    scene.receive(peer, Resume(session, tuple(HeldLease(task_id, lease) for task_id, lease in held.items())))
    return next(entry[2] for entry in scene.sent() if entry[:2] == (peer, "Resume"))


def begun(lasting, seconds=0.0, **options):
    """A task that a worker has just got, after some seconds. Returns its id and its lease."""
    lasting.client()
    lasting.worker()
    task_id = lasting.submit(**options)
    sent = lasting.dispatched()
    if seconds:
        lasting.passes(seconds)
        sent += lasting.dispatched()
    ((_, _, lease),) = sent
    return task_id, lease


# -- young leases --


def test_a_task_whose_delay_was_over_is_claimed_by_its_worker(lasting):
    task_id, lease = begun(lasting, 0.1, delay=100)
    lasting.crash(0.1)
    assert rejoin(lasting, {task_id: lease}) == (lease,)
    lasting.worker(8)
    lasting.passes(60)
    assert lasting.dispatched() == []


def test_a_task_whose_delay_was_over_is_given_to_nobody_else_before(lasting):
    task_id, lease = begun(lasting, 0.1, delay=100)
    lasting.crash(0.1)
    lasting.worker(8)
    lasting.passes(1)
    assert lasting.dispatched() == []
    assert rejoin(lasting, {task_id: lease}) == (lease,)


def test_a_task_whose_backoff_was_over_is_claimed_by_its_worker(lasting):
    task_id, first = begun(lasting, max_attempts=3)
    lasting.result(9, first, task_id, Outcome.FAILED)
    lasting.sent()
    lasting.passes(60)
    ((_, _, lease),) = lasting.dispatched()
    lasting.crash(0.1)
    assert rejoin(lasting, {task_id: lease}) == (lease,)


@pytest.mark.parametrize("seconds", [0.0, 60.0])
def test_an_attempt_that_has_failed_is_not_claimed_again(lasting, seconds):
    task_id, lease = begun(lasting, max_attempts=3)
    lasting.result(9, lease, task_id, Outcome.FAILED)
    lasting.sent()
    # The Accepted does not reach the worker: it has the Result still, and names its lease.
    lasting.crash(seconds)
    assert rejoin(lasting, {task_id: lease}) == ()


def test_a_crash_is_not_counted_again(lasting):
    task_id, lease = begun(lasting)
    lasting.result(9, lease, task_id, Outcome.CRASHED)
    lasting.turn()
    lasting.crash(0.1)
    assert rejoin(lasting, {task_id: lease}) == ()


def test_a_task_that_was_due_by_a_clock_that_was_put_back_is_claimed_by_its_worker(lasting):
    task_id, lease = begun(lasting, 0.1, delay=100)
    lasting.crash(-0.05)
    assert rejoin(lasting, {task_id: lease}) == (lease,)
    assert lasting.broker.state.tasks.get(task_id).lease == lease


def test_what_was_given_back_is_not_claimed_by_who_had_it(lasting):
    task_id, lease = begun(lasting)
    lasting.receive(9, Return(lasting.seq(9), task_id, lease, ReturnReason.OVERLOADED))
    lasting.receive(9, Credit(0, 0, 0))
    lasting.turn()
    lasting.crash(0.1)
    # It was handed out again in the same turn, under another lease.
    assert rejoin(lasting, {task_id: lease}) == ()


# -- time --


def test_a_time_limit_is_kept_after_a_restart(lasting):
    task_id, lease = begun(lasting, 0.5, time_limit=1000)
    lasting.crash(0.1)
    assert rejoin(lasting, {task_id: lease}) == (lease,)
    lasting.passes(7)
    assert (9, "Cancel", lease, CancelMode.HARD) in lasting.sent()


def test_a_time_limit_of_a_young_lease_is_kept_after_a_restart(lasting):
    task_id, lease = begun(lasting, time_limit=1000)
    lasting.crash(0.1)
    assert rejoin(lasting, {task_id: lease}) == (lease,)
    lasting.passes(7)
    assert (9, "Cancel", lease, CancelMode.HARD) in lasting.sent()


def test_what_may_be_running_does_not_expire_before_its_worker_is_back(lasting):
    task_id, lease = begun(lasting, expires_in=500)
    lasting.crash(0.1)
    lasting.passes(1)
    assert lasting.sent() == []
    assert rejoin(lasting, {task_id: lease}) == (lease,)


def test_what_nobody_runs_expires_when_the_grace_is_over(lasting):
    begun(lasting, expires_in=500)
    lasting.crash(0.1)
    lasting.worker(8)
    lasting.passes(11)
    assert lasting.dispatched() == []
    assert lasting.broker.state.tasks.count == 0


def test_what_a_worker_gives_back_at_once_after_a_restart_has_expired_meanwhile(lasting):
    """Before any timer has come up."""
    task_id, lease = begun(lasting, expires_in=500)
    lasting.passes(0.3)
    lasting.crash(1.0)
    assert rejoin(lasting, {task_id: lease}) == (lease,)
    lasting.receive(9, Return(lasting.seq(9), task_id, lease, int(ReturnReason.RETRACTED)))
    assert lasting.dispatched() == []
    assert lasting.broker.state.tasks.count == 0


# -- cancels --


@pytest.mark.parametrize("seconds", [0.0, 0.5])
def test_what_was_asked_to_stop_is_not_begun_again_after_a_restart(lasting, seconds):
    task_id, _ = begun(lasting)
    lasting.passes(seconds)
    lasting.broker.cancel(task_id, lasting.now)
    lasting.sent()
    lasting.crash(0.1)
    lasting.worker(8)
    lasting.passes(20)
    assert lasting.dispatched() == []
    assert lasting.store.tasks([task_id])[task_id].outcome == Outcome.CANCELLED


@pytest.mark.parametrize("seconds", [0.0, 0.5])
def test_a_worker_that_comes_back_is_asked_again_to_stop(lasting, seconds):
    task_id, lease = begun(lasting)
    lasting.passes(seconds)
    lasting.broker.cancel(task_id, lasting.now)
    lasting.sent()
    lasting.crash(0.1)
    lasting.broker.take_turn()
    hello = Hello(HelloKind.OPEN, 1, versions=VersionRange(1, 1), role=Role.WORKER, name="worker 9")
    lasting.broker.join(9, hello, "", lasting.now)
    lasting.receive(9, Resume(TOKEN, (HeldLease(task_id, lease),)))
    assert [entry[1] for entry in lasting.sent()] == ["Resume", "Cancel"]


def test_what_was_asked_to_stop_and_has_stopped_leaves_nothing_behind(lasting):
    task_id, lease = begun(lasting)
    lasting.broker.cancel(task_id, lasting.now)
    lasting.sent()
    lasting.result(9, lease, task_id, Outcome.CANCELLED)
    lasting.sent()
    assert lasting.store.facts(Kind.STOP, bytes(8)[:7]) == []


def test_a_worker_whose_connection_was_broken_hears_that_it_is_to_stop(scene):
    task_id, lease = begun(scene)
    scene.leave(9)
    scene.broker.cancel(task_id, scene.now)
    scene.sent()
    hello = Hello(HelloKind.OPEN, 1, versions=VersionRange(1, 1), role=Role.WORKER, name="worker 9")
    scene.broker.join(9, hello, "", scene.now)
    scene.receive(9, Resume(TOKEN, (HeldLease(task_id, lease),)))
    assert [entry[1] for entry in scene.sent()] == ["Resume", "Cancel"]


# -- answers that are lost --


def test_a_worker_that_has_not_got_the_answer_resumes_by_its_former_token_again(scene):
    task_id, lease = begun(scene)
    scene.leave(9)
    assert rejoin(scene, {task_id: lease}, 10) == (lease,)
    scene.leave(10)
    assert rejoin(scene, {task_id: lease}, 11) == (lease,)
    scene.leave(11)
    assert rejoin(scene, {task_id: lease}, 12) == (lease,)
    assert len(scene.broker.state.sessions) == 1


def test_also_after_a_restart(lasting):
    task_id, lease = begun(lasting, 0.5)
    lasting.leave(9)
    assert rejoin(lasting, {task_id: lease}, 10) == (lease,)
    lasting.crash(0.1)
    assert rejoin(lasting, {task_id: lease}, 11) == (lease,)


def test_who_was_back_and_has_left_again_has_its_time_whenever_the_grace_ends(lasting):
    task_id, lease = begun(lasting, 0.5)
    lasting.worker(8)
    lasting.submit()
    lasting.sent()
    lasting.crash(0.1)
    assert rejoin(lasting, {task_id: lease}, 10) == (lease,)
    lasting.passes(9.5)
    lasting.leave(10)
    lasting.passes(1.0)
    assert not lasting.broker.state.grace
    assert rejoin(lasting, {task_id: lease}, 11) == (lease,)


def test_the_grace_ends_with_the_last_one_that_was_here_before_and_waits_for_nobody_else(lasting):
    task_id, lease = begun(lasting, 0.5)
    lasting.crash(0.1)
    lasting.worker(8)
    lasting.leave(8)
    assert lasting.broker.state.grace
    assert rejoin(lasting, {task_id: lease}, 10) == (lease,)
    assert not lasting.broker.state.grace


def test_a_worker_that_has_got_the_answer_has_one_token_only(lasting):
    task_id, lease = begun(lasting)
    lasting.leave(9)
    rejoin(lasting, {task_id: lease}, 10)
    lasting.receive(10, Subscribe((QueueWeight("default", 1),), (TypeSupport("work", 0, 0),)), Credit(10, 0, 0))
    lasting.leave(10)
    assert rejoin(lasting, {task_id: lease}, 11) == ()
    assert lasting.store.facts(Kind.HEIR, TOKEN) == []


def test_nothing_is_left_of_a_worker_that_has_not_got_the_answer_and_stays_away(lasting):
    task_id, lease = begun(lasting)
    lasting.leave(9)
    rejoin(lasting, {task_id: lease}, 10)
    lasting.leave(10)
    lasting.passes(5)
    lasting.sent()
    assert not lasting.broker.state.sessions
    assert lasting.store.facts(Kind.HEIR, TOKEN) == []


# -- ids that were there already --


def test_a_key_that_was_taken_for_an_id_that_was_there_already_is_free_after_a_death_at_that_moment(lasting):
    key = UniqueKey("daily", int(UniqueScope.QUEUE), int(UniqueUntil.ENDED), 0)
    lasting.client()
    worker = lasting.worker()
    task_id = lasting.submit(unique=key)
    lasting.work(worker)
    lasting.submit(id=task_id, unique=key)
    lasting.turn()
    lasting.crash()
    lasting.client()
    assert lasting.submit(unique=key)
    assert lasting.errors() == []


def test_what_an_id_that_was_there_already_was_to_wait_for_is_forgotten_after_a_death_at_that_moment(lasting):
    lasting.client()
    worker = lasting.worker()
    task_id = lasting.submit()
    lasting.work(worker)
    other = lasting.submit(delay=60_000)
    lasting.sent()
    lasting.submit(id=task_id, after=(other,))
    lasting.turn()
    lasting.crash()
    lasting.turn()
    lasting.crash()
    assert [kind for kind, *_ in lasting.store.load("main").facts if kind == Kind.EDGE] == []


def test_what_was_there_already_and_was_asked_to_stop_before_that_was_known_leaves_nothing_behind(lasting):
    lasting.client()
    worker = lasting.worker()
    task_id = lasting.submit()
    lasting.work(worker)
    lasting.submit(id=task_id)
    lasting.broker.cancel(task_id, lasting.now)
    lasting.turn()
    lasting.turn()
    assert lasting.broker.state.tasks.get(task_id) is None
    assert [kind for kind, *_ in lasting.store.load("main").facts if kind == Kind.STOP] == []
