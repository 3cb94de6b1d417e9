"""`nox -s demo`: the three parts from their own folders, a greeting, a thousand lines, and a clean stop.

On a terminal the parts stay until Ctrl-C, and tasks go on, for whoever looks at the dashboard meanwhile.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from parts import ROOT, Part, start_scheduler, start_worker

GREETING = "Hello, World!"
LINES = 1000


def say(text: str) -> None:
    """A line to whoever watches."""
    print(text, flush=True)


def run_client(address: str, *arguments: str, quiet: bool = False) -> str:
    """Runs the client as a user would; its progress bar goes to the terminal unless that is to be quiet."""
    done = subprocess.run(
        [sys.executable, "-m", "wiretask_client", *arguments, "--scheduler", address],
        cwd=ROOT / "client",
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def show(folder: Path, address: str) -> None:
    """What the demo is about."""
    say(f'\n$ cd client && python -m wiretask_client submit "{GREETING}"')
    digest = run_client(address, "submit", GREETING).strip()
    say(digest)
    assert digest == hashlib.sha256(GREETING.encode()).hexdigest()

    names = folder / "names.txt"
    names.write_text("".join(f"name {number}\n" for number in range(1, LINES + 1)))
    say(f"\n$ cd client && python -m wiretask_client submit --lines names.txt     # {LINES} lines, one task each")
    digests = run_client(address, "submit", "--lines", str(names)).splitlines()
    for line in (0, 1, LINES - 1):
        say(f"{digests[line]}  name {line + 1}" if line < 2 else f"…\n{digests[line]}  name {line + 1}")
    expected = [hashlib.sha256(name.encode()).hexdigest() for name in names.read_text().splitlines()]
    assert digests == expected
    say(f"\n{len(digests)} results, in order, each the right one.")


def go_on(folder: Path, address: str) -> None:
    """Tasks that come and go, and some that fail, until somebody has seen enough."""
    lines = folder / "more.txt"
    # Ctrl-C ends the client, too, and either may be the first to say so.
    with contextlib.suppress(KeyboardInterrupt, subprocess.CalledProcessError):
        while True:
            lines.write_text("".join(f"name {number}\n" for number in range(random.randint(50, 2000))))
            run_client(address, "submit", "--lines", str(lines), quiet=True)
            words = ("submit", "--type", "add", "--json", '[2, "three"]', "--no-wait", "--queue", "sums")
            run_client(address, *words, quiet=True)


def main() -> None:
    """Starts, shows, stops."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts: list[Part] = []
        try:
            scheduler, address = start_scheduler(folder, extra=("--http", "127.0.0.1:0"))
            parts.append(scheduler)
            say(f"$ cd scheduler && python -m wiretask_scheduler\nready {address}")
            dashboard = re.findall(r"at (http://\S+)", scheduler.log.read_text())[-1]
            say(f"The dashboard is at {dashboard}")
            queues = ("--queue", "default", "--queue", "sums")
            parts.append(start_worker(folder, address, "--tasks", "demo_tasks", *queues, cwd=ROOT / "tests"))
            say("\n$ cd tests && python -m wiretask_worker --tasks demo_tasks --queue default --queue sums\nready")
            show(folder, address)
            if sys.stdout.isatty():
                say(f"\nTasks go on, and some fail: see {dashboard} until you press Ctrl-C.")
                go_on(folder, address)
            codes = [part.terminate() for part in reversed(parts)]
            say(f"worker and scheduler have stopped with exit codes {codes[0]} and {codes[1]}.")
            assert codes == [0, 0]
        finally:
            for part in parts:
                part.kill()


if __name__ == "__main__":
    main()
