"""The scheduler as a whole: a store that fails, a disk that is full, a loop that stands still."""

import asyncio
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import (
    Accepted,
    Credit,
    Error,
    Hello,
    HelloKind,
    Outcome,
    QueueWeight,
    Result,
    Role,
    Subscribe,
    TypeSupport,
    VersionRange,
)
from wiretask_scheduler import app, assembly, flow
from wiretask_scheduler.config import load
from wiretask_scheduler.store import StoreError
from wiretask_scheduler.store.sqlite import SqliteStore

sys.path.insert(0, str(Path(__file__).parent))

from scheduler_place import Raw, report, serving, submit, task_id  # type: ignore[import-not-found] # it lies beside


@pytest.fixture
def calm(monkeypatch):
    """The process is not ours alone: its limits and its collector stay as they are."""
    monkeypatch.setattr(app, "_raise_descriptor_limit", lambda: None)
    monkeypatch.setattr(app.gc, "freeze", lambda: None)
    monkeypatch.setattr(app.gc, "set_threshold", lambda *_: None)
    monkeypatch.setattr(app.sys, "setswitchinterval", lambda _: None)


def config(tmp_path):
    return load(None, {"listen": "127.0.0.1:0", "http": "off", "store": f"sqlite:{tmp_path / 'tasks.db'}"})


def test_the_limits_of_the_protocol_can_be_set():
    config = load(None, {"in_flight": 7, "crash_limit": 1, "loss_limit": 2, "store": "memory:"})
    settings, sessions = assembly.core_settings(config), assembly.session_settings(config)
    assert (settings.in_flight, settings.crash_limit, settings.loss_limit, sessions.in_flight) == (7, 1, 2, 7)


async def connect(address):
    reader, writer = await asyncio.open_connection(*address)
    peer = Raw(reader, writer)
    await peer.send(Hello(HelloKind.OPEN, 7, versions=VersionRange(1, 1), role=Role.CLIENT))
    assert (await peer.get()).kind is HelloKind.ACCEPT
    return peer


# -- failures of the store --


def test_an_error_of_the_disk_ends_the_scheduler_with_one_line_and_nothing_is_accepted(run, tmp_path, calm):
    class Failing(SqliteStore):
        def commit(self, epoch, changes):
            if any(change.inserted for change in changes):
                raise StoreError("the disk reports an error; check it, then start again")
            return super().commit(epoch, changes)

    async def story():
        store = Failing(tmp_path / "tasks.db")
        scheduler = app.Scheduler(config(tmp_path), store)
        address = asyncio.get_running_loop().create_future()
        running = asyncio.create_task(scheduler.run(lambda host, port: address.set_result((host, port))))
        client = await connect(await address)
        await client.send(submit(1))
        with pytest.raises(EOFError):
            await client.get()
        client.close()
        await running
        assert scheduler.failure == "the disk reports an error; check it, then start again"
        store.close()

    run(story())


def test_a_port_that_is_taken_leaves_the_store_to_the_next_one(run, tmp_path, calm):
    async def story():
        taken = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
        port = taken.sockets[0].getsockname()[1]
        settings = load(None, {"listen": f"127.0.0.1:{port}", "http": "off"})
        scheduler = app.Scheduler(settings, SqliteStore(tmp_path / "tasks.db"))
        with pytest.raises(OSError, match="in use"):
            await scheduler.run(lambda _host, _port: None)
        taken.close()
        SqliteStore(tmp_path / "tasks.db").close()

    run(story())


# -- a full disk, with a real process --


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=14m", "none", folder]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def use_up(path):
    """Leaves no space on the disk of a path."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


async def fill(client):
    """Submits until the store is full. Returns the last seq that was taken and the last that was sent."""
    taken = sent = 0
    while True:
        await client.send(*(submit(seq, bytes(5000), flags=0) for seq in range(sent + 1, sent + 101)))
        sent += 100
        while True:
            message = await client.get()
            if isinstance(message, Hello):
                await client.send(Hello(HelloKind.PONG, message.nonce))
            elif isinstance(message, Error):
                assert (message.code, message.seq) == (ErrorCode.STORE_FULL, message.seq)
                return taken, sent
            elif isinstance(message, Accepted):
                taken = message.seq
                if taken == sent:
                    break


@pytest.mark.processes
@pytest.mark.slow
def test_on_a_full_disk_new_tasks_are_refused_and_those_that_are_there_end(small_disk):
    process = subprocess.Popen(
        [sys.executable, "-m", "wiretask_scheduler", "--listen", "127.0.0.1:0", "--http", "off"],
        cwd=small_disk,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    host, _, port = process.stdout.readline().split()[1].rpartition(":")

    peers = []

    async def story():
        client = await connect((host, int(port)))
        peers.append(client)
        taken, _ = await asyncio.wait_for(fill(client), 60)
        assert taken > 500
        use_up(small_disk / "others")
        worker = await join_worker((host, int(port)), slots=200)
        peers.append(worker)
        # One by one: each commit takes some pages of the log.
        for seq in range(1, 501):
            task = await next_task(worker)
            await worker.send(Result(seq, task.task_id, task.lease, Outcome.SUCCEEDED, report(b"x" * 100)))
            while await worker.get() != Accepted(seq):
                pass

    async def told():
        try:
            await story()
        finally:
            for peer in peers:
                peer.close()
            await asyncio.sleep(0)

    try:
        asyncio.run(told())
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    finally:
        if process.poll() is None:
            process.kill()
        if not process.stderr.closed:
            # What the scheduler said is the first thing to read when this fails.
            print(process.communicate()[1])
    assert process.returncode == 0
    assert err.count("space is left") == 1
    assert "Traceback" not in err


async def join_worker(address, slots):
    reader, writer = await asyncio.open_connection(*address)
    worker = Raw(reader, writer, "worker")
    await worker.send(Hello(HelloKind.OPEN, 7, versions=VersionRange(1, 1), role=Role.WORKER))
    await worker.get()
    await worker.send(Subscribe((QueueWeight("default", 1),), (TypeSupport("add", 0, 0),)), Credit(slots, 0, 0))
    return worker


async def next_task(worker):
    while True:
        message = await worker.get()
        if not isinstance(message, Accepted | Hello):
            return message


# -- a loop that stands still --


def test_after_a_stall_the_sockets_are_read_before_the_core_hears_that_time_has_passed(run, monkeypatch):
    async def story():
        async with serving() as place:
            client = await place.join()
            told = []
            broker = place.flow.broker
            receive_many, tick = broker.receive_many, broker.tick
            monkeypatch.setattr(broker, "receive_many", lambda *rest: (told.append("read"), receive_many(*rest)))
            monkeypatch.setattr(broker, "tick", lambda now: (told.append("tick"), tick(now)))
            await client.send(submit(1, delay=30))
            assert await client.get() == Accepted(1)
            monkeypatch.setattr(flow, "STALL_SECONDS", 0.05)
            await client.send(submit(2))
            # The loop is kept busy until the timer is late by more than a stall.
            until = place.flow._timer_at + 0.1
            while asyncio.get_running_loop().time() < until:
                pass
            assert await client.get() == Accepted(2)
            while "tick" not in told:  # noqa: ASYNC110 -- the core tells nobody
                await asyncio.sleep(0.001)
            assert told == ["read", "read", "tick"]
            assert broker.state.tasks.get(task_id(1)) is not None

    run(story())
