"""The command line of the worker. Options come from it, from WIRETASK_WORKER_… variables, or from a TOML file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from wiretask_worker import logs
from wiretask_worker.config import (
    EXECUTORS,
    SLOTS_MAXIMUM,
    Config,
    parse_address,
    parse_label,
    parse_queue,
    parse_resource,
    parse_size,
    read_file,
)
from wiretask_worker.errors import WorkerError


class _Parsed(click.ParamType[Any]):
    """A parameter that one of our functions reads."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Reads what was typed."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _configure(ctx: click.Context, _param: click.Parameter, path: str | None) -> str | None:
    if path is not None:
        known = {parameter.name for parameter in ctx.command.params if parameter.name} - {"config", "help"}
        try:
            ctx.default_map = read_file(path, known)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return path


_SLOTS = click.IntRange(1, SLOTS_MAXIMUM)


@click.command(context_settings={"auto_envvar_prefix": "WIRETASK_WORKER", "help_option_names": ["-h", "--help"]})
@click.option("--scheduler", type=_Parsed("HOST:PORT", parse_address), default="127.0.0.1:9001", show_default=True)
@click.option("--tasks", multiple=True, metavar="MODULE", help="A module with @task functions; several are fine.")
@click.option("--concurrency", type=_SLOTS, help="How many tasks run at a time.  [default: fits the executor]")
@click.option(
    "--executor",
    type=click.Choice(EXECUTORS),
    default="thread",
    show_default=True,
    help="Where plain functions run; async ones always run on the event loop.",
)
@click.option("--prefetch", type=click.IntRange(0, SLOTS_MAXIMUM), help="How many tasks wait here for a slot.")
@click.option(
    "--queue",
    "queue",
    type=_Parsed("NAME[=WEIGHT]", parse_queue),
    multiple=True,
    help="A queue to take tasks from.  [default: default, and those that the tasks name]",
)
@click.option(
    "--label",
    "label",
    type=_Parsed("NAME", parse_label),
    multiple=True,
    help="What tasks can require of this worker; several are fine.",
)
@click.option(
    "--resource",
    "resource",
    type=_Parsed("NAME=AMOUNT", parse_resource),
    multiple=True,
    help="What it has for tasks that use something up, as gpu=2 or memory=4GiB.",
)
@click.option("--name", default="", help="What people call this worker.  [default: host:process]")
@click.option(
    "--health-file", metavar="PATH", help="A file with a line of JSON, written every 5 s while there is a scheduler."
)
@click.option("--max-tasks", type=click.IntRange(1), help="Replace a process that has done so many tasks.")
@click.option("--max-memory", type=_Parsed("SIZE", parse_size), help="Replace a process that uses more, as 512MiB.")
@click.option("--reload", is_flag=True, help="Start anew when a task module changes; for development.")
@click.option("--config", metavar="FILE", is_eager=True, callback=_configure, help="A TOML file with these options.")
@click.option("--log-level", type=click.Choice(logs.LEVELS), default="info", show_default=True)
@click.version_option(package_name="wiretask", prog_name="wiretask-worker")
def command(
    *,
    scheduler: tuple[str, int],
    tasks: tuple[str, ...],
    concurrency: int | None,
    executor: str,
    prefetch: int | None,
    queue: tuple[Any, ...],
    label: tuple[str, ...],
    resource: tuple[Any, ...],
    name: str,
    health_file: str | None,
    max_tasks: int | None,
    max_memory: int | None,
    reload: bool,
    config: str | None,
    log_level: str,
) -> None:
    """Runs tasks for a Wiretask scheduler. The type sha256 is always there; --tasks brings yours."""
    del config  # its callback has read it
    logs.set_up(log_level)
    host, port = scheduler
    chosen = Config(
        host=host,
        port=port,
        tasks=tasks,
        executor=executor,
        concurrency=concurrency,
        prefetch=prefetch,
        queues=queue,
        labels=label,
        resources=resource,
        name=name,
        health_file=health_file,
        max_tasks=max_tasks,
        max_memory=max_memory,
        reload=reload,
    )
    from wiretask_worker import runtime  # noqa: PLC0415 -- asyncio, and all that a worker needs; --help needs none of it

    sys.exit(runtime.run(chosen))


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
        click.echo(f"wiretask-worker: {error}", err=True)
        sys.exit(error.exit_code)
