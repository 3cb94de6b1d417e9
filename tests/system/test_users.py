"""What users do from a shell: each command of the README, with real processes."""

import hashlib
import json
import signal
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.processes, pytest.mark.slow]

HELLO = "dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f"
TASKS = """
from wiretask_worker import Context, task

@task
def add(x: int, y: int) -> int:
    return x + y

@task(max_attempts=2)
def fails(text: str) -> str:
    raise ValueError(text)

@task
def unencodable() -> object:
    return object()

@task
def leaves() -> None:
    raise SystemExit(7)

@task
def dies() -> None:
    import os
    os._exit(9)

@task
async def naps(seconds: float) -> str:
    import asyncio
    await asyncio.sleep(seconds)
    return "slept"
"""


def test_hello_world(system):
    system.worker()
    done = system.client("submit", "Hello, World!")
    assert (done.returncode, done.stdout, done.stderr) == (0, HELLO + "\n", "")


def test_arguments_are_json(system):
    system.worker(*system.tasks(TASKS))
    assert system.client("submit", "--type", "add", "--json", "[2, 3]").stdout == "5\n"
    assert system.client("submit", "--type", "add", "--json", '{"x": 2, "y": 40}').stdout == "42\n"


def test_a_thousand_lines_come_back_in_order(system):
    system.worker()
    lines = [f"line {number}" for number in range(1000)]
    done = system.client("submit", "--lines", "-", stdin="\n".join(lines) + "\n")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [hashlib.sha256(line.encode()).hexdigest() for line in lines]


def test_a_line_that_fails_is_empty_and_the_others_go_on(system):
    system.worker(*system.tasks(TASKS))
    lines = "[1, 2]\n[1]\n[3, 4]\n"
    done = system.client("submit", "--type", "add", "--lines", "-", stdin=lines)
    assert done.returncode == 1
    assert "line 2" in done.stderr or done.stdout.splitlines()[1] == ""


def test_a_result_is_there_for_another_process_and_after_a_restart_of_everything(system):
    worker = system.worker()
    task_id = system.client("submit", "--no-wait", "Hello, World!").stdout.strip()
    assert system.client("result", task_id).stdout.strip() == HELLO
    assert worker.terminate() == 0
    system.restart_scheduler(kill=False)
    assert system.client("result", task_id).stdout.strip() == HELLO
    assert "succeeded" in system.client("status", task_id).stdout


def test_a_task_survives_a_kill_of_the_scheduler_before_any_worker_was_there(system):
    task_id = system.client("submit", "--no-wait", "Hello, World!").stdout.strip()
    system.restart_scheduler(kill=True)
    system.worker()
    assert system.client("result", task_id).stdout.strip() == HELLO


def test_an_unknown_type_waits_and_status_says_why(system):
    system.worker()
    waited = system.client("submit", "--type", "nobody", "--wait", "3", "x")
    assert waited.returncode == 4
    assert "no connected worker knows the type nobody" in waited.stderr
    task_id = system.client("submit", "--type", "nobody", "--no-wait", "x").stdout.strip()
    assert "unknown_type" in system.client("status", task_id).stdout
    assert system.client("cancel", task_id).returncode == 0
    assert "cancelled" in system.client("status", task_id).stdout


FAILURES = {
    "arguments that do not fit": ("add", '{"x": 2, "y": "three"}', "y"),
    "an argument missing": ("add", '{"x": 2}', "y"),
    "an argument too many": ("add", "[1, 2, 3]", "takes 2 positional arguments (x, y), got 3"),
    "a handler that raises": ("fails", '["the reason"]', "the reason"),
    "a result that cannot be encoded": ("unencodable", "[]", "object"),
    "a handler that leaves": ("leaves", "[]", "SystemExit"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_task_that_fails_says_why_in_one_line_and_the_worker_lives(system, case):
    name, arguments, said = FAILURES[case]
    system.worker(*system.tasks(TASKS))
    failed = system.client("submit", "--type", name, "--json", arguments)
    assert failed.returncode == 1
    assert said in failed.stderr
    assert "Traceback" not in failed.stderr
    assert failed.stdout == ""
    assert system.client("submit", "Hello, World!").stdout.strip() == HELLO


def test_a_task_is_tried_as_often_as_its_decorator_says(system):
    system.worker(*system.tasks(TASKS))
    failed = system.client("submit", "--type", "fails", "--json", '["again"]')
    assert failed.returncode == 1
    task_id = failed.stderr.rpartition("task ")[2].strip(") \n")
    said = [line.split() for line in system.client("status", task_id).stdout.splitlines()]
    assert ["attempt", "2"] in said
    assert [line[:2] for line in said[-2:]] == [["1", "failed"], ["2", "failed"]]


def test_a_handler_that_kills_its_process_costs_one_task_and_not_the_worker(system):
    system.worker(*system.tasks(TASKS), "--executor", "process", "--concurrency", "2")
    died = system.client("submit", "--type", "dies", "--json", "[]")
    assert died.returncode == 1
    assert "9" in died.stderr
    assert system.client("submit", "--type", "add", "--json", "[2, 3]").stdout == "5\n"


def test_a_worker_that_vanishes_is_replaced(system):
    first = system.worker(*system.tasks(TASKS))
    task_id = system.client("submit", "--type", "naps", "--json", "[30]", "--no-wait").stdout.strip()
    # When this one has its result, the one before it has begun.
    assert "slept" in system.client("submit", "--type", "naps", "--json", "[0]").stdout
    first.kill()
    system.worker(*system.tasks(TASKS.replace("asyncio.sleep(seconds)", "asyncio.sleep(0)")))
    assert "slept" in system.client("result", task_id, "--wait", "20").stdout


def test_sigterm_drains_a_worker(system):
    worker = system.worker(*system.tasks(TASKS), "--concurrency", "1", "--executor", "thread")
    ids = [system.client("submit", "--type", "naps", "--json", "[0.3]", "--no-wait").stdout.strip() for _ in range(3)]
    assert worker.terminate() == 0
    system.worker(*system.tasks(TASKS))
    assert all("slept" in system.client("result", task_id, "--wait", "20").stdout for task_id in ids)


def test_a_client_that_is_interrupted_says_so_by_its_exit_code(system):
    process = subprocess.Popen(
        [sys.executable, "-m", "wiretask_client", "submit", "--scheduler", system.address, "x"],
        cwd=str(system.folder.parent),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    # It says after two seconds why the task waits: then it is in the middle of waiting.
    assert "waits" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in said


def test_a_scheduler_that_is_not_there_is_exit_code_3(tmp_path):
    from parts import client

    done = client("ping", "--scheduler", "127.0.0.1:1", "--timeout", "0.5")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1


USAGE = {
    "no command": ["nonsense"],
    "JSON that is none": ["submit", "--type", "add", "--json", "[2,"],
    "JSON that is no arguments": ["submit", "--type", "add", "--json", "7"],
    "a priority out of range": ["submit", "--priority", "12", "x"],
    "an address that is none": ["ping", "--scheduler", "nowhere:port"],
    "a task id that is none": ["result", "xyz"],
    "a file that is not there": ["submit", "--lines", "/nowhere/lines"],
    "nothing to submit": ["submit"],
}


@pytest.mark.parametrize("case", USAGE)
def test_bad_usage_is_exit_code_2_and_says_the_remedy(tmp_path, case):
    from parts import client

    done = client(*USAGE[case])
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


def test_what_the_http_side_says(system):
    import urllib.request

    system.scheduler.terminate()
    from parts import start_scheduler

    system.scheduler, system.address = start_scheduler(system.folder, extra=("--http", "127.0.0.1:0"))
    system.worker()
    system.client("submit", "Hello, World!")
    lines = [line for line in (system.folder / "scheduler.log").read_text().splitlines() if "http://" in line]
    base = "http://" + lines[-1].rpartition("http://")[2].strip()

    def get(path: str) -> str:
        with urllib.request.urlopen(base + path) as answer:
            return str(answer.read(), "utf-8")

    assert get("/healthz") == "ok\n"
    assert "wiretask_tasks_succeeded_total 1.0" in get("/metrics")
    (worker,) = json.loads(get("/api/workers"))["workers"]
    assert "sha256" in worker["types"]
    (task,) = json.loads(get("/api/tasks"))["tasks"]
    assert (task["type"], task["state"]) == ("sha256", "succeeded")
