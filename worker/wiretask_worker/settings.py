"""Everything that can be said to a worker process, and the Config that follows from it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wiretask_protocol.authentication import TOKEN
from wiretask_worker import logs, trust
from wiretask_worker.config import (
    EXECUTORS,
    SLOTS_MAXIMUM,
    Config,
    parse_address,
    parse_http,
    parse_label,
    parse_queue,
    parse_resource,
    parse_size,
)
from wiretask_worker.errors import ConfigError
from wiretask_worker.kinds import Choice, Kind, Many, Parsed, Switch, Whole
from wiretask_worker.sources import Said, Setting, as_toml, gather

if TYPE_CHECKING:
    import ssl

    from wiretask_protocol.authentication import Credentials


def _no_token(path: str) -> str:
    """A path, unchanged. Raises ValueError for somebody's token: a command line and an environment are no secrets."""
    if TOKEN.fullmatch(path.rpartition(":")[2]) and not os.path.exists(path):  # noqa: PTH110 -- nor is pathlib needed
        raise ValueError("this is a token itself; write it into a file, chmod 600 it, and name the file")
    return path


_FILE = Kind("FILE")

SETTINGS = (
    Setting("scheduler", Parsed("HOST:PORT", parse_address), "Where it is.", "127.0.0.1:9001"),
    Setting("tasks", Many("MODULE", Kind("MODULE")), "A module with @task functions; several are fine."),
    Setting(
        "concurrency", Whole("N", 1, SLOTS_MAXIMUM), "How many tasks run at a time.", otherwise="fits the executor"
    ),
    Setting(
        "executor",
        Choice("|".join(EXECUTORS), EXECUTORS),
        "Where plain functions run; async ones always run on the event loop.",
        "thread",
    ),
    Setting(
        "prefetch", Whole("N", 0, SLOTS_MAXIMUM), "How many tasks wait here for a slot.", otherwise="fits the executor"
    ),
    Setting(
        "queue",
        Many("NAME[=WEIGHT]", Parsed("NAME[=WEIGHT]", parse_queue)),
        "A queue to take tasks from; several are fine.",
        otherwise="default, and those that the tasks name",
    ),
    Setting("label", Many("NAME", Parsed("NAME", parse_label)), "What tasks can require of it; several are fine."),
    Setting(
        "resource",
        Many("NAME=AMOUNT", Parsed("NAME=AMOUNT", parse_resource)),
        "What it has for tasks that use something up, as gpu=2 or memory=4GiB.",
    ),
    Setting("name", Kind(), "What people call this worker.", otherwise="host:process"),
    Setting(
        "credentials",
        Parsed("FILE", _no_token),
        "A file with a line KEY_ID:TOKEN, which others cannot read.",
        reloads=True,
    ),
    Setting("tls", Switch(), "Connect with TLS, and trust whom the system trusts.", reloads=True),
    Setting("tls_ca", _FILE, "Connect with TLS, and trust who is named here (PEM).", reloads=True),
    Setting("tls_cert", _FILE, "The certificate to show, for a scheduler that asks for one (PEM).", reloads=True),
    Setting("tls_key", _FILE, "The key of the certificate (PEM).", reloads=True),
    Setting("http", Parsed("HOST:PORT", parse_http), "Serve metrics and health there, or off.", "off"),
    Setting("insecure", Switch(), "Serve them to other machines; they say nothing of bodies.", default=False),
    Setting("health_file", Kind("PATH"), "A file with a line of JSON, written every 5 s while there is a scheduler."),
    Setting("max_tasks", Whole("N", 1), "Replace a process that has done so many tasks."),
    Setting("max_memory", Parsed("SIZE", parse_size), "Replace a process that uses more, as 512MiB."),
    Setting("reload", Switch(), "Start anew when a task module changes; for development.", default=False),
    Setting("log_level", Choice("|".join(logs.LEVELS), logs.LEVELS), "What is logged.", "info", reloads=True),
    Setting(
        "log_format", Choice("|".join(logs.FORMATS), logs.FORMATS), "For people or programs.", "text", reloads=True
    ),
)


class Configured:
    """A Config, and where each part of it comes from. Raises ConfigError."""

    def __init__(self, file: str | None, flags: Mapping[str, Any]) -> None:
        self._file, self._flags = file, flags
        self._said, self.config = self._load()
        self._begun_with = self._said

    def shown(self) -> str:
        """What holds, as TOML."""
        return as_toml(SETTINGS, self._said)

    def reload(self) -> tuple[Config, str]:
        """Reads everything again: what holds now, and what has become of it, in words. Raises ConfigError."""
        old, before = self.config, self._said
        self._said, new = self._load()
        renewed = {
            each.name for each in SETTINGS if each.reloads and self._said[each.name].value != before[each.name].value
        }
        if new.credentials != old.credentials:
            renewed.add("credentials")
        if new.tls is not None:
            renewed.add("certificates")
        now, then = self._said, self._begun_with
        waits = [each.name for each in SETTINGS if not each.reloads and now[each.name].value != then[each.name].value]
        said = f"reloaded: {', '.join(sorted(renewed)) or 'nothing'}"
        if waits:
            said += f"; this takes a restart: {', '.join(waits)}"
        self.config = replace(
            old, log_level=new.log_level, log_format=new.log_format, credentials=new.credentials, tls=new.tls
        )
        return self.config, said

    def _load(self) -> tuple[dict[str, Said], Config]:
        said = gather(SETTINGS, self._file, os.environ, self._flags)
        return said, _config({name: each.value for name, each in said.items()}, said)


def _config(values: dict[str, Any], said: Mapping[str, Said]) -> Config:
    host, port = values["scheduler"]
    return Config(
        host=host,
        port=port,
        tasks=values["tasks"],
        executor=values["executor"],
        concurrency=values["concurrency"],
        prefetch=values["prefetch"],
        queues=values["queue"],
        labels=values["label"],
        resources=values["resource"],
        name=values["name"] or "",
        health_file=values["health_file"],
        max_tasks=values["max_tasks"],
        max_memory=values["max_memory"],
        reload=values["reload"],
        http=_http(values, said),
        log_level=values["log_level"],
        log_format=values["log_format"],
        credentials=_credentials(values["credentials"]),
        tls=_tls(values, said),
    )


def _http(values: Mapping[str, Any], said: Mapping[str, Said]) -> tuple[str, int] | None:
    where: tuple[str, int] | None = values["http"]
    if where is None or values["insecure"] or _is_here(where[0]):
        return where
    raise ConfigError(
        f"{said['http'].source}: http is for everybody, and {where[0]} can be reached from other machines; serve it on"
        " 127.0.0.1, or say --insecure"
    )


def _is_here(host: str) -> bool:
    """Whether only this machine can reach it."""
    import ipaddress  # noqa: PLC0415 -- where HTTP is served

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _credentials(path: str | None) -> Credentials | None:
    if path is None:
        return None
    try:
        return trust.read_credentials(path)
    except trust.TrustError as error:
        raise ConfigError(f"credentials: {error}") from None


def _tls(values: Mapping[str, Any], said: Mapping[str, Said]) -> ssl.SSLContext | None:
    ca, certificate, key = (values[name] for name in ("tls_ca", "tls_cert", "tls_key"))
    if (certificate is None) != (key is None):
        raise ConfigError("tls_cert and tls_key belong together; say both, or neither")
    if ca is None and certificate is None and not values["tls"]:
        return None
    if values["tls"] is False:
        other = "tls_ca" if ca is not None else "tls_cert"
        raise ConfigError(
            f"{said['tls'].source} says that there is no TLS, but {said[other].source} names {other}; take one away"
        )
    try:
        return trust.tls_context(ca, certificate, key)
    except trust.TrustError as error:
        raise ConfigError(f"TLS: {error}") from None
