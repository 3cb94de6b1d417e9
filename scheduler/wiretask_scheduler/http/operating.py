"""What operators do over HTTP: another life for dead tasks, their end, cancelling, and the modes of queues.

An answer leaves when what it says is durable.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from wiretask_protocol.messages import TaskState
from wiretask_scheduler.core.facts import Kind
from wiretask_scheduler.core.queues import Mode
from wiretask_scheduler.core.records import StoredTask
from wiretask_scheduler.flow import Flow, now
from wiretask_scheduler.http import shapes
from wiretask_scheduler.http.answers import CENSUS, FLOW, RefusedError, task_id
from wiretask_scheduler.http.census import QueueCount
from wiretask_scheduler.http.listing import fits, meant
from wiretask_scheduler.http.overview import shown

#: Dead tasks that are looked at in one go.
_PAGE = 200
_ID_OCTETS = 16
_NAME_OCTETS = 128


async def _dead(flow: Flow, wanted: bytes) -> StoredTask:
    # What has ended this very moment is in the store when that is durable.
    await flow.settled()
    found = (await flow.lists.read(lambda: flow.store.tasks([wanted]))).get(wanted)
    if found is None:
        live = flow.broker.state.tasks.get(wanted) is not None
        raise RefusedError("it has not ended" if live else "no task has this id", 409 if live else 404)
    if found.state != TaskState.DEAD:
        raise RefusedError(f"it is {TaskState(found.state).name.lower()}, not dead", 409)
    return found


async def retry(request: web.Request) -> shapes.Retried:
    """Gives a dead task another life."""
    flow = request.app[FLOW]
    why_not = await _revive(flow, await _dead(flow, task_id(request)))
    if why_not is not None:
        raise RefusedError(why_not, 409)
    return shapes.Retried(retried=1)


async def _revive(flow: Flow, stored: StoredTask) -> str | None:
    parts: list[tuple[int, bytes]] = []
    if stored.links is not None and stored.links.size >= 0:
        found = await flow.lists.read(lambda: flow.store.facts(Kind.PART, stored.id))
        parts = [(int.from_bytes(key[_ID_OCTETS:], "big"), value) for key, value in found]
    return flow.broker.revive(stored, parts, now())


async def cancel(request: web.Request) -> shapes.Cancelled:
    """Stops a task; with `tree=1` also those that wait for it."""
    flow = request.app[FLOW]
    found = flow.broker.cancel(task_id(request), now(), tree=request.query.get("tree") == "1")
    return shapes.Cancelled(cancelled=int(found))


async def purge(request: web.Request) -> shapes.Purged:
    """Forgets a dead task."""
    flow = request.app[FLOW]
    return shapes.Purged(purged=flow.broker.purge([await _dead(flow, task_id(request))], now()))


async def retry_many(request: web.Request) -> shapes.Retried:
    """Gives the dead tasks another life that a filter names; those that cannot have one are left alone."""
    flow = request.app[FLOW]

    async def revive(some: list[StoredTask]) -> int:
        return sum([await _revive(flow, stored) is None for stored in some])

    return shapes.Retried(retried=await _many(request, revive))


async def purge_many(request: web.Request) -> shapes.Purged:
    """Forgets the dead tasks that a filter names."""
    flow = request.app[FLOW]

    async def forget(some: list[StoredTask]) -> int:
        return flow.broker.purge(some, now())

    return shapes.Purged(purged=await _many(request, forget))


async def _many(request: web.Request, do: Callable[[list[StoredTask]], Awaitable[int]]) -> int:
    """Does something with the dead tasks of before this request, page by page. Returns with how many."""
    millis = int(time.time() * 1000)
    try:
        said = msgspec.json.decode(await request.read() or b"{}", type=shapes.Filter)
        search = meant(msgspec.structs.asdict(said), millis)
    except (ValueError, UnicodeDecodeError):
        text = 'send a filter such as {"queue":"mail","type":"send","error":"TimeoutError","older_ms":60000}'
        raise RefusedError(text) from None
    flow = request.app[FLOW]
    before: int | None = flow.broker.state.last_seq + 1
    count = 0
    while before is not None:
        seq = before
        page = await flow.lists.read(
            lambda seq=seq: flow.store.list_tasks(  # type: ignore[misc]
                before=seq, state=TaskState.DEAD, most=_PAGE, search=search
            )
        )
        count += await do([stored for stored in page.tasks if fits(search, stored)])
        await flow.settled()
        before = page.next
    return count


def setter(mode: Mode, about: str) -> Callable[[web.Request], Awaitable[shapes.Queue]]:
    """What sets the mode of a queue."""

    async def change(request: web.Request) -> shapes.Queue:
        flow, name = request.app[FLOW], request.match_info["name"]
        if len(name.encode()) > _NAME_OCTETS:
            raise RefusedError(f"{name[:40]}… is no name of a queue; it has {_NAME_OCTETS} octets at most")
        flow.broker.set_mode(name, mode, now())
        counts = await request.app[CENSUS].counts()
        return shown(flow.broker.state.queues[name], counts.get(name, QueueCount()))

    change.__doc__ = about
    return change
