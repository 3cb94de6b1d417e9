"""Which worker a task fits: labels, resources, cost, suspects; and what is asked back for another one."""

import pytest

from wiretask_protocol.messages import Credit, Goodbye, Outcome, Resource, Return, ReturnReason, TaskState, WaitReason
from wiretask_scheduler.core import delivery

KEPT, RETRACTED = ReturnReason.KEPT, ReturnReason.RETRACTED


@pytest.mark.parametrize(
    ("labels", "fits"), [((), False), (("eu",), False), (("eu", "gpu"), True), (("gpu", "eu", "x"), True)]
)
def test_a_task_goes_only_to_a_worker_with_all_its_labels(scene, labels, fits):
    scene.client()
    task_id = scene.submit(requires=("gpu", "eu"))
    scene.worker(labels=labels)
    assert scene.begun() == ([task_id] if fits else [])
    assert scene.reason(task_id) == (WaitReason.NONE if fits else WaitReason.LABEL)


def test_what_others_lack_does_not_keep_a_worker_from_the_rest(scene):
    scene.client()
    scene.submit(requires=("gpu",), priority=9)
    plain = scene.submit()
    scene.worker()
    assert scene.begun() == [plain]


def test_no_more_of_a_resource_is_used_than_there_is(scene):
    scene.client()
    first, second, third = (scene.submit(resources=(Resource("memory", 3),)) for _ in range(3))
    worker = scene.worker(resources={"memory": 7})
    sent = scene.dispatched()
    assert [task_id for _, task_id, _ in sent] == [first, second]
    assert scene.reason(third) == WaitReason.RESOURCE
    scene.result(worker, sent[0][2], first)
    assert scene.begun() == [third]


def test_a_resource_that_nobody_has_enough_of_is_named(scene):
    scene.client()
    task_id = scene.submit(resources=(Resource("gpu", 2),))
    scene.worker(resources={"gpu": 1})
    status = scene.status(task_id)
    assert status.reason == WaitReason.RESOURCE
    assert status.detail == "no worker for it has 2 of gpu; start one with --resource"


def test_a_type_of_a_new_version_never_goes_to_an_old_worker(scene):
    scene.client()
    task_id = scene.submit(type="add@2")
    scene.worker(8, types=("add@1", "add"))
    assert scene.begun() == []
    assert scene.reason(task_id) == WaitReason.UNKNOWN_TYPE
    scene.worker(9, types=("add@1", "add@2"))
    assert scene.dispatched()[0][:2] == (9, task_id)


def test_a_costly_task_is_not_starved_by_cheap_ones(scene):
    scene.client()
    worker = scene.worker(slots=2)
    held = {}
    for _ in range(2):
        scene.submit()
    held = {task_id: lease for _, task_id, lease in scene.dispatched()}
    costly = scene.submit(cost=2)
    begun: list[bytes] = []
    for _ in range(10):
        scene.submit()
        scene.passes(1)
        task_id, lease = held.popitem()
        scene.result(worker, lease, task_id)
        new = {task_id: lease for _, task_id, lease in scene.dispatched()}
        held |= new
        begun += new
        if costly in begun or not held:
            break
    assert costly in begun


# -- suspects --


def die(scene, peer):
    scene.leave(peer)
    scene.passes(3)


def test_a_task_that_a_worker_died_with_runs_alone_among_its_like(scene):
    scene.client()
    first, second = (scene.submit() for _ in range(2))
    scene.worker(8)
    leases = {task_id: lease for _, task_id, lease in scene.dispatched()}
    scene.receive(8, Credit(10, 0, leases[second]))
    die(scene, 8)
    worker = scene.worker(9)
    ((_, task_id, lease),) = scene.dispatched()
    assert task_id == first
    assert scene.reason(second) == WaitReason.SUSPECT
    fresh = scene.submit()
    ((_, other, _),) = scene.dispatched()
    assert other == fresh
    scene.result(worker, lease, first)
    assert scene.begun() == [second]


def test_three_deaths_quarantine_a_task_with_the_exits_of_its_workers(scene):
    scene.client()
    task_id = scene.submit()
    for peer in (7, 8, 9):
        scene.worker(peer)
        scene.sent()
        die(scene, peer)
    (row,) = [row for turn in [scene.turn()] for row in turn.changes.ended]
    assert (row.state, row.outcome) == (TaskState.DEAD, Outcome.DEAD)
    for peer in (7, 8, 9):
        assert f"worker {peer}".encode() in row.report
    assert [attempt.worker for attempt in row.history] == ["worker 7", "worker 8", "worker 9"]
    assert task_id not in {task.id for task in scene.broker.state.tasks}


def test_a_suspect_that_no_worker_takes_keeps_no_other_suspect_from_running(scene):
    scene.client()
    rare = scene.submit(type="rare")
    scene.worker(8, types=("rare",))
    scene.sent()
    die(scene, 8)
    other = scene.submit()
    scene.worker(7)
    scene.sent()
    die(scene, 7)
    scene.worker(9)
    assert scene.begun() == [other]
    assert scene.reason(rare) == WaitReason.UNKNOWN_TYPE


def test_fifty_redeploys_make_nobody_a_suspect(scene):
    scene.client()
    tasks = [scene.submit() for _ in range(3)]
    for peer in range(100, 150):
        scene.worker(peer)
        assert len(scene.begun()) == 3
        scene.receive(peer, Goodbye(2))
        scene.leave(peer)
    scene.worker(9)
    assert scene.begun() == tasks
    assert scene.broker.state.suspect is None


# -- what is asked back --


def stuck(scene):
    """A worker with one slot that runs a long task and has three more waiting."""
    scene.client()
    tasks = [scene.submit() for _ in range(4)]
    scene.worker(8, slots=4, concurrency=1)
    leases = {task_id: lease for _, task_id, lease in scene.dispatched()}
    scene.receive(8, Credit(4, 0, leases[tasks[0]], 1))
    return tasks, leases


def test_what_waits_at_a_worker_is_asked_back_when_another_one_could_begin_it(scene):
    tasks, leases = stuck(scene)
    scene.worker(9, slots=2, concurrency=1)
    scene.passes(0.5)
    assert scene.sent() == [(8, "Retract", tasks[1], leases[tasks[1]])]
    scene.receive(8, Return(scene.seq(8), tasks[1], leases[tasks[1]], RETRACTED))
    assert [(peer, task_id) for peer, task_id, _ in scene.dispatched()] == [(9, tasks[1])]
    assert scene.broker.state.tasks.get(tasks[1]).attempt == 1


def test_a_worker_that_comes_later_gets_what_waits_too(scene):
    tasks, _ = stuck(scene)
    scene.passes(60)
    assert scene.sent() == []
    scene.worker(9, slots=8, concurrency=2)
    assert [entry[2] for entry in scene.sent() if entry[1] == "Retract"] == tasks[1:3]


def test_where_there_are_many_workers_nobody_looks_for_what_waits_at_each_of_their_words(scene, monkeypatch):
    monkeypatch.setattr(delivery, "_MANY", 1)
    tasks, _ = stuck(scene)
    scene.worker(7, slots=0)
    scene.passes(0.3)
    scene.sent()
    looked = []
    ask_back = delivery._ask_back
    monkeypatch.setattr(delivery, "_ask_back", lambda state, now: looked.append(now.monotonic) or ask_back(state, now))
    scene.worker(9, slots=8, concurrency=2)
    scene.receive(9, Credit(8, 0, 0, 2))
    assert (looked, scene.sent()) == ([], [])
    scene.passes(0.1)
    assert [entry[2] for entry in scene.sent() if entry[1] == "Retract"] == tasks[1:3]
    assert len(looked) == 1
    scene.passes(1.0)
    assert len(looked) <= 11


def test_what_has_begun_is_not_asked_back(scene):
    tasks, leases = stuck(scene)
    scene.receive(8, Credit(4, 0, leases[tasks[3]], 1))
    scene.worker(9)
    scene.passes(1)
    assert scene.sent() == []


def test_what_is_kept_is_not_asked_back_again(scene):
    tasks, leases = stuck(scene)
    scene.worker(9, slots=1, concurrency=1)
    scene.passes(0.5)
    scene.sent()
    scene.receive(8, Return(scene.seq(8), tasks[1], leases[tasks[1]], KEPT))
    assert [entry[2] for entry in scene.sent() if entry[1] == "Retract"] == [tasks[2]]


def test_nothing_is_asked_back_that_the_other_worker_cannot_take(scene):
    stuck(scene)
    scene.worker(9, types=("else",))
    scene.passes(1)
    assert scene.sent() == []


def test_nothing_is_asked_back_for_a_worker_that_would_let_it_wait(scene):
    tasks, _ = stuck(scene)
    scene.worker(9, slots=10, concurrency=1)
    scene.passes(0.5)
    assert [entry[2] for entry in scene.sent()] == [tasks[1]]
    scene.passes(5)
    assert scene.sent() == []


def test_a_result_that_crosses_a_retract_counts(scene):
    tasks, leases = stuck(scene)
    scene.worker(9, slots=2, concurrency=1)
    scene.passes(0.5)
    scene.sent()
    scene.result(8, leases[tasks[1]], tasks[1])
    assert scene.outcomes() == [(tasks[1], Outcome.SUCCEEDED)]
    assert leases[tasks[1]] not in scene.broker.state.retracting


def test_a_worker_that_dies_while_it_is_asked_leaves_no_promise_behind(scene):
    stuck(scene)
    scene.worker(9, slots=2, concurrency=1)
    scene.passes(0.5)
    die(scene, 8)
    assert scene.broker.state.retracting == {}
    assert scene.broker.state.workers[9].promised == 0


def test_those_who_could_begin_at_once_are_fed_first(scene):
    scene.client()
    scene.worker(8, slots=10, concurrency=1)
    scene.worker(9, slots=10, concurrency=1)
    scene.submit()
    scene.submit()
    assert sorted(peer for peer, _, _ in scene.dispatched()) == [8, 9]


def test_who_comes_while_nothing_is_ready_looks_at_no_other_worker(scene, monkeypatch):
    """Ten thousand that come at once would look at each other a hundred million times."""
    looked = []
    monkeypatch.setattr(delivery, "_feed_all", lambda state, workers, *rest: looked.append(len(workers)))
    for peer in range(2, 12):
        scene.worker(peer)
    assert looked == []


def test_a_worker_without_room_looks_for_nothing(scene, monkeypatch):
    worker = scene.worker(slots=1)
    scene.client()
    for _ in range(2):
        scene.submit()
    assert len(scene.dispatched()) == 1
    looked = []
    monkeypatch.setattr(delivery, "_feed_all", lambda state, workers, *rest: looked.append(len(workers)))
    scene.receive(worker, Credit(1, 0, 0))
    assert looked == []
