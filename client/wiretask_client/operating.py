"""`wiretask dead`, `wiretask queue` and `wiretask schedule list`: what operators see and do, over the HTTP side."""

from __future__ import annotations

import datetime as dt
import functools
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click
import msgspec

from wiretask_client.asking import Command, configured, duration, taking, task_id_text
from wiretask_client.completing import queue_names
from wiretask_client.errors import OperationRefused
from wiretask_client.ids import id_bytes, id_text
from wiretask_client.tables import table
from wiretask_client.terminal import NOT_SERVED, complain, exit_code, is_terminal, write
from wiretask_client.units import word
from wiretask_client.wording import span

if TYPE_CHECKING:
    from wiretask_client.api import Api
    from wiretask_client.config import Config

#: On one page: what the HTTP side gives at most.
_PAGE = 1000


def as_json(command: Command) -> Command:
    """Gives a command the options that say whether it prints for people or for programs."""

    @click.option("--output", type=click.Choice(["table", "json"]), default="table", help="For people, or programs.")
    @click.option("--json", "programs", is_flag=True, help="The same as --output json.")
    @functools.wraps(command)
    def printing(*args: Any, output: str, programs: bool, **kwargs: Any) -> None:
        command(*args, as_json=programs or output == "json", **kwargs)

    return printing


def operates(command: Command) -> Command:
    """Gives a command the options that say where the HTTP side is, and what asks there."""

    @configured("http", "timeout")
    @functools.wraps(command)
    def operating(config: Config, *args: Any, **kwargs: Any) -> None:
        from wiretask_client.api import Api  # noqa: PLC0415 -- HTTP takes its time to load

        with Api(config.http, config.timeout, config.credentials, config.tls) as api:
            command(api, *args, **kwargs)

    return operating


#: Which dead tasks are meant.
filters = [
    click.option("--queue", help="Those of a queue.", shell_complete=queue_names),
    click.option("--type", "task_type", help="Those of a type."),
    click.option("--error", help="Those whose last error is of this class."),
    click.option("--older-than", type=duration, help="Those that ended so long ago: 90, 15m, 2h, 7d."),
]


def filter_of(queue: str | None, task_type: str | None, error: str | None, older_than: float | None) -> dict[str, Any]:
    """Which tasks are meant, as the HTTP side reads it."""
    older = None if older_than is None else int(older_than * 1000)
    said = {"queue": queue, "type": task_type, "error": error, "older_ms": older}
    return {name: value for name, value in said.items() if value is not None}


@click.group(no_args_is_help=False)
def dead() -> None:
    """Look after tasks that have failed for good."""


@dead.command("list")
@taking(filters)
@click.option("--limit", type=click.IntRange(1), default=100, help="So many at most, the newest first (100).")
@as_json
@operates
def list_dead(api: Api, limit: int, as_json: bool, **asked: Any) -> None:
    """List dead tasks with their last errors, the newest first."""
    found = some_of(tasks_of(api, {"state": "dead", **filter_of(**asked)}), limit)
    if as_json:
        write(msgspec.json.encode(found) + b"\n")
        return
    now = time.time() * 1000
    columns = ("id", "type", "queue", "ended", "attempts", "error", "message")
    rows = (
        (task["id"], task["type"], task["queue"], ago(task["ended_ms"], now), len(task["attempts"]),
         task["error_type"], task["error_message"])
        for task in found
    )  # fmt: skip
    show_rows(columns, rows, "no dead task fits this")


def show_rows(columns: Sequence[str], rows: Iterable[Sequence[object]], nothing: str) -> None:
    """Shows a table; where it has no rows nothing is printed, and people on a terminal are told why."""
    found = list(rows)
    if found:
        write(table(columns, found).encode())
    elif is_terminal(sys.stdout):
        complain(nothing)


def some_of(found: Iterable[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    """The first ones, and a word where there are more."""
    some = list(islice(found, limit + 1))
    if len(some) > limit:
        complain(
            f"there are more than {limit}; raise --limit, or say which with --queue, --type, --error, --older-than"
        )
    return some[:limit]


def tasks_of(api: Api, said: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Tasks, page by page. A page holds fewer than it could where a filter leaves some out."""
    before = None
    while True:
        page = api.get("/api/tasks", limit=_PAGE, before=before, **said)
        for task in page["tasks"]:
            yield {**task, "id": id_text(id_bytes(task["id"]))}
        before = page["next"]
        if before is None:
            return


def meant(command: Command) -> Command:
    """Gives a command ids, a filter, or --all; it gets what they say."""

    @click.argument("task_ids", metavar="[ID]...", nargs=-1, type=task_id_text)
    @taking(filters)
    @click.option("--all", "all_of_them", is_flag=True, help="All that are dead.")
    @functools.wraps(command)
    def choosing(api: Api, task_ids: tuple[str, ...], all_of_them: bool, **asked: Any) -> None:
        filter_names = {"queue", "task_type", "error", "older_than"}
        said = filter_of(**{name: asked.pop(name) for name in filter_names})
        if bool(task_ids) + bool(said) + all_of_them != 1:
            raise click.UsageError("say which: IDs, or a filter (--queue, --type, --error, --older-than), or --all")
        command(api, task_ids, said, **asked)

    return choosing


@dead.command("retry")
@as_json
@operates
@meant
def retry_dead(api: Api, task_ids: tuple[str, ...], said: dict[str, Any], *, as_json: bool) -> None:
    """Give dead tasks another life: by their ids, by a filter, or all."""
    if task_ids:
        each_of(task_ids, lambda task_id: api.post(f"/api/tasks/{task_id}/retry"), "retried", as_json=as_json)
    else:
        _show_done("retried", api.post("/api/dead/retry", said)["retried"], {}, as_json=as_json)


@dead.command("purge")
@click.option("--yes", is_flag=True, help="What is purged is gone.")
@as_json
@operates
@meant
def purge_dead(api: Api, task_ids: tuple[str, ...], said: dict[str, Any], yes: bool, *, as_json: bool) -> None:
    """Forget dead tasks: by their ids, by a filter, or all."""
    if not yes:
        raise click.UsageError("what is purged is gone; look with `wiretask dead list`, then say --yes")
    if task_ids:
        each_of(task_ids, lambda task_id: api.delete(f"/api/tasks/{task_id}"), "purged", as_json=as_json)
    else:
        _show_done("purged", api.post("/api/dead/purge", said)["purged"], {}, as_json=as_json)


def each_of(
    task_ids: tuple[str, ...], do: Callable[[str], dict[str, Any]], word: str, *, as_json: bool = False
) -> None:
    """Does it for each; one that is refused is a line, and the others go on."""
    done, code, refused = 0, 0, {}
    for task_id in task_ids:
        try:
            done += do(task_id)[word]
        except OperationRefused as error:
            if error.status in NOT_SERVED:
                raise
            complain(f"{task_id}: {error}")
            refused[task_id] = str(error)
            code = max(code, exit_code(error))
    _show_done(word, done, refused, as_json=as_json)
    if code:
        sys.exit(code)


def _show_done(word: str, done: int, refused: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        write(msgspec.json.encode({word: done, "refused": refused}) + b"\n")
    else:
        write(f"{word} {done}\n".encode())


@click.group("queue", no_args_is_help=False)
def queues() -> None:
    """Look after queues."""


@queues.command("list")
@as_json
@operates
def list_queues(api: Api, as_json: bool) -> None:
    """List the queues that have tasks, or that somebody has said something of."""
    show_queues(api.get("/api/queues")["queues"], as_json)


def _setter(verb: str, help_text: str) -> None:
    @queues.command(verb, help=help_text)
    @click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=queue_names)
    @as_json
    @operates
    def change(api: Api, names: tuple[str, ...], as_json: bool) -> None:
        paths = [quote(word("the name of a queue", name), safe="") for name in names]
        show_queues([api.post(f"/api/queues/{path}/{verb}") for path in paths], as_json)


_setter("pause", "Keep the tasks of queues there; what runs goes on, and new ones are taken.")
_setter("resume", "Let the tasks of queues go, and take new ones.")
_setter("drain", "Take no new tasks into queues (QUEUE_CLOSED), and let those that are there go.")


def show_queues(found: list[dict[str, Any]], as_json: bool) -> None:
    """Shows queues."""
    if as_json:
        write(msgspec.json.encode(found) + b"\n")
        return
    columns = ("name", "mode", "ready", "running", "later", "oldest", "length limit")
    rows = (
        (queue["name"], queue["mode"], queue["ready"], queue["leased"], queue["scheduled"] + queue["waiting"],
         None if queue["oldest_ready_ms"] is None else span(queue["oldest_ready_ms"] / 1000), queue["length_limit"])
        for queue in found
    )  # fmt: skip
    show_rows(columns, rows, "no queue has a task, and no worker takes from one")


def list_schedules(api: Api, *, as_json: bool) -> None:
    """Shows the recurring tasks."""
    found = api.get("/api/schedules")["schedules"]
    if as_json:
        write(msgspec.json.encode(found) + b"\n")
        return
    columns = ("name", "when", "zone", "next", "last", "overlap", "catch up", "left out")
    rows = (
        (each["name"], each["cron"] or f"every {span(each['every_ms'] / 1000)}", each["zone"] if each["cron"] else None,
         _date(each["next_ms"]), _date(each["last_ms"]), each["overlap"], each["catch_up"], each["left_out"])
        for each in found
    )  # fmt: skip
    show_rows(columns, rows, "nothing recurs; see wiretask schedule put --help")


def _date(millis: int | None) -> str | None:
    """A date as all logs have it."""
    if not millis:
        return None
    try:
        return dt.datetime.fromtimestamp(millis / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return str(millis)


def ago(millis: int | None, now: float) -> str | None:
    """How long ago a moment was, or how soon it is."""
    if millis is None:
        return None
    return f"{span((now - millis) / 1000)} ago" if millis <= now else f"in {span((millis - now) / 1000)}"
