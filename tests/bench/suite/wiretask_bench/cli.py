"""The command: what `nox -s bench -- …` is."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

from wiretask_bench import beside, chart, guard, machine
from wiretask_bench.benchmarks import BENCHMARKS, Benchmark
from wiretask_bench.figures import Results, Row, decode, encode
from wiretask_bench.markdown import markdown
from wiretask_bench.peers import PEERS
from wiretask_bench.runner import Runner, interruptible, load
from wiretask_bench.settings import DEFAULT, Settings
from wiretask_bench.table import table

ROOT = Path(__file__).parents[4]
COMMITTED = ROOT / "tests" / "bench" / "results.json"
#: A machine that others use as well tells little.
_BUSY = 1.0
_WIDTH = 150
_INTERRUPTED = 130


def _names(context: click.Context, parameter: click.Parameter, value: str) -> list[str]:
    known = BENCHMARKS if parameter.name == "rows" else PEERS
    if value == "all":
        return list(known)
    names = [name.strip() for name in value.split(",") if name.strip()]
    if unknown := [name for name in names if name not in known]:
        raise click.BadParameter(f"there is no {unknown[0]}; take some of {', '.join(known)}")
    return names


@click.command(
    help="Measures how fast Wiretask is, beside the floor of the same minute and, with --peers, beside others."
)
@click.option("--rows", default="all", callback=_names, help="Only these: " + ", ".join(BENCHMARKS) + ".")
@click.option(
    "--seconds", default=DEFAULT.seconds, type=click.FloatRange(0.1, 3600), help="How long `durable` streams."
)
@click.option(
    "--rounds", default=DEFAULT.rounds, type=click.IntRange(1, 100), help="How often the others are measured."
)
@click.option("--round-seconds", default=DEFAULT.round_seconds, type=click.FloatRange(0.05, 600), help="And how long.")
@click.option("--queued", default=DEFAULT.queued, type=click.IntRange(1000), help="Tasks that wait.")
@click.option("--connected", default=DEFAULT.connected, type=click.IntRange(1, 50_000), help="Idle workers.")
@click.option("--peers", is_flag=True, help="Also the peers that are installed.")
@click.option("--peer", "only", default="all", callback=_names, help="Of those only these: " + ", ".join(PEERS) + ".")
@click.option("--peers-python", default=sys.executable, metavar="PYTHON", help="Has their packages.")
@click.option("--guard", "guarded", is_flag=True, help="Exit code 1 if a ratio is worse than in results.json.")
@click.option("--bless", is_flag=True, help="Write tests/bench/results.json and chart.svg anew.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the table of the README, too.")
@click.option(
    "--output", default=ROOT / "build" / "bench", type=click.Path(path_type=Path), help="results.json, chart.svg"
)
def command(
    rows: list[str], peers: bool, only: list[str], peers_python: str, guarded: bool, bless: bool, as_markdown: bool,
    output: Path, **said: Any,
) -> None:  # fmt: skip
    """Measures, shows, and judges."""
    committed = decode(COMMITTED.read_bytes()) if COMMITTED.exists() else None
    if guarded and committed is None:
        raise click.UsageError(f"there is nothing to compare with: write {COMMITTED.relative_to(ROOT)} with --bless")
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    output.mkdir(parents=True, exist_ok=True)
    run = Run(console, Runner(output), Settings(**said))
    if load() > _BUSY:
        console.print(f"[yellow]this machine is busy (load {load():.1f}): the figures will be worth little")
    try:
        with interruptible():
            results = run.results(rows, only if peers else [], peers_python)
            suspects = guard.slower(results, committed, run.rows) if guarded and committed else []
    except KeyboardInterrupt:
        console.print("interrupted: everything that was started is ended")
        sys.exit(_INTERRUPTED)
    beside.judge(results)
    console.print(table(results))
    write(results, output)
    console.print(f"written: {output / 'results.json'}, {output / 'chart.svg'}")
    if as_markdown:
        print(markdown(results, _typed(rows, said, peers=peers)))
    if bless:
        write(guard.blessed(results, committed), COMMITTED.parent)
        console.print(f"blessed: {COMMITTED}")
    broken = [row.name for row in results.rows if row.error] + [peer.name for peer in results.peers if peer.error]
    for name in broken:
        console.print(f"[red]{name} could not be measured: see the table")
    if guarded and committed:
        broken += _judged(console, results, committed, suspects)
    sys.exit(1 if broken else 0)


class Run:
    """One run: says on the terminal what is being measured."""

    def __init__(self, console: Console, runner: Runner, settings: Settings) -> None:
        self.console = console
        self.runner = runner
        self.settings = settings

    def results(self, names: list[str], peers: list[str], python: str) -> Results:
        """Of benchmarks first, then of peers."""
        settings = msgspec.to_builtins(self.settings)
        made = Results(when=machine.now(), machine=machine.machine(self.runner.folder), settings=settings)
        for name in names:
            made.rows += self.rows(BENCHMARKS[name])
        for name in peers:
            if missing := PEERS[name].missing(python):
                made.missing.append(f"{name} ({missing})")
                self.console.print(f"  {name}: not measured, {missing}")
            else:
                began = time.monotonic()
                made.peers += self.runner.peers(name, PEERS[name], python, self.settings)
                self._done(name, began)
        return made

    def rows(self, benchmark: Benchmark) -> list[Row]:
        """Of one benchmark."""
        began = time.monotonic()
        rows = self.runner.rows(benchmark, self.settings)
        self._done(benchmark.name, began)
        return rows

    def _done(self, name: str, began: float) -> None:
        self.console.print(f"  {name}: {time.monotonic() - began:.0f} s", highlight=False)


def write(results: Results, folder: Path) -> None:
    """The figures and the chart."""
    (folder / "results.json").write_bytes(encode(results))
    chart.draw(results, folder / "chart.svg")


def _judged(console: Console, results: Results, committed: Results, suspects: list[guard.Change]) -> list[str]:
    for change in guard.changes(results.rows, committed):
        if change.faster:
            console.print(f"[green]faster[/]  {change}", highlight=False)
    for row in guard.otherwise(results, committed):
        console.print(f"not compared: {row.name}, which was measured otherwise ({row.what})", highlight=False)
    for change in suspects:
        console.print(f"[red]slower[/]  {change}", highlight=False)
    for name in (gone := guard.lost(results, committed)):
        console.print(f"[red]gone[/]    {name}: it was measured once, and was not now", highlight=False)
    if not suspects and not gone:
        console.print(f"nothing is slower than on {committed.when}", highlight=False)
    return [change.row.name for change in suspects] + gone


def _typed(rows: list[str], said: dict[str, Any], *, peers: bool) -> str:
    """What was typed, without what is of this machine only."""
    words = ["--peers"] if peers else []
    if rows != list(BENCHMARKS):
        words += ["--rows", ",".join(rows)]
    for name, value in msgspec.to_builtins(Settings(**said)).items():
        if value != getattr(DEFAULT, name):
            words += [f"--{name.replace('_', '-')}", f"{value:g}"]
    return " ".join(["nox -s bench", *(["--", *words] if words else [])])


def main() -> None:
    """Exit code 0: measured; 1: slower, or something could not be measured; 2: bad usage; 130: interrupted."""
    command(prog_name="nox -s bench --")
