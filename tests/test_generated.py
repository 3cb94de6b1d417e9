"""`generated/` is what the spec says, and nothing else."""

from pathlib import Path

from wiretask_codegen.load import load
from wiretask_codegen.render import render, stale, write

ROOT = Path(__file__).parents[1]


def test_generated_is_fresh():
    assert stale(render(load(ROOT / "spec")), ROOT / "generated") == [], "run nox -s generate and commit what it writes"


def test_rendering_twice_gives_the_same(tmp_path):
    spec = load(ROOT / "spec")
    assert render(spec) == render(spec)


def test_a_changed_file_is_written_again_and_an_orphan_is_deleted(tmp_path):
    files = {"a/one.py": "1\n", "two.md": "2\n"}
    assert write(files, tmp_path) == ["a/one.py", "two.md"]
    (tmp_path / "a" / "one.py").write_text("edited by hand\n")
    (tmp_path / "orphan.py").write_text("asked for by nothing\n")
    assert stale(files, tmp_path) == ["a/one.py", "orphan.py"]
    assert write(files, tmp_path) == ["a/one.py", "orphan.py"]
    assert not (tmp_path / "orphan.py").exists()
    assert stale(files, tmp_path) == []
