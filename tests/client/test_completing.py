"""What shells offer on TAB, asked as each of them asks; and bash itself, where it is new enough."""

import os
import shutil
import subprocess
import sys

import pytest

from wiretask_client.completing import SHELLS

QUEUES = {"queues": [{"name": name, "mode": "open", "ready": 3} for name in ("mail", "mailing", "images")]}


@pytest.fixture
def offered(http):
    """What is offered behind some words, to a shell that asks as click's script for it does."""
    http.answers["GET", "/api/queues"] = QUEUES
    http.answers["GET", "/api/workers"] = {"workers": [{"name": "blue:1", "running": 1, "concurrency": 4}]}

    def ask(shell, *words, **environment):
        line = " ".join(("wiretask", *words))
        asked = {"_WIRETASK_COMPLETE": f"{shell}_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words))}
        if shell == "fish":
            asked["COMP_CWORD"] = words[-1]
        done = subprocess.run(
            [sys.executable, "-m", "wiretask_client"],
            env={**os.environ, "WIRETASK_HTTP": http.url, **asked, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.strip()

    return ask


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_flags_and_names_are_offered(offered, shell):
    for words, expected in (
        (("sched",), "schedules"),
        (("tasks", "ca"), "cancel"),
        (("queues", "--out"), "--output"),
        (("tasks", "list", "--state", "de"), "dead"),
        (("queue", "pause", "mai"), "mailing"),
        (("workers", "bl"), "blue:1"),
    ):
        assert expected in offered(shell, *words).replace("\\:", ":"), words


def test_names_that_do_not_fit_are_not_offered(offered):
    assert offered("bash", "queue", "pause", "mai").split() == ["plain,mail", "plain,mailing"]
    assert offered("bash", "queue", "pause", "x") == ""


@pytest.mark.parametrize("shell", SHELLS)
def test_where_no_scheduler_answers_nothing_is_offered_and_nothing_is_said(offered, shell):
    assert offered(shell, "queue", "pause", "mai", WIRETASK_HTTP="http://127.0.0.1:1") == ""
    assert offered(shell, "workers", "b", WIRETASK_HTTP="nonsense:") == ""


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_a_script_that_names_the_program(wiretask, shell):
    done = wiretask(f"completion {shell}")
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"_WIRETASK_COMPLETE={shell}_complete" in done.stdout
    if path := shutil.which(shell):
        subprocess.run([path, "-n"], input=done.stdout, text=True, check=True, timeout=60)


def test_another_shell_is_refused_with_those_that_there_are(wiretask):
    done = wiretask("completion tcsh")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "'bash', 'zsh', 'fish'" in done.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="SKIPPED: this machine has no bash")
def test_bash_completes_with_it(wiretask, http, tmp_path):
    http.answers["GET", "/api/queues"] = QUEUES
    script = tmp_path / "completion.bash"
    script.write_text(wiretask("completion bash").stdout)
    program = tmp_path / "wiretask"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m wiretask_client "$@"\n')
    program.chmod(0o755)
    lines = f"""
        PATH={tmp_path}:$PATH; source {script}
        COMP_WORDS=(wiretask queue pause ima); COMP_CWORD=3
        _wiretask_completion wiretask; echo "${{COMPREPLY[@]}}"; complete -p wiretask
    """
    environment = {**os.environ, "WIRETASK_HTTP": http.url}
    done = subprocess.run(
        ["bash", "-c", lines], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[0] == "images"
    assert "-F _wiretask_completion wiretask" in done.stdout
