"""Recurring tasks: when they run, what becomes of runs that overlap and of those that were missed."""

from datetime import UTC, datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

import pytest

from wiretask_protocol import codec
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import (
    CatchUpPolicy,
    Envelope,
    OverlapPolicy,
    Schedule,
    ScheduleAction,
    TaskState,
    UniqueKey,
    UniqueScope,
    UniqueUntil,
)
from wiretask_scheduler import calendar
from wiretask_scheduler.core import Now
from wiretask_scheduler.core.queues import Mode
from wiretask_scheduler.core.recurring import AGAIN_SECONDS, run_id

ENVELOPE = codec.encode_envelope(Envelope("work", "default", 0, b"body"))


def put(scene, name="job", **options):
    options = {"envelope": ENVELOPE, **options}
    scene.receive(1, Schedule(scene.seq(1), name, ScheduleAction.PUT, options.pop("priority", 5), **options))


def delete(scene, name="job"):
    scene.receive(1, Schedule(scene.seq(1), name, ScheduleAction.DELETE, 0))


def live(scene):
    return sorted(scene.broker.state.tasks, key=lambda task: task.seq)


def moments(scene):
    """The nominal times of the runs that there are, in seconds from the first one's second."""
    return [int.from_bytes(task.id[:6], "big") / 1000 for task in live(scene)]


def test_a_task_runs_every_so_many_seconds(scene):
    scene.client()
    put(scene, every=10_000, overlap=OverlapPolicy.QUEUE)
    scene.passes(9.9)
    assert live(scene) == []
    scene.passes(20.2)
    first, second, third = moments(scene)
    assert (second - first, third - second) == (10, 10)


def test_a_task_runs_by_its_expression_and_zone(scene):
    scene.client()
    start = datetime(2023, 11, 14, 22, 30, tzinfo=UTC).timestamp()
    scene.seconds = start - 1_700_000_000
    put(scene, cron="30 0 * * *", zone="Europe/Zurich")
    scene.passes(2 * 3600)
    assert [datetime.fromtimestamp(moment, UTC).isoformat() for moment in moments(scene)] == [
        "2023-11-14T23:30:00+00:00"
    ]


def test_the_id_of_a_run_follows_from_its_name_and_time_and_is_a_uuid_of_version_7():
    task_id = run_id("job", "default", 1_700_000_000_000)
    assert task_id == run_id("job", "default", 1_700_000_000_000)
    assert len(task_id) == 16
    assert int.from_bytes(task_id[:6], "big") == 1_700_000_000_000
    assert (task_id[6] >> 4, task_id[8] >> 6) == (7, 2)
    assert task_id[14:] == sha256(b"default").digest()[:2]
    assert task_id not in {run_id("job2", "default", 1_700_000_000_000), run_id("job", "default", 1_700_000_000_001)}


@pytest.mark.parametrize(
    ("overlap", "states"),
    [(None, ["LEASED"]), (OverlapPolicy.SKIP, ["LEASED"]), (OverlapPolicy.QUEUE, ["LEASED"] * 3)],
)
def test_a_run_that_is_due_while_the_former_goes_on(scene, overlap, states):
    scene.client()
    scene.worker()
    put(scene, every=1000, overlap=overlap)
    scene.passes(3.5)
    assert [task.state.name for task in live(scene)] == states


def test_a_run_that_replaces_asks_the_former_to_stop(scene):
    scene.client()
    scene.worker()
    put(scene, every=1000, overlap=OverlapPolicy.REPLACE)
    scene.passes(1.5)
    ((_, _, lease),) = scene.dispatched()
    scene.passes(1)
    assert ("Cancel", lease) in [entry[1:3] for entry in scene.sent()]
    assert len(live(scene)) == 2


def test_the_same_schedule_again_changes_nothing_and_another_replaces_it(scene):
    scene.client()
    put(scene, every=10_000)
    scene.passes(8)
    put(scene, every=10_000)
    scene.passes(2.5)
    assert len(live(scene)) == 1
    put(scene, every=60_000)
    scene.passes(30)
    assert len(live(scene)) == 1


def test_what_was_removed_does_not_run_any_more(scene):
    scene.client()
    put(scene, every=10_000)
    delete(scene)
    assert scene.errors() == []
    scene.passes(60)
    assert live(scene) == []


def test_removing_what_is_not_there_is_refused(scene):
    scene.client()
    delete(scene)
    assert scene.errors() == [ErrorCode.UNKNOWN_SCHEDULE]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cron": "61 * * * *"}, "is no cron expression"),
        ({"cron": "* * *"}, "is no cron expression"),
        ({"cron": "0 0 30 2 *"}, "30 2"),
        ({"cron": "0 0 * * *", "zone": "Europe/Zurch"}, "there is no time zone 'Europe/Zurch'"),
        ({"cron": "0 0 * * *", "zone": "a/../b"}, "there is no time zone"),
        ({"every": 1000, "not_before": 5}, "not_before is for one task"),
        ({"every": 1000, "after": (bytes(16),)}, "after is for one task"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused_with_the_remedy(scene, options, said):
    scene.client()
    put(scene, **options)
    error = scene.turn().sends[1][0]
    assert error.code == ErrorCode.BAD_SCHEDULE
    assert said in error.text
    assert len(scene.broker.state.recurring) == 0


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ({"envelope": codec.encode_envelope(Envelope("wiretask.x", "default", 0, b""))}, ErrorCode.RESERVED_NAME, "reserved"),
        ({"envelope": codec.encode_envelope(Envelope("work", "wiretask.x", 0, b""))}, ErrorCode.RESERVED_NAME, "reserved"),
        ({"envelope": codec.encode_envelope(Envelope("work", "default", 0, bytes(61_440)))}, ErrorCode.TASK_TOO_LARGE, "larger"),
        ({"overlap": 200}, ErrorCode.UNSUPPORTED_OPTION, "overlap"),
        ({"catch_up": 200}, ErrorCode.UNSUPPORTED_OPTION, "catch_up"),
        ({"unique": UniqueKey("k", 200, UniqueUntil.ENDED, 0)}, ErrorCode.UNSUPPORTED_OPTION, "unique"),
    ],
)  # fmt: skip
def test_what_no_task_may_be_recurs_neither(make_scene, options, code, said):
    scene = make_scene(frame_limit=65_536)
    scene.client()
    put(scene, every=1000, **options)
    error = scene.turn().sends[1][0]
    assert (error.code, error.seq) == (code, 1)
    assert said in error.text
    assert len(scene.broker.state.recurring) == 0


def test_a_full_store_takes_no_new_recurring_task_and_lets_the_same_one_be(scene):
    scene.client()
    put(scene, every=10_000)
    scene.broker.set_store_full(full=True)
    put(scene, every=10_000)
    assert scene.errors() == []
    put(scene, every=20_000)
    assert scene.errors() == [ErrorCode.STORE_FULL]


def left_out(scene, name="job"):
    return scene.broker.state.recurring.get(name).left_out


def test_a_queue_that_takes_nothing_new_gets_no_runs_either(scene):
    scene.client()
    put(scene, every=10_000)
    scene.broker.set_mode("default", Mode.CLOSED, scene.now)
    scene.passes(10.1)
    assert (live(scene), "run empty" in left_out(scene)) == ([], True)
    scene.broker.set_mode("default", Mode.OPEN, scene.now)
    scene.passes(10)
    assert (len(live(scene)), left_out(scene)) == (1, "")


def test_runs_make_a_queue_no_longer_than_it_may_be(make_scene):
    scene = make_scene(queue_length_limits={"default": 2})
    scene.client()
    put(scene, every=1000, overlap=OverlapPolicy.QUEUE)
    scene.passes(60)
    assert len(live(scene)) == 2
    assert "the queue default has 2 tasks" in left_out(scene)


def test_a_full_store_gets_no_runs_until_there_is_room(scene):
    scene.client()
    put(scene, every=10_000)
    scene.broker.set_store_full(full=True)
    scene.passes(10.1)
    assert live(scene) == []
    scene.broker.set_store_full(full=False)
    scene.passes(10)
    assert len(live(scene)) == 1


def test_a_run_whose_unique_key_another_task_has_is_left_out_and_takes_the_key_from_nobody(scene):
    scene.client()
    scene.worker()
    unique = UniqueKey("k", UniqueScope.QUEUE, UniqueUntil.ENDED, 0)
    holder = scene.submit(unique=unique, delay=15_000)
    put(scene, every=10_000, overlap=OverlapPolicy.QUEUE, unique=unique)
    scene.passes(10.1)
    assert [task.id for task in live(scene)] == [holder]
    assert holder.hex() in left_out(scene)
    scene.passes(5)
    assert scene.work() == [holder]
    scene.passes(5)
    (run,) = live(scene)
    scene.submit(unique=unique)
    assert scene.errors() == [ErrorCode.UNIQUE_CONFLICT]
    scene.passes(10)
    assert live(scene) == [run]


def test_a_run_that_waits_for_the_former_says_so(scene):
    scene.client()
    put(scene, every=10_000)
    scene.passes(20.1)
    (run,) = live(scene)
    assert left_out(scene) == f"the run before it, {run.id.hex()}, has not ended"


def test_a_zone_that_has_gone_costs_its_own_runs_and_no_other_timer(scene):
    """It was there when the task was put: a machine may have got other time zones since."""
    scene.client()
    put(scene, cron="* * * * *", zone="Europe/Zurich")
    late = scene.submit(delay=60_000)
    known = scene.broker.state.recurring.calendar

    def gone(*_):
        raise ValueError("there is no time zone 'Europe/Zurich'")

    scene.broker.state.recurring.calendar = known._replace(after=gone, before=gone)
    scene.passes(120)
    assert [(task.id, task.state.name) for task in live(scene)] == [(late, "READY")]
    assert "no time zone" in left_out(scene)
    scene.broker.state.recurring.calendar = known
    scene.passes(AGAIN_SECONDS)
    assert len(live(scene)) > 1
    assert left_out(scene) == "" or "has not ended" in left_out(scene)


def test_a_spread_delays_each_run_by_chance_and_not_its_name(make_scene):
    scene = make_scene()
    scene.broker.state.jitter = lambda: 0.5
    scene.client()
    put(scene, every=10_000, spread=4000)
    scene.passes(10.5)
    (task,) = live(scene)
    assert task.state.name == "SCHEDULED"
    scene.passes(2)
    assert task.state.name == "READY"


def test_options_are_those_of_every_run(scene):
    scene.client()
    put(scene, every=1000, priority=9, max_attempts=4, time_limit=5000, requires=("eu",), cost=2)
    scene.passes(1.1)
    (task,) = live(scene)
    options = task.options
    assert (options.priority, options.max_attempts, options.time_limit) == (9, 4, 5000)
    assert (options.requires, options.cost) == (("eu",), 2)


@pytest.mark.parametrize(
    ("policy", "downtime", "runs"),
    [
        (None, 3630, 0),
        (CatchUpPolicy.SKIP, 3630, 0),
        (CatchUpPolicy.ONE, 3630, 1),
        (CatchUpPolicy.ALL, 3630, 6),
        (None, 610, 1),
        (CatchUpPolicy.ALL, 610, 1),
    ],
)
def test_what_was_missed_during_a_crash_is_caught_up_with_as_the_policy_says(lasting, policy, downtime, runs):
    lasting.client()
    put(lasting, every=600_000, catch_up=policy, overlap=OverlapPolicy.QUEUE)
    lasting.sent()
    lasting.crash(downtime + (80 if not runs else 0))
    lasting.passes(0.1)
    assert len(live(lasting)) == runs


def test_a_restart_in_the_same_second_does_not_run_it_twice(lasting):
    lasting.client()
    worker = lasting.worker()
    put(lasting, every=10_000)
    lasting.passes(10.1)
    assert len(lasting.work(worker)) == 1
    lasting.sent()
    lasting.crash()
    lasting.passes(1)
    lasting.sent()
    assert live(lasting) == []
    lasting.passes(9.5)
    assert len(live(lasting)) == 1


def test_a_clock_that_is_put_back_an_hour_runs_nothing_twice(scene):
    scene.client()
    put(scene, every=60_000, overlap=OverlapPolicy.QUEUE)
    scene.passes(61)
    ran = [task.id for task in live(scene)]
    back = Now(scene.now.monotonic + 1, scene.now.wall - 3600)
    scene.broker.tick(back)
    assert [task.id for task in live(scene)] == ran


def test_a_thousand_missed_runs_are_the_most(scene):
    scene.client()
    put(scene, every=1000, catch_up=CatchUpPolicy.ALL, overlap=OverlapPolicy.QUEUE)
    scene.seconds += 86_400
    scene.broker.tick(scene.now)
    assert len(live(scene)) == 1000


def _moments(cron, zone, start, count):
    at = round(start.timestamp() * 1000)
    found = []
    for _ in range(count):
        at = calendar.after(cron, zone, at)
        found.append(datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).isoformat())
    return found


def test_when_clocks_go_forward_a_run_in_the_gap_comes_right_after_it():
    start = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert _moments("30 2 * * *", "Europe/Zurich", start, 2) == [
        "2026-03-29T03:00:00+02:00",
        "2026-03-30T02:30:00+02:00",
    ]


def test_when_clocks_go_back_a_run_of_that_hour_comes_once():
    start = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert _moments("30 2 * * *", "Europe/Zurich", start, 2) == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
    ]


@pytest.mark.parametrize("offset", [0, 1, 30_000, 59_999])
def test_the_moments_before_one_are_those_after_the_ones_before(offset):
    at = round(datetime(2026, 5, 1, 10, tzinfo=UTC).timestamp() * 1000) + offset
    before = calendar.before("*/15 * * * *", "UTC", at)
    first, second = next(before), next(before)
    assert calendar.after("*/15 * * * *", "UTC", second) == first
    assert first < at <= first + 15 * 60_000


def test_a_run_shows_its_state_like_any_other(scene):
    scene.client()
    put(scene, every=1000)
    scene.passes(1.1)
    (task,) = live(scene)
    assert scene.status(task.id).state == TaskState.READY
