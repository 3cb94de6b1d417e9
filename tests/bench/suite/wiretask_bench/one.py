"""Runs one benchmark and prints its rows: `python -m wiretask_bench.one NAME SETTINGS`, the settings as JSON."""

from __future__ import annotations

import sys

import msgspec

from wiretask_bench.benchmarks import BENCHMARKS
from wiretask_bench.settings import Settings


def main(name: str, settings: str) -> None:
    """Prints JSON; an error is a traceback, as anywhere."""
    rows = BENCHMARKS[name].run(msgspec.json.decode(settings, type=Settings))
    print(msgspec.json.encode(rows).decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
