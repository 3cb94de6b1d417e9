"""The suite has a verdict of its own for every way that an adapter can be wrong."""

import sys

import pytest

from wiretask_conformance import suite, testee
from wiretask_conformance.__main__ import main

CASES = suite.load()


def adapter(tmp_path, body: str) -> list[str]:
    """A testee that is wrong in one way."""
    path = tmp_path / "adapter.py"
    path.write_text(f"import json, sys, time\nfor line in sys.stdin:\n    request = json.loads(line)\n{body}")
    return [sys.executable, str(path)]


START = '    if request["op"] == "start":\n        print(json.dumps({"seq": request["seq"], "implementation": {"name": "x"}}), flush=True)\n        continue\n'
WRONG = {
    "dies at once": "    sys.exit(3)\n",
    "talks nonsense": "    print('hello', flush=True)\n",
    "answers a list": "    print('[]', flush=True)\n",
    "answers another seq": "    print(json.dumps({'seq': 99}), flush=True)\n",
    "does not say its name": "    print(json.dumps({'seq': request['seq']}), flush=True)\n",
    "floods": "    print('x' * 3_000_000, flush=True)\n",
    "knows no decode": START + "    print(json.dumps({'seq': request['seq'], 'what': 1}), flush=True)\n",
}


@pytest.mark.parametrize("how", WRONG)
def test_an_adapter_that_is_wrong_is_told_so_and_its_codec_is_not_judged(tmp_path, capsys, how):
    assert main(["codec", "--", *adapter(tmp_path, WRONG[how])]) == 3
    said = capsys.readouterr()
    assert "the adapter is wrong" in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_an_adapter_that_hangs_is_told_so(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(testee, "ANSWER_SECONDS", 0.2)
    assert main(["codec", "--", *adapter(tmp_path, "    time.sleep(60)\n")]) == 3
    assert "no answer" in capsys.readouterr().err


def test_a_command_that_is_not_there_is_told_so(capsys):
    assert main(["codec", "--", "/nowhere/adapter"]) == 3
    assert "cannot be started" in capsys.readouterr().err


ALWAYS_WRONG = START + "    print(json.dumps({'seq': request['seq'], 'error': 'NO'}), flush=True)\n"


def test_a_codec_that_refuses_everything_is_not_conformant(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        "wiretask_conformance.runner.load", lambda: [case for case in CASES if "cut" not in case.name][:40]
    )
    assert main(["codec", "--", *adapter(tmp_path, ALWAYS_WRONG)]) == 1
    said = capsys.readouterr().out
    assert "0 passed" not in said.splitlines()[0]
    assert "is legal, and was refused with NO" in said


@pytest.mark.parametrize("words", [[], ["worker"], ["codec", "x"], ["codec", "--"]])
def test_bad_usage_says_how_to_use_it(capsys, words):
    assert main(words) == 2
    assert "usage:" in capsys.readouterr().err
