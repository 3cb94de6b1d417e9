"""`wiretask tasks`, `workers`, `queues` and `top`: what operators look at, over the HTTP side."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click
import msgspec

from wiretask_client.asking import taking, task_id_text
from wiretask_client.errors import BadCall
from wiretask_client.ids import id_bytes, id_text
from wiretask_client.operating import (
    ago,
    as_json,
    each_of,
    filter_of,
    filters,
    operates,
    show_queues,
    some_of,
    tasks_of,
)
from wiretask_client.tables import table
from wiretask_client.terminal import escaped, is_terminal, write
from wiretask_client.wording import span

if TYPE_CHECKING:
    from rich.console import RenderableType

    from wiretask_client.api import Api

STATES = ("waiting", "scheduled", "ready", "leased", "succeeded", "dead", "cancelled", "expired")
#: How often `top` looks.
_TOP_SECONDS = 1.0
#: Rows of a table of `top`.
_TOP_ROWS = 15

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
    write(table(columns, rows).encode() if found else b"")


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
@operates
def retry_tasks(api: Api, task_ids: Ids) -> None:
    """Give dead tasks another life; `wiretask dead retry` does it for all that a filter names."""
    each_of(task_ids, lambda task_id: api.post(f"/api/tasks/{task_id}/retry"), "retried")


@tasks.command("cancel")
@click.argument("task_ids", metavar="ID...", nargs=-1, required=True, type=task_id_text)
@click.option("--tree", is_flag=True, help="Also all that waits for them.")
@operates
def cancel_tasks(api: Api, task_ids: Ids, tree: bool) -> None:
    """Stop tasks. What has ended stays as it is, and is not counted."""
    query = "?tree=1" if tree else ""
    each_of(task_ids, lambda task_id: api.post(f"/api/tasks/{task_id}/cancel{query}"), "cancelled")


# -- workers and queues --


@click.command("workers")
@as_json
@operates
def workers(api: Api, *, as_json: bool) -> None:
    """List the workers: what they run, when they were heard, and what is wrong with them."""
    found = api.get("/api/workers")["workers"]
    if as_json:
        write(msgspec.json.encode(found) + b"\n")
    else:
        write(table(_WORKER, map(_worker, found)).encode() if found else b"")


_WORKER = ("name", "is", "running", "done", "longest", "heard", "round trip", "software", "problem")


def _worker(worker: dict[str, Any]) -> tuple[object, ...]:
    ages = [task["age_ms"] for task in worker["tasks"] if task["begun"] and task["age_ms"] is not None]
    return (
        worker["name"],
        _health(worker),
        f"{worker['running']} of {worker['concurrency']}",
        worker["done"],
        span(max(ages) / 1000) if ages else None,
        None if worker["heard_ms"] is None else f"{span(worker['heard_ms'] / 1000)} ago",
        None if worker["round_trip_ms"] is None else f"{worker['round_trip_ms']:.3g} ms",
        worker["agent"],
        worker["stuck"],
    )


def _health(worker: dict[str, Any]) -> str:
    if not worker["connected"]:
        return "away"
    if worker["stuck"]:
        return "stuck"
    if worker["draining"]:
        return "draining"
    return "working" if worker["outstanding"] else "idle"


@click.command("queues")
@as_json
@operates
def queues(api: Api, *, as_json: bool) -> None:
    """List the queues; `wiretask queue` pauses, resumes and drains them."""
    show_queues(api.get("/api/queues")["queues"], as_json)


# -- all of it, as it moves --


@click.command("top")
@click.option("--once", is_flag=True, help="Look once, and go; so it is where the output is no terminal.")
@operates
def top(api: Api, *, once: bool) -> None:
    """Watch it: rates, latencies, queues and workers, each second, until Ctrl-C."""
    try:
        from rich.console import Console  # noqa: PLC0415 -- it takes its time to load, and is not everywhere
        from rich.live import Live  # noqa: PLC0415
    except ImportError:
        raise BadCall("top needs rich; install wiretask[client], or look with wiretask queues") from None
    terminal = is_terminal(sys.stdout)
    console = Console(force_terminal=terminal, width=None if terminal else _WIDE)
    if once or not terminal:
        console.print(_screen(api))
        return
    with Live(_screen(api), console=console, screen=True, auto_refresh=False) as live:
        for _ in itertools.count():
            time.sleep(_TOP_SECONDS)
            live.update(_screen(api), refresh=True)


#: Where there is no terminal, nothing is folded.
_WIDE = 200


def _screen(api: Api) -> RenderableType:
    from rich.console import Group  # noqa: PLC0415 -- it takes its time to load, and is not everywhere
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    how, found_queues, found_workers = (api.get(f"/api/{name}") for name in ("overview", "queues", "workers"))
    last = how["last"] or {}

    def said(name: str, unit: str = "") -> str:
        value = last.get(name)
        return "-" if value is None else f"{value:,.4g}{unit}"

    head = Text.assemble(
        ("wiretask ", "bold"),
        "takes tasks" if how["accepting"] else ("takes no new tasks: its disk is full", "bold red"),
        f"   {said('submitted')} in/s   {said('succeeded')} out/s   {said('failed')} failed/s"
        f"   p50 {said('total_p50_ms', ' ms')}   p99 {said('total_p99_ms', ' ms')}\n",
        "   ".join(f"{name} {count:,}" for name, count in how["states"].items()),
        f"   workers {how['workers']}   clients {how['clients']}\n",
    )

    def made(columns: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> Table:
        drawn = Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for row in rows[:_TOP_ROWS]:
            drawn.add_row(*(Text("" if cell is None else escaped(str(cell))) for cell in row))
        return drawn

    deepest = sorted(found_queues["queues"], key=lambda queue: -queue["live"])
    by_queue = [
        (queue["name"], queue["mode"], queue["ready"], queue["leased"], queue["scheduled"] + queue["waiting"],
         None if queue["oldest_ready_ms"] is None else span(queue["oldest_ready_ms"] / 1000))
        for queue in deepest
    ]  # fmt: skip
    return Group(
        head,
        made(("queue", "mode", "ready", "running", "later", "oldest"), by_queue),
        Text(),
        made(_WORKER, list(map(_worker, found_workers["workers"]))),
    )
