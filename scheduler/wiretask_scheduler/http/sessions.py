"""Who is signed in at the page: sessions of browsers, kept in memory and bounded in number and in time.

It knows no clock and no cookie. What a browser has is chance and says nothing; what is kept of it is its hash. A
session is worth what its token is worth now: one that was withdrawn, or allows something else, ends it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import sha256

from wiretask_scheduler.tokens import Keyring, Token

#: Unused for so long, and in all: a session is over then. A page that is open uses it.
IDLE_SECONDS, LONGEST_SECONDS = 1800.0, 12 * 3600.0
#: Kept at a time; the one that was unused for longest goes first. Only admins can begin one.
SESSIONS = 1000
#: Of chance in what a browser has.
_ID_OCTETS = 32


@dataclass(slots=True)
class Session:
    """Somebody who has signed in."""

    token: Token
    began: float
    used: float


class Sessions:
    """All of them."""

    def __init__(self, *, idle_seconds: float = IDLE_SECONDS, longest_seconds: float = LONGEST_SECONDS) -> None:
        self._idle, self._longest = idle_seconds, longest_seconds
        #: By the hash of their id, the one that was unused for longest first.
        self._sessions: dict[bytes, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def begin(self, token: Token, now: float) -> str:
        """Somebody has signed in. Returns the id of the session, which its browser alone may have."""
        said = secrets.token_urlsafe(_ID_OCTETS)
        self._sessions[_key(said)] = Session(token, now, now)
        if len(self._sessions) > SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        return said

    def use(self, said: str, keyring: Keyring, now: float) -> Session | None:
        """The session of an id, which is used with that; None if there is none, or no longer."""
        key = _key(said)
        session = self._sessions.pop(key, None)
        if session is None or not self._lives(session, keyring, now):
            return None
        session.used = now
        self._sessions[key] = session
        return session

    def end(self, said: str) -> None:
        """Somebody has signed out."""
        self._sessions.pop(_key(said), None)

    def _lives(self, session: Session, keyring: Keyring, now: float) -> bool:
        return (
            now - session.used <= self._idle
            and now - session.began <= self._longest
            and keyring.get(session.token.key_id) == session.token
        )


def _key(said: str) -> bytes:
    return sha256(said.encode("utf-8", "surrogateescape")).digest()
