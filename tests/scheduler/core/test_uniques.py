"""Unique keys: one task, however often it is submitted."""

import pytest

from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import Cancel, Outcome, SubmitFlags, UniqueKey, UniqueScope, UniqueUntil

QUEUE, TYPE, BODY = (int(scope) for scope in UniqueScope)
BEGUN, ENDED, TIME = (int(until) for until in UniqueUntil)


def unique(scope=QUEUE, until=ENDED, hold=0, key="daily"):
    return UniqueKey(key, scope, until, hold)


def test_a_second_task_is_refused_and_the_first_one_is_named(scene):
    scene.client()
    first = scene.submit(unique=unique())
    scene.sent()
    scene.submit(unique=unique())
    error = scene.turn().sends[1][0]
    assert (error.code, error.existing_id) == (ErrorCode.UNIQUE_CONFLICT, first)
    assert scene.broker.state.tasks.count == 1


def test_the_same_submission_again_is_no_conflict(scene):
    scene.client()
    first = scene.submit(unique=unique())
    scene.sent()
    scene.submit(id=first, unique=unique())
    assert scene.errors() == []


@pytest.mark.parametrize(
    ("scope", "other", "refused"),
    [
        (QUEUE, {}, True),
        (QUEUE, {"type": "else"}, True),
        (QUEUE, {"queue": "other"}, False),
        (TYPE, {}, True),
        (TYPE, {"type": "else"}, False),
        (TYPE, {"body": b"other"}, True),
        (BODY, {}, True),
        (BODY, {"body": b"other"}, False),
    ],
)
def test_a_key_is_compared_in_its_scope(scene, scope, other, refused):
    scene.client()
    scene.submit(unique=unique(scope))
    scene.sent()
    scene.submit(unique=unique(scope), **other)
    assert scene.errors() == ([ErrorCode.UNIQUE_CONFLICT] if refused else [])


def test_a_key_that_holds_until_its_task_begins_is_free_then(scene):
    scene.client()
    scene.submit(unique=unique(until=BEGUN))
    scene.worker()
    scene.sent()
    scene.submit(unique=unique(until=BEGUN))
    assert scene.errors() == []


@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.FAILED])
def test_a_key_that_holds_until_the_end_is_free_then_however_it_ends(scene, outcome):
    scene.client()
    worker = scene.worker()
    task_id = scene.submit(unique=unique())
    ((_, _, lease),) = scene.dispatched()
    scene.submit(unique=unique())
    assert scene.errors() == [ErrorCode.UNIQUE_CONFLICT]
    scene.result(worker, lease, task_id, outcome)
    scene.sent()
    scene.submit(unique=unique())
    assert scene.errors() == []


@pytest.mark.parametrize("until", [BEGUN, ENDED])
def test_a_cancelled_task_holds_nothing(scene, until):
    scene.client()
    task_id = scene.submit(unique=unique(until=until))
    scene.receive(1, Cancel(scene.seq(1), task_id, 0, 1))
    scene.sent()
    scene.submit(unique=unique(until=until))
    assert scene.errors() == []


def test_a_key_that_holds_for_a_time_holds_beyond_the_end_of_its_task(scene):
    scene.client()
    worker = scene.worker()
    scene.submit(unique=unique(until=TIME, hold=60_000))
    scene.work(worker)
    scene.submit(unique=unique(until=TIME, hold=60_000))
    assert scene.errors() == [ErrorCode.UNIQUE_CONFLICT]
    scene.passes(61)
    scene.submit(unique=unique(until=TIME, hold=60_000))
    assert scene.errors() == []


def test_ten_thousand_keys_that_collide_make_one_task(scene):
    scene.client()
    for _ in range(10_000):
        scene.submit(unique=unique(), flags=0)
    assert scene.errors() == [ErrorCode.UNIQUE_CONFLICT] * 9999
    assert scene.broker.state.tasks.count == 1


@pytest.mark.parametrize("field", ["scope", "until"])
def test_a_word_that_this_scheduler_does_not_know_is_refused(scene, field):
    scene.client()
    scene.submit(unique=unique(**{field: 77}))
    assert scene.errors() == [ErrorCode.UNSUPPORTED_OPTION]


@pytest.mark.parametrize("until", [BEGUN, ENDED, TIME])
def test_a_key_is_held_after_a_crash(lasting, until):
    lasting.client()
    first = lasting.submit(unique=unique(until=until, hold=60_000))
    lasting.sent()
    lasting.crash()
    lasting.client()
    lasting.submit(unique=unique(until=until, hold=60_000))
    error = lasting.turn().sends[1][0]
    assert (error.code, error.existing_id) == (ErrorCode.UNIQUE_CONFLICT, first)


def test_a_time_that_is_over_during_a_crash_is_over(lasting):
    lasting.client()
    lasting.submit(unique=unique(until=TIME, hold=60_000))
    lasting.sent()
    lasting.crash(61)
    lasting.passes(0.1)
    lasting.client()
    lasting.submit(unique=unique(until=TIME, hold=60_000))
    assert lasting.errors() == []


def test_what_is_submitted_again_after_its_end_gets_its_own_result_although_another_one_has_its_key(lasting):
    lasting.client()
    worker = lasting.worker()
    first = lasting.submit(unique=unique())
    lasting.work(worker)
    lasting.submit(unique=unique())
    lasting.sent()
    lasting.submit(id=first, unique=unique(), flags=SubmitFlags.WANT_RESULT | SubmitFlags.REPEAT)
    sent = [entry for _ in range(3) for entry in lasting.sent()]
    assert sent == [(1, "Accepted", 3), (1, "Result", first, Outcome.SUCCEEDED)]
