"""What the workers of a simulated day can do: each task says in its body what becomes of each attempt."""

from __future__ import annotations

import asyncio
from typing import Any

from wiretask_worker import Context, NoRetry, Retry, task

#: The day that is being lived: it hears of every attempt, and says what becomes of it.
day: Any = None


class BoomError(Exception):
    """What an attempt fails with."""


@task(name="work")
async def work(name: str, context: Context) -> str:
    """One attempt of a task."""
    return await _attempt(name, context)


@task(name="gather")
async def gather(results: Any, name: str, context: Context) -> str:
    """The callback of a group."""
    day.gathered(name, results)
    return await _attempt(name, context)


async def _attempt(name: str, context: Context) -> str:
    running = day.begins(name, context)
    try:
        what, seconds = day.fate(name, context)
        if what == "progress":
            context.progress(1, 2, text="half")
        await asyncio.sleep(seconds)
        if what == "crash":
            day.dies(asyncio.get_running_loop())
            await asyncio.sleep(0)
        elif what == "fail":
            raise BoomError(name)
        elif what == "no_retry":
            raise NoRetry(name)
        elif what == "retry":
            raise Retry(name, after=seconds)
        return name
    finally:
        day.ends(running)
