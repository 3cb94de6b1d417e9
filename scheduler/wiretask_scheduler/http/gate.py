"""Who may ask: no other web site through somebody's browser, and not everybody at once.

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

from wiretask_scheduler.http.answers import RefusedError, refusal

log = logging.getLogger(__name__)

#: What a request must have that changes something; any value will do.
HEADER = "Wiretask-Request"
#: Requests that are answered at a time; live events are counted apart.
REQUESTS_AT_A_TIME = 64
#: What machines ask by whatever name they know, and what tells nobody's secrets.
_OPEN = frozenset({"/healthz", "/readyz", "/metrics"})
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


def admit(request: web.Request) -> None:
    """Whether the principal of a request may do what it asks for. Raises RefusedError (401, 403).

    Every request but those for health and metrics comes through here. There are no principals yet: who reaches this
    port may do everything, so it is served on loopback unless the configuration says otherwise.
    """


def at_the_gate(names: frozenset[str]) -> Middleware:
    """What every request passes. `names` are those that it may call this scheduler, besides addresses and localhost."""
    asking = 0

    @web.middleware
    async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal asking
        counted = request.path != _EVENTS
        if counted and asking >= REQUESTS_AT_A_TIME:
            return refusal("too many requests at a time; ask again in a second", 503)
        asking += counted
        try:
            if request.path not in _OPEN:
                _check_name(request, names)
                if request.method not in _SAFE:
                    _check_origin(request)
                admit(request)
            response = await handler(request)
        except RefusedError as error:
            response = refusal(str(error), error.status)
        except web.HTTPException as error:
            response = refusal(_said(request, error), error.status)
        except Exception:
            log.exception("a bug, please report it: %s %s could not be answered", request.method, request.path)
            response = refusal("a bug of the scheduler; its log says more", 500)
        finally:
            asking -= counted
        if not response.prepared:
            response.headers.update(_SECURITY)
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return gate


def _check_name(request: web.Request, names: frozenset[str]) -> None:
    name = _name(request.host)
    if name is None or not (name in names or name == "localhost" or name.endswith(".localhost") or _is_address(name)):
        raise RefusedError(
            "this scheduler is not called so; use its address, or name it in the setting http_names", 403
        )


def _check_origin(request: web.Request) -> None:
    site = request.headers.get("Sec-Fetch-Site", "none")
    origin = request.headers.get("Origin")
    if site not in {"same-origin", "none"} or (origin is not None and _authority(origin) != request.host):
        raise RefusedError("another site may not change anything here; use the page of this scheduler", 403)
    if HEADER not in request.headers:
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
