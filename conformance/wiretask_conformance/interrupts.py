"""Somebody asks a run to stop: it ends in peace, with everything that it has started."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Made = TypeVar("Made")


class Terminated(KeyboardInterrupt):
    """By SIGTERM: as an interrupt, with an exit code of its own."""


class HungUp(KeyboardInterrupt):
    """By SIGHUP: the terminal has gone."""


_SIGNALS: dict[int, type[KeyboardInterrupt]] = {
    signal.SIGINT: KeyboardInterrupt,
    signal.SIGTERM: Terminated,
    signal.SIGHUP: HungUp,
}
#: A task that has taken no notice of its end is told again.
_AGAIN_SECONDS = 0.05
_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "hung up"}


def said(error: KeyboardInterrupt) -> tuple[str, int]:
    """What happened in a word, and the exit code for it: 128 and the number of the signal, as shells have it."""
    number = next(number for number, kind in _SIGNALS.items() if kind is type(error))
    return _WORDS[signal.Signals(number)], 128 + number


@contextmanager
def raised() -> Iterator[None]:
    """Where no loop runs, each signal is raised as its exception."""
    with _handled(lambda number: signal.signal(number, _raise)):
        yield


def run(main: Coroutine[Any, Any, Made], abandon: Callable[[], None]) -> Made:
    """Runs a coroutine as `asyncio.run` does. A signal cancels it, and `abandon` frees the threads that it waits for.

    Raises KeyboardInterrupt when everything has ended.
    """
    heard: list[int] = []

    async def interruptible() -> Made:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None

        def stop(number: int) -> None:
            heard.append(number)
            task.cancel()

        with _handled(lambda number: loop.add_signal_handler(number, stop, number)):
            try:
                return await main
            except asyncio.CancelledError:
                abandon()
                await _end_others(task)
                raise
            finally:
                for number in _SIGNALS:
                    loop.remove_signal_handler(number)

    try:
        return asyncio.run(interruptible())
    except asyncio.CancelledError:
        raise _SIGNALS[heard[0]] from None


async def _end_others(current: asyncio.Task[Any]) -> None:
    """Cancels what runs beside, until it has ended.

    Once is not enough: what is waited for may come at the moment of the cancellation, and a wait forgets it then (until
    Python 3.12); what has been ended now comes at that moment.
    """
    while running := asyncio.all_tasks() - {current}:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=_AGAIN_SECONDS)


def _raise(number: int, _frame: object) -> None:
    raise _SIGNALS[number]


@contextmanager
def _handled(handle: Callable[[int], object]) -> Iterator[None]:
    """Handles the signals that are not ignored, as they are under nohup, and gives them back to who had them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.getsignal(number) for number in _SIGNALS}
    mine = [number for number, handler in former.items() if handler is not signal.SIG_IGN]
    for number in mine:
        handle(number)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, former[number])
