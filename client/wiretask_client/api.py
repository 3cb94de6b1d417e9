"""The scheduler's HTTP side, for what operators do: lists, dead tasks, queues.

It knows how to ask and what an answer looks like, and nothing of what it means. No proxy is asked for the way: what
speaks for a scheduler stands beside it.
"""

from __future__ import annotations

import http.client
from typing import Any, Self
from urllib.parse import urlencode

import msgspec

from wiretask_client.address import URL_VARIABLE, parse_url
from wiretask_client.errors import OperationRefused, Unreachable

_KINDS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}


class Api:
    """Asks one scheduler. Use it with `with`; `timeout_seconds` bounds reaching it, and each silence of a list."""

    def __init__(self, url: str, timeout_seconds: float | None) -> None:
        """Raises BadCall for what is no URL."""
        self._parts = parse_url(url)
        self._url = url
        kind, timeout = _KINDS[self._parts.scheme], timeout_seconds
        self._connection = kind(self._parts.hostname or "", self._parts.port, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def get(self, path: str, **query: object) -> dict[str, Any]:
        """What a list says; a query of None is left out."""
        words = urlencode({name: value for name, value in query.items() if value is not None})
        return self._ask("GET", f"{path}?{words}" if words else path, None)

    def post(self, path: str, said: dict[str, Any] | None = None) -> dict[str, Any]:
        """What has become of it. This may take as long as there are tasks, so the answer is waited for."""
        return self._ask("POST", path, said, patient=True)

    def delete(self, path: str) -> dict[str, Any]:
        """What has become of it."""
        return self._ask("DELETE", path, None)

    def _ask(self, method: str, path: str, said: dict[str, Any] | None, *, patient: bool = False) -> dict[str, Any]:
        body = None if said is None else msgspec.json.encode(said)
        headers = {"Accept": "application/json"} if body is None else {"Content-Type": "application/json"}
        if method != "GET":
            # No page of another site can make a browser send it.
            headers["Wiretask-Request"] = "1"
        try:
            if self._connection.sock is None:
                self._connection.connect()
            if patient:
                self._connection.sock.settimeout(None)
            self._connection.request(method, self._parts.path.rstrip("/") + path, body, headers)
            response = self._connection.getresponse()
            octets = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(self._missing(error)) from None
        return self._understood(response.status, octets)

    def _understood(self, status: int, octets: bytes) -> dict[str, Any]:
        try:
            answer = msgspec.json.decode(octets)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or (status >= _REFUSALS and not isinstance(answer.get("error"), str)):
            text = f"what answers at {self._url} is no Wiretask scheduler, or an older one (HTTP {status})"
            raise Unreachable(f"{text}; name its HTTP side with --http")
        if status >= _REFUSALS:
            raise OperationRefused(status, answer["error"])
        return answer

    def _missing(self, error: Exception) -> str:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
        return (
            f"no scheduler serves HTTP at {self._url} ({why.lower()}); start one there, or name another with --http "
            f"or ${URL_VARIABLE}"
        )


#: HTTP statuses from here on are refusals.
_REFUSALS = 400
