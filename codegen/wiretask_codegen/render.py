"""Writes what the backends render: every file that the spec asks for, and none that it does not."""

from __future__ import annotations

from pathlib import Path

from wiretask_codegen import data, docs, python
from wiretask_codegen.model import Spec

#: Folders and files below generated/ that belong to Python, not to us.
_IGNORED = ("__pycache__",)


def render(spec: Spec) -> dict[str, str]:
    """The text of every generated file, by its path below generated/."""
    return {**python.render(spec), **docs.render(spec), **data.render(spec)}


def stale(files: dict[str, str], root: Path) -> list[str]:
    """The paths below `root` that are missing, different, or asked for by nothing."""
    wrong = {path for path, text in files.items() if _read(root / path) != text}
    return sorted(wrong | _orphans(files, root))


def write(files: dict[str, str], root: Path) -> list[str]:
    """Makes `root` hold exactly these files; returns the paths that have changed."""
    changed = stale(files, root)
    for path in changed:
        target = root / path
        if path in files:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(files[path], encoding="utf-8")
        else:
            target.unlink()
    return changed


def _orphans(files: dict[str, str], root: Path) -> set[str]:
    return {
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file()
        and not any(part in _IGNORED for part in path.parts)
        and path.relative_to(root).as_posix() not in files
    }


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
