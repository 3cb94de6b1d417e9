"""Real sockets and raw octets: the whole way of a task, and every peer that misbehaves."""

import asyncio
import socket
import struct
import sys
import threading
from pathlib import Path

import pytest

from wiretask_protocol import codec
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import (
    Accepted,
    Await,
    Error,
    Goodbye,
    GoodbyeReason,
    Hello,
    HelloKind,
    Query,
    Result,
    Role,
    Status,
    SubmitFlags,
    TaskState,
)
from wiretask_scheduler import flow, link
from wiretask_scheduler import server as server_module
from wiretask_scheduler.core import Settings
from wiretask_scheduler.session import Session, SessionSettings
from wiretask_scheduler.store.memory import MemoryStore
from wiretask_scheduler.store.sqlite import SqliteStore

sys.path.insert(0, str(Path(__file__).parent))

from scheduler_place import report, serving, submit, task_id, work  # type: ignore[import-not-found] # it lies beside


def told(octets):
    """The one Error in the octets."""
    command, length = struct.unpack_from(">BI", octets)
    assert (command, length) == (Error.COMMAND, len(octets) - 5)
    return codec.decode(command, octets[5:])


# -- the way of a task --


@pytest.mark.parametrize("durable", [True, False])
def test_a_task_goes_to_the_worker_and_its_result_to_the_client(run, tmp_path, durable):
    async def story():
        async with serving(SqliteStore(tmp_path / "tasks.db") if durable else None) as place:
            worker, client = await place.worker(), await place.join()
            await client.send(submit(1, b"hello"))
            assert await client.get() == Accepted(1)
            task = await work(worker, body=b"world")
            assert task.task_id == task_id(1)
            assert codec.decode_envelope(task.envelope).body == b"hello"
            assert await worker.get() == Accepted(1)
            assert await client.get() == Result(1, task_id(1), 0, 1, report(b"world"), attempt=1)

    run(story())


def test_an_ended_task_is_answered_from_the_store(run, tmp_path):
    async def story():
        async with serving(SqliteStore(tmp_path / "tasks.db")) as place:
            worker, client = await place.worker(), await place.join()
            await client.send(submit(1, flags=0))
            await work(worker)
            assert await client.get() == Accepted(1)
            assert await worker.get() == Accepted(1)
            await client.send(Await(2, task_id(1)), Query(3, task_id(1)), Await(4, task_id(9)))
            assert await client.get() == Accepted(4)
            result, status, unknown = [await client.get() for _ in range(3)]
            assert (result.task_id, result.report) == (task_id(1), report())
            assert isinstance(status, Status)
            assert (status.query, status.state) == (3, TaskState.SUCCEEDED)
            assert (unknown.code, unknown.seq) == (ErrorCode.UNKNOWN_TASK, 4)

    run(story())


@pytest.mark.parametrize("repeat", [SubmitFlags.REPEAT, 0])
def test_an_id_that_ended_before_the_restart_gets_the_result_that_is_there(run, tmp_path, repeat):
    async def story():
        async with serving(SqliteStore(tmp_path / "tasks.db")) as place:
            worker, client = await place.worker(), await place.join()
            await client.send(submit(1))
            await work(worker, body=b"once")
            assert [type(await client.get()) for _ in range(2)] == [Accepted, Result]
        async with serving(SqliteStore(tmp_path / "tasks.db")) as place:
            worker, client = await place.worker(), await place.join()
            await client.send(submit(1, flags=SubmitFlags.WANT_RESULT | repeat), submit(2))
            assert (await work(worker, body=b"twice")).task_id == task_id(2)
            reports = {}
            while len(reports) < 2:
                message = await client.get()
                if isinstance(message, Result):
                    reports[message.task_id] = message.report
            assert reports == {task_id(1): report(b"once"), task_id(2): report(b"twice")}

    run(story())


def test_bodies_beyond_the_budget_and_after_a_restart_are_read_from_the_store(run, tmp_path):
    async def story():
        bodies = {task_id(seq): b"%d" % seq * 1000 for seq in range(1, 301)}
        async with serving(SqliteStore(tmp_path / "tasks.db"), body_budget=10_000) as place:
            client = await place.join()
            await client.send(*(submit(seq, bodies[task_id(seq)], flags=0) for seq in range(1, 301)))
            while (await client.get()).seq < 300:
                pass
            worker = await place.worker(slots=100)
            for seq in range(1, 151):
                task = await work(worker, seq)
                while isinstance(task, Accepted):
                    task = await work(worker, seq)
        at_once = Settings(resume_grace_seconds=0)
        async with serving(SqliteStore(tmp_path / "tasks.db"), body_budget=10_000, core=at_once) as place:
            worker = await place.worker(slots=300)
            while len(bodies) > 150:
                task = await worker.get()
                assert codec.decode_envelope(task.envelope).body == bodies.pop(task.task_id)

    async def work(worker, seq):
        message = await worker.get()
        if not isinstance(message, Accepted):
            await worker.send(Result(seq, message.task_id, message.lease, 1, report()))
        return message

    run(story())


def test_frames_survive_any_split(run):
    async def story():
        async with serving() as place:
            client = await place.join()
            for octet in codec.encode(submit(1)) + codec.encode(submit(2)):
                await client.send(bytes([octet]))
            seqs = [(await client.get()).seq]
            if seqs == [1]:
                seqs.append((await client.get()).seq)
            assert seqs[-1] == 2

    run(story())


def test_a_large_frame_arrives(run):
    async def story():
        async with serving() as place:
            worker, client = await place.worker(), await place.join()
            body = bytes(range(256)) * 16_000
            await client.send(submit(1, body))
            assert await client.get() == Accepted(1)
            task = await work(worker, body=body)
            assert codec.decode_envelope(task.envelope).body == body
            assert (await client.get()).report == report(body)

    run(story())


# -- peers that misbehave --


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"\x16\x03\x01\x02\x00\x01", ErrorCode.NOT_WIRETASK),
        (bytes(100_000), ErrorCode.NOT_WIRETASK),
        (b"\x03\0\0\0\0", ErrorCode.TRUNCATED),
        (b"\x03\x7f\xff\xff\xff" + bytes(200_000), ErrorCode.FRAME_TOO_LARGE),
    ],
)
def test_the_error_reaches_whoever_sends_garbage_also_when_more_of_it_comes(run, octets, code):
    async def story():
        async with serving() as place:
            peer = await place.raw()
            await peer.send(octets)
            assert told(await peer.rest()).code == code
            peer.close()
            await place.gone(0)

    run(story())


def test_http_on_the_port_is_answered_in_http(run):
    async def story():
        async with serving() as place:
            peer = await place.raw()
            await peer.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = await peer.rest()
            assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
            assert answer.endswith(b"the HTTP interface has a port of its own.\n")

    run(story())


def test_a_bad_message_ends_its_connection_and_no_other(run):
    async def story():
        async with serving() as place:
            good, bad = await place.join(), await place.join()
            await bad.send(submit(1), submit(3))
            assert await bad.get() == Accepted(1)
            assert (await bad.get()).code == ErrorCode.BAD_SEQUENCE
            with pytest.raises(EOFError):
                await bad.get()
            await good.send(submit(1, number=10))
            assert await good.get() == Accepted(1)

    run(story())


def test_who_sends_more_than_may_be_unaccepted_is_told_and_let_go(run):
    async def story():
        async with serving(settings=SessionSettings(in_flight=3)) as place:
            client = await place.join()
            for seq in range(1, 10):
                await client.send(submit(seq))
                assert await client.get() == Accepted(seq)
            await client.send(*(submit(seq) for seq in range(10, 14)))
            assert (await client.get()).code == ErrorCode.TOO_MANY_IN_FLIGHT

    run(story())


def test_numbers_that_no_store_can_keep_harm_nobody(run, tmp_path):
    async def story():
        async with serving(SqliteStore(tmp_path / "tasks.db")) as place:
            worker, client = await place.worker(), await place.join()
            most = (1 << 64) - 1
            await client.send(
                submit(1, not_before=most, expires_at=most), submit(2, retention=most), submit(3, retention=0)
            )
            assert await client.get() == Accepted(3)
            await work(worker)
            assert (await client.get()).task_id == task_id(2)
            await client.send(Query(4, task_id(1)))
            assert (await client.get()).state == TaskState.SCHEDULED

    run(story())


def test_a_truncated_frame_and_the_end_is_told(run):
    async def story():
        async with serving() as place:
            peer = await place.join()
            await peer.send(b"\x07\0\0\0\x50half")
            peer.writer.write_eof()
            assert (await peer.get()).code == ErrorCode.TRUNCATED

    run(story())


def test_who_never_says_hello_is_told_and_let_go(run):
    async def story():
        async with serving(settings=SessionSettings(handshake_seconds=0.01)) as place:
            peer = await place.raw()
            await peer.send(b"\x03\0")
            assert told(await peer.rest()).code == ErrorCode.HANDSHAKE_TIMEOUT

    run(story())


def test_who_falls_silent_is_told_and_let_go(run):
    async def story():
        async with serving(settings=SessionSettings(heartbeat_ms=100)) as place:
            peer = await place.join()
            messages = []
            with pytest.raises(EOFError):  # noqa: PT012 -- until the end
                while True:
                    messages.append(await peer.get())
            *pings, error = messages
            assert {message.kind for message in pings} == {HelloKind.PING}
            assert error.code == ErrorCode.SILENT

    run(story())


def test_a_ping_is_answered(run):
    async def story():
        async with serving() as place:
            peer = await place.join()
            await peer.send(Hello(HelloKind.PING, 99))
            assert await peer.get() == Hello(HelloKind.PONG, 99)

    run(story())


def test_an_address_has_so_many_connections(run):
    async def story():
        async with serving(per_address=2) as place:
            first, _ = await place.join(), await place.join()
            peer = await place.raw()
            assert told(await peer.rest()).code == ErrorCode.TOO_MANY_CONNECTIONS
            peer.close()
            first.close()
            await place.gone(1)
            await place.join()

    run(story())


def test_grease_follows_the_accept_and_nothing_else(run):
    async def story():
        async with serving() as place:
            joined = await place.join()
            ((tag, _),) = joined.accept.unknown
            assert 0x7FA0 <= tag <= 0x7FAF
            await joined.send(Hello(HelloKind.PING, 1), Hello(HelloKind.PING, 2))
            assert [(await joined.get()).nonce for _ in range(2)] == [1, 2]
            assert joined.connection.partial == 0

    run(story())


def test_a_bug_costs_one_connection(run, caplog):
    async def story():
        async with serving() as place:
            good, bad = await place.join(), await place.join()
            broker = place.flow.broker
            receive_many = broker.receive_many

            def broken(peer, messages, now):
                if peer == 2:
                    raise ZeroDivisionError
                receive_many(peer, messages, now)

            broker.receive_many = broken
            await bad.send(submit(1))
            assert (await bad.get()).code == ErrorCode.INTERNAL
            await good.send(submit(1))
            assert await good.get() == Accepted(1)

    run(story())
    assert "a bug, please report it" in caplog.text


def test_a_bug_behind_a_timer_stops_no_other_timer(run, caplog):
    async def story():
        async with serving() as place:
            client, worker = await place.join(), await place.worker()
            tick, told = place.flow.broker.tick, []

            def broken(now):
                if not told:
                    told.append(1)
                    raise ZeroDivisionError
                tick(now)

            place.flow.broker.tick = broken
            await client.send(submit(1, delay=10))
            assert await client.get() == Accepted(1)
            assert (await worker.get()).task_id == task_id(1)

    run(story())
    assert "a timer could not be handled" in caplog.text


def test_the_log_says_who_was_let_go_and_why(run, caplog):
    async def story():
        async with serving() as place:
            peer = await place.raw()
            await peer.send(b"\x16\x03\x01\n")
            await peer.rest()

    caplog.set_level("INFO")
    run(story())
    assert "peer 1 at 127.0.0.1 is let go: NOT_WIRETASK: " in caplog.text


# -- peers that do not read --


def small_buffers(peer):
    peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)


async def fill(place, client, worker, count, octets):
    """So many results of so many octets for a client that does not read."""
    await client.send(*(submit(seq, number=seq) for seq in range(1, count + 1)))
    for seq in range(1, count + 1):
        task = await worker.get()
        while isinstance(task, Accepted):
            task = await worker.get()
        await worker.send(Result(seq, task.task_id, task.lease, 1, report(bytes(octets))))
    while place.flow.broker.state.counts["succeeded"] < count:  # noqa: ASYNC110 -- the core tells nobody
        await asyncio.sleep(0.001)
    await place.flow.settled()


def test_a_slow_reader_gets_everything_in_the_end_and_memory_stays_bounded(run, tmp_path):
    async def story():
        async with serving(SqliteStore(tmp_path / "tasks.db")) as place:
            worker, client = await place.worker(), await place.join()
            client.reader._limit = 1000
            other = await place.join()
            await fill(place, client, worker, 300, 100_000)
            slow = place.flow.server.links[2]
            assert slow._transport.get_write_buffer_size() < 2 << 20
            assert place.flow.outbox.is_waiting(2)
            waiting = place.flow.outbox._waiting[2]
            assert sum(len(send.report) for send in waiting.queue if isinstance(send, Result)) < 2 << 20
            await other.send(submit(1, number=999))
            assert await other.get() == Accepted(1)
            results = [message for message in [await client.get() for _ in range(301)] if isinstance(message, Result)]
            seqs = [result.seq for result in results]
            while len(seqs) < 300:
                message = await client.get()
                seqs += [message.seq] if isinstance(message, Result) else []
            assert seqs == list(range(1, 301))

    run(story())


def test_who_makes_no_progress_is_cut_off(run, monkeypatch):
    async def story():
        async with serving(settings=SessionSettings(heartbeat_ms=100)) as place:
            worker, client = await place.worker(), await place.join()
            client.reader._limit = 1000
            pings = asyncio.create_task(answer_pings(worker))
            await client.send(*(submit(seq) for seq in range(1, 101)))
            await place.gone(1)
            pings.cancel()

    async def answer_pings(worker):
        seq = 0
        while True:
            message = await worker.get()
            if isinstance(message, Hello):
                await worker.send(Hello(HelloKind.PONG, message.nonce))
            elif not isinstance(message, Accepted):
                seq += 1
                await worker.send(Result(seq, message.task_id, message.lease, 1, report(bytes(200_000))))

    monkeypatch.setattr(link, "LINGER_SECONDS", 0.01)
    run(story())


class HeldStore(SqliteStore):
    """Its commits wait while the gate is closed."""

    def __init__(self, path):
        self.gate = threading.Event()
        self.gate.set()
        super().__init__(path)

    def commit(self, epoch, changes):
        self.gate.wait()
        return super().commit(epoch, changes)


def test_workers_are_paused_too_when_the_store_lags_far_behind(run, tmp_path, monkeypatch):
    monkeypatch.setattr(flow, "RESULT_LAG_OCTETS", 500_000)
    store = HeldStore(tmp_path / "tasks.db")

    async def story():
        async with serving(store) as place:
            worker, client = await place.worker(), await place.join()
            await client.send(*(submit(seq) for seq in range(1, 21)))
            tasks = [await worker.get() for _ in range(20)]
            other = await place.worker()
            store.gate.clear()
            try:
                for seq, task in enumerate(tasks, 1):
                    await worker.send(Result(seq, task.task_id, task.lease, 1, report(bytes(60_000))))
                while place.flow.server._paused != {Role.WORKER}:
                    await client.send(Hello(HelloKind.PING, 1))
                    while await client.get() != Hello(HelloKind.PONG, 1):
                        pass
                await other.send(Hello(HelloKind.PING, 2))
                assert 500_000 < place.flow._lag_octets < 700_000
            finally:
                store.gate.set()
            assert await other.get() == Hello(HelloKind.PONG, 2)
            while await worker.get() != Accepted(20):
                pass
            assert not place.flow.server._paused

    run(story())


def test_no_more_of_large_tasks_is_on_its_way_to_the_disk_than_small_ones_can_wait_for(run, tmp_path, monkeypatch):
    """Commits are in order: a small task behind what a client with large ones has sent waits until it is written."""
    store = HeldStore(tmp_path / "tasks.db")

    async def story():
        async with serving(store) as place:
            loud, quiet = await place.join(), await place.join()
            reached = asyncio.Event()
            pause = place.flow.server.pause_all
            monkeypatch.setattr(
                place.flow.server, "pause_all", lambda role, *, paused: (pause(role, paused=paused), reached.set())
            )
            store.gate.clear()
            sending = asyncio.create_task(loud.send(*(submit(seq, bytes(1 << 20)) for seq in range(1, 41))))
            try:
                await reached.wait()
                assert flow.LAG_OCTETS < place.flow._lag_octets < 2 * flow.LAG_OCTETS <= 16 << 20
            finally:
                store.gate.set()
            await quiet.send(submit(1, number=1000))
            assert await quiet.get() == Accepted(1)
            await sending
            while await loud.get() != Accepted(40):
                pass

    run(story())


def test_a_loop_that_stood_still_says_how_much_of_it_was_its_own_work(run, caplog, monkeypatch):
    async def story():
        async with serving() as place:
            server = place.flow.server
            monkeypatch.setattr(server_module.time, "process_time", lambda: 103.5)
            server._ran, server._ticked = 100.0, server._ticked - 60
            server._tick()

    run(story())
    (line,) = [line for line in caplog.messages if "stood still" in line]
    assert line.endswith("; this process ran for 3.5 s of it")


def test_clients_are_paused_while_the_store_lags_and_workers_are_not(run):
    async def story():
        async with serving() as place:
            worker, client = await place.worker(), await place.join()
            place.flow.server.pause_all(Role.CLIENT, paused=True)
            await client.send(submit(1))
            await worker.send(Hello(HelloKind.PING, 1))
            assert await worker.get() == Hello(HelloKind.PONG, 1)
            assert place.flow.broker.state.counts["submitted"] == 0
            place.flow.server.pause_all(Role.CLIENT, paused=False)
            assert await client.get() == Accepted(1)

    run(story())


def test_a_peer_that_says_much_in_one_go_lets_the_others_have_their_turn(run, monkeypatch):
    handled = []
    receive = Session.receive
    monkeypatch.setattr(
        Session,
        "receive",
        lambda session, octets, now: (handled.append((session.number, len(octets))), receive(session, octets, now))[1],
    )

    async def story():
        async with serving() as place:
            loud, quiet = await place.join(), await place.join()
            handled.clear()
            # Both have spoken before the scheduler looks at either of them.
            loud.writer.write(codec.encode(Hello(HelloKind.PING, 1)) * 20_000)
            quiet.writer.write(codec.encode(Hello(HelloKind.PING, 2)))
            assert await quiet.get() == Hello(HelloKind.PONG, 2)
            for _ in range(20_000):
                assert await loud.get() == Hello(HelloKind.PONG, 1)
        numbers = [number for number, _ in handled]
        assert numbers.index(2) < 4
        assert max(size for _, size in handled) <= link.SLICE_OCTETS

    run(story())


def test_a_client_that_comes_while_the_store_lags_waits_like_the_others(run):
    async def story():
        async with serving() as place:
            place.flow.server.pause_all(Role.CLIENT, paused=True)
            client, worker = await place.join(), await place.worker()
            await client.send(submit(1))
            await worker.send(Hello(HelloKind.PING, 1))
            assert await worker.get() == Hello(HelloKind.PONG, 1)
            assert place.flow.broker.state.counts["submitted"] == 0
            place.flow.server.pause_all(Role.CLIENT, paused=False)
            assert await client.get() == Accepted(1)

    run(story())


class SlowStore(MemoryStore):
    """Says what it has when it is let."""

    def __init__(self):
        super().__init__()
        self.let = threading.Event()

    def tasks(self, ids):
        assert self.let.wait(20)
        return super().tasks(ids)


FLOODS = {
    "queries": lambda seq: Query(seq, task_id(seq)),
    "submits that are sent again": lambda seq: submit(seq, flags=4),
    "submits that wait for others": lambda seq: submit(seq, after=(task_id(seq + 10**6),)),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_client_that_asks_faster_than_the_store_answers_is_not_read_from_meanwhile(run, flood):
    """What it has sent waits in its socket and not in our memory; others do not notice."""

    async def story():
        store = SlowStore()
        async with serving(store) as place:
            client, other = await place.join(), await place.join()
            link = place.flow.server.links[1]
            client.writer.transport.set_write_buffer_limits(high=1 << 24)
            await client.send(*map(FLOODS[flood], range(1, 40_001)))
            while not link._pauses:  # noqa: ASYNC110 -- the link has nobody to tell
                await asyncio.sleep(0.001)
            await other.send(Hello(HelloKind.PING, 1))
            assert await other.get() == Hello(HelloKind.PONG, 1)
            known = place.flow.broker.state.clients[1]
            assert known.received + len(known.backlog) < 30_000
            store.let.set()
            last = 0
            while last < 40_000:
                message = await client.get()
                last = max(last, message.seq) if isinstance(message, Accepted) else last
            while link._pauses:
                await client.get()

    run(story())


# -- the end --


def test_a_stop_says_goodbye_and_what_was_accepted_is_there_afterwards(run, tmp_path):
    async def story():
        async with serving(SqliteStore(tmp_path / "tasks.db")) as place:
            client = await place.join()
            await client.send(submit(1, flags=0))
            assert await client.get() == Accepted(1)
            await place.flow.stop()
            assert await client.get() == Goodbye(GoodbyeReason.SHUTTING_DOWN)
        async with serving(SqliteStore(tmp_path / "tasks.db")) as place:
            worker = await place.worker()
            assert (await worker.get()).task_id == task_id(1)

    run(story())


def test_the_session_of_a_worker_is_durable_before_its_accept_leaves(run, tmp_path):
    class Watched(SqliteStore):
        sessions = 0

        def commit(self, epoch, changes):
            committed = super().commit(epoch, changes)
            self.sessions += sum(len(change.sessions) for change in changes)
            return committed

    async def story():
        store = Watched(tmp_path / "tasks.db")
        async with serving(store) as place:
            worker = await place.join("worker")
            assert worker.accept.session is not None
            assert store.sessions == 1

    run(story())
