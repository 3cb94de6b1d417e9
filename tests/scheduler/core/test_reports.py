"""Results, Returns and what follows from them."""

import pytest

from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import (
    Accepted,
    Await,
    Cancel,
    Outcome,
    Progress,
    RetryPolicy,
    Return,
    ReturnReason,
    SubmitFlags,
    TaskState,
    WaitReason,
)


def running(scene, **options):
    """A client, a worker, and a task that it has."""
    scene.client()
    worker = scene.worker()
    task_id = scene.submit(**options)
    ((_, _, lease),) = scene.dispatched()
    return worker, task_id, lease


def test_a_result_ends_the_task_and_goes_to_the_client(scene):
    worker, task_id, lease = running(scene)
    scene.result(worker, lease, task_id)
    turn = scene.turn()
    (row,) = turn.changes.ended
    assert (row.state, row.outcome, row.attempt) == (TaskState.SUCCEEDED, Outcome.SUCCEEDED, 1)
    (sent,) = turn.sends[1]
    assert (sent.lease, sent.attempt, sent.report) == (0, 1, row.report)
    assert [message.seq for message in turn.sends[worker]] == [1]


def test_a_second_result_for_one_lease_is_stale_and_accepted(scene):
    worker, task_id, lease = running(scene)
    scene.result(worker, lease, task_id)
    scene.turn()
    scene.result(worker, lease, task_id, Outcome.FAILED)
    assert scene.sent() == [(worker, "Error", ErrorCode.STALE_LEASE, 2), (worker, "Accepted", 2)]


@pytest.mark.parametrize("wrong", ["lease", "task"])
def test_a_result_for_somebody_elses_lease_is_stale(scene, wrong):
    worker, task_id, lease = running(scene)
    if wrong == "lease":
        scene.result(worker, lease + 7, task_id)
    else:
        scene.result(worker, lease, scene.id())
    assert scene.sent()[0] == (worker, "Error", ErrorCode.STALE_LEASE, 1)
    assert scene.status(task_id).state == TaskState.LEASED


def test_a_lease_of_another_worker_is_stale(scene):
    _, task_id, lease = running(scene)
    thief = scene.worker(8)
    scene.result(thief, lease, task_id)
    assert scene.sent()[0] == (thief, "Error", ErrorCode.STALE_LEASE, 1)


def test_a_task_with_one_attempt_is_dead_when_it_fails(scene):
    worker, task_id, lease = running(scene)
    scene.result(worker, lease, task_id, Outcome.FAILED)
    turn = scene.turn()
    (row,) = turn.changes.ended
    assert (row.state, row.outcome, row.keep) == (TaskState.DEAD, Outcome.FAILED, True)
    assert [(one.attempt, one.outcome, one.worker, one.error_type, one.error_message) for one in row.history] == [
        (1, Outcome.FAILED, "worker 9", "Boom", "it broke")
    ]


def test_a_task_with_attempts_left_comes_back_after_its_backoff(scene):
    policy = RetryPolicy(1000, 3000, 5000, 0)
    worker, task_id, lease = running(scene, max_attempts=4, retry=policy)
    for wait in (1.0, 3.0, 5.0):
        scene.result(worker, lease, task_id, Outcome.FAILED)
        status = scene.status(task_id)
        assert (status.state, status.reason) == (TaskState.SCHEDULED, WaitReason.BACKOFF)
        scene.passes(wait - 0.01)
        assert scene.dispatched() == []
        scene.passes(0.02)
        ((_, _, lease),) = scene.dispatched()
    scene.result(worker, lease, task_id, Outcome.FAILED)
    assert scene.turn().changes.ended[0].attempt == 4


def test_the_worker_says_how_often_where_the_task_does_not(scene):
    scene.client()
    worker = scene.worker(attempts=2)
    task_id = scene.submit()
    for attempt in (1, 2):
        ((_, _, lease),) = scene.dispatched()
        scene.result(worker, lease, task_id, Outcome.FAILED)
        if attempt == 1:
            scene.passes(2)
    assert scene.turn().changes.ended[0].attempt == 2


def test_what_the_task_says_counts_more_than_what_the_worker_says(scene):
    scene.client()
    worker = scene.worker(attempts=9)
    task_id = scene.submit(max_attempts=1)
    ((_, _, lease),) = scene.dispatched()
    scene.result(worker, lease, task_id, Outcome.FAILED)
    assert scene.turn().changes.ended[0].state == TaskState.DEAD


def test_the_handler_may_choose_the_wait(scene):
    worker, task_id, lease = running(scene, max_attempts=2)
    scene.result(worker, lease, task_id, Outcome.FAILED, retry_after=60_000)
    scene.passes(59)
    assert scene.dispatched() == []
    scene.passes(2)
    assert len(scene.dispatched()) == 1


def test_the_handler_may_say_that_another_attempt_is_of_no_use(scene):
    worker, task_id, lease = running(scene, max_attempts=5)
    scene.result(worker, lease, task_id, Outcome.FAILED, no_retry=True)
    assert scene.turn().changes.ended[0].state == TaskState.DEAD


def test_jitter_takes_off_and_never_adds(make_scene):
    scene = make_scene()
    scene.broker.state.jitter = lambda: 1.0
    worker, task_id, lease = running(scene, max_attempts=2, retry=RetryPolicy(1000, 1000, 0, 400))
    scene.result(worker, lease, task_id, Outcome.FAILED)
    scene.passes(0.59)
    assert scene.dispatched() == []
    scene.passes(0.02)
    assert len(scene.dispatched()) == 1


@pytest.mark.parametrize("reason", [ReturnReason.DRAIN, ReturnReason.OVERLOADED, ReturnReason.RETRACTED, 77])
def test_a_task_that_is_given_back_goes_first_and_burns_nothing(scene, reason):
    worker, task_id, lease = running(scene)
    scene.submit()
    scene.turn()
    scene.receive(worker, Return(scene.seq(worker), task_id, lease, int(reason)))
    assert [entry for entry in scene.sent() if entry[1] == "Task"] == [(worker, "Task", task_id, lease + 2)]
    assert scene.status(task_id).attempt == 1


def test_a_task_that_is_kept_stays_where_it_is(scene):
    worker, task_id, lease = running(scene)
    scene.receive(worker, Return(scene.seq(worker), task_id, lease, int(ReturnReason.KEPT)))
    assert scene.sent() == [(worker, "Accepted", 1)]
    scene.result(worker, lease, task_id)
    assert scene.turn().changes.ended[0].state == TaskState.SUCCEEDED


def test_what_a_worker_cannot_read_goes_to_another_and_never_back_to_it(scene):
    worker, task_id, lease = running(scene)
    scene.receive(worker, Return(scene.seq(worker), task_id, lease, int(ReturnReason.UNSUPPORTED), "tag 0x8009"))
    assert scene.dispatched() == []
    assert scene.status(task_id).reason == WaitReason.UNKNOWN_TYPE
    scene.worker(8)
    assert [sent[0] for sent in scene.dispatched()] == [8]


def test_a_task_whose_process_dies_three_times_is_given_up(scene):
    worker, task_id, lease = running(scene)
    for _ in range(2):
        scene.result(worker, lease, task_id, Outcome.CRASHED, exit_status=265)
        ((_, _, lease),) = scene.dispatched()
    scene.result(worker, lease, task_id, Outcome.CRASHED, exit_status=265)
    (row,) = scene.turn().changes.ended
    assert (row.state, row.outcome) == (TaskState.DEAD, Outcome.DEAD)


def test_a_worker_that_keeps_what_was_taken_away_uses_its_slot_until_it_has_reported(scene):
    worker, task_id, lease = running(scene, time_limit=1000, max_attempts=1)
    scene.passes(6.1)
    holder = scene.broker.state.workers[worker]
    scene.receive(worker, Return(scene.seq(worker), task_id, lease, int(ReturnReason.KEPT)))
    assert holder.outstanding == 1
    scene.result(worker, lease, task_id, Outcome.TIMED_OUT)
    assert holder.outstanding == 0


def test_a_worker_that_does_not_stop_at_the_time_limit_loses_the_task_and_not_the_slot(scene):
    worker, task_id, lease = running(scene, time_limit=1000)
    scene.passes(5.9)
    assert scene.dispatched() == []
    scene.passes(0.2)
    turn = scene.turn()
    assert turn.changes.ended[0].outcome == Outcome.TIMED_OUT
    assert [type(message) for message in turn.sends[worker]] == [Cancel]
    assert scene.broker.state.workers[worker].outstanding == 1
    scene.result(worker, lease, task_id)
    assert scene.sent()[0] == (worker, "Error", ErrorCode.STALE_LEASE, 1)
    assert scene.broker.state.workers[worker].outstanding == 0


def test_progress_goes_to_who_waits_without_the_lease(scene):
    worker, task_id, lease = running(scene, flags=SubmitFlags.WANT_RESULT | SubmitFlags.WANT_PROGRESS)
    scene.receive(worker, Progress(task_id, lease, 1, 2, b"half", "resizing"))
    (sent,) = scene.turn().sends[1]
    assert sent == Progress(task_id, 0, 1, 2, b"half", "resizing")


def test_progress_goes_only_to_who_wants_it(scene):
    worker, task_id, lease = running(scene)
    for peer in (2, 3):
        scene.client(peer)
    scene.receive(2, Await(scene.seq(2), task_id, progress=True))
    scene.receive(3, Await(scene.seq(3), task_id, progress=False))
    scene.turn()
    scene.receive(worker, Progress(task_id, lease, 1, 2, b"half"))
    assert set(scene.turn().sends) == {2}


def test_a_repeated_submit_may_ask_for_progress(scene):
    worker, task_id, lease = running(scene)
    scene.client(2)
    scene.submit(2, id=task_id, flags=SubmitFlags.WANT_PROGRESS | SubmitFlags.REPEAT)
    scene.turn()
    scene.receive(worker, Progress(task_id, lease, 1, 2, b"half"))
    scene.result(worker, lease, task_id)
    sends = scene.turn().sends
    assert [type(sent) for sent in sends[2]] == [Progress]


def test_progress_of_a_stale_lease_is_left_out(scene):
    worker, task_id, lease = running(scene)
    scene.receive(worker, Progress(task_id, lease + 1, 1, 2, b""))
    assert scene.sent() == []


def test_an_accepted_for_what_was_never_sent_closes_the_connection(scene):
    scene.client()
    scene.receive(1, Accepted(1))
    assert scene.sent() == [(1, "close", "Error", ErrorCode.BAD_SEQUENCE)]
