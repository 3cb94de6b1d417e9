"""Limits that tasks share by a key: so many at a time, so many in a time."""

import pytest

from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import Cancel, ConcurrencyKey, Credit, Goodbye, Outcome, RateKey, WaitReason

ONE = ConcurrencyKey("acme", 1)


def test_no_more_tasks_of_a_key_run_than_it_allows_and_others_go_on(scene):
    scene.client()
    first, second = (scene.submit(concurrency=ConcurrencyKey("acme", 2)) for _ in range(2))
    third, free = scene.submit(concurrency=ConcurrencyKey("acme", 2)), scene.submit()
    worker = scene.worker()
    sent = scene.dispatched()
    assert [task_id for _, task_id, _ in sent] == [first, second, free]
    assert scene.reason(third) == WaitReason.CONCURRENCY
    scene.result(worker, sent[1][2], second)
    assert scene.begun() == [third]


def test_what_waits_for_a_limit_goes_by_priority_and_then_by_its_coming(scene):
    scene.client()
    worker = scene.worker()
    first = scene.submit(concurrency=ONE)
    low, high, later = (scene.submit(concurrency=ONE, priority=priority) for priority in (5, 9, 5))
    assert scene.work(worker) == [first, high, low, later]


def test_what_comes_from_a_limit_goes_before_what_came_later(scene):
    scene.client()
    worker = scene.worker(slots=1)
    keyed = [scene.submit(concurrency=ONE) for _ in range(3)]
    later = scene.submit()
    assert scene.work(worker) == [*keyed, later]


@pytest.mark.parametrize("queue", ["default", "other"])
def test_a_key_is_of_its_queue(scene, queue):
    scene.client()
    scene.submit(concurrency=ONE)
    scene.submit(concurrency=ONE, queue=queue)
    scene.worker(queues=("default", "other"))
    assert len(scene.begun()) == (1 if queue == "default" else 2)


def end_by_result(scene, worker, task_id, lease):
    scene.result(worker, lease, task_id)


def end_by_failing(scene, worker, task_id, lease):
    scene.result(worker, lease, task_id, Outcome.FAILED)


def end_by_cancelling(scene, worker, task_id, lease):
    scene.receive(1, Cancel(scene.seq(1), task_id, 0, 1))
    scene.result(worker, lease, task_id, Outcome.CANCELLED)


def end_by_draining(scene, worker, task_id, lease):
    scene.receive(worker, Goodbye(2))
    scene.leave(worker)
    scene.worker(8)


def end_by_dying(scene, worker, task_id, lease):
    scene.worker(8)
    scene.leave(worker)
    scene.passes(3)


@pytest.mark.parametrize("end", [end_by_result, end_by_failing, end_by_cancelling, end_by_draining, end_by_dying])
def test_a_limit_is_free_again_however_a_delivery_ends(scene, end):
    scene.client()
    worker = scene.worker()
    task_id = scene.submit(concurrency=ONE)
    ((_, _, lease),) = scene.dispatched()
    waiting = scene.submit(concurrency=ONE)
    assert scene.begun() == []
    end(scene, worker, task_id, lease)
    begun = scene.begun()
    assert begun in ([waiting], [task_id])


def test_a_task_that_is_cancelled_in_line_gives_its_turn_to_the_next(scene):
    scene.client()
    first, second = (scene.submit(concurrency=ONE) for _ in range(2))
    scene.receive(1, Cancel(scene.seq(1), first, 0, 1))
    scene.worker()
    assert scene.begun() == [second]


def test_a_task_that_is_cancelled_while_it_waits_for_a_limit_leaves_no_hole(scene):
    scene.client()
    worker = scene.worker()
    first, second, third = (scene.submit(concurrency=ONE) for _ in range(3))
    scene.receive(1, Cancel(scene.seq(1), second, 0, 1))
    assert scene.work(worker) == [first, third]


def test_the_limit_that_was_named_last_holds(scene):
    scene.client()
    scene.worker()
    for limit in (1, 1, 1, 3):
        scene.submit(concurrency=ConcurrencyKey("acme", limit))
    assert len(scene.begun()) == 3


def test_status_names_who_goes_first(scene):
    scene.client()
    first, second = (scene.submit(concurrency=ONE) for _ in range(2))
    status = scene.status(second)
    assert status.reason == WaitReason.CONCURRENCY
    assert first.hex() in status.detail
    assert status.ahead == 0


def test_a_rate_lets_its_burst_go_at_once_and_then_one_each_interval(scene):
    scene.client()
    worker = scene.worker()
    tasks = [scene.submit(rate=RateKey("api", 2, 10_000, 3)) for _ in range(5)]
    assert scene.work(worker) == tasks[:3]
    assert scene.reason(tasks[3]) == WaitReason.RATE
    scene.passes(4.9)
    assert scene.begun() == []
    scene.passes(0.1)
    assert scene.work(worker) == tasks[3:4]
    scene.passes(5.0)
    assert scene.work(worker) == tasks[4:]


def test_no_burst_is_saved_up_while_there_is_no_worker(scene):
    scene.client()
    tasks = [scene.submit(rate=RateKey("api", 1, 1000, 2)) for _ in range(5)]
    scene.passes(3600)
    scene.worker()
    assert scene.begun() == tasks[:2]


def test_a_delivery_that_is_given_back_has_used_its_start(scene):
    scene.client()
    worker = scene.worker(8)
    task_id = scene.submit(rate=RateKey("api", 1, 10_000, 1))
    assert scene.begun() == [task_id]
    scene.receive(worker, Goodbye(2))
    scene.leave(worker)
    scene.worker(9)
    assert scene.begun() == []
    scene.passes(10)
    assert scene.begun() == [task_id]


def test_a_task_with_both_limits_keeps_to_both(scene):
    scene.client()
    worker = scene.worker()
    options = {"concurrency": ONE, "rate": RateKey("api", 1, 1000, 10)}
    first, second = (scene.submit(**options) for _ in range(2))
    ((_, _, lease),) = scene.dispatched()
    scene.passes(60)
    assert scene.begun() == []
    scene.result(worker, lease, first)
    assert scene.begun() == [second]


def test_keys_that_are_used_once_cost_no_memory(scene):
    scene.client()
    worker = scene.worker()
    for number in range(3000):
        scene.submit(concurrency=ConcurrencyKey(f"key{number}", 1))
        scene.work(worker)
    assert len(scene.broker.state.gates) < 2100


def test_ten_thousand_tasks_of_a_key_wait_without_a_timer_each(scene):
    scene.client()
    for _ in range(1000):
        scene.submit(rate=RateKey("api", 1, 1000, 1))
    scene.worker()
    scene.begun()
    assert len(scene.broker.state.timers) < 10


def test_a_limit_holds_after_a_crash(lasting):
    lasting.client()
    lasting.worker()
    first, second = (lasting.submit(concurrency=ONE) for _ in range(2))
    assert lasting.begun() == [first]
    lasting.passes(1)
    lasting.sent()
    lasting.crash()
    lasting.client()
    lasting.worker(8)
    assert lasting.begun() == []
    lasting.passes(11)
    assert lasting.begun() == [first]
    assert lasting.reason(second) == WaitReason.CONCURRENCY


def test_a_rate_that_is_used_up_is_used_up_after_a_crash(lasting):
    lasting.client()
    worker = lasting.worker()
    first, second = (lasting.submit(rate=RateKey("api", 1, 60_000, 1)) for _ in range(2))
    assert lasting.work(worker) == [first]
    lasting.leave(worker, "goodbye")
    lasting.sent()
    lasting.crash(20)
    lasting.client()
    lasting.worker(8)
    assert lasting.reason(second) == WaitReason.RATE
    lasting.passes(39)
    assert lasting.begun() == []
    lasting.passes(2)
    assert lasting.begun() == [second]


def test_a_limit_does_not_make_a_queue_longer_than_it_may_be(make_scene):
    scene = make_scene(queue_length_limits={"default": 2})
    scene.client()
    for _ in range(3):
        scene.submit(concurrency=ONE)
    assert scene.errors() == [ErrorCode.QUEUE_FULL]


def test_a_worker_without_slots_takes_nothing_of_a_key(scene):
    scene.client()
    worker = scene.worker(slots=0)
    task_id = scene.submit(concurrency=ONE)
    assert scene.begun() == []
    scene.receive(worker, Credit(1, 0, 0))
    assert scene.begun() == [task_id]
