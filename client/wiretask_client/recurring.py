"""`wiretask schedule`: recurring tasks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from wiretask_client.asking import arguments_of, duration, reaches, taking
from wiretask_client.client import Client
from wiretask_client.flags import asks, options_of
from wiretask_client.operating import as_json, list_schedules, operates
from wiretask_client.terminal import run, write

if TYPE_CHECKING:
    from wiretask_client.api import Api


@click.group(no_args_is_help=False)
def schedule() -> None:
    """Look after recurring tasks."""


@schedule.command()
@click.argument("name")
@click.argument("text", required=False)
@click.option("--type", "task_type", required=True, help="Which handler is to run.")
@click.option("--json", "arguments", metavar="JSON", help="Arguments: an array in order, an object by name.")
@click.option("--cron", metavar="EXPRESSION", help='When: minute, hour, day, month, weekday; "30 2 * * 1-5".')
@click.option("--every", type=duration, help="Or how often: 90, 15m, 2h, 7d.")
@click.option("--zone", help="The time zone of the expression, Europe/Zurich for example (UTC).")
@click.option("--overlap", type=click.Choice(["skip", "queue", "replace"]), help="While the former run goes on (skip).")
@click.option("--catch-up", type=click.Choice(["skip", "one", "all"]), help="With runs that were missed (skip).")
@click.option("--spread", type=duration, help="Each run is delayed by up to this much, by chance.")
@taking(asks)
@reaches
def put(
    client: Client,
    name: str,
    text: str | None,
    task_type: str,
    arguments: str | None,
    cron: str | None,
    every: float | None,
    zone: str | None,
    overlap: str | None,
    catch_up: str | None,
    spread: float | None,
    **asked: Any,
) -> None:
    """Make a task recur; one of the same NAME is replaced.

    The body is TEXT as it is, or --json arguments; there are none where neither is given.
    """
    if text is not None and arguments is not None:
        raise click.UsageError("give one of TEXT and --json")
    args, kwargs = arguments_of(arguments or "[]") if text is None else ([os.fsencode(text)], None)
    options: dict[str, Any] = {**options_of(asked, want_result=True)}
    del options["want_result"]
    times: dict[str, Any] = {
        "cron": cron,
        "every": every,
        "zone": zone,
        "overlap": overlap,
        "catch_up": catch_up,
        "spread": spread,
    }

    async def work() -> None:
        async with client:
            await client.schedule(name, task_type, *args, kwargs=kwargs, **times, **options)

    run(work())
    write(f"{name} recurs\n".encode())


@schedule.command()
@click.argument("name")
@reaches
def delete(client: Client, name: str) -> None:
    """End a recurring task; the run that is there goes on."""

    async def work() -> None:
        async with client:
            await client.unschedule(name)

    run(work())
    write(f"{name} recurs no more\n".encode())


@schedule.command("list")
@as_json
@operates
def list_all(api: Api, as_json: bool) -> None:
    """List the recurring tasks, and when they run next."""
    list_schedules(api, as_json=as_json)
