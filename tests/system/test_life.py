"""The life of a task through real processes: long neighbours, restarts, killed clients, and what is declared in files."""

import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from parts import ROOT, start_scheduler

from wiretask_client import Client

pytestmark = [pytest.mark.processes, pytest.mark.slow]

TASKS = """
import asyncio, os, time
from pathlib import Path
from wiretask_worker import task

@task
def hold(path: str) -> str:
    while not Path(path).exists():
        time.sleep(0.01)
    return "held"

@task
def quick() -> str:
    return "quick"

@task
async def waits(folder: str, number: int) -> int:
    with open(f"{folder}/runs", "a") as runs:
        runs.write(f"{number}\\n")
    while not os.path.exists(f"{folder}/go"):
        await asyncio.sleep(0.05)
    return number

@task
def beat(folder: str) -> None:
    with open(f"{folder}/beats", "a") as beats:
        beats.write("boom\\n")
"""


def test_nobody_waits_behind_a_long_task_whatever_the_prefetch(system):
    """Two workers with one slot and a long line each: what waits behind the long task goes to the other one."""
    for _ in range(2):
        system.worker(*system.tasks(TASKS), "--concurrency", "1", "--prefetch", "50")
    held = str(system.folder / "let-go")
    with Client.blocking(system.address) as client:
        long = client.submit("hold", held)
        while long.status().state != "leased":
            time.sleep(0.01)
        quick = [client.submit("quick") for _ in range(40)]
        assert [job.result(timeout=20) for job in quick] == ["quick"] * 40
        assert long.status().state == "leased"
        (system.folder / "let-go").touch()
        assert long.result(timeout=20) == "held"


def test_a_thousand_running_tasks_go_on_through_the_death_of_the_scheduler(system):
    system.worker(*system.tasks(TASKS), "--concurrency", "1000", "--prefetch", "0")
    runs = system.folder / "runs"
    with Client.blocking(system.address, timeout=60) as client:
        jobs = client.submit_many("waits", [str(system.folder)] * 1000, range(1000))
        while not runs.exists() or len(runs.read_text().splitlines()) < 1000:
            time.sleep(0.05)
        system.restart_scheduler(kill=True)
        (system.folder / "go").touch()
        assert [job.result(timeout=60) for job in jobs] == list(range(1000))
    assert Counter(runs.read_text().split()) == Counter(map(str, range(1000)))


def test_a_client_that_was_killed_while_it_waited_gets_the_result_when_it_comes_back(system):
    system.worker(*system.tasks(TASKS))
    held = system.folder / "let-go"
    program = (
        "import sys\n"
        "from wiretask_client import Client\n"
        f"with Client.blocking({system.address!r}) as client:\n"
        f"    job = client.submit('hold', {str(held)!r}).accepted()\n"
        "    print(job.id, flush=True)\n"
        "    job.result()\n"
    )
    waiting = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT / "client")
    assert waiting.stdout is not None
    task_id = waiting.stdout.readline().strip()
    waiting.send_signal(signal.SIGKILL)
    waiting.wait()
    waiting.stdout.close()
    held.touch()
    assert system.client("result", task_id).stdout == '"held"\n'


def test_what_a_configuration_says_recurs_and_bounds_its_queues(tmp_path, system):
    system.scheduler.kill()
    config = tmp_path / "wiretask.toml"
    config.write_text(
        "[scheduler.queues.small]\nlength_limit = 1\n"
        f'[scheduler.recurring.heart]\ntype = "beat"\nargs = ["{tmp_path}"]\nevery_seconds = 0.1\n'
    )
    system.scheduler, _ = start_scheduler(tmp_path, port=system.port, extra=("--config", str(config)))
    system.worker(*system.tasks(TASKS))
    beats = tmp_path / "beats"
    while not beats.exists() or len(beats.read_text().splitlines()) < 3:
        time.sleep(0.02)
    assert system.client("submit", "--queue", "small", "--type", "nobody", "--no-wait", "x").returncode == 0
    refused = system.client("submit", "--queue", "small", "--type", "nobody", "--no-wait", "x")
    assert (refused.returncode, "QUEUE_FULL" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[scheduler.recurring.x]\ntype = "a"\n', "say cron or every_seconds, one of them"),
        ('[scheduler.recurring.x]\ntype = "a"\ncron = "61 * * * *"\n', "is no cron expression"),
        ('[scheduler.recurring.x]\ntype = "a"\ncron = "0 0 * * *"\nzone = "Mars/Base"\n', "there is no time zone"),
        ('[scheduler.recurring.x]\ntype = "a b"\nevery_seconds = 1\n', "recurring.x"),
        ("[scheduler.queues.x]\nlength_limit = -1\n", "queues.x.length_limit"),
        ("[scheduler.queues.x]\nlenght = 1\n", "queues.x.lenght"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused_in_one_line(tmp_path, text, said):
    config = tmp_path / "wiretask.toml"
    config.write_text(text)
    arguments = ("--config", str(config), "--store", "memory:", "--listen", "127.0.0.1:0", "--http", "off")
    done = subprocess.run(
        [sys.executable, "-m", "wiretask_scheduler", *arguments],
        cwd=ROOT / "scheduler", capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1
