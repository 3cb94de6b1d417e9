"""scheduler/SECURITY.md is held to: each of its lines has tests that exist, and nothing that ships reads code."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "scheduler" / "SECURITY.md").read_text("utf-8")
#: `- **W1. A threat.** What is done about it. `path::test` …`, until the next one.
THREATS = {
    found[1]: found[0] for found in re.finditer(r"^- \*\*([A-Z]\d+)\..*?(?=^- \*\*|^#)", TEXT, re.DOTALL | re.MULTILINE)
}
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))
#: Modules that run what they read.
CODE = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}


def names_in(path):
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_threats_are_numbered_without_gaps_under_each_letter():
    for letter in {threat[0] for threat in THREATS}:
        numbers = [int(threat[1:]) for threat in THREATS if threat[0] == letter]
        assert numbers == list(range(1, len(numbers) + 1))
    assert len(THREATS) > 20


@pytest.mark.parametrize("threat", THREATS)
def test_each_threat_names_a_test(threat):
    assert re.search(r"`tests/[\w/]+\.py::test_\w+`", THREATS[threat])


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_each_test_that_is_named_is_there(path, name):
    assert name in names_in(path)


def test_nothing_is_named_in_another_way():
    assert len(re.findall(r"::", TEXT)) == len(re.findall(r"`tests/[\w/]+\.py::test_\w+`", TEXT))


def test_nothing_that_ships_reads_what_would_be_code():
    shipped = [path for part in ("scheduler", "worker", "client", "generated") for path in (ROOT / part).rglob("*.py")]
    assert len(shipped) > 100
    for path in shipped:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.partition(".")[0] for name in names} & CODE, path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"eval", "exec"}, path
