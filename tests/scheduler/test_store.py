"""What every store must do. One suite, each store."""

import pytest

from wiretask_protocol.messages import Outcome, RetryPolicy, TaskState
from wiretask_scheduler.core.tasks import Attempt, Options
from wiretask_scheduler.core.turn import Changes, Ended, Inserted, Updated
from wiretask_scheduler.store.memory import MemoryStore
from wiretask_scheduler.store.sqlite import SqliteStore

OPTIONS = Options("add", "default", 5)


@pytest.fixture(params=["sqlite", "memory"])
def make(request, tmp_path):
    stores = []

    def make(**arguments):
        store = (
            SqliteStore(tmp_path / "tasks.db", **arguments) if request.param == "sqlite" else MemoryStore(**arguments)
        )
        stores.append(store)
        store.claim("main")
        loaded = store.load("main")
        assert list(loaded.tasks) == []
        return store

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def store(make):
    return make()


#: How a delivery went, as the core remembers it.
FAILED = (Attempt(1, 2, 1500, "worker 9", "ValueError", "no"),)


def task_id(number):
    return number.to_bytes(14, "big") + b"ab"


def inserted(seq, *, number=None, options=OPTIONS, state=TaskState.READY, envelope=None, **rest):
    body = b"envelope %d" % seq if envelope is None else envelope
    fields = {"due": None, "expires": None, "note": None, **rest}
    return Inserted(
        seq, task_id(seq if number is None else number), options, int(state), 1000 + seq, **fields, envelope=body
    )


def ended(seq, *, state=TaskState.SUCCEEDED, report=b"report", forget=10_000, history=(), keep=False):
    return Ended(seq, int(state), Outcome.SUCCEEDED, 2, report, history, 2000 + seq, forget, keep)


def updated(seq, **rest):
    fields = {
        "state": 4,
        "attempt": 0,
        "crashes": 0,
        "losses": 0,
        "due": None,
        "lease": 0,
        "session": None,
        "history": (),
    }
    return Updated(seq, **(fields | rest))


def commit(store, *rows):
    """One group with one turn; returns the conflicts."""
    changes = Changes()
    for row in rows:
        kinds = {Inserted: changes.inserted, Ended: changes.ended, Updated: changes.updated}
        kinds[type(row)].append(row)
    return list(store.commit(1, [changes]).conflicts)


def listed(store, **query):
    page = store.list_tasks(**{"before": None, "state": None, "most": 100, **query})
    return [task.seq for task in page.tasks], page.next


# -- inserting and ending --


def test_a_task_that_lives_has_a_body_and_is_not_among_the_ended(store):
    assert commit(store, inserted(1), inserted(2)) == []
    assert store.bodies([1, 2, 3]) == {1: b"envelope 1", 2: b"envelope 2"}
    assert store.tasks([task_id(1)]) == {}


def test_a_task_that_ended_has_a_report_and_no_body(store):
    commit(store, inserted(1, note="a note"))
    commit(store, ended(1, report=b"\0report", history=FAILED))
    assert store.bodies([1]) == {}
    found = store.tasks([task_id(1), task_id(2)])
    assert list(found) == [task_id(1)]
    task = found[task_id(1)]
    assert (task.seq, task.options, task.state, task.outcome, task.attempt) == (1, OPTIONS, 5, 1, 2)
    assert (task.report, task.history, task.submitted, task.ended) == (b"\0report", FAILED, 1001, 2001)


def test_an_empty_report_is_not_a_missing_one(store):
    commit(store, inserted(1), inserted(2))
    commit(store, ended(1, report=b""), ended(2, report=None))
    found = store.tasks([task_id(1), task_id(2)])
    assert (found[task_id(1)].report, found[task_id(2)].report) == (b"", None)


def test_a_task_may_be_inserted_and_ended_in_one_turn(store):
    commit(store, inserted(1), ended(1))
    assert store.bodies([1]) == {}
    assert store.tasks([task_id(1)])[task_id(1)].report == b"report"


def test_more_rows_than_a_statement_takes_are_written(store):
    count = 5000
    commit(store, *(inserted(seq) for seq in range(1, count + 1)))
    assert len(store.bodies(range(1, count + 1))) == count
    commit(store, *(ended(seq) for seq in range(1, count)))
    assert store.bodies(range(1, count + 1)) == {count: b"envelope 5000"}
    assert len(store.tasks([task_id(seq) for seq in range(1, count + 1)])) == count - 1


def test_options_come_back_as_they_were(store):
    rich = Options("add@2", "mail", 9, 3, 5, 60_000, RetryPolicy(1000, 2000, 60_000, 500), 86_400_000)
    commit(store, inserted(1, options=rich), inserted(2), ended(1))
    assert store.tasks([task_id(1)])[task_id(1)].options == rich
    assert [task.options for task in store.list_tasks(before=None, state=None, most=10).tasks] == [OPTIONS, rich]


def test_large_bodies_and_reports_survive(store):
    body, report = b"\0\xff" * 500_000, b"r" * 3_000_000
    commit(store, inserted(1, envelope=body), inserted(2, envelope=b""))
    assert store.bodies([1, 2]) == {1: body, 2: b""}
    commit(store, ended(1, report=report))
    assert store.tasks([task_id(1)])[task_id(1)].report == report


# -- an id that comes again --


def test_an_id_that_has_ended_is_a_conflict_and_the_existing_task_wins(store):
    commit(store, inserted(1))
    commit(store, ended(1))
    assert commit(store, inserted(2, number=1), inserted(3)) == [task_id(1)]
    assert store.bodies([2, 3]) == {3: b"envelope 3"}
    assert store.tasks([task_id(1)])[task_id(1)].seq == 1


def test_an_id_whose_task_ends_in_the_same_group_is_a_conflict(store):
    commit(store, inserted(1))
    assert commit(store, ended(1), inserted(2, number=1)) == [task_id(1)]
    assert store.tasks([task_id(1)])[task_id(1)].seq == 1


def test_an_id_that_comes_and_ends_and_comes_again_in_one_turn_is_a_conflict(store):
    assert commit(store, inserted(1), ended(1), inserted(2, number=1)) == [task_id(1)]
    assert store.tasks([task_id(1)])[task_id(1)].seq == 1
    assert store.bodies([2]) == {}


def test_what_follows_for_a_row_that_was_a_conflict_changes_nothing(store):
    commit(store, inserted(1), ended(1))
    commit(store, inserted(2, number=1))
    commit(store, updated(2, lease=7), ended(2, report=b"another"))
    assert store.tasks([task_id(1)])[task_id(1)].report == b"report"
    assert listed(store) == ([1], None)


# -- retention --


def test_a_task_is_forgotten_when_its_time_is_over_and_not_before(store):
    commit(store, inserted(1), inserted(2), inserted(3))
    commit(store, ended(1, forget=500), ended(2, forget=300))
    assert store.maintain(299) is False
    assert listed(store) == ([3, 2, 1], None)
    assert store.maintain(300) is False
    assert listed(store) == ([3, 1], None)
    store.maintain(10**15)
    assert listed(store) == ([3], None)
    assert commit(store, inserted(4, number=1)) == []


def test_forgetting_goes_by_slices(store):
    count = 4500
    commit(store, *(inserted(seq) for seq in range(1, count + 1)))
    commit(store, *(ended(seq, forget=seq) for seq in range(1, count + 1)))
    calls = 1
    while store.maintain(count):
        calls += 1
    assert calls == 3
    assert listed(store) == ([], None)


def test_the_oldest_reports_go_first_when_they_take_too_much_and_ids_stay(make):
    store = make(retention_octets=2500)
    for seq in range(1, 5):
        commit(store, inserted(seq), ended(seq, report=b"r" * 1000, forget=10_000 + seq))
    store.maintain(0)
    reports = [store.tasks([task_id(seq)])[task_id(seq)].report for seq in range(1, 5)]
    assert reports[0] is None
    assert commit(store, inserted(9, number=1)) == [task_id(1)]
    commit(store, inserted(10), ended(10, report=b"new", forget=20_000))
    store.maintain(0)
    assert store.tasks([task_id(10)])[task_id(10)].report == b"new"


# -- lists --


def test_lists_are_newest_first_and_go_on_where_a_page_ended(store):
    commit(store, *(inserted(seq) for seq in range(1, 8)))
    commit(store, ended(2), ended(5))
    assert listed(store, most=3) == ([7, 6, 5], 5)
    assert listed(store, most=3, before=5) == ([4, 3, 2], 2)
    assert listed(store, most=3, before=2) == ([1], None)
    assert listed(store, before=1) == ([], None)


def test_a_list_of_ended_tasks_has_one_state_and_one_of_live_tasks_has_all_that_live(store):
    commit(store, *(inserted(seq) for seq in range(1, 6)))
    commit(store, ended(1), ended(2, state=TaskState.DEAD), ended(4, state=TaskState.DEAD))
    assert listed(store, state=TaskState.DEAD) == ([4, 2], None)
    assert listed(store, state=TaskState.DEAD, most=1) == ([4], 4)
    assert listed(store, state=TaskState.EXPIRED) == ([], None)
    assert listed(store, state=TaskState.READY) == ([5, 3], None)


def test_an_update_shows_in_the_list(store):
    commit(store, inserted(1, state=TaskState.SCHEDULED, due=5000, expires=9000))
    commit(store, updated(1, attempt=1, crashes=2, losses=3, due=7000, lease=8, session=b"s" * 16, history=FAILED))
    (task,) = store.list_tasks(before=None, state=None, most=1).tasks
    assert (task.state, task.failures, task.crashes, task.losses) == (4, 1, 2, 3)
    assert (task.due, task.expires, task.lease, task.session, task.history) == (7000, 9000, 8, b"s" * 16, FAILED)


def test_of_two_updates_in_one_group_the_last_one_holds(store):
    commit(store, inserted(1))
    commit(store, updated(1, lease=7), updated(1, lease=8))
    assert store.list_tasks(before=None, state=None, most=1).tasks[0].lease == 8


def test_nothing_is_read_for_nothing(store):
    assert store.bodies([]) == {}
    assert store.tasks([]) == {}
    assert commit(store) == []
