"""The process executor with real children. The task module lies in a folder of the test's own."""

import asyncio
import os
import signal
import sys
import time

import pytest

from wiretask_protocol.codec import decode_report
from wiretask_protocol.messages import CancelMode, Encoding, Envelope, Outcome
from wiretask_worker.core.assignment import Assignment
from wiretask_worker.executors.pipe import Ask, Call, Done, Setup, Step, Unpacker, Up, pack
from wiretask_worker.executors.processes import ProcessExecutor
from wiretask_worker.runtime import loop_factory

PATIENCE_SECONDS = 30

MODULE = """
import os, signal, sys, time
from wiretask_worker import task, Context

@task
def add(x: int, y: int): return x + y
@task
def pid(): return os.getpid()
@task
def leave(): os._exit(3)
@task
def shot(): os.kill(os.getpid(), signal.SIGKILL)
@task
def polite(): sys.exit(4)
@task
def counts(context: Context):
    for number in range(3): context.progress(number, 3, b"line")
@task
def forever():
    while True: time.sleep(1)
@task
def asked(context: Context):
    context.progress(1)
    while not context.cancelled: time.sleep(0.001)
    context.raise_if_cancelled()
@task
def big(n: int): return b"x" * n
@task
def signalled():
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    return "still here"
"""


def assignment(kind, body=b"[]", *, number=1, time_limit=0):
    envelope = Envelope(kind, "default", Encoding.JSON, body)
    return Assignment(number.to_bytes(16, "big"), number, 1, time_limit, 0.0, 1, envelope)


async def seen(condition):
    """Waits for what nobody tells: the loop is let run until it is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


class Pool:
    """A process executor, and what it has said."""

    def __init__(self, modules=("process_tasks",), concurrency=1):
        self.ended = []
        self.steps = []
        self.broken = []
        self._more = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.executor = ProcessExecutor(modules, self._ends, self._step, loop, concurrency, self._break)

    def _ends(self, ended):
        self.ended += ended
        self._more.set()

    def _step(self, assignment, *step):
        self.steps.append(step)
        self._more.set()

    def _break(self, text):
        self.broken.append(text)
        self._more.set()

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                self._more.clear()
                await self._more.wait()

    async def run(self, *args, **kwargs):
        """One attempt from its start to its end."""
        before = len(self.ended)
        self.executor.start(assignment(*args, **kwargs))
        await self.until(lambda: len(self.ended) > before)
        finished = self.ended[-1][1]
        return finished, decode_report(finished.report)

    async def close(self):
        children = list(self.executor._children)
        self.executor.close()
        await seen(lambda: all(child._ours.fileno() < 0 for child in children))


@pytest.fixture
def pooled(tmp_path, monkeypatch):
    (tmp_path / "process_tasks.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)

    def run(scenario, **options):
        async def main():
            pool = Pool(**options)
            try:
                await scenario(pool)
            finally:
                await pool.close()

        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(main())

    return run


pytestmark = [pytest.mark.processes, pytest.mark.slow]


def test_attempts_run_in_a_child_one_after_the_other(pooled):
    async def scenario(pool):
        _, report = await pool.run("add", b"[2, 3]")
        assert report.body == b"5"
        _, first = await pool.run("pid")
        _, second = await pool.run("pid")
        assert first.body == second.body
        finished, report = await pool.run("add", b'[2, "x"]')
        assert (finished.no_retry, report.error_type) == (True, "ArgumentsError")
        finished, report = await pool.run("polite")
        assert (finished.outcome, report.error_type) == (Outcome.FAILED, "SystemExit")
        _, report = await pool.run("big", b"[5000000]")
        assert report.body == b"x" * 5_000_000

    pooled(scenario)


def test_a_child_that_dies_costs_one_attempt_and_another_takes_its_place(pooled):
    async def scenario(pool):
        finished, report = await pool.run("leave")
        assert (finished.outcome, finished.exit_status) == (Outcome.CRASHED, 3)
        assert report.error_message == "the process that ran it died: exit code 3"
        finished, report = await pool.run("shot")
        assert (finished.outcome, finished.exit_status) == (Outcome.CRASHED, 256 + 9)
        assert report.error_message == "the process that ran it died: signal 9"
        _, report = await pool.run("add", b"[2, 3]")
        assert report.body == b"5"

    pooled(scenario)


def test_the_death_of_an_idle_child_costs_nothing(pooled):
    async def scenario(pool):
        _, report = await pool.run("pid")
        os.kill(int(report.body), signal.SIGKILL)
        (child,) = pool.executor._children
        await seen(lambda: child not in pool.executor._children)
        _, report = await pool.run("add", b"[2, 3]")
        assert report.body == b"5"

    pooled(scenario)


def test_a_time_limit_is_hard_in_a_child(pooled):
    async def scenario(pool):
        finished, report = await pool.run("forever", time_limit=50)
        assert finished.outcome == Outcome.TIMED_OUT
        assert report.error_message == "it ran for longer than its time limit of 0.05 s"
        _, report = await pool.run("add", b"[2, 3]", time_limit=60_000)
        assert report.body == b"5"

    pooled(scenario)


def test_a_hard_cancel_ends_the_child_and_a_cooperative_one_asks_the_handler(pooled):
    async def scenario(pool):
        one = assignment("asked")
        pool.executor.start(one)
        await pool.until(lambda: pool.steps)
        pool.executor.stop(one, CancelMode.COOPERATIVE)
        await pool.until(lambda: pool.ended)
        two = assignment("forever", number=2)
        pool.executor.start(two)
        pool.executor.stop(two, CancelMode.HARD)
        pool.executor.stop(two, CancelMode.HARD)
        await pool.until(lambda: len(pool.ended) == 2)
        assert [finished.outcome for _, finished in pool.ended] == [Outcome.CANCELLED] * 2
        three = assignment("add", number=3)  # waits for the child that takes the place
        pool.executor.start(three)
        pool.executor.stop(three, CancelMode.COOPERATIVE)
        await pool.until(lambda: len(pool.ended) == 3)
        assert pool.ended[2][1].outcome == Outcome.CANCELLED
        pool.executor.stop(three, CancelMode.COOPERATIVE)  # it has ended: nothing happens

    pooled(scenario)


def test_progress_comes_from_a_child(pooled):
    async def scenario(pool):
        await pool.run("counts")
        assert pool.steps == [(number, 3, b"line", None) for number in range(3)]

    pooled(scenario)


def test_a_signal_to_the_whole_group_does_not_end_what_a_child_runs(pooled):
    async def scenario(pool):
        _, report = await pool.run("signalled")
        assert report.body == b'"still here"'

    pooled(scenario)


def test_a_module_that_cannot_be_imported_in_a_child_is_told(pooled, tmp_path):
    (tmp_path / "broken_tasks.py").write_text("undefined")

    async def scenario(pool):
        await pool.until(lambda: pool.broken)
        assert "NameError: name 'undefined' is not defined" in pool.broken[0]

    pooled(scenario, modules=("broken_tasks",))


def test_a_child_that_cannot_be_started_is_tried_again(pooled, monkeypatch, caplog):
    real = sys.executable

    async def scenario(pool):
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        await seen(lambda: "died at its start" in caplog.text)
        monkeypatch.setattr(sys, "executable", real)
        _, report = await pool.run("add", b"[2, 3]")
        assert report.body == b"5"

    pooled(scenario)


# -- what they say to each other


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_what_is_said_comes_whole_at_any_split(size):
    said = [Setup(["/a"], ["m"]), Call(b"i" * 16, 1, b"envelope"), Ask()]
    octets = b"".join(pack(one) for one in said)
    unpacker = Unpacker()
    heard = []
    for at in range(0, len(octets), size):
        heard += unpacker.to_child(octets[at : at + size])
    assert heard == said


def test_what_a_child_says_comes_back_as_it_was():
    said = [Up(), Step(1, 2, b"line", None), Done(1, b"report", None, 5)]
    assert Unpacker().from_child(b"".join(pack(one) for one in said)) == said
