"""Handing tasks out: order, credit, weights."""

from wiretask_protocol.messages import Credit, Subscribe, WaitReason
from wiretask_scheduler.core.peers import Worker


def test_a_task_goes_to_a_worker_with_a_lease(scene):
    scene.client()
    scene.worker()
    task_id = scene.submit()
    assert scene.sent() == [(1, "Accepted", 1), (9, "Task", task_id, 1)]


def test_the_lease_ceiling_is_durable_before_the_first_lease(scene):
    scene.client()
    scene.worker()
    scene.submit()
    assert scene.turn().changes.lease_ceiling > 1
    scene.submit()
    assert scene.turn().changes.lease_ceiling == 0


def test_the_highest_priority_goes_first_and_then_who_came_first(scene):
    scene.client()
    low, high, first, second = (scene.submit(priority=priority) for priority in (1, 9, 5, 5))
    scene.sent()
    scene.worker(slots=10)
    assert [task_id for _, task_id, _ in scene.dispatched()] == [high, first, second, low]


def test_no_more_than_the_credit_is_sent(scene):
    scene.client()
    tasks = [scene.submit() for _ in range(5)]
    worker = scene.worker(slots=2)
    sent = scene.dispatched()
    assert [task_id for _, task_id, _ in sent] == tasks[:2]
    scene.result(worker, sent[0][2], tasks[0])
    assert [task_id for _, task_id, _ in scene.dispatched()] == tasks[2:3]


def test_a_smaller_window_recalls_nothing_and_a_larger_one_fills(scene):
    scene.client()
    for _ in range(6):
        scene.submit()
    worker = scene.worker(slots=3)
    assert len(scene.dispatched()) == 3
    scene.receive(worker, Credit(1, 0, 0))
    assert scene.sent() == []
    scene.receive(worker, Credit(5, 0, 0))
    assert len(scene.dispatched()) == 2


def test_a_task_costs_what_it_says(scene):
    scene.client()
    scene.submit(cost=2)
    scene.submit(cost=2)
    scene.worker(slots=3)
    assert len(scene.dispatched()) == 1


def test_the_octets_of_a_window_are_never_exceeded(scene):
    scene.client()
    first, second, third = (scene.submit(body=bytes(1000)) for _ in range(3))
    worker = scene.worker(slots=0)
    scene.receive(worker, Credit(9, 2600, 0))
    sent = scene.dispatched()
    assert [task_id for _, task_id, _ in sent] == [first, second]
    scene.result(worker, sent[0][2], first)
    assert [task_id for _, task_id, _ in scene.dispatched()] == [third]


def test_a_task_that_is_larger_than_a_window_is_passed_over_and_says_so(scene):
    scene.client()
    large, small = scene.submit(body=bytes(5000)), scene.submit()
    worker = scene.worker(slots=0)
    scene.receive(worker, Credit(9, 2600, 0))
    assert [task_id for _, task_id, _ in scene.dispatched()] == [small]
    status = scene.status(large)
    assert (status.reason, "window" in status.detail) == (WaitReason.NO_SLOT, True)
    scene.receive(worker, Credit(9, 0, 0))
    assert [task_id for _, task_id, _ in scene.dispatched()] == [large]


def test_a_worker_gets_only_types_and_queues_that_it_takes(scene):
    scene.client()
    scene.submit(type="other")
    scene.submit(queue="far")
    scene.worker(types=("work",), queues=("default",))
    assert scene.dispatched() == []
    scene.worker(8, types=("other",), queues=("default", "far"))
    assert len(scene.dispatched()) == 1


def test_a_new_subscription_replaces_the_former_one(scene):
    scene.client()
    worker = scene.worker(types=("work",))
    scene.receive(worker, Subscribe((), ()))
    scene.submit()
    assert scene.dispatched() == []


def test_a_large_task_goes_only_to_a_worker_that_takes_frames_of_its_size(scene):
    scene.client()
    scene.submit(body=bytes(200_000))
    scene.worker(8, frame_limit=65536)
    assert scene.dispatched() == []
    scene.worker(9)
    assert [worker for worker, _, _ in scene.dispatched()] == [9]


def test_workers_share_what_is_there(scene):
    scene.client()
    scene.worker(8)
    scene.worker(9)
    scene.sent()
    envelope_of = b"\x04work\x07default\0\0\0\0\0\0"
    from wiretask_protocol.messages import Submit

    scene.receive(1, *(Submit(seq, scene.id(), 0, 5, envelope_of) for seq in range(1, 9)))
    workers = [worker for worker, _, _ in scene.dispatched()]
    assert workers.count(8) == workers.count(9) == 4


def test_queues_have_their_shares_by_weight(scene):
    scene.client()
    for _ in range(40):
        scene.submit(queue="a")
        scene.submit(queue="b")
    worker = scene.worker(queues=(("a", 3), ("b", 1)), slots=1)
    queues = []
    for _ in range(24):
        ((_, task_id, lease),) = scene.dispatched()
        queues.append(scene.broker.state.tasks.get(task_id).options.queue)
        scene.result(worker, lease, task_id)
    assert queues.count("a") == 18


def test_a_draining_worker_gets_nothing(scene):
    from wiretask_protocol.messages import Goodbye

    scene.client()
    worker = scene.worker()
    scene.receive(worker, Goodbye(2))
    scene.submit()
    assert scene.dispatched() == []


def test_a_lease_that_lasts_is_written_and_one_that_ended_is_not(scene):
    scene.client()
    worker = scene.worker()
    quick, slow = scene.submit(), scene.submit()
    sent = {task_id: lease for _, task_id, lease in scene.dispatched()}
    scene.result(worker, sent[quick], quick)
    scene.turn()
    scene.passes(0.3)
    (row,) = scene.turn().changes.updated
    assert (row.lease, row.session) == (sent[slow], bytes([1]) * 16)


def test_a_lane_that_was_forgotten_is_known_to_its_workers_when_it_is_back(scene):
    """Whoever asks for the lane of a task that a worker has makes it anew: workers must hear of it then."""
    scene.client()
    worker = scene.worker(types=("work",))
    first = scene.submit()
    ((_, _, lease),) = scene.dispatched()
    for number in range(1100):
        scene.submit(type=f"type-{number}")
    # It has not been begun: somebody else is looked for who could begin it.
    scene.passes(10)
    scene.turn()
    scene.result(worker, lease, first)
    scene.turn()
    second = scene.submit()
    assert scene.begun() == [second]


def looks(monkeypatch):
    """How often somebody has looked at what a worker takes, so far."""
    counted = []
    free = Worker.free.fget
    monkeypatch.setattr(Worker, "free", property(lambda worker: counted.append(worker.number) or free(worker)))
    return counted


def test_workers_that_join_while_there_is_nothing_to_do_cost_no_look_at_the_others(scene, monkeypatch):
    counted = looks(monkeypatch)
    for peer in range(100, 200):
        scene.worker(peer)
    assert counted == []
    scene.client()
    task_id = scene.submit()
    assert [sent[1] for sent in scene.dispatched()] == [task_id]


def test_nobody_is_asked_any_more_when_the_last_task_has_gone(scene, monkeypatch):
    for peer in range(100, 200):
        scene.worker(peer)
    counted = looks(monkeypatch)
    scene.client()
    scene.submit()
    assert len(scene.dispatched()) == 1
    # Each one is asked whether it takes anything, and whether it could begin it; the queues are looked at for two.
    assert len(counted) < 4 * 100
