"""None of what is started is left over: not after an error, an interruption, a hang, or the death of who has started it."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wiretask_bench.benchmarks import Benchmark
from wiretask_bench.processes import Processes, cpu_seconds, free_port, resident_bytes
from wiretask_bench.runner import Runner
from wiretask_bench.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.processes]

#: Starts another process in its group, says its id, and waits.
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import signal; print('ready', flush=True); signal.pause()"],
                         stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
"""
#: What the command does: a benchmark in a group, to be interrupted.
OWNER = f"""
import sys
import time
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent / "suite")!r})
from wiretask_bench.processes import group_of
from wiretask_bench.runner import interruptible
with interruptible(), group_of(sys.executable, "-c", {PARENT.replace("sys.stdin.read()", "import signal; signal.pause()")!r},
                               env={{}}, log=sys.stderr.buffer) as process:
    print(process.stdout.readline().decode(), flush=True)
    process.wait()
"""


def gone(pid, seconds=20):
    """Whether a process, whoever has started it, ends."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], seconds)[0])
    finally:
        os.close(watched)


def test_leaving_the_context_ends_everything_and_takes_the_folder_away():
    with Processes() as processes:
        started = processes.start(sys.executable, "-c", PARENT)
        child = int(started.line())
        folder = processes.folder
    assert started.process.returncode == -signal.SIGKILL
    assert gone(child)
    assert not folder.exists()


def test_an_error_ends_everything_too():
    def fails():
        with Processes() as processes:
            running.append(processes.start(sys.executable, "-c", PARENT))
            running[0].line()
            raise ZeroDivisionError

    running = []
    with pytest.raises(ZeroDivisionError):
        fails()
    (started,) = running
    assert started.process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_the_whole_group(number):
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    child = int(owner.stdout.readline())
    owner.send_signal(number)
    owner.wait(20)
    owner.stdout.close()
    assert gone(child)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of the death of its parent")
def test_who_is_killed_takes_what_it_has_started_along():
    owner = subprocess.Popen(
        [
            sys.executable,
            "-c",
            OWNER.replace("import subprocess, sys", "import os, subprocess, sys; print(os.getpid())"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    parent = int(owner.stdout.readline())
    owner.kill()
    owner.wait()
    owner.stdout.close()
    assert gone(parent)


def test_a_process_that_says_nothing_is_told_of_with_the_end_of_its_log():
    with Processes() as processes:
        started = processes.start(sys.executable, "-c", "raise SystemExit('the disk is on fire')", name="store")
        with pytest.raises(RuntimeError, match=r"store said nothing for .* its log ends: the disk is on fire"):
            started.ready()


def test_a_server_that_ends_instead_of_listening_is_told_of():
    with Processes() as processes, pytest.raises(RuntimeError, match=r"does not listen on port .*: no such luck"):
        processes.served(sys.executable, "-c", "raise SystemExit('no such luck')", port=free_port())


def test_a_benchmark_that_fails_is_a_row_that_says_so(tmp_path):
    unknown = Benchmark("no such benchmark", "about nothing", lambda settings: [], 0.1)
    (row,) = Runner(tmp_path).rows(unknown, Settings())
    assert (row.name, row.benchmark, row.value) == ("no such benchmark", "no such benchmark", None)
    assert row.error == "KeyError: 'no such benchmark'"


def test_a_benchmark_that_hangs_is_ended_and_says_so(tmp_path):
    hanging = Benchmark("arrays", "about arrays", lambda settings: [], 0.1, limit_seconds=0.2)
    (row,) = Runner(tmp_path).rows(hanging, Settings(seconds=0, rounds=0))
    assert row.error == "not done in 0 s, ended"
    assert list(tmp_path.iterdir()) == []


def test_memory_and_processor_time_of_a_process_can_be_read():
    assert resident_bytes(os.getpid()) > 1 << 20
    before = time.process_time()
    assert before <= cpu_seconds(os.getpid()) <= time.process_time()
