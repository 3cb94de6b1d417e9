import msgspec
import pytest

from wiretask_client.core import CancelRequest, PingRequest, QueryRequest, ReachRequest, ScheduleRequest, SubmitRequest
from wiretask_client.core.requests import DONE
from wiretask_client.errors import (
    BadCall,
    ClientClosed,
    OutcomeUnknown,
    Refused,
    UnknownTask,
    Unreachable,
)
from wiretask_client.ids import placement
from wiretask_protocol.codec import encode, encode_envelope, encode_report
from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.messages import (
    Accepted,
    Await,
    Cancel,
    Encoding,
    Envelope,
    Error,
    Goodbye,
    GoodbyeReason,
    Hello,
    HelloKind,
    Outcome,
    Progress,
    Query,
    Report,
    Result,
    Schedule,
    ScheduleAction,
    Status,
    Submit,
    SubmitFlags,
    TaskState,
    WaitReason,
)

ENVELOPE = encode_envelope(Envelope("sha256", "default", Encoding.RAW, b"Hello"))
REPORT = encode_report(Report(Encoding.RAW, b"digest"))
WANT_RESULT = int(SubmitFlags.WANT_RESULT)
REPEAT = int(SubmitFlags.REPEAT)


def task_id(number):
    return number.to_bytes(14, "big") + placement("default").to_bytes(2, "big")


def submission(number, **more):
    return SubmitRequest(task_id=task_id(number), priority=5, envelope=ENVELOPE, **more)


def submit(seq, number, flags=WANT_RESULT):
    return Submit(seq, task_id(number), flags, 5, ENVELOPE)


def result(seq, number):
    return Result(seq, task_id(number), 0, Outcome.SUCCEEDED, REPORT)


def status(seq, number):
    return Status(seq, task_id(number), TaskState.READY, WaitReason.NO_WORKER, 0, "sha256", "default")


def test_a_task_is_submitted_accepted_and_answered(dialogue):
    request = dialogue.add(submission(1))
    dialogue.accept()
    assert dialogue.heard() == [submit(1, 1)]
    dialogue.say(Accepted(1))
    assert (dialogue.settled(), dialogue.heard()) == ([], [])
    dialogue.say(result(1, 1))
    assert dialogue.settled() == [request]
    assert request.answer == result(1, 1)
    assert dialogue.heard() == [Accepted(1)]
    assert not dialogue.core.busy


def test_nothing_but_the_open_is_sent_before_the_accept(dialogue):
    dialogue.add(submission(1))
    dialogue.connect()
    (hello,) = dialogue.heard()
    assert (hello.kind, hello.role, hello.name, hello.agent) == (HelloKind.OPEN, 2, "me", "test")
    dialogue.add(submission(2))
    assert dialogue.heard() == []


def test_a_grease_tag_is_in_the_open_and_a_grease_command_follows_the_accept(new_dialogue):
    dialogue = new_dialogue(random_bits=lambda bits: 0x5A % (1 << bits))
    dialogue.connect()
    (hello,) = dialogue.heard()
    ((tag, _),) = hello.unknown
    assert 0x7FA0 <= tag <= 0x7FAF
    dialogue.say(Hello(HelloKind.ACCEPT, hello.nonce, version=1))
    command, *length = dialogue.core.data_to_send(dialogue.now, 1000)
    assert 0xC0 <= command <= 0xCF
    assert length == [0, 0, 0, 0]


def test_one_accepted_answers_many_results(dialogue):
    requests = [dialogue.add(submission(number)) for number in range(3)]
    dialogue.accept()
    dialogue.heard()
    dialogue.say(Accepted(3), result(1, 2), result(2, 0), result(3, 1))
    assert dialogue.settled() == [requests[2], requests[0], requests[1]]
    assert dialogue.heard() == [Accepted(3)]


def test_the_window_of_the_accept_bounds_what_is_unaccepted(dialogue):
    for number in range(5):
        dialogue.add(submission(number))
    dialogue.accept(in_flight=2)
    assert dialogue.heard() == [submit(1, 0), submit(2, 1)]
    dialogue.say(Accepted(1))
    assert dialogue.heard() == [submit(3, 2)]
    dialogue.say(Accepted(3))
    assert dialogue.heard() == [submit(4, 3), submit(5, 4)]


def test_what_is_sent_at_a_time_is_bounded(dialogue):
    for number in range(3):
        dialogue.add(submission(number))
    dialogue.accept()
    assert dialogue.heard(most_octets=1) == [submit(1, 0)]
    assert dialogue.heard(most_octets=2 * len(ENVELOPE)) == [submit(2, 1)]


def test_nothing_is_sent_twice(dialogue):
    dialogue.accept()
    dialogue.heard()
    dialogue.add(QueryRequest(task_id=task_id(1)))
    assert dialogue.heard() == [Query(1, task_id(1))]
    assert dialogue.heard() == []


def test_an_unaccepted_submit_is_repeated_after_a_reconnect(dialogue):
    requests = [dialogue.add(submission(number)) for number in range(3)]
    dialogue.accept()
    dialogue.heard()
    dialogue.say(Accepted(1))
    dialogue.lose()
    dialogue.add(submission(3))
    dialogue.accept()
    assert dialogue.heard() == [
        submit(1, 1, WANT_RESULT | REPEAT),
        submit(2, 2, WANT_RESULT | REPEAT),
        Await(3, task_id(0)),
        submit(4, 3),
    ]
    dialogue.say(Accepted(4), result(1, 0), result(2, 1), result(3, 2))
    assert dialogue.settled() == requests


def test_a_submit_that_was_never_sent_is_not_called_a_repeat(dialogue):
    dialogue.add(submission(1))
    dialogue.connect()
    dialogue.lose()
    dialogue.accept()
    assert dialogue.heard() == [submit(1, 1)]


def test_a_result_before_its_accepted_counts_and_is_not_asked_for_again(dialogue):
    request = dialogue.add(submission(1))
    dialogue.accept()
    dialogue.heard()
    dialogue.say(result(1, 1))
    assert dialogue.settled() == [request]
    dialogue.lose()
    dialogue.accept()
    assert dialogue.heard() == []


def test_a_second_result_of_a_task_is_acknowledged_and_let_go(dialogue):
    request = dialogue.add(submission(1))
    dialogue.accept()
    dialogue.heard()
    dialogue.say(Accepted(1), result(1, 1), result(2, 1))
    assert dialogue.settled() == [request]
    assert dialogue.heard() == [Accepted(2)]


def test_a_task_whose_result_is_not_wanted_is_done_when_it_is_accepted(dialogue):
    request = dialogue.add(submission(1, flags=0))
    dialogue.accept()
    assert dialogue.heard() == [submit(1, 1, 0)]
    dialogue.say(Accepted(1))
    assert dialogue.settled() == [request]
    assert request.answer is DONE


def test_acceptance_is_told_to_those_who_watch(dialogue):
    watched = dialogue.add(submission(1, watched=True))
    dialogue.add(submission(2))
    dialogue.accept()
    dialogue.heard()
    dialogue.say(Accepted(2))
    assert dialogue.core.take_accepted() == [watched]
    assert dialogue.core.take_accepted() == []


def test_an_error_that_names_a_seq_reaches_its_request_alone(dialogue):
    first, second = dialogue.add(submission(1)), dialogue.add(submission(2))
    dialogue.accept()
    dialogue.heard()
    dialogue.say(error_message(ErrorCode.STORE_FULL, command=Submit.COMMAND, seq=1), Accepted(2), result(1, 2))
    assert dialogue.settled() == [first, second]
    assert isinstance(first.answer, Refused)
    assert first.answer.code is ErrorCode.STORE_FULL
    assert second.answer == result(1, 2)


def test_a_refused_submit_is_not_repeated(dialogue):
    dialogue.add(submission(1))
    dialogue.accept()
    dialogue.heard()
    dialogue.say(error_message(ErrorCode.QUEUE_FULL, command=Submit.COMMAND, seq=1))
    dialogue.lose()
    assert dialogue.core.connect_at is None
    dialogue.accept()
    assert dialogue.heard() == []


def test_an_error_that_names_only_a_task_reaches_who_waits_for_it(dialogue):
    request = dialogue.add(submission(1))
    dialogue.accept()
    dialogue.heard()
    dialogue.say(Accepted(1), error_message(ErrorCode.NOT_OWNER, task_id=task_id(1), address="there:1"))
    assert dialogue.settled() == [request]
    assert request.answer.address == "there:1"


def test_an_error_that_names_nobody_is_let_go(dialogue):
    request = dialogue.add(submission(1))
    dialogue.accept()
    dialogue.heard()
    dialogue.say(error_message(ErrorCode.STORE_FULL, seq=77), error_message(ErrorCode.UNKNOWN_TASK, task_id=task_id(9)))
    assert dialogue.settled() == []
    dialogue.say(Accepted(1), result(1, 1))
    assert dialogue.settled() == [request]


def test_a_task_is_awaited_by_its_id(dialogue):
    request = dialogue.add(SubmitRequest(task_id=task_id(1), accepted=True))
    dialogue.accept()
    assert dialogue.heard() == [Await(1, task_id(1))]
    dialogue.say(Accepted(1))
    assert dialogue.settled() == []
    dialogue.say(result(1, 1))
    assert dialogue.settled() == [request]


@pytest.mark.parametrize("accepted_first", [False, True])
def test_an_unknown_task_is_refused_before_or_after_its_await_is_accepted(dialogue, accepted_first):
    request = dialogue.add(SubmitRequest(task_id=task_id(1), accepted=True))
    dialogue.accept()
    dialogue.heard()
    refusal = error_message(ErrorCode.UNKNOWN_TASK, command=Await.COMMAND, seq=1)
    dialogue.say(*([Accepted(1), refusal] if accepted_first else [refusal, Accepted(1)]))
    assert dialogue.settled() == [request]
    assert isinstance(request.answer, UnknownTask)


def test_two_who_wait_for_one_task_share_one_await(dialogue):
    first = dialogue.add(SubmitRequest(task_id=task_id(1), accepted=True))
    second = dialogue.add(SubmitRequest(task_id=task_id(1), accepted=True))
    dialogue.accept()
    assert dialogue.heard() == [Await(1, task_id(1))]
    dialogue.say(Accepted(1), result(1, 1))
    assert dialogue.settled() == [first, second]
    assert second.answer == result(1, 1)


def test_two_who_wait_for_one_task_share_its_refusal(dialogue):
    first = dialogue.add(SubmitRequest(task_id=task_id(1), accepted=True))
    second = dialogue.add(SubmitRequest(task_id=task_id(1), accepted=True))
    dialogue.accept()
    dialogue.heard()
    dialogue.say(error_message(ErrorCode.UNKNOWN_TASK, command=Await.COMMAND, seq=1))
    assert [type(request.answer) for request in (first, second)] == [UnknownTask, UnknownTask]
    assert not dialogue.core.busy


def test_who_waits_on_is_answered_although_the_first_has_gone(dialogue):
    first = dialogue.add(SubmitRequest(task_id=task_id(1), accepted=True))
    second = dialogue.add(SubmitRequest(task_id=task_id(1), accepted=True))
    dialogue.core.abandon(first)
    dialogue.accept()
    assert dialogue.heard() == [Await(1, task_id(1))]
    dialogue.say(Accepted(1), result(1, 1))
    assert dialogue.settled() == [second]


def test_an_abandoned_submission_that_was_not_sent_is_not_sent(dialogue):
    request = dialogue.add(submission(1))
    dialogue.core.abandon(request)
    dialogue.accept()
    assert (dialogue.heard(), dialogue.settled(), dialogue.core.busy) == ([], [], False)


def test_abandoning_what_is_answered_changes_nothing(dialogue):
    request = dialogue.add(submission(1))
    dialogue.accept()
    dialogue.heard()
    dialogue.say(Accepted(1), result(1, 1))
    dialogue.core.abandon(request)
    assert request.answer == result(1, 1)


@pytest.mark.parametrize("accepted_first", [False, True])
def test_a_query_is_answered_by_its_status(dialogue, accepted_first):
    request = dialogue.add(QueryRequest(task_id=task_id(1)))
    dialogue.accept()
    assert dialogue.heard() == [Query(1, task_id(1))]
    dialogue.say(*([Accepted(1), status(1, 1)] if accepted_first else [status(1, 1), Accepted(1)]))
    assert dialogue.settled() == [request]
    assert request.answer == status(1, 1)


def test_a_status_that_nobody_asked_for_is_let_go(dialogue):
    dialogue.accept()
    dialogue.say(status(5, 1))
    assert dialogue.settled() == []


def test_queries_and_cancels_are_asked_again_after_a_reconnect(dialogue):
    query = dialogue.add(QueryRequest(task_id=task_id(1)))
    cancel = dialogue.add(CancelRequest(task_id=task_id(2), mode=2))
    dialogue.accept()
    assert dialogue.heard() == [Query(1, task_id(1)), Cancel(2, task_id(2), 0, 2)]
    dialogue.say(Accepted(1))
    dialogue.lose()
    dialogue.accept()
    assert dialogue.heard() == [Cancel(1, task_id(2), 0, 2), Query(2, task_id(1))]
    dialogue.say(Accepted(1), status(2, 1), Accepted(2))
    assert dialogue.settled() == [cancel, query]
    assert cancel.answer is DONE


def test_progress_reaches_all_who_wait(dialogue):
    request = dialogue.add(submission(1, flags=3))
    dialogue.accept()
    assert dialogue.heard()[0].flags == 3
    step = Progress(task_id(1), 0, 1, 10, b"log")
    dialogue.say(Accepted(1), step, Progress(task_id(2), 0, 1, 10, b""))
    assert dialogue.core.take_progress() == [(request, step)]
    dialogue.lose()
    dialogue.accept()
    assert dialogue.heard() == [Await(1, task_id(1), progress=True)]


def test_a_task_over_the_frame_limit_is_refused_here_and_the_rest_goes_on(dialogue):
    large = encode_envelope(Envelope("sha256", "default", Encoding.RAW, bytes(65536)))
    too_large = dialogue.add(SubmitRequest(task_id=task_id(1), envelope=large))
    dialogue.add(submission(2))
    dialogue.accept(frame_limit=65536)
    assert dialogue.heard() == [submit(1, 2)]
    assert dialogue.settled() == [too_large]
    assert too_large.answer.code is ErrorCode.TASK_TOO_LARGE
    assert "61440" in str(too_large.answer)


def test_what_cannot_be_encoded_is_refused_here_and_takes_no_seq(dialogue):
    broken = dialogue.add(SubmitRequest(task_id=b"short", envelope=ENVELOPE))
    dialogue.add(submission(2))
    dialogue.accept()
    assert dialogue.heard() == [submit(1, 2)]
    assert dialogue.settled() == [broken]
    assert isinstance(broken.answer, BadCall)


# Reaching the scheduler


def test_a_connection_is_wanted_only_when_somebody_waits(dialogue):
    assert dialogue.core.connect_at is None
    dialogue.add(ReachRequest())
    assert dialogue.core.connect_at == dialogue.now


def test_reaching_is_answered_by_the_accept(dialogue):
    request = dialogue.add(ReachRequest())
    dialogue.accept()
    assert dialogue.settled() == [request]
    again = dialogue.add(ReachRequest())
    assert dialogue.settled() == [again]


def test_attempts_come_after_growing_waits(dialogue):
    dialogue.add(ReachRequest())
    waits = []
    for _ in range(9):
        dialogue.core.unreachable(dialogue.now, "connection refused")
        waits.append(dialogue.core.connect_at - dialogue.now)
        dialogue.now = dialogue.core.connect_at
    assert waits == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0])


def test_waits_are_jittered_down_to_a_half(new_dialogue):
    dialogue = new_dialogue(random_bits=lambda bits: (1 << bits) - 1)
    dialogue.add(ReachRequest())
    dialogue.core.unreachable(dialogue.now, "connection refused")
    assert dialogue.core.connect_at - dialogue.now == pytest.approx(0.025, rel=1e-3)


def test_after_the_timeout_everything_that_waits_raises_unreachable(dialogue):
    requests = [dialogue.add(ReachRequest()), dialogue.add(submission(1)), dialogue.add(PingRequest())]
    assert dialogue.core.deadline() == dialogue.now + 10
    dialogue.core.unreachable(dialogue.now + 1, "connection refused")
    dialogue.tick(9.9)
    assert dialogue.settled() == []
    dialogue.tick(0.1)
    assert set(map(id, dialogue.settled())) == set(map(id, requests))
    for request in requests:
        assert isinstance(request.answer, Unreachable)
        assert str(request.answer).startswith("no scheduler answers at there:9001 (connection refused; tried for 10 s)")
    assert dialogue.core.connect_at is None


def test_the_timeout_counts_anew_after_each_connection(dialogue):
    dialogue.add(submission(1))
    dialogue.tick(9)
    dialogue.accept()
    dialogue.heard()
    dialogue.say(Accepted(1))
    dialogue.tick(4)
    dialogue.lose()
    dialogue.tick(9)
    assert dialogue.settled() == []
    dialogue.tick(1)
    assert len(dialogue.settled()) == 1


def test_a_scheduler_that_accepts_and_drops_us_again_and_again_is_unreachable(dialogue):
    request = dialogue.add(submission(1))
    for _ in range(5):
        assert request.answer is None
        dialogue.accept()
        dialogue.heard()
        dialogue.tick(2)
        dialogue.lose("the scheduler closed the connection")
    dialogue.tick()
    assert dialogue.settled() == [request]
    assert "the scheduler closed the connection" in str(request.answer)


def test_a_long_wait_on_a_good_connection_is_no_reason_to_give_up(dialogue):
    request = dialogue.add(submission(1))
    dialogue.accept(heartbeat=600_000)
    dialogue.heard()
    dialogue.say(Accepted(1))
    dialogue.tick(1000)
    dialogue.lose()
    dialogue.tick(9)
    assert request.answer is None


def test_without_a_timeout_the_wait_has_no_end(new_dialogue):
    dialogue = new_dialogue(timeout_seconds=None)
    dialogue.add(submission(1))
    dialogue.tick(1e9)
    assert dialogue.settled() == []
    assert dialogue.core.deadline() is None


def test_a_client_that_was_unreachable_serves_the_next_request(dialogue):
    dialogue.add(ReachRequest())
    dialogue.tick(10)
    dialogue.settled()
    request = dialogue.add(submission(1))
    assert dialogue.core.connect_at == dialogue.now
    dialogue.accept()
    dialogue.heard()
    dialogue.say(Accepted(1), result(1, 1))
    assert dialogue.settled() == [request]


def test_an_idle_client_does_not_reconnect(dialogue):
    dialogue.accept()
    dialogue.lose()
    assert (dialogue.core.connect_at, dialogue.core.deadline()) == (None, None)


def test_an_unaccepted_submit_older_than_the_dedup_window_is_not_sent_again(dialogue):
    old = dialogue.add(submission(1))
    dialogue.accept(dedup_window=3000)
    dialogue.heard()
    dialogue.now += 2
    young = dialogue.add(submission(2))
    dialogue.heard()
    dialogue.lose()
    dialogue.now += 2
    dialogue.accept(dedup_window=60000)
    assert dialogue.heard() == [submit(1, 2, WANT_RESULT | REPEAT)]
    assert dialogue.settled() == [old]
    assert isinstance(old.answer, OutcomeUnknown)
    assert old.answer.code is ErrorCode.OUTCOME_UNKNOWN
    assert young.answer is None


# The connection


def test_a_ping_is_answered_by_a_pong(dialogue):
    dialogue.accept()
    dialogue.heard()
    dialogue.say(Hello(HelloKind.PING, 7))
    assert dialogue.heard() == [Hello(HelloKind.PONG, 7)]


def test_a_ping_of_ours_measures_the_way(new_dialogue):
    nonces = iter(range(100))
    dialogue = new_dialogue(random_bits=lambda bits: next(nonces))
    request = dialogue.add(PingRequest())
    dialogue.accept()
    (ping,) = dialogue.heard()
    dialogue.now += 0.25
    dialogue.say(Hello(HelloKind.PONG, ping.nonce + 1000), Hello(HelloKind.PONG, ping.nonce))
    assert dialogue.settled() == [request]
    assert request.answer == 0.25


def test_after_a_heartbeat_of_silence_of_ours_a_ping_is_sent(dialogue):
    dialogue.accept(heartbeat=1000)
    dialogue.heard()
    assert dialogue.core.deadline() == dialogue.now + 1
    dialogue.tick(0.9)
    assert dialogue.heard() == []
    dialogue.tick(0.1)
    assert [message.kind for message in dialogue.heard()] == [HelloKind.PING]
    assert dialogue.core.deadline() == dialogue.now + 1


def test_what_is_sent_puts_the_ping_off(dialogue):
    dialogue.accept(heartbeat=1000)
    dialogue.heard()
    dialogue.tick(0.9)
    dialogue.add(submission(1))
    dialogue.heard()
    dialogue.tick(0.9)
    assert dialogue.heard() == []


def test_three_heartbeats_without_a_byte_end_the_connection(dialogue):
    dialogue.accept(heartbeat=1000)
    for _ in range(2):
        dialogue.heard()
        dialogue.tick(1)
        assert not dialogue.core.closing
    dialogue.heard()
    dialogue.tick(1)
    assert dialogue.core.closing
    assert [message.code for message in dialogue.heard()] == [ErrorCode.SILENT]


def test_a_handshake_without_an_answer_is_given_up_and_tried_again(dialogue):
    dialogue.add(submission(1))
    dialogue.connect()
    dialogue.heard()
    assert dialogue.core.deadline() == dialogue.now + 5
    dialogue.tick(5)
    assert dialogue.core.closing
    dialogue.lose()
    assert dialogue.core.connect_at is not None
    assert dialogue.settled() == []


@pytest.mark.parametrize("tags", [{"version": 9}, {"nonce": 99}])
def test_an_accept_that_does_not_fit_ends_the_connection(dialogue, tags):
    request = dialogue.add(ReachRequest())
    dialogue.connect()
    dialogue.heard()
    dialogue.say(Hello(HelloKind.ACCEPT, **{"nonce": 0, "version": 1, **tags}))
    assert dialogue.core.closing
    dialogue.lose()
    assert dialogue.settled() == [request]
    assert request.answer.code is ErrorCode.VERSION_MISMATCH
    assert "there:9001" in str(request.answer)


@pytest.mark.parametrize("octets", [b"HTTP/1.1 400 Bad Request\r\n", b"\0" * 50, b"\xff" * 9])
def test_what_is_no_scheduler_is_reported_at_once(dialogue, octets):
    request = dialogue.add(ReachRequest())
    dialogue.connect()
    dialogue.heard()
    dialogue.core.receive(octets, dialogue.now)
    assert dialogue.core.closing
    dialogue.lose()
    assert dialogue.settled() == [request]
    assert isinstance(request.answer, Refused)
    assert "does not speak the Wiretask protocol" in str(request.answer)


def test_a_broken_frame_costs_a_connection_and_no_task(dialogue):
    request = dialogue.add(submission(1))
    dialogue.accept()
    dialogue.heard()
    dialogue.core.receive(encode(Accepted(1)) + b"\x02\0\0\0\x01\0", dialogue.now)
    assert dialogue.core.closing
    assert [type(message) for message in dialogue.heard()] == [Error]
    dialogue.lose()
    assert dialogue.settled() == []
    dialogue.accept()
    assert dialogue.heard() == [Await(1, task_id(1))]
    dialogue.say(result(1, 1))
    assert dialogue.settled() == [request]


def test_a_scheduler_that_sends_the_same_broken_frame_again_and_again_is_given_up(dialogue):
    request = dialogue.add(SubmitRequest(task_id=task_id(1), accepted=True))
    for _ in range(3):
        assert request.answer is None
        dialogue.accept()
        dialogue.heard()
        dialogue.core.receive(b"\x02\0\0\0\x01\0", dialogue.now)
        dialogue.lose()
    assert dialogue.settled() == [request]
    assert isinstance(request.answer, Refused)


@pytest.mark.parametrize("seq", [0, 2, 2**64 - 1])
def test_a_result_out_of_sequence_ends_the_connection(dialogue, seq):
    dialogue.accept()
    dialogue.heard()
    message = encode(result(1, 1))
    dialogue.core.receive(message[:5] + seq.to_bytes(8, "big") + message[13:], dialogue.now)
    assert dialogue.core.closing


def test_an_accepted_of_what_was_never_sent_ends_the_connection(dialogue):
    dialogue.add(submission(1))
    dialogue.accept()
    dialogue.heard()
    dialogue.say(Accepted(2))
    assert dialogue.core.closing
    assert [message.code for message in dialogue.heard()] == [ErrorCode.BAD_SEQUENCE]


def test_an_older_accepted_changes_nothing(dialogue):
    dialogue.add(submission(1))
    dialogue.add(submission(2))
    dialogue.accept()
    dialogue.heard()
    dialogue.say(Accepted(2), Accepted(1))
    assert not dialogue.core.closing


def test_a_connection_refused_for_good_answers_everything(dialogue):
    request = dialogue.add(submission(1))
    dialogue.connect()
    dialogue.heard()
    dialogue.say(error_message(ErrorCode.VERSION_MISMATCH))
    dialogue.lose()
    assert dialogue.settled() == [request]
    assert request.answer.code is ErrorCode.VERSION_MISMATCH
    assert request.answer.of_connection


def test_an_error_of_the_connection_is_no_requests_although_it_names_one(dialogue):
    first, second = dialogue.add(submission(1)), dialogue.add(submission(2))
    dialogue.accept()
    dialogue.heard()
    dialogue.say(error_message(ErrorCode.BAD_SEQUENCE, command=Submit.COMMAND, seq=1))
    assert dialogue.settled() == []
    dialogue.lose()
    assert dialogue.settled() == [first, second]


@pytest.mark.parametrize("code", [ErrorCode.SHUTTING_DOWN, ErrorCode.TOO_MANY_CONNECTIONS, ErrorCode.SLOW_CONSUMER])
def test_a_connection_refused_for_now_is_tried_again(dialogue, code):
    request = dialogue.add(submission(1))
    dialogue.accept()
    dialogue.heard()
    dialogue.say(error_message(code))
    dialogue.lose()
    assert dialogue.settled() == []
    dialogue.tick(10)
    assert dialogue.settled() == [request]
    assert isinstance(request.answer, Unreachable)
    assert error_message(code).text in str(request.answer)


def test_after_the_schedulers_goodbye_nothing_new_is_sent_and_results_still_count(dialogue):
    request = dialogue.add(submission(1))
    dialogue.accept()
    dialogue.heard()
    dialogue.say(Accepted(1), Goodbye(GoodbyeReason.SHUTTING_DOWN, reconnect_after=700), result(1, 1))
    dialogue.add(submission(2))
    assert dialogue.settled() == [request]
    assert dialogue.heard() == [Accepted(1)]
    dialogue.lose()
    assert dialogue.core.connect_at == pytest.approx(dialogue.now + 0.7)


def test_a_goodbye_instead_of_an_accept_is_tried_again(dialogue):
    dialogue.add(submission(1))
    dialogue.connect()
    dialogue.heard()
    dialogue.say(Goodbye(GoodbyeReason.SHUTTING_DOWN, text="restarting"))
    assert dialogue.core.closing
    dialogue.lose()
    assert dialogue.settled() == []
    assert dialogue.core.connect_at > dialogue.now


def test_leaving_says_goodbye_and_answers_what_waits(dialogue):
    request = dialogue.add(submission(1))
    dialogue.accept()
    dialogue.heard()
    dialogue.core.fail_all(ClientClosed("closed"))
    dialogue.core.leave()
    assert dialogue.heard() == [Goodbye(GoodbyeReason.DONE)]
    assert dialogue.core.closing
    assert dialogue.settled() == [request]
    assert isinstance(request.answer, ClientClosed)


def test_what_the_core_is_told_without_a_connection_does_no_harm(dialogue):
    dialogue.core.receive(b"late", dialogue.now)
    dialogue.core.disconnected(dialogue.now)
    dialogue.core.leave()
    dialogue.core.tick(dialogue.now)
    assert dialogue.heard() == []
    assert not dialogue.core.reached


def test_submissions_that_are_not_accepted_can_be_counted(dialogue):
    sent = dialogue.add(submission(1))
    dialogue.accept()
    dialogue.heard()
    queued = dialogue.add(submission(2))
    assert dialogue.core.unaccepted_submissions() == [sent, queued]
    dialogue.say(Accepted(1))
    assert dialogue.core.unaccepted_submissions() == [queued]


@pytest.mark.parametrize("split", [1, 2, 3, 7, 1000])
def test_any_split_of_the_stream_means_the_same(dialogue, split):
    requests = [dialogue.add(submission(number)) for number in range(4)]
    dialogue.accept()
    dialogue.heard()
    octets = b"".join(map(encode, [Accepted(4), *(result(number + 1, number) for number in range(4))]))
    for at in range(0, len(octets), split):
        dialogue.core.receive(octets[at : at + split], dialogue.now)
    assert dialogue.settled() == requests


def conflict(seq, number, existing):
    error = error_message(ErrorCode.UNIQUE_CONFLICT, command=Submit.COMMAND, seq=seq, task_id=task_id(number))
    return msgspec.structs.replace(error, existing_id=task_id(existing))


def test_a_submit_whose_unique_key_is_taken_awaits_the_task_that_has_it(dialogue):
    request = dialogue.add(submission(1))
    dialogue.accept()
    dialogue.heard()
    dialogue.say(conflict(1, 1, 7), Accepted(1))
    assert (request.existed, request.task_id, request.accepted) == (True, task_id(7), True)
    assert dialogue.heard() == [Await(2, task_id(7))]
    dialogue.say(Accepted(2), result(1, 7))
    assert dialogue.settled() == [request]
    assert not dialogue.core.busy


def test_a_conflict_with_a_task_that_is_awaited_here_already_shares_its_answer(dialogue):
    first, second = dialogue.add(submission(7)), dialogue.add(submission(1))
    dialogue.accept()
    dialogue.heard()
    dialogue.say(conflict(2, 1, 7), Accepted(2))
    assert dialogue.heard() == []
    dialogue.say(result(1, 7))
    assert dialogue.settled() == [first, second]


def test_a_conflict_of_a_task_whose_result_nobody_wants_is_done(dialogue):
    request = dialogue.add(submission(1, flags=0))
    dialogue.accept()
    dialogue.heard()
    dialogue.say(conflict(1, 1, 7), Accepted(1))
    assert dialogue.settled() == [request]
    assert (request.answer, request.task_id) == (DONE, task_id(7))


def test_a_conflict_is_repeated_as_an_await_after_a_reconnect(dialogue):
    dialogue.add(submission(1))
    dialogue.accept()
    dialogue.heard()
    dialogue.say(conflict(1, 1, 7), Accepted(1))
    dialogue.heard()
    dialogue.lose()
    dialogue.accept()
    assert dialogue.heard() == [Await(1, task_id(7))]


def test_a_schedule_is_done_when_it_is_accepted_and_repeated_until_then(dialogue):
    request = dialogue.add(ScheduleRequest(name="job", priority=5, tags={"every": 1000, "envelope": ENVELOPE}))
    dialogue.accept()
    put = Schedule(1, "job", ScheduleAction.PUT, 5, every=1000, envelope=ENVELOPE)
    assert dialogue.heard() == [put]
    dialogue.lose()
    dialogue.accept()
    assert dialogue.heard() == [put]
    dialogue.say(Accepted(1))
    assert (dialogue.settled(), request.answer) == ([request], DONE)


def test_a_schedule_that_is_refused_says_why(dialogue):
    request = dialogue.add(ScheduleRequest(name="job"))
    dialogue.accept()
    assert dialogue.heard() == [Schedule(1, "job", ScheduleAction.DELETE, 0)]
    dialogue.say(error_message(ErrorCode.UNKNOWN_SCHEDULE, command=Schedule.COMMAND, seq=1), Accepted(1))
    assert request.answer.code == ErrorCode.UNKNOWN_SCHEDULE


def test_a_tree_is_cancelled_as_a_tree(dialogue):
    dialogue.add(CancelRequest(task_id=task_id(1), mode=1, tree=True))
    dialogue.accept()
    assert dialogue.heard() == [Cancel(1, task_id(1), 0, 1, True)]
