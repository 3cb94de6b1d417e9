"""Says why a task waits, to somebody who has waited for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wiretask_client.client import Client
from wiretask_client.errors import ClientError
from wiretask_client.wording import why

#: Longer than most tasks take, shorter than most people's patience.
FIRST_SECONDS = 2.0
NEXT_SECONDS = 5.0


async def explain(client: Client, task_id: Callable[[], str | None], say: Callable[[str], None]) -> None:
    """Asks now and then about the task that `task_id` names, if any, and says each new reason. Cancel it to end it."""
    said = None
    task_id()
    await asyncio.sleep(FIRST_SECONDS)
    while True:
        waiting = task_id()
        if waiting is not None:
            try:
                status = await client.status(waiting)
            except ClientError:
                return  # whoever waits for the task hears of it
            if not status.ended and status.reason not in ("none", said):
                said = status.reason
                say(why(status))
        await asyncio.sleep(NEXT_SECONDS)
