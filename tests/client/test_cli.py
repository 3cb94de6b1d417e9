"""The command line, through click's runner where that is enough and as a process where it is not."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner

from wiretask_client import patience
from wiretask_client.cli import main
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import Await, Cancel, Submit

NOBODY = "0190aaaa-bbbb-7ccc-8ddd-eeeeffff37a8"
HELLO = "dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f"


@pytest.fixture
def wiretask(served):
    """Runs a command against the fake scheduler, in this process."""

    def run(*args, stdin=None):
        return CliRunner(env={"WIRETASK_SCHEDULER": served.address}).invoke(main, args, input=stdin)

    return run


@pytest.fixture
def process(served):
    """Starts a command as a process of its own, with pipes."""
    with ExitStack() as stack:

        def start(*args, **more):
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
            environment = {**os.environ, "WIRETASK_SCHEDULER": served.address}
            started = subprocess.Popen([sys.executable, "-m", "wiretask_client", *args], env=environment, **pipes)
            stack.callback(started.wait, 20)
            for pipe in (started.stdin, started.stdout, started.stderr):
                if pipe is not None:
                    stack.callback(pipe.close)
            return started

        yield start


def submits(served):
    return served.scheduler.of(Submit)


def id_of(submit):
    return submit.task_id.hex()


def read_all(terminal):
    """What has been written to a terminal until its other end was closed."""
    seen = b""
    try:
        while octets := os.read(terminal, 65536):
            seen += octets
    except OSError:
        pass  # that is how Linux says that the other end is closed
    os.close(terminal)
    return seen


# submit


def test_submit_prints_the_digest(wiretask):
    done = wiretask("submit", "Hello, World!")
    assert (done.exit_code, done.stdout, done.stderr) == (0, HELLO + "\n", "")


def test_submit_takes_json_arguments(wiretask):
    assert wiretask("submit", "--type", "add", "--json", "[2, 3]").stdout == "5\n"
    assert wiretask("submit", "--type", "echo", "--json", '{"a": "x"}').stdout == '{"a":"x"}\n'


def test_a_raw_result_is_printed_byte_for_byte(wiretask):
    done = wiretask("submit", "--type", "echo", os.fsdecode(b"\xff\n"))
    assert done.stdout_bytes == b"\xff\n\n"
    done = wiretask("submit", "-n", "--type", "echo", os.fsdecode(b"\xff\n"))
    assert done.stdout_bytes == b"\xff\n"


def test_a_dash_in_front_is_text_after_two_dashes(wiretask):
    assert wiretask("submit", "--type", "echo", "--", "--json").stdout == "--json\n"
    assert wiretask("submit", "--type", "echo", "").stdout == "\n"


def test_options_reach_the_scheduler(wiretask, served):
    done = wiretask(
        *("submit", "x", "--queue", "mail", "--priority", "9", "--max-attempts", "3", "--time-limit", "1.5"),
        *("--delay", "0.001", "--expires-in", "60", "--retention", "5", "--retry-delay", "2", "--note", "why"),
        *("--header", "a=1", "--header", "b=2=3"),
    )
    assert done.exit_code == 0
    (submit,) = submits(served)
    assert (submit.priority, submit.max_attempts, submit.time_limit, submit.delay) == (9, 3, 1500, 1)
    assert (submit.expires_in, submit.retention, submit.retry.base, submit.note) == (60000, 5000, 2000, "why")
    assert served.scheduler.routes[submit.task_id] == ("sha256", "mail")


def test_no_wait_prints_the_id_of_a_durable_task(wiretask, served):
    done = wiretask("submit", "--no-wait", "--type", "later", "x")
    (submit,) = submits(served)
    assert done.stdout.strip().replace("-", "") == id_of(submit)
    assert submit.flags == 0


def test_a_failed_task_is_one_line_and_exit_code_1(wiretask):
    done = wiretask("submit", "--type", "fail", "x")
    assert (done.exit_code, done.stdout) == (1, "")
    assert re.fullmatch(r"wiretask: ValueError: it is wrong \(task [-0-9a-f]{36}\)\n", done.stderr)


def test_the_traceback_of_a_failed_task_is_shown_on_request(wiretask):
    assert wiretask("submit", "--type", "fail", "x", "--traceback").stderr.startswith("Traceback: here\n")


def test_what_a_peer_says_cannot_move_the_cursor(wiretask, served):
    served.scheduler.work = lambda envelope: (2, b"\0\1\0\2\0\0\0\x07a\x1b[2J\nb\0\0\0\0")
    assert "a\\x1b[2J\\nb" in wiretask("submit", "x").stderr


def test_a_refused_task_is_one_line_and_exit_code_1(wiretask, served):
    def refuse(peer, message):
        if isinstance(message, Submit):
            peer.refuse(message, ErrorCode.STORE_FULL)
        return False

    served.scheduler.on_message = refuse
    done = wiretask("submit", "x")
    assert done.exit_code == 1
    assert done.stderr.endswith("free space on its disk [STORE_FULL]\n")
    assert done.stderr.count("\n") == 1


def test_a_wait_that_is_over_is_exit_code_4(wiretask, served):
    done = wiretask("submit", "--type", "later", "--wait", "0.01", "x")
    assert done.exit_code == 4
    assert "it goes on" in done.stderr


def test_why_a_task_waits_is_told_after_a_while_and_once(wiretask, served, monkeypatch):
    monkeypatch.setattr(patience, "FIRST_SECONDS", 0)
    monkeypatch.setattr(patience, "NEXT_SECONDS", 0.001)
    done = wiretask("submit", "--type", "later", "--wait", "0.1", "x")
    why, over = done.stderr.splitlines()
    assert "the task waits: no connected worker knows the type later (unknown_type" in why
    assert "not finished" in over


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["submit"], "give one of TEXT, --json or --lines"),
        (["submit", "x", "--json", "[]"], "give one of"),
        (["submit", "--json", "3"], "must be an array"),
        (["submit", "--json", "{"], "is not JSON"),
        (["submit", "x", "--priority", "10"], "priority"),
        (["submit", "x", "--priority", "high"], "--priority"),
        (["submit", "x", "--type", "a b"], "type"),
        (["submit", "x", "--max-attempts", "0"], "max_attempts"),
        (["submit", "x", "--delay", "-1"], "is not a number of seconds"),
        (["submit", "x", "--delay", "nan"], "is not a number of seconds"),
        (["submit", "x", "--wait", "soon"], "is not a number of seconds"),
        (["submit", "x", "--header", "a"], "write NAME=VALUE"),
        (["submit", "x", "--scheduler", "a:b"], "write HOST:PORT"),
        (["submit", "x", "y"], "unexpected extra argument"),
        (["submit", "--lines", "/nonexistent"], "cannot read /nonexistent"),
        (["submit", "--lines", "/"], "cannot read /"),
        (["submit", "--lines", "/dev/null", "-n"], "leave it out with --lines"),
        (["status", "x"], "is not a task id"),
        (["result"], "Missing argument"),
        (["cancel", NOBODY + "0"], "is not a task id"),
        ([], "Missing command"),
        (["nothing"], "No such command"),
        (["ping", "--nothing"], "No such option"),
    ],
)
def test_bad_usage_is_one_line_that_says_what_to_do_and_exit_code_2(wiretask, args, words):
    done = wiretask(*args)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("wiretask: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


def test_the_environment_can_be_wrong_too(wiretask):
    done = CliRunner(env={"WIRETASK_SCHEDULER": "a:b"}).invoke(main, ["ping"])
    assert (done.exit_code, "write HOST:PORT" in done.stderr) == (2, True)


@pytest.mark.parametrize("command", [["ping"], ["submit", "x"], ["submit", "--lines", "-"], ["result", NOBODY]])
def test_nobody_there_is_one_line_and_exit_code_3(wiretask, command):
    done = wiretask(*command, "--scheduler", "127.0.0.1:1", "--timeout", "0.01")
    assert done.exit_code == 3
    assert done.stderr.startswith(
        "wiretask: no scheduler answers at 127.0.0.1:1 (connection refused; tried for 0.01 s)"
    )
    assert done.stderr.count("\n") == 1


def test_help_and_version_are_there(wiretask):
    assert "Submit a task and print its result" in wiretask("submit", "--help").stdout
    assert "wiretask 0." in wiretask("--version").stdout
    for command in ("submit", "result", "status", "cancel", "ping"):
        assert "--scheduler" in wiretask(command, "-h").stdout
        assert "--timeout" in wiretask(command, "-h").stdout


# --lines


def test_lines_are_tasks_and_results_come_in_order(wiretask, tmp_path):
    path = tmp_path / "lines"
    path.write_bytes(b"".join(b"%d\n" % number for number in range(5000)))
    done = wiretask("submit", "--type", "echo", "--lines", str(path))
    assert (done.exit_code, done.stdout_bytes) == (0, path.read_bytes())


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        (b"", b""),
        (b"a", b"a\n"),
        (b"a\n", b"a\n"),
        (b"a\nb", b"a\nb\n"),
        (b"\n\n", b"\n\n"),
        (b" a \r\n", b" a \r\n"),
        (b"\xff\0\n", b"\xff\0\n"),
    ],
)
def test_only_the_newline_is_taken_off_a_line(process, given, printed):
    done = process("submit", "--type", "echo", "--lines", "-")
    assert done.communicate(given, timeout=20) == (printed, b"")
    assert done.returncode == 0


def test_a_failed_line_prints_empty_and_its_error_goes_to_stderr(process):
    done = process("submit", "--type", "fail_odd", "--lines", "-")
    out, err = done.communicate(b"1\n2\n3\n4\n", timeout=20)
    assert (done.returncode, out) == (1, b"\n2\n\n4\n")
    assert re.fullmatch(rb"wiretask: line 1: ValueError: 1 is odd .*\nwiretask: line 3: ValueError: 3 is odd .*\n", err)


def test_the_traceback_of_a_failed_line_is_shown_on_request(process):
    done = process("submit", "--type", "fail", "--traceback", "--lines", "-")
    _, err = done.communicate(b"1\n", timeout=20)
    assert err.splitlines()[1] == b"wiretask: Traceback: here"


def test_lines_that_are_not_all_finished_in_time_are_exit_code_4(wiretask, served, monkeypatch, tmp_path):
    monkeypatch.setattr(patience, "FIRST_SECONDS", 0.01)
    path = tmp_path / "lines"
    path.write_bytes(b"1\n2\n")
    done = wiretask("submit", "--type", "later", "--wait", "0.2", "--lines", str(path))
    assert (done.exit_code, done.stdout) == (4, "")
    why, over = done.stderr.splitlines()
    assert "the task waits: no connected worker knows the type later" in why
    assert id_of(submits(served)[0]) in why.replace("-", "")
    assert over == "wiretask: not all are finished after 0.2 s; what was sent goes on"


def test_lines_without_waiting_print_ids(process, served):
    done = process("submit", "--type", "later", "--no-wait", "--lines", "-")
    out, _ = done.communicate(b"a\nb\n", timeout=20)
    assert out.decode().replace("-", "").split() == [id_of(submit) for submit in submits(served)]


def test_json_results_stay_on_their_line(process, served):
    served.scheduler.work = lambda envelope: (1, b"\1\0\0\0\0\x06[1,\n2]")
    done = process("submit", "--lines", "-")
    assert done.communicate(b"a\n", timeout=20)[0] == b"[1, 2]\n"


def test_results_are_printed_before_the_input_has_ended(process):
    done = process("submit", "--type", "echo", "--lines", "-")
    for line in (b"first\n", b"second\n"):
        done.stdin.write(line)
        done.stdin.flush()
        assert done.stdout.readline() == line
    assert done.communicate(timeout=20) == (b"", b"")


def test_an_output_that_nobody_reads_ends_the_command_quietly(process, tmp_path):
    path = tmp_path / "lines"
    path.write_bytes(b"some text\n" * 100_000)
    done = process("submit", "--type", "echo", "--lines", str(path))
    assert done.stdout.readline() == b"some text\n"
    done.stdout.close()
    assert done.stderr.read() == b""
    assert done.wait(20) == 1


def test_results_on_the_same_terminal_are_not_mixed_with_the_bar(process, tmp_path):
    path = tmp_path / "lines"
    path.write_bytes(b"1\n2\n3\n")
    ours, theirs = os.openpty()
    done = process("submit", "--type", "echo", "--lines", str(path), stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = read_all(ours)
    assert done.wait(20) == 0
    assert [line[-1:] for line in seen.replace(b"\r", b"").split(b"\n") if line[-1:] in b"123"] == [b"1", b"2", b"3"]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["submit x", "submit --lines /dev/null", "submit --lines -"])
def test_closed_descriptors_do_no_harm(served, closed, command):
    line = f"{sys.executable} -m wiretask_client {command} --scheduler {served.address} {closed}"
    done = subprocess.run(["sh", "-c", line], capture_output=True, stdin=subprocess.DEVNULL, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("command", [["submit", "x"], ["submit", "--lines", __file__]])
def test_an_output_that_is_full_is_one_line(process, command):
    with Path("/dev/full").open("wb") as full:
        done = process(*command, stdout=full)
        assert done.wait(20) == 1
    assert done.stderr.read() == b"wiretask: the output: No space left on device\n"


def test_a_terminal_gets_a_progress_bar_and_the_output_stays_clean(process, tmp_path):
    path = tmp_path / "lines"
    path.write_bytes(b"1\n2\n3\n")
    ours, theirs = os.openpty()
    done = process("submit", "--type", "fail_odd", "--lines", str(path), stderr=theirs)
    os.close(theirs)
    seen = read_all(ours)
    assert done.stdout.read() == b"\n2\n\n"
    assert done.wait(20) == 1
    assert b"3/3" in seen
    assert b"line 3: ValueError: 3 is odd" in seen.replace(b"\r\n", b" ").replace(b"\x1b[1m", b"")


# The others


def test_a_result_is_had_by_its_id(wiretask):
    task_id = wiretask("submit", "--no-wait", "Hello, World!").stdout.strip()
    assert wiretask("result", task_id).stdout == HELLO + "\n"
    assert wiretask("result", task_id.replace("-", ""), "--wait", "5").stdout == HELLO + "\n"


def test_a_result_that_is_not_there_yet_is_exit_code_4(wiretask, served):
    task_id = wiretask("submit", "--no-wait", "--type", "later", "x").stdout.strip()
    done = wiretask("result", task_id, "--wait", "0")
    assert (done.exit_code, done.stdout) == (4, "")
    assert f"the task {task_id} is not finished" in done.stderr
    assert len(served.scheduler.of(Await)) <= 1


@pytest.mark.parametrize("command", ["result", "status", "cancel"])
def test_an_unknown_id_is_exit_code_4(wiretask, command):
    done = wiretask(command, NOBODY)
    assert (done.exit_code, done.stdout) == (4, "")
    assert done.stderr == "wiretask: no task with this id is known; it may have been forgotten [UNKNOWN_TASK]\n"


def test_a_status_is_told_to_people_and_to_programs(wiretask):
    task_id = wiretask("submit", "--no-wait", "--type", "later", "x").stdout.strip()
    lines = wiretask("status", task_id).stdout.splitlines()
    assert f"id            {task_id}" in lines
    assert "reason        unknown_type" in lines
    found = json.loads(wiretask("status", "--json", task_id).stdout)
    assert (found["id"], found["state"], found["type"]) == (task_id, "ready", "later")


def test_a_cancelled_task_says_what_has_become_of_it(wiretask, served):
    task_id = wiretask("submit", "--no-wait", "--type", "later", "x").stdout.strip()
    assert wiretask("cancel", "--hard", task_id).stdout == "succeeded\n"  # the fake knows no better word
    assert served.scheduler.of(Cancel)[0].mode == 2
    done = wiretask("result", task_id)
    assert (done.exit_code, "was cancelled" in done.stderr) == (1, True)


def test_cancelling_a_running_task_says_that_its_worker_was_asked(wiretask, served):
    task_id = wiretask("submit", "--no-wait", "--type", "later", "x").stdout.strip()
    served.scheduler.finish = lambda *_: None  # it takes its time
    assert wiretask("cancel", task_id).stdout == "ready: its worker has been asked to stop it\n"


def test_ping_says_how_fast_the_scheduler_answers(wiretask, served):
    assert re.fullmatch(rf"{re.escape(served.address)} answers in \d+\.\d ms\n", wiretask("ping").stdout)


def test_an_interrupt_is_exit_code_130_and_says_that_the_task_goes_on(process, served):
    waiting = process("submit", "--type", "later", "x")
    deadline = time.monotonic() + 20
    while not served.scheduler.routes and time.monotonic() < deadline:
        time.sleep(0.005)
    waiting.send_signal(signal.SIGINT)
    out, err = waiting.communicate(timeout=20)
    assert (waiting.returncode, out) == (130, b"")
    assert re.fullmatch(rb"wiretask: interrupted; the task goes on: wiretask result [-0-9a-f]{36}\n", err)


@pytest.mark.parametrize("stdin", [subprocess.PIPE, "pty"])
def test_an_interrupt_while_lines_are_awaited_leaves_at_once(process, served, stdin):
    ours, theirs = os.openpty()
    waiting = process("submit", "--lines", "-", stdin=theirs if stdin == "pty" else stdin)
    deadline = time.monotonic() + 20
    while not served.scheduler.peers and time.monotonic() < deadline:
        time.sleep(0.005)
    waiting.send_signal(signal.SIGINT)
    assert waiting.wait(20) == 130
    assert waiting.stderr.read() == b""
    os.close(ours)
    os.close(theirs)


def test_a_scheduler_that_goes_away_for_good_is_exit_code_3(process, served):
    waiting = process("submit", "--type", "later", "--timeout", "0.1", "x")
    deadline = time.monotonic() + 20
    while not served.scheduler.routes and time.monotonic() < deadline:
        time.sleep(0.005)
    served.run(served.scheduler.stop())
    _, err = waiting.communicate(timeout=20)
    assert (waiting.returncode, err.count(b"\n")) == (3, 1)
    served.run(served.scheduler.start())


def test_the_command_line_loads_quickly_because_it_loads_little():
    fast = {**os.environ, "WIRETASK_CODEC": "fast"}
    slow = {"rich", "uvloop", "construct", "importlib.metadata"}
    code = f"import sys, wiretask_client.cli; print({slow} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=fast).stdout == b"set()\n"
