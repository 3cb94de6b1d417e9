"""The scheduler's HTTP side, for what operators do: lists, dead tasks, queues.

It knows how to ask and what an answer looks like, and nothing of what it means. No proxy is asked for the way: what
speaks for a scheduler stands beside it. A token is sent as it is, so it goes over TLS, or does not leave this machine.
"""

from __future__ import annotations

import http.client
import ipaddress
import ssl
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import SplitResult, urlencode

import msgspec

from wiretask_client.address import URL_VARIABLE, parse_url
from wiretask_client.errors import BadCall, OperationRefused, Unreachable

if TYPE_CHECKING:
    from wiretask_protocol.authentication import Credentials


class Api:
    """Asks one scheduler. Use it with `with`; `timeout_seconds` bounds reaching it, and each silence of a list."""

    def __init__(
        self,
        url: str,
        timeout_seconds: float | None,
        credentials: Credentials | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Raises BadCall for what is no URL, and for a token that would leave this machine as it is."""
        self._parts = parse_url(url)
        self._url = url
        if credentials is not None and self._parts.scheme != "https" and not _is_here(self._parts.hostname or ""):
            raise BadCall(f"a token would cross the network as it is on its way to {url}; say https:// in --http")
        self._credentials = credentials
        self._connection = _connection(self._parts, timeout_seconds, tls)

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
        if self._credentials is not None:
            headers["Authorization"] = self._credentials.authorization()
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
            if b"this port speaks TLS" in octets:
                raise Unreachable(f"what answers at {self._url} speaks TLS; say https:// in --http")
            text = f"what answers at {self._url} is no Wiretask scheduler, or an older one (HTTP {status})"
            raise Unreachable(f"{text}; name its HTTP side with --http")
        if status == _UNAUTHORIZED and self._credentials is None:
            text = f"{self._url} wants to know who asks; name a file with a line KEY_ID:TOKEN with --credentials"
            raise OperationRefused(status, text)
        if status >= _REFUSALS:
            raise OperationRefused(status, answer["error"])
        return answer

    def _missing(self, error: Exception) -> str:
        if isinstance(error, ssl.SSLCertVerificationError):
            why = error.verify_message
            return f"the certificate of {self._url} is not good ({why}); name who has signed it with --tls-ca"
        if isinstance(error, ssl.SSLError):
            return f"no TLS with {self._url} ({_reason(error)}); see --http, --tls-ca and --tls-cert"
        why = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
        return (
            f"no scheduler serves HTTP at {self._url} ({why.lower()}); start one there, or name another with --http "
            f"or ${URL_VARIABLE}"
        )


#: HTTP statuses from here on are refusals.
_REFUSALS = 400
_UNAUTHORIZED = 401


def _connection(parts: SplitResult, timeout: float | None, tls: ssl.SSLContext | None) -> http.client.HTTPConnection:
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=tls or ssl.create_default_context())
    return http.client.HTTPConnection(host, port, timeout=timeout)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "the handshake failed").lower().replace("_", " ")
