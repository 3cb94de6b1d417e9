"""What a client is told by its configuration file, the environment and the flags of a command.

    from wiretask_client import Client
    from wiretask_client.config import load

    async with load().client() as client:
        ...

On the command line it is the same, with flags that are stronger than both.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wiretask_client import trust
from wiretask_client.address import DEFAULT_ADDRESS, DEFAULT_URL, URL_VARIABLE, VARIABLE, parse_address, parse_url
from wiretask_client.errors import BadCall
from wiretask_client.kinds import Choice, Kind, Seconds, Switch
from wiretask_client.sources import Said, Setting, as_toml, gather
from wiretask_protocol.authentication import TOKEN

if TYPE_CHECKING:
    import ssl

    from wiretask_client import Client, blocking
    from wiretask_protocol.authentication import Credentials

LOG_FORMATS = ("text", "json")


def _no_token(path: str) -> None:
    """Raises ValueError for somebody's token: a command line and an environment are no secrets."""
    if TOKEN.fullmatch(path.rpartition(":")[2]) and not os.path.exists(path):  # noqa: PTH110 -- nor is pathlib needed
        raise ValueError("this is a token itself; write it into a file, chmod 600 it, and name the file")


_FILE = Kind("FILE")

SETTINGS = (
    Setting("scheduler", Kind("HOST:PORT", parse_address), "Where it is.", DEFAULT_ADDRESS, VARIABLE),
    Setting("http", Kind("URL", parse_url), "Where its HTTP side is, for operators.", DEFAULT_URL, URL_VARIABLE),
    Setting("timeout", Seconds("SECONDS"), "Bounds reaching it.", 10),
    Setting("credentials", Kind("FILE", _no_token), "A file with a line KEY_ID:TOKEN, which others cannot read."),
    Setting("tls", Switch("yes|no"), "Connect with TLS, and trust whom the system trusts."),
    Setting("tls_ca", _FILE, "Connect with TLS, and trust who is named here (PEM)."),
    Setting("tls_cert", _FILE, "The certificate to show, for a scheduler that asks for one (PEM)."),
    Setting("tls_key", _FILE, "The key of the certificate (PEM)."),
    Setting("log_format", Choice("text|json", words=LOG_FORMATS), "How errors are written to stderr.", "text"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What a client is told. Where nothing is said, its defaults hold."""

    scheduler: str = DEFAULT_ADDRESS
    http: str = DEFAULT_URL
    timeout: float | None = 10.0
    credentials: Credentials | None = None
    tls: ssl.SSLContext | None = None
    log_format: str = "text"

    @property
    def arguments(self) -> dict[str, Any]:
        """What a Client is made with."""
        return {
            "scheduler": self.scheduler,
            "timeout": self.timeout,
            "credentials": self.credentials,
            "tls": self.tls,
        }

    def client(self) -> Client:
        """A client that connects as this says."""
        from wiretask_client.client import Client  # noqa: PLC0415 -- operators ask over HTTP

        return Client(**self.arguments)

    def blocking(self) -> blocking.Client:
        """The same for code without an event loop."""
        from wiretask_client.blocking import Client  # noqa: PLC0415 -- threads only where wanted

        return Client(**self.arguments)


def load(file: str | None = None, flags: Mapping[str, Any] | None = None) -> Config:
    """What holds, of a file (else $WIRETASK_CONFIG, else that at home), the environment and flags. Raises BadCall."""
    said = _gather(file, flags)
    values = {name: each.value for name, each in said.items()}
    return Config(
        scheduler=values["scheduler"],
        http=values["http"],
        timeout=values["timeout"],
        credentials=_credentials(values["credentials"]),
        tls=_tls(values, said),
        log_format=values["log_format"],
    )


def shown(file: str | None = None, flags: Mapping[str, Any] | None = None) -> str:
    """What holds, as TOML, with a comment that says where each value comes from. Raises BadCall."""
    load(file, flags)
    return as_toml(SETTINGS, _gather(file, flags))


def _gather(file: str | None, flags: Mapping[str, Any] | None) -> dict[str, Said]:
    return gather(SETTINGS, file, os.environ, flags or {})


def _credentials(path: str | None) -> Credentials | None:
    if path is None:
        return None
    try:
        return trust.read_credentials(path)
    except trust.TrustError as error:
        raise BadCall(f"credentials: {error}") from None


def _tls(values: Mapping[str, Any], said: Mapping[str, Said]) -> ssl.SSLContext | None:
    ca, certificate, key = (values[name] for name in ("tls_ca", "tls_cert", "tls_key"))
    if (certificate is None) != (key is None):
        raise BadCall("tls_cert and tls_key belong together; say both, or neither")
    if ca is None and certificate is None and not values["tls"]:
        return None
    if values["tls"] is False:
        other = "tls_ca" if ca is not None else "tls_cert"
        raise BadCall(
            f"{said['tls'].source} says that there is no TLS, but {said[other].source} names {other}; take one away"
        )
    try:
        return trust.tls_context(ca, certificate, key)
    except trust.TrustError as error:
        raise BadCall(f"TLS: {error}") from None
