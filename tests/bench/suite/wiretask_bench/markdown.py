"""The part of the README that says how fast it is: one table, ours among the others, and the rest as a list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wiretask_bench.beside import relay
from wiretask_bench.figures import Results, Row
from wiretask_bench.words import latency, number, times

_OURS = {"durable": ("latency-durable", "all: every commit synced"), "memory": ("latency-memory", "nothing")}
#: Said in the table, and not again in the list.
_IN_THE_TABLE = {"durable", "memory", "latency-durable", "latency-memory", "memory-per-task"}


@dataclass(frozen=True, slots=True)
class _Line:
    system: str
    settings: str
    rate: float
    latency: str
    octets: str
    survives: str

    def markdown(self) -> str:
        octets = self.octets or "–"
        return f"| {self.system} | {self.settings} | {number(self.rate)} | {self.latency or '–'} | {octets} | {self.survives} |"


def markdown(results: Results, command: str) -> str:
    """The table, fastest first, and a line for each other row."""
    lines = sorted(_lines(results), key=lambda line: -line.rate)
    said = results.machine
    return "\n".join(
        [
            f"`{command}` measures all of this in one run ([tests/bench](tests/bench/README.md) says how). All processes",
            f"share one machine, so ratios count: {said['processor']}, {said['system']}, {said['files']}, {said['python']},",
            f"SQLite {said['sqlite']}, {results.when}, commit {said['commit']}.",
            "",
            "| `sha256` of a short string: one client, one worker, results collected | settings | tasks/s | idle p50 / p99 ms | bytes per queued task | what a power cut leaves |",
            "|---|---|---|---|---|---|",
            *(line.markdown() for line in lines),
            "",
            "| | measured | beside it, in the same run | goal |",
            "|---|---|---|---|",
            *(_other(row) for row in results.rows if row.name not in _IN_THE_TABLE),
            "",
            *([f"Not installed there, so not measured: {', '.join(results.missing)}."] if results.missing else []),
        ]
    ).rstrip()


def _lines(results: Results) -> Iterator[_Line]:
    slope = results.row("memory-per-task")
    for name, (latency_name, survives) in _OURS.items():
        row, idle = results.row(name), results.row(latency_name)
        if row is not None and row.value is not None:
            spent = ""
            if idle is not None and idle.value is not None:
                spent = f"{number(idle.value)} / {idle.notes[0].removeprefix('p99 ').removesuffix(' ms')}"
            octets = f"{slope.value:.0f}" if name == "durable" and slope is not None and slope.value else ""
            settings = "SQLite" if name == "durable" else "memory store"
            yield _Line("**Wiretask**", settings, row.value, spent, octets, survives)
    if (floor := relay(results)) is not None:
        yield _Line("bare relay of the same frames", "no scheduler at all", floor, "", "", "nothing")
    for peer in results.peers:
        if peer.rate:
            octets = f"{peer.bytes_per_task:.0f}" if peer.bytes_per_task is not None else ""
            spent = latency(peer.p50_ms, peer.p99_ms)
            yield _Line(peer.system, peer.settings, peer.rate, spent, octets, peer.survives)


def _other(row: Row) -> str:
    measured = f"{number(row.value)} {row.unit}" if row.value is not None else row.error or "; ".join(row.notes)
    beside = f"{row.floor}: {number(row.floor_value)}" if row.floor_value is not None else ""
    if row.ratio is not None:
        beside += f" ({times(row.ratio)})"
    goals = "; ".join(f"{'✓' if goal.met else '✗'} {goal.says}" for goal in row.goals)
    return f"| {row.what} | {measured} | {beside} | {goals} |"
