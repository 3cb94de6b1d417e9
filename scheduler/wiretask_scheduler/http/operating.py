"""What operators do over HTTP: another life for dead tasks, their end, cancelling, and the modes of queues.

An answer leaves when what it says is durable.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Self

from aiohttp import web
from aiohttp.typedefs import Handler

from wiretask_protocol.messages import TaskState
from wiretask_scheduler.core.facts import Kind
from wiretask_scheduler.core.queues import Mode, Queue
from wiretask_scheduler.core.records import StoredTask
from wiretask_scheduler.flow import Flow, now

FLOW = web.AppKey("flow", Flow)
#: Dead tasks that are looked at in one go.
_PAGE = 500
_ID_OCTETS = 16
_NAME_OCTETS = 128


class Filter(NamedTuple):
    """Which tasks are meant; None is any."""

    queue: str | None = None
    type: str | None = None
    error: str | None = None
    older_ms: int | None = None

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Self:
        """What a request says. Raises ValueError."""
        older = said.get("older_ms")
        for name in ("queue", "type", "error"):
            if not isinstance(said.get(name), str | None):
                raise ValueError(f"{name} is a text")  # noqa: TRY004 -- of a request, not of a programmer
        if older is not None and not (str(older).isascii() and str(older).isdigit()):
            raise ValueError("older_ms is a number of milliseconds")
        return cls(said.get("queue"), said.get("type"), said.get("error"), None if older is None else int(older))

    def takes(self, stored: StoredTask, millis: int) -> bool:
        """Whether a task is meant."""
        return (
            self.queue in {None, stored.options.queue}
            and self.type in {None, stored.options.type}
            and self.error in {None, last_error(stored)[0]}
            and (self.older_ms is None or (stored.ended or stored.submitted) <= millis - self.older_ms)
        )


def last_error(stored: StoredTask) -> tuple[str | None, str | None]:
    """The class of the last error of a task, and what it said."""
    last = next((attempt for attempt in reversed(stored.history) if attempt.error_type is not None), None)
    return (None, None) if last is None else (last.error_type, last.error_message)


def as_json(value: object, status: int = 200) -> web.Response:
    """A value as people and programs read it."""
    return web.json_response(value, status=status, dumps=lambda thing: json.dumps(thing, separators=(",", ":")) + "\n")


def shown(queue: Queue, ready: int) -> dict[str, object]:
    """A queue as JSON."""
    return {
        "name": queue.name,
        "mode": queue.mode.name.lower(),
        "live": queue.live,
        "ready": ready,
        "length_limit": queue.length_limit or None,
    }


def add_routes(app: web.Application) -> None:
    """Serves what changes something. Before the application is set up."""
    app.middlewares.append(_say_refusals)
    app.router.add_post("/api/tasks/{id}/retry", _retry)
    app.router.add_post("/api/tasks/{id}/cancel", _cancel)
    app.router.add_delete("/api/tasks/{id}", _purge)
    app.router.add_post("/api/dead/retry", _retry_many)
    app.router.add_post("/api/dead/purge", _purge_many)
    for word, mode in (("pause", Mode.PAUSED), ("resume", Mode.OPEN), ("drain", Mode.CLOSED)):
        app.router.add_post(f"/api/queues/{{name}}/{word}", _setter(mode))


class _RefusedError(Exception):
    """A request cannot be carried out; the text says why."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


@web.middleware
async def _say_refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except _RefusedError as error:
        return as_json({"error": str(error)}, error.status)


def _id(request: web.Request) -> bytes:
    try:
        task_id = bytes.fromhex(request.match_info["id"].replace("-", ""))
    except ValueError:
        task_id = b""
    if len(task_id) != _ID_OCTETS:
        raise _RefusedError("a task id is 32 hexadecimal digits", 400)
    return task_id


async def _dead(flow: Flow, task_id: bytes) -> StoredTask:
    found = (await flow.questions.read(lambda: flow.store.tasks([task_id]))).get(task_id)
    if found is None:
        live = flow.broker.state.tasks.get(task_id) is not None
        raise _RefusedError("it has not ended" if live else "no task has this id", 409 if live else 404)
    if found.state != TaskState.DEAD:
        raise _RefusedError(f"it is {TaskState(found.state).name.lower()}, not dead", 409)
    return found


async def _retry(request: web.Request) -> web.Response:
    """Gives a dead task another life."""
    flow = request.app[FLOW]
    refusal = await _revive(flow, await _dead(flow, _id(request)))
    if refusal is not None:
        raise _RefusedError(refusal, 409)
    await flow.settled()
    return as_json({"retried": 1})


async def _revive(flow: Flow, stored: StoredTask) -> str | None:
    parts: list[tuple[int, bytes]] = []
    if stored.links is not None and stored.links.size >= 0:
        found = await flow.questions.read(lambda: flow.store.facts(Kind.PART, stored.id))
        parts = [(int.from_bytes(key[_ID_OCTETS:], "big"), value) for key, value in found]
    return flow.broker.revive(stored, parts, now())


async def _cancel(request: web.Request) -> web.Response:
    """Stops a task: ?tree=1 also those that wait for it."""
    flow = request.app[FLOW]
    found = flow.broker.cancel(_id(request), now(), tree=request.query.get("tree") == "1")
    await flow.settled()
    return as_json({"cancelled": int(found)})


async def _purge(request: web.Request) -> web.Response:
    """Forgets a dead task."""
    flow = request.app[FLOW]
    purged = flow.broker.purge([await _dead(flow, _id(request))], now())
    await flow.settled()
    return as_json({"purged": purged})


async def _retry_many(request: web.Request) -> web.Response:
    """Gives the dead tasks another life that a filter names; those that cannot have one are left alone."""
    flow = request.app[FLOW]

    async def revive(some: list[StoredTask]) -> int:
        return sum([await _revive(flow, stored) is None for stored in some])

    return await _many(request, revive, "retried")


async def _purge_many(request: web.Request) -> web.Response:
    """Forgets the dead tasks that a filter names."""
    flow = request.app[FLOW]

    async def purge(some: list[StoredTask]) -> int:
        return flow.broker.purge(some, now())

    return await _many(request, purge, "purged")


async def _many(request: web.Request, do: Callable[[list[StoredTask]], Awaitable[int]], word: str) -> web.Response:
    """Does something with the dead tasks of before this request, page by page."""
    try:
        said = await request.json() if request.can_read_body else {}
        if not isinstance(said, dict):
            raise ValueError("a filter is an object")  # noqa: TRY004, TRY301 -- of a request, not of a programmer
        chosen = Filter.read(said)
    except (ValueError, UnicodeDecodeError):
        text = 'send a filter such as {"queue":"mail","type":"send","error":"TimeoutError","older_ms":60000}'
        return as_json({"error": text}, 400)
    flow = request.app[FLOW]
    before: int | None = flow.broker.state.last_seq + 1
    millis = int(time.time() * 1000)
    count = 0
    while before is not None:
        seq = before
        page = await flow.questions.read(
            lambda seq=seq: flow.store.list_tasks(before=seq, state=TaskState.DEAD, most=_PAGE)  # type: ignore[misc]
        )
        count += await do([stored for stored in page.tasks if chosen.takes(stored, millis)])
        await flow.settled()
        before = page.next
    return as_json({word: count})


def _setter(mode: Mode) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def change(request: web.Request) -> web.Response:
        flow, name = request.app[FLOW], request.match_info["name"]
        if len(name.encode()) > _NAME_OCTETS:
            return as_json({"error": f"{name[:40]}… is no name of a queue"}, 400)
        flow.broker.set_mode(name, mode, now())
        queue = flow.broker.state.queues[name]
        ready = sum(lane.count - lane.dead for lane in flow.broker.state.ready if lane.queue is queue)
        await flow.settled()
        return as_json(shown(queue, ready))

    return change
