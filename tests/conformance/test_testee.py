"""Adapters that are wrong, each in one way: real programs, and what is said of each of them. Nothing here waits long."""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wiretask_conformance import codec, testee
from wiretask_conformance.golden import Case
from wiretask_conformance.testee import Answered, ContractError, Died, Hung

pytestmark = [pytest.mark.processes]

Adapter = Callable[..., testee.Testee]

#: What every adapter begins with: `asked` has the requests, `say` answers one.
PRELUDE = """
import json, os, signal, subprocess, sys

asked = map(json.loads, sys.stdin)

def say(seq, **answer):
    print(json.dumps({"seq": seq, **answer}), flush=True)

def start(**more):
    say(next(asked)["seq"], implementation={"name": "x"}, **more)
"""
#: Answers everything, until it is told to stop.
ECHO = """
for request in asked:
    say(request["seq"], ok={"echo": request.get("what")})
    if request["op"] == "stop":
        break
"""
HANGS = "signal.pause()\n"


@pytest.fixture
def adapter(tmp_path: Path) -> Iterator[Adapter]:
    """A testee that runs this program; whatever is left of it is ended after the test."""
    made: list[testee.Testee] = []

    def adapter(body: str, *, scale: float = 1.0) -> testee.Testee:
        program = tmp_path / f"adapter{len(made)}.py"
        program.write_text(PRELUDE + body)
        made.append(testee.Testee([sys.executable, str(program)], scale=scale))
        return made[-1]

    yield adapter
    for one in made:
        one.stop()
        one._errors.close()


def greeted(one: testee.Testee) -> testee.Testee:
    one.greet("codec", "ab" * 32, [1])
    return one


def refused(function: Callable[..., Any], *arguments: Any, **more: Any) -> ContractError:
    with pytest.raises(ContractError) as error:
        function(*arguments, **more)
    return error.value


def verdict(error: ContractError) -> str:
    """What a case gets for it."""
    case = Case("c-1", "x", "decode", "MUST", (), (), (), {"ok": {}}, "", 1, None)
    return codec.judge(case, Answered({"op": "decode"}, None, error))[0]


def whats(answers: list[Answered]) -> list[Any]:
    """What was echoed, or the verdict."""
    return [verdict(one.error) if one.error else (one.answer or {})["ok"]["echo"] for one in answers]


def ask_many(one: testee.Testee, *what: Any) -> list[Any]:
    return whats(list(one.ask_many([{"op": "echo", "what": item} for item in what], seconds=20)))


# One that keeps the contract


def test_an_adapter_is_greeted_with_the_contract_the_role_the_spec_and_the_versions(adapter: Adapter) -> None:
    one = adapter("request = next(asked)\nsay(1, implementation={'name': 'x'}, heard=request)\n" + HANGS)
    assert one.greet("worker", "ab" * 32, [1, 2])["heard"] == {
        "op": "start",
        "seq": 1,
        "contract": 1,
        "role": "worker",
        "spec": "ab" * 32,
        "versions": [1, 2],
    }


@pytest.mark.parametrize("pipeline", [1, 2, 64, 100_000])
def test_answers_come_in_the_order_of_the_requests(adapter: Adapter, pipeline: int) -> None:
    one = greeted(adapter(f"start(pipeline={pipeline})\n" + ECHO))
    assert ask_many(one, *range(200)) == list(range(200))
    assert one.starts == 1


@pytest.mark.parametrize(
    ("pipeline", "went"),
    [("", ">!>!>!>!>!"), ("pipeline=1", ">!>!>!>!>!"), ("pipeline=3", ">>>!>!>!!!"), ("pipeline=9", ">>>>>!!!!!")],
)
def test_only_so_many_requests_are_unanswered_as_it_says(
    adapter: Adapter, monkeypatch: pytest.MonkeyPatch, pipeline: str, went: str
) -> None:
    one = greeted(adapter(f"start({pipeline})\n" + ECHO))
    signs: list[str] = []
    for name, sign in (("_send", ">"), ("_receive", "!")):
        monkeypatch.setattr(one, name, noting(signs, sign, getattr(one, name)))
    assert ask_many(one, *range(5)) == list(range(5))
    assert "".join(signs) == went


def noting(signs: list[str], sign: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def noted(*arguments: Any) -> Any:
        signs.append(sign)
        return function(*arguments)

    return noted


def test_standard_error_is_its_own(adapter: Adapter) -> None:
    one = greeted(adapter("print('x' * 5_000_000, file=sys.stderr)\nstart()\n" + ECHO))
    assert ask_many(one, 1) == [1]


def test_it_is_told_to_stop_before_it_is_ended(adapter: Adapter, tmp_path: Path) -> None:
    one = greeted(
        adapter(f"start()\nif next(asked)['op'] == 'stop':\n    open({str(tmp_path / 'told')!r}, 'w')\nsay(2)\n")
    )
    one.close()
    assert (tmp_path / "told").exists()


# One that dies


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "it ended with the exit code 0 without an answer"),
        ("next(asked)\n", "it ended with the exit code 0 without an answer"),
        ("next(asked)\nos.kill(os.getpid(), signal.SIGSEGV)\n", "it was ended by SIGSEGV without an answer"),
        ("next(asked)\nos.close(1)\n" + HANGS, "it has closed its output without an answer"),
        ("next(asked)\nprint('{\"seq\": ', end='')\n", "its answer is no JSON"),
        ("next(asked)\nsys.exit('no such library')\n", "its standard error ends with: no such library"),
        ("next(asked)\n1 / 0\n", "1 / 0 | ~~^~~ | ZeroDivisionError: division by zero"),
        ("next(asked)\nos.write(2, b'caf\\xe9\\n')\n", "its standard error ends with: caf\ufffd"),
        ("next(asked)\nos.write(2, b'x' * 9000)\n", "its standard error ends with: " + "x" * 200),
    ],
)
def test_one_that_dies_at_once_is_told_so_with_its_last_words(adapter: Adapter, body: str, said: str) -> None:
    error = refused(greeted, adapter(body))
    assert str(error).partition(": b")[0].endswith(said)
    assert "\n" not in str(error)


def test_one_that_dies_costs_one_request_and_is_started_again(adapter: Adapter) -> None:
    one = greeted(
        adapter("start(pipeline=4)\nfor request in asked:\n    request['what'] != 'die' or sys.exit()\n" + SAY)
    )
    assert ask_many(one, 1, "die", 3, 4, "die", 6) == [1, "crash", 3, 4, "crash", 6]
    assert one.starts == 3


SAY = "    say(request['seq'], ok={'echo': request['what']})\n"


def test_what_was_asked_ahead_of_a_death_is_asked_again_and_not_blamed(adapter: Adapter) -> None:
    """However many of the requests have left when it dies: they block where nobody reads them."""
    one = greeted(adapter("start(pipeline=64)\nfor request in [next(asked)]:\n" + SAY))
    long = ["x" * 100_000 + str(number) for number in range(6)]
    assert ask_many(one, *long) == [long[0], "crash", long[2], "crash", long[4], "crash"]


def test_one_that_reads_no_more_is_told_that_it_has_ended(adapter: Adapter) -> None:
    one = greeted(adapter("start()\nfor request in asked:\n    os.close(0)\n" + SAY + HANGS))
    assert ask_many(one, 1, 2) == [1, "crash"]


def test_one_that_leaves_something_behind_holds_nobody_up(adapter: Adapter, tmp_path: Path) -> None:
    """A process of a session of its own has its standard output still: the end of it never comes."""
    left = "start(child=subprocess.Popen(['sleep', '600'], start_new_session=True).pid)\nsys.exit()\n"
    one = greeted(adapter(left))
    child = one.greeted["child"]
    assert verdict(refused(one.ask, "echo", seconds=0.05)) in ("timeout", "crash")
    os.kill(child, signal.SIGKILL)


def test_one_that_always_dies_is_started_so_often_and_no_more(
    adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(testee, "MOST_FAILURES", 3)
    one = greeted(adapter("start()\n"))
    assert ask_many(one, *range(6)) == ["crash"] * 3 + ["contract"] * 3
    assert one.starts == 3
    assert str(refused(one.ask, "echo")) == "echo: it has failed 3 times and is not started again"


def test_one_that_does_not_greet_a_second_time_is_blamed_for_the_request(adapter: Adapter, tmp_path: Path) -> None:
    once = f"flag = {str(tmp_path / 'flag')!r}\nif os.path.exists(flag):\n    sys.exit('once is enough')\n"
    one = greeted(adapter(once + "open(flag, 'w').close()\nstart()\n"))
    first, second = one.ask_many([{"op": "echo"}, {"op": "echo"}])
    assert isinstance(first.error, Died)
    assert "once is enough" in str(second.error)


def test_a_program_that_is_not_there_is_no_crash_of_a_codec(tmp_path: Path) -> None:
    nowhere = testee.Testee([str(tmp_path / "adapter")])
    assert str(refused(greeted, nowhere)) == (
        f"{tmp_path / 'adapter'} cannot be started: No such file or directory; "
        "name a program, with its folder (./my-adapter)"
    )
    nowhere.close()


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("./nowhere", "No such file or directory; name a program, with its folder (./my-adapter)"),
        ("nowhere", "No such file or directory; name a program, with its folder (./my-adapter)"),
        ("", "No such file or directory; name a program, with its folder (./my-adapter)"),
        ("./folder", "Permission denied; it is a folder: name a program in it"),
        ("right", "No such file or directory; name it with its folder: ./right"),
        (
            "./plain",
            "Permission denied; make it executable (chmod +x), or name its interpreter before it (python3 ./plain)",
        ),
        (
            "./nothing",
            "Exec format error; begin it with #! and its interpreter, or name that before it (python3 ./nothing)",
        ),
        ("./lost", "No such file or directory; the interpreter that it names after #! is not there"),
    ],
)
def test_what_cannot_be_started_is_told_what_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for name, text, mode in (
        ("right", "#!/bin/sh\n", 0o755),
        ("plain", "#!/bin/sh\n", 0o644),
        ("nothing", "hello", 0o755),
        ("lost", "#!/nowhere/python\n", 0o755),
    ):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    one = testee.Testee([program])
    error = refused(greeted, one)
    assert isinstance(error, testee.NoProgramError)
    what, _, why = str(error).partition(" cannot be started: ")
    assert what == (program or "''")
    assert why in (said, said.replace("No such file or directory", "Permission denied"))
    one.close()


def test_one_that_dies_without_a_word_is_not_told_the_words_of_a_former_one(adapter: Adapter, tmp_path: Path) -> None:
    once = f"flag = {str(tmp_path / 'flag')!r}\nif not os.path.exists(flag):\n    open(flag, 'w').close()\n"
    one = greeted(adapter(once + "    start()\n    next(asked)\n    sys.exit('boom')\nstart()\nnext(asked)\n"))
    assert str(refused(one.ask, "echo")).endswith("; its standard error ends with: boom")
    assert str(refused(one.ask, "echo")) == "echo: it ended with the exit code 0 without an answer"


def test_one_that_is_abandoned_is_not_started_again(adapter: Adapter) -> None:
    """Also where it was about to be: somebody has ended the run."""
    one = greeted(adapter("start()\n" + ECHO))
    one.abandon()
    assert str(refused(one.ask, "echo")) == "echo: it is over"
    assert one._process is None


# One that hangs


def test_one_that_never_answers_hangs(adapter: Adapter) -> None:
    one = greeted(adapter("start()\n" + HANGS))
    error = refused(one.ask, "echo", seconds=0.05)
    assert (type(error), verdict(error)) == (Hung, "timeout")
    assert str(error) == "echo: no answer for 0.05 seconds; flush standard output after each line"


def test_one_that_does_not_end_its_line_is_told_to_flush_it(adapter: Adapter) -> None:
    one = greeted(adapter("start()\nos.write(1, b'{\"seq\": 2}')\n" + HANGS))
    assert "flush standard output" in str(refused(one.ask, "echo", seconds=0.05))


@pytest.mark.parametrize(
    ("what", "said"), [("", "no answer for 0.06 seconds"), ("x" * 1_000_000, "it has read no request for 0.06 seconds")]
)
def test_the_scale_is_of_every_wait_and_the_message_says_what_was_waited(
    adapter: Adapter, what: str, said: str
) -> None:
    one = greeted(adapter("start()\n" + HANGS))
    one.scale = 0.0001
    assert said in str(refused(one.ask, "echo", seconds=600, what=what))


def test_one_that_hangs_costs_one_request(adapter: Adapter) -> None:
    one = greeted(adapter("start()\nfor request in asked:\n    request['what'] != 'hang' or signal.pause()\n" + SAY))
    assert whats(list(one.ask_many([{"op": "echo", "what": "hang"}], seconds=0.05))) == ["timeout"]
    assert ask_many(one, 2) == [2]


@pytest.mark.parametrize("ending", ["stop", "close"])
def test_it_is_ended_with_all_that_it_has_started(adapter: Adapter, tmp_path: Path, ending: str) -> None:
    """Whoever lives holds the other end of a pipe open."""
    os.mkfifo(tmp_path / "alive")
    alive = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    held = f"end = os.open({str(tmp_path / 'alive')!r}, os.O_WRONLY)\n"
    one = greeted(adapter(held + "subprocess.Popen(['sleep', '600'], pass_fds=[end])\nstart()\n" + ECHO))
    os.set_blocking(alive, True)
    getattr(one, ending)()
    assert os.read(alive, 1) == b""
    os.close(alive)


def test_one_that_hangs_at_its_start_is_ended_at_once(adapter: Adapter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testee, "START_SECONDS", 0.05)
    one = adapter(HANGS)
    assert verdict(refused(greeted, one)) == "timeout"
    assert one._process is None


def test_one_that_does_not_read_hangs_as_well(adapter: Adapter) -> None:
    """A request that is longer than a pipe never leaves, unless somebody reads it."""
    one = greeted(adapter("start()\n" + HANGS))
    assert verdict(refused(one.ask, "echo", seconds=0.05, what="x" * 1_000_000)) == "timeout"


def test_one_that_does_not_stop_is_stopped(adapter: Adapter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testee, "ANSWER_SECONDS", 0.05)
    one = greeted(adapter("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nstart()\n" + HANGS))
    process = one._process
    one.close()
    assert process is not None
    assert process.returncode == -signal.SIGKILL


# One that floods


@pytest.mark.parametrize(
    "flood",
    [
        "while True:\n    os.write(1, b'x' * 65536)\n",
        "while True:\n    os.write(1, b'x\\n' * 30000)\n",
        "while True:\n    os.write(1, b'\\n' * 65536)\n",
        "while True:\n    os.write(1, b'{\"seq\": 1}\\n' * 5000)\n",
        "while True:\n    os.write(2, b'x\\n' * 10); os.write(1, b'[' * 65536)\n",
    ],
    ids=["one line", "many lines", "empty lines", "answers to something else", "brackets"],
)
def test_one_that_floods_its_output_breaks_the_contract(
    adapter: Adapter, monkeypatch: pytest.MonkeyPatch, flood: str
) -> None:
    monkeypatch.setattr(testee, "LINE_OCTETS", 1 << 16)
    one = greeted(adapter("start()\nnext(asked)\n" + flood))
    assert verdict(refused(one.ask, "echo", seconds=20)) == "contract"


def test_a_flood_before_the_first_question_waits_and_is_no_burden(
    adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(testee, "LINES_AHEAD", 8)
    one = greeted(adapter("start()\nwhile True:\n    os.write(1, b'x\\n')\n"))
    assert one._lines.maxsize == 8
    assert verdict(refused(one.ask, "echo", seconds=20)) == "contract"


def test_a_line_may_be_long_and_no_longer(adapter: Adapter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testee, "LINE_OCTETS", 1000)
    line = "os.write(1, b'{\"seq\": %d}' + b' ' * %d + b'\\n')\n"
    one = greeted(adapter("start()\nnext(asked)\n" + line % (2, 988) + "next(asked)\n" + line % (3, 989)))
    assert one.ask("echo", seconds=20) == {"seq": 2}
    assert str(refused(one.ask, "echo", seconds=20)) == "echo: a line of its answer is longer than 1000 octets"


# One that answers something else


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"hello", r"no JSON: b'hello\n'; log to standard error"),
        (b"", r"no JSON: b'\n'"),
        (b"{'seq': 2}", "no JSON"),
        (b'{"seq": 2', "no JSON"),
        (b'{"seq": 2} {"seq": 3}', "no JSON"),
        (b'{"seq": 2, "ok": "\xff\xfe"}', "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"1" * 10_000, "no JSON"),
        (b"[]", r"not to seq 2: b'[]\n'; answer in order"),
        (b"null", "not to seq 2"),
        (b"2", "not to seq 2"),
        (b'"seq"', "not to seq 2"),
        (b"{}", "not to seq 2"),
        (b'{"seq": null}', "not to seq 2"),
        (b'{"seq": "2"}', "not to seq 2"),
        (b'{"seq": 1}', "not to seq 2"),
        (b'{"seq": 3}', "not to seq 2"),
        (b'{"seq": [2]}', "not to seq 2"),
        (b'{"seq": 2, "seq": 1}', "not to seq 2"),
    ],
)
def test_one_that_answers_something_else_breaks_the_contract(adapter: Adapter, line: bytes, said: str) -> None:
    wrong = f"os.write(1, bytes.fromhex({line.hex()!r}) + b'\\n')\n"
    error = refused(greeted(adapter("start()\nnext(asked)\n" + wrong + HANGS)).ask, "echo", seconds=20)
    assert "its answer is " + said in str(error)
    assert verdict(error) == "contract"


def test_one_that_answers_out_of_order_is_asked_again_what_it_has_mixed_up(adapter: Adapter) -> None:
    mixed = (
        "start(pipeline=2)\nfor request in asked:\n    if request['what'] == 'late':\n        say(next(asked)['seq'])\n"
    )
    one = greeted(adapter(mixed + SAY))
    assert ask_many(one, "late", 2, 3) == ["contract", 2, 3]
    assert one.starts == 2


def test_one_that_answers_twice_is_wrong_with_the_next_request(adapter: Adapter) -> None:
    one = greeted(adapter("start()\nfor request in asked:\n" + SAY + SAY))
    assert ask_many(one, 1, 2, 3) == [1, "contract", 3]


def test_one_that_logs_to_standard_output_is_told_where_to(adapter: Adapter) -> None:
    assert "log to standard error" in str(refused(greeted, adapter("print('starting up', flush=True)\nstart()\n")))


@pytest.mark.parametrize("pipeline", ['"many"', "None", "[]", "{}", "0", "-1", "1.5", "'1'"])
def test_a_pipeline_that_is_no_number_of_requests_breaks_the_contract(adapter: Adapter, pipeline: str) -> None:
    error = refused(greeted, adapter(f"start(pipeline={pipeline})\n" + ECHO))
    assert "pipeline" in str(error)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("", '{"name": …}}, not with {"seq": 1}'),
        ("implementation='mine'", 'not with {"seq": 1, "implementation": "mine"}'),
        ("implementation={'name': 7}", 'not with {"seq": 1, "implementation": {"name": 7}}'),
        ("error='versions 1 to 1 are not known'", 'not with {"seq": 1, "error": "versions 1 to 1 are not known"}'),
        ("skipped='contract 1'", 'not with {"seq": 1, "skipped": "contract 1"}'),
        ("implementation={'name': 'x'}, lacks='auth'", "lacks is a list of features, not 'auth'"),
        ("implementation={'name': 'x'}, lacks=None", "lacks is a list of features, not None"),
        ("implementation={'name': 'x'}, lacks=[1]", "lacks is a list of features, not [1]"),
        ("implementation={'name': 'x'}, lacks={'auth': 1}", "lacks is a list of features, not {'auth': 1}"),
    ],
)
def test_one_that_says_no_name_or_another_version_is_quoted(adapter: Adapter, answer: str, said: str) -> None:
    error = refused(greeted, adapter(f"say(next(asked)['seq'], {answer})\n" + HANGS))
    assert str(error).endswith(said)
    assert verdict(error) == "contract"


def test_one_that_lacks_what_nobody_knows_is_told_what_there_is(adapter: Adapter) -> None:
    said = str(refused(greeted, adapter("start(lacks=['auth', 'cancle'])\n")))
    assert said.startswith("lacks names cancle; the features are auth, cancel, crash, ")


@pytest.mark.parametrize("failing", range(len(codec.SMOKE)))
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("say(request['seq'], what=1)", "the answer to {op} is ok (an object), error or skipped, not "),
        ("sys.exit('boom')", "{op}{about}: it ended with the exit code 1 without an answer; its standard error ends "),
    ],
)
def test_a_smoke_run_that_fails_names_the_request(adapter: Adapter, failing: int, wrong: str, said: str) -> None:
    answers = "    say(request['seq'], skipped='not yet')\n"
    one = greeted(
        adapter(
            f"start()\nfor number, request in enumerate(asked):\n    if number == {failing}:\n        {wrong}\n"
            + answers
        )
    )
    request = codec.SMOKE[failing]
    about = request.get("struct") or request.get("message")
    expected = said.format(op=request["op"], about=f" {about}" if about else "")
    assert str(refused(codec.smoke, one)).startswith(f"asked {json.dumps(request)}: {expected}")


def test_an_adapter_that_greets_wrongly_is_ended(adapter: Adapter) -> None:
    one = adapter("say(7)\n" + HANGS)
    refused(greeted, one)
    assert one._process is None
