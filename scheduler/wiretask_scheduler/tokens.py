"""The token file: who may connect, as what, and to which queues.

A table for each token, named by its key id:

    [billing-api]
    token = "…"                  # 32 to 256 of A-Z a-z 0-9 _ -, made of chance
    roles = ["client"]           # client, worker, admin, metrics
    queues = ["billing.*"]       # every queue where it does not say
    principal = "billing"        # the key id where it does not say

The file holds secrets: others than its owner and its group must not be able to read it. No error says what is in it.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wiretask_protocol.authentication import Secret
from wiretask_protocol.messages import Role
from wiretask_scheduler.core.grants import Grant

#: What a token can be for. An admin is a client that sees the tasks of all; HTTP is served to admins, and of it the
#: metrics alone to what scrapes them.
ROLES = ("client", "worker", "admin", "metrics")
_KEYS = ("token", "roles", "queues", "principal")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]{0,127}")
_PATTERN = re.compile(r"[A-Za-z0-9_.:/@+*-]{1,128}")
#: Octets of chance in the token that nobody has.
_NOBODY_OCTETS = 32


class TokenError(Exception):
    """The token file cannot be used; the text is one line with the remedy, and has no token in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One token and what it allows."""

    key_id: str
    secret: Secret
    principal: str
    roles: frozenset[str]
    grant: Grant

    def serves(self, role: int) -> bool:
        """Whether somebody who knows it may connect in a role."""
        return bool(self.roles & _SERVED.get(role, frozenset()))


_SERVED = {int(Role.CLIENT): frozenset({"client", "admin"}), int(Role.WORKER): frozenset({"worker"})}


class Keyring:
    """All tokens, by key id. One that is not here has a secret all the same: one that nobody knows."""

    def __init__(self, tokens: Iterable[Token] = ()) -> None:
        self._tokens = {token.key_id: token for token in tokens}
        self._nobody = Secret(secrets.token_urlsafe(_NOBODY_OCTETS))

    def __len__(self) -> int:
        return len(self._tokens)

    def get(self, key_id: str) -> Token | None:
        """A token."""
        return self._tokens.get(key_id)

    def secret(self, key_id: str) -> Secret:
        """What a proof for a key is compared with, whether there is such a key or not."""
        token = self._tokens.get(key_id)
        return token.secret if token is not None else self._nobody


def read(path: Path) -> Keyring:
    """Reads a token file. Raises TokenError."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & stat.S_IRWXO:
                raise TokenError(f"{path}: others can read it, and it holds secrets; chmod o= {path}")
            tables = tomllib.loads(file.read().decode("utf-8"))
    except OSError as error:
        raise TokenError(f"{path}: {error.strerror}; check the setting tokens") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # The text of the error may quote a line of the file.
        where = re.search(r"at line \d+, column \d+", str(error))
        raise TokenError(f"{path} is not TOML{f' ({where[0]})' if where else ''}; see scheduler/README.md") from None
    return Keyring([_token(path, key_id, table) for key_id, table in tables.items()])


def _token(path: Path, key_id: str, table: Any) -> Token:
    def wrong(why: str) -> TokenError:
        return TokenError(f"{path}: {key_id}: {why}")

    if not isinstance(table, dict):
        raise TokenError(f"{path}: each token is a table; write [KEY_ID] above its settings")
    if _NAME.fullmatch(key_id) is None:
        raise TokenError(f"{path}: a key id has 1 to 128 letters, digits and _ . : / @ + -; one of them has not")
    for key in table:
        if key not in _KEYS:
            raise wrong(f"a token has no such setting; there are {', '.join(_KEYS)}")
    try:
        secret = Secret(said if isinstance(said := table.get("token"), str) else "")
    except ValueError as error:
        raise wrong(f'{error}; python3 -c "import secrets; print(secrets.token_urlsafe(32))" makes one') from None
    roles = _words(table.get("roles"))
    if not roles or not set(roles) <= set(ROLES):
        raise wrong(f"roles is a list of {', '.join(ROLES)}; a token without a role is for nothing")
    queues = _words(table.get("queues", ["*"]))
    if queues is None or not all(_PATTERN.fullmatch(queue) for queue in queues):
        raise wrong("queues is a list of names of queues, in which * stands for anything")
    principal = table.get("principal", key_id)
    if not isinstance(principal, str) or _NAME.fullmatch(principal) is None:
        raise wrong("principal is a name: letters, digits and _ . : / @ + -")
    grant = Grant(queues, admin="admin" in roles)
    return Token(key_id=key_id, secret=secret, principal=principal, roles=frozenset(roles), grant=grant)


def _words(said: Any) -> list[str] | None:
    return said if isinstance(said, list) and all(isinstance(word, str) for word in said) else None
