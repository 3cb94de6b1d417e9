"""What a configuration says of each part of a scheduler, and the parts that are made of it."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

from wiretask_protocol.errors import WireError
from wiretask_scheduler import tokens
from wiretask_scheduler.calendar import CALENDAR
from wiretask_scheduler.config import ConfigError
from wiretask_scheduler.core import Broker, Settings
from wiretask_scheduler.core.recurring import BadScheduleError
from wiretask_scheduler.doorkeeper import Doorkeeper
from wiretask_scheduler.flow import now
from wiretask_scheduler.session import SessionSettings
from wiretask_scheduler.tls import Tls, TlsError

if TYPE_CHECKING:
    from wiretask_scheduler.config import Config
    from wiretask_scheduler.store import Store
    from wiretask_scheduler.tokens import Keyring


def check(config: Config) -> None:
    """Reads what a scheduler would read before it touches the store or a socket. Raises ConfigError."""
    make_doorkeeper(config)
    make_tls(config)
    put_schedules(make_broker(config), config)


def put_schedules(broker: Broker, config: Config) -> None:
    """Gives a broker the recurring tasks of the configuration. Raises ConfigError."""
    for name, recurring in config.recurring.items():
        try:
            broker.put_schedule(recurring.schedule(name), now())
        except (BadScheduleError, WireError) as error:
            raise ConfigError(f"recurring.{name}: {error}") from None


def make_broker(config: Config) -> Broker:
    """The core, without a task."""
    return Broker(core_settings(config), random.random, lambda: os.urandom(16), CALENDAR)


def make_doorkeeper(config: Config) -> Doorkeeper:
    """Who lets peers in. Raises ConfigError."""
    return Doorkeeper(
        read_keyring(config),
        connections=config.connections_per_address,
        handshakes=config.handshakes_per_address,
        failures=config.failures_per_address,
    )


def read_keyring(config: Config) -> Keyring | None:
    """The tokens; None where nobody has to prove who he is. Raises ConfigError."""
    try:
        return tokens.read(config.tokens) if config.tokens is not None else None
    except tokens.TokenError as error:
        raise ConfigError(str(error)) from None


def make_tls(config: Config, *, required: bool = True) -> Tls | None:
    """What serves TLS; None without it. Raises ConfigError."""
    if config.tls_cert is None or config.tls_key is None:
        return None
    try:
        return Tls(config.tls_cert, config.tls_key, config.tls_client_ca, required=required)
    except TlsError as error:
        raise ConfigError(str(error)) from None


def core_settings(config: Config) -> Settings:
    """What the core is told."""
    return Settings(
        frame_limit=config.frame_limit,
        in_flight=config.in_flight,
        crash_limit=config.crash_limit,
        loss_limit=config.loss_limit,
        retention_seconds=config.retention_seconds,
        dead_retention_seconds=config.dead_retention_seconds,
        queue_length_limit=config.queue_length_limit,
        queue_length_limits={name: queue.length_limit for name, queue in config.queues.items()},
        resume_grace_seconds=config.resume_grace_seconds,
        resume_window_seconds=config.resume_window_seconds,
    )


def session_settings(config: Config) -> SessionSettings:
    """What peers are told."""
    return SessionSettings(
        frame_limit=config.frame_limit,
        in_flight=config.in_flight,
        heartbeat_ms=int(config.heartbeat_seconds * 1000),
        handshake_seconds=config.handshake_seconds,
        dedup_window_ms=int(config.retention_seconds * 1000),
        grease=config.grease,
    )


def open_store(config: Config) -> Store:
    """The store that the configuration names. Raises StoreError."""
    if config.store == "memory:":
        from wiretask_scheduler.store.memory import MemoryStore  # noqa: PLC0415 -- one of two

        return MemoryStore(config.retention_bytes)
    from wiretask_scheduler.store.sqlite import SqliteStore  # noqa: PLC0415 -- one of two

    return SqliteStore(Path(config.store.removeprefix("sqlite:")), config.retention_bytes)
