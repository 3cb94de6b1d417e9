"""Group commit: what is put before the thread begins is one group, so that nothing here depends on time."""

import threading

import pytest

from wiretask_scheduler.committer import GROUP_OCTETS, ROOM_SHARE, Committer, InlineCommitter
from wiretask_scheduler.core import Turn
from wiretask_scheduler.core.turn import Ended
from wiretask_scheduler.store import Committed, StoreBusyError, StoreError, StoreFullError


class FakeStore:
    """Does what its script says, one word for each commit; then commits."""

    durable = True

    def __init__(self, *script, ballast=1, conflicts=(), room=1 << 40):
        self.script = list(script)
        self.commits = []
        self.conflicts = conflicts
        self.ballast = ballast
        self.room = room
        self.maintained = 0
        self.regains = []

    def commit(self, epoch, changes):
        assert epoch == 7
        if self.script and (error := self.script.pop(0)) is not None:
            self.commits.append(("failed", changes))
            raise error
        self.commits.append(("done", changes))
        return Committed(conflicts=self.conflicts, room=self.room)

    def make_room(self):
        self.ballast -= 1
        return self.ballast >= 0

    def regain_room(self):
        return self.regains.pop(0) if self.regains else True

    def maintain(self, millis):
        self.maintained += 1
        return False


class Told:
    """What the committer tells the loop, in order."""

    def __init__(self):
        self.words = []
        self.ended = threading.Event()

    def committer(self, store, **rest):
        return Committer(
            store,
            7,
            released=lambda group: self.words.append(("released", group.turns, list(group.conflicts))),
            failed=self.fail,
            full=lambda full: self.words.append(("full", full)),
            **rest,
        )

    def fail(self, error):
        self.words.append(("failed", str(error)))
        self.ended.set()


def turn(rows=1, **sends):
    made = Turn()
    made.changes.ended = [Ended(seq, 5, 1, 1, None, None, 0, 0) for seq in range(rows)]
    for peer, message in sends.items():
        made.sends[int(peer[1:])] = [message]
    return made


@pytest.fixture
def told():
    return Told()


def run(told, store, *turns, octets=0, **rest):
    committer = told.committer(store, **rest)
    for each in turns:
        committer.put(each, octets)
    committer.start()
    committer.stop()
    return committer


def test_what_was_put_meanwhile_is_one_commit_in_order(told):
    turns = [turn() for _ in range(5)]
    store = FakeStore()
    committer = run(told, store, *turns)
    assert store.commits == [("done", [each.changes for each in turns])]
    assert told.words == [("released", turns, [])]
    assert (committer.figures.commits, committer.figures.rows) == (1, 5)


def test_a_group_has_so_many_rows_and_no_turn_is_split(told):
    turns = [turn(rows=900), turn(rows=900), turn(rows=900), turn(rows=5000), turn(rows=1)]
    store = FakeStore()
    run(told, store, *turns)
    assert [len(changes) for _, changes in store.commits] == [3, 1, 1]
    assert [group for word, group, _ in told.words if word == "released"] == [turns[:3], turns[3:4], turns[4:]]


def test_a_group_has_so_many_octets(told):
    turns = [turn() for _ in range(4)]
    store = FakeStore()
    run(told, store, *turns, octets=GROUP_OCTETS // 2)
    assert [len(changes) for _, changes in store.commits] == [2, 2]


def test_a_turn_without_rows_waits_its_turn_and_costs_no_commit(told):
    turns = [turn(rows=0, p1="pong"), turn(), turn(rows=0, p1="pong")]
    store = FakeStore()
    run(told, store, *turns)
    assert store.commits == [("done", [turns[1].changes])]
    assert told.words == [("released", turns, [])]


def test_turns_without_rows_alone_need_no_commit_at_all(told):
    turns = [turn(rows=0, p1="pong")]
    store = FakeStore()
    run(told, store, *turns)
    assert store.commits == []
    assert told.words == [("released", turns, [])]


def test_conflicts_are_told_with_their_group(told):
    turns = [turn()]
    run(told, FakeStore(conflicts=[b"id"]), *turns)
    assert told.words == [("released", turns, [b"id"])]


def test_on_a_full_disk_the_ballast_goes_first_and_the_same_group_is_tried_again(told):
    turns = [turn(), turn()]
    store = FakeStore(StoreFullError("full"))
    naps = []
    committer = run(told, store, *turns, sleep=naps.append)
    assert store.commits == [("failed", [each.changes for each in turns]), ("done", [each.changes for each in turns])]
    assert told.words == [("full", True), ("released", turns, []), ("full", False)]
    assert (naps, committer.figures.retries) == ([], 1)


def test_a_disk_that_stays_full_is_tried_again_with_longer_and_longer_waits(told):
    turns = [turn()]
    store = FakeStore(*[StoreFullError("full")] * 8, ballast=0)
    naps = []
    run(told, store, *turns, sleep=naps.append)
    assert naps == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0]
    assert told.words == [("full", True), ("released", turns, []), ("full", False)]


def test_new_tasks_are_refused_until_the_ballast_has_its_space_again(told):
    store = FakeStore(StoreFullError("full"))
    store.regains = [False]
    run(told, store, turn())
    assert [word for word in told.words if word[0] == "full"] == [("full", True)]


def test_a_group_that_finds_no_space_as_a_whole_is_written_in_parts_and_in_order(told):
    turns = [turn() for _ in range(3)]
    full = StoreFullError("full")
    # All three; the first; the other two; the second; the third, which waits.
    store = FakeStore(full, None, full, None, full, ballast=0)
    naps = []
    run(told, store, *turns, sleep=naps.append)
    assert [(word, len(changes)) for word, changes in store.commits] == [
        ("failed", 3),
        ("done", 1),
        ("failed", 2),
        ("done", 1),
        ("failed", 1),
        ("done", 1),
    ]
    assert [group for word, group, _ in (word for word in told.words if word[0] == "released")] == [[t] for t in turns]
    assert naps == [0.05]


@pytest.mark.parametrize(("room", "refused"), [(0, False), (-1, True)])
def test_new_tasks_are_refused_before_the_disk_is_full(told, room, refused):
    store = FakeStore(room=room)
    store.regains = [False]
    turns = [turn()]
    run(told, store, *turns)
    assert told.words == [*[("full", True)] * refused, ("released", turns, [])]


def test_what_is_on_its_way_counts_for_the_room_that_is_left(told):
    store = FakeStore(room=2 * ROOM_SHARE * GROUP_OCTETS - 1)
    store.regains = [False] * 9
    turns = [turn() for _ in range(3)]
    run(told, store, *turns, octets=GROUP_OCTETS)
    assert [word for word, *_ in told.words] == ["full", "released", "released", "released"]
    roomy = Told()
    run(roomy, FakeStore(room=2 * ROOM_SHARE * GROUP_OCTETS), *turns, octets=GROUP_OCTETS)
    assert [word for word, *_ in roomy.words] == ["released"] * 3


def test_a_locked_file_is_tried_again_and_keeps_its_ballast(told):
    turns = [turn()]
    store = FakeStore(StoreBusyError("locked"))
    naps = []
    run(told, store, *turns, sleep=naps.append)
    assert (store.ballast, naps) == (1, [0.05])
    assert told.words == [("full", True), ("released", turns, []), ("full", False)]


def test_any_other_error_ends_everything_and_nothing_is_released(told):
    store = FakeStore(StoreError("the disk reports an error"))
    run(told, store, turn(), turn())
    assert told.words == [("failed", "the disk reports an error")]
    assert len(store.commits) == 1


def test_a_bug_ends_everything_too(told):
    store = FakeStore(ZeroDivisionError("oh"))
    run(told, store, turn())
    assert told.words == [("failed", "oh")]


def test_housekeeping_comes_between_commits(told):
    store = FakeStore()
    run(told, store, turn())
    assert store.maintained == 1


def test_a_stop_writes_what_was_put(told):
    store = FakeStore()
    committer = told.committer(store)
    committer.start()
    turns = [turn() for _ in range(3)]
    for each in turns:
        committer.put(each)
    committer.stop()
    assert [each for word, group, _ in told.words for each in group] == turns


def test_memory_commits_at_once(told):
    store = FakeStore(conflicts=[b"id"])
    released = []
    committer = InlineCommitter(store, 7, released=released.append)
    committer.start()
    first = turn()
    committer.put(first)
    assert [(group.turns, group.conflicts) for group in released] == [([first], [b"id"])]
    assert store.commits == [("done", [first.changes])]
    committer.stop()
