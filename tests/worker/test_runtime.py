"""The shell against a scheduler on a loopback socket, in one event loop."""

import asyncio
import threading

import pytest

from wiretask_protocol import WireError
from wiretask_protocol.codec import decode_report
from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.messages import (
    Accepted,
    Error,
    Goodbye,
    GoodbyeReason,
    Outcome,
    Progress,
    Result,
    Resume,
    Return,
    ReturnReason,
    Subscribe,
)
from wiretask_worker import backoff
from wiretask_worker.config import Config
from wiretask_worker.context import Context
from wiretask_worker.engine import Engine
from wiretask_worker.errors import RefusedError, WorkerError
from wiretask_worker.handlers import Catalog, Handler
from wiretask_worker.runtime import INTERRUPTED, Runtime, loop_factory, say_ready

PATIENCE_SECONDS = 20


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Nobody waits for a backoff here; `test_backoff` looks at the real one."""
    monkeypatch.setattr(backoff, "FIRST_SECONDS", 0.001)
    monkeypatch.setattr(backoff, "LAST_SECONDS", 0.001)


class Gate:
    """A handler that waits until the test lets it go on."""

    def __init__(self):
        self.begun = threading.Event()
        self.open = threading.Event()

    def __call__(self):
        def gated():
            self.begun.set()
            assert self.open.wait(PATIENCE_SECONDS)
            return b"through"

        return gated

    async def until_begun(self):
        assert await asyncio.to_thread(self.begun.wait, PATIENCE_SECONDS)


def echo(body: bytes):
    return body


async def quick(body: bytes):
    return body + b"!"


def counts(context: Context):
    context.progress(1, 2, b"line", "x" * 5000)


def handlers(*functions):
    return Catalog([Handler(function, name=function.__name__) for function in (echo, quick, counts, *functions)])


class Process:
    """A worker in this event loop, from its start to its exit code."""

    def __init__(self, scheduler, *functions, **options):
        config = Config(port=scheduler.port, name="worker", concurrency=2, **options)
        self.runtime = Runtime(config, handlers(*functions), asyncio.get_running_loop(), say_ready)
        self.task = asyncio.get_running_loop().create_task(self.runtime.run())

    def signal(self):
        self.runtime.drain()

    async def exit(self):
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.task

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        if not self.task.done():
            self.runtime._stopped.set()
            await self.exit()


def in_loop(fake_scheduler):
    """Decorates a scenario: runs it with a scheduler, on the event loop of a worker process."""

    def run(scenario):
        async def main():
            async with fake_scheduler() as scheduler:
                await scenario(scheduler)

        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(main())

    return run


@pytest.mark.parametrize("executor", ["thread", "inline"])
def test_a_worker_subscribes_says_ready_and_runs_tasks(fake_scheduler, words, capsys, executor):
    @in_loop(fake_scheduler)
    async def scenario(scheduler):
        async with Process(scheduler, executor=executor) as process:
            peer = await scheduler.peer()
            subscribe = await peer.get(Subscribe)
            assert [one.type for one in subscribe.types] == ["echo", "quick", "counts"]
            peer.send(words.assign(1, kind="echo", body=b"one"), words.assign(2, kind="quick", body=b"two"))
            results = sorted([await peer.get(Result), await peer.get(Result)], key=lambda result: result.lease)
            assert [result.outcome for result in results] == [Outcome.SUCCEEDED] * 2
            assert [decode_report(result.report).body for result in results] == [b"one", b"two!"]
            peer.send(Accepted(2))
            process.signal()
            assert (await peer.get(Goodbye)).reason == GoodbyeReason.DRAIN
            assert await process.exit() == 0

    assert capsys.readouterr().out == "ready\n"


def test_large_bodies_come_and_go(fake_scheduler, words):
    body = bytes(range(256)) * 12_000  # 3 MB, read in many pieces

    @in_loop(fake_scheduler)
    async def scenario(scheduler):
        async with Process(scheduler):
            peer = await scheduler.peer()
            await peer.get(Subscribe)
            peer.send(words.assign(1, kind="echo", body=body))
            assert decode_report((await peer.get(Result)).report).body == body


def test_progress_goes_out_and_its_text_is_made_to_fit(fake_scheduler, words):
    @in_loop(fake_scheduler)
    async def scenario(scheduler):
        async with Process(scheduler):
            peer = await scheduler.peer()
            await peer.get(Subscribe)
            peer.send(words.assign(1, kind="counts"))
            progress = await peer.get(Progress)
            assert (progress.current, progress.total, progress.body) == (1, 2, b"line")
            assert len(progress.text.encode()) <= 1024
            await peer.get(Result)


def test_a_lost_connection_is_made_anew_and_results_are_sent_again(fake_scheduler, words, capsys):
    gate = Gate()

    @in_loop(fake_scheduler)
    async def scenario(scheduler):
        async with Process(scheduler, gate()):
            first = await scheduler.peer()
            await first.get(Subscribe)
            first.send(words.assign(1, kind="echo", body=b"kept"), words.assign(2, kind="gated"))
            assert (await first.get(Result)).lease == 1
            await gate.until_begun()
            first.transport.abort()
            second = await scheduler.peer()
            resume = await second.get(Resume)
            assert resume.session == (1).to_bytes(16, "big")
            assert {lease.lease for lease in resume.leases} == {1, 2}
            assert (await second.get(Result)).lease == 1
            gate.open.set()
            assert decode_report((await second.get(Result)).report).body == b"through"

    assert capsys.readouterr().out == "ready\n"


def test_a_port_that_nobody_serves_is_told_once_and_tried_until_somebody_does(fake_scheduler, caplog):
    @in_loop(fake_scheduler)
    async def scenario(scheduler):
        port = scheduler.port
        scheduler.server.close()
        await scheduler.server.wait_closed()
        config = Config(port=port)
        runtime = Runtime(config, handlers(), asyncio.get_running_loop())
        task = asyncio.get_running_loop().create_task(runtime.run())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while runtime._backoff._failures < 5:  # noqa: ASYNC110 -- nobody tells
                await asyncio.sleep(0.001)
        runtime.drain()
        assert await task == 0

    (line,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert line.startswith("no connection to the scheduler at 127.0.0.1:")
    assert "refused" in line
    assert line.endswith("trying until there is one")


@pytest.mark.parametrize(
    ("greeting", "words"),
    [
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "what answers there is not a Wiretask scheduler (it begins with 'HTTP/1.1",
        ),
        (b"\x15\x03\x01\x00\x02\x02\x32" * 10, "what answers there speaks TLS, and this worker does not"),
    ],
)
def test_another_program_on_the_port_is_told_apart(fake_scheduler, caplog, greeting, words):
    @in_loop(fake_scheduler)
    async def scenario(scheduler):
        scheduler.greeting = greeting
        async with Process(scheduler):
            await (await scheduler.peer()).closed.wait()
            await scheduler.peer()  # and it is tried again

    assert words in caplog.text


def test_a_refusal_for_ever_ends_the_worker(fake_scheduler):
    @in_loop(fake_scheduler)
    async def scenario(scheduler):
        scheduler.answer = error_message(ErrorCode.VERSION_MISMATCH)
        process = Process(scheduler)
        with pytest.raises(RefusedError, match="the scheduler refuses this worker: VERSION_MISMATCH: no version"):
            await process.exit()


def test_a_refusal_for_now_is_tried_again(fake_scheduler, caplog):
    @in_loop(fake_scheduler)
    async def scenario(scheduler):
        scheduler.answer = error_message(ErrorCode.TOO_MANY_CONNECTIONS)
        async with Process(scheduler):
            await (await scheduler.peer()).closed.wait()
            scheduler.answer = None
            async with asyncio.timeout(PATIENCE_SECONDS):
                while scheduler.sessions == 0:  # noqa: ASYNC110 -- nobody tells
                    await asyncio.sleep(0.001)

    assert "TOO_MANY_CONNECTIONS" in caplog.text


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x00\x00\x00\x00",
        b"\x07\x00\x00\x00\x00",  # a Submit, to a worker
        b"\x01\xff\xff\xff\xff",  # longer than the limit
        b"\x08\x00\x00\x00\x02\x00\x00",
    ],
)
def test_what_the_protocol_does_not_allow_is_answered_and_the_connection_made_anew(fake_scheduler, garbage, caplog):
    @in_loop(fake_scheduler)
    async def scenario(scheduler):
        async with Process(scheduler):
            peer = await scheduler.peer()
            await peer.get(Subscribe)
            peer.transport.write(garbage)
            assert isinstance(await peer.get((Error, WireError)), Error)
            await (await scheduler.peer()).get(Resume)

    assert "the scheduler has sent what the protocol does not allow" in caplog.text


def test_a_stream_that_ends_inside_a_frame_is_made_anew(fake_scheduler, caplog):
    @in_loop(fake_scheduler)
    async def scenario(scheduler):
        async with Process(scheduler):
            peer = await scheduler.peer()
            await peer.get(Subscribe)
            peer.transport.write(b"\x08\x00\x00")
            peer.transport.close()
            await (await scheduler.peer()).get(Resume)

    assert "the stream ended in the middle of a frame" in caplog.text


def test_a_drain_gives_back_what_waits_and_finishes_what_runs(fake_scheduler, words):
    gate = Gate()

    @in_loop(fake_scheduler)
    async def scenario(scheduler):
        async with Process(scheduler, gate()) as process:
            peer = await scheduler.peer()
            await peer.get(Subscribe)
            peer.send(*(words.assign(number, kind="gated") for number in (1, 2, 3)))
            await gate.until_begun()
            process.signal()
            await peer.get(Goodbye)
            returned = await peer.get(Return)
            assert (returned.lease, returned.reason) == (3, ReturnReason.DRAIN)
            gate.open.set()
            await peer.get(Result)
            last = await peer.get(Result)
            assert not process.task.done()
            peer.send(Accepted(last.seq))
            assert await process.exit() == 0


def test_what_crosses_the_goodbye_of_an_idle_worker_is_no_result_that_was_lost(fake_scheduler, words, monkeypatch):
    """It comes when the worker is at its end already, and goes to others whatever is said of it."""
    finish = Engine._finish

    def crossed(engine):
        finish(engine)
        engine.core.receive_many([words.assign(1, kind="gated")], 0.0)

    monkeypatch.setattr(Engine, "_finish", crossed)

    @in_loop(fake_scheduler)
    async def scenario(scheduler):
        async with Process(scheduler, Gate()()) as process:
            peer = await scheduler.peer()
            await peer.get(Subscribe)
            process.signal()
            await peer.get(Goodbye)
            assert await process.exit() == 0


def test_a_second_signal_stops_at_once(fake_scheduler, words):
    gate = Gate()

    @in_loop(fake_scheduler)
    async def scenario(scheduler):
        async with Process(scheduler, gate()) as process:
            peer = await scheduler.peer()
            await peer.get(Subscribe)
            peer.send(words.assign(1, kind="gated"))
            await gate.until_begun()
            process.signal()
            process.signal()
            assert await process.exit() == INTERRUPTED
            await peer.get(Goodbye)
            await peer.closed.wait()
        gate.open.set()


def test_a_handler_that_lasts_beyond_its_time_limit_keeps_only_its_slot(fake_scheduler, words):
    gate = Gate()

    @in_loop(fake_scheduler)
    async def scenario(scheduler):
        async with Process(scheduler, gate()):
            peer = await scheduler.peer()
            await peer.get(Subscribe)
            peer.send(words.assign(1, kind="gated", time_limit=20))
            assert (await peer.get(Result)).outcome == Outcome.TIMED_OUT
            peer.send(words.assign(2, kind="echo", body=b"beside"))
            assert decode_report((await peer.get(Result)).report).body == b"beside"
            gate.open.set()


def test_a_drain_that_cannot_deliver_its_results_says_so(fake_scheduler, words, monkeypatch):
    monkeypatch.setattr("wiretask_worker.core.worker.RESUME_GRACE_MS", 20)
    gate = Gate()

    @in_loop(fake_scheduler)
    async def scenario(scheduler):
        process = Process(scheduler, gate())
        peer = await scheduler.peer()
        await peer.get(Subscribe)
        peer.send(words.assign(1, kind="gated"))
        await gate.until_begun()
        scheduler.server.close()
        peer.transport.abort()
        process.signal()
        gate.open.set()
        with pytest.raises(WorkerError, match="the scheduler is gone: 1 results"):
            await process.exit()


def test_the_log_names_every_attempt_that_did_not_succeed(fake_scheduler, words, caplog):
    def fails():
        raise ValueError("it is\nwrong")

    caplog.set_level("DEBUG")

    @in_loop(fake_scheduler)
    async def scenario(scheduler):
        async with Process(scheduler, fails):
            peer = await scheduler.peer()
            await peer.get(Subscribe)
            peer.send(words.assign(1, kind="fails"))
            await peer.get(Result)

    assert (
        "task 00000000-0000-0000-0000-000000000001 (fails), attempt 1, failed: ValueError: it is\\nwrong" in caplog.text
    )
    assert 'raise ValueError("it is' in caplog.text


def test_a_bug_ends_the_worker_rather_than_half_of_a_turn(fake_scheduler, monkeypatch):
    @in_loop(fake_scheduler)
    async def scenario(scheduler):
        process = Process(scheduler)
        peer = await scheduler.peer()
        await peer.get(Subscribe)
        monkeypatch.setattr(process.runtime.engine.core, "take_turn", lambda: 1 / 0)
        peer.accept(1)
        with pytest.raises(WorkerError, match=r"the worker has a bug \(ZeroDivisionError"):
            await process.exit()


def test_progress_that_comes_often_goes_out_ten_times_a_second(fake_scheduler, words):
    def many(context: Context):
        for current in range(1000):
            context.progress(current)

    @in_loop(fake_scheduler)
    async def scenario(scheduler):
        async with Process(scheduler, many):
            peer = await scheduler.peer()
            await peer.get(Subscribe)
            peer.send(words.assign(1, kind="many"))
            assert (await peer.get(Progress)).current in range(1000)
            assert (await peer.get(Progress | Result)).lease == 1

    # The rest is left out: test_worker looks at what goes when.


def test_a_health_file_is_touched_while_the_scheduler_is_there(fake_scheduler, tmp_path, monkeypatch):
    monkeypatch.setattr("wiretask_worker.runtime._HEALTH_SECONDS", 0.001)
    path = tmp_path / "health"

    @in_loop(fake_scheduler)
    async def scenario(scheduler):
        async with Process(scheduler, health_file=str(path)):
            await (await scheduler.peer()).get(Subscribe)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not path.exists():  # noqa: ASYNC110 -- nobody tells
                    await asyncio.sleep(0.001)


class FakeLoop:
    """The clock and the timers of an event loop, moved by hand."""

    class Handle:
        def __init__(self, when, call):
            self._when = when
            self.call = call

        def when(self):
            return self._when

        def cancel(self):
            self.call = None

    def __init__(self):
        self.now = 0.0
        self.timer = None

    def time(self):
        return self.now

    def create_future(self):
        return None

    def call_at(self, when, call):
        self.timer = self.Handle(when, call)
        return self.timer

    def call_later(self, delay, call):
        return self.call_at(self.now + delay, call)

    def call_soon(self, call):
        call()


class FakeLink:
    def __init__(self):
        self.sent = []
        self.closed = None
        self.certificate = b""

    def send(self, messages, *, grease=b""):
        self.sent += messages

    def close(self, reason):
        self.closed = reason


def test_after_a_stall_of_the_loop_sockets_are_read_before_anybody_is_found_silent():

    loop, link = FakeLoop(), FakeLink()
    engine = Engine(Config(concurrency=1).core_settings(handlers()), loop, print)
    engine.on_open(link)
    assert loop.timer.when() == 5.0
    loop.now = 60.0
    loop.timer.call()
    assert link.closed is None
    assert loop.timer.when() == pytest.approx(60.05)
    loop.now = 60.05
    loop.timer.call()
    assert link.closed is not None
