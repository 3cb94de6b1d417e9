import pytest

from wiretask_client import outcomes
from wiretask_client.errors import (
    TaskCancelled,
    TaskEnded,
    TaskExpired,
    TaskFailed,
    TaskGivenUp,
    TaskTimedOut,
    UnreadableResult,
)
from wiretask_protocol.codec import encode_report
from wiretask_protocol.messages import Encoding, Outcome, Report, Result


def result(outcome=Outcome.SUCCEEDED, encoding=Encoding.RAW, body=b"", **more):
    return Result(1, bytes(16), 0, outcome, encode_report(Report(encoding, body, **more)))


@pytest.mark.parametrize(
    ("encoding", "body", "value"),
    [
        (Encoding.RAW, b"", b""),
        (Encoding.RAW, b"\xff\0", b"\xff\0"),
        (Encoding.JSON, b"null", None),
        (Encoding.JSON, b'{"a":[1,2.5,"x"]}', {"a": [1, 2.5, "x"]}),
    ],
)
def test_a_success_is_its_value(encoding, body, value):
    message = result(encoding=encoding, body=body)
    assert outcomes.value(message) == value
    assert outcomes.value_or_error(message) == value
    assert outcomes.report(message) == Report(encoding, body)


@pytest.mark.parametrize(
    ("outcome", "kind", "words"),
    [
        (Outcome.FAILED, TaskFailed, "failed"),
        (Outcome.CANCELLED, TaskCancelled, "was cancelled"),
        (Outcome.TIMED_OUT, TaskTimedOut, "time limit"),
        (Outcome.CRASHED, TaskGivenUp, "process that ran it died"),
        (Outcome.EXPIRED, TaskExpired, "expired"),
        (Outcome.DEAD, TaskGivenUp, "process that ran it died"),
        (Outcome.LOST, TaskGivenUp, "workers were lost"),
        (99, TaskEnded, "outcome 99, which this client does not know"),
    ],
)
def test_every_other_outcome_is_an_exception_of_its_own(outcome, kind, words):
    with pytest.raises(kind, match=words) as caught:
        outcomes.value(result(outcome))
    assert type(caught.value) is kind
    assert caught.value.outcome == outcome
    assert caught.value.task_id == "00000000-0000-0000-0000-000000000000"


def test_a_failure_says_what_its_worker_said():
    message = result(Outcome.FAILED, error_type="ValueError", error_message="it is wrong", traceback="here")
    error = outcomes.value_or_error(message)
    assert (error.error_type, error.message, error.traceback) == ("ValueError", "it is wrong", "here")
    assert str(error) == "ValueError: it is wrong"


def test_an_exit_status_is_told():
    message = Result(1, bytes(16), 0, Outcome.DEAD, encode_report(Report(Encoding.RAW, b"")), exit_status=265)
    assert "(exit status 265)" in str(outcomes.value_or_error(message))


@pytest.mark.parametrize(
    ("encoding", "body", "words"),
    [
        (Encoding.JSON, b"", "is not JSON"),
        (Encoding.JSON, b"\xff", "is not JSON"),
        (Encoding.JSON, b"[" * 100_000, "is not JSON"),
        (77, b"x", "encoding 77 is not known here"),
    ],
)
def test_what_cannot_be_read_keeps_its_report(encoding, body, words):
    message = result(encoding=encoding, body=body)
    with pytest.raises(UnreadableResult, match=words) as caught:
        outcomes.value(message)
    assert caught.value.report.body == body
    assert outcomes.report(message).body == body


def test_a_report_with_a_broken_tag_is_unreadable():
    broken = encode_report(Report(Encoding.RAW, b"", error_type="xx")).replace(b"xx", b"\xff\xff")
    message = Result(1, bytes(16), 0, Outcome.SUCCEEDED, broken)
    with pytest.raises(UnreadableResult):
        outcomes.report(message)
