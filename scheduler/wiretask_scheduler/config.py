"""Everything that can be said to a scheduler, and what of it cannot be. Where it is said is for `sources`."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from wiretask_protocol import limits
from wiretask_scheduler.configured import Recurring
from wiretask_scheduler.doorkeeper import CONNECTIONS_PER_ADDRESS, FAILURES_PER_ADDRESS, HANDSHAKES_PER_ADDRESS
from wiretask_scheduler.sources import PREFIX, ConfigError, Sources

__all__ = ["Address", "Config", "ConfigError", "QueueConfig", "address", "check_security", "gather", "load"]


class Address(NamedTuple):
    """A host and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address(text: object) -> object:
    """`HOST:PORT` as an address; a host with colons stands in brackets. Raises ValueError."""
    if not isinstance(text, str):
        return text
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(f"{text!r} is no address; write HOST:PORT, for example 127.0.0.1:9001")
    return Address(host, int(port))


def _address_or_off(text: object) -> object:
    return None if text == "off" else address(text)


def _words(said: object) -> object:
    return [word for word in said.replace(",", " ").split() if word] if isinstance(said, str) else said


class QueueConfig(BaseModel):
    """What can be said of one queue."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    length_limit: int = Field(0, ge=0)


class Config(BaseSettings):
    """Everything that can be said to a scheduler."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    listen: Annotated[Address, NoDecode, BeforeValidator(address)] = Address("127.0.0.1", 9001)
    store: str = "sqlite:wiretask.db"
    http: Annotated[Address | None, NoDecode, BeforeValidator(_address_or_off)] = Address("127.0.0.1", 9002)
    #: Names under which HTTP is asked, besides addresses and localhost; no other site can make up one of them.
    http_names: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)] = ()
    #: Whether metrics are for everybody where there is a token file; else for the roles admin and metrics.
    http_open_metrics: bool = False
    #: Who has signed in at the page has to do so again when it was closed for so long, and after so long in all.
    http_session_idle_seconds: float = Field(1800, ge=1, le=30 * 86400)
    http_session_seconds: float = Field(12 * 3600, ge=1, le=30 * 86400)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    #: Lines for people, or for programs.
    log_format: Literal["text", "json"] = "text"
    #: Serve other machines although nobody has to prove who he is.
    insecure: bool = False
    #: The token file (see `tokens`); without one nobody has to prove who he is.
    tokens: Path | None = None
    #: PEM files: the certificate to show and its key; and who signs those that peers must have.
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    frame_limit: int = Field(limits.FRAME_LIMIT, ge=limits.FRAME_LIMIT_FLOOR, le=limits.FRAME_LIMIT_CEILING)
    heartbeat_seconds: float = Field(
        limits.HEARTBEAT_MS / 1000, ge=limits.HEARTBEAT_FLOOR_MS / 1000, le=limits.HEARTBEAT_CEILING_MS / 1000
    )
    handshake_seconds: float = Field(limits.HANDSHAKE_DEADLINE_MS / 1000, gt=0, le=60)
    #: How long results are kept where a task does not say, and how long ids are remembered.
    retention_seconds: float = Field(limits.DEDUP_WINDOW_MS / 1000, ge=0.1, le=10 * 365 * 86400)
    #: How long dead tasks are kept, for somebody to look at them and to retry them.
    dead_retention_seconds: float = Field(7 * 86400, ge=0.1, le=10 * 365 * 86400)
    #: Tasks that a queue may have; 0 is no limit. `[scheduler.queues.NAME] length_limit` says otherwise for one.
    queue_length_limit: int = Field(0, ge=0)
    queues: dict[str, QueueConfig] = Field(default_factory=dict)
    #: Tasks that come again and again, by name.
    recurring: dict[str, Recurring] = Field(default_factory=dict)
    #: Results that are kept, in all; the oldest go first.
    retention_bytes: int = Field(1 << 30, ge=0)
    #: Bodies of queued tasks that are kept in memory besides on disk.
    body_cache_bytes: int = Field(256 << 20, ge=0)
    resume_grace_seconds: float = Field(limits.RESUME_GRACE_MS / 1000, ge=0, le=3600)
    resume_window_seconds: float = Field(limits.RESUME_WINDOW_MS / 1000, ge=0, le=3600)
    #: Sequenced messages that a peer may have unaccepted.
    in_flight: int = Field(limits.IN_FLIGHT, ge=limits.IN_FLIGHT_FLOOR, le=limits.IN_FLIGHT_CEILING)
    #: Deliveries that may end with a dead process, and with a silent worker, before a task is given up.
    crash_limit: int = Field(limits.CRASH_LIMIT, ge=1)
    loss_limit: int = Field(limits.LOSS_LIMIT, ge=1)
    connections_per_address: int = Field(CONNECTIONS_PER_ADDRESS, ge=1)
    #: Of them those that nobody knows yet; and wrong proofs in a minute, after which an address has to wait.
    handshakes_per_address: int = Field(HANDSHAKES_PER_ADDRESS, ge=1)
    failures_per_address: int = Field(FAILURES_PER_ADDRESS, ge=1)
    grease: bool = True

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What it is called with: `Sources` has read the others, and knows which said what."""
        return (init_settings,)

    @field_validator("store")
    @classmethod
    def _known_store(cls, value: str) -> str:
        if value != "memory:" and not (value.startswith("sqlite:") and len(value) > len("sqlite:")):
            raise ValueError(f"{value!r} is no store; write sqlite:PATH or memory:")
        return value


def load(file: Path | None, flags: Mapping[str, Any]) -> Config:
    """The configuration from the file, the environment and the flags. Raises ConfigError."""
    return gather(file, flags)[0]


def gather(file: Path | None, flags: Mapping[str, Any]) -> tuple[Config, dict[str, str]]:
    """The same, and where each setting comes from. Raises ConfigError."""
    sources = Sources(Config, file, flags)
    config = Config(**sources.values)
    check_security(config)
    return config, sources.named


def check_security(config: Config) -> None:
    """Raises ConfigError for what would serve others than its user thinks."""
    if (config.tls_cert is None) != (config.tls_key is None):
        raise ConfigError("tls_cert and tls_key belong together; say both, or neither")
    if config.tls_client_ca is not None and config.tls_cert is None:
        raise ConfigError("tls_client_ca asks peers for certificates, which takes TLS; say tls_cert and tls_key, too")
    guarded = config.tokens is not None or config.tls_client_ca is not None
    if not guarded and not config.insecure and not _loopback(config.listen.host):
        raise ConfigError(
            f"{config.listen.host} can be reached from other machines, and nobody has to prove who he is;"
            " name a token file (tokens), ask for certificates (tls_client_ca), listen on 127.0.0.1, or say --insecure"
        )
    _check_http(config, guarded=guarded)


def _check_http(config: Config, *, guarded: bool) -> None:
    if config.http is None or config.insecure or _loopback(config.http.host):
        return
    where = f"http: {config.http.host} can be reached from other machines"
    if not guarded:
        raise ConfigError(
            f"{where}, and nobody has to prove who he is; name a token file (tokens), ask for certificates"
            " (tls_client_ca), serve http on 127.0.0.1 or off, or say --insecure"
        )
    if config.tls_cert is None:
        raise ConfigError(
            f"{where}, and a token that is sent there can be read on its way; say tls_cert and tls_key, serve http on"
            " 127.0.0.1 or off, or say --insecure where something before it speaks TLS"
        )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
