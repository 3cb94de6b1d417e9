"""Taking tasks in."""

import pytest

from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import (
    Outcome,
    Submit,
    SubmitFlags,
)
from wiretask_scheduler.core.queues import placement


def test_a_submission_is_accepted_with_its_row(scene):
    scene.client()
    task_id = scene.submit(priority=7, max_attempts=3)
    turn = scene.turn()
    (row,) = turn.changes.inserted
    assert (row.id, row.seq, row.options.priority, row.options.max_attempts) == (task_id, 1, 7, 3)
    assert [message.seq for message in turn.sends[1]] == [1]


def test_many_submissions_get_one_accepted(scene):
    scene.client()
    envelope = b"\x04work\x07default\0\0\0\0\0\0"
    scene.receive(1, *(Submit(seq, scene.id(), 0, 5, envelope) for seq in range(1, 51)))
    assert scene.sent() == [(1, "Accepted", 50)]


def test_a_seq_that_is_not_the_next_one_closes_the_connection(scene):
    scene.client()
    scene.submit()
    scene.seqs[1] += 1
    scene.submit()
    assert scene.sent() == [(1, "Accepted", 1), (1, "close", "Error", ErrorCode.BAD_SEQUENCE)]


def test_a_task_that_is_there_already_changes_nothing(scene):
    scene.client(1)
    scene.client(2)
    task_id = scene.submit(1)
    scene.submit(2, id=task_id)
    turn = scene.turn()
    assert len(turn.changes.inserted) == 1
    worker = scene.worker()
    ((_, _, lease),) = scene.dispatched()
    scene.result(worker, lease, task_id)
    assert [entry for entry in scene.sent() if entry[1] == "Result"] == [
        (1, "Result", task_id, 1),
        (2, "Result", task_id, 1),
    ]


def test_a_result_goes_only_to_who_wants_it(scene):
    scene.client()
    worker = scene.worker()
    task_id = scene.submit(flags=SubmitFlags(0))
    ((_, _, lease),) = scene.dispatched()
    scene.result(worker, lease, task_id)
    assert scene.sent() == [(9, "Accepted", 1)]


REFUSALS = {
    "the placement of another queue": ({"id": bytes(16)}, ErrorCode.PLACEMENT_MISMATCH),
    "a reserved type": ({"type": "wiretask.stop"}, ErrorCode.RESERVED_NAME),
    "a reserved queue": ({"queue": "wiretask.q"}, ErrorCode.RESERVED_NAME),
    "a task that is too large": ({"body": bytes(4 << 20)}, ErrorCode.TASK_TOO_LARGE),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_submission_is_refused_by_an_error_before_its_accepted(scene, case):
    options, code = REFUSALS[case]
    scene.client()
    scene.submit(**options)
    assert scene.sent() == [(1, "Error", code, 1), (1, "Accepted", 1)]
    assert scene.broker.state.tasks.count == 0


def test_a_full_store_takes_nothing_new_and_goes_on_with_the_rest(scene):
    scene.client()
    worker = scene.worker()
    before = scene.submit()
    ((_, _, lease),) = scene.dispatched()
    scene.broker.set_store_full(full=True)
    scene.submit()
    scene.result(worker, lease, before)
    assert scene.sent() == [
        (1, "Error", ErrorCode.STORE_FULL, 2),
        (1, "Accepted", 2),
        (1, "Result", before, 1),
        (9, "Accepted", 1),
    ]
    scene.broker.set_store_full(full=False)
    scene.submit()
    assert ("Accepted", 3) in [entry[1:] for entry in scene.sent()]


def test_a_repeated_submission_waits_for_what_the_store_knows(scene):
    scene.client()
    repeat = SubmitFlags.WANT_RESULT | SubmitFlags.REPEAT
    first = scene.submit(flags=repeat)
    second = scene.submit()
    turn = scene.turn()
    (lookup,) = turn.lookups
    assert (lookup.task_id, lookup.kind, turn.sends) == (first, "submit", {})
    scene.broker.found(lookup, None, scene.now)
    turn = scene.turn()
    assert [row.id for row in turn.changes.inserted] == [first, second]
    assert [message.seq for message in turn.sends[1]] == [2]


def test_an_id_that_the_store_had_is_dropped_and_the_existing_result_is_asked_for(scene):
    scene.client()
    scene.worker()
    task_id = scene.submit()
    scene.sent()
    scene.broker.conflicted([task_id], scene.now)
    (lookup,) = scene.turn().lookups
    assert (lookup.task_id, lookup.kind) == (task_id, "await")
    assert scene.broker.state.tasks.count == 0
    assert scene.broker.state.workers[9].outstanding == 0


def test_the_placement_is_the_first_octets_of_a_digest():
    assert placement("default") == bytes.fromhex("37a8")


def test_a_repeated_submission_of_a_task_that_has_ended_gets_its_result_and_does_not_run_it(lasting):
    lasting.client()
    worker = lasting.worker()
    task_id = lasting.submit()
    lasting.work(worker)
    lasting.submit(id=task_id, flags=SubmitFlags.WANT_RESULT | SubmitFlags.REPEAT)
    sent = [entry for _ in range(3) for entry in lasting.sent()]
    assert sent == [(1, "Accepted", 2), (1, "Result", task_id, Outcome.SUCCEEDED)]
