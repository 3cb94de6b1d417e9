"""The command line of the worker. What can be said is in `settings`; each of it is a flag, too."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from wiretask_worker import logs
from wiretask_worker.errors import WorkerError
from wiretask_worker.kinds import Many, Switch
from wiretask_worker.settings import SETTINGS, Configured
from wiretask_worker.sources import Setting
from wiretask_worker.version import VERSION

F = TypeVar("F", bound=Callable[..., Any])


def _flags(function: F) -> F:
    """Gives the command a flag for each setting. What they say is read where all sources are."""
    for setting in reversed(SETTINGS):
        function = _flag(setting)(function)
    return function


def _flag(setting: Setting) -> Callable[[F], F]:
    otherwise = setting.default if setting.default not in (None, False) else setting.otherwise
    about = setting.about if otherwise is None else f"{setting.about}  [{otherwise}]"
    if isinstance(setting.kind, Switch):
        return click.option(f"{setting.flag}/--no-{setting.flag[2:]}", setting.name, default=None, help=about)
    many = isinstance(setting.kind, Many)
    return click.option(setting.flag, setting.name, metavar=setting.kind.metavar, multiple=many, help=about)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@_flags
@click.option("--config", "file", metavar="FILE", help="A TOML file; its table is [worker].  [$WIRETASK_CONFIG]")
@click.option("--check-config", is_flag=True, help="Say whether the settings are right, and start nothing.")
@click.option("--print-config", is_flag=True, help="Print what holds and where it comes from, and start nothing.")
@click.version_option(VERSION, prog_name="wiretask-worker", message="%(prog)s %(version)s")
def command(*, file: str | None, check_config: bool, print_config: bool, **flags: Any) -> None:
    """Runs tasks for a Wiretask scheduler. The type sha256 is always there; --tasks brings yours.

    Settings also come from the file and from the environment (WIRETASK_WORKER_CONCURRENCY …); flags are stronger than
    both. SIGTERM drains: what runs is finished. SIGHUP reads the settings again.
    """
    configured = Configured(file, flags)
    if print_config or check_config:
        click.echo(configured.shown() if print_config else "ok\n", nl=False)
        return
    config = configured.config
    logs.set_up(config.log_level, config.log_format)
    from wiretask_worker import runtime  # noqa: PLC0415 -- asyncio, and all that a worker needs; --help needs none of it

    sys.exit(runtime.run(config, configured.reload))


def main() -> None:
    """The entry point: errors are one line on stderr, and an exit code."""
    try:
        command.main(standalone_mode=False)
    except click.ClickException as error:
        message = " ".join(error.format_message().split())
        click.echo(f"wiretask-worker: {message} (see --help)", err=True)
        sys.exit(2)
    except click.Abort:
        sys.exit(130)
    except WorkerError as error:
        click.echo(f"wiretask-worker: {logs.escape(str(error))}", err=True)
        sys.exit(error.exit_code)
