"""The command `wiretask-scheduler`."""

from __future__ import annotations

import asyncio
import errno
import sys
from pathlib import Path

import click

from wiretask_scheduler import logs
from wiretask_scheduler.config import Config, ConfigError, load
from wiretask_scheduler.store import StoreBusyError, StoreError, StoreFullError

EXIT_FAILED, EXIT_USAGE = 1, 2


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--listen", metavar="HOST:PORT", help="Where to serve; port 0 takes a free one. [127.0.0.1:9001]")
@click.option("--store", metavar="STORE", help="sqlite:PATH, or memory: for a store that forgets. [sqlite:wiretask.db]")
@click.option("--http", metavar="HOST:PORT", help="Where to serve health, metrics and lists, or off. [127.0.0.1:9002]")
@click.option("--config", "file", type=click.Path(path_type=Path), help="A TOML file; its table is [scheduler].")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="[info]")
@click.option("--insecure", is_flag=True, default=None, help="Serve other machines without authentication.")
def main(
    *,
    listen: str | None,
    store: str | None,
    http: str | None,
    file: Path | None,
    log_level: str | None,
    insecure: bool | None,
) -> None:
    """Takes tasks from clients, keeps them safe, and hands them to workers.

    Prints `ready HOST:PORT` once it serves. SIGTERM stops it: goodbye to all, commit, exit.
    """
    flags = {"listen": listen, "store": store, "http": http, "log_level": log_level, "insecure": insecure}
    try:
        config = load(file, {name: value for name, value in flags.items() if value is not None})
    except ConfigError as error:
        _exit(str(error), EXIT_USAGE)
    logs.set_up(config.log_level)
    try:
        failure = _loop_run(config)
    except (StoreError, StoreBusyError, StoreFullError) as error:
        _exit(str(error), EXIT_FAILED)
    except OSError as error:
        _exit(_said(error, config), EXIT_FAILED)
    if failure is not None:
        _exit(failure, EXIT_FAILED)


def _loop_run(config: Config) -> str | None:
    from wiretask_scheduler.app import Scheduler, open_store  # noqa: PLC0415 -- after the flags have been checked

    async def serve() -> str | None:
        store = open_store(config.store)
        try:
            scheduler = Scheduler(config, store)
            await scheduler.run(_ready)
        except BaseException:
            store.close()
            raise
        return scheduler.failure

    try:
        import uvloop  # noqa: PLC0415 -- not on every platform
    except ImportError:
        return asyncio.run(serve())
    return uvloop.run(serve())


def _ready(host: str, port: int) -> None:
    click.echo(f"ready [{host}]:{port}" if ":" in host else f"ready {host}:{port}")
    sys.stdout.flush()


def _said(error: OSError, config: Config) -> str:
    where = f"{config.listen.host}:{config.listen.port}"
    if error.errno == errno.EADDRINUSE:
        return f"an address is in use ({error.strerror or where}); stop what listens there or choose another port"
    return f"{where}: {error.strerror or error}; choose another address"


def _exit(text: str, code: int) -> None:
    click.echo(f"wiretask-scheduler: {text}", err=True)
    sys.exit(code)
