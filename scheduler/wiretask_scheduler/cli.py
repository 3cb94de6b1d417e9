"""The command `wiretask-scheduler`."""

from __future__ import annotations

import asyncio
import errno
import sys
from pathlib import Path
from typing import NoReturn

import click

from wiretask_scheduler import logs
from wiretask_scheduler.config import Address, Config, ConfigError, load
from wiretask_scheduler.store import StoreBusyError, StoreError, StoreFullError

#: It ran and could not go on; or it could not begin, as it was told to.
EXIT_FAILED, EXIT_USAGE = 1, 2


class CannotBeginError(Exception):
    """What was asked for cannot be had; the text is one line with the remedy."""


_FILE = click.Path(path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--listen", metavar="HOST:PORT", help="Where to serve; port 0 takes a free one.  [127.0.0.1:9001]")
@click.option(
    "--store", metavar="STORE", help="sqlite:PATH, or memory: for one that forgets.  [sqlite:wiretask.db, here]"
)
@click.option("--http", metavar="HOST:PORT", help="Where to serve health, metrics and lists, or off.  [127.0.0.1:9002]")
@click.option("--config", "file", type=click.Path(path_type=Path), help="A TOML file; its table is [scheduler].")
@click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error.  [info]")
@click.option(
    "--tokens", type=_FILE, metavar="FILE", help="Who may connect: a TOML file of tokens, for its owner alone."
)
@click.option("--tls-cert", type=_FILE, metavar="FILE", help="Serve TLS with this certificate (PEM, with its chain).")
@click.option("--tls-key", type=_FILE, metavar="FILE", help="The key of the certificate.")
@click.option(
    "--tls-client-ca", type=_FILE, metavar="FILE", help="Serve those alone whose certificate one of these signed."
)
@click.option("--insecure", is_flag=True, default=None, help="Serve other machines without authentication.")
@click.version_option(package_name="wiretask", prog_name="wiretask-scheduler")
def main(*, file: Path | None, **flags: str | bool | Path | None) -> None:
    """Takes tasks from clients, keeps them safe, and hands them to workers.

    Prints `ready HOST:PORT` once it serves. SIGTERM stops it: goodbye to all, commit, exit 0; a second one stops it at
    once; SIGHUP reads tokens and certificates again. Exit codes: 1 it could not go on, 2 it could not begin. Settings
    also come from the file and from the environment (WIRETASK_SCHEDULER_LISTEN …); flags are stronger than both.
    """
    try:
        config = load(file, {name: value for name, value in flags.items() if value is not None})
    except ConfigError as error:
        _exit(str(error), EXIT_USAGE)
    logs.set_up(config.log_level)
    try:
        failure = _run(config)
    except (ConfigError, StoreError, StoreBusyError, StoreFullError, CannotBeginError) as error:
        _exit(str(error), EXIT_USAGE)
    if failure is not None:
        _exit(failure, EXIT_FAILED)


def _run(config: Config) -> str | None:
    from wiretask_scheduler.app import Scheduler, open_store  # noqa: PLC0415 -- after the flags have been checked

    async def serve() -> str | None:
        scheduler = Scheduler(config, open_store(config))
        try:
            await scheduler.run(_ready)
        except OSError as error:
            raise CannotBeginError(_said(error, config)) from None
        return scheduler.failure

    try:
        import uvloop  # noqa: PLC0415 -- not on every platform
    except ImportError:
        return asyncio.run(serve())
    return uvloop.run(serve())


def _ready(host: str, port: int) -> None:
    click.echo(f"ready {Address(host, port)}")
    sys.stdout.flush()


def _said(error: OSError, config: Config) -> str:
    where = " or ".join(str(place) for place in (config.listen, config.http) if place is not None)
    if error.errno == errno.EADDRINUSE:
        return f"{error.strerror or f'{where} is in use'}; stop what listens there or choose another port"
    return f"{where}: {error.strerror or error}; choose another address"


def _exit(text: str, code: int) -> NoReturn:
    click.echo(f"wiretask-scheduler: {text}", err=True)
    sys.exit(code)
