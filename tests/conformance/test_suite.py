"""The suite has a verdict of its own for every way that an adapter can be wrong."""

import sys
from pathlib import Path

import pytest

from wiretask_conformance import testee
from wiretask_conformance.__main__ import main

ADAPTER = Path(__file__).parents[2] / "conformance" / "implementations" / "python" / "codec.py"


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
    monkeypatch.setattr(testee, "START_SECONDS", 0.2)
    assert main(["codec", "--", *adapter(tmp_path, "    time.sleep(60)\n")]) == 3
    assert "no answer" in capsys.readouterr().err


def test_a_command_that_is_not_there_is_told_so(capsys):
    assert main(["codec", "--", "/nowhere/adapter"]) == 2
    assert "cannot be started" in capsys.readouterr().err


ALWAYS_WRONG = START + "    print(json.dumps({'seq': request['seq'], 'error': 'NO'}), flush=True)\n"


def test_a_codec_that_refuses_everything_is_not_conformant(tmp_path, capsys):
    assert main(["codec", "--run", "Hello/*", "--", *adapter(tmp_path, ALWAYS_WRONG)]) == 1
    assert "not conformant" in capsys.readouterr().out


@pytest.mark.slow
def test_our_own_codec_agrees_with_every_case_through_its_adapter(capsys):
    assert main(["codec", "--", sys.executable, str(ADAPTER)]) == 0
    assert " 0 failed, 0 not applicable" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["nobody"], ["codec", "x"], ["codec", "--known"]])
def test_bad_usage_says_how_to_use_it(capsys, words):
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["codec"], ["worker"], ["codec", "--"]])
def test_who_names_no_adapter_is_told_where_to_read_about_them(capsys, words):
    assert main(words) == 2
    assert "conformance/README.md" in capsys.readouterr().err
