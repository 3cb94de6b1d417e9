"""Executors with real threads and a real event loop; what they say is collected, nothing is slept for."""

import asyncio
import sys
import threading

import pytest

from wiretask_protocol.codec import decode_report
from wiretask_protocol.messages import CancelMode, Encoding, Envelope, Outcome
from wiretask_worker.context import Context, current
from wiretask_worker.core.assignment import Assignment
from wiretask_worker.executors.coroutines import CoroutineExecutor
from wiretask_worker.executors.inline import SLICE_SECONDS, InlineExecutor
from wiretask_worker.executors.threads import ThreadExecutor
from wiretask_worker.handlers import Catalog, Handler

PATIENCE_SECONDS = 20


def assignment(kind, body=b"", *, number=1):
    envelope = Envelope(kind, "default", Encoding.JSON, body or b"[]")
    return Assignment(number.to_bytes(16, "big"), number, 1, 0, 0.0, 1, envelope)


class Ears:
    """Collects what an executor says."""

    def __init__(self):
        self.ended = []
        self.steps = []
        self._more = asyncio.Event()

    def ends(self, ended):
        self.ended += ended
        self._more.set()

    def step(self, assignment, *step):
        self.steps.append(step)
        self._more.set()

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                self._more.clear()
                await self._more.wait()

    async def hear(self, count):
        await self.until(lambda: len(self.ended) >= count)
        return [(one.lease, Outcome(finished.outcome), decode_report(finished.report)) for one, finished in self.ended]


def catalog(*functions):
    return Catalog([Handler(function) for function in functions])


# -- on the event loop


def clock():
    return 0.0


def test_inline_attempts_end_in_the_order_of_their_beginning():
    def double(x: int):
        return 2 * x

    executor = InlineExecutor(catalog(double), print)
    for number in (1, 2, 3):
        executor.start(assignment("double", b"[%d]" % number, number=number))
    assert executor.busy
    ended = executor.run(clock)
    assert [(one.lease, decode_report(finished.report).body) for one, finished in ended] == [
        (1, b"2"),
        (2, b"4"),
        (3, b"6"),
    ]
    assert not executor.busy


def test_inline_attempts_leave_the_loop_to_its_sockets_after_a_slice_of_time():
    def noop():
        pass

    executor = InlineExecutor(catalog(noop), print)
    for number in range(1000):
        executor.start(assignment("noop", number=number + 1))
    times = iter([0.0, SLICE_SECONDS / 2, SLICE_SECONDS, 2 * SLICE_SECONDS])
    ended = executor.run(lambda: next(times))
    assert 0 < len(ended) < 1000
    assert executor.busy


def test_an_inline_attempt_that_is_stopped_before_it_began_is_not_run():
    calls = []

    def call():
        calls.append(1)

    executor = InlineExecutor(catalog(call), print)
    one = assignment("call")
    executor.start(one)
    executor.stop(one, CancelMode.HARD)
    ((ended, finished),) = executor.run(clock)
    assert (ended, finished.outcome, calls) == (one, Outcome.CANCELLED, [])
    executor.stop(one, CancelMode.HARD)  # it has ended: nothing happens


def test_inline_progress_is_handed_on():
    def report(context: Context):
        context.progress(1, 2)

    steps = []
    executor = InlineExecutor(catalog(report), lambda *step: steps.append(step))
    one = assignment("report")
    executor.start(one)
    executor.run(clock)
    assert steps == [(one, 1, 2, b"", None)]


# -- coroutines


def with_coroutines(scenario, *functions):
    async def main():
        ears = Ears()
        executor = CoroutineExecutor(catalog(*functions), ears.ends, ears.step, asyncio.get_running_loop())
        await scenario(executor, ears)

    asyncio.run(main())


def test_coroutines_run_beside_each_other():
    async def scenario(executor, ears):
        met = asyncio.Barrier(2)

        async def meet():
            async with asyncio.timeout(PATIENCE_SECONDS):
                await met.wait()
            return current().task_id_octets[-1]

        executor._catalog = catalog(meet)
        executor.start(assignment("meet", number=1))
        executor.start(assignment("meet", number=2))
        assert sorted((lease, outcome, report.body) for lease, outcome, report in await ears.hear(2)) == [
            (1, Outcome.SUCCEEDED, b"1"),
            (2, Outcome.SUCCEEDED, b"2"),
        ]

    with_coroutines(scenario)


async def forever():
    await asyncio.Event().wait()


def test_a_coroutine_that_is_stopped_is_cancelled():
    async def scenario(executor, ears):
        one = assignment("forever")
        executor.start(one)
        await asyncio.sleep(0)
        executor.stop(one, CancelMode.COOPERATIVE)
        assert [outcome for _, outcome, _ in await ears.hear(1)] == [Outcome.CANCELLED]
        executor.stop(one, CancelMode.COOPERATIVE)  # it has ended: nothing happens

    with_coroutines(scenario, forever)


def test_a_coroutine_that_is_stopped_before_its_first_step_ends_too():
    async def scenario(executor, ears):
        one = assignment("forever")
        executor.start(one)
        executor.stop(one, CancelMode.COOPERATIVE)
        assert [outcome for _, outcome, _ in await ears.hear(1)] == [Outcome.CANCELLED]

    with_coroutines(scenario, forever)


async def fails(x: int):
    raise ValueError(x)


async def leaves():
    sys.exit(3)


async def gives_up():
    raise asyncio.CancelledError


async def steps(context: Context):
    context.progress(1, 2)


def test_what_a_coroutine_raises_is_reported_and_nothing_escapes():
    async def scenario(executor, ears):
        bodies = {"fails": b"[7]", "leaves": b"[]", "gives_up": b"[]"}
        for number, (kind, body) in enumerate(bodies.items(), 1):
            executor.start(assignment(kind, body, number=number))
        executor.start(assignment("fails", b"[]", number=4))
        executor.start(assignment("steps", number=5))
        told = {lease: (outcome, report.error_type) for lease, outcome, report in await ears.hear(5)}
        assert told == {
            1: (Outcome.FAILED, "ValueError"),
            2: (Outcome.FAILED, "SystemExit"),
            3: (Outcome.FAILED, "asyncio.exceptions.CancelledError"),
            4: (Outcome.FAILED, "ArgumentsError"),
            5: (Outcome.SUCCEEDED, None),
        }
        assert ears.steps == [(1, 2, b"", None)]

    with_coroutines(scenario, fails, leaves, gives_up, steps)


def test_closing_cancels_every_coroutine():
    async def scenario(executor, ears):
        executor.start(assignment("forever"))
        await asyncio.sleep(0)
        executor.close()
        await ears.hear(1)

    with_coroutines(scenario, forever)


# -- threads


def with_threads(scenario, *functions, concurrency=2):
    async def main():
        ears = Ears()
        loop = asyncio.get_running_loop()
        executor = ThreadExecutor(catalog(*functions), ears.ends, ears.step, loop, concurrency)
        try:
            await scenario(executor, ears)
        finally:
            executor.close()
            for thread in executor._threads:
                await asyncio.to_thread(thread.join, PATIENCE_SECONDS)

    asyncio.run(main())


def test_threads_run_beside_each_other_and_start_as_they_are_needed():
    met = threading.Barrier(2, timeout=PATIENCE_SECONDS)

    def meet():
        met.wait()
        return threading.current_thread() is not threading.main_thread()

    def alone():
        return 1

    async def scenario(executor, ears):
        assert executor._threads == []
        executor.start(assignment("alone", number=1))
        await ears.hear(1)
        executor.start(assignment("alone", number=2))
        await ears.hear(2)
        assert len(executor._threads) == 1
        executor.start(assignment("meet", number=3))
        executor.start(assignment("meet", number=4))
        assert [report.body for _, _, report in await ears.hear(4)] == [b"1", b"1", b"true", b"true"]
        assert len(executor._threads) == 2

    with_threads(scenario, meet, alone)


def test_a_thread_is_asked_to_stop():
    begun = threading.Event()

    def waits(context: Context):
        begun.set()
        while not context.cancelled:
            threading.Event().wait(0.001)
        context.raise_if_cancelled()

    async def scenario(executor, ears):
        one = assignment("waits")
        executor.start(one)
        await asyncio.to_thread(begun.wait, PATIENCE_SECONDS)
        executor.stop(one, CancelMode.HARD)
        assert [outcome for _, outcome, _ in await ears.hear(1)] == [Outcome.CANCELLED]
        executor.stop(one, CancelMode.HARD)  # it has ended: nothing happens

    with_threads(scenario, waits)


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), ValueError("wrong")])
def test_a_thread_outlives_what_its_handler_raises(error):
    def raises():
        raise error

    def fine():
        return 1

    async def scenario(executor, ears):
        executor.start(assignment("raises", number=1))
        await ears.hear(1)
        executor.start(assignment("fine", number=2))
        assert [outcome for _, outcome, _ in await ears.hear(2)] == [Outcome.FAILED, Outcome.SUCCEEDED]

    with_threads(scenario, raises, fine, concurrency=1)


def test_progress_of_a_thread_comes_before_its_end():
    def counts(context: Context):
        for number in range(5):
            context.progress(number, 5, text="counting")

    async def scenario(executor, ears):
        executor.start(assignment("counts"))
        await ears.hear(1)
        assert ears.steps == [(number, 5, b"", "counting") for number in range(5)]

    with_threads(scenario, counts)


def test_threads_can_be_closed_while_one_of_them_is_busy():
    begun = threading.Event()

    def waits(context: Context):
        begun.set()
        while not context.cancelled:
            threading.Event().wait(0.001)

    async def scenario(executor, ears):
        executor.start(assignment("waits"))
        await asyncio.to_thread(begun.wait, PATIENCE_SECONDS)

    with_threads(scenario, waits)
