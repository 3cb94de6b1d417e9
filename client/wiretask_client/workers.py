"""`wiretask workers`: who is here, and how they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click
import msgspec

from wiretask_client.completing import worker_names
from wiretask_client.errors import BadCall
from wiretask_client.ids import id_bytes, id_text
from wiretask_client.operating import as_json, operates, show_rows
from wiretask_client.tables import table
from wiretask_client.terminal import escaped, write
from wiretask_client.wording import span

if TYPE_CHECKING:
    from wiretask_client.api import Api


@click.command("workers")
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=worker_names)
@as_json
@operates
def workers(api: Api, names: tuple[str, ...], *, as_json: bool) -> None:
    """List the workers: what they run, when they were heard, and what is wrong with them.

    With names: all that is known of these, and what they have, the longest first.
    """
    found = api.get("/api/workers")["workers"]
    for name in names:
        if all(worker["name"] != name for worker in found):
            raise BadCall(f"no worker is called {name!r}; `wiretask workers` lists those that there are")
    if names:
        found = [worker for worker in found if worker["name"] in names]
    if as_json:
        write(msgspec.json.encode(found) + b"\n")
    elif names:
        write("\n".join("".join(_told(worker)) for worker in found).encode())
    else:
        show_rows(WORKER, map(worker_row, found), "no worker is connected; start one with wiretask-worker")


WORKER = ("name", "is", "running", "done", "longest", "heard", "round trip", "software", "problem")


def worker_row(worker: dict[str, Any]) -> tuple[object, ...]:
    """A worker in a line."""
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


def _told(worker: dict[str, Any]) -> Iterator[str]:
    row = dict(zip(WORKER, worker_row(worker), strict=True))
    lines = (
        *((name, row[name]) for name in ("name", "is", "problem")),
        ("at", worker["address"]),
        ("here for", span(worker["connected_seconds"])),
        *((name, row[name]) for name in ("heard", "round trip")),
        ("software", ", ".join(filter(None, (worker["agent"], _protocol(worker))))),
        *((name, row[name]) for name in ("running", "done")),
        ("waits there", max(0, worker["outstanding"] - worker["running"])),
        ("queues", ", ".join(f"{queue} ({weight})" for queue, weight in worker["queues"].items())),
        *((name, ", ".join(worker[name])) for name in ("types", "labels")),
        ("resources", ", ".join(f"{name}={amount}" for name, amount in worker["resources"].items())),
    )
    for name, value in lines:
        if value is not None and value != "":
            yield f"{name:<14}{escaped(str(value))}\n"
    tasks = worker["tasks"]
    if tasks:
        rows = ((id_text(id_bytes(task["id"])), task["type"], task["queue"], "runs" if task["begun"] else "waits there",
                 _span(task["age_ms"]), _span(task["time_limit_ms"])) for task in tasks)  # fmt: skip
        yield "\n" + table(("task", "type", "queue", "is", "for", "time limit"), rows)


def _protocol(worker: dict[str, Any]) -> str | None:
    return None if worker["version"] is None else f"protocol {worker['version']}"


def _span(millis: int | None) -> str | None:
    return None if millis is None else span(millis / 1000)
