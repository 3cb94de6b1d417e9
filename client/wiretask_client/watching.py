"""`wiretask top`: all of it, as it moves."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
import msgspec

from wiretask_client.errors import BadCall
from wiretask_client.operating import as_json, operates
from wiretask_client.terminal import escaped, is_terminal, write
from wiretask_client.wording import span
from wiretask_client.workers import WORKER, worker_row

if TYPE_CHECKING:
    from rich.console import RenderableType

    from wiretask_client.api import Api

#: How often it looks.
_SECONDS = 1.0
#: Rows of a table.
_ROWS = 15


@click.command("top")
@click.option("--once", is_flag=True, help="Look once, and go; so it is where the output is no terminal.")
@as_json
@operates
def top(api: Api, *, once: bool, as_json: bool) -> None:
    """Watch it: rates, latencies, queues and workers, each second, until Ctrl-C.

    As JSON it is one look, for programs.
    """
    if as_json:
        looked = {"overview": api.get("/api/overview")}
        looked |= {name: api.get(f"/api/{name}")[name] for name in ("queues", "workers")}
        write(msgspec.json.encode(looked) + b"\n")
        return
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
            time.sleep(_SECONDS)
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
        for row in rows[:_ROWS]:
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
        made(WORKER, list(map(worker_row, found_workers["workers"]))),
    )
