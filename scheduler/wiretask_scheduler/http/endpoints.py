"""The list of what can be asked, of which both the routes and the OpenAPI document are made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec
from aiohttp import web
from msgspec import Struct

from wiretask_scheduler.core.queues import Mode
from wiretask_scheduler.http import events, listing, operating, overview, shapes, signing, story
from wiretask_scheduler.http.answers import FLOW, as_json
from wiretask_scheduler.http.gate import HEADER

Ask = Callable[[web.Request], Awaitable[Struct | web.Response]]
_JSON = "application/json"


class Parameter(NamedTuple):
    """Something that can stand in a query."""

    name: str
    about: str
    schema: dict[str, Any]


class Endpoint(NamedTuple):
    """One thing that can be asked. Its refusals are `Problem`s with these statuses, besides 401, 403, 429 and 503."""

    method: str
    path: str
    ask: Ask
    answer: type[Struct]
    refusals: tuple[int, ...] = ()
    query: tuple[Parameter, ...] = ()
    body: type[Struct] | None = None


_TEXT = {"type": "string"}
_SEARCH = (
    Parameter("queue", "Its queue; `mail.*` is what begins so.", _TEXT),
    Parameter("type", "Its type; `send*` is what begins so.", _TEXT),
    Parameter("error", "The class of its last error.", _TEXT),
    Parameter(
        "older_ms", "A duration: ended, or submitted where it lives, so long ago.", {"type": "integer", "minimum": 0}
    ),
)
_PAGED = (
    Parameter("state", "Its state now.", {"type": "string", "enum": list(listing.STATES)}),
    Parameter("limit", "Tasks on a page.", {"type": "integer", "minimum": 1, "maximum": listing.PAGE_MAXIMUM}),
    Parameter("before", "The `next` of the page before.", {"type": "integer", "minimum": 1}),
)
_TREE = (Parameter("tree", "1: also those that wait for it.", {"type": "string", "enum": ["0", "1"]}),)
_pause = operating.setter(Mode.PAUSED, "Keeps the tasks of a queue there; what runs goes on, and new ones are taken.")
_resume = operating.setter(Mode.OPEN, "Lets the tasks of a queue go, and takes new ones.")
_drain = operating.setter(Mode.CLOSED, "Takes no new tasks into a queue, and lets those that are there go.")

ENDPOINTS = (
    Endpoint("GET", "/api/overview", overview.overview, shapes.Overview),
    Endpoint("GET", "/api/history", overview.history, shapes.History),
    Endpoint("GET", "/api/tasks", listing.tasks, shapes.TaskPage, (400,), (*_PAGED, *_SEARCH)),
    Endpoint("GET", "/api/tasks/{id}", story.task, shapes.Story, (400, 404)),
    Endpoint("POST", "/api/tasks/{id}/retry", operating.retry, shapes.Retried, (400, 404, 409)),
    Endpoint("POST", "/api/tasks/{id}/cancel", operating.cancel, shapes.Cancelled, (400,), _TREE),
    Endpoint("DELETE", "/api/tasks/{id}", operating.purge, shapes.Purged, (400, 404, 409)),
    Endpoint("GET", "/api/dead", listing.dead_groups, shapes.DeadGroups),
    Endpoint("POST", "/api/dead/retry", operating.retry_many, shapes.Retried, (400,), body=shapes.Filter),
    Endpoint("POST", "/api/dead/purge", operating.purge_many, shapes.Purged, (400,), body=shapes.Filter),
    Endpoint("GET", "/api/workers", overview.workers, shapes.Workers),
    Endpoint("GET", "/api/queues", overview.queues, shapes.Queues),
    Endpoint("POST", "/api/queues/{name}/pause", _pause, shapes.Queue, (400,)),
    Endpoint("POST", "/api/queues/{name}/resume", _resume, shapes.Queue, (400,)),
    Endpoint("POST", "/api/queues/{name}/drain", _drain, shapes.Queue, (400,)),
    Endpoint("GET", "/api/schedules", overview.schedules, shapes.Schedules),
    Endpoint("GET", "/api/session", signing.session, shapes.Session),
    Endpoint("POST", "/api/session", signing.sign_in, shapes.Session, (413,), body=shapes.SignIn),
    Endpoint("DELETE", "/api/session", signing.sign_out, shapes.Session),
)


def add_routes(app: web.Application) -> None:
    """Serves all of it, the document and the live events."""
    for endpoint in ENDPOINTS:
        app.router.add_route(endpoint.method, endpoint.path, _answering(endpoint.ask))
    app.router.add_get("/api/events", events.events)
    octets = msgspec.json.encode(document()) + b"\n"

    async def describe(request: web.Request) -> web.Response:
        return web.Response(body=octets, content_type=_JSON)

    app.router.add_get("/api/openapi.json", describe)


def _answering(ask: Ask) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        found = await ask(request)
        # What it reveals is durable before it leaves, as it is with frames.
        await request.app[FLOW].settled()
        return found if isinstance(found, web.Response) else as_json(found)

    return answer


# -- the document --

_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "KEY_ID:TOKEN"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "wiretask-PORT",
        "description": "What POST /api/session sets; over TLS it is called __Host-wiretask-PORT.",
    },
}


def document() -> dict[str, Any]:
    """The OpenAPI document (3.1)."""
    types = {endpoint.answer for endpoint in ENDPOINTS} | {
        *(shapes.Problem, shapes.Filter, shapes.Sample, shapes.SignIn)
    }
    ordered = sorted(types, key=lambda each: each.__name__)
    _, schemas = msgspec.json.schema_components(ordered, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    stream = {"description": events.events.__doc__, "content": {"text/event-stream": {"schema": _TEXT}}}
    about = "What happens, as it happens."
    paths["/api/events"] = {"get": {"summary": about, "operationId": "getEvents", "responses": {"200": stream}}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Wiretask scheduler",
            "version": overview.VERSION,
            "description": "What operators see and do. Every refusal is a Problem: one line with the remedy. "
            f"What changes something needs the header {HEADER}, or an Authorization. Where there is a token file, "
            "everything needs the token of an admin: the token is KEY_ID:TOKEN, or a browser's that has signed in.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _SCHEMES},
        "security": [{}, {"token": []}, {"session": []}],
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _TEXT}
        for name in ("id", "name")
        if f"{{{name}}}" in endpoint.path
    ]
    parameters += [
        {"name": each.name, "in": "query", "description": each.about, "schema": each.schema} for each in endpoint.query
    ]
    if endpoint.method != "GET":
        parameters.append({"name": HEADER, "in": "header", "required": True, "schema": _TEXT})
    answer = {"200": _said(endpoint.answer)}
    refusals = {str(status): _said(shapes.Problem) for status in (*endpoint.refusals, 401, 403, 429, 503)}
    words = [word.strip("{}") for word in endpoint.path.split("/")[2:]]
    operation: dict[str, Any] = {
        "summary": (endpoint.ask.__doc__ or "").split("\n")[0],
        "operationId": endpoint.method.lower() + "".join(word.capitalize() for word in words),
        "parameters": parameters,
        "responses": answer | refusals,
    }
    if endpoint.body is not None:
        operation["requestBody"] = {"required": False, "content": {_JSON: {"schema": _ref(endpoint.body)}}}
    return operation


def _said(answer: type[Struct]) -> dict[str, Any]:
    about = (answer.__doc__ or "").split("\n")[0]
    return {"description": about, "content": {_JSON: {"schema": _ref(answer)}}}


def _ref(shape: type[Struct]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{shape.__name__}"}
