"""Writes what the backends render: every file that the spec asks for, and none that it does not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wiretask_codegen import data, docs, python
from wiretask_codegen.model import Spec

#: Folders and files below generated/ that belong to Python, not to us.
_IGNORED = ("__pycache__",)


def render(spec: Spec) -> dict[str, str]:
    """The text of every generated file, by its path below generated/."""
    return {**python.render(spec), **docs.render(spec), **data.render(spec)}


def stale(files: Mapping[str, str | bytes], root: Path) -> list[str]:
    """The paths below `root` that are missing, different, or asked for by nothing."""
    wrong = {path for path, contents in files.items() if _read(root / path) != _octets(contents)}
    return sorted(wrong | _orphans(files, root))


def write(files: Mapping[str, str | bytes], root: Path) -> list[str]:
    """Makes `root` hold exactly these files; returns the paths that have changed."""
    changed = stale(files, root)
    for path in changed:
        target = root / path
        if path in files:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_octets(files[path]))
        else:
            target.unlink()
    return changed


def _orphans(files: Mapping[str, str | bytes], root: Path) -> set[str]:
    return {
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file()
        and not any(part in _IGNORED for part in path.parts)
        and path.relative_to(root).as_posix() not in files
    }


def _octets(contents: str | bytes) -> bytes:
    return contents if isinstance(contents, bytes) else contents.encode()


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
