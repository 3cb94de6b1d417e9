"""What happens, as it happens: server-sent events, one `sample` a second and a `task` for each thing of note.

A watcher costs a few writes a second. One that does not read is let go, and may come again.
"""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web

from wiretask_scheduler.core.turn import Notice
from wiretask_scheduler.http.answers import GUARD, MONITOR, RefusedError
from wiretask_scheduler.http.guard import who

#: Watchers at a time.
WATCHERS = 100


async def events(request: web.Request) -> web.StreamResponse:
    """The events `sample` (see `Sample`) and `task` (what, id, type, queue, attempt, error_type, error_message)."""
    monitor, guard, someone = request.app[MONITOR], request.app[GUARD], who(request)
    if monitor.watchers >= WATCHERS:
        raise RefusedError(f"{WATCHERS} watch already; close a page, or ask /api/overview now and then", 503)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    watcher = monitor.watch()
    try:
        await response.prepare(request)
        await response.write(b"retry: 2000\n\n")
        if monitor.history:
            await response.write(_event("sample", monitor.history[-1]))
        # Who has signed out, or whose token was withdrawn, is not told more.
        while (second := await watcher.get()) is not None and guard.still(someone, request):
            notices = b"".join(_event("task", _said(notice)) for notice in second.notices)
            await asyncio.wait_for(response.write(notices + _event("sample", second.sample)), _PATIENCE_SECONDS)
    except (ConnectionError, TimeoutError):
        pass  # it is gone, or does not read
    finally:
        monitor.leave(watcher)
    return response


#: A watcher that has read nothing for so long is let go.
_PATIENCE_SECONDS = 20.0


def _event(name: str, value: object) -> bytes:
    return f"event: {name}\ndata: ".encode() + msgspec.json.encode(value) + b"\n\n"


def _said(notice: Notice) -> dict[str, object]:
    return {
        "what": notice.what,
        "id": notice.task_id.hex(),
        "type": notice.type,
        "queue": notice.queue,
        "attempt": notice.attempt,
        "error_type": notice.error_type,
        "error_message": notice.error_message,
    }
