"""The suite as a program: what it says, and with which code it ends. Errors of users are one line each."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import wiretask_conformance

pytestmark = [pytest.mark.processes, pytest.mark.slow]

PROGRAM = [sys.executable, "-m", "wiretask_conformance"]
README = Path(wiretask_conformance.__file__).parents[1] / "README.md"
#: Says its name, and does not know how to do anything.
SKIPS = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    answer = {"implementation": {"name": "x"}} if request["op"] == "start" else {"skipped": "not yet"}
    print(json.dumps({"seq": request["seq"], **answer}), flush=True)
"""
#: Refuses everything with an error that there is not.
REFUSES = SKIPS.replace('{"skipped": "not yet"}', '{"error": "NO"}')


class Ended(NamedTuple):
    """How the program has ended."""

    code: int
    out: str
    err: str


def suite(*words: str | Path) -> Ended:
    done = subprocess.run(
        [*PROGRAM, *map(str, words)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
        start_new_session=True,
        timeout=60,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def says(*words: str | Path, code: int) -> str:
    """The one line that a user gets for an error, without the name of the program."""
    ended = suite(*words)
    assert (ended.code, ended.out) == (code, "")
    (line,) = ended.err.splitlines()
    before, _, said = line.partition(": ")
    assert before == "wiretask-conformance"
    return said


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, with three adapters in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    for name, text in {"skips.py": SKIPS, "refuses.py": REFUSES, "readme.py": of_the_readme()}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def of_the_readme() -> str:
    """The adapter that the page shows."""
    return README.read_text().partition("## A complete adapter")[2].partition("```python\n")[2].partition("```")[0]


def adapter(name: str) -> list[str]:
    return ["--", sys.executable, name]


# 0: conformant, and everything that is no run


def test_the_adapter_of_the_page_has_its_first_green_case() -> None:
    ended = suite("codec", "--run", "Accepted/many", *adapter("readme.py"))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-2:] == ["conformant", "1 passed, 0 failed, 0 not applicable"]


@pytest.mark.parametrize("words", [["--help"], ["codec", "--help"], ["both", "--help"], ["--version"]])
def test_who_asks_for_help_gets_it_on_standard_output(words: list[str]) -> None:
    ended = suite(*words)
    assert (ended.code, ended.err) == (0, "")
    assert "wiretask-conformance" in ended.out


@pytest.mark.parametrize("role", ["codec", "worker", "client", "scheduler", "both"])
def test_the_cases_are_named_without_an_adapter(role: str) -> None:
    ended = suite(role, "--list")
    names = [line.split("  ")[1] for line in ended.out.splitlines()]
    assert (ended.code, ended.err) == (0, "")
    assert len(set(names)) == len(names) > 1


def test_a_listed_case_can_be_chosen_by_its_id_and_be_explained() -> None:
    (line,) = suite("worker", "--list", "--run", "cell/worker/accepted/Hello.ping").out.splitlines()
    identifier = line.partition("  ")[0]
    assert suite("worker", "--list", "--run", identifier).out.splitlines() == [line]
    assert suite("explain", identifier).out.startswith(line)


def test_the_data_is_copied_and_counted(here: Path) -> None:
    ended = suite("copy", here / "data")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"{len(suite('codec', '--list').out.splitlines())} cases in {here / 'data'}\n"


def test_reports_are_written_and_a_matrix_is_made_of_them(here: Path) -> None:
    ended = suite("codec", "--run", "Accepted/many", "--report", "a/b", *adapter("readme.py"))
    assert ended.out.splitlines()[-1] == "reports: a/b/index.html"
    assert {path.name for path in (here / "a" / "b").iterdir()} == {"results.json", "junit.xml", "index.html"}
    assert suite("matrix", "a/b/results.json", "--output", "page.html") == Ended(0, "", "")
    assert suite("matrix", "a/b/results.json").out == (here / "page.html").read_text() + "\n"


def test_who_reads_no_more_is_not_told_of_it() -> None:
    """A pipe to `head`: all the cases are more than it holds, and the coverage is less."""
    for words in (["codec", "--list"], ["explain", "Accepted/many"]):
        read, write = os.pipe()
        os.close(read)
        process = subprocess.Popen(
            [*PROGRAM, *words], stdout=write, stderr=subprocess.PIPE, encoding="utf-8", start_new_session=True
        )
        os.close(write)
        _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")


# 1: the implementation is wrong


def test_a_codec_that_refuses_everything_is_wrong() -> None:
    ended = suite("codec", "--run", "Accepted/*", *adapter("refuses.py"))
    assert (ended.code, ended.err) == (1, "")
    assert "not conformant" in ended.out.splitlines()


def test_a_verdict_that_changes_is_wrong(here: Path) -> None:
    """It knows a message the first time that it runs, and refuses whatever it is asked from then on."""
    (here / "once.py").write_text(
        "import os\n"
        "program = 'refuses.py' if os.path.exists('ran') else 'readme.py'\n"
        "open('ran', 'w').close()\n"
        "exec(open(program).read())\n"
    )
    ended = suite("codec", "--run", "Accepted/many", "--times", "3", *adapter("once.py"))
    assert (ended.code, ended.err) == (1, "")
    assert "  UNSTEADY Accepted/many: pass, fail, fail" in ended.out.splitlines()
    assert ended.out.splitlines()[-1] == "0 of 1 cases had the same verdict 3 times"


# 2: usage, and lists that are wrong


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nobody"],
        ["codec", "stray"],
        ["codec", "stray", "--", "x"],
        ["codec", "--nothing", "--", "x"],
        ["codec", "--run"],
        ["codec", "--known", "--", "x"],
        ["codec", "--scale", "fast", "--", "x"],
        ["codec", "--scale", "0", "--", "x"],
        ["codec", "--scale", "-1", "--", "x"],
        ["codec", "--scale", "nan", "--", "x"],
        ["codec", "--scale", "inf", "--", "x"],
        ["codec", "--scale", "1e999", "--", "x"],
        ["codec", "--times", "0", "--", "x"],
        ["codec", "--times", "-3", "--", "x"],
        ["codec", "--times", "1.5", "--", "x"],
        ["explain"],
        ["explain", "a", "b"],
        ["matrix"],
        ["copy"],
        ["coverage", "x"],
    ],
    ids=" ".join,
)
def test_bad_usage_is_shown_the_usage(words: list[str]) -> None:
    ended = suite(*words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("usage: wiretask-conformance")
    assert "Traceback" not in ended.err
    assert "error: " in ended.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("codec", "after -- comes the command of the adapter; conformance/README.md says what it answers"),
        ("worker --", "after -- comes the command of the adapter; conformance/README.md says what it answers"),
        ("both -- x", "both takes two commands, with ---- between them: the client's and the scheduler's"),
        ("both -- x ----", "both takes two commands, with ---- between them: the client's and the scheduler's"),
        ("both -- ---- x", "both takes two commands, with ---- between them: the client's and the scheduler's"),
        ("both -- ----", "both takes two commands, with ---- between them: the client's and the scheduler's"),
        ("codec --update-known -- x", "--update-known writes the list that --known names"),
        ("explain xyzzy", "there is no case xyzzy; --list of a role names them all"),
        ("codec --run Nothing/**", "--run Nothing/** is no case of a codec; `codec --list` names them"),
        (
            "codec --list --run accepted",
            "--run accepted is no case of a codec; did you mean Accepted/**? `codec --list` names them",
        ),
        (
            "worker --list --run ** --run **/",
            "--run **/ is no case of a worker; did you mean **? `worker --list` names them",
        ),
        ("codec --report skips.py -- x", "skips.py: File exists; --report names a folder that can be written"),
        (
            "codec --report skips.py/under -- x",
            "skips.py/under: Not a directory; --report names a folder that can be written",
        ),
        (
            "codec --report taken -- x",
            "taken/junit.xml: Is a directory; --report names a folder that can be written",
        ),
        ("codec --known . --update-known -- x", ".: Is a directory; give a list of known failures"),
        (
            "codec --known no/known --update-known -- x",
            "no/known: No such file or directory; --known names a file that can be written",
        ),
        ("codec --known nowhere -- x", "nowhere: No such file or directory; give a list of known failures"),
        ("codec --known . -- x", ".: Is a directory; give a list of known failures"),
        ("codec --known latin-1 -- x", "latin-1: is not UTF-8; write it in UTF-8"),
        ("codec --list --known nowhere", "nowhere: No such file or directory; give a list of known failures"),
        ("matrix nowhere", "nowhere: No such file or directory; give the results.json of a run"),
        ("matrix .", ".: Is a directory; give the results.json of a run"),
        ("matrix latin-1", "latin-1: is not UTF-8; give the results.json of a run"),
        ("copy skips.py", "skips.py/golden: Not a directory"),
        ("copy skips.py/under", "skips.py/under/golden: Not a directory"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(here: Path, words: str, said: str) -> None:
    (here / "latin-1").write_bytes(b"caf\xe9  # reason\n")
    (here / "taken" / "junit.xml").mkdir(parents=True)
    assert says(*words.split(" "), code=2) == said


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema": "wiretask-conformance-results-2"}'])
def test_what_are_no_results_is_said_in_one_line(here: Path, text: str) -> None:
    (here / "results.json").write_text(text)
    assert says("matrix", "results.json", code=2).startswith("results.json: ")


def test_each_wrong_line_of_a_list_has_a_line_of_its_own(here: Path) -> None:
    (here / "known").write_text("Accepted/many\nAccepted/*  # fine\n** # all\n")
    ended = suite("codec", "--known", "known", *adapter("skips.py"))
    assert (ended.code, ended.out) == (2, "")
    assert [line.split(" ")[:2] for line in ended.err.splitlines()] == [
        ["wiretask-conformance:", "known:1:"],
        ["wiretask-conformance:", "known:3:"],
    ]


@pytest.mark.parametrize("page", ["nowhere/page.html", "."])
def test_a_page_that_cannot_be_written_is_said_in_one_line(page: str) -> None:
    suite("codec", "--run", "Accepted/many", "--report", ".", *adapter("readme.py"))
    assert says("matrix", "results.json", "--output", page, code=2).startswith(page + ": ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_disk_that_is_full_is_said_in_one_line() -> None:
    suite("codec", "--run", "Accepted/many", "--report", ".", *adapter("readme.py"))
    assert says("matrix", "results.json", "--output", "/dev/full", code=2) == "No space left on device"


def test_a_case_of_another_suite_in_the_results_is_said_in_one_line(here: Path) -> None:
    suite("codec", "--run", "Accepted/many", "--report", ".", *adapter("readme.py"))
    text = (here / "results.json").read_text()
    identifier = json.loads(text)["cases"][0]["id"]
    (here / "results.json").write_text(text.replace(identifier, "c-000000"))
    said = says("matrix", "results.json", code=2)
    assert said == "results.json: has a case c-000000 that this suite has not; run the suite again"


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("name", "Accepted/few", '"Accepted/few", and it is "Accepted/many"'),
        ("kind", "scenario", '"scenario", and it is "decode"'),
        ("level", "SHOULD", '"SHOULD", and it is "MUST"'),
        ("requires", ["R-XXX-001"], '["R-XXX-001"], and it is []'),
    ],
)
def test_results_that_say_something_else_of_a_case_are_said_in_one_line(
    here: Path, key: str, value: Any, shown: str
) -> None:
    suite("codec", "--run", "Accepted/many", "--report", ".", *adapter("readme.py"))
    body = json.loads((here / "results.json").read_text())
    body["cases"][0][key] = value
    body["counts"] = {body["cases"][0]["level"]: {"pass": 1}}
    (here / "results.json").write_text(json.dumps(body))
    identifier = body["cases"][0]["id"]
    said = says("matrix", "results.json", code=2)
    assert said == f"results.json: says of the case {identifier} that its {key} is {shown}; run the suite again"


@pytest.mark.parametrize("pattern", ["Nothing/**", "accepted/many", "Accepted", "Accepted/man", "**/"])
def test_a_pattern_of_no_case_is_said_before_anything_is_run(pattern: str) -> None:
    assert says("codec", "--run", "Accepted/many", "--run", pattern, *adapter("readme.py"), code=2).startswith("--run ")


def test_a_pattern_that_is_nearly_a_name_is_offered_it() -> None:
    said = says("codec", "--list", "--run", "acepted/many", code=2)
    assert said.startswith("--run acepted/many is no case of a codec; did you mean Accepted/many or ")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("codec ./my-codec", "codec -- ./my-codec"),
        ("codec --run Accepted/** python3 ./my-codec", "codec --run 'Accepted/**' -- python3 ./my-codec"),
        ("worker ./my-worker --verbose --scale 2", "worker --scale 2 -- ./my-worker --verbose"),
        ("both ./client ---- ./scheduler", "both -- ./client ---- ./scheduler"),
    ],
)
def test_a_command_without_the_two_dashes_is_told_where_to_put_them(words: str, meant: str) -> None:
    ended = suite(*words.split(" "))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith(f"; the command of an adapter comes after --: python3 -m wiretask_conformance {meant}\n")


@pytest.mark.parametrize("words", [["explain", "Accepted/many"], ["matrix", "skips.py"], ["copy", "x"], ["coverage"]])
def test_an_adapter_where_none_is_asked_is_told_so(words: list[str]) -> None:
    ended = suite(*words, "--", "./my-codec", "x y")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith(f"error: {words[0]} takes no adapter; leave out -- ./my-codec 'x y'\n")


def test_a_run_that_judged_nothing_has_found_nothing_conformant() -> None:
    ended = suite("codec", "--run", "Accepted/many", *adapter("skips.py"))
    assert ended.code == 2
    assert ended.out.splitlines()[-1] == "0 passed, 0 failed, 1 not applicable"


def test_a_list_is_written_from_what_fails_and_then_excuses_it(here: Path) -> None:
    words = ["codec", "--run", "Accepted/*", "--known", "known"]
    ended = suite(*words, "--update-known", *adapter("refuses.py"))
    assert ended.code == 1
    entries = [line for line in (here / "known").read_text().splitlines() if line and not line.startswith("#")]
    many = len(entries)
    assert ended.out.splitlines()[-1] == f"known failures: {many} in known, {many} of them new; 0 are gone"
    assert "Accepted/many" in (here / "known").read_text()
    assert suite(*words, *adapter("refuses.py")).code == 0


def test_a_list_that_is_written_anew_keeps_what_was_not_run(here: Path) -> None:
    (here / "known").write_text("Hello/elsewhere  # later\nAccepted/many  # passes now\n")
    suite("codec", "--run", "Accepted/*", "--known", "known", "--update-known", *adapter("refuses.py"))
    assert "Hello/elsewhere  # later\n" in (here / "known").read_text()


def test_a_list_that_is_written_anew_is_told_in_numbers(here: Path) -> None:
    (here / "known").write_text("Accepted/few  # is no case any more\nAccepted/many  # refused\n")
    words = ["codec", "--run", "Accepted/many", "--known", "known", "--update-known"]
    ended = suite(*words, *adapter("refuses.py"))
    assert ended.out.splitlines()[-1] == "known failures: 2 in known, 0 of them new; 0 are gone"
    ended = suite(*words, *adapter("readme.py"))
    assert ended.out.splitlines()[-1] == "known failures: 1 in known, 0 of them new; 1 are gone"


def test_what_is_not_run_leaves_nothing_behind(here: Path) -> None:
    """Whether it can be written is tried before the run, and a run that is not to be leaves nothing of that."""
    says("codec", "--known", "known", "--update-known", "--report", "a/b", "--", "/nowhere/adapter", code=2)
    assert not (here / "known").exists()
    assert list((here / "a" / "b").iterdir()) == []


def test_a_run_is_kept_and_judged_though_nobody_reads_of_it(here: Path) -> None:
    """Into a pipe that `head` has closed: the reports are written, and the exit code is that of the run."""
    read, write = os.pipe()
    os.close(read)
    words = ["codec", "--run", "Accepted/many", "--report", "reports", *adapter("refuses.py")]
    process = subprocess.Popen([*PROGRAM, *words], stdout=write, stderr=subprocess.PIPE, start_new_session=True)
    os.close(write)
    assert (process.communicate(timeout=60)[1], process.returncode) == (b"", 1)
    assert {path.name for path in (here / "reports").iterdir()} == {"results.json", "junit.xml", "index.html"}


def test_a_known_failure_that_passes_is_an_error_of_the_list(here: Path) -> None:
    (here / "known").write_text("Accepted/many  # not any more\n")
    ended = suite("codec", "--run", "Accepted/many", "--known", "known", *adapter("readme.py"))
    assert ended.code == 2
    assert "  UNEXPECTED_PASS Accepted/many: passes, and known:1 says that it fails; delete the line" in ended.out


@pytest.mark.parametrize(
    ("near", "meant"), [("Accepted/mny", "Accepted/many"), ("retract/kept", "scheduler/retract/kept")]
)
def test_a_name_that_is_nearly_one_is_offered_the_one(near: str, meant: str) -> None:
    assert says("explain", near, code=2).startswith(f"there is no case {near}; did you mean {meant}")


# 3: the adapter broke its contract


@pytest.mark.parametrize("role", ["codec", "worker", "client", "scheduler"])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("import sys; sys.exit('no library')", "no library"),
        ("print('hello')", "its answer is no JSON: b'hello\\n'; log to standard error"),
        ('print(\'{"seq": 1, "error": "version"}\')', 'not with {"seq": 1, "error": "version"}'),
    ],
    ids=["it dies", "it says hello", "it does not know the version"],
)
def test_a_wrong_adapter_is_told_so_in_one_line(here: Path, role: str, body: str, said: str) -> None:
    (here / "wrong.py").write_text("input()\n" + body)
    line = says(role, *adapter("wrong.py"), code=3)
    assert line.startswith("the adapter is wrong, nothing was judged: ")
    assert line.endswith(said)


@pytest.mark.parametrize("words", ["/nowhere/adapter ---- X skips.py", "X skips.py ---- /nowhere/adapter"])
def test_either_of_two_adapters_may_be_wrong(words: str) -> None:
    line = says("both", "--", *words.replace("X", sys.executable).split(" "), code=2)
    assert line.startswith("/nowhere/adapter cannot be started: No such file or directory; name a program")


@pytest.mark.parametrize("command", ["", ".", "skips.py", "./skips.py", "/dev/null"])
def test_what_is_no_program_is_told_so(command: str) -> None:
    assert "cannot be started: " in says("codec", "--", command, code=2)


@pytest.mark.parametrize(("role", "op"), [("worker", "serve"), ("client", "open"), ("scheduler", "listen")])
def test_an_adapter_that_drives_no_part_is_told_so(role: str, op: str) -> None:
    said = says(role, *adapter("skips.py"), code=3)
    assert said == (
        f"the adapter is wrong, nothing was judged: {op}: is skipped (not yet), and nothing can be judged without it"
    )


# Interrupted

INTERRUPTS = [
    (signal.SIGINT, "interrupted", 130),
    (signal.SIGTERM, "terminated", 143),
    (signal.SIGHUP, "hung up", 129),
]


@pytest.mark.parametrize(("number", "word", "code"), INTERRUPTS)
@pytest.mark.parametrize("role", ["codec", "worker"])
def test_who_interrupts_it_leaves_nothing_behind(here: Path, role: str, number: int, word: str, code: int) -> None:
    """The adapter holds a pipe open as long as it lives: its end says that all is over."""
    os.mkfifo(here / "alive")
    (here / "hangs.py").write_text("import os, signal\nos.write(os.open('alive', os.O_WRONLY), b'!')\nsignal.pause()\n")
    process = subprocess.Popen(
        [*PROGRAM, role, *adapter("hangs.py")], stderr=subprocess.PIPE, encoding="utf-8", start_new_session=True
    )
    with (here / "alive").open("rb", buffering=0) as alive:
        assert alive.read(1) == b"!"
        process.send_signal(number)
        assert alive.read(1) == b""
    said = f"wiretask-conformance: {word}; the adapters are ended and nothing is reported\n"
    assert (process.communicate(timeout=60)[1], process.returncode) == (said, code)


#: A worker that is asked something that it never answers; it holds a pipe open as long as it lives.
HANGS = """
import json, os, signal, socket, sys
pipe = os.open('alive', os.O_WRONLY)
for line in sys.stdin:
    request = json.loads(line)
    if request["op"] == "serve":
        if HANGS_AT_ONCE or os.path.exists('rehearsed'):
            os.write(pipe, b'!')
            signal.pause()
        open('rehearsed', 'w').close()
        host, _, port = request["connect"].rpartition(":")
        connection = socket.create_connection((host, int(port)))
    answer = {"implementation": {"name": "hangs"}} if request["op"] == "start" else {"ok": {}}
    print(json.dumps({"seq": request["seq"], **answer}), flush=True)
"""


@pytest.mark.parametrize(("number", "word", "code"), INTERRUPTS)
@pytest.mark.parametrize(("hangs_at_once", "adapters"), [(True, 1), (False, 2)], ids=["rehearsal", "scenarios"])
def test_who_interrupts_scenarios_leaves_nothing_behind(
    here: Path, number: int, word: str, code: int, hangs_at_once: bool, adapters: int
) -> None:
    os.mkfifo(here / "alive")
    (here / "hangs.py").write_text(HANGS.replace("HANGS_AT_ONCE", str(hangs_at_once)))
    process = subprocess.Popen(
        [*PROGRAM, "worker", *adapter("hangs.py")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", start_new_session=True,
    )  # fmt: skip
    with (here / "alive").open("rb", buffering=0) as alive:
        for _ in range(adapters):
            assert alive.read(1) == b"!"
        process.send_signal(number)
        assert alive.read(1) == b""
    said = f"wiretask-conformance: {word}; the adapters are ended and nothing is reported\n"
    assert (process.communicate(timeout=60), process.returncode) == (("", said), code)


def test_a_codec_that_hangs_is_not_waited_for_when_somebody_interrupts(here: Path) -> None:
    """It does not answer `stop` either; who waits for that would wait for seconds."""
    os.mkfifo(here / "alive")
    (here / "hangs.py").write_text(HANGS.replace('== "serve"', '== "decode"').replace("HANGS_AT_ONCE", "True"))
    process = subprocess.Popen(
        [*PROGRAM, "codec", "--scale", "1000", *adapter("hangs.py")], stderr=subprocess.PIPE, start_new_session=True
    )
    with (here / "alive").open("rb", buffering=0) as alive:
        assert alive.read(1) == b"!"
        process.send_signal(signal.SIGTERM)
        assert alive.read(1) == b""
    process.communicate(timeout=60)
    assert process.returncode == 143


def test_what_is_ignored_stays_ignored(here: Path) -> None:
    """Under nohup a terminal may go; a signal that is not ignored ends it all the same."""
    os.mkfifo(here / "alive")
    (here / "hangs.py").write_text(HANGS.replace("HANGS_AT_ONCE", "True"))
    process = subprocess.Popen(
        ["nohup", *PROGRAM, "worker", *adapter("hangs.py")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    with (here / "alive").open("rb", buffering=0) as alive:
        assert alive.read(1) == b"!"
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert alive.read(1) == b""
    process.communicate(timeout=60)
    assert process.returncode == 143


# 5: the coverage


def test_the_coverage_is_complete_or_says_what_is_missing() -> None:
    ended = suite("coverage")
    assert (ended.code, ended.err) == (5 if "  MISSING " in ended.out else 0, "")
    assert ended.out.splitlines()[-1].startswith("coverage ")


def test_the_results_say_what_the_program_said() -> None:
    ended = suite("codec", "--run", "Accepted/many", "--report", ".", *adapter("refuses.py"))
    results = json.loads(Path("results.json").read_text())
    assert (ended.code, results["exit"]) == (1, 1)
    assert [case["name"] for case in results["cases"]] == ["Accepted/many"]
