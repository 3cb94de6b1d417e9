"""The user guide: each example is run as it stands, with real processes, and must print what it says."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from parts import ROOT, start_scheduler, start_worker

pytestmark = [pytest.mark.processes, pytest.mark.slow]

README, GUIDE = ROOT / "README.md", ROOT / "docs" / "guide.md"
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
_SECONDS = 60


def sections(page: Path) -> dict[str, dict[str, str]]:
    """The examples by their headings: the files, the command of the worker, and what is printed."""
    found: dict[str, dict[str, str]] = {}
    for section in page.read_text().split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        example: dict[str, str] = {}
        for kind, block in _BLOCK.findall(text):
            name = block.partition("\n")[0].removeprefix("# ") if kind == "python" else kind
            assert name not in example or not name.endswith(".py"), f"{title} has {name} twice"
            example[name] = block
        found[title] = example
    return found


SECTIONS = sections(GUIDE)


def test_every_section_has_an_example():
    assert len(SECTIONS) >= 19
    for title, example in SECTIONS.items():
        assert {"tasks.py", "main.py", "text"} <= set(example), f"{title} lacks a part of its example"


@pytest.mark.parametrize("title", SECTIONS)
def test_an_example_prints_what_the_guide_says(tmp_path, title):
    run(SECTIONS[title], tmp_path)


def test_the_first_task_of_the_readme_prints_what_it_says(tmp_path):
    assert "python main.py                          # prints: 5\n" in README.read_text()
    run({**sections(README)["A first task"], "text": "5\n"}, tmp_path)


def run(example: dict[str, str], tmp_path: Path) -> None:
    """An example as it stands, with a scheduler and a worker of its own."""
    (tmp_path / "tasks.py").write_text(example["tasks.py"])
    scheduler, address = start_scheduler(tmp_path, extra=("--http", "127.0.0.1:0"))
    parts = [scheduler]
    try:
        command = shlex.split(example.get("sh", "wiretask-worker --tasks tasks"))
        parts.append(start_worker(tmp_path, address, *command[1:], cwd=tmp_path))
        main = example["main.py"].replace("127.0.0.1:9001", address).replace("127.0.0.1:9002", _http(scheduler.log))
        (tmp_path / "main.py").write_text(main)
        env = {**os.environ, "PYTHONPATH": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "main.py"],
            cwd=tmp_path, env=env, capture_output=True, text=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
        log = "".join(path.read_text() for path in tmp_path.glob("*.log"))
        assert (done.stdout, done.returncode) == (example["text"], 0), f"{done.stderr}\n{log}"
    finally:
        for part in reversed(parts):
            part.kill()


def _http(log: Path) -> str:
    """Where the scheduler serves HTTP, as it has said."""
    found = re.search(r"at http://(\S+)", log.read_text())
    assert found is not None
    return found[1]
