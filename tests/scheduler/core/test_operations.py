"""What operators ask for: queues that are paused or closed, dead tasks that live again, and clocks that jump."""

import pytest

from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import Gather, Group, Outcome, TaskState, UniqueKey, WaitReason
from wiretask_scheduler.core import Now, Settings
from wiretask_scheduler.core.facts import Kind
from wiretask_scheduler.core.queues import Mode


def mode(scene, word, queue="default"):
    scene.broker.set_mode(queue, Mode[word], scene.now)


def test_a_paused_queue_takes_tasks_and_hands_none_out(scene):
    scene.client()
    scene.worker(queues=("default", "other"))
    mode(scene, "PAUSED")
    task_id, other = scene.submit(), scene.submit(queue="other")
    assert scene.begun() == [other]
    assert scene.reason(task_id) == WaitReason.PAUSED
    mode(scene, "OPEN")
    assert scene.begun() == [task_id]


def test_a_closed_queue_takes_nothing_and_hands_out_what_it_has(scene):
    scene.client()
    task_id = scene.submit()
    mode(scene, "CLOSED")
    scene.sent()
    scene.submit()
    assert scene.errors() == [ErrorCode.QUEUE_CLOSED]
    scene.worker()
    assert scene.begun() == [task_id]


@pytest.mark.parametrize(("word", "begun"), [("PAUSED", 0), ("CLOSED", 1), ("OPEN", 1)])
def test_the_mode_of_a_queue_survives_a_crash(lasting, word, begun):
    lasting.client()
    lasting.submit()
    mode(lasting, "PAUSED")
    mode(lasting, word)
    lasting.sent()
    lasting.crash()
    lasting.worker()
    assert len(lasting.begun()) == begun


def test_a_full_queue_refuses_until_there_is_room(make_scene):
    scene = make_scene(queue_length_limit=2)
    scene.client()
    worker = scene.worker(slots=1)
    for _ in range(3):
        scene.submit()
    assert scene.errors() == [ErrorCode.QUEUE_FULL]
    scene.submit(queue="other")
    assert scene.errors() == []
    task, lease = next((task, lease) for lease, task in scene.broker.state.workers[worker].leases.items())
    scene.result(worker, lease, task.id)
    scene.sent()
    scene.submit()
    assert scene.errors() == []


# -- dead tasks --


def dead(lasting, attempts=1, **options):
    """A task that has failed too often, as the store has it."""
    lasting.client()
    worker = lasting.worker()
    task_id = lasting.submit(max_attempts=attempts, **options)
    for _ in range(attempts):
        ((_, _, lease),) = lasting.dispatched()
        lasting.result(worker, lease, task_id, Outcome.FAILED)
        lasting.sent()
        lasting.passes(400)
    return lasting.store.tasks([task_id])[task_id]


def revive(lasting, stored):
    refusal = lasting.broker.revive(stored, (), lasting.now)
    begun = lasting.begun()
    return refusal, begun


def test_a_dead_task_keeps_its_body_and_every_attempt(lasting):
    stored = dead(lasting, attempts=3)
    assert (stored.state, stored.size > 0) == (TaskState.DEAD, True)
    assert [(one.attempt, one.outcome, one.error_type) for one in stored.history] == [
        (number, Outcome.FAILED, "Boom") for number in (1, 2, 3)
    ]


def test_a_dead_task_lives_again_with_all_of_its_attempts_before_it(lasting):
    stored = dead(lasting, attempts=2)
    refusal, begun = revive(lasting, stored)
    assert (refusal, begun) == (None, [stored.id])
    (task,) = lasting.broker.state.tasks
    assert (task.attempt, task.seq > stored.seq, len(task.rare.history)) == (1, True, 2)
    assert lasting.store.bodies([task.seq])[task.seq]
    assert lasting.store.tasks([stored.id]) == {}


def test_a_task_that_lives_again_survives_a_crash(lasting):
    stored = dead(lasting)
    lasting.leave(9, "goodbye")
    revive(lasting, stored)
    lasting.crash()
    lasting.worker(8)
    assert lasting.begun() == [stored.id]


def test_a_task_that_is_not_dead_is_left_alone(lasting):
    lasting.client()
    worker = lasting.worker()
    task_id = lasting.submit()
    lasting.work(worker)
    stored = lasting.store.tasks([task_id])[task_id]
    assert revive(lasting, stored) == ("it is not dead", [])


def test_a_task_does_not_live_twice(lasting):
    stored = dead(lasting)
    assert revive(lasting, stored)[0] is None
    assert revive(lasting, stored) == ("it is not dead", [])


def test_a_task_whose_key_another_one_has_is_left_dead(lasting):
    stored = dead(lasting, unique=UniqueKey("k", 1, 2, 0))
    lasting.submit(unique=UniqueKey("k", 1, 2, 0))
    lasting.sent()
    refusal, _ = revive(lasting, stored)
    assert refusal == "another task has its unique key now; cancel that one first"


def test_a_task_that_lives_again_holds_its_key_again(lasting):
    stored = dead(lasting, unique=UniqueKey("k", 1, 2, 0))
    revive(lasting, stored)
    lasting.submit(unique=UniqueKey("k", 1, 2, 0))
    assert lasting.errors() == [ErrorCode.UNIQUE_CONFLICT]


def test_a_callback_lives_again_with_the_results_of_its_group(lasting):
    lasting.client()
    worker = lasting.worker()
    callback = lasting.id()
    lasting.submit(id=callback, gather=Gather(1, 1))
    member = lasting.submit(group=Group(callback, 0))
    ((_, _, lease),) = lasting.dispatched()
    lasting.result(worker, lease, member)
    ((_, _, lease),) = lasting.dispatched()
    lasting.result(worker, lease, callback, Outcome.FAILED)
    lasting.sent()
    stored = lasting.store.tasks([callback])[callback]
    parts = [(int.from_bytes(key[16:], "big"), value) for key, value in lasting.store.facts(Kind.PART, callback)]
    assert len(parts) == 1
    assert lasting.broker.revive(stored, (), lasting.now) is not None
    assert lasting.broker.revive(stored, parts, lasting.now) is None
    assert lasting.begun() == [callback]


def test_what_is_purged_is_gone(lasting):
    stored = dead(lasting)
    assert lasting.broker.purge([stored], lasting.now) == 1
    lasting.sent()
    assert lasting.store.tasks([stored.id]) == {}


# -- clocks --


def test_a_clock_that_is_put_back_delays_no_duration(scene):
    scene.client()
    scene.worker()
    task_id = scene.submit(delay=1000)
    scene.sent()
    scene.broker.tick(Now(scene.now.monotonic + 1.01, scene.now.wall - 3600))
    assert scene.begun() == [task_id]


def test_a_clock_that_is_put_back_delays_what_was_asked_for_a_date(scene):
    scene.client()
    scene.worker()
    task_id = scene.submit(not_before=scene.now.millis + 1000)
    scene.sent()
    scene.broker.tick(Now(scene.now.monotonic + 1.01, scene.now.wall - 3600))
    assert scene.begun() == []
    scene.broker.tick(Now(scene.now.monotonic + 3602, scene.now.wall + 1.01))
    assert scene.begun() == [task_id]


@pytest.mark.parametrize("option", ["not_before", "expires_at"])
def test_the_last_date_that_can_be_said_is_taken(scene, option):
    scene.client()
    scene.submit(**{option: (1 << 64) - 1})
    assert scene.errors() == []
    scene.passes(60)
    assert scene.broker.state.tasks.count == 1


def test_other_limits_hold_from_then_on_for_queues_that_are_there_and_for_others(make_scene):
    scene = make_scene(queue_length_limits={"mail": 1})
    scene.client()
    scene.submit(), scene.submit(queue="mail")
    assert scene.errors() == []
    scene.broker.configure(Settings(queue_length_limit=1, queue_length_limits={"mail": 2}))
    scene.submit()
    assert scene.errors() == [ErrorCode.QUEUE_FULL]
    scene.submit(queue="mail")
    assert scene.errors() == []
    scene.submit(queue="new"), scene.submit(queue="new")
    assert scene.errors() == [ErrorCode.QUEUE_FULL]


def test_another_limit_of_crashes_counts_those_that_were_there(scene):
    scene.client()
    scene.worker()
    task_id = scene.submit()
    for limit in (3, 2):
        scene.broker.configure(Settings(crash_limit=limit))
        ((_, _, lease),) = scene.dispatched()
        scene.result(9, lease, task_id, Outcome.CRASHED)
    (row,) = scene.turn().changes.ended
    assert row.outcome == Outcome.DEAD
