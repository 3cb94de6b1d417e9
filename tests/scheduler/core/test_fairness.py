"""Tenants go by turns, as their weights say; and queues of a worker, as theirs."""

from collections import Counter

import pytest

from wiretask_protocol.messages import Cancel, ConcurrencyKey, FairnessKey
from wiretask_scheduler.core.shelves import Turns


def submit_many(scene, count, key=None, weight=1, **options):
    fairness = FairnessKey(key, weight) if key is not None else None
    return [scene.submit(fairness=fairness, **options) for _ in range(count)]


def test_a_tenant_with_one_task_does_not_wait_behind_a_thousand_of_another(scene):
    scene.client()
    submit_many(scene, 1000, "large")
    (small,) = submit_many(scene, 1, "small")
    scene.worker(slots=3)
    assert small in scene.begun()


def test_tenants_get_shares_as_their_weights_say(scene):
    scene.client()
    owners = dict.fromkeys(submit_many(scene, 400, "a", 3), "a")
    owners |= dict.fromkeys(submit_many(scene, 400, "b", 1), "b")
    scene.worker(slots=200)
    assert Counter(owners[task_id] for task_id in scene.begun()) == {"a": 150, "b": 50}


def test_tasks_of_one_tenant_go_first_come_first_served(scene):
    scene.client()
    a, b = submit_many(scene, 3, "a"), submit_many(scene, 3, "b")
    worker = scene.worker(slots=1)
    assert scene.work(worker) == [a[0], b[0], a[1], b[1], a[2], b[2]]


def test_a_higher_priority_goes_before_every_turn(scene):
    scene.client()
    low = submit_many(scene, 2, "a")
    (high,) = submit_many(scene, 1, "b", priority=9)
    worker = scene.worker(slots=1)
    assert scene.work(worker) == [high, *low]


def test_those_without_a_key_are_one_tenant(scene):
    scene.client()
    without = submit_many(scene, 10)
    (one,) = submit_many(scene, 1, "a")
    worker = scene.worker(slots=1)
    assert scene.work(worker)[:3] == [without[0], one, without[1]]


def test_turns_are_of_the_queue_whatever_the_types(scene):
    scene.client()
    large = submit_many(scene, 50, "large", type="one")
    small = submit_many(scene, 2, "small", type="two")
    worker = scene.worker(slots=1, types=("one", "two"))
    assert scene.work(worker)[:4] == [large[0], small[0], large[1], small[1]]


def test_a_tenant_that_was_away_has_saved_nothing(scene):
    scene.client()
    worker = scene.worker(slots=1)
    busy = submit_many(scene, 30, "busy")
    for _ in range(20):
        ((_, task_id, lease),) = scene.dispatched()
        scene.result(worker, lease, task_id)
    scene.sent()
    back = submit_many(scene, 5, "back")
    task_id, lease = _lease(scene)
    scene.result(worker, lease, task_id)
    done = scene.work(worker)
    assert done[:4] in ([back[0], busy[21], back[1], busy[22]], [busy[21], back[0], busy[22], back[1]])


def _lease(scene):
    """What the only worker has."""
    (session,) = scene.broker.state.workers.values()
    ((lease, task),) = session.leases.items()
    return task.id, lease


def test_tenants_that_wait_for_a_limit_go_by_turns_too(scene):
    scene.client()
    one = ConcurrencyKey("db", 1)
    a, b = submit_many(scene, 3, "a", concurrency=one), submit_many(scene, 3, "b", concurrency=one)
    worker = scene.worker()
    done = scene.work(worker)
    assert (a[0], b[0] in done[:3], b[1] in done[:5]) == (done[0], True, True)


def test_a_cancelled_task_takes_no_turn(scene):
    scene.client()
    a, b = submit_many(scene, 2, "a"), submit_many(scene, 2, "b")
    scene.receive(1, Cancel(scene.seq(1), b[0], 0, 1))
    worker = scene.worker(slots=1)
    assert scene.work(worker) == [a[0], b[1], a[1]]


def test_turns_go_on_after_a_crash(lasting):
    lasting.client()
    submit_many(lasting, 20, "a")
    (small,) = submit_many(lasting, 1, "b")
    lasting.sent()
    lasting.crash()
    lasting.worker(slots=2)
    assert small in lasting.begun()


@pytest.mark.parametrize("weights", [(1, 1), (4, 1), (1, 10)])
def test_queues_get_shares_of_a_worker_as_their_weights_say(scene, weights):
    scene.client()
    for queue in ("one", "two"):
        for _ in range(600):
            scene.submit(queue=queue)
    worker = scene.worker(slots=1, queues=(("one", weights[0]), ("two", weights[1])))
    shares: Counter[str] = Counter()
    for _ in range(110):
        ((_, task_id, lease),) = scene.dispatched()
        shares[scene.broker.state.tasks.get(task_id).options.queue] += 1
        scene.result(worker, lease, task_id)
    assert abs(shares["one"] / shares["two"] - weights[0] / weights[1]) < 0.2 * weights[0] / weights[1] + 0.1


def test_a_queue_that_was_empty_has_saved_nothing(scene):
    scene.client()
    worker = scene.worker(slots=1, queues=("one", "two"))
    for _ in range(60):
        scene.submit(queue="one")
    for _ in range(50):
        ((_, task_id, lease),) = scene.dispatched()
        scene.result(worker, lease, task_id)
    for _ in range(20):
        scene.submit(queue="two")
    shares: Counter[str] = Counter()
    for _ in range(10):
        scene.sent()
        task_id, lease = _lease(scene)
        shares[scene.broker.state.tasks.get(task_id).options.queue] += 1
        scene.result(worker, lease, task_id)
    assert shares["two"] <= 6


def test_names_that_owe_nothing_are_forgotten():
    turns = Turns()
    for number in range(10_000):
        turns.serve(f"tenant {number}", turns.start(f"tenant {number}"), 1, 1)
    turns.serve("late", 5.0, 1, 1)
    for number in range(20_000):
        turns.serve(f"other {number}", turns.start(f"other {number}"), 1, 1)
    assert turns.finished("tenant 1") == 0.0
