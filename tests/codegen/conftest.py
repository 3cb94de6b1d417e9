"""A copy of the spec that a test can spoil."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class SpecCopy:
    """The spec in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "spec"
        shutil.copytree(ROOT / "spec", self.root)

    def edit(self, name: str, old: str, new: str) -> int:
        """Replaces a text that stands there once; returns its line."""
        path = self.root / name
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new))
        return text[: text.index(old)].count("\n") + 1

    def add(self, name: str, text: str) -> int:
        """Adds lines at the end; returns the first one's number."""
        path = self.root / name
        before = path.read_text()
        path.write_text(before + text)
        return before.count("\n") + 1


@pytest.fixture
def spec(tmp_path):
    return SpecCopy(tmp_path)
