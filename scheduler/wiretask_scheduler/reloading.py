"""SIGHUP: reads everything again, and takes what a running scheduler can take. All of it, or nothing.

What cannot change while it runs (addresses, the store, what peers have been told when they were accepted) is named in
the log: it takes a restart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wiretask_scheduler import logs
from wiretask_scheduler.assembly import core_settings, make_broker, put_schedules, read_keyring
from wiretask_scheduler.config import Config, ConfigError, check_security
from wiretask_scheduler.tls import TlsError

if TYPE_CHECKING:
    from wiretask_scheduler.app import Scheduler
    from wiretask_scheduler.tokens import Keyring

RELOADS = frozenset(
    {
        "log_level",
        "log_format",
        "tokens",
        "connections_per_address",
        "handshakes_per_address",
        "failures_per_address",
        "queue_length_limit",
        "queues",
        "recurring",
        "dead_retention_seconds",
        "crash_limit",
        "loss_limit",
    }
)


def reload(scheduler: Scheduler, new: Config) -> str:
    """Takes what can be taken; says what, and what has to wait. Raises ConfigError, and then nothing has changed."""
    old = scheduler.config
    changed = [name for name in Config.model_fields if getattr(new, name) != getattr(old, name)]
    renewed = [name for name in changed if name in RELOADS]
    waits = [name for name in changed if name not in RELOADS]
    config = old.model_copy(update={name: getattr(new, name) for name in renewed})
    check_security(config)
    keyring = read_keyring(config)
    put_schedules(make_broker(config), config)
    _renew_certificates(scheduler)
    _take(scheduler, config, keyring)
    said = [*renewed, f"{len(keyring)} tokens" if keyring is not None else "nobody has to prove who he is"]
    if scheduler.tls is not None:
        said.append("certificates")
    return f"reloaded: {', '.join(said)}" + (f"; this takes a restart: {', '.join(waits)}" if waits else "")


def _renew_certificates(scheduler: Scheduler) -> None:
    try:
        for tls in filter(None, (scheduler.tls, scheduler.web_tls)):
            tls.reload()
    except TlsError as error:
        raise ConfigError(str(error)) from None


def _take(scheduler: Scheduler, config: Config, keyring: Keyring | None) -> None:
    flow = scheduler.flow
    scheduler.config = config
    logs.set_up(config.log_level, config.log_format)
    flow.server.doorkeeper.keyring = keyring
    flow.server.doorkeeper.limit(
        connections=config.connections_per_address,
        handshakes=config.handshakes_per_address,
        failures=config.failures_per_address,
    )
    flow.server.recheck()
    flow.broker.configure(core_settings(config))
    put_schedules(flow.broker, config)
    flow.flush()
