"""`nox -s demo` as a newcomer sees it: an address, and tasks that flow there until he stops it."""

import json
import re
import signal
import subprocess
import sys
import urllib.request
from itertools import islice
from pathlib import Path

import pytest

pytestmark = [pytest.mark.processes, pytest.mark.slow]

DEMO = Path(__file__).parent / "demo.py"


@pytest.fixture
def demo():
    with subprocess.Popen(
        [sys.executable, str(DEMO), "--for", "100"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process
        # It stops its parts, too.
        process.terminate()


def heard(process, pattern):
    """Reads on until a line fits."""
    for line in process.stdout:
        if found := re.search(pattern, line):
            return found[1]
    raise AssertionError(process.stderr.read())


def ask(url, path):
    with urllib.request.urlopen(f"{url}{path}", timeout=20) as answer:
        return json.load(answer)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_tasks_flow_at_the_address_that_is_printed_until_somebody_stops_it(demo, number):
    url = heard(demo, r"The dashboard is at (http://\S+)")
    heard(demo, r"(1000) results, in order, each the right one")
    assert heard(demo, r"Tasks flow for 100 s.* see (http\S+)") == url
    before = ask(url, "/api/overview")["counts"]
    with urllib.request.urlopen(f"{url}/api/events", timeout=30) as events:
        # A sample comes each second; some task has failed long before so many of them.
        for _ in islice((line for line in events if line.startswith(b"event: sample")), 60):
            counts = ask(url, "/api/overview")["counts"]
            if counts["succeeded"] > before["succeeded"] + 100 and counts["retried"] > before["retried"]:
                break
        else:
            raise AssertionError(counts)
    assert {each["name"] for each in ask(url, "/api/workers")["workers"]} == {"counter", "studio"}
    assert {each["name"] for each in ask(url, "/api/schedules")["schedules"]} == {"accounts", "sweep"}
    demo.send_signal(number)
    assert heard(demo, r"have stopped with exit codes (.*)\.") == "0, 0, 0"
    assert demo.wait(30) == 0
