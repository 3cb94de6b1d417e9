"""The command `wiretask-scheduler`."""

from __future__ import annotations

import asyncio
import errno
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from wiretask_scheduler import logs
from wiretask_scheduler.config import Address, Config, ConfigError, gather
from wiretask_scheduler.flags import flags
from wiretask_scheduler.sources import as_toml
from wiretask_scheduler.store import StoreBusyError, StoreError, StoreFullError

#: It ran and could not go on; or it could not begin, as it was told to.
EXIT_FAILED, EXIT_USAGE = 1, 2


class CannotBeginError(Exception):
    """What was asked for cannot be had; the text is one line with the remedy."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@flags
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A TOML file; its table is [scheduler].  [$WIRETASK_CONFIG]",
)
@click.option("--check-config", is_flag=True, help="Say whether the settings are right, and start nothing.")
@click.option("--print-config", is_flag=True, help="Print what holds and where it comes from, and start nothing.")
@click.version_option(package_name="wiretask", prog_name="wiretask-scheduler")
def main(*, file: Path | None, check_config: bool, print_config: bool, **given: Any) -> None:
    """Takes tasks from clients, keeps them safe, and hands them to workers.

    Prints `ready HOST:PORT` once it serves. SIGTERM stops it: goodbye to all, commit, exit 0; a second one stops it at
    once; SIGHUP reads the settings, tokens and certificates again. Exit codes: 1 it could not go on, 2 it could not
    begin. Settings also come from the file and from the environment (WIRETASK_SCHEDULER_LISTEN …); flags are stronger
    than both.
    """
    said = {name: value for name, value in given.items() if value is not None}
    try:
        config, named = gather(file, said)
        if check_config or print_config:
            _check(config)
            click.echo(as_toml(config, named) if print_config else "ok\n", nl=False)
            return
        logs.set_up(config.log_level, config.log_format)
        # A wish to reload that comes while it starts is granted already, and must not end it.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        failure = _run(config, lambda: gather(file, said)[0])
    except (ConfigError, StoreError, StoreBusyError, StoreFullError, CannotBeginError) as error:
        _exit(str(error), EXIT_USAGE)
    if failure is not None:
        _exit(failure, EXIT_FAILED)


def _check(config: Config) -> None:
    from wiretask_scheduler.assembly import check  # noqa: PLC0415 -- after the flags have been checked

    check(config)


def _run(config: Config, reread: Callable[[], Config]) -> str | None:
    from wiretask_scheduler.app import Scheduler  # noqa: PLC0415 -- after the flags have been checked
    from wiretask_scheduler.assembly import open_store  # noqa: PLC0415 -- as above

    async def serve() -> str | None:
        scheduler = Scheduler(config, open_store(config), reread)
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
