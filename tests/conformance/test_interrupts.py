"""Somebody asks a run to stop, by each of the signals: what runs ends, and who had the signals has them again."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator

import pytest

from wiretask_conformance import interrupts

STOPS = [
    (signal.SIGINT, KeyboardInterrupt, "interrupted", 130),
    (signal.SIGTERM, interrupts.Terminated, "terminated", 143),
    (signal.SIGHUP, interrupts.HungUp, "hung up", 129),
]
NUMBERS = [number for number, *_ in STOPS]


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Those of the test runner, as they were and as they must be."""
    former = [signal.getsignal(number) for number in NUMBERS]
    yield
    now = [signal.getsignal(number) for number in NUMBERS]
    for number, handler in zip(NUMBERS, former, strict=True):
        signal.signal(number, handler)
    assert now == former


def nothing() -> None:
    pass


@pytest.mark.parametrize(("number", "error", "word", "code"), STOPS)
def test_each_signal_has_a_word_and_the_code_of_shells(
    number: int, error: type[KeyboardInterrupt], word: str, code: int
) -> None:
    assert interrupts.said(error()) == (word, code)


@pytest.mark.parametrize(("number", "error", "word", "code"), STOPS)
def test_where_no_loop_runs_a_signal_is_raised(
    number: int, error: type[KeyboardInterrupt], word: str, code: int
) -> None:
    with pytest.raises(error) as raised, interrupts.raised():
        os.kill(os.getpid(), number)
    assert type(raised.value) is error


@pytest.mark.parametrize(("number", "error", "word", "code"), STOPS)
def test_where_a_loop_runs_it_ends_and_what_is_abandoned_is_told(
    number: int, error: type[KeyboardInterrupt], word: str, code: int
) -> None:
    done: list[str] = []

    async def main() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            done.append("ended")

    with pytest.raises(error) as raised:
        interrupts.run(main(), lambda: done.append("abandoned"))
    assert type(raised.value) is error
    assert done == ["ended", "abandoned"]


def test_a_run_that_nobody_stops_returns_what_it_has_made() -> None:
    async def main() -> int:
        return 7

    assert interrupts.run(main(), nothing) == 7


def test_what_takes_no_notice_of_its_end_is_told_again() -> None:
    """A wait forgets its cancellation where what it waits for comes at the same moment."""
    noticed: list[int] = []

    async def stubborn() -> None:
        for time in range(3):
            with contextlib.suppress(asyncio.CancelledError):
                try:
                    await asyncio.Event().wait()
                finally:
                    noticed.append(time)

    async def main() -> None:
        beside = asyncio.create_task(stubborn())
        await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()
        await beside

    with pytest.raises(interrupts.Terminated):
        interrupts.run(main(), nothing)
    assert noticed == [0, 1, 2]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_that_is_ignored_stays_ignored(number: int) -> None:
    former = signal.signal(number, signal.SIG_IGN)
    done: list[str] = []

    async def main() -> None:
        os.kill(os.getpid(), number)
        await asyncio.sleep(0)
        done.append("went on")

    try:
        with interrupts.raised():
            os.kill(os.getpid(), number)
            interrupts.run(main(), nothing)
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, former)
    assert done == ["went on"]
