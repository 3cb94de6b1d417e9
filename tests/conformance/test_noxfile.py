"""The sessions about conformance, without nox and without a network: where they run what was typed, and what they build."""

import importlib.util
import io
import os
import subprocess
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import wiretask_conformance

ROOT = Path(wiretask_conformance.__file__).parents[2]
README = ROOT / "conformance" / "README.md"
OLDEST = (3, 9)


class Session:
    """Notes what is run, and where; installs nothing."""

    def __init__(self, tmp: Path, *posargs: str) -> None:
        self.posargs = list(posargs)
        self.invoked_from = str(tmp / "user")
        self.folder = "elsewhere"
        self.tmp = tmp / "tmp"
        self.ran: list[tuple[str, tuple[str, ...]]] = []

    def create_tmp(self) -> str:
        self.tmp.mkdir(exist_ok=True)
        return str(self.tmp)

    @contextmanager
    def chdir(self, folder: str) -> Iterator[None]:
        former, self.folder = self.folder, folder
        yield
        self.folder = former

    def run(self, *words: str, **_: Any) -> None:
        self.ran.append((self.folder, words))

    def log(self, text: str) -> None:
        pass


@pytest.fixture
def noxfile(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The file as a module; of nox it needs the decorator and little else."""
    nox: Any = types.ModuleType("nox")
    nox.options = types.SimpleNamespace()
    nox.project = types.SimpleNamespace(load_toml=lambda name: {})
    nox.session = lambda function=None, **_: function or (lambda decorated: decorated)
    monkeypatch.setitem(sys.modules, "nox", nox)
    command: Any = types.ModuleType("nox.command")
    command.CommandFailed = RuntimeError
    monkeypatch.setitem(sys.modules, "nox.command", command)
    found = importlib.util.spec_from_file_location("noxfile", ROOT / "noxfile.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture
def zipped(noxfile: Any, tmp_path: Path) -> Path:
    made: Path = noxfile.zipped_suite(Session(tmp_path), tmp_path / "dist")
    return made


@pytest.fixture
def adapter(tmp_path: Path) -> list[str]:
    text = README.read_text().partition("## A complete adapter")[2].partition("```python\n")[2].partition("```")[0]
    (tmp_path / "adapter.py").write_text(text)
    return [sys.executable, str(tmp_path / "adapter.py")]


def test_what_was_typed_is_run_where_it_was_typed(
    noxfile: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So `./my-codec` is what it was there, and a module of theirs is none of ours: not `python -m`."""
    monkeypatch.setattr(noxfile, "installed_suite", lambda session: ("wiretask-conformance",))
    session = Session(tmp_path, "codec", "--", "./my-codec")
    noxfile.conformance(session)
    assert session.ran == [(str(tmp_path / "user"), ("wiretask-conformance", "codec", "--", "./my-codec"))]


def test_an_old_python_is_told_in_one_line_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    monkeypatch.setattr(sys, "version_info", (3, 8, 18))
    with pytest.raises(SystemExit, match="2"):
        exec(Path(wiretask_conformance.__file__).read_text(), {})
    assert said.getvalue() == (
        "wiretask-conformance: this is Python 3.8, and it needs 3.9 or later; run it with python3.9\n"
    )


@pytest.mark.slow
@pytest.mark.processes
def test_the_zip_is_the_suite_and_needs_nothing_else(zipped: Path, adapter: list[str], tmp_path: Path) -> None:
    """Not even the folder that it is run in, whatever lies there."""
    here = tmp_path / "here"
    here.mkdir()
    for name in ("queue.py", "json.py", "codec.py"):
        (here / name).write_text("raise RuntimeError('not ours')\n")
    words = [sys.executable, "-S", str(zipped), "codec", "--run", "Accepted/many", "--", *adapter]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False, timeout=60, cwd=here)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "1 passed, 0 failed, 0 not applicable"


def pythons() -> list[tuple[tuple[int, int], str]]:
    """The other Pythons of this machine, where pyenv has put them."""
    folder = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = {}
    for path in sorted(folder.glob("*/bin/python")):
        major, minor, *_ = path.parents[1].name.split(".")
        if major.isdigit() and minor.isdigit():
            found[int(major), int(minor)] = str(path)
    return list(found.items())


@pytest.mark.slow
@pytest.mark.processes
@pytest.mark.parametrize("how", ["zip", "checkout"])
def test_every_python_of_this_machine_runs_it_or_says_why_not(zipped: Path, adapter: list[str], how: str) -> None:
    if not pythons():
        pytest.skip("there is no other Python here")
    for version, python in pythons():
        program = [str(zipped)] if how == "zip" else ["-m", "wiretask_conformance"]
        words = [python, "-B", *program, "codec", "--run", "Accepted/many", "--", *adapter]
        here = README.parent
        done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False, timeout=60, cwd=here)
        if version < OLDEST:
            assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), version
            assert "it needs 3.9 or later; run it with python3.9" in done.stderr, version
        else:
            assert (done.returncode, done.stderr) == (0, ""), version
