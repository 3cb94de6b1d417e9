"""`nox -s simulate`: many days, on all processors, until the time is up or one of them goes wrong.

    python tests/simulation/simulate.py --minutes 2             days of the core, and days of all parts
    python tests/simulation/simulate.py --seed 17 --of parts    one day again, to the last step; prints its story
    python tests/simulation/simulate.py --days 100000 --from 1000000 --figures figures.json

The last one is the long run: so many days, of both kinds, in an order that is always the same. It says each minute how
far it is, and with which `--skip` it goes on if it is ended; what it has seen is written to the file each time.

A day that goes wrong is printed with the shortest story of the task concerned, and its seed belongs into `seeds.json`:
the tests live through those days again.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

#: Days that have gone wrong once.
SEEDS = Path(__file__).with_name("seeds.json")
KINDS = ("core", "parts")
#: Of the core one day takes a quarter of the time.
_SHARES = {"core": 40, "parts": 10}
#: How often the long run says how far it is.
_REPORT_SECONDS = 60
#: Steps of a day of the core.
STEPS = 300


#: What of a day of the core is a fault, and what it is called on days of all parts, too.
_FAULTS = {
    "crash": "the scheduler killed",
    "break_off": "a connection broken",
    "drain": "a worker drained",
    "jump": "the clock moved",
    "come_twice": "a second connection beside a dead one",
    "lie": "a report under a lease of others",
}


class Lived(NamedTuple):
    """What one day was like."""

    kind: str
    seed: int
    violated: str | None
    virtual_seconds: float
    steps: int
    faults: dict[str, int]


def live(kind: str, seed: int) -> Lived:
    """One day of the core by itself, or of all parts."""
    return _core(seed) if kind == "core" else _parts(seed)


def _parts(seed: int) -> Lived:
    from day import Day  # it takes its time to load
    from history import ViolatedError

    day = Day(seed)
    began = day.clock.steady
    violated = None
    try:
        day.live()
    except ViolatedError as error:
        violated = str(error)
    faults = {**day.mischief.counts, "frames cut in pieces": day.network.splits}
    return Lived("parts", seed, violated, day.clock.steady - began, day.machine.turns, faults)


def _core(seed: int) -> Lived:
    from world import World

    world = World(seed)
    began = world.monotonic
    violated = None
    try:
        for _ in range(STEPS):
            world.step()
        world.heal()
        world.verdict()
    except AssertionError as error:
        violated = str(error) or repr(error)
    faults = {name: world.counts[happening] for happening, name in _FAULTS.items()}
    return Lived("core", seed, violated, world.monotonic - began, STEPS, faults)


def _batch(asked: tuple[str, int, int]) -> list[Lived]:
    kind, first, count = asked
    return [live(kind, seed) for seed in range(first, first + count)]


def _batches(kinds: Sequence[str], first: int, seeds: int) -> Iterator[tuple[str, int, int]]:
    """Days of each kind in turn, some at a time."""
    at = dict.fromkeys(kinds, first)
    while any(number < first + seeds for number in at.values()):
        for kind in kinds:
            count = min(_SHARES[kind], first + seeds - at[kind])
            if count > 0:
                yield kind, at[kind], count
                at[kind] += count


def main(words: Sequence[str] | None = None) -> int:
    """Runs and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seeds", type=int, help="so many of each kind, however long that takes")
    parser.add_argument("--days", type=int, help="so many of all kinds together, however long that takes")
    parser.add_argument("--skip", type=int, default=0, metavar="DAYS", help="these were lived through before")
    parser.add_argument("--figures", type=Path, metavar="FILE", help="write what all days were like, as JSON")
    parser.add_argument("--from", type=int, default=0, dest="first", metavar="SEED", help="begin with this one")
    parser.add_argument("--seed", type=int, help="this one alone")
    parser.add_argument("--of", choices=KINDS, action="append", help="days of this kind only")
    options = parser.parse_args(words)
    logging.disable(logging.WARNING)
    kinds = options.of or list(KINDS)
    if options.seed is not None:
        return _one(kinds, options.seed)
    endless = options.seeds is not None or options.days is not None
    deadline = time.monotonic() + (float("inf") if endless else options.minutes * 60)
    batches = _some(_batches(kinds, options.first, options.seeds or 1 << 40), options.skip, options.days)
    total = Total(options.skip)
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        for days in _lived(pool, batches, deadline):
            total.add(days)
            for day in days:
                if day.violated is not None:
                    print(f"{day.violated}\n\npython tests/simulation/simulate.py --seed {day.seed} --of {day.kind}")
                    pool.shutdown(cancel_futures=True)
                    return 1
            if endless:
                total.report(options.figures)
    if options.figures is not None:
        total.write(options.figures)
    print(total.text())
    return 0


def _some(batches: Iterable[tuple[str, int, int]], skip: int, days: int | None) -> Iterator[tuple[str, int, int]]:
    """Without the days that were lived through before, and no more than so many with them."""
    left = (1 << 60) if days is None else days
    for kind, first, count in batches:
        taken = min(count, left)
        if not taken:
            return
        left -= taken
        over = min(skip, taken)
        skip -= over
        if taken > over:
            yield kind, first + over, taken - over


def _lived(
    pool: ProcessPoolExecutor, batches: Iterable[tuple[str, int, int]], deadline: float
) -> Iterator[list[Lived]]:
    """Days as they were begun, some at a time; none is begun any more once the time is up."""
    under_way: deque[Future[list[Lived]]] = deque()
    for batch in batches:
        if time.monotonic() >= deadline:
            break
        under_way.append(pool.submit(_batch, batch))
        if len(under_way) >= 3 * (os.cpu_count() or 1):
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()


class Total:
    """What all days were like together."""

    def __init__(self, skipped: int = 0) -> None:
        self._began = self._reported = time.monotonic()
        self._over = skipped
        self._days: Counter[str] = Counter()
        self._seconds: Counter[str] = Counter()
        self._steps = 0
        self._faults: Counter[str] = Counter()

    def add(self, days: Sequence[Lived]) -> None:
        """Some more."""
        for day in days:
            self._days[day.kind] += 1
            self._seconds[day.kind] += int(day.virtual_seconds)
            self._steps += day.steps
            self._faults.update(day.faults)

    def report(self, figures: Path | None) -> None:
        """Says how far it is, now and then."""
        if time.monotonic() - self._reported < _REPORT_SECONDS:
            return
        self._reported = time.monotonic()
        done = sum(self._days.values())
        rate = done / (self._reported - self._began)
        print(
            f"{done} days without a violation, {rate:.1f} a second; goes on with --skip {self._over + done}", flush=True
        )
        if figures is not None:
            self.write(figures)

    def write(self, figures: Path) -> None:
        """As JSON."""
        took = time.monotonic() - self._began
        hours = {kind: round(seconds / 3600, 1) for kind, seconds in self._seconds.items()}
        figures.write_text(
            json.dumps(
                {
                    "skipped": self._over,
                    "days": dict(self._days),
                    "virtual_hours": hours,
                    "faults": dict(self._faults.most_common()),
                    "steps": self._steps,
                    "steps_a_second": round(self._steps / took),
                    "seconds": round(took),
                },
                indent=1,
            )
            + "\n"
        )

    def text(self) -> str:
        """For people."""
        took = time.monotonic() - self._began
        lines = [
            f"{count} days of {kind}, {self._seconds[kind] / 3600:.0f} virtual hours"
            for kind, count in self._days.items()
        ]
        lines += [f"{count:8d} {name}" for name, count in self._faults.most_common()]
        days = sum(self._days.values())
        lines.append(f"nothing violated in {days} days; {self._steps / took:.0f} steps a second, {took:.0f} s")
        return "\n".join(lines)


def _one(kinds: Sequence[str], seed: int) -> int:
    for kind in kinds:
        day = live(kind, seed)
        if day.violated is not None:
            print(day.violated)
            return 1
        print(f"seed {seed} of {kind}: nothing violated in {day.virtual_seconds:.0f} virtual seconds")
    return 0


def kept() -> list[tuple[str, int]]:
    """The days that have gone wrong once."""
    return [(kind, seed) for kind, seeds in json.loads(SEEDS.read_text()).items() for seed in seeds]


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of sets of names is a chance, too.
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, *sys.argv])
    sys.exit(main())
