"""A disk that fails, is full, or waits: nothing accepted is lost, nobody is told what is not so, and service comes back."""

import asyncio
import errno
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import Accepted, Await, Error, Outcome, Result, SubmitFlags, Task

sys.path.insert(0, str(Path(__file__).parent))

from broken_disk import DATABASE, INDEX, LOG, BrokenDisk, compiled  # type: ignore[import-not-found] # it lies beside
from raw_peer import EndedError, RawPeer, report, run, submit, task_id  # type: ignore[import-not-found]

pytestmark = [pytest.mark.processes, pytest.mark.slow]

WANTS_AND_REPEATS = int(SubmitFlags.WANT_RESULT | SubmitFlags.REPEAT)


@pytest.fixture
def disk(place, tmp_path, tmp_path_factory):
    """The disk of the scheduler, which is not started yet."""
    disk = BrokenDisk(compiled(tmp_path_factory.getbasetemp()), tmp_path, "/tasks.db")
    place.env |= disk.env
    return disk


async def until(true, what):
    """Waits for something that nobody tells us of."""
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, what
        await asyncio.sleep(0.002)


async def finish(worker, seq, task):
    await worker.send(Result(seq, task.task_id, task.lease, Outcome.SUCCEEDED, report()))


async def all_end(address, numbers):
    """A worker does all tasks there are, and a client gets the result of each."""
    worker, client = await RawPeer.work(address, slots=1000), await RawPeer.join(address)
    numbers = list(numbers)
    for seq, _ in enumerate(numbers, 1):
        await finish(worker, seq, await worker.get(Task))
    await client.send(*(Await(seq, task_id(number)) for seq, number in enumerate(numbers, 1)))
    results = [await client.get(Result) for _ in numbers]
    assert {result.task_id for result in results} == {task_id(number) for number in numbers}
    assert {result.outcome for result in results} == {Outcome.SUCCEEDED}


FAILURES = {
    "a write of the log": ({"write_errno": errno.EIO, "kinds": LOG}, "the disk reports an error; check it"),
    "a sync of the log": ({"sync_errno": errno.EIO, "kinds": LOG}, "the disk reports an error; check it"),
    "a later write of the log": ({"write_errno": errno.EIO, "kinds": LOG, "skip": 3}, "the disk reports an error"),
    "a disk that has become read-only": ({"write_errno": errno.EROFS, "kinds": LOG | DATABASE}, "check"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_disk_that_fails_ends_the_scheduler_with_one_line_and_a_restart_has_all_that_was_accepted(place, disk, case):
    fault, said = FAILURES[case]

    taken = [200]

    async def before():
        client = await RawPeer.join(place.start())
        await client.send(*(submit(seq) for seq in range(1, 201)))
        await client.accepted(200)
        disk.set(**fault)
        with pytest.raises(EndedError):
            await go_on(client)

    async def go_on(client):
        for seq in range(201, 300):
            await client.send(submit(seq))
            await client.accepted(seq)
            taken.append(seq)

    run(before())
    assert disk["faults"] > 0
    assert place.scheduler.wait() == 1
    last = place.log.splitlines()[-1]
    assert last.startswith("wiretask-scheduler: ")
    assert said in last
    assert "Traceback" not in place.log
    disk.set(write_errno=0, sync_errno=0)

    async def after():
        client = await RawPeer.join(place.start())
        # Whether the last one was written is not known; said again it is one task.
        doubtful = taken[-1] + 1
        await client.send(submit(1, doubtful, flags=WANTS_AND_REPEATS))
        await client.accepted(1)
        await all_end(place.address, range(1, doubtful + 1))
        assert (await client.get(Result)).task_id == task_id(doubtful)

    run(after())


def test_a_file_that_cannot_be_read_is_one_line_and_exit_code_2(place, disk):
    place.start()
    place.kill()
    disk.set(read_errno=errno.EIO, kinds=DATABASE)
    with pytest.raises(RuntimeError, match="the disk reports an error; check it, then start again"):
        place.start()
    assert place.scheduler.process.returncode == 2 or "Traceback" not in place.log
    disk.set(read_errno=0)
    place.start()


def test_while_a_sync_waits_only_those_wait_who_need_it(place, disk):
    """Output commit: an Accepted, a Task and a Result leave after the sync; a pong, and what others have, do not."""

    async def story():
        address = place.start()
        client, other, worker = [await RawPeer.join(address), await RawPeer.join(address), await RawPeer.work(address)]
        await client.send(submit(1))
        task = await worker.get(Task)
        with disk.doing(hold_syncs=1, kinds=LOG):
            await client.send(submit(2))
            await finish(worker, 1, task)
            await until(lambda: disk["waiting"] == 1, "no sync came")
            for peer in (client, other, worker):
                await peer.pong()
            assert await asyncio.to_thread(place.get, "/healthz") == "ok\n"
            assert client.inbox == [Accepted(1)]
            assert worker.inbox == []
        assert (await client.get(Result)).task_id == task_id(1)
        assert (await worker.get(Task)).task_id == task_id(2)

    run(story())


def test_a_sigkill_in_a_sync_takes_back_nothing_that_was_said(place, disk):
    async def story():
        client = await RawPeer.join(place.start())
        await client.send(*(submit(seq) for seq in range(1, 51)))
        await client.accepted(50)
        disk.set(hold_syncs=1, kinds=LOG)
        await client.send(*(submit(seq) for seq in range(51, 101)))
        await until(lambda: disk["waiting"] == 1, "no sync came")
        place.kill()
        disk.set(hold_syncs=0, waiting=0)
        with pytest.raises(EndedError):
            await client.get(Accepted)
        place.start()
        client = await RawPeer.join(place.address)
        await client.send(*(submit(seq, 50 + seq, flags=WANTS_AND_REPEATS) for seq in range(1, 51)))
        await client.accepted(50)
        await all_end(place.address, range(1, 101))
        assert {(await client.get(Result)).task_id for _ in range(50)} == {task_id(n) for n in range(51, 101)}

    run(story())


def test_on_a_slow_disk_one_sync_stands_for_many_tasks(place, disk):
    disk.set(sync_nanos=20_000_000)

    async def story():
        client = await RawPeer.join(place.start())
        worker = await RawPeer.work(place.address, slots=500)
        before = disk["syncs"]
        await client.send(*(submit(seq) for seq in range(1, 1001)))
        for seq in range(1, 1001):
            await finish(worker, seq, await worker.get(Task))
        assert len({(await client.get(Result)).task_id for _ in range(1000)}) == 1000
        assert disk["syncs"] - before < 200

    run(story())


@pytest.mark.parametrize("kinds", [LOG, LOG | DATABASE | INDEX], ids=["the log", "all files"])
def test_a_disk_without_any_space_keeps_everybody_waiting_and_loses_nothing(place, disk, kinds):
    """The space that is kept is of no use here: nothing at all can be written, until it can."""

    async def story():
        address = place.start()
        client, worker = await RawPeer.join(address), await RawPeer.work(address, slots=10)
        await client.send(*(submit(seq) for seq in range(1, 21)))
        await client.accepted(20)
        tasks = [await worker.get(Task) for _ in range(10)]
        with disk.doing(write_errno=errno.ENOSPC, kinds=kinds):
            for seq, task in enumerate(tasks, 1):
                await finish(worker, seq, task)
            await until(lambda: place.log.count("space is left"), "the disk was not full")
            for peer in (client, worker):
                await peer.pong()
            await client.send(submit(21))
            assert await asyncio.to_thread(place.get, "/readyz") == 503
            assert worker.inbox == client.inbox == []
        await worker.accepted(10)
        assert {(await client.get(Result)).task_id for _ in range(10)} == {task_id(n) for n in range(1, 11)}
        for seq in range(11, 21):
            await finish(worker, seq, await worker.get(Task))
        assert (await client.get(Error)).code == ErrorCode.STORE_FULL
        await until(lambda: "takes new tasks again" in place.log, "new tasks are refused for ever")
        await client.send(submit(22))
        await finish(worker, 21, await worker.get(Task))
        assert {(await client.get(Result)).task_id for _ in range(11)} == {task_id(n) for n in (*range(11, 21), 22)}

    run(story())
    assert place.scheduler.terminate() == 0
    assert "Traceback" not in place.log


def test_a_sigkill_on_a_full_disk_loses_nothing_and_the_next_one_goes_on(place, disk):
    async def story():
        address = place.start()
        client, worker = await RawPeer.join(address), await RawPeer.work(address, slots=5)
        await client.send(*(submit(seq) for seq in range(1, 11)))
        await client.accepted(10)
        with disk.doing(write_errno=errno.ENOSPC):
            for seq in range(1, 6):
                await finish(worker, seq, await worker.get(Task))
            await until(lambda: place.log.count("space is left"), "the disk was not full")
            place.kill()
        place.start()
        await all_end(place.address, range(1, 11))

    run(story())


def test_the_index_of_the_log_may_find_no_space_either(place, disk):
    """It grows with each 32 MiB of the log; what has no room for it waits like everything else."""

    async def story():
        client = await RawPeer.join(place.start())
        with disk.doing(write_errno=errno.ENOSPC, kinds=INDEX):
            await client.send(*(submit(seq, body=bytes(1 << 20), flags=0) for seq in range(1, 61)))
            await until(lambda: disk["faults"], "the index did not grow")
            await client.pong()
        await client.accepted(60)

    run(story())
    assert place.scheduler.terminate() == 0


@pytest.fixture
def small_disk(place, tmp_path):
    """A store on a disk of its own, of 24 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "none", folder]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    place.store = f"sqlite:{folder / 'tasks.db'}"
    yield folder
    place.stop()
    subprocess.run(["umount", "-l", folder], check=True)


async def fill(client, first):
    """Submits without waiting until new tasks are refused; how many were taken, and the last seq."""
    sent = first - 1
    while not any(isinstance(message, Error) for message in client.inbox):
        await client.send(*(submit(seq, body=bytes(5000)) for seq in range(sent + 1, sent + 51)))
        sent += 50
        await client.pong()
    await client.accepted(sent)
    refused = {message.seq for message in client.inbox if isinstance(message, Error)}
    assert {message.code for message in client.inbox if isinstance(message, Error)} == {ErrorCode.STORE_FULL}
    client.clear()
    return set(range(first, sent + 1)) - refused, sent


def test_a_disk_that_tasks_have_filled_has_room_again_when_they_have_ended(place, small_disk):
    """Nobody frees anything but the scheduler, and that inside of its file."""

    async def story():
        client = await RawPeer.join(place.start())
        total, last, rounds = 0, 0, 0
        # More than the disk holds: 8 KiB each, the log and what is kept besides.
        while total < 4000:
            taken, last = await fill(client, last + 1)
            total, rounds = total + len(taken), rounds + 1
            worker = await RawPeer.work(place.address, slots=300)
            for seq in range(1, len(taken) + 1):
                await finish(worker, seq, await worker.get(Task))
            assert {(await client.get(Result)).task_id for _ in taken} == {task_id(number) for number in taken}
            worker.abort()
            again = "takes new tasks again"
            await until(lambda: place.log.count(again) >= rounds, "new tasks are refused for ever")  # noqa: B023 -- at once
        assert rounds < 40

    run(story())
    assert place.scheduler.terminate() == 0
