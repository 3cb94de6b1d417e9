"""Cancel, Await, Query, delays and expiry."""

import pytest

from wiretask_protocol import codec
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import (
    Await,
    Cancel,
    CancelMode,
    Goodbye,
    Outcome,
    Query,
    Report,
    Result,
    Return,
    ReturnReason,
    Task,
    TaskState,
    WaitReason,
)
from wiretask_scheduler.core import Dispatch
from wiretask_scheduler.core.records import StoredTask
from wiretask_scheduler.core.tasks import Options


def cancel(scene, task_id, peer=1):
    scene.receive(peer, Cancel(scene.seq(peer), task_id, 0, int(CancelMode.COOPERATIVE)))


def stored(task_id: bytes, **changes) -> StoredTask:
    row = {"seq": 1, "id": task_id, "options": Options("work", "default", 5), "state": 5, "submitted": 0, "outcome": 1}
    return StoredTask(**{**row, "report": b"\0\0\0\0\0\0", "ended": 0, **changes})


def test_a_queued_task_is_cancelled_at_once_and_never_sent(scene):
    scene.client()
    task_id = scene.submit()
    scene.sent()
    cancel(scene, task_id)
    assert scene.sent() == [(1, "Accepted", 2), (1, "Result", task_id, Outcome.CANCELLED)]
    scene.worker()
    assert scene.dispatched() == []


def test_the_worker_of_a_running_task_is_asked_to_stop_it(scene):
    scene.client()
    worker = scene.worker()
    task_id = scene.submit()
    ((_, _, lease),) = scene.dispatched()
    cancel(scene, task_id)
    assert scene.sent() == [(worker, "Cancel", lease, CancelMode.COOPERATIVE), (1, "Accepted", 2)]
    scene.result(worker, lease, task_id, Outcome.CANCELLED)
    assert (1, "Result", task_id, Outcome.CANCELLED) in scene.sent()


def test_a_result_that_comes_all_the_same_counts(scene):
    scene.client()
    worker = scene.worker()
    task_id = scene.submit()
    ((_, _, lease),) = scene.dispatched()
    cancel(scene, task_id)
    scene.result(worker, lease, task_id)
    assert (1, "Result", task_id, Outcome.SUCCEEDED) in scene.sent()


def test_a_cancelled_task_is_not_tried_again(scene):
    scene.client()
    worker = scene.worker()
    task_id = scene.submit(max_attempts=5)
    ((_, _, lease),) = scene.dispatched()
    cancel(scene, task_id)
    scene.result(worker, lease, task_id, Outcome.FAILED)
    assert scene.turn().changes.ended[0].state == TaskState.DEAD


def test_a_cancel_of_a_task_that_is_not_there_changes_nothing(scene):
    scene.client()
    cancel(scene, scene.id())
    assert scene.sent() == [(1, "Accepted", 1)]


def test_a_delayed_task_is_ready_when_its_time_has_come(scene):
    scene.client()
    scene.worker()
    task_id = scene.submit(delay=2000)
    assert scene.status(task_id).reason == WaitReason.DELAY
    scene.passes(1.9)
    assert scene.dispatched() == []
    scene.passes(0.2)
    assert [sent[1] for sent in scene.dispatched()] == [task_id]


def test_not_before_is_a_date(scene):
    scene.client()
    scene.worker()
    scene.submit(not_before=scene.now.millis + 5000)
    scene.passes(4.9)
    assert scene.dispatched() == []
    scene.passes(0.2)
    assert len(scene.dispatched()) == 1


@pytest.mark.parametrize("option", [{"expires_in": 1000}, {"expires_at": 1_700_000_000_000 + 1_001_000}])
def test_a_task_that_nobody_began_in_time_expires(scene, option):
    scene.client()
    task_id = scene.submit(**option)
    scene.sent()
    scene.passes(1.1)
    assert scene.sent() == [(1, "Result", task_id, Outcome.EXPIRED)]


def test_a_task_that_expires_in_a_hundred_years_is_told_as_long_as_a_task_can_say(scene):
    scene.client()
    scene.worker()
    scene.submit(expires_at=scene.now.millis + 100 * 365 * 86_400_000)
    (dispatch,) = [message for message in scene.turn().sends[9] if isinstance(message, Dispatch)]
    assert dispatch.remaining == (1 << 32) - 1
    codec.encode(
        Task(dispatch.task.id, dispatch.lease, 1, 0, dispatch.remaining, b"\x04work\x07default\x00\x00\0\0\0\0")
    )


def test_a_task_that_has_begun_does_not_expire(scene):
    scene.client()
    scene.worker()
    scene.submit(expires_in=1000)
    scene.sent()
    scene.passes(2)
    assert [entry for entry in scene.sent() if entry[1] == "Result"] == []


def test_what_a_worker_gives_back_too_late_has_expired_and_is_not_begun_again(scene):
    scene.client()
    worker = scene.worker()
    task_id = scene.submit(expires_in=1000)
    ((_, _, lease),) = scene.dispatched()
    scene.passes(1.1)
    scene.receive(worker, Return(scene.seq(worker), task_id, lease, int(ReturnReason.RETRACTED)))
    assert (1, "Result", task_id, Outcome.EXPIRED) in scene.sent()
    assert scene.broker.state.tasks.count == 0


def test_an_attempt_that_fails_after_the_expiry_was_the_last_one(scene):
    scene.client()
    worker = scene.worker()
    task_id = scene.submit(expires_in=1000, max_attempts=3)
    ((_, _, lease),) = scene.dispatched()
    scene.passes(1.1)
    scene.result(worker, lease, task_id, Outcome.FAILED)
    assert (1, "Result", task_id, Outcome.FAILED) in scene.sent()


@pytest.mark.parametrize("leaving", ["broken", "silent", "goodbye"])
def test_what_a_worker_leaves_behind_after_the_expiry_is_not_begun_again(scene, leaving):
    scene.client()
    worker = scene.worker()
    task_id = scene.submit(expires_in=1000)
    scene.passes(1.1)
    scene.leave(worker, leaving)
    scene.worker(8)
    scene.passes(10)
    assert [entry[2:] for entry in scene.sent() if entry[1] == "Result"] == [(task_id, Outcome.EXPIRED)]


def test_an_await_of_an_ended_task_is_answered_from_the_store(scene):
    scene.client()
    task_id = scene.id()
    scene.receive(1, Await(scene.seq(1), task_id))
    (lookup,) = scene.turn().lookups
    scene.broker.found(lookup, stored(task_id), scene.now)
    assert scene.sent() == [(1, "Result", task_id, Outcome.SUCCEEDED)]


def test_an_await_of_an_unknown_task_is_an_error_that_names_its_seq(scene):
    scene.client()
    scene.receive(1, Await(scene.seq(1), scene.id()))
    (lookup,) = scene.turn().lookups
    scene.broker.found(lookup, None, scene.now)
    assert scene.sent() == [(1, "Error", ErrorCode.UNKNOWN_TASK, 1)]


def test_a_result_that_is_not_kept_any_more_still_says_how_it_ended(scene):
    scene.client()
    task_id = scene.id()
    scene.receive(1, Await(scene.seq(1), task_id))
    (lookup,) = scene.turn().lookups
    scene.broker.found(lookup, stored(task_id, report=None), scene.now)
    assert scene.sent() == [(1, "Result", task_id, Outcome.SUCCEEDED)]


def test_an_answer_for_a_client_that_has_left_is_let_go(scene):
    scene.client()
    scene.receive(1, Await(scene.seq(1), scene.id()))
    (lookup,) = scene.turn().lookups
    scene.leave(1)
    scene.broker.found(lookup, None, scene.now)
    assert scene.sent() == []


def test_status_says_why_a_task_waits(scene):
    scene.client()
    task_id = scene.submit()
    assert scene.status(task_id).reason == WaitReason.NO_WORKER
    other = scene.worker(8, queues=("far",))
    assert scene.status(task_id).reason == WaitReason.NO_WORKER
    scene.leave(other, "goodbye")
    scene.worker(7, types=("else",))
    status = scene.status(task_id)
    assert status.reason == WaitReason.UNKNOWN_TYPE
    assert "no connected worker knows the type work" in status.detail
    busy = scene.worker(6, slots=0)
    assert scene.status(task_id).reason == WaitReason.NO_SLOT
    scene.receive(busy, Goodbye(2))
    assert scene.status(task_id).reason == WaitReason.NO_WORKER


def test_status_says_that_a_task_is_too_large_for_the_workers(scene):
    scene.client()
    task_id = scene.submit(body=bytes(200_000))
    scene.worker(frame_limit=65536)
    assert scene.status(task_id).reason == WaitReason.TOO_LARGE


def test_status_says_who_has_a_running_task(scene):
    scene.client()
    scene.worker()
    task_id = scene.submit()
    status = scene.status(task_id)
    assert (status.state, status.reason, status.worker) == (TaskState.LEASED, WaitReason.NONE, "worker 9")


def test_status_of_an_ended_task_says_how_it_ended(scene):
    from wiretask_protocol.messages import Query
    from wiretask_scheduler.core.tasks import Attempt

    scene.client()
    task_id = scene.id()

    scene.receive(1, Query(scene.seq(1), task_id))
    (lookup,) = scene.turn().lookups
    ended = stored(
        task_id,
        state=6,
        outcome=2,
        history=(Attempt(1, 2, 7, "w", "ValueError", "bad"),),
        ended=scene.now.millis - 3000,
    )
    scene.broker.found(lookup, ended, scene.now)
    (status,) = scene.turn().sends[1]
    assert (status.state, status.outcome, status.error_type, status.error_message) == (6, 2, "ValueError", "bad")
    assert status.ended == 3000


@pytest.mark.parametrize("letter", ["x", "ü", "界", "🙂"])
def test_what_a_status_says_fits_into_it_however_long_names_and_errors_are(make_scene, letter):
    """What cannot be written would take with it whatever leaves in the same moment, for everybody."""
    scene = make_scene()
    scene.client()
    scene.worker()
    labels = tuple(f"{number:02}{'x' * 126}" for number in range(64))
    status = scene.status(scene.submit(requires=labels))
    assert (status.reason, len(codec.encode(status)) > 1000) == (WaitReason.LABEL, True)

    task_id = scene.submit(max_attempts=3)
    ((_, _, lease),) = scene.dispatched()
    report = codec.encode_report(Report(0, b"", error_type=letter * 256, error_message=letter * 16_000))
    scene.receive(9, Result(scene.seq(9), task_id, lease, int(Outcome.FAILED), report))
    status = scene.status(task_id)
    assert status.error_message.startswith(letter * 200)
    codec.encode(status)

    scene.passes(60)
    ((_, _, lease),) = scene.dispatched()
    scene.receive(9, Result(scene.seq(9), task_id, lease, int(Outcome.FAILED), report, no_retry=True))
    (ended,) = scene.turn().changes.ended
    row = stored(task_id, state=int(TaskState.DEAD), outcome=int(Outcome.FAILED), history=ended.history)
    scene.receive(1, Query(scene.seq(1), task_id))
    (lookup,) = scene.turn().lookups
    scene.broker.found(lookup, row, scene.now)
    codec.encode(scene.turn().sends[1][0])


def test_a_task_that_is_given_back_for_ever_can_be_asked_about(scene):
    scene.client()
    scene.worker()
    task_id = scene.submit()
    scene.broker.state.tasks.get(task_id).rarely().deliveries = 70_000
    ((_, _, lease),) = scene.dispatched()
    scene.receive(9, Return(scene.seq(9), task_id, lease, int(ReturnReason.OVERLOADED), text="x" * 1024))
    status = scene.status(task_id)
    assert status.deliveries == 65_535
    codec.encode(status)
