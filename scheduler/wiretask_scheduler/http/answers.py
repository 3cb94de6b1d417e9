"""How the HTTP side answers: values as JSON, and refusals as one line of it with the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from wiretask_scheduler.flow import Flow
from wiretask_scheduler.http.census import Census
from wiretask_scheduler.http.monitor import Monitor
from wiretask_scheduler.http.shapes import Problem

if TYPE_CHECKING:
    from wiretask_scheduler.http.guard import Guard

FLOW = web.AppKey("flow", Flow)
CENSUS = web.AppKey("census", Census)
MONITOR = web.AppKey("monitor", Monitor)
GUARD: web.AppKey[Guard] = web.AppKey("guard")

_ID_OCTETS = 16


class RefusedError(Exception):
    """A request cannot be carried out; the text says why, and what to do."""

    def __init__(self, text: str, status: int = 400, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.headers = headers or {}


def as_json(value: object, status: int = 200) -> web.Response:
    """A value as people and programs read it."""
    return web.Response(body=msgspec.json.encode(value) + b"\n", status=status, content_type="application/json")


def refusal(text: str, status: int) -> web.Response:
    """Why not."""
    return as_json(Problem(error=text), status)


def task_id(request: web.Request) -> bytes:
    """The id in the path. Raises RefusedError."""
    try:
        found = bytes.fromhex(request.match_info["id"].replace("-", ""))
    except ValueError:
        found = b""
    if len(found) != _ID_OCTETS:
        raise RefusedError("a task id is 32 hexadecimal digits")
    return found


def whole(request: web.Request, name: str, default: int | None, *, least: int = 1, most: int) -> int | None:
    """A whole number of the query. Raises ValueError."""
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < _DIGITS and least <= int(text) <= most):
        raise ValueError(name)
    return int(text)


#: More than any number has that is asked for.
_DIGITS = 20
