"""Who asks: a program with its token in each request, or a browser that has signed in; and whether it may.

The tokens are those of the wire, of which HTTP is served to those with the role admin and for every queue, since it
shows and changes everything. A token crosses the wire here, so other machines are served over TLS only. Guesses are
counted by the doorkeeper, together with those on the wire; what is compared takes as long whatever was said.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from wiretask_protocol.authentication import NONCE_OCTETS, Credentials, credentials, same
from wiretask_scheduler import logs
from wiretask_scheduler.core.grants import NOBODY
from wiretask_scheduler.doorkeeper import Doorkeeper
from wiretask_scheduler.http.answers import GUARD, RefusedError
from wiretask_scheduler.http.sessions import Session, Sessions
from wiretask_scheduler.tokens import Token

log = logging.getLogger(__name__)

_SCHEME = "bearer"
_METRICS = "/metrics"
_HOW = "sign in at /login, or send Authorization: Bearer KEY_ID:TOKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Somebody who may ask. Without a token it is anybody, as nobody has to prove who he is."""

    token: Token | None = None
    session: Session | None = None

    @property
    def principal(self) -> str:
        """Who that is."""
        return self.token.principal if self.token is not None else NOBODY


class Guard:
    """Lets those in who may ask. `certificates` is whether TLS has to show one of a peer."""

    def __init__(
        self,
        doorkeeper: Doorkeeper,
        sessions: Sessions | None = None,
        *,
        certificates: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sessions = sessions or Sessions()
        self._doorkeeper = doorkeeper
        self._certificates = certificates
        self._clock = clock
        self._blind = os.urandom(NONCE_OCTETS)

    @property
    def wants_tokens(self) -> bool:
        """Whether everybody has to prove who he is."""
        return self._doorkeeper.keyring is not None

    def admit(self, request: web.Request) -> Who:
        """Who makes a request. Raises RefusedError (401, 403, 429)."""
        self._check_certificate(request)
        said = request.headers.get("Authorization")
        if said is not None:
            return Who(token=self._known(_credentials(said), request))
        keyring = self._doorkeeper.keyring
        if keyring is None:
            return Who()
        cookie = request.cookies.get(cookie_name(request))
        if cookie is None:
            raise unknown(f"this scheduler wants to know who asks; {_HOW}")
        session = self.sessions.use(cookie, keyring, self._clock())
        if session is None:
            raise unknown("the session has ended; sign in again at /login")
        return Who(token=session.token, session=session)

    def begin(self, said: Credentials, request: web.Request) -> tuple[str, Token]:
        """Somebody signs in: the id of his session, and what he may. Raises RefusedError."""
        self._check_certificate(request)
        token = self._known(said, request)
        log.info("%s has signed in from %s", token.key_id, request.remote)
        return self.sessions.begin(token, self._clock()), token

    def end(self, request: web.Request) -> None:
        """Whoever makes a request signs out."""
        cookie = request.cookies.get(cookie_name(request))
        if cookie is not None:
            self.sessions.end(cookie)

    def still(self, who: Who, request: web.Request) -> bool:
        """Whether somebody who was let in, and is still here, would be let in now; that uses his session."""
        keyring = self._doorkeeper.keyring
        if who.token is None or keyring is None:
            return who.token is None and keyring is None
        if who.session is None:
            return keyring.get(who.token.key_id) == who.token
        cookie = request.cookies.get(cookie_name(request), "")
        return self.sessions.use(cookie, keyring, self._clock()) is not None

    def _check_certificate(self, request: web.Request) -> None:
        transport = request.transport
        if self._certificates and (transport is None or not transport.get_extra_info("peercert")):
            raise RefusedError("show a certificate that this scheduler's tls_client_ca has signed", 403)

    def _known(self, said: Credentials, request: web.Request) -> Token:
        """Whose token that is, who may ask over HTTP. Raises RefusedError."""
        keyring, address, now = self._doorkeeper.keyring, request.remote or "", self._clock()
        if keyring is None:
            raise unknown("this scheduler knows no tokens; leave the credentials out, or start it with --tokens")
        wait = self._doorkeeper.barred(address, now)
        if wait > 0:
            text = f"too many wrong tokens came from this address; check yours, and try again in {wait:.0f} s"
            raise RefusedError(text, 429, {"Retry-After": str(int(wait) + 1)})
        # Compared as hashes: neither what is right of a guess nor how long a token is can be told by the time.
        right = same(keyring.secret(said.key_id).digest(self._blind), said.secret.digest(self._blind))
        token = keyring.get(said.key_id)
        if token is None or not right:
            self._doorkeeper.failed(address, now)
            # A key id that nobody has may be a token that was pasted into the wrong field.
            whose = f" for {token.key_id}" if token is not None else ""
            log.warning("a wrong token%s came from %s", whose, logs.escaped(address))
            raise unknown("nobody has this key id with this token; check both; a new one is read on SIGHUP")
        _check_role(token, request)
        return token


def _check_role(token: Token, request: web.Request) -> None:
    """Whether a token is for what is asked. Who hears this has shown that he knows it. Raises RefusedError."""
    if "admin" in token.roles:
        if not token.grant.allows_all:
            raise RefusedError(
                f"the token {token.key_id} is for some queues only, and HTTP is for all of them; use an admin's"
                ' whose queues are ["*"]',
                403,
            )
    elif "metrics" not in token.roles or request.path != _METRICS:
        raise RefusedError(
            f"the token {token.key_id} is for {' and '.join(sorted(token.roles))}; use one with the role admin", 403
        )


def unknown(text: str) -> RefusedError:
    """Somebody has to say who he is."""
    return RefusedError(text, 401, {"WWW-Authenticate": 'Bearer realm="wiretask"'})


def _credentials(said: str) -> Credentials:
    """What an Authorization says. Raises RefusedError, whose text does not say what it was."""
    scheme, _, words = said.partition(" ")
    try:
        return credentials(words if scheme.lower() == _SCHEME else "")
    except ValueError:
        raise unknown("this is no Authorization: Bearer KEY_ID:TOKEN; write it so") from None


def cookie_name(request: web.Request) -> str:
    """What the cookie of a session is called. Cookies belong to hosts, not to ports: so the port is in its name."""
    sockname = request.transport.get_extra_info("sockname") if request.transport is not None else None
    port = sockname[1] if isinstance(sockname, tuple) else 0
    # A browser takes a __Host- from this very host only, over TLS, and for all of it.
    return f"__Host-wiretask-{port}" if request.secure else f"wiretask-{port}"


def who(request: web.Request) -> Who:
    """Who makes a request that was let in."""
    return request[_WHO]


def let_in(request: web.Request) -> None:
    """Lets a request in, or raises RefusedError."""
    request[_WHO] = request.app[GUARD].admit(request)


def is_let_in(request: web.Request) -> bool:
    """Whether a request was let in, and not only to what is for everybody."""
    return _WHO in request


_WHO = web.RequestKey("who", Who)
