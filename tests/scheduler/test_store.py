"""What every store must do. One suite, each store."""

import pytest

from wiretask_protocol.messages import Outcome, RetryPolicy, TaskState
from wiretask_scheduler.core.facts import Fact, Kind
from wiretask_scheduler.core.tasks import Attempt, Links, Options
from wiretask_scheduler.core.turn import Changes, Ended, Inserted, Revived, Updated
from wiretask_scheduler.store.memory import MemoryStore
from wiretask_scheduler.store.sqlite import SqliteStore
from wiretask_scheduler.store.window import Search

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
        kinds = {
            Inserted: changes.inserted,
            Ended: changes.ended,
            Updated: changes.updated,
            Revived: changes.revived,
            int: changes.purged,
        }
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


# -- searching --

MAIL = Options("send", "mail.urgent", 5)


def found(store, state=None, **search):
    return listed(store, state=state, search=Search(**search))[0]


@pytest.mark.parametrize(
    ("search", "numbers"),
    [
        ({}, [4, 3, 2, 1]),
        ({"type": "send"}, [4, 2]),
        ({"type": "se*"}, [4, 2]),
        ({"type": "sen"}, []),
        ({"queue": "mail.*"}, [4, 2]),
        ({"queue": "*"}, [4, 3, 2, 1]),
        ({"queue": "mail.urgent", "type": OPTIONS.type}, []),
    ],
)
def test_a_search_finds_what_lives_and_what_has_ended(store, search, numbers):
    commit(store, inserted(1), inserted(2, options=MAIL), inserted(3), inserted(4, options=MAIL), ended(1), ended(2))
    assert found(store, **search) == numbers


def test_a_search_finds_the_class_of_an_error_and_a_moment(store):
    commit(store, inserted(1), inserted(2), inserted(3))
    other = (Attempt(1, 2, 1500, "worker 9", "KeyError", "no"),)
    commit(store, ended(1, state=TaskState.DEAD, history=FAILED), ended(2, state=TaskState.DEAD, history=other))
    # What cannot be told apart here is looked at again by whoever asks.
    assert 1 in found(store, TaskState.DEAD, error="ValueError")
    assert found(store, TaskState.DEAD, until=2001) == [1]
    assert found(store, TaskState.DEAD, until=2002) == [2, 1]


def test_a_set_of_options_that_is_new_since_the_last_search_is_found(store):
    commit(store, inserted(1))
    assert found(store, type="send") == []
    commit(store, inserted(2, options=MAIL))
    assert found(store, type="send") == [2]


def test_a_page_of_a_search_goes_on_where_the_one_before_it_has_ended(store, monkeypatch):
    monkeypatch.setattr("wiretask_scheduler.store.reading._SCANNED_ROWS", 4)
    rows = [inserted(seq, options=MAIL if seq in {2, 13} else OPTIONS) for seq in range(1, 21)]
    commit(store, *rows)
    commit(store, *(ended(seq) for seq in range(1, 21) if seq % 2))
    seen, before, pages = [], None, 0
    while pages == 0 or before is not None:
        some, before = listed(store, before=before, search=Search(type="send"))
        seen += some
        pages += 1
    assert seen == [13, 2]


def test_a_list_holds_no_reports(store):
    commit(store, inserted(1), ended(1, report=b"r" * 1_000_000))
    (task,) = store.list_tasks(before=None, state=None, most=9).tasks
    assert task.report is None


def test_the_envelope_is_kept_while_a_task_lives_and_when_it_is_dead(store):
    commit(store, inserted(1), inserted(2), inserted(3))
    commit(store, ended(2, state=TaskState.DEAD, keep=True), ended(3))
    assert [store.envelope(seq) for seq in (1, 2, 3, 4)] == [b"envelope 1", b"envelope 2", None, None]


# -- dead tasks --

LINKS = Links(after=(b"a" * 16,), size=2, form=1)


def test_a_dead_task_keeps_its_body_and_what_ties_it_to_others(store):
    commit(store, inserted(1, links=LINKS))
    commit(store, ended(1, state=TaskState.DEAD, keep=True, history=FAILED))
    task = store.tasks([task_id(1)])[task_id(1)]
    assert (task.size, task.links, task.history) == (10, LINKS, FAILED)
    assert store.bodies([1]) == {}


def test_a_dead_task_that_lives_again_has_its_body_under_its_new_seq(store):
    commit(store, inserted(1), inserted(2))
    commit(store, ended(1, state=TaskState.DEAD, keep=True))
    commit(store, Revived(1, 7))
    assert store.bodies([1, 7]) == {7: b"envelope 1"}
    assert store.tasks([task_id(1)]) == {}
    assert commit(store, ended(7), inserted(8, number=1)) == [task_id(1)]


def test_what_is_purged_is_not_known_any_more(store):
    commit(store, inserted(1), inserted(2))
    commit(store, ended(1, state=TaskState.DEAD, keep=True), ended(2))
    commit(store, 1)
    assert list(store.tasks([task_id(1), task_id(2)])) == [task_id(2)]
    assert commit(store, inserted(3, number=1)) == []


def test_dead_tasks_are_listed_however_many_have_ended_otherwise(store):
    for seq in range(1, 40):
        commit(store, inserted(seq), ended(seq, state=TaskState.DEAD if seq % 13 == 0 else TaskState.SUCCEEDED))
    assert listed(store, state=TaskState.DEAD) == ([39, 26, 13], None)
    assert listed(store, state=TaskState.DEAD, most=2) == ([39, 26], 26)


def test_bodies_of_dead_tasks_count_for_what_is_kept(make):
    store = make(retention_octets=1000)
    for seq in range(1, 5):
        commit(store, inserted(seq, envelope=bytes(400)))
        commit(store, ended(seq, state=TaskState.DEAD, keep=True, report=b""))
    while store.maintain(1):
        pass
    sizes = [store.tasks([task_id(seq)])[task_id(seq)].size for seq in range(1, 5)]
    assert sizes[-1] == 400
    assert sum(sizes) <= 1000


# -- facts --


def state(store, facts=(), ranges=()):
    changes = Changes(facts=dict(facts), ranges=list(ranges))
    store.commit(1, [changes])


def test_facts_are_found_by_their_kind_and_how_their_keys_begin(store):
    state(store, {(Kind.PART, b"ab1"): Fact(b"x"), (Kind.PART, b"ab0"): Fact(b"y"), (Kind.PART, b"ac"): Fact(b"z")})
    state(store, {(Kind.EDGE, b"ab2"): Fact(b"other")})
    assert list(store.facts(Kind.PART, b"ab")) == [(b"ab0", b"y"), (b"ab1", b"x")]


def test_a_fact_is_replaced_and_unset(store):
    state(store, {(Kind.UNIQUE, b"k"): Fact(b"1")})
    state(store, {(Kind.UNIQUE, b"k"): Fact(b"2")})
    assert list(store.facts(Kind.UNIQUE, b"k")) == [(b"k", b"2")]
    state(store, {(Kind.UNIQUE, b"k"): None, (Kind.UNIQUE, b"never"): None})
    assert list(store.facts(Kind.UNIQUE, b"k")) == []


def test_facts_that_belong_together_go_together(store):
    state(
        store, {(Kind.PART, b"a\xff"): Fact(b"1"), (Kind.PART, b"a\xff\xff"): Fact(b"2"), (Kind.PART, b"b"): Fact(b"3")}
    )
    state(store, ranges=[(Kind.PART, b"a\xff", 0)])
    assert list(store.facts(Kind.PART, b"a")) == []
    assert list(store.facts(Kind.PART, b"b")) == [(b"b", b"3")]


def test_a_range_is_about_what_was_said_before_it_in_its_turn(store):
    state(store, {(Kind.PART, b"a1"): Fact(b"1")}, [(Kind.PART, b"a", 0)])
    assert list(store.facts(Kind.PART, b"a")) == []


def test_a_fact_is_forgotten_in_its_time(store):
    state(store, {(Kind.UNIQUE, b"soon"): Fact(b"1", 500), (Kind.UNIQUE, b"sure"): Fact(b"2")})
    state(store, {(Kind.PART, b"p"): Fact(b"3")}, [(Kind.PART, b"p", 400)])
    store.maintain(499)
    assert len(store.facts(Kind.UNIQUE, b"s")) == 2
    assert list(store.facts(Kind.PART, b"p")) == []
    store.maintain(500)
    assert list(store.facts(Kind.UNIQUE, b"s")) == [(b"sure", b"2")]


def test_facts_are_there_after_a_restart(tmp_path):
    store = SqliteStore(tmp_path / "facts.db")
    store.claim("main")
    state(store, {(Kind.QUEUE, b"q"): Fact(b"\1"), (Kind.UNIQUE, b"k"): Fact(b"v", 99)})
    store.close()
    store = SqliteStore(tmp_path / "facts.db")
    assert list(store.load("main").facts) == [(3, b"k", Fact(b"v", 99)), (4, b"q", Fact(b"\1", None))]
    store.close()


def test_many_thousand_facts_are_written_in_one_group(store):
    state(store, {(Kind.EDGE, b"%05d" % number): Fact(b"") for number in range(5000)})
    assert len(store.facts(Kind.EDGE, b"0")) == 5000
    state(store, {(Kind.EDGE, b"%05d" % number): None for number in range(5000)})
    assert list(store.facts(Kind.EDGE, b"0")) == []
