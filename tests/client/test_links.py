"""What the core does with submissions that name others: with `after`, in groups, and with unique keys."""

import pytest

from wiretask_client.core import ScheduleRequest, SubmitRequest
from wiretask_client.core.requests import DONE
from wiretask_client.errors import BadCall, ClientClosed, OutcomeUnknown, Refused, UnknownTask
from wiretask_client.ids import placement
from wiretask_protocol.codec import encode_envelope, encode_report
from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.messages import (
    Accepted,
    Await,
    Cancel,
    CancelMode,
    Encoding,
    Envelope,
    Gather,
    GatherForm,
    Group,
    Outcome,
    Report,
    Result,
    Schedule,
    Submit,
    SubmitFlags,
    UniqueKey,
)

ENVELOPE = encode_envelope(Envelope("sha256", "default", Encoding.RAW, b"Hello"))
REPORT = encode_report(Report(Encoding.RAW, b"digest"))
UNIQUE = UniqueKey("k", 1, 2, 0)


def task_id(number):
    return number.to_bytes(14, "big") + placement("default").to_bytes(2, "big")


def submission(number, *, flags=int(SubmitFlags.WANT_RESULT), **tags):
    return SubmitRequest(task_id=task_id(number), priority=5, envelope=ENVELOPE, flags=flags, tags=tags)


def member(number, callback, place=0, **tags):
    return submission(number, flags=0, group=Group(task_id(callback), place), **tags)


def callback(number, size, **tags):
    return submission(number, gather=Gather(size, GatherForm.LIST), **tags)


def result(seq, number):
    return Result(seq, task_id(number), 0, Outcome.SUCCEEDED, REPORT)


def conflict(seq, existing):
    return error_message(ErrorCode.UNIQUE_CONFLICT, command=Submit.COMMAND, seq=seq, existing_id=task_id(existing))


def refused(seq, code=ErrorCode.QUEUE_FULL):
    return error_message(code, command=Submit.COMMAND, seq=seq)


def numbers(messages):
    """The tasks that these messages are about."""
    return [int.from_bytes(message.task_id[:14], "big") for message in messages]


def served(dialogue, *requests):
    for request in requests:
        dialogue.add(request)
    dialogue.accept()
    return requests


# after


def test_what_waits_for_a_task_goes_out_with_it(dialogue):
    served(dialogue, submission(1), submission(2, after=(task_id(1),)))
    first, second = dialogue.heard()
    assert (first.after, second.after) == (None, (task_id(1),))


def test_what_waits_for_a_task_with_a_unique_key_goes_out_when_it_is_known_which_task_that_is(dialogue):
    served(dialogue, submission(1, unique=UNIQUE), submission(2, after=(task_id(1),)), submission(3))
    assert numbers(dialogue.heard()) == [1]
    dialogue.say(Accepted(1))
    second, third = dialogue.heard()
    assert (second.after, numbers([third])) == ((task_id(1),), [3])


def test_what_waits_for_a_task_that_was_there_already_names_that_one(dialogue):
    served(dialogue, submission(1, unique=UNIQUE), submission(2, after=(task_id(9), task_id(1), task_id(7))))
    dialogue.heard()
    dialogue.say(conflict(1, 7), Accepted(1))
    dependent, awaiting = dialogue.heard()
    assert dependent.after == (task_id(9), task_id(7))
    assert awaiting == Await(3, task_id(7))


def test_tags_that_many_share_are_left_as_they_are(dialogue):
    shared = {"after": (task_id(1),)}
    requests = [SubmitRequest(task_id=task_id(n), priority=5, envelope=ENVELOPE, tags=shared) for n in (2, 3)]
    served(dialogue, submission(1, unique=UNIQUE), *requests)
    dialogue.heard()
    dialogue.say(conflict(1, 7), Accepted(1))
    assert [each.after for each in dialogue.heard() if isinstance(each, Submit)] == [(task_id(7),)] * 2
    assert shared == {"after": (task_id(1),)}


def test_what_waits_for_a_task_that_was_refused_is_left_to_the_scheduler(dialogue):
    first, second = served(dialogue, submission(1, unique=UNIQUE), submission(2, after=(task_id(1),)))
    dialogue.heard()
    dialogue.say(refused(1), Accepted(1))
    assert numbers(dialogue.heard()) == [2]
    dialogue.say(refused(2, ErrorCode.UNKNOWN_DEPENDENCY), Accepted(2))
    assert [request.answer.code for request in (first, second)] == [406, 411]


def test_what_waits_for_a_later_submission_does_not_wait_for_ever(dialogue):
    served(dialogue, submission(2, after=(task_id(1),)), submission(1, unique=UNIQUE))
    assert numbers(dialogue.heard()) == [2, 1]


def test_what_waits_for_a_task_that_was_let_go_does_not_wait_for_ever(dialogue):
    unique, _ = served(dialogue, submission(1, unique=UNIQUE), submission(2, after=(task_id(1),)))
    dialogue.core.abandon(unique)
    assert numbers(dialogue.heard()) == [2]


def test_after_a_reconnect_tasks_are_repeated_before_what_waits_for_them(dialogue):
    served(dialogue, submission(1), submission(2, after=(task_id(1),)), submission(3, after=(task_id(2),)))
    dialogue.heard()
    dialogue.lose()
    dialogue.accept()
    again = dialogue.heard()
    assert numbers(again) == [1, 2, 3]
    assert all(each.flags & SubmitFlags.REPEAT for each in again)


def test_after_a_reconnect_what_was_held_back_is_held_back_again(dialogue):
    served(dialogue, submission(1, unique=UNIQUE), submission(2, after=(task_id(1),)))
    assert numbers(dialogue.heard()) == [1]
    dialogue.lose()
    dialogue.accept()
    assert numbers(dialogue.heard()) == [1]
    dialogue.say(conflict(1, 7), Accepted(1))
    dependent, awaiting = dialogue.heard()
    assert (dependent.after, type(awaiting)) == ((task_id(7),), Await)


def test_a_connection_that_is_lost_after_a_conflict_keeps_the_other_name(dialogue):
    served(dialogue, submission(1, unique=UNIQUE), submission(2, after=(task_id(1),)))
    dialogue.heard()
    dialogue.say(conflict(1, 7), Accepted(1))
    dialogue.lose()
    dialogue.accept()
    awaiting, dependent = sorted(dialogue.heard(), key=lambda each: isinstance(each, Submit))
    assert (awaiting.task_id, dependent.after) == (task_id(7), (task_id(7),))


def test_names_that_have_changed_are_not_kept_for_ever(dialogue, monkeypatch):
    monkeypatch.setattr("wiretask_client.core.links._MOVED_MAXIMUM", 1)
    served(dialogue, submission(1, unique=UNIQUE), submission(2, unique=UNIQUE))
    dialogue.heard()
    dialogue.say(conflict(1, 7), conflict(2, 7), Accepted(2))
    dialogue.add(submission(3, flags=0, after=(task_id(1), task_id(2))))
    assert [each.after for each in dialogue.heard() if isinstance(each, Submit)] == [(task_id(1), task_id(7))]


def test_more_dependencies_than_a_frame_holds_are_refused_here(dialogue):
    (request,) = [submission(1, after=tuple(map(task_id, range(5000))))]
    dialogue.add(request)
    dialogue.accept(frame_limit=65536)
    assert dialogue.heard() == []
    assert dialogue.settled() == [request]
    assert request.answer.code == ErrorCode.TASK_TOO_LARGE


# Unique keys


def test_a_conflict_of_a_task_that_nobody_waits_for_any_more_changes_nothing(dialogue):
    (request,) = served(dialogue, submission(1, unique=UNIQUE))
    dialogue.heard()
    dialogue.core.abandon(request)
    dialogue.say(conflict(1, 7), Accepted(1))
    assert dialogue.heard() == []
    assert not dialogue.core.busy


@pytest.mark.parametrize("ends", [refused(2, ErrorCode.UNKNOWN_TASK), result(1, 7)])
def test_the_task_that_was_there_always_gives_an_answer(dialogue, ends):
    (request,) = served(dialogue, submission(1, unique=UNIQUE))
    dialogue.heard()
    dialogue.say(conflict(1, 7), Accepted(1))
    dialogue.heard()
    dialogue.say(ends, Accepted(2))
    assert dialogue.settled() == [request]
    assert isinstance(request.answer, UnknownTask | Result)
    assert not dialogue.core.busy


def test_a_conflict_that_names_nobody_is_a_refusal(dialogue):
    (request,) = served(dialogue, submission(1, unique=UNIQUE))
    dialogue.heard()
    dialogue.say(refused(1, ErrorCode.UNIQUE_CONFLICT), Accepted(1))
    assert dialogue.settled() == [request]
    assert isinstance(request.answer, Refused)


def test_one_id_submitted_twice_with_a_key_that_is_taken_is_answered_twice(dialogue):
    both = served(dialogue, submission(1, unique=UNIQUE), submission(1, unique=UNIQUE))
    dialogue.heard()
    dialogue.say(conflict(1, 7), conflict(2, 7), Accepted(2))
    assert dialogue.heard() == [Await(3, task_id(7))]
    dialogue.say(Accepted(3), result(1, 7))
    assert dialogue.settled() == list(both)
    assert not dialogue.core.busy


def test_who_awaits_an_id_that_became_another_awaits_the_other(dialogue):
    request = submission(1, unique=UNIQUE)
    awaiting = SubmitRequest(task_id=task_id(1), accepted=True)
    served(dialogue, request, awaiting)
    dialogue.heard()
    dialogue.say(conflict(1, 7), Accepted(1))
    assert dialogue.heard() == [Await(2, task_id(7))]
    dialogue.say(Accepted(2), result(1, 7))
    assert dialogue.settled() == [request, awaiting]


def test_a_key_that_the_task_itself_took_before_the_connection_was_lost_is_no_conflict(dialogue):
    (request,) = served(dialogue, submission(1, unique=UNIQUE))
    dialogue.heard()
    dialogue.lose()
    dialogue.accept()
    dialogue.heard()
    dialogue.say(Accepted(1), result(1, 1))
    assert dialogue.settled() == [request]
    assert not request.existed


# Groups


def test_a_group_is_repeated_in_its_order_with_the_callback_last(dialogue):
    served(dialogue, member(1, 3), member(2, 3, 1), callback(3, 2))
    dialogue.heard()
    dialogue.say(Accepted(1))
    dialogue.lose()
    dialogue.accept()
    again = dialogue.heard()
    assert numbers(again) == [2, 3]
    assert [each.gather for each in again] == [None, Gather(2, GatherForm.LIST)]


def test_a_callback_does_not_wait_for_a_member_that_was_refused(dialogue):
    first, second, last = served(dialogue, member(1, 3), member(2, 3, 1), callback(3, 2))
    dialogue.heard()
    dialogue.say(refused(2), Accepted(3))
    assert dialogue.settled() == [second, last, first]
    assert (first.answer, last.answer.code) == (DONE, ErrorCode.QUEUE_FULL)
    assert dialogue.heard() == [Cancel(4, task_id(3), 0, CancelMode.COOPERATIVE)]
    dialogue.say(Accepted(4))
    assert not dialogue.core.busy


def test_what_was_not_sent_of_a_group_that_cannot_be_complete_is_not_sent(dialogue):
    for request in (member(1, 4), member(2, 4, 1), member(3, 4, 2), callback(4, 3), submission(5)):
        dialogue.add(request)
    dialogue.accept(in_flight=1)
    assert numbers(dialogue.heard()) == [1]
    dialogue.say(refused(1), Accepted(1))
    assert [request.answer.code for request in dialogue.settled()] == [ErrorCode.QUEUE_FULL] * 4
    assert numbers(dialogue.heard()) == [5]


def test_a_step_that_is_refused_ends_all_steps_after_it(dialogue):
    chain = [
        member(1, 2),
        member(2, 3, gather=Gather(1, GatherForm.VALUE)),
        callback(3, 1),
    ]
    served(dialogue, *chain)
    dialogue.heard()
    dialogue.say(refused(1), Accepted(3))
    assert [request.answer.code for request in chain] == [ErrorCode.QUEUE_FULL] * 3
    assert numbers(dialogue.heard()) == [2, 3]


def test_a_long_chain_ends_as_quickly_as_a_short_one(dialogue):
    steps = [member(number, number + 1, gather=Gather(1, GatherForm.VALUE)) for number in range(20_000)]
    for request in (*steps, callback(20_000, 1)):
        dialogue.add(request)
    dialogue.accept(in_flight=1)
    dialogue.heard()
    dialogue.say(refused(1), Accepted(1))
    assert len(dialogue.settled()) == 20_001
    assert dialogue.heard() == []
    assert not dialogue.core.busy


def test_a_group_in_a_group_that_cannot_be_complete_is_not_sent_either(dialogue):
    inner = [member(2, 4), member(3, 4, 1), member(4, 5, 1, gather=Gather(2, GatherForm.LIST))]
    for request in (member(1, 5), *inner, callback(5, 2)):
        dialogue.add(request)
    dialogue.accept(in_flight=1)
    dialogue.heard()
    dialogue.say(refused(1), Accepted(1))
    assert len(dialogue.settled()) == 5
    assert dialogue.heard() == []
    assert not dialogue.core.busy


def test_a_member_that_cannot_be_written_ends_its_group(dialogue):
    broken = SubmitRequest(task_id=b"short", flags=0, envelope=ENVELOPE, tags={"group": Group(task_id(2), 0)})
    _, last = served(dialogue, broken, callback(2, 1))
    assert dialogue.heard() == []
    assert isinstance(last.answer, BadCall)


def test_a_member_that_may_not_be_repeated_ends_its_group(dialogue):
    first, last = served(dialogue, member(1, 2), callback(2, 1))
    dialogue.heard()
    dialogue.lose()
    dialogue.now += 3601
    dialogue.accept()
    assert {type(each.answer) for each in (first, last)} == {OutcomeUnknown}
    assert numbers(each for each in dialogue.heard() if isinstance(each, Cancel)) == [2]


def test_a_callback_that_is_refused_has_its_error_and_its_members_go_on(dialogue):
    first, last = served(dialogue, member(1, 2), callback(2, 1))
    dialogue.heard()
    dialogue.say(refused(2, ErrorCode.BAD_GROUP), Accepted(2))
    assert (first.answer, last.answer.code) == (DONE, ErrorCode.BAD_GROUP)
    assert dialogue.heard() == []


def test_closing_answers_members_and_callback(dialogue):
    both = served(dialogue, member(1, 2), callback(2, 1))
    dialogue.core.fail_all(ClientClosed("closed"))
    assert {type(each.answer) for each in both} == {ClientClosed}
    assert not dialogue.core.busy


# Schedules


def test_a_removal_that_is_repeated_and_finds_nothing_has_been_done(dialogue):
    request = dialogue.add(ScheduleRequest(name="job"))
    dialogue.accept()
    dialogue.heard()
    dialogue.lose()
    dialogue.accept()
    dialogue.heard()
    dialogue.say(error_message(ErrorCode.UNKNOWN_SCHEDULE, command=Schedule.COMMAND, seq=1), Accepted(1))
    assert (dialogue.settled(), request.answer) == ([request], DONE)


def test_a_recurring_task_that_is_too_large_is_refused_here(dialogue):
    request = dialogue.add(ScheduleRequest(name="job", tags={"every": 1, "envelope": ENVELOPE + bytes(65536)}))
    dialogue.accept(frame_limit=65536)
    assert dialogue.heard() == []
    assert request.answer.code == ErrorCode.TASK_TOO_LARGE
