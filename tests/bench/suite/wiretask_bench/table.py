"""The table on the terminal: ours with their floors and goals, then the peers beside them."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from wiretask_bench.beside import relay
from wiretask_bench.figures import Goal, Peer, Results, Row
from wiretask_bench.words import latency, number, times


def table(results: Results) -> Table:
    """All of a run."""
    made = Table(title=f"{results.when}, {results.machine['processor']}, load before {results.machine['load']}")
    made.add_column("what", ratio=4, overflow="fold")
    made.add_column("measured", justify="right", no_wrap=True)
    made.add_column("× floor", justify="right", no_wrap=True)
    made.add_column("floor in the same run", ratio=3, overflow="fold")
    made.add_column("goals", ratio=4, overflow="fold")
    for row in results.rows:
        made.add_row(*_cells(row))
    made.add_section()
    floor = relay(results)
    for peer in sorted(results.peers, key=lambda peer: -(peer.rate or 0)):
        made.add_row(*_peer_cells(peer, floor))
    return made


def _cells(row: Row) -> tuple[Text, Text, str, str, Text]:
    measured = Text(f"{number(row.value)} {row.unit}" if row.value is not None else "–")
    what = Text(row.what)
    for note in row.notes:
        what.append(f"\n{note}", "dim")
    if row.error:
        what.append(f"\nfailed: {row.error}", "bold red")
    ratio = times(row.ratio) if row.ratio is not None else ""
    floor = f"{row.floor}: {number(row.floor_value)}" if row.floor_value is not None else ""
    return what, measured, ratio, floor, Text("\n").join(map(_goal, row.goals))


def _goal(goal: Goal) -> Text:
    return Text(f"✓ {goal.says}", "green") if goal.met else Text(f"✗ {goal.says}", "yellow")


def _peer_cells(peer: Peer, floor: float | None) -> tuple[Text, str, str, str, str]:
    what = Text(peer.system)
    what.append(f"\n{peer.settings}", "dim")
    if peer.error:
        what.append(f"\nfailed: {peer.error}", "bold red")
    rate = f"{number(peer.rate)} tasks/s" if peer.rate else "–"
    said = [f"survives a power cut: {peer.survives}"] if peer.survives else []
    if peer.p50_ms is not None:
        said.append(f"p50 / p99 {latency(peer.p50_ms, peer.p99_ms)} ms")
    if peer.bytes_per_task is not None:
        said.append(f"{peer.bytes_per_task:.0f} bytes per queued task")
    ratio, words = (times(peer.rate / floor), f"bare relay: {number(floor)}") if peer.rate and floor else ("", "")
    return what, rate, ratio, words, "\n".join(said)
