"""What every request passes: who is let in asks, no other web site through his browser, and not everybody at once.

A browser sends what any page tells it to, to any address that it can reach. So what changes something needs a header
that a page of another origin cannot send without being allowed to, and everything needs a name that is ours: a foreign
name that was made to point here (DNS rebinding) is refused.
"""

from __future__ import annotations

import ipaddress
import logging
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from wiretask_scheduler import logs
from wiretask_scheduler.http.answers import RefusedError, refusal
from wiretask_scheduler.http.connections import Connections
from wiretask_scheduler.http.guard import is_let_in, let_in, who

log = logging.getLogger(__name__)

#: What a request must have that changes something; any value will do.
HEADER = "Wiretask-Request"
#: Requests that are answered at a time; live events are counted apart.
REQUESTS_AT_A_TIME = 64
#: What machines ask by whatever name they know. Of these the metrics tell something.
_METRICS = "/metrics"
_HEALTH = frozenset({"/healthz", "/readyz"})
#: What somebody needs to say who he is, and tells nothing.
_FOR_EVERYBODY = frozenset(
    {
        *(("GET", path) for path in ("/login", "/login.js", "/style.css", "/icon.svg")),
        *((method, "/api/session") for method in ("GET", "POST", "DELETE")),
    }
)
#: What goes on for long, and counts its askers itself.
_EVENTS = "/api/events"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SECURITY = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Gate:
    """`names` are those that a request may call this scheduler, besides addresses and localhost."""

    def __init__(self, names: frozenset[str] = frozenset(), *, open_metrics: bool = False) -> None:
        self.connections: Connections | None = None
        self._names = names
        self._open = _HEALTH | {_METRICS} if open_metrics else _HEALTH
        self._asking = 0

    def middleware(self) -> Middleware:
        """What aiohttp calls."""

        @web.middleware
        async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                response = await self._answer(request, handler)
            except RefusedError as error:
                response = refusal(str(error), error.status)
                response.headers.update(error.headers)
            except web.HTTPException as error:
                response = refusal(_said(request, error), error.status)
            except Exception:
                log.exception("a bug, please report it: %s %s could not be answered", request.method, request.path)
                response = refusal("a bug of the scheduler; its log says more", 500)
            if not response.prepared:
                if is_let_in(request):
                    self._know(request)
                else:
                    # Whom nobody knows has a connection for one answer.
                    response.force_close()
                response.headers.update(_SECURITY)
                response.headers.setdefault("Cache-Control", "no-store")
            return response

        return gate

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """What is asked for, if it may be. Raises RefusedError."""
        self._admit(request)
        if not is_let_in(request):
            return await handler(request)
        self._know(request)
        if request.path == _EVENTS:
            return await handler(request)
        if self._asking >= REQUESTS_AT_A_TIME:
            raise RefusedError("too many requests at a time; ask again in a second", 503)
        self._asking += 1
        try:
            response = await handler(request)
        finally:
            self._asking -= 1
        if request.method not in _SAFE:
            _remember(request, response.status)
        return response

    def _know(self, request: web.Request) -> None:
        if self.connections is not None:
            self.connections.known(request.protocol)

    def _admit(self, request: web.Request) -> None:
        """Lets a request in, or on to what is for everybody. Raises RefusedError."""
        path = request.path
        if path in self._open:
            return
        if path != _METRICS:
            _check_name(request, self._names)
            _check_site(request)
        if (request.method, path) in _FOR_EVERYBODY:
            return
        try:
            let_in(request)
        except RefusedError as error:
            if error.status == web.HTTPUnauthorized.status_code and (request.method, path) == ("GET", "/"):
                # A browser takes along what stands behind the #.
                raise RefusedError("sign in at /login", 303, {"Location": "/login"}) from None
            raise


def _remember(request: web.Request, status: int) -> None:
    """Says in the log who has changed something."""
    principal = who(request).principal
    log.info("%s %s: %d, by %s", request.method, logs.escaped(request.path), status, principal or request.remote)


def _check_name(request: web.Request, names: frozenset[str]) -> None:
    name = _name(request.host)
    if name is None or not (name in names or name == "localhost" or name.endswith(".localhost") or _is_address(name)):
        raise RefusedError(
            "this scheduler is not called so; use its address, or name it in the setting http_names", 403
        )


def _check_site(request: web.Request) -> None:
    """Whether a browser asks for our own page, and not for one of another site. Raises RefusedError."""
    headers = request.headers
    site, origin = headers.get("Sec-Fetch-Site", "none"), headers.get("Origin")
    foreign = site not in {"same-origin", "none"} or (origin is not None and _authority(origin) != request.host)
    if request.method in _SAFE:
        # A link to the page may stand anywhere; what a link opens no other site can read.
        if foreign and headers.get("Sec-Fetch-Mode") != "navigate":
            raise RefusedError("another site may not read anything here; use the page of this scheduler", 403)
        return
    if foreign:
        raise RefusedError("another site may not change anything here; use the page of this scheduler", 403)
    if HEADER not in headers and "Authorization" not in headers:
        raise RefusedError(f"send the header {HEADER}: 1 with what changes something; no other site can", 403)


def _authority(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


def _name(host: str) -> str | None:
    """The host of `HOST:PORT`, in lower case; None if there is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _said(request: web.Request, error: web.HTTPException) -> str:
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"{request.method} cannot be done with {request.path}, but {', '.join(sorted(error.allowed_methods))}"
    if error.status == web.HTTPNotFound.status_code:
        return f"there is no {request.path} here; /api/openapi.json lists what there is"
    return f"{error.reason}; see /api/openapi.json".lower()
