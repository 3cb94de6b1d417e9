"""`wiretask tasks`, `queues` and `schedules`: what operators look at, over the HTTP side."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click
import msgspec

from wiretask_client.asking import taking, task_id_text
from wiretask_client.ids import id_bytes, id_text
from wiretask_client.operating import (
    ago,
    as_json,
    each_of,
    filter_of,
    filters,
    list_schedules,
    operates,
    show_queues,
    show_rows,
    some_of,
    tasks_of,
)
from wiretask_client.tables import table
from wiretask_client.terminal import escaped, write

if TYPE_CHECKING:
    from wiretask_client.api import Api

STATES = ("waiting", "scheduled", "ready", "leased", "succeeded", "dead", "cancelled", "expired")

Ids = tuple[str, ...]


@click.group(no_args_is_help=False)
def tasks() -> None:
    """Look at tasks, and do something about them."""


@tasks.command("list")
@click.option("--state", type=click.Choice(STATES), help="Those in a state.")
@taking(filters)
@click.option("--limit", type=click.IntRange(1), default=50, help="So many at most, the newest first (50).")
@as_json
@operates
def list_tasks(api: Api, state: str | None, limit: int, *, as_json: bool, **asked: Any) -> None:
    """List tasks, the newest first. A queue or a type that ends in * is what begins so."""
    found = some_of(tasks_of(api, {"state": state, **filter_of(**asked)}), limit)
    if as_json:
        write(msgspec.json.encode(found) + b"\n")
        return
    now = time.time() * 1000
    columns = ("id", "type", "queue", "state", "attempt", "submitted", "error")
    rows = (
        (task["id"], task["type"], task["queue"], task["state"], task["attempt"], ago(task["submitted_ms"], now),
         _error(task))
        for task in found
    )  # fmt: skip
    show_rows(columns, rows if found else (), "no task fits this; leave out some of it")


def _error(task: dict[str, Any]) -> str | None:
    return ": ".join(filter(None, (task["error_type"], task["error_message"]))) or None


@tasks.command("show")
@click.argument("task_id", metavar="ID", type=task_id_text)
@as_json
@operates
def show_task(api: Api, task_id: str, *, as_json: bool) -> None:
    """Show a task with its whole story: attempts, the last traceback, its arguments, why it waits."""
    task = api.get(f"/api/tasks/{task_id}")
    task["id"] = id_text(id_bytes(task["id"]))
    if as_json:
        write(msgspec.json.encode(task) + b"\n")
    else:
        write("".join(_told(task)).encode())


def _told(task: dict[str, Any]) -> Iterator[str]:
    report, now = task["report"] or {}, time.time() * 1000
    lines = (
        *((name, task[name]) for name in ("id", "type", "queue", "priority", "state", "outcome", "attempt", "worker")),
        ("waits", task["waits"] and task["waits"]["text"]),
        ("error", ": ".join(filter(None, (report.get("error_type"), report.get("error_message")))) or _error(task)),
        *((name, body and _beginning(body)) for name, body in
          (("arguments", task["arguments"]), ("result", report.get("result")))),
        ("options", msgspec.json.encode(task["options"]).decode() if task["options"] else None),
    )  # fmt: skip
    for name, value in lines:
        if value is not None and value != "":
            yield f"{name:<14}{escaped(str(value))}\n"
    rows = ((each["what"], ago(each["at_ms"], now), each["worker"], each["text"]) for each in task["story"])
    yield "\n" + table(("what", "when", "worker", "text"), rows)
    if report.get("traceback"):
        yield "\n" + "".join(f"{escaped(line)}\n" for line in report["traceback"].splitlines())


def _beginning(body: dict[str, Any]) -> str:
    if body["text"] is None:
        return f"{body['octets']} octets that are no text"
    return f"{body['text']} … ({body['octets']} octets)" if body["cut"] else str(body["text"])


@tasks.command("retry")
@click.argument("task_ids", metavar="ID...", nargs=-1, required=True, type=task_id_text)
@as_json
@operates
def retry_tasks(api: Api, task_ids: Ids, *, as_json: bool) -> None:
    """Give dead tasks another life; `wiretask dead retry` does it for all that a filter names."""
    each_of(task_ids, lambda task_id: api.post(f"/api/tasks/{task_id}/retry"), "retried", as_json=as_json)


@tasks.command("cancel")
@click.argument("task_ids", metavar="ID...", nargs=-1, required=True, type=task_id_text)
@click.option("--tree", is_flag=True, help="Also all that waits for them.")
@as_json
@operates
def cancel_tasks(api: Api, task_ids: Ids, tree: bool, *, as_json: bool) -> None:
    """Stop tasks. What has ended stays as it is, and is not counted."""
    query = "?tree=1" if tree else ""
    each_of(task_ids, lambda task_id: api.post(f"/api/tasks/{task_id}/cancel{query}"), "cancelled", as_json=as_json)


# -- queues and recurring tasks --


@click.command("queues")
@as_json
@operates
def queues(api: Api, *, as_json: bool) -> None:
    """List the queues; `wiretask queue` pauses, resumes and drains them."""
    show_queues(api.get("/api/queues")["queues"], as_json)


@click.command("schedules")
@as_json
@operates
def schedules(api: Api, *, as_json: bool) -> None:
    """List the recurring tasks, and when they run next; `wiretask schedule` puts and deletes them."""
    list_schedules(api, as_json=as_json)
