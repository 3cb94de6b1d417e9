"""The configuration: a TOML file, the environment and flags, each stronger than the one before."""

from __future__ import annotations

import difflib
import ipaddress
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from wiretask_protocol import limits


class ConfigError(Exception):
    """The configuration cannot be used; the text is one line with the remedy."""


class Address(NamedTuple):
    """A host and a port."""

    host: str
    port: int


def address(text: str) -> Address:
    """`HOST:PORT` as an address; a host with colons stands in brackets. Raises ValueError."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is no address; write HOST:PORT, for example 127.0.0.1:9001")
    return Address(host, int(port))


class Config(BaseSettings):
    """Everything that can be said to a scheduler."""

    model_config = SettingsConfigDict(env_prefix="WIRETASK_SCHEDULER_", extra="forbid", frozen=True)

    listen: Address = Address("127.0.0.1", 9001)
    store: str = "sqlite:wiretask.db"
    http: Address | None = Address("127.0.0.1", 9002)
    log_level: str = "info"
    insecure: bool = False
    frame_limit: int = Field(limits.FRAME_LIMIT, ge=limits.FRAME_LIMIT_FLOOR, le=limits.FRAME_LIMIT_CEILING)
    heartbeat_seconds: float = Field(limits.HEARTBEAT_MS / 1000, ge=0.1, le=600)
    retention_seconds: float = Field(limits.DEDUP_WINDOW_MS / 1000, ge=1)
    resume_grace_seconds: float = Field(limits.RESUME_GRACE_MS / 1000, ge=0)
    resume_window_seconds: float = Field(2.0, ge=0)
    connections_per_address: int = Field(20_000, ge=1)
    grease: bool = True

    @field_validator("listen", "http", mode="before")
    @classmethod
    def _address(cls, value: object) -> object:
        if isinstance(value, str):
            return None if value == "off" else address(value)
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then the environment, then the file."""
        return (init_settings, env_settings, _File(settings_cls))


class _File(TomlConfigSettingsSource):
    """The table [scheduler] of the file that is named, if one is."""

    path: Path | None = None

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls, self.path)

    def _read_file(self, file_path: Path) -> dict[str, Any]:
        read = super()._read_file(file_path)
        return dict(read.get("scheduler", {}))


def load(file: Path | None, flags: dict[str, Any]) -> Config:
    """The configuration from the file, the environment and the flags. Raises ConfigError."""
    if file is not None and not file.is_file():
        raise ConfigError(f"{file} is no file; check --config")
    _File.path = file
    try:
        config = Config(**flags)
    except ValidationError as error:
        raise ConfigError(_said(error)) from None
    except ValueError as error:
        raise ConfigError(f"{file or 'the configuration'}: {error}") from None
    if not config.insecure and not _loopback(config.listen.host):
        raise ConfigError(
            f"{config.listen.host} can be reached from other machines, and there is no authentication yet;"
            " listen on 127.0.0.1, or say --insecure"
        )
    return config


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _said(error: ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, Config.model_fields, 1)
        hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(Config.model_fields)}"
        return f"{name} is no setting of the scheduler; {hint}"
    return f"{name}: {first['msg'].removeprefix('Value error, ')}"
