"""What leaves, in which order, and what waits: a world of peers that are lists of messages."""

import pytest

from wiretask_protocol import codec
from wiretask_protocol.connection import Connection
from wiretask_protocol.limits import FRAME_LIMIT, FRAME_LIMIT_FLOOR
from wiretask_protocol.machines import ClientConnectionState, WorkerConnectionState
from wiretask_protocol.messages import Accepted, Envelope, Progress, Report, Result
from wiretask_scheduler.core import Dispatch, Turn
from wiretask_scheduler.core.tasks import Options, Task
from wiretask_scheduler.core.turn import Ended, Inserted
from wiretask_scheduler.outbox import HELD_OCTETS, PIECE_OCTETS, Found, Outbox

OPTIONS = Options("add", "default", 5, time_limit=1500)


def envelope(text):
    return codec.encode_envelope(Envelope("add", "default", 0, text))


def report(text):
    return codec.encode_report(Report(0, text))


def task_id(number):
    return number.to_bytes(16, "big")


class World:
    """An outbox, its peers and its store."""

    def __init__(self, **arguments):
        self.written = {}
        self.full = set()
        self.limits = {}
        self.asked = []
        self.failures = []
        self.idle = []
        self.unsaid = []
        self.outbox = Outbox(
            self.write,
            lambda wanted, arrived: self.asked.append((wanted, arrived)),
            limit=lambda peer: self.limits.get(peer, FRAME_LIMIT),
            failed=lambda error: self.failures.append(str(error)),
            idle=self.idle.append,
            unsaid=lambda peer, error: self.unsaid.append((peer, str(error))),
            **arguments,
        )

    def write(self, peer, octets):
        self.written.setdefault(peer, []).append(octets)
        return peer not in self.full

    def got(self, peer):
        """The messages that a peer got since the last look."""
        worker = peer >= 10
        connection = Connection("worker" if worker else "client")
        connection._enter(WorkerConnectionState.ACCEPTED if worker else ClientConnectionState.ACCEPTED)
        return connection.receive(b"".join(self.written.pop(peer, [])))

    def insert(self, *tasks, body=b"body"):
        """Takes and releases a turn that inserts tasks."""
        turn = Turn()
        for task in tasks:
            turn.changes.inserted.append(
                Inserted(task.seq, task.id, task.options, 3, 1, None, None, None, envelope(body))
            )
        self.outbox.take(turn)
        self.outbox.release(turn)

    def answer(self, bodies=None, reports=None, parts=None):
        """Answers the oldest question to the store."""
        wanted, arrived = self.asked.pop(0)
        arrived(Found(bodies or {}, reports or {}, parts or {}))
        return list(wanted.bodies), list(wanted.reports)


@pytest.fixture
def world():
    return World()


def task(seq, lease=0):
    return Task(task_id(seq), seq, OPTIONS, len(envelope(b"body")), 1, lease=lease)


def sending(**sends):
    turn = Turn()
    for peer, messages in sends.items():
        turn.sends[int(peer[1:])] = list(messages)
    return turn


def dispatch(leased):
    return Dispatch(leased, leased.lease, 1, 250)


def result(seq, text=b"done", *, keep=True, turn=None):
    raw = report(text)
    if turn is not None:
        turn.changes.ended.append(Ended(seq, 5, 1, 1, raw if keep else None, (), 2, 3))
    return Result(seq, task_id(seq), 0, 1, raw, attempt=1)


# -- joining --


def test_what_cannot_be_written_costs_one_peer_and_no_other(world):
    turn = Turn()
    turn.send(1, Result(1 << 64, task_id(1), 0, 1, report(b"done")))
    turn.send(2, Accepted(5))
    world.outbox.take(turn)
    world.outbox.release(turn)
    ((peer, error),) = world.unsaid
    assert (peer, error.partition(" ")[0]) == (1, "OUT_OF_RANGE:")
    assert world.got(2) == [Accepted(5)]
    assert 1 not in world.written
    assert world.failures == []


def test_a_task_leaves_with_its_envelope_spliced_in(world):
    leased = task(1, lease=9)
    world.insert(leased)
    world.outbox.release(sending(p10=[Accepted(4), dispatch(leased)]))
    accepted, sent = world.got(10)
    assert accepted == Accepted(4)
    assert (sent.task_id, sent.lease, sent.attempt, sent.time_limit, sent.remaining) == (task_id(1), 9, 1, 1500, 250)
    assert sent.envelope == envelope(b"body")
    assert world.asked == []


def test_what_goes_to_one_peer_is_written_in_one_piece(world):
    world.outbox.release(sending(p1=[Accepted(1), Accepted(2)], p2=[Accepted(3)]))
    assert [len(world.written[peer]) for peer in (1, 2)] == [1, 1]


def test_a_dispatch_whose_lease_is_not_current_any_more_does_not_leave(world):
    leased = task(1, lease=9)
    world.insert(leased)
    sent = dispatch(leased)
    leased.lease = 10
    world.outbox.release(sending(p10=[sent, Accepted(1)]))
    assert world.got(10) == [Accepted(1)]


def test_the_envelope_of_an_ended_task_is_dropped(world):
    world.insert(task(1), task(2))
    held = world.outbox.octets
    turn = Turn()
    result(1, turn=turn)
    world.outbox.release(turn)
    assert world.outbox.octets == held // 2


def test_octets_of_a_turn_are_its_bodies_and_reports(world):
    turn = Turn()
    turn.changes.inserted.append(Inserted(1, task_id(1), OPTIONS, 3, 1, None, None, None, b"x" * 100))
    result(2, b"r" * 50, turn=turn)
    result(3, keep=False, turn=turn)
    assert world.outbox.take(turn) == 100 + len(report(b"r" * 50))


# -- reading what is not here --


def test_a_peer_that_has_waited_for_the_store_is_said_to_wait_no_more(world):
    leased = task(1, lease=8)
    world.outbox.release(sending(p10=[dispatch(leased)]))
    assert (world.outbox.is_waiting(10), world.idle) == (True, [])
    world.answer({1: envelope(b"body")})
    assert (world.outbox.is_waiting(10), world.idle) == (False, [10])


def test_a_peer_that_was_full_is_said_to_wait_no_more_when_everything_has_left(world):
    world.full.add(1)
    world.outbox.release(sending(p1=[Accepted(1)]))
    world.outbox.release(sending(p1=[Accepted(2)]))
    world.outbox.resume(1)
    assert world.idle == []
    world.full.clear()
    world.outbox.resume(1)
    assert world.idle == [1]


def test_what_follows_a_missing_envelope_waits_for_it_and_other_peers_do_not(world):
    first, second = task(1, lease=8), task(2, lease=9)
    world.insert(second)
    world.outbox.release(sending(p10=[Accepted(1), dispatch(first), dispatch(second), Accepted(2)], p11=[Accepted(7)]))
    world.outbox.release(sending(p10=[Accepted(3)]))
    assert (world.got(10), world.got(11)) == ([Accepted(1)], [Accepted(7)])
    assert world.answer({1: envelope(b"read")}) == ([1], [])
    one, two, *rest = world.got(10)
    assert (one.envelope, two.envelope, rest) == (envelope(b"read"), envelope(b"body"), [Accepted(2), Accepted(3)])
    world.outbox.release(sending(p10=[Accepted(4)]))
    assert (world.got(10), world.asked) == ([Accepted(4)], [])


def test_a_lease_that_ends_while_its_envelope_is_read_does_not_leave(world):
    leased = task(1, lease=8)
    world.outbox.release(sending(p10=[dispatch(leased), Accepted(2)]))
    leased.lease = 0
    world.answer({})
    assert (world.got(10), world.failures) == ([Accepted(2)], [])


def test_an_envelope_that_the_store_has_lost_ends_everything(world):
    world.outbox.release(sending(p10=[dispatch(task(5, lease=8))]))
    world.answer({})
    assert world.failures == ["the store has lost the envelope of its row 5"]


def test_many_missing_envelopes_are_read_in_bounded_parts(world):
    leased = [Task(task_id(seq), seq, OPTIONS, 1 << 20, 1, lease=seq) for seq in range(1, 11)]
    world.outbox.release(sending(p10=[dispatch(each) for each in leased]))
    parts = []
    while world.asked:
        parts.append(world.answer({seq: envelope(b"body") for seq in world.asked[0][0].bodies})[0])
    assert parts == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]
    assert [sent.lease for sent in world.got(10)] == list(range(1, 11))


def test_an_answer_for_a_peer_that_is_gone_is_dropped(world):
    world.outbox.release(sending(p10=[dispatch(task(1, lease=8))]))
    world.outbox.forget(10)
    world.answer({})
    assert (world.got(10), world.failures) == ([], [])


# -- the budget --


def test_beyond_the_budget_the_newest_envelopes_go_and_those_that_are_not_durable_stay():
    size = len(envelope(b"body"))
    world = World(budget=10 * size)
    world.insert(*(task(seq) for seq in range(1, 13)))
    assert world.outbox.octets == 9 * size
    pinned = Turn()
    for seq in range(13, 20):
        pinned.changes.inserted.append(Inserted(seq, task_id(seq), OPTIONS, 3, 1, None, None, None, envelope(b"body")))
    world.outbox.take(pinned)
    world.outbox.release(sending(p1=[Accepted(1)]))
    assert world.outbox.octets == 9 * size
    leased = [task(seq, lease=seq) for seq in (1, 2, 19, 3)]
    world.outbox.release(sending(p10=[dispatch(each) for each in leased]))
    assert [sent.lease for sent in world.got(10)] == [1, 2, 19]
    assert world.asked[0][0].bodies == [3]


# -- a peer that does not read --


def test_a_full_peer_gets_nothing_more_until_it_goes_on_and_keeps_its_order(world):
    world.full.add(1)
    world.outbox.release(sending(p1=[Accepted(1)], p2=[Accepted(2)]))
    world.outbox.release(sending(p1=[Accepted(2)]))
    world.outbox.release(sending(p1=[Accepted(3)]))
    assert (world.got(1), world.got(2)) == ([Accepted(1)], [Accepted(2)])
    assert world.outbox.is_waiting(1)
    world.full.clear()
    world.outbox.resume(1)
    world.outbox.release(sending(p1=[Accepted(4)]))
    assert world.got(1) == [Accepted(2), Accepted(3), Accepted(4)]
    assert not world.outbox.is_waiting(1)


def test_a_long_turn_is_written_in_pieces_and_stops_where_the_peer_is_full(world):
    turn = Turn()
    turn.sends[1] = [result(seq, b"x" * (PIECE_OCTETS // 3), turn=turn) for seq in range(1, 10)]
    world.full.add(1)
    world.outbox.release(turn)
    assert [sent.seq for sent in world.got(1)] == [1, 2, 3]
    world.outbox.resume(1)
    assert [sent.seq for sent in world.got(1)] == [4, 5, 6]


def test_reports_that_wait_too_many_are_read_from_the_store_again(world):
    world.full.add(1)
    world.outbox.release(sending(p1=[Accepted(1)]))
    turn = Turn()
    large = HELD_OCTETS // 2 - 100
    turn.sends[1] = [result(seq, b"%d" % seq * large, turn=turn) for seq in range(1, 5)]
    turn.sends[1].append(Accepted(2))
    world.outbox.release(turn)
    world.got(1)
    world.full.clear()
    world.outbox.resume(1)
    assert world.answer(reports={task_id(3): report(b"three")}) == ([], [task_id(3), task_id(4)])
    *results, accepted = world.got(1)
    assert [sent.seq for sent in results] == [1, 2, 3, 4]
    assert results[2].report == report(b"three")
    assert codec.decode_report(results[3].report).error_type == "Forgotten"
    assert accepted == Accepted(2)
    assert not world.outbox.is_waiting(1)


def test_reports_that_the_store_does_not_keep_wait_as_they_are(world):
    world.full.add(1)
    world.outbox.release(sending(p1=[Accepted(1)]))
    turn = Turn()
    turn.sends[1] = [result(seq, b"x" * HELD_OCTETS, keep=False, turn=turn) for seq in range(1, 4)]
    world.outbox.release(turn)
    world.got(1)
    world.full.clear()
    world.outbox.resume(1)
    assert ([sent.seq for sent in world.got(1)], world.asked) == ([1, 2, 3], [])


def test_progress_is_left_out_while_a_peer_is_full(world):
    world.full.add(1)
    world.outbox.release(sending(p1=[Accepted(1)]))
    world.outbox.release(sending(p1=[Progress(task_id(1), 0, 1, 2, b""), Accepted(2)]))
    world.got(1)
    world.full.clear()
    world.outbox.resume(1)
    assert world.got(1) == [Accepted(2)]


def test_a_result_longer_than_the_frames_of_a_peer_says_so_instead(world):
    world.limits[1] = FRAME_LIMIT_FLOOR
    world.outbox.release(sending(p1=[result(1, b"x" * FRAME_LIMIT_FLOOR), Accepted(1)]))
    sent, accepted = world.got(1)
    assert codec.decode_report(sent.report).error_type == "ResultTooLarge"
    assert (sent.seq, accepted) == (1, Accepted(1))


def test_a_resume_of_a_peer_that_waits_for_nothing_is_nothing(world):
    world.outbox.resume(1)
    world.outbox.forget(1)
    assert (world.written, world.asked) == ({}, [])


def test_the_envelope_of_a_task_that_was_there_already_is_not_kept(world):
    turn = Turn()
    for one in (task(1), task(2)):
        turn.changes.inserted.append(Inserted(one.seq, one.id, OPTIONS, 3, 1, None, None, None, envelope(b"body")))
    world.outbox.take(turn)
    world.outbox.drop([task_id(2)], [turn])
    world.outbox.release(turn)
    assert world.outbox.octets == len(envelope(b"body"))
    world.outbox.drop([task_id(2)], [turn])
    assert world.outbox.octets == len(envelope(b"body"))
