"""What is asked of the store beside the commits: on a thread of its own, answered on the loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")


def call_on(loop: asyncio.AbstractEventLoop, function: Callable[[T], None], argument: T) -> None:
    """Calls a function on the loop from another thread; a loop that is closed needs no calls any more."""
    try:
        loop.call_soon_threadsafe(function, argument)
    except RuntimeError:
        log.debug("the loop is closed")


class Questions:
    """Asks one question after the other. `failed` is told when the store could not answer."""

    def __init__(self, failed: Callable[[Exception], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._failed = failed
        self._thread = ThreadPoolExecutor(1, "reader")

    def ask(self, question: Callable[[], T], answer: Callable[[T], None]) -> None:
        """Asks, and gives the answer to a function, without a future for each."""

        def asking() -> None:
            try:
                found = question()
            except Exception as error:
                call_on(self._loop, self._failed, error)
            else:
                call_on(self._loop, answer, found)

        self._thread.submit(asking)

    async def read(self, question: Callable[[], T]) -> T:
        """The answer to a question."""
        return await self._loop.run_in_executor(self._thread, question)

    def close(self) -> None:
        """Waits for the question that is being answered, and drops the others."""
        self._thread.shutdown(wait=True, cancel_futures=True)
