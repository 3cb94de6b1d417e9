"""The small parts: the funnel, lanes, timers, policy."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiretask_protocol.machines import TASK, TaskMachineEvent, TaskMachineState
from wiretask_protocol.messages import RetryPolicy
from wiretask_scheduler.core import Now, Settings
from wiretask_scheduler.core.policy import backoff_seconds
from wiretask_scheduler.core.queues import Queue
from wiretask_scheduler.core.ready import Lane, Line, Ready, class_limit, size_class
from wiretask_scheduler.core.tasks import IllegalMoveError, Options, Task, Tasks, move
from wiretask_scheduler.core.timers import Timers

READY = TaskMachineState.READY


def task(number: int = 1, priority: int = 5, state: TaskMachineState = READY) -> Task:
    return Task(number.to_bytes(16, "big"), number, Options("work", "default", priority), 10, 0, state)


def lane() -> Lane:
    return Lane(("default", "work", 1, 0, (), (), False), Queue("default", 0))


@pytest.mark.parametrize("state", TaskMachineState)
@pytest.mark.parametrize("event", TaskMachineEvent)
def test_the_funnel_follows_the_table_and_nothing_else(state, event):
    record = task(state=state)
    target = TASK[state][event]
    if target is None:
        with pytest.raises(IllegalMoveError, match=f"{state.name} cannot {event.name}"):
            move(record, event)
        assert record.state is state
    else:
        assert move(record, event) is target
        assert record.state is target


def test_a_lane_gives_the_best_first():
    line = lane()
    for number, priority in enumerate((5, 9, 0, 9), 1):
        line.put(task(number, priority))
    taken = []
    while line.head() is not None:
        taken += [record.seq for record in line.take(1)]
    assert taken == [2, 4, 1, 3]
    assert (line.count, line.mask) == (0, 0)


def test_a_line_costs_what_its_priorities_cost_that_have_had_a_task():
    """There is one for each concurrency key and each type: with all ten shelves a hundred thousand take 700 MB."""
    tasks = [task(number) for number in range(200)]
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        lines = [Line() for _ in tasks]
        for line, record in zip(lines, tasks, strict=True):
            line.put(record)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / 200 < 1600
    assert [line.take(2) for line in lines] == [[record] for record in tasks]


def test_what_comes_back_goes_before_the_others():
    line = lane()
    line.put(task(2))
    line.put_back(task(1))
    assert [record.seq for record in line.take(5)] == [1, 2]


def test_dead_entries_are_dropped_when_they_come_up():
    line = lane()
    dead, alive = task(1), task(2)
    line.put(dead)
    line.put(alive)
    dead.state = TaskMachineState.CANCELLED
    assert line.head() is alive
    assert line.take(5) == [alive]
    assert line.head() is None
    assert line.take(5) == []


def test_when_half_of_a_lane_is_dead_it_is_swept():
    line = lane()
    tasks = [task(number, number % 10) for number in range(200)]
    for record in tasks:
        line.put(record)
    for record in tasks[:101]:
        record.state = TaskMachineState.CANCELLED
        line.bury()
    assert (line.count, line.dead) == (99, 0)
    taken = []
    while line.head() is not None:
        taken += line.take(100)
    assert sorted(record.seq for record in taken) == list(range(101, 200))


def test_submitting_and_cancelling_for_ever_costs_no_memory(scene):
    from wiretask_protocol.messages import Cancel

    scene.client()
    for _ in range(500):
        task_id = scene.submit()
        scene.receive(1, Cancel(scene.seq(1), task_id, 0, 1))
    (lane,) = scene.broker.state.ready
    assert lane.count <= 130


def test_types_that_are_used_once_cost_no_memory(scene):
    scene.client()
    worker = scene.worker(types=tuple(f"type{number}" for number in range(3000)))
    for number in range(3000):
        task_id = scene.submit(type=f"type{number}")
        ((_, _, lease),) = scene.dispatched()
        scene.result(worker, lease, task_id)
    assert len(scene.broker.state.ready) < 2100
    assert len(scene.broker.state.workers[worker].lanes) < 2100


def test_lanes_that_are_empty_are_let_go():
    ready, queue = Ready(), Queue("default", 0)
    _, new = ready.lane(task(), queue)
    assert new
    ready.discard_empty()
    assert len(ready) == 0
    line, _ = ready.lane(task(), queue)
    line.put(task())
    ready.discard_empty()
    assert list(ready) == [line]


def test_a_queue_that_was_forgotten_gets_a_new_lane():
    ready = Ready()
    line, _ = ready.lane(task(), Queue("default", 0))
    other, new = ready.lane(task(), Queue("default", 0))
    assert new
    assert other is not line


@pytest.mark.parametrize("size", [0, 61440, 61441, 65536, 100_000, 1 << 20, (4 << 20) - 4096])
def test_a_size_class_fits_into_its_limit(size):
    assert class_limit(size_class(size)) >= min(size + 4096, class_limit(size_class(size)))
    assert size_class(size) == 0 or size < 1 << size_class(size)


def at(monotonic: float, wall: float = 0.0) -> Now:
    return Now(monotonic, wall)


def test_timers_come_up_in_order_and_only_when_due():
    timers = Timers()
    timers.after(0.0, 5.0, "limit", "b")
    timers.after(1.0, 5.0, "limit", "c")
    timers.at(2.0, "due", "a")
    assert timers.deadline(at(0.0)) == 2.0
    assert timers.pop(at(1.9), 10) == []
    assert timers.pop(at(5.0), 10) == [("limit", "b"), ("due", "a")]
    assert timers.pop(at(6.0), 10) == [("limit", "c")]
    assert (timers.deadline(at(6.0)), len(timers)) == (None, 0)


def test_a_date_goes_by_the_wall_clock_however_that_is_put():
    timers = Timers()
    timers.on(9000, "due", "at nine")
    assert timers.deadline(at(0.0, 8.0)) == 1.0
    assert timers.pop(at(1.0, -3592.0), 10) == []
    assert timers.pop(at(2.0, 9.0), 10) == [("due", "at nine")]


def test_a_clock_that_is_put_forward_is_noticed_within_seconds():
    timers = Timers()
    timers.on(3_600_000, "due", "in an hour")
    assert timers.deadline(at(100.0)) == 105.0
    assert timers.pop(at(105.0, 3605.0), 10) == [("due", "in an hour")]


def test_a_flood_of_timers_is_taken_in_parts():
    timers = Timers()
    for number in range(10):
        timers.at(1.0, "due", number)
    assert [what for _, what in timers.pop(at(2.0), 4)] == [0, 1, 2, 3]
    assert len(timers) == 6


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), max_size=60), st.randoms(use_true_random=False))
def test_timers_come_up_as_if_they_were_sorted_whatever_is_dropped_on_the_way(said, chance):
    """Against a list that is sorted: points and dates, near and far, and some that stop to matter."""
    timers, expected, over = Timers(), [], set()
    timers.matters = lambda kind, what: what not in over
    moment = 0.0
    for number, (tenths, kind) in enumerate(said):
        when = moment + tenths / 2
        expected.append((when, number))
        timers.at(when, "due", number) if kind else timers.on(int(when * 1000), "due", number)
        if kind == 3:
            over.add(chance.randrange(number + 1))
        if kind == 2:
            moment += chance.random() * 3
            come = {what for _, what in timers.pop(at(moment, moment), 1000)} - over
            assert come == {number for when, number in expected if when <= moment} - over
            expected = [(when, number) for when, number in expected if when > moment]
    assert {what for _, what in timers.pop(at(1e6, 1e6), 1000)} - over == {number for _, number in expected} - over
    assert (len(timers), timers.deadline(at(0.0))) == (0, None)


def test_timers_of_what_is_over_do_not_gather_until_their_time_comes():
    timers, alive = Timers(), set()
    timers.matters = lambda kind, what: what in alive
    for number in range(20_000):
        alive.add(number)
        timers.at(3600.0 + number / 100, "limit", number)
        timers.on(3_600_000 + number, "expire", number)
        alive.discard(number - 10)
    assert len(timers) < 100


def test_tasks_that_end_in_time_leave_nothing_of_their_limits(scene):
    scene.client()
    worker = scene.worker()
    for _ in range(300):
        scene.submit(time_limit=3_600_000, expires_in=3_600_000)
        ((_, task_id, lease),) = scene.dispatched()
        scene.result(worker, lease, task_id)
        scene.turn()
    scene.passes(60)
    assert len(scene.broker.state.timers) < 40


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 1.0), (2, 2.0), (3, 4.0), (9, 256.0), (10, 300.0), (65_535, 300.0)]
)
def test_the_default_backoff_doubles_up_to_its_cap(failures, seconds):
    assert backoff_seconds(None, failures, 0.0, Settings()) == seconds


def test_a_policy_without_a_cap_has_none():
    assert backoff_seconds(RetryPolicy(1000, 10_000, 0, 0), 8, 0.0, Settings()) == 10_000_000.0


def test_options_are_shared_and_tasks_are_found_by_id():
    tasks = Tasks()
    assert tasks.shared(Options("a", "q", 1)) is tasks.shared(Options("a", "q", 1))
    record = task()
    tasks.add(record)
    assert tasks.get(record.id) is record
    assert list(tasks) == [record]
    tasks.remove(record)
    assert (tasks.get(record.id), tasks.count) == (None, 0)
