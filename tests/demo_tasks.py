"""A first task module, as in the README: `python -m wiretask_worker --tasks demo_tasks` from this folder."""

import asyncio
import time

from wiretask_worker import Context, task


@task
def add(x: int, y: int) -> int:
    """Adds two numbers: submit --type add --json '[2, 3]'."""
    return x + y


@task
def greet(name: str, greeting: str = "Hello") -> str:
    """Greets: submit --type greet --json '{"name": "Ada"}'."""
    return f"{greeting}, {name}!"


@task
def shout(body: bytes) -> bytes:
    """A raw body in, a raw result out: submit --type shout hello."""
    return body.upper()


@task(max_attempts=3, time_limit=60)
def slow(seconds: float, context: Context) -> str:
    """Takes its time, says how far it is, and stops when it is asked to."""
    started = time.monotonic()
    while (passed := time.monotonic() - started) < seconds:
        context.raise_if_cancelled()
        context.progress(round(passed * 1000), round(seconds * 1000), text="sleeping")
        time.sleep(0.01)
    return f"slept {seconds:g} s"


@task
async def nap(seconds: float) -> str:
    """Waits on the event loop, beside many others."""
    await asyncio.sleep(seconds)
    return f"napped {seconds:g} s"
