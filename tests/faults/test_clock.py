"""The wall clock of the scheduler jumps: dates go with it, and nothing else notices."""

import asyncio
import sys
import time
from pathlib import Path

import pytest

from wiretask_protocol import codec
from wiretask_protocol.messages import (
    Accepted,
    Await,
    Envelope,
    Outcome,
    Query,
    Result,
    Schedule,
    ScheduleAction,
    Status,
    Task,
    TaskState,
)

sys.path.insert(0, str(Path(__file__).parent))

from broken_disk import BrokenDisk, compiled  # type: ignore[import-not-found] # it lies beside
from neighbour import neighbour  # type: ignore[import-not-found]
from raw_peer import RawPeer, report, run, submit, task_id  # type: ignore[import-not-found]

pytestmark = [pytest.mark.processes, pytest.mark.slow]

DAY_NANOS = 86_400 * 10**9
HOUR_MS = 3_600_000


@pytest.fixture
def clock(place, tmp_path, tmp_path_factory):
    """The clock of the scheduler: `clock.set(wall_nanos=…)` is how much it is ahead."""
    clock = BrokenDisk(compiled(tmp_path_factory.getbasetemp()), tmp_path, "/tasks.db")
    place.env |= clock.env
    return clock


async def finish(worker, seq, task):
    await worker.send(Result(seq, task.task_id, task.lease, Outcome.SUCCEEDED, report()))


async def state_of(client, seq, number):
    await client.send(Query(seq, task_id(number)))
    return TaskState((await client.get(Status)).state)


@pytest.mark.parametrize("days", [1, -1])
def test_what_was_asked_for_a_time_goes_by_another_clock(place, clock, days):
    """A delay, an expiry and a time limit of an hour, a lease and every connection outlast a jump of a day."""

    async def story():
        place.start()
        async with neighbour(place):
            client, worker = await RawPeer.join(place.address), await RawPeer.work(place.address, slots=1)
            await client.send(submit(1, time_limit=HOUR_MS), submit(2, expires_in=HOUR_MS), submit(3, delay=HOUR_MS))
            await client.accepted(3)
            running = await worker.get(Task)
            clock.set(wall_nanos=days * DAY_NANOS)
            await client.send(submit(4, owner=9, flags=0))
            await client.accepted(4)
            assert abs((await asyncio.to_thread(shown, place))["submitted_ms"] / 1000 - time.time()) > 80_000
            assert await state_of(client, 5, 1) is TaskState.LEASED
            assert await state_of(client, 6, 2) is TaskState.READY
            assert await state_of(client, 7, 3) is TaskState.SCHEDULED
            await finish(worker, 1, running)
            await finish(worker, 2, await worker.get(Task))
            assert {(await client.get(Result)).task_id for _ in range(2)} == {task_id(1), task_id(2)}
            assert await state_of(client, 8, 3) is TaskState.SCHEDULED

    run(story())


def shown(place):
    """The newest task as HTTP shows it."""
    return place.get("/api/tasks?limit=1")["tasks"][0]


def test_a_date_comes_when_the_clock_says_so(place, clock):
    async def story():
        client = await RawPeer.join(place.start())
        worker = await RawPeer.work(place.address)
        now = int(time.time() * 1000)
        await client.send(submit(1, not_before=now + HOUR_MS), submit(2, expires_at=now + HOUR_MS, delay=HOUR_MS))
        await client.accepted(2)
        clock.set(wall_nanos=DAY_NANOS)
        assert (await worker.get(Task)).task_id == task_id(1)
        ended = await client.get(Result)
        assert (ended.task_id, ended.outcome) == (task_id(2), Outcome.EXPIRED)

    run(story())


def test_a_restart_on_a_clock_that_is_behind_forgets_nothing_and_runs_nothing_twice(place, clock):
    async def story():
        clock.set(wall_nanos=DAY_NANOS)
        client = await RawPeer.join(place.start())
        worker = await RawPeer.work(place.address, slots=2)
        await client.send(*(submit(seq) for seq in range(1, 5)))
        await finish(worker, 1, await worker.get(Task))
        await client.get(Result)
        place.kill()
        clock.set(wall_nanos=0)
        place.start()
        client, worker = await RawPeer.join(place.address), await RawPeer.work(place.address)
        await client.send(*(Await(seq, task_id(seq)) for seq in range(1, 5)))
        for seq in range(1, 4):
            await finish(worker, seq, await worker.get(Task))
        assert {(await client.get(Result)).task_id for _ in range(4)} == {task_id(number) for number in range(1, 5)}
        await worker.pong()
        assert [message for message in worker.inbox if not isinstance(message, Accepted)] == []

    run(story())


def test_a_recurring_task_runs_once_for_each_of_its_times_wherever_the_clock_goes(place, clock):
    """Forward it skips what it has missed, back it waits until its time comes again; no time is used twice."""

    async def story():
        client = await RawPeer.join(place.start())
        worker = await RawPeer.work(place.address, task_type="beat")
        task = codec.encode_envelope(Envelope("beat", "default", 0, b""))
        await client.send(Schedule(1, "heart", ScheduleAction.PUT, 5, every=100, envelope=task))
        await client.accepted(1)
        times = []
        # At 3600 after 7200 all of its times have been; it goes on when the clock has caught up.
        for ahead, runs in ((0, 4), (3600, 4), (7200, 4), (3600, 0), (7205, 4)):
            clock.set(wall_nanos=ahead * 10**9)
            for _ in range(runs):
                beat = await worker.get(Task)
                times.append(int.from_bytes(beat.task_id[:6], "big"))
                await finish(worker, len(times), beat)
            await worker.pong()
        assert len(set(times)) == 16
        assert times == sorted(times)

    run(story())
