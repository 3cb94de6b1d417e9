"""The core as transcripts: the test is the scheduler, the executors and the clock."""

import msgspec
import pytest

from wiretask_protocol.codec import decode_report, encode_envelope, encode_report
from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.messages import (
    Accepted,
    Cancel,
    CancelMode,
    CancelSupport,
    Credit,
    Envelope,
    Error,
    Gathered,
    Goodbye,
    GoodbyeReason,
    HeldLease,
    Hello,
    HelloKind,
    MemberResult,
    Outcome,
    Progress,
    QueueWeight,
    Report,
    Resource,
    Result,
    Resume,
    Retract,
    Return,
    ReturnReason,
    Role,
    Subscribe,
    Task,
    TypeSupport,
    VersionRange,
)
from wiretask_worker.core.assignment import Finished
from wiretask_worker.core.settings import TypeSettings
from wiretask_worker.reports import succeeded

NONCE = 77
GOOD = MemberResult(Outcome.SUCCEEDED, encode_report(Report(1, b"2")))
SESSION = b"session token 01"
SECOND = b"session token 02"


# -- the handshake


def test_a_worker_opens_with_its_versions_and_its_role(play):
    (hello,) = play.open().sends
    assert (hello.kind, hello.nonce, hello.role) == (HelloKind.OPEN, NONCE, Role.WORKER)
    assert hello.versions == VersionRange(1, 1)
    assert [tag for tag, _ in hello.unknown] == [0x7FA0 + NONCE % 16]


def test_an_accepted_worker_subscribes_and_gives_credit_and_asks_whether_it_was_heard(play):
    play.open()
    turn = play.accept()
    assert turn.sends == [
        Subscribe(
            (QueueWeight("default", 1),),
            (
                TypeSupport("work", CancelSupport.COOPERATIVE, 0),
                TypeSupport("hard", CancelSupport.HARD, 0),
                TypeSupport("brief", CancelSupport.COOPERATIVE, 0),
            ),
        ),
        Credit(4, 1000, 0, 2),
        Hello(HelloKind.PING, 1),
    ]
    assert turn.grease[0] in range(0xC0, 0xD0)
    assert not turn.ready
    assert play.hear(Hello(HelloKind.PONG, 1)).ready


def test_a_worker_is_ready_only_by_the_pong_of_its_subscription(play):
    play.open()
    play.accept()
    assert not play.hear(Hello(HelloKind.PONG, 5)).ready


def test_an_accept_of_another_open_is_not_taken(play):
    play.open()
    turn = play.hear(Hello(HelloKind.ACCEPT, NONCE + 1, version=1))
    assert turn.close
    assert not play.core.serving


def test_a_version_that_was_not_offered_is_not_taken(play):
    play.open()
    turn = play.hear(Hello(HelloKind.ACCEPT, NONCE, version=2))
    assert turn.close
    assert turn.sends == [
        error_message(
            ErrorCode.VERSION_MISMATCH, text="the scheduler has chosen version 2, which this worker does not speak"
        )
    ]


def test_a_refusal_for_ever_ends_the_worker(play):
    for code in (ErrorCode.VERSION_MISMATCH, ErrorCode.AUTH_FAILED, ErrorCode.ROLE_REFUSED):
        play.open()
        turn = play.hear(error_message(code))
        assert turn.refused is not None
        assert turn.refused.startswith(f"the scheduler refuses this worker: {code.name}: ")


def test_a_refusal_for_now_is_tried_again_when_it_says(play):
    play.open()
    turn = play.hear(error_message(ErrorCode.TOO_MANY_CONNECTIONS, retry_after=1500))
    assert turn.close
    assert turn.refused is None
    assert play.core.stay_away == 1.5


def test_a_refused_subscription_ends_the_worker(served):
    turn = served.hear(error_message(ErrorCode.FORBIDDEN, command=Subscribe.COMMAND))
    assert turn.refused == "the scheduler refuses this worker: FORBIDDEN: the token does not allow this"


def test_a_scheduler_that_does_not_accept_is_left(play):
    play.open()
    assert not play.wait(4.9).close
    assert play.wait(0.2).close


def test_an_error_of_an_unknown_code_is_only_noted(served):
    turn = served.hear(Error(9999, 1, 0, 0, 0, "from a later version"))
    assert not turn.close
    assert turn.refused is None
    assert [note.text for note in turn.notes] == ["the scheduler answers error 9999: from a later version"]


# -- signs of life


def test_a_ping_is_answered_with_its_nonce(served):
    assert served.hear(Hello(HelloKind.PING, 12345)).sends == [Hello(HelloKind.PONG, 12345)]


def test_a_silent_worker_pings_once_a_heartbeat(served):
    turn = served.wait(4.9)
    assert turn.sends == []
    served.core.heard(served.now)
    assert served.wait(0.2).sends == [Hello(HelloKind.PING, 2)]
    served.core.heard(served.now)
    assert served.wait(5.0).sends == [Hello(HelloKind.PING, 3)]


def test_the_heartbeat_is_the_one_that_the_scheduler_names(play):
    play.open()
    play.accept(heartbeat=200)
    assert play.wait(0.25).sends == [Hello(HelloKind.PING, 2)]


def test_a_silent_scheduler_is_left_after_three_heartbeats(served):
    turn = served.wait(15.1)
    assert turn.close
    assert turn.sends[-1].code == ErrorCode.SILENT
    assert "nothing has come from the scheduler for 15 s" in turn.notes[0].text


def test_any_octet_proves_life(served):
    for _ in range(10):
        served.core.heard(served.now)
        assert not served.wait(14).close


# -- tasks


def test_tasks_begin_in_the_order_of_their_arrival_as_far_as_the_slots_reach(served):
    turn = served.hear(*(served.assign(number) for number in (3, 1, 2)))
    assert served.ids(turn.starts) == [3, 1]
    assert turn.sends == [Credit(4, 1000, 1, 2)]
    turn = served.finish(1)
    assert served.ids(turn.starts) == [2]
    assert served.results(turn) == [(1, 1, Outcome.SUCCEEDED)]
    assert turn.sends[-1] == Credit(4, 1000, 2, 2)


def test_a_task_begins_with_what_came_with_it(served):
    (begun,) = served.hear(Task(served.id(5), 9, 3, 0, 0, served.assign(5, body=b"body").envelope)).starts
    assert (begun.task_id, begun.lease, begun.attempt) == (served.id(5), 9, 3)
    assert begun.envelope == Envelope("work", "default", 0, b"body")


def test_a_result_carries_what_the_attempt_has_come_to(served):
    served.hear(served.assign(1))
    turn = served.finish(
        1, Finished(Outcome.FAILED, succeeded(b"").report, no_retry=True, retry_after=5, exit_status=9)
    )
    assert turn.sends == [
        Result(1, served.id(1), 1, Outcome.FAILED, succeeded(b"").report, no_retry=True, retry_after=5, exit_status=9)
    ]


def test_a_task_that_costs_more_waits_for_as_many_slots(served):
    turn = served.hear(served.assign(1), served.assign(2, cost=2), served.assign(3))
    assert served.ids(turn.starts) == [1]
    assert served.ids(served.finish(1).starts) == [2]
    assert served.ids(served.finish(2).starts) == [3]


def test_a_task_that_costs_more_than_all_slots_runs_alone(new_play):
    play = new_play(concurrency=2, prefetch=8)
    play.serve()
    assert play.ids(play.hear(play.assign(1, cost=5), play.assign(2)).starts) == [1]
    assert play.ids(play.finish(1).starts) == [2]


def test_a_task_of_an_unknown_type_is_given_back_as_unsupported(served):
    turn = served.hear(served.assign(1, kind="other"))
    assert turn.sends == [
        Return(1, served.id(1), 1, ReturnReason.UNSUPPORTED, "this worker has no task of the type other")
    ]
    assert turn.starts == []


def test_a_body_in_an_encoding_that_is_not_known_is_given_back_unless_its_handler_takes_any(new_play):
    types = {name: TypeSettings(CancelSupport.COOPERATIVE, verbatim=name == "raw") for name in ("work", "raw")}
    play = new_play(types=types)
    play.serve()
    tasks = [
        Task(play.id(number), number, 1, 0, 0, encode_envelope(Envelope(kind, "default", 200, b"body")))
        for number, kind in enumerate(("work", "raw"), 1)
    ]
    turn = play.hear(*tasks)
    said = "this worker does not know the encoding 200"
    assert play.told(turn) == [Return(1, play.id(1), 1, ReturnReason.UNSUPPORTED, said)]
    assert play.ids(turn.starts) == [2]


@pytest.mark.parametrize(
    ("form", "results", "said"),
    [
        (7, (GOOD,), "this worker does not know the form 7 of results"),
        (2, (GOOD, GOOD), "a step of a chain gets one result, and here are 2"),
        (2, (), "a step of a chain gets one result, and here are 0"),
        (1, (GOOD, MemberResult(1, b"junk")), "the result 1 of the group cannot be read"),
        (1, (MemberResult(1, encode_report(Report(99, b"x"))),), "this worker does not know the encoding 99"),
    ],
)
def test_results_of_a_group_that_cannot_be_read_are_given_back_as_unsupported(served, form, results, said):
    task = msgspec.structs.replace(served.assign(1), gathered=Gathered(form, results))
    (returned,) = served.told(served.hear(task))
    assert (returned.reason, returned.text.startswith(said)) == (ReturnReason.UNSUPPORTED, True)


def test_results_of_a_group_come_to_their_handler(served):
    gathered = Gathered(1, (GOOD, MemberResult(Outcome.FAILED, encode_report(Report(77, b"", "ValueError", "no")))))
    (assignment,) = served.hear(msgspec.structs.replace(served.assign(1), gathered=gathered)).starts
    assert assignment.gathered == gathered


def test_a_worker_says_its_labels_and_what_it_has_of_each_resource(new_play):
    play = new_play(labels=("eu",), resources=(Resource("gpu", 2),))
    play.open()
    subscribe = play.accept().sends[0]
    assert (subscribe.labels, subscribe.resources) == (("eu",), (Resource("gpu", 2),))


def test_an_envelope_with_a_tag_that_must_be_understood_is_given_back_as_unsupported(served):
    raw = b"\x04work\x07default\x00\x01\x90\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    turn = served.hear(Task(served.id(1), 1, 1, 0, 0, raw))
    assert served.results(turn) == [(1, 1, ReturnReason.UNSUPPORTED)]
    assert not turn.close


def test_a_task_beyond_the_credit_is_given_back(served):
    turn = served.hear(*(served.assign(number) for number in range(1, 6)))
    assert served.ids(turn.starts) == [1, 2]
    assert served.results(turn) == [(1, 5, ReturnReason.OVERLOADED)]


def test_a_task_that_cannot_begin_in_its_time_is_given_back(served):
    served.hear(served.assign(1), served.assign(2), served.assign(3, remaining=500), served.assign(4))
    assert served.results(served.wait(0.6)) == [(1, 3, ReturnReason.OVERLOADED)]
    assert served.ids(served.finish(1).starts) == [4]


def test_a_task_that_has_begun_in_its_time_is_kept(served):
    served.hear(served.assign(1, remaining=500))
    assert served.results(served.wait(0.6)) == []


def test_a_newer_lease_of_a_task_takes_the_place_of_the_former(served):
    served.hear(served.assign(1, lease=5))
    turn = served.hear(served.assign(1, lease=6))
    assert [stop.mode for stop in turn.stops] == [CancelMode.SUPERSEDED]
    assert [begun.lease for begun in turn.starts] == [6]
    assert served.results(served.finish(1)) == []
    assert served.results(served.finish(1)) == [(1, 1, Outcome.SUCCEEDED)]


def test_an_older_lease_of_a_task_is_not_begun(served):
    served.hear(served.assign(1, lease=6))
    turn = served.hear(served.assign(1, lease=5), served.assign(1, lease=6))
    assert (turn.starts, turn.sends) == ([], [])


def test_a_report_over_the_limit_becomes_a_failure_that_says_so(play):
    play.open()
    play.accept(frame_limit=65536)
    play.hear(play.assign(1))
    (result,) = play.finish(1, succeeded(bytes(65536))).sends
    report = decode_report(result.report)
    assert (result.outcome, result.no_retry, report.error_type) == (Outcome.FAILED, True, "ResultTooLarge")
    assert "61440 is the limit" in report.error_message


def test_nothing_begins_while_the_output_is_full(served):
    served.core.pause(paused=True, now=served.now)
    assert served.hear(served.assign(1)).starts == []
    served.core.pause(paused=False, now=served.now)
    assert served.ids(served.turn().starts) == [1]


# -- time limits


def test_a_task_over_its_time_limit_is_reported_and_asked_to_stop_and_holds_its_slot(served):
    served.hear(served.assign(1, time_limit=1000), served.assign(2), served.assign(3))
    assert served.results(served.wait(0.9)) == []
    turn = served.wait(0.2)
    assert served.results(turn) == [(1, 1, Outcome.TIMED_OUT)]
    assert [(stop.assignment.task_id, stop.mode) for stop in turn.stops] == [(served.id(1), CancelMode.HARD)]
    assert turn.starts == []
    turn = served.finish(1)
    assert served.results(turn) == []
    assert served.ids(turn.starts) == [3]


def test_the_time_limit_of_the_type_holds_where_the_task_names_none(served):
    served.hear(served.assign(1, kind="brief"))
    assert served.results(served.wait(1.9)) == []
    assert served.results(served.wait(0.2)) == [(1, 1, Outcome.TIMED_OUT)]


def test_the_time_limit_of_the_task_goes_before_that_of_the_type(served):
    served.hear(served.assign(1, kind="brief", time_limit=9000))
    assert served.results(served.wait(8.9)) == []


def test_an_executor_that_can_stop_a_task_keeps_its_time_itself(served):
    served.hear(served.assign(1, kind="hard", time_limit=1000))
    assert served.results(served.wait(3)) == []


def test_a_task_that_ends_in_time_is_not_looked_at_again(served):
    served.hear(served.assign(1, time_limit=1000))
    served.finish(1)
    assert served.core._desk.timers.next() is None


def test_a_worker_whose_slots_are_all_stuck_gives_back_what_waits_and_takes_nothing(served):
    served.hear(*(served.assign(number, time_limit=1000 * (number < 3)) for number in (1, 2, 3)))
    turn = served.wait(2.5)
    assert served.results(turn) == [
        (1, 1, Outcome.TIMED_OUT),
        (2, 2, Outcome.TIMED_OUT),
        (3, 3, ReturnReason.OVERLOADED),
    ]
    assert turn.sends[-1] == Credit(0, 1000, 2, 2)
    assert served.finish(1).sends == [Credit(4, 1000, 2, 2)]


# -- cancel and retract


def cancel(play, number, seq=1, mode=CancelMode.COOPERATIVE, lease=0):
    return play.hear(Cancel(seq, play.id(number), lease or number, mode))


def test_a_waiting_task_is_cancelled_at_once(served):
    served.hear(*(served.assign(number) for number in (1, 2, 3)))
    turn = cancel(served, 3)
    assert served.results(turn) == [(1, 3, Outcome.CANCELLED)]
    assert turn.sends[-1] == Accepted(1)
    assert turn.stops == []
    assert served.finish(1).starts == []


@pytest.mark.parametrize("mode", [CancelMode.COOPERATIVE, CancelMode.HARD])
def test_a_running_task_is_asked_to_stop_and_reports_how_it_ended(served, mode):
    served.hear(served.assign(1))
    turn = cancel(served, 1, mode=mode)
    assert turn.sends == [Accepted(1)]
    assert [(stop.assignment.lease, stop.mode) for stop in turn.stops] == [(1, mode)]
    assert served.results(served.finish(1)) == [(1, 1, Outcome.SUCCEEDED)]


def test_a_superseded_task_is_stopped_and_nothing_is_said_of_it(served):
    served.hear(*(served.assign(number) for number in (1, 2, 3)))
    assert cancel(served, 1, mode=CancelMode.SUPERSEDED).sends == [Accepted(1)]
    assert cancel(served, 3, seq=2, mode=CancelMode.SUPERSEDED).sends == [Accepted(2)]
    turn = served.finish(1)
    assert (turn.sends, turn.starts) == ([], [])


def test_a_cancel_of_what_is_not_here_is_accepted(served):
    served.hear(served.assign(1, lease=7))
    assert cancel(served, 1, lease=6).stops == []
    assert cancel(served, 2, seq=2).sends == [Accepted(2)]


def test_several_cancels_are_accepted_by_one_message(served):
    turn = served.hear(*(Cancel(seq, served.id(seq), seq, CancelMode.HARD) for seq in (1, 2, 3)))
    assert turn.sends == [Accepted(3)]


def test_a_cancel_that_skips_a_seq_ends_the_connection(served):
    turn = cancel(served, 1, seq=2)
    assert turn.close
    assert turn.sends[0].code == ErrorCode.BAD_SEQUENCE


def test_a_waiting_task_goes_back_when_it_is_retracted(served):
    served.hear(*(served.assign(number) for number in (1, 2, 3)))
    turn = served.hear(Retract(served.id(3), 3))
    assert turn.sends == [Return(1, served.id(3), 3, ReturnReason.RETRACTED)]
    assert served.finish(1).starts == []


def test_a_running_task_is_kept_when_it_is_retracted_and_reports_as_ever(served):
    served.hear(served.assign(1))
    assert served.hear(Retract(served.id(1), 1)).sends == [Return(1, served.id(1), 1, ReturnReason.KEPT)]
    assert served.results(served.finish(1)) == [(2, 1, Outcome.SUCCEEDED)]


def test_a_stopping_task_is_kept_when_it_is_retracted(served):
    served.hear(served.assign(1))
    cancel(served, 1)
    assert served.hear(Retract(served.id(1), 1)).sends == [Return(1, served.id(1), 1, ReturnReason.KEPT)]


def test_what_has_been_answered_is_not_answered_again_when_it_is_retracted(served):
    served.hear(served.assign(1), served.assign(2, kind="other"))
    served.finish(1)
    assert served.hear(Retract(served.id(1), 1), Retract(served.id(2), 2)).sends == []


# -- acknowledgement


def test_results_are_kept_until_they_are_accepted(served):
    served.hear(served.assign(1), served.assign(2))
    served.finish(1)
    served.finish(2)
    assert served.core.undelivered == 2
    served.hear(Accepted(1))
    assert served.core.undelivered == 1
    served.hear(Accepted(2))
    assert served.core.undelivered == 0


def test_an_accepted_of_what_was_not_sent_ends_the_connection(served):
    turn = served.hear(Accepted(1))
    assert turn.close
    assert turn.sends[0].code == ErrorCode.BAD_SEQUENCE


def test_no_more_results_than_the_accept_allows_are_under_way(play):
    play.open()
    play.accept(in_flight=1)
    play.hear(play.assign(1), play.assign(2))
    assert play.results(play.finish(1)) == [(1, 1, Outcome.SUCCEEDED)]
    assert play.results(play.finish(2)) == []
    assert play.results(play.hear(Accepted(1))) == [(2, 2, Outcome.SUCCEEDED)]


def test_nothing_begins_while_too_much_waits_to_be_accepted(served):
    served.hear(served.assign(1))
    served.core._desk.results.octets += 1 << 30
    assert served.finish(1).starts == []
    assert served.hear(served.assign(2)).starts == []


# -- lost connections


def test_after_a_lost_connection_the_leases_are_resumed_before_anything_else(served):
    served.hear(*(served.assign(number) for number in (1, 2, 3)))
    served.finish(1)
    served.lose()
    served.open()
    turn = served.accept(SECOND)
    held = tuple(HeldLease(served.id(number), number) for number in (2, 3, 1))
    assert set(turn.sends[0].leases) == set(held)
    assert turn.sends == [Resume(SESSION, turn.sends[0].leases)]
    turn = served.hear(Resume(SECOND, held))
    assert [type(message) for message in turn.sends] == [Subscribe, Credit, Hello, Result]
    assert served.results(turn) == [(1, 1, Outcome.SUCCEEDED)]
    assert served.results(served.finish(2)) == [(2, 2, Outcome.SUCCEEDED)]


def test_nothing_is_sent_and_nothing_begins_without_a_connection(served):
    served.hear(*(served.assign(number) for number in (1, 2, 3)))
    served.lose()
    turn = served.finish(1)
    assert (turn.sends, turn.starts) == ([], [])


def test_what_the_scheduler_does_not_keep_is_abandoned_and_not_reported(served):
    served.hear(*(served.assign(number) for number in (1, 2, 3)))
    served.finish(1)
    served.lose()
    served.open()
    served.accept(SECOND)
    turn = served.hear(Resume(SECOND, ()))
    assert served.results(turn) == []
    assert [(stop.assignment.lease, stop.mode) for stop in turn.stops] == [
        (2, CancelMode.SUPERSEDED),
        (3, CancelMode.SUPERSEDED),
    ]
    assert served.finish(2).sends == []
    assert served.core.undelivered == 0


def test_a_resume_is_sent_even_if_nothing_is_held(served):
    served.lose()
    served.open()
    assert served.accept(SECOND).sends == [Resume(SESSION, ())]


def test_the_session_of_the_next_resume_is_the_one_of_the_answer(served):
    for token in (SECOND, b"session token 03"):
        served.lose()
        served.open()
        served.accept(b"not this one    ")
        served.hear(Resume(token, ()))
    served.lose()
    served.open()
    assert served.accept().sends == [Resume(b"session token 03", ())]


def test_a_resume_that_was_not_answered_is_sent_again_with_the_same_token(served):
    served.hear(served.assign(1))
    held = Resume(SESSION, (HeldLease(served.id(1), 1),))
    for token in (SECOND, b"session token 03"):
        served.lose()
        served.open()
        assert served.accept(token).sends == [held]


@pytest.mark.parametrize("keeps", [True, False])
def test_a_return_that_was_not_accepted_is_sent_again_where_its_lease_is_kept(served, keeps):
    lease = HeldLease(served.id(1), 1)
    served.hear(served.assign(1, kind="other"))
    served.lose()
    served.open()
    assert served.accept(SECOND).sends == [Resume(SESSION, (lease,))]
    again = served.results(served.hear(Resume(SECOND, (lease,) if keeps else ())))
    assert again == ([(1, 1, ReturnReason.UNSUPPORTED)] if keeps else [])


def test_that_a_lease_is_kept_is_said_by_the_resume(served):
    lease = HeldLease(served.id(1), 1)
    served.hear(served.assign(1))
    served.hear(Retract(served.id(1), 1))
    served.lose()
    served.open()
    assert served.accept(SECOND).sends == [Resume(SESSION, (lease,))]
    assert served.results(served.hear(Resume(SECOND, (lease,)))) == []


def test_who_leaves_does_not_wait_for_a_return_to_be_accepted_on_another_connection(served):
    served.hear(served.assign(1, kind="other"))
    served.core.drain(served.now)
    served.turn()
    assert not served.core.drained
    served.lose()
    assert served.core.drained


def test_a_scheduler_without_sessions_gets_nothing_of_the_former_connection(play):
    play.open()
    play.accept(session=None)
    play.hear(play.assign(1), play.assign(2))
    play.finish(1)
    play.lose()
    play.open()
    turn = play.accept(session=None)
    assert play.results(turn) == []
    assert [stop.assignment.lease for stop in turn.stops] == [2]


def test_an_answer_to_a_resume_that_was_not_sent_ends_the_connection(served):
    assert served.hear(Resume(SECOND, ())).close


def test_a_scheduler_that_does_not_answer_the_resume_is_left(served):
    served.lose()
    served.open()
    served.accept(SECOND)
    for _ in range(3):
        assert not served.wait(3).close
        served.core.heard(served.now)
    assert served.wait(2).close


def test_the_seq_of_each_direction_begins_anew_on_each_connection(served):
    cancel(served, 9)
    served.hear(served.assign(1))
    served.finish(1)
    served.lose()
    served.open()
    served.accept(SECOND)
    turn = served.hear(Resume(SECOND, (HeldLease(served.id(1), 1),)))
    assert served.results(turn) == [(1, 1, Outcome.SUCCEEDED)]
    assert cancel(served, 9, seq=1).sends == [Accepted(1)]


def test_when_the_scheduler_says_goodbye_what_runs_is_reported_and_nothing_begins(served):
    served.hear(*(served.assign(number) for number in (1, 2, 3)))
    served.hear(Goodbye(GoodbyeReason.SHUTTING_DOWN, reconnect_after=2500))
    turn = served.finish(1)
    assert served.results(turn) == [(1, 1, Outcome.SUCCEEDED)]
    assert turn.starts == []
    assert served.core.stay_away == 2.5


# -- draining


def test_a_drain_says_goodbye_gives_back_what_waits_and_finishes_what_runs(served):
    served.hear(*(served.assign(number) for number in (1, 2, 3)))
    served.core.drain(served.now)
    turn = served.turn()
    assert turn.sends == [Goodbye(GoodbyeReason.DRAIN), Return(1, served.id(3), 3, ReturnReason.DRAIN)]
    assert served.results(served.finish(1)) == [(2, 1, Outcome.SUCCEEDED)]
    assert served.results(served.finish(2)) == [(3, 2, Outcome.SUCCEEDED)]
    assert not served.core.drained
    served.hear(Accepted(3))
    assert served.core.drained


def test_a_task_that_crosses_the_goodbye_is_given_back(served):
    served.core.drain(served.now)
    served.turn()
    assert served.results(served.hear(served.assign(1))) == [(1, 1, ReturnReason.DRAIN)]


def test_a_second_drain_changes_nothing(served):
    served.core.drain(served.now)
    served.turn()
    served.core.drain(served.now)
    assert served.turn().sends == []


def test_an_idle_worker_is_drained_at_once_connected_or_not(play):
    play.core.drain(play.now)
    assert play.core.drained


def test_a_drain_without_a_connection_delivers_its_results_on_the_next_one(served):
    served.hear(*(served.assign(number) for number in (1, 2, 3)))
    served.lose()
    served.core.drain(served.now)
    served.finish(1)
    served.open()
    assert {lease.lease for lease in served.accept(SECOND).sends[0].leases} == {1, 2}
    turn = served.hear(Resume(SECOND, (HeldLease(served.id(1), 1), HeldLease(served.id(2), 2))))
    assert turn.sends[0] == Goodbye(GoodbyeReason.DRAIN)
    assert served.results(turn) == [(1, 1, Outcome.SUCCEEDED)]
    served.finish(2)
    served.hear(Accepted(2))
    assert served.core.drained


def test_a_drain_during_a_resume_gives_back_what_waits_once_it_can(served):
    served.hear(*(served.assign(number) for number in (1, 2, 3)))
    served.lose()
    served.open()
    resume = served.accept(SECOND).sends[0]
    served.core.drain(served.now)
    assert served.turn().sends == []
    turn = served.hear(Resume(SECOND, resume.leases))
    assert served.told(turn) == [Goodbye(GoodbyeReason.DRAIN), Return(1, served.id(3), 3, ReturnReason.DRAIN)]


def test_a_drain_gives_up_when_the_scheduler_stays_away(served):
    served.hear(served.assign(1))
    served.lose()
    served.core.drain(served.now)
    served.wait(100)
    assert not served.core.gave_up(served.now)  # what runs is waited for
    served.finish(1)
    assert served.core.gave_up(served.now)
    assert served.core.undelivered == 1


def test_a_drain_waits_for_the_scheduler_for_a_while(served):
    served.hear(served.assign(1))
    served.core.drain(served.now)
    served.turn()
    served.finish(1)
    served.lose()
    served.wait(9.9)
    assert not served.core.gave_up(served.now)
    served.wait(0.2)
    assert served.core.gave_up(served.now)


# -- progress


def step(play, number, current, body=b""):
    (assignment,) = [one for one in play.running if one.task_id == play.id(number)]
    play.core.progressed(assignment, current, 10, body, None, play.now)
    return play.turn().sends


def progress(play, number, current, body=b""):
    return Progress(play.id(number), number, current, 10, body)


def test_the_first_progress_goes_at_once_and_then_the_latest_ten_times_a_second(served):
    served.hear(served.assign(1))
    assert step(served, 1, 1) == [progress(served, 1, 1)]
    assert [step(served, 1, current) for current in range(2, 9)] == [[]] * 7
    assert served.wait(0.11).sends == [progress(served, 1, 8)]
    assert served.wait(0.5).sends == []


def test_progress_with_a_body_is_not_left_out(served):
    served.hear(served.assign(1))
    step(served, 1, 1)
    for current in (2, 3, 4):
        step(served, 1, current, b"line")
    assert served.wait(0.11).sends == [progress(served, 1, current, b"line") for current in (2, 3, 4)]


def test_progress_goes_before_the_result(served):
    served.hear(served.assign(1))
    step(served, 1, 1)
    step(served, 1, 2)
    turn = served.finish(1)
    assert turn.sends[0] == progress(served, 1, 2)
    assert served.results(turn) == [(1, 1, Outcome.SUCCEEDED)]


def test_progress_without_a_connection_or_after_the_end_is_dropped(served):
    served.hear(served.assign(1, time_limit=1000))
    served.wait(1.1)
    assert step(served, 1, 1) == []
    served.hear(served.assign(2))
    served.lose()
    assert step(served, 2, 1) == []


def test_a_body_over_the_limit_is_dropped(play):
    play.open()
    play.accept(frame_limit=65536)
    play.hear(play.assign(1))
    assert step(play, 1, 1, bytes(65536)) == []
