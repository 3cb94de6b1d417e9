"""Signing in and out at the page: a token for a cookie, which no script can read and no other site can make use of."""

from __future__ import annotations

import msgspec
from aiohttp import web

from wiretask_protocol.authentication import Credentials, credentials
from wiretask_scheduler.core.grants import NOBODY
from wiretask_scheduler.http import shapes
from wiretask_scheduler.http.answers import GUARD, RefusedError, as_json
from wiretask_scheduler.http.guard import cookie_name, let_in, unknown, who

#: What may be said before anybody is known: a key id and a token.
_OCTETS = 1024


async def session(request: web.Request) -> shapes.Session:
    """Who asks, and whether everybody has to say so."""
    wants_tokens = request.app[GUARD].wants_tokens
    try:
        let_in(request)
    except RefusedError:
        if "Authorization" in request.headers:
            raise
        return shapes.Session(wants_tokens=wants_tokens, signed_in=False, key_id=None, principal=NOBODY)
    found = who(request)
    return shapes.Session(
        wants_tokens=wants_tokens,
        signed_in=found.session is not None,
        key_id=found.token.key_id if found.token is not None else None,
        principal=found.principal,
    )


async def sign_in(request: web.Request) -> web.Response:
    """Gives a browser a session for an admin's token: a cookie that no script reads."""
    said = await _said(request)
    guard = request.app[GUARD]
    # A session of before is over: nobody goes on with one that somebody else has brought here.
    guard.end(request)
    made, token = guard.begin(said, request)
    response = as_json(
        shapes.Session(wants_tokens=True, signed_in=True, key_id=token.key_id, principal=token.principal)
    )
    response.set_cookie(cookie_name(request), made, path="/", httponly=True, samesite="Strict", secure=request.secure)
    return response


async def sign_out(request: web.Request) -> web.Response:
    """Ends the session of a browser; where there is none, nothing happens."""
    guard = request.app[GUARD]
    guard.end(request)
    response = as_json(shapes.Session(wants_tokens=guard.wants_tokens, signed_in=False, key_id=None, principal=NOBODY))
    response.del_cookie(cookie_name(request), path="/", httponly=True, samesite="Strict", secure=request.secure)
    return response


async def _said(request: web.Request) -> Credentials:
    length = request.content_length
    if length is None or length > _OCTETS:
        raise RefusedError(f'send {{"key_id":"…","token":"…"}}, {_OCTETS} octets at most, and say how many', 413)
    try:
        said = msgspec.json.decode(await request.read(), type=shapes.SignIn)
        return credentials(f"{said.key_id.strip()}:{said.token.strip()}")
    except (ValueError, UnicodeDecodeError):
        # The error of a decoder quotes what was said.
        raise unknown(
            "this is no key id with its token: both stand in the token file, and a token has 32 letters or more"
        ) from None
