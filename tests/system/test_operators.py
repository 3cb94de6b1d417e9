"""An operator's commands against real parts: dead tasks, queues, recurring tasks, trees, and the bar of one task."""

import json
import os
import pty
import re
import subprocess
import sys
import time

import pytest
from parts import ROOT, start_scheduler

pytestmark = pytest.mark.processes

TASKS = """
import time
from pathlib import Path
from wiretask_worker import Context, task

@task
def send(mark: str) -> str:
    if not Path(mark).exists():
        raise TimeoutError(f"nobody answers at {mark}")
    return "sent"

@task
def draw(steps: int, context: Context) -> str:
    for step in range(steps):
        context.progress(step + 1, steps, text=f"step {step + 1}")
        time.sleep(0.15)
    return "drawn"

@task
def wait(context: Context) -> None:
    while True:
        context.raise_if_cancelled()
        time.sleep(0.01)
"""


OVER_HTTP = {"dead", "queue", "queues", "tasks", "top", "workers"}


@pytest.fixture
def wiretask(system):
    """Runs a command that must succeed, or end with the code that is said; returns what it printed."""
    system.scheduler.terminate()
    system.scheduler, system.address = start_scheduler(system.folder, extra=("--http", "127.0.0.1:0"))
    log = (system.folder / "scheduler.log").read_text()
    http = re.findall(r"at http://(\S+)", log)[-1]
    system.worker(*system.tasks(TASKS))

    def run(*words, code=0):
        options = ("--http", http) if words[0] in OVER_HTTP or words[:2] == ("schedule", "list") else ()
        done = system.client(*words, *options)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout if code == 0 else done.stderr

    return run


def test_dead_tasks_are_found_retried_and_forgotten(wiretask, system):
    mark = system.folder / "back"
    ids = []
    for _ in range(3):
        said = wiretask("submit", "--type", "send", "--json", json.dumps([str(mark)]), code=1)
        ids.append(re.search(r"\(task (\S+)\)", said)[1])
    listed = wiretask("dead", "list", "--error", "TimeoutError")
    assert all(task_id in listed for task_id in ids)
    assert "nobody answers at" in listed
    assert wiretask("dead", "list", "--error", "KeyError") == ""
    assert wiretask("dead", "retry", "--queue", "mail") == "retried 0\n"

    mark.touch()
    assert wiretask("dead", "retry", ids[0]) == "retried 1\n"
    assert wiretask("result", ids[0]) == '"sent"\n'
    assert "it is succeeded, not dead" in wiretask("dead", "retry", ids[0], code=1)
    assert wiretask("dead", "retry", "--type", "send") == "retried 2\n"
    assert wiretask("result", ids[1]) == '"sent"\n'
    assert wiretask("result", ids[2]) == '"sent"\n'
    assert wiretask("dead", "list", "--json") == "[]\n"

    mark.unlink()
    wiretask("submit", "--type", "send", "--json", json.dumps([str(mark)]), code=1)
    assert wiretask("dead", "purge", "--all", "--yes") == "purged 1\n"
    assert wiretask("dead", "list") == ""


def test_the_history_of_a_dead_task_is_a_table(wiretask, system):
    words = ("--max-attempts", "2", "--retry-delay", "0.01", "--json", json.dumps([str(system.folder / "never")]))
    said = wiretask("submit", "--type", "send", *words, code=1)
    lines = wiretask("status", re.search(r"\(task (\S+)\)", said)[1]).splitlines()
    head, *attempts = lines[-3:]
    assert head.split() == ["attempt", "outcome", "ended", "worker", "error"]
    assert [line.split()[:2] for line in attempts] == [["1", "failed"], ["2", "failed"]]
    assert all("TimeoutError: nobody answers at" in line for line in attempts)


def test_a_task_is_listed_shown_and_retried_and_workers_and_queues_are_seen(wiretask, system):
    mark = system.folder / "back"
    said = wiretask("submit", "--type", "send", "--json", json.dumps([str(mark)]), code=1)
    task_id = re.search(r"\(task (\S+)\)", said)[1]
    assert task_id in wiretask("tasks", "list", "--state", "dead", "--type", "se*")
    shown = wiretask("tasks", "show", task_id)
    assert "raise TimeoutError" in shown
    assert "given up after attempt 1 (failed)" in shown
    assert json.loads(wiretask("tasks", "show", task_id, "--output", "json"))["can"] == ["retry", "purge"]
    mark.touch()
    assert wiretask("tasks", "retry", task_id) == "retried 1\n"
    assert wiretask("result", task_id) == '"sent"\n'
    assert wiretask("tasks", "cancel", task_id) == "cancelled 0\n"
    (worker,) = json.loads(wiretask("workers", "--output", "json"))
    assert (worker["agent"].partition("/")[0], worker["stuck"]) == ("wiretask-worker", None)
    assert "default" in wiretask("queues")
    assert worker["name"] in wiretask("top")


def test_a_queue_is_paused_resumed_and_drained(wiretask):
    assert wiretask("queue", "pause", "default").split()[-5:-2] == ["default", "paused", "0"]
    task_id = wiretask("submit", "--no-wait", "x").strip()
    assert "resume it with wiretask queue resume" in wiretask("status", task_id)
    assert "not finished" in wiretask("result", task_id, "--wait", "0.05", code=4)
    wiretask("queue", "resume", "default")
    assert len(wiretask("result", task_id)) == 65
    wiretask("queue", "drain", "default")
    assert "[QUEUE_CLOSED]" in wiretask("submit", "x", code=1)
    assert json.loads(wiretask("queue", "list", "--json"))[0]["mode"] == "closed"


def test_a_recurring_task_runs_until_it_is_ended(wiretask, system):
    assert wiretask("schedule", "put", "tick", "x", "--type", "sha256", "--every", "0.2") == "tick recurs\n"
    for _ in range(200):
        (tick,) = [line for line in wiretask("schedule", "list").splitlines() if line.startswith("tick")]
        if tick.count("Z ") == 2:  # its next run and its last one
            break
        time.sleep(0.1)
    else:
        pytest.fail(f"it never ran: {tick}")
    assert wiretask("schedule", "delete", "tick") == "tick recurs no more\n"
    assert wiretask("schedule", "list") == ""
    assert "no recurring task has this name" in wiretask("schedule", "delete", "tick", code=4)
    for words in (("--cron", "0 0 30 2 *"), ("--cron", "99 * * * *"), ("--cron", "0 0 * * *", "--zone", "Mars/Base")):
        said = wiretask("schedule", "put", "bad", "x", "--type", "sha256", *words, code=1)
        assert said.endswith("[BAD_SCHEDULE]\n")
        assert said.count("\n") == 1


def test_a_tree_is_cancelled_with_all_that_waits_for_it(wiretask):
    first = wiretask("submit", "--type", "wait", "--json", "[]", "--no-wait").strip()
    second = wiretask("submit", "x", "--no-wait", "--after", first).strip()
    third = wiretask("submit", "x", "--no-wait", "--after", second, "--on-dependency-failure", "run").strip()
    assert "dependency" in wiretask("status", third)
    wiretask("cancel", "--tree", first)
    for task_id in (first, second, third):
        assert "cancelled" in wiretask("result", task_id, code=1)


def test_the_progress_of_one_task_is_a_bar_on_a_terminal_and_not_in_the_result(wiretask, system):
    master, slave = pty.openpty()
    started = subprocess.Popen(
        [sys.executable, "-m", "wiretask_client", "submit", "--type", "draw", "--json", "[6]"],
        cwd=ROOT / "client",
        env={**os.environ, "WIRETASK_SCHEDULER": system.address, "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=slave,
    )
    os.close(slave)
    seen = b""
    try:
        while octets := os.read(master, 65536):
            seen += octets
    except OSError:
        pass  # that is how Linux says that the other end is closed
    os.close(master)
    result, _ = started.communicate(timeout=30)
    assert (started.returncode, result) == (0, b'"drawn"\n')
    assert b"step" in seen
    assert b"%" in seen


def test_operators_prove_who_they_are_where_there_are_tokens(system):
    tokens, admin, other = (system.folder / name for name in ("tokens.toml", "ann.credentials", "ben.credentials"))
    tokens.write_text(f"""
[ann]
token = "{"a" * 40}"
roles = ["admin"]

[ben]
token = "{"b" * 40}"
roles = ["client"]
""")
    admin.write_text(f"ann:{'a' * 40}\n")
    other.write_text(f"ben:{'b' * 40}\n")
    for file in (tokens, admin, other):
        file.chmod(0o600)
    system.scheduler.terminate()
    flags = ("--http", "127.0.0.1:0", "--tokens", str(tokens))
    system.scheduler, system.address = start_scheduler(system.folder, extra=flags)
    url = re.findall(r"at (http://\S+)", (system.folder / "scheduler.log").read_text())[-1]

    def queues(*words):
        done = system.client("queues", "--json", "--http", url, *words)
        return done.returncode, done.stdout or done.stderr

    assert queues("--credentials", str(admin)) == (0, "[]\n")
    assert "name a file with a line KEY_ID:TOKEN with --credentials" in queues()[1]
    assert queues("--credentials", str(other)) == (
        3,
        "wiretask: the token ben is for client; use one with the role admin\n",
    )
    log = (system.folder / "scheduler.log").read_text()
    assert "a" * 40 not in log
    assert "b" * 40 not in log
