"""The command as a process: what it prints, how it ends, and how it refuses."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

pytestmark = [pytest.mark.processes, pytest.mark.slow]


class Process:
    """A scheduler that is started in a folder."""

    def __init__(self, folder, *arguments, environment=None):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "wiretask_scheduler", *arguments],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ready(self):
        """Its address."""
        word, _, address = self.process.stdout.readline().strip().partition(" ")
        assert word == "ready"
        host, _, port = address.rpartition(":")
        return host, int(port)

    def end(self, *signals):
        """Its exit code and what it wrote, after these signals."""
        for number in signals:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@pytest.fixture
def start(tmp_path):
    started = []

    def start(*arguments, **rest):
        started.append(Process(tmp_path, *arguments, **rest))
        return started[-1]

    yield start
    for process in started:
        process.process.kill()
        process.process.communicate()


QUIET = ("--listen", "127.0.0.1:0", "--http", "off")


def refusal(process):
    """The one line that a scheduler leaves which cannot begin."""
    code, out, err = process.end()
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    return line.removeprefix("wiretask-scheduler: ")


def test_it_says_ready_once_and_ends_with_0_on_sigterm(start, tmp_path):
    process = start(*QUIET)
    host, port = process.ready()
    with socket.create_connection((host, port)) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert peer.recv(100).startswith(b"HTTP/1.1 400")
    code, out, err = process.end(signal.SIGTERM)
    assert (code, out) == (0, "")
    assert "stopping: goodbye to all, commit, exit" in err
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["wiretask.db", "wiretask.db.lock"]


def test_ctrl_c_ends_it_the_same_way(start):
    process = start(*QUIET, "--store", "memory:")
    process.ready()
    code, _, err = process.end(signal.SIGINT)
    assert code == 0
    assert "Traceback" not in err


def test_settings_come_from_the_file_and_the_environment(start, tmp_path):
    (tmp_path / "wiretask.toml").write_text('[scheduler]\nstore = "sqlite:mine.db"\nhttp = "127.0.0.1:0"\n')
    process = start("--config", "wiretask.toml", environment={"WIRETASK_SCHEDULER_LISTEN": "127.0.0.1:0"})
    process.ready()
    address = next(line for line in process.process.stderr if "http://" in line).split()[-1]
    with urllib.request.urlopen(f"{address}/healthz", timeout=10) as answer:
        assert answer.read() == b"ok\n"
    assert process.end(signal.SIGTERM)[0] == 0
    assert (tmp_path / "mine.db").exists()


def test_a_second_scheduler_on_the_file_is_told_who_holds_it(start):
    first = start(*QUIET)
    first.ready()
    assert f"wiretask.db is in use by process {first.process.pid} on " in refusal(start(*QUIET))
    first.end(signal.SIGKILL)
    after = start(*QUIET)
    after.ready()
    assert after.end(signal.SIGTERM)[0] == 0


def test_a_port_in_use_is_said(start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refusal(start("--listen", f"127.0.0.1:{port}", "--http", "off"))
        assert "address already in use; stop what listens there or choose another port" in line
        assert str(port) in line
        line = refusal(start("--listen", "127.0.0.1:0", "--http", f"127.0.0.1:{port}"))
        assert "address already in use" in line
        assert str(port) in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--listen", "9001"), "is no address; write HOST:PORT"),
        (("--listen", "0.0.0.0:0"), "or say --insecure"),
        (("--store", "redis:"), "is no store"),
        (("--store", "sqlite:missing/tasks.db"), "missing is no folder; create it"),
        (("--config", "missing.toml"), "missing.toml: No such file or directory"),
        (("--log-level", "loud"), "--log-level: 'loud' is not one of"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_2(start, arguments, words):
    assert words in refusal(start(*arguments))


def test_an_unknown_option_is_exit_2(start):
    code, out, err = start("--lisen", "x").end()
    assert (code, out) == (2, "")
    assert "Did you mean" in err
    assert "'--listen'" in err


def test_settings_are_checked_and_printed_and_nothing_is_started(start, tmp_path):
    (tmp_path / "wiretask.toml").write_text("[scheduler]\ncrash_limit = 5\n")
    assert start("--config", "wiretask.toml", "--check-config").end() == (0, "ok\n", "")
    code, out, err = start("--config", "wiretask.toml", "--print-config", "--store", "memory:").end()
    assert (code, err) == (0, "")
    assert "crash_limit = 5  # wiretask.toml\n" in out
    assert 'store = "memory:"  # --store\n' in out
    assert refusal(start("--check-config", "--tokens", "absent")) == (
        "absent: No such file or directory; check the setting tokens"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["wiretask.toml"]


def test_sighup_takes_what_it_can_and_what_is_wrong_changes_nothing(start, tmp_path):
    file = tmp_path / "wiretask.toml"
    file.write_text("[scheduler]\n")
    process = start(*QUIET, "--store", "memory:", environment={"WIRETASK_CONFIG": "wiretask.toml"})
    process.ready()

    def hangup(text):
        file.write_text(text)
        process.process.send_signal(signal.SIGHUP)
        return process.process.stderr.readline().rstrip("\n")

    assert hangup("[scheduler\n").partition(" ERROR ")[2].startswith("nothing is reloaded: wiretask.toml is not TOML: ")
    said = hangup("[scheduler]\nlog_format = 'json'\ntokens = 'absent'\n")
    assert said.endswith("nothing is reloaded: absent: No such file or directory; check the setting tokens")
    said = hangup("[scheduler]\nlog_format = 'json'\nrecurring.x = { type = 'x', cron = 'never' }\n")
    assert "ERROR nothing is reloaded: recurring.x: " in said
    said = json.loads(hangup("[scheduler]\nlog_format = 'json'\nqueue_length_limit = 5\nframe_limit = 65536\n"))
    assert said["event"] == (
        "reloaded: log_format, queue_length_limit, nobody has to prove who he is; this takes a restart: frame_limit"
    )
    code, _, err = process.end(signal.SIGTERM)
    assert code == 0
    assert [json.loads(line)["level"] for line in err.splitlines()] == ["info"]


def test_a_reload_does_not_open_a_scheduler_to_everybody(start, tmp_path):
    tokens = tmp_path / "tokens.toml"
    tokens.write_text(f"[k]\ntoken = '{'t' * 40}'\nroles = ['client']\n")
    tokens.chmod(0o600)
    file = tmp_path / "wiretask.toml"
    file.write_text("[scheduler]\nlisten = '0.0.0.0:0'\ntokens = 'tokens.toml'\n")
    process = start("--config", "wiretask.toml", "--http", "off", "--store", "memory:")
    process.ready()
    file.write_text("[scheduler]\nlisten = '127.0.0.1:0'\n")
    process.process.send_signal(signal.SIGHUP)
    said = process.process.stderr.readline()
    assert "ERROR nothing is reloaded: 0.0.0.0 can be reached from other machines" in said
    process.end(signal.SIGTERM)
