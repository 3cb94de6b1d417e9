"""Somebody asks a run to stop: it ends in peace, with everything that it has started."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Made = TypeVar("Made")


class Terminated(KeyboardInterrupt):
    """By SIGTERM: as an interrupt, with an exit code of its own."""


_SIGNALS: dict[int, type[KeyboardInterrupt]] = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated}


def terminate(*_: object) -> None:
    """What SIGTERM does where no loop runs."""
    raise Terminated


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

        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                loop.add_signal_handler(number, stop, number)
        try:
            return await main
        except asyncio.CancelledError:
            abandon()
            raise
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    former = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        return asyncio.run(interruptible())
    except asyncio.CancelledError:
        raise _SIGNALS[heard[0]] from None
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in former.items():
                signal.signal(number, handler)
