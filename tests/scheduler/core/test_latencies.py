"""How long tasks wait and run, counted a batch at a time."""

import pytest

from wiretask_protocol.messages import Outcome
from wiretask_scheduler.core.histogram import Histogram
from wiretask_scheduler.core.latencies import OTHERS, QUEUES


def figures(scene, queue="default"):
    of = scene.broker.state.stopwatch.queues[queue]
    return {name: (sum(getattr(of, name).counts), getattr(of, name).sum) for name in ("wait", "run", "total")}


def leases(scene, peer=9):
    return list(scene.broker.state.sessions[scene.broker.state.workers[peer].session].leases.items())


def test_a_size_is_counted_in_the_first_bucket_that_holds_it():
    histogram = Histogram((1.0, 2.0))
    for size in (0.0, 1.0, 1.5, 2.0, 7.0):
        histogram.add(size)
    assert (histogram.counts, histogram.sum) == ([2, 2, 1], 11.5)


@pytest.mark.parametrize(("share", "size"), [(0.25, 0.5), (0.5, 1.0), (0.75, 1.5), (1.0, 2.0)])
def test_a_quantile_lies_within_its_bucket(share, size):
    histogram = Histogram((1.0, 2.0))
    histogram.add(0.5, 2)
    histogram.add(1.5, 2)
    assert histogram.quantile(share) == size


def test_a_quantile_can_be_that_of_what_is_new_and_of_nothing_it_is_none():
    histogram = Histogram((1.0, 2.0, 3.0))
    assert histogram.quantile(0.5) is None
    histogram.add(0.5, 100)
    before = list(histogram.counts)
    histogram.add(2.5, 2)
    assert histogram.quantile(0.5, before) == 2.5
    assert histogram.quantile(0.5, list(histogram.counts)) is None
    histogram.add(99.0, 1000)
    assert histogram.quantile(0.9) == 3.0


def test_a_task_is_timed_from_its_submission_over_its_delivery_to_its_result(scene):
    scene.client()
    task_id = scene.submit()
    scene.seconds += 4
    scene.worker()
    assert figures(scene) == {"wait": (1, 4.0), "run": (0, 0.0), "total": (0, 0.0)}
    scene.seconds += 2
    ((lease, _),) = leases(scene)
    scene.result(9, lease, task_id)
    assert figures(scene) == {"wait": (1, 4.0), "run": (1, 2.0), "total": (1, 6.0)}
    scene.sent()


def test_the_first_and_the_last_of_a_batch_stand_for_all_of_it(scene):
    scene.client()
    for _ in range(5):
        scene.submit()
        scene.seconds += 1
    scene.worker()
    # The first one has waited for five seconds and stands for three of them, the last one for one.
    assert figures(scene)["wait"] == (5, 3 * 5.0 + 2 * 1.0)
    scene.sent()


def test_an_attempt_that_failed_has_run_and_its_task_has_no_result_yet(scene):
    scene.client()
    scene.worker(attempts=2)
    task_id = scene.submit()
    scene.seconds += 3
    scene.result(9, leases(scene)[0][0], task_id, Outcome.FAILED)
    assert figures(scene) == {"wait": (1, 0.0), "run": (1, 3.0), "total": (0, 0.0)}
    scene.passes(2)
    assert figures(scene)["wait"] == (1, 0.0)
    scene.sent()


def test_what_a_worker_has_for_long_is_known_since_when_also_after_it_came_back(scene):
    scene.client()
    scene.worker()
    scene.submit()
    began = scene.seconds
    ((lease, _),) = leases(scene)
    state = scene.broker.state
    assert state.stopwatch.since(state.workers[9], lease) == began
    scene.passes(10)
    assert state.workers[9].since == {lease: began}
    for peer in range(10_000):
        state.stopwatch.handed_out([scene.broker.state.workers[9].leases[lease]], lease + peer, scene.now)
    assert state.stopwatch.since(state.workers[9], lease) == began
    state.workers[9].release(lease)
    assert state.workers[9].since == {}
    scene.sent()


def test_names_of_queues_without_end_cost_no_memory_without_end(scene):
    scene.client()
    for number in range(QUEUES + 5):
        scene.submit(queue=f"q{number}")
    scene.worker(slots=1000, queues=[f"q{number}" for number in range(QUEUES + 5)])
    assert len(scene.broker.state.stopwatch.queues) == QUEUES + 1
    assert figures(scene, OTHERS)["wait"][0] == 5
    scene.sent()


def test_who_watches_is_told_what_happens_to_tasks_and_nobody_else_costs_anything(scene):
    scene.client()
    scene.worker(attempts=2)
    task_id = scene.submit()
    scene.result(9, leases(scene)[0][0], task_id, Outcome.FAILED)
    assert scene.turn().notices == []
    scene.broker.state.watched = True
    scene.passes(2)
    scene.result(9, leases(scene)[0][0], task_id, Outcome.FAILED)
    waiting = scene.submit(delay=60_000)
    scene.broker.cancel(waiting, scene.now)
    notices = scene.turn().notices
    assert [(notice.what, notice.task_id, notice.error_type) for notice in notices] == [
        ("dead", task_id, "Boom"),
        ("cancelled", waiting, None),
    ]
