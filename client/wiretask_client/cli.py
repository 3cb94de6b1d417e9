"""The command line: submit tasks and look after them.

It knows how people write things; what they mean is the client's. Each command is one coroutine under `run`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click
import msgspec

from wiretask_client import config, looking
from wiretask_client.asking import arguments_of, prints, reaches, taking, task_id_text
from wiretask_client.client import Client
from wiretask_client.completing import completion
from wiretask_client.errors import ClientError, NotFinished
from wiretask_client.flags import asks, asks_once, options_of
from wiretask_client.handle import TaskHandle
from wiretask_client.operating import as_json as output
from wiretask_client.operating import dead, queues
from wiretask_client.options import Options
from wiretask_client.patience import explain
from wiretask_client.recurring import schedule
from wiretask_client.status import TaskStatus
from wiretask_client.terminal import FAILED, Program, complain, escaped, is_terminal, run, traceback_lines, write
from wiretask_client.version import VERSION
from wiretask_client.watching import top
from wiretask_client.wording import described
from wiretask_client.workers import workers

DEFAULT_TYPE = "sha256"


@click.group(cls=Program, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", "file", metavar="FILE", help="A TOML file; its table is [client].  [$WIRETASK_CONFIG]")
@click.option("--check-config", is_flag=True, help="Say whether the settings are right, and do nothing.")
@click.option("--print-config", is_flag=True, help="Print what holds and where it comes from, and do nothing.")
@click.version_option(VERSION, message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context, file: str | None, check_config: bool, print_config: bool) -> None:
    """Submit tasks to a Wiretask scheduler, and look after them.

    Settings come from a file ($WIRETASK_CONFIG, else ~/.config/wiretask/wiretask.toml), from the environment
    (WIRETASK_CLIENT_SCHEDULER …) and from flags of the commands, each stronger than the one before.
    """
    ctx.obj = file
    if check_config or print_config:
        text = config.shown(file)
        write((text if print_config else "ok\n").encode())
        ctx.exit()
    if ctx.invoked_subcommand is None:
        raise click.UsageError("Missing command.")


@main.command()
@click.argument("text", required=False)
@click.option("--type", "task_type", default=DEFAULT_TYPE, help="Which handler is to run (sha256).")
@click.option("--json", "arguments", metavar="JSON", help="Arguments: an array in order, an object by name.")
@click.option("--lines", metavar="FILE", help="A task per line of a file; - is stdin.")
@click.option("--no-wait", is_flag=True, help="Print the id once the task is durable, and go.")
@click.option("--task-id", metavar="ID", type=task_id_text, help="Its id, to submit again after a crash.")
@taking(asks)
@taking(asks_once)
@taking(prints)
@reaches
def submit(
    client: Client,
    text: str | None,
    task_type: str,
    arguments: str | None,
    lines: str | None,
    no_wait: bool,
    task_id: str | None,
    wait: float | None,
    no_newline: bool,
    traceback: bool,
    **asked: Any,
) -> None:
    """Submit a task and print its result.

    The body is TEXT as it is, or --json arguments, or each of --lines. A result is printed byte for byte, and a newline
    after it. Put -- before a TEXT that begins with a dash.
    """
    if sum(each is not None for each in (text, arguments, lines)) != 1:
        raise click.UsageError("give one of TEXT, --json or --lines")
    options = options_of(asked, want_result=not no_wait)
    if lines is not None:
        if task_id is not None:
            raise click.UsageError("--task-id is for one task; leave it out with --lines")
        if no_newline:
            raise click.UsageError("--no-newline is for one result; leave it out with --lines")
        _submit_lines(client, lines, task_type, options, wait=wait, traceback=traceback)
        return
    args, kwargs = arguments_of(arguments) if arguments is not None else ([os.fsencode(text or "")], None)

    async def work() -> bytes:
        async with client:
            with _task_bar(options, wanted=not no_wait) as say:
                handle = client.submit(task_type, *args, kwargs=kwargs, task_id=task_id, **options)
                if no_wait:
                    await handle.accepted()
                body = handle.id.encode() if no_wait else await _body(client, handle, wait, say)
            if handle.existed:
                complain(f"there is a task with this unique key: {handle.id}")
            return body

    _print(work, no_newline=no_newline, traceback=traceback)


@main.command()
@click.argument("task_id", metavar="ID", type=task_id_text)
@taking(prints)
@reaches
def result(client: Client, task_id: str, wait: float | None, no_newline: bool, traceback: bool) -> None:
    """Wait for a task and print its result."""

    async def work() -> bytes:
        async with client:
            return (await client.report(task_id, wait)).body

    _print(work, no_newline=no_newline, traceback=traceback)


@main.command()
@click.argument("task_id", metavar="ID", type=task_id_text)
@output
@reaches
def status(client: Client, task_id: str, as_json: bool) -> None:
    """Say everything that is known of a task."""

    async def work() -> TaskStatus:
        async with client:
            return await client.status(task_id)

    found = run(work())
    write(msgspec.json.encode(found) + b"\n" if as_json else described(found).encode())


@main.command()
@click.argument("task_id", metavar="ID", type=task_id_text)
@click.option("--hard", is_flag=True, help="Stop the process that runs it, where the worker can.")
@click.option("--tree", is_flag=True, help="Also all that wait for it, directly or not.")
@output
@reaches
def cancel(client: Client, task_id: str, hard: bool, tree: bool, *, as_json: bool) -> None:
    """Stop a task; say what has become of it."""

    async def work() -> TaskStatus:
        async with client:
            await client.cancel(task_id, hard=hard, tree=tree)
            return await client.status(task_id)

    found = run(work())
    if as_json:
        write(msgspec.json.encode(found) + b"\n")
        return
    write(f"{found.state}{'' if found.ended else ': its worker has been asked to stop it'}\n".encode())


@main.command()
@output
@reaches
def ping(client: Client, *, as_json: bool) -> None:
    """Say whether the scheduler is there, and how fast it answers."""

    async def work() -> float:
        async with client:
            return await client.ping()

    millis = run(work()) * 1000
    if as_json:
        write(msgspec.json.encode({"scheduler": client.scheduler, "round_trip_ms": millis}) + b"\n")
    else:
        write(f"{client.scheduler} answers in {millis:.1f} ms\n".encode())


main.add_command(schedule)
main.add_command(dead)
main.add_command(queues)
main.add_command(looking.tasks)
main.add_command(workers)
main.add_command(looking.queues)
main.add_command(looking.schedules)
main.add_command(top)
main.add_command(completion)


@contextmanager
def _task_bar(options: Options, *, wanted: bool) -> Iterator[Callable[[str], None]]:
    """How to say something while a task runs: beside a bar of its progress, if people are there to see it."""
    if not wanted or not is_terminal(sys.stderr):
        yield complain
        return
    from wiretask_client.progress import TaskBar  # noqa: PLC0415 -- rich, on terminals only

    bar = TaskBar()
    options["on_progress"] = bar.show
    try:
        yield bar.say
    finally:
        bar.stop()


async def _body(client: Client, handle: TaskHandle, wait: float | None, say: Callable[[str], None]) -> bytes:
    """The result of a task, with a word on why it waits if it does."""
    explaining = asyncio.create_task(explain(client, lambda: handle.id, say))
    try:
        return (await handle.report(wait)).body
    except asyncio.CancelledError:
        say(f"interrupted; the task goes on: wiretask result {handle.id}")
        raise
    finally:
        explaining.cancel()


def _submit_lines(
    client: Client, path: str, task_type: str, options: Options, *, wait: float | None, traceback: bool
) -> None:
    from wiretask_client.lines import Quiet, count_lines, submit_lines  # noqa: PLC0415 -- one command's only

    if path != "-" and (not os.access(path, os.R_OK) or Path(path).is_dir()):
        raise click.UsageError(f"cannot read {path}; name a file, or - for stdin")

    async def work() -> bool:
        async with client:
            with shown as progress:
                try:
                    async with asyncio.timeout(wait):
                        return await submit_lines(client, path, task_type, options, progress, traceback=traceback)
                except TimeoutError:
                    raise NotFinished(f"not all are finished after {wait:g} s; what was sent goes on") from None

    if is_terminal(sys.stderr):
        from wiretask_client.progress import Bar  # noqa: PLC0415 -- rich, on terminals only

        shown: Any = Bar(count_lines(path))
    else:
        shown = nullcontext(Quiet())
    if not run(work(), many=True):
        sys.exit(FAILED)


def _print(work: Callable[[], Coroutine[Any, Any, bytes]], *, no_newline: bool, traceback: bool) -> None:
    try:
        body = run(work())
    except ClientError as error:
        for line in traceback_lines(error) if traceback else ():
            click.echo(escaped(line), err=True)
        raise
    write(body if no_newline else body + b"\n")
