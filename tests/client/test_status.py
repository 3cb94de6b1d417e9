from wiretask_client.status import Attempt, task_status
from wiretask_client.wording import described, why
from wiretask_protocol.messages import AttemptRecord, Outcome, Status, TaskState, WaitReason

BARE = Status(1, bytes(16), TaskState.READY, WaitReason.NO_WORKER, 0, "add", "default")
FULL = Status(
    1,
    bytes(16),
    TaskState.SCHEDULED,
    WaitReason.BACKOFF,
    2,
    "add",
    "sums",
    detail="it failed",
    priority=7,
    submitted=1500,
    started=None,
    due=250,
    outcome=Outcome.FAILED,
    worker="w\x1b[31m",
    error_type="ValueError",
    error_message="no",
    max_attempts=3,
    history=(AttemptRecord(1, Outcome.FAILED, 2000, "here", "no"), AttemptRecord(2, 99, 0, "", "")),
)


def test_a_status_speaks_words_and_seconds():
    status = task_status(FULL)
    assert (status.state, status.reason, status.outcome) == ("scheduled", "backoff", "failed")
    assert (status.submitted_seconds_ago, status.due_in_seconds, status.started_seconds_ago) == (1.5, 0.25, None)
    assert status.history[0] == Attempt(attempt=1, outcome="failed", ended_seconds_ago=2.0, worker="here", error="no")


def test_what_the_scheduler_did_not_say_is_none():
    status = task_status(BARE)
    assert (status.detail, status.worker, status.outcome, status.history) == (None, None, None, ())


def test_words_that_this_version_does_not_know_stay_numbers():
    status = task_status(Status(1, bytes(16), 77, 88, 0, "add", "default"))
    assert (status.state, status.reason) == ("77", "88")
    assert task_status(FULL).history[1].outcome == "99"


def test_a_task_has_ended_in_four_states():
    ended = [
        state.name
        for state in TaskState
        if task_status(Status(1, bytes(16), state, WaitReason.NONE, 1, "add", "default")).ended
    ]
    assert ended == ["SUCCEEDED", "DEAD", "CANCELLED", "EXPIRED"]


def test_why_a_task_waits_is_one_line():
    assert why(task_status(BARE)) == (
        "the task waits: no worker (no_worker, task 00000000-0000-0000-0000-000000000000)"
    )
    assert why(task_status(FULL)).startswith("the task waits: it failed (backoff,")


def test_a_description_says_what_is_known_and_escapes_what_peers_say():
    lines = described(task_status(FULL)).splitlines()
    assert "worker        w\\x1b[31m" in lines
    assert "submitted     1.5 s ago" in lines
    assert "due           in 0.25 s" in lines
    assert [line.split() for line in lines[-3:]] == [
        ["attempt", "outcome", "ended", "worker", "error"],
        ["1", "failed", "2", "s", "ago", "here", "no"],
        ["2", "99", "0", "s", "ago"],
    ]


def test_a_description_leaves_out_what_is_not_known():
    text = described(task_status(Status(1, bytes(16), TaskState.SUCCEEDED, WaitReason.NONE, 1, "add", "default")))
    assert "reason" not in text
    assert "worker" not in text
