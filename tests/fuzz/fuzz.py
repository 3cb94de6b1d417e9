"""`nox -s fuzz`: all targets one after the other, each for a bounded time, from the corpus that is kept.

    python tests/fuzz/fuzz.py --seconds 60                 all of them
    python tests/fuzz/fuzz.py --seconds 600 session        this one
    python tests/fuzz/fuzz.py session FILE                 an input that was found, again

Atheris (libFuzzer, guided by coverage) where it can be imported; else Hypothesis, which knows the corpus and no coverage.
What it finds lies in `found/`; it belongs into `corpus/` with the mend, and the tests run it from then on.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

FOUND = Path(__file__).with_name("found")
NAMES = ("frames", "session", "spec", "http")
_LONGEST = 512
#: What an input may take, and how much memory: a leak is seen against what is there when all is loaded and warm.
_TIMEOUT_SECONDS, _LEAK_MIB = 20, 96
_WARM_INPUTS = 1000


def main(words: Sequence[str] | None = None) -> int:
    """Runs and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--hypothesis", action="store_true", help="also where there is Atheris")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("target", nargs="?", choices=NAMES)
    parser.add_argument("file", nargs="*", type=Path)
    options = parser.parse_args(words)
    if options.file:
        _again(options.target, options.file)
        return 0
    with_atheris = importlib.util.find_spec("atheris") is not None and not options.hypothesis
    if options.inside:
        (_atheris if with_atheris else _hypothesis)(options.target, options.seconds)
        return 0
    print(f"fuzzing with {'Atheris' if with_atheris else 'Hypothesis: Atheris is not installed here'}", flush=True)
    names = [options.target] if options.target else NAMES
    codes = [_run(name, options.seconds, *(["--hypothesis"] if options.hypothesis else [])) for name in names]
    return 1 if any(codes) else 0


def _run(name: str, seconds: int, *more: str) -> int:
    """One target in a process of its own: Atheris ends its process."""
    command = [sys.executable, __file__, "--inside", "--seconds", str(seconds), *more, name]
    # The order of sets of names must not differ from run to run.
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDEVMODE": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=seconds + 300)
    lines = [line for line in done.stdout.splitlines() if line.startswith("fuzzed ")]
    print(f"{name}: {lines[-1] if lines else 'it said nothing'}", flush=True)
    if done.returncode:
        print(f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}")
    return done.returncode


def _again(name: str, files: Sequence[Path]) -> None:
    from targets import target

    for file in files:
        target(name)(file.read_bytes())
        print(f"{file}: nothing wrong")


class Watched:
    """A target, and what it has cost so far."""

    def __init__(self, run: Any) -> None:
        self._run = run
        self._began = time.monotonic()
        self.inputs = 0
        self._slowest = 0.0
        self._warm = 0

    def __call__(self, octets: bytes) -> None:
        began = time.thread_time()
        self._run(octets)
        self._slowest = max(self._slowest, time.thread_time() - began)
        self.inputs += 1
        if self.inputs == _WARM_INPUTS:
            self._warm = _resident()
        elif self.inputs % _WARM_INPUTS == 0:
            grown = (_resident() - self._warm) >> 20
            assert grown < _LEAK_MIB, f"{grown} MiB more than after {_WARM_INPUTS} inputs: something is kept of each"

    def text(self) -> str:
        """For people."""
        grown = (
            f"{(_resident() - self._warm) / (1 << 20):.0f} MiB more than when warm" if self._warm else "not warm yet"
        )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        return (
            f"fuzzed {self.inputs} inputs in {time.monotonic() - self._began:.0f} s; the slowest took"
            f" {self._slowest * 1000:.0f} ms of the processor; {peak} MiB at the most, {grown}"
        )


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _atheris(name: str, seconds: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["wiretask_protocol", "wiretask_scheduler", "wiretask_codegen", "yaml"]):
        from targets import CORPUS, target

        watched = Watched(target(name))

    def one(octets: bytes) -> None:
        watched(octets)
        if time.monotonic() >= until:
            print(watched.text(), flush=True)
            os._exit(0)

    FOUND.mkdir(exist_ok=True)
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as finds:
        limits = [
            f"-max_len={_LONGEST}",
            f"-timeout={_TIMEOUT_SECONDS}",
            "-rss_limit_mb=2048",
            f"-artifact_prefix={FOUND}/{name}-",
        ]
        atheris.Setup([sys.argv[0], *limits, finds, str(CORPUS / name)], one)
        atheris.Fuzz()


def _hypothesis(name: str, seconds: int) -> None:
    from hypothesis import HealthCheck, given, settings
    from targets import target

    watched, until = Watched(target(name)), time.monotonic() + seconds

    @settings(max_examples=10**9, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(inputs(name))
    def one(octets: bytes) -> None:
        if time.monotonic() >= until:
            raise _OverError
        watched(octets)

    try:
        one()
    except _OverError:
        print(watched.text(), flush=True)


class _OverError(BaseException):
    """The time is up."""


def inputs(name: str) -> Any:
    """What Hypothesis makes of the corpus of a target: an input of it with some octets changed, or any octets."""
    from hypothesis import strategies as st
    from targets import corpus

    edits = st.lists(st.tuples(st.integers(0, _LONGEST), st.binary(max_size=3)), max_size=6)

    def edited(kept: bytes, changes: list[tuple[int, bytes]]) -> bytes:
        made = bytearray(kept)
        for at, octets in changes:
            made[at % (len(made) + 1) : at % (len(made) + 1) + len(octets)] = octets
        return bytes(made)

    return st.builds(edited, st.sampled_from(corpus(name)), edits) | st.binary(max_size=_LONGEST)


if __name__ == "__main__":
    sys.exit(main())
