"""Workers that leave, come back, or do not; and what a restart finds."""

from wiretask_protocol.messages import Accepted, Credit, Goodbye, HeldLease, Outcome, Resume, TaskState, WaitReason
from wiretask_scheduler.core.records import StoredSession, StoredTask
from wiretask_scheduler.core.tasks import Attempt, Options

#: The session of the first worker of a scene, and one of before a restart.
TOKEN = bytes([1]) * 16
OLD = bytes([250]) * 16
OTHER = bytes(15) + b"\2"


def with_tasks(scene, count=2, **options):
    """A client, a worker and tasks that it has: {id: lease}."""
    scene.client()
    worker = scene.worker()
    for _ in range(count):
        scene.submit(**options)
    return worker, {task_id: lease for _, task_id, lease in scene.dispatched()}


def rejoin(scene, peer, held, session=TOKEN):
    """A worker that has come back and names what it holds; before it subscribes."""
    from wiretask_protocol.messages import Hello, HelloKind, Role, VersionRange

    hello = Hello(HelloKind.OPEN, 1, versions=VersionRange(1, 1), role=Role.WORKER, name=f"worker {peer}")
    scene.broker.join(peer, hello, "", scene.now)
    scene.seqs[peer] = 0
    scene.receive(peer, Resume(session, tuple(HeldLease(task_id, lease) for task_id, lease in held.items())))


def test_what_a_drained_worker_had_is_given_to_others_at_once_in_order(scene):
    worker, held = with_tasks(scene, 3)
    scene.receive(worker, Goodbye(2))
    scene.leave(worker)
    scene.worker(8)
    assert [task_id for _, task_id, _ in scene.dispatched()] == list(held)


def test_fifty_drains_burn_no_attempt(scene):
    scene.client()
    task_id = scene.submit()
    for peer in range(100, 150):
        scene.worker(peer)
        scene.receive(peer, Goodbye(2))
        scene.leave(peer)
    status = scene.status(task_id)
    assert (status.state, status.attempt) == (TaskState.READY, 0)


def test_a_broken_connection_is_given_time_to_come_back(scene):
    worker, held = with_tasks(scene)
    scene.leave(worker)
    scene.worker(8)
    assert scene.dispatched() == []
    rejoin(scene, 7, held)
    assert (7, "Resume", tuple(held.values())) in scene.sent()
    scene.passes(10)
    assert scene.dispatched() == []
    for task_id, lease in held.items():
        scene.result(7, lease, task_id)
    assert [entry[3] for entry in scene.sent() if entry[1] == "Result"] == [Outcome.SUCCEEDED] * 2


def test_a_half_open_connection_is_told_that_another_one_has_its_session(scene):
    worker, held = with_tasks(scene)
    scene.sent()
    rejoin(scene, 7, held)
    assert scene.sent() == [(worker, "Goodbye"), (7, "Resume", tuple(held.values())), (worker, "close", None, None)]
    assert worker not in scene.broker.state.workers
    for task_id, lease in held.items():
        scene.result(7, lease, task_id)
    assert [entry[3] for entry in scene.sent() if entry[1] == "Result"] == [Outcome.SUCCEEDED] * 2


def test_a_worker_that_does_not_come_back_loses_its_tasks(scene):
    worker, held = with_tasks(scene)
    scene.leave(worker)
    scene.passes(2.1)
    scene.worker(8)
    assert [task_id for _, task_id, _ in scene.dispatched()] == list(held)


def test_a_worker_that_comes_back_too_late_keeps_nothing(scene):
    worker, held = with_tasks(scene)
    scene.leave(worker)
    scene.passes(2.1)
    scene.sent()
    rejoin(scene, 7, held)
    assert (7, "Resume", ()) in scene.sent()


def test_a_worker_keeps_only_what_it_names(scene):
    worker, held = with_tasks(scene)
    (first, lease), (second, _) = held.items()
    scene.leave(worker)
    rejoin(scene, 7, {first: lease})
    assert (7, "Resume", (lease,)) in scene.sent()
    assert scene.status(second).state == TaskState.READY


def test_a_resume_with_a_token_that_nobody_knows_keeps_nothing(scene):
    scene.client()
    worker = scene.worker()
    scene.receive(worker, Resume(b"x" * 16, (HeldLease(scene.id(), 5),)))
    assert scene.sent() == [(worker, "Resume", ())]


def test_only_what_had_begun_is_suspect_when_a_worker_dies(scene):
    worker, held = with_tasks(scene, 3)
    leases = list(held.values())
    scene.receive(worker, Credit(10, 0, leases[1]))
    scene.leave(worker)
    scene.passes(2.1)
    crashes = {row.seq: row.crashes for row in scene.turn().changes.updated if row.session is None}
    assert sorted(crashes.values()) == [0, 1, 1]


def test_a_task_that_takes_three_workers_with_it_is_given_up(scene):
    scene.client()
    task_id = scene.submit()
    for peer in (11, 12, 13):
        scene.worker(peer)
        scene.leave(peer)
        scene.passes(2.1)
    turn = scene.turn()
    (row,) = turn.changes.ended
    assert (row.state, row.outcome) == (TaskState.DEAD, Outcome.DEAD)
    assert "worker 13 vanished" in row.report.decode("latin-1")
    assert [message.task_id for message in turn.sends[1][-1:]] == [task_id]


def test_a_silent_worker_counts_as_lost_and_not_as_crashed(scene):
    worker, _ = with_tasks(scene, 1)
    scene.leave(worker, "silent")
    scene.passes(2.1)
    row = scene.turn().changes.updated[-1]
    assert (row.crashes, row.losses) == (0, 1)


def test_ten_lost_workers_are_enough(scene):
    scene.client()
    scene.submit()
    for peer in range(20, 30):
        scene.worker(peer)
        scene.leave(peer, "silent")
        scene.passes(2.1)
    assert scene.turn().changes.ended[0].outcome == Outcome.LOST


def test_a_client_that_leaves_takes_nothing_with_it(scene):
    worker, held = with_tasks(scene, 1)
    scene.leave(1)
    ((task_id, lease),) = held.items()
    scene.result(worker, lease, task_id)
    assert scene.sent() == [(worker, "Accepted", 1)]


def row(scene, number, **changes) -> StoredTask:
    fields = {"seq": number, "id": scene.id(), "options": Options("work", "default", 5), "state": 3, "submitted": 0}
    return StoredTask(**{**fields, **changes})


def load(scene, tasks, *, sessions=(), ceiling=1000):
    stored = [StoredSession(token=token, name="worker 9") for token in sessions]
    scene.broker.load(tasks, stored, lease_ceiling=ceiling, last_seq=len(tasks), now=scene.now)


def test_what_was_queued_is_handed_out_after_a_restart_in_order(scene):
    tasks = [row(scene, number) for number in (1, 2, 3)]
    load(scene, tasks)
    scene.worker()
    sent = scene.dispatched()
    assert [task_id for _, task_id, _ in sent] == [task.id for task in tasks]
    assert min(lease for _, _, lease in sent) >= 1000


def test_a_running_task_waits_for_its_worker_after_a_restart(scene):
    task = row(scene, 1, state=4, lease=77, session=OLD)
    load(scene, [task], sessions=[OLD])
    scene.worker(8)
    assert scene.dispatched() == []
    rejoin(scene, 9, {task.id: 77}, OLD)
    assert (9, "Resume", (77,)) in scene.sent()
    scene.client()
    scene.result(9, 77, task.id)
    assert scene.turn().changes.ended[0].state == TaskState.SUCCEEDED


def test_a_lease_that_was_too_young_to_be_written_is_claimed_by_its_worker(scene):
    task = row(scene, 1)
    load(scene, [task], sessions=[OLD])
    rejoin(scene, 9, {task.id: 900}, OLD)
    assert (9, "Resume", (900,)) in scene.sent()


def test_a_lease_at_or_above_the_durable_ceiling_was_never_issued(scene):
    task = row(scene, 1)
    load(scene, [task], sessions=[OLD])
    rejoin(scene, 9, {task.id: 1000}, OLD)
    assert (9, "Resume", ()) in scene.sent()


def test_when_the_grace_is_over_everything_is_handed_out(scene):
    task = row(scene, 1, state=4, lease=77, session=OLD)
    queued = row(scene, 2)
    load(scene, [task, queued], sessions=[OLD])
    scene.client()
    scene.worker(8)
    assert scene.status(queued.id).reason == WaitReason.GRACE
    scene.passes(9.9)
    assert scene.dispatched() == []
    scene.passes(0.2)
    assert {task_id for _, task_id, _ in scene.dispatched()} == {task.id, queued.id}


def test_new_tasks_do_not_wait_for_the_grace(scene):
    load(scene, [row(scene, 1)], sessions=[OLD])
    scene.client()
    scene.worker(8)
    new = scene.submit()
    assert [task_id for _, task_id, _ in scene.dispatched()] == [new]


def test_a_thousand_running_tasks_survive_a_restart_and_none_runs_again(scene):
    tasks = [row(scene, number, state=4, lease=number, session=OLD) for number in range(1, 1000)]
    load(scene, tasks, sessions=[OLD])
    rejoin(scene, 9, {task.id: task.lease for task in tasks}, OLD)
    assert (9, "Resume", tuple(task.lease for task in tasks)) in scene.sent()
    scene.worker(8, slots=2000)
    scene.passes(60)
    assert scene.dispatched() == []


def test_a_backoff_goes_on_after_a_restart(scene):
    due = scene.now.millis + 3000
    task = row(
        scene,
        1,
        state=2,
        due=due,
        failures=1,
        history=(Attempt(1, 2, 7, "w", "Boom", "it broke"),),
        options=Options("work", "default", 5, 1, 3),
    )
    load(scene, [task])
    scene.client()
    scene.worker()
    status = scene.status(task.id)
    assert (status.reason, status.attempt, status.error_type) == (WaitReason.BACKOFF, 1, "Boom")
    scene.passes(3.1)
    assert len(scene.dispatched()) == 1


def test_shutting_down_says_goodbye_to_all(scene):
    scene.client()
    scene.worker()
    scene.sent()
    scene.broker.shut_down()
    assert scene.sent() == [(1, "Goodbye"), (9, "Goodbye")]


def test_a_superseded_lease_gives_its_slot_back_with_the_accepted_of_its_cancel(scene):
    task = row(scene, 1, state=4, lease=77, session=OLD)
    load(scene, [task], sessions=[OLD, OTHER])
    rejoin(scene, 8, {task.id: 77}, OLD)
    rejoin(scene, 9, {task.id: 900}, OTHER)
    worker = scene.broker.state.workers[8]
    assert (worker.outstanding, worker.superseded) == (1, {1: 77})
    scene.receive(8, Accepted(1))
    assert (worker.outstanding, worker.superseded) == (0, {})
