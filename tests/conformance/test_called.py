"""What people are told to type is what they have typed themselves."""

import sys

import pytest

from wiretask_conformance import called
from wiretask_conformance.__main__ import main


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("/usr/bin/wiretask-conformance", "wiretask-conformance"),
        ("wiretask-conformance.pyz", "python3 wiretask-conformance.pyz"),
        ("/a b/suite.pyz", "python3 '/a b/suite.pyz'"),
        ("/src/conformance/wiretask_conformance/__main__.py", "python3 -m wiretask_conformance"),
        ("pytest", "wiretask-conformance"),
        ("", "wiretask-conformance"),
    ],
)
def test_the_command_is_the_one_that_was_typed(monkeypatch, argv, said):
    monkeypatch.setattr(sys, "argv", [argv])
    assert called.command() == said


def test_who_has_the_one_file_is_told_to_use_it(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["wiretask-conformance.pyz"])
    assert main(["explain", "Accepted/least/tags/twice"]) == 0
    assert "alone: python3 wiretask-conformance.pyz codec --run c-" in capsys.readouterr().out


def test_a_failure_names_the_one_file(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["wiretask-conformance.pyz"])
    adapter = tmp_path / "adapter.py"
    adapter.write_text(
        "import json, sys\n"
        "for line in sys.stdin:\n"
        "    request = json.loads(line)\n"
        "    answer = {'seq': request['seq'], 'implementation': {'name': 'refuses'}}\n"
        "    if request['op'] != 'start':\n"
        "        answer = {'seq': request['seq'], 'error': 'TRUNCATED', 'field': '', 'offset': None}\n"
        "    print(json.dumps(answer), flush=True)\n"
        "    if request['op'] == 'stop':\n"
        "        break\n"
    )
    assert main(["codec", "--run", "Accepted/many", "--", sys.executable, str(adapter)]) == 1
    assert "    python3 wiretask-conformance.pyz explain c-" in capsys.readouterr().out
