"""`nox -s demo`: the three parts from their own folders, a greeting, a thousand lines, and a dashboard to look at.

Tasks flow until Ctrl-C; where no terminal is there to press it, for a while, or for `--for SECONDS`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import math
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import shop_tasks as shop
from parts import ROOT, Part, start_scheduler, start_worker

from wiretask_client import Client

GREETING = "Hello, World!"
LINES = 1000
#: Where there is no terminal: long enough to open the page and look, short enough for who waits for the end.
SECONDS = 90.0


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


async def keep_shop(address: str, end: asyncio.Event) -> None:
    """A small shop's day: customers come in waves, and what they cause is tasks."""
    async with Client(address) as client:
        await client.schedule("sweep", shop.sweep, every=5)
        await client.schedule("accounts", shop.report, "last month", cron="0 3 1 * *", zone="Europe/Zurich")
        order = 0
        while not end.is_set():
            # A wave takes forty seconds; its height is chance.
            busy = 1 + math.sin(time.monotonic() / 40 * math.tau) + random.random()
            for _ in range(round(10 * busy)):
                client.submit("sha256", f"visitor {random.random()}".encode(), want_result=False)
            for _ in range(round(1.2 * busy)):
                order += 1
                client.submit(shop.charge, order, random.randint(500, 90_000), want_result=False)
                client.submit(shop.send_mail, f"customer-{order}@shop.example", want_result=False)
            if random.random() < 0.2 * busy:
                client.submit(shop.resize, f"photo-{order}.jpg", 1200, want_result=False, note="for the catalogue")
            if random.random() < 0.01:
                client.submit(shop.report, "this month", delay=20, want_result=False)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(end.wait(), 0.1)


async def go_on(address: str, seconds: float | None) -> None:
    """Tasks come and go until somebody has seen enough, or the time is over."""
    end, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end.set)
    if seconds is not None:
        loop.call_later(seconds, end.set)
    await keep_shop(address, end)


def main(seconds: float | None) -> None:
    """Starts, shows, goes on for so many seconds (None: until Ctrl-C), and stops."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts: list[Part] = []
        try:
            scheduler, address = start_scheduler(folder, extra=("--http", "127.0.0.1:0"))
            parts.append(scheduler)
            say(f"$ cd scheduler && python -m wiretask_scheduler\nready {address}")
            dashboard = re.findall(r"at (https?://\S+)", scheduler.log.read_text())[-1]
            say(f"The dashboard is at {dashboard}")
            counter = (
                "--name",
                "counter",
                "--queue",
                "default",
                "--queue",
                "mail",
                "--queue",
                "payments",
                "--concurrency",
                "16",
            )
            studio = ("--name", "studio", "--queue", "images", "--queue", "reports", "--concurrency", "4")
            say("\n$ cd tests && python -m wiretask_worker --tasks shop_tasks      # two of them, for different queues")
            for words in (counter, studio):
                parts.append(start_worker(folder, address, "--tasks", "shop_tasks", *words, cwd=ROOT / "tests"))
                say("ready")
            show(folder, address)
            until = "until you press Ctrl-C" if seconds is None else f"for {seconds:g} s"
            say(f"\nTasks flow {until}, and some fail: see {dashboard}")
            asyncio.run(go_on(address, seconds))
            codes = [part.terminate() for part in reversed(parts)]
            say(f"\nWorkers and scheduler have stopped with exit codes {', '.join(map(str, codes))}.")
            assert not any(codes)
        finally:
            for part in parts:
                part.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    usual = None if sys.stdout.isatty() else SECONDS
    parser.add_argument("--for", dest="seconds", metavar="SECONDS", type=float, default=usual, help="then stop")
    main(parser.parse_args().seconds)
