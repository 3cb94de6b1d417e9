from wiretask_protocol.machines import AssignmentEvent
from wiretask_protocol.messages import Envelope
from wiretask_worker.core.assignment import Assignment
from wiretask_worker.core.timers import Timers


def assignment(*events):
    one = Assignment(bytes(16), 1, 1, 0, 0.0, 1, Envelope("t", "q", 0, b""))
    for event in events:
        assert one.advance(event)
    return one


def test_what_is_due_comes_out_once_in_order():
    timers = Timers()
    late, early = assignment(), assignment()
    timers.set(2.0, late)
    timers.set(1.0, early)
    assert timers.next() == 1.0
    assert timers.due(0.5) == []
    assert timers.due(3.0) == [early, late]
    assert timers.next() is None


def test_what_waited_and_has_begun_is_not_due():
    timers = Timers()
    one = assignment()
    timers.set(1.0, one)
    one.advance(AssignmentEvent.BEGIN)
    assert timers.next() is None


def test_what_runs_is_due_even_if_it_was_asked_to_stop_but_not_when_it_has_ended():
    timers = Timers()
    one = assignment(AssignmentEvent.BEGIN)
    timers.set(1.0, one)
    one.advance(AssignmentEvent.CANCEL)
    assert timers.next() == 1.0
    one.advance(AssignmentEvent.REPORT)
    assert timers.next() is None


def test_entries_that_nobody_waits_for_are_swept_out():
    timers = Timers()
    living = assignment(AssignmentEvent.BEGIN)
    timers.set(9.0, living)
    for _ in range(10_000):
        timers.set(5.0, assignment(AssignmentEvent.BEGIN, AssignmentEvent.REPORT))
    assert len(timers._heap) < 200
    assert timers.due(10.0) == [living]


def test_an_event_that_the_machine_does_not_know_changes_nothing():
    one = assignment(AssignmentEvent.BEGIN, AssignmentEvent.REPORT)
    for event in AssignmentEvent:
        assert not one.advance(event)
