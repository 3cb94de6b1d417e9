"""`nox -s demo`: the three parts from their own folders, a greeting, a thousand lines, and a clean stop."""

from __future__ import annotations

import hashlib
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


def run_client(address: str, *arguments: str) -> str:
    """Runs the client as a user would; its progress bar goes to the terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "wiretask_client", *arguments, "--scheduler", address],
        cwd=ROOT / "client",
        stdout=subprocess.PIPE,
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


def main() -> None:
    """Starts, shows, stops."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts: list[Part] = []
        try:
            scheduler, address = start_scheduler(folder)
            parts.append(scheduler)
            say(f"$ cd scheduler && python -m wiretask_scheduler\nready {address}")
            parts.append(start_worker(folder, address))
            say("\n$ cd worker && python -m wiretask_worker\nready")
            show(folder, address)
            codes = [part.terminate() for part in reversed(parts)]
            say(f"worker and scheduler have stopped with exit codes {codes[0]} and {codes[1]}.")
            assert codes == [0, 0]
        finally:
            for part in parts:
                part.kill()


if __name__ == "__main__":
    main()
