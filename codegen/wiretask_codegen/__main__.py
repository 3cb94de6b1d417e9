"""`python -m wiretask_codegen`: turns spec/ into generated/, and keeps the promises that releases have made."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from wiretask_codegen import evolution, goldens, ledger
from wiretask_codegen.load import load
from wiretask_codegen.model import Place
from wiretask_codegen.problems import Problems, SpecError
from wiretask_codegen.render import render, stale, write

_ROOT = click.option(
    "--root", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="The repository. [.]"
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Turns spec/ into generated/."""


@main.command()
@_ROOT
@click.option("--bless", is_flag=True, help="Change or drop golden cases that are there already.")
def generate(root: Path, *, bless: bool) -> None:
    """Writes what the spec asks for, and deletes what it does not."""
    with _one_line_each():
        spec = load(root / "spec")
        rendered = render(spec)
        # Before anything is written: what is refused leaves everything as it was.
        golden = goldens.make(spec, rendered, root)
        if not bless:
            golden.check()
        changed = ["spec/ledger.yaml"] if ledger.write(spec, root / "spec") else []
        changed += [f"generated/{path}" for path in write(rendered, root / "generated")]
        written = write(golden.files, root / goldens.FOLDER)
        changed += [f"{goldens.FOLDER}/{path}" for path in written]
    for path in changed:
        click.echo(path)
    click.echo(f"{len(changed)} files written" if changed else "everything is fresh")


@main.command()
@_ROOT
def check(root: Path) -> None:
    """Says what is stale, and writes nothing."""
    with _one_line_each():
        spec = load(root / "spec")
        old = ["spec/ledger.yaml"] if ledger.stale(spec, root / "spec") else []
        rendered = render(spec)
        old += [f"generated/{path}" for path in stale(rendered, root / "generated")]
        golden = goldens.make(spec, rendered, root).files
        old += [f"{goldens.FOLDER}/{path}" for path in stale(golden, root / goldens.FOLDER)]
    if old:
        click.echo("\n".join(f"{path} is stale; run nox -s generate" for path in old), err=True)
        sys.exit(1)


@main.command()
@_ROOT
def lint(root: Path) -> None:
    """Says everything that is wrong with the spec, and writes nothing."""
    with _one_line_each():
        load(root / "spec")


@main.command()
@_ROOT
@click.argument("version", type=int, required=False)
def diff(root: Path, version: int | None) -> None:
    """Says how the spec differs from a released VERSION (the newest), and which rule forbids what is not allowed."""
    with _one_line_each():
        spec = load(root / "spec", released=False)
        locks = evolution.load_locks(root / "spec", Problems())
        if not locks and version is None:
            click.echo("nothing is released yet")
            return
        found = evolution.diff(spec, version if version is not None else max(locks), root / "spec")
    for place, item in found:
        verdict = "allowed" if item.rule is None else f"{item.rule}: {evolution.RULES[item.rule]}"
        click.echo(f"{place}: {item.what.rstrip(',')}: {verdict}")
    if any(item.rule is not None for _, item in found):
        sys.exit(1)


@main.command(name="ledger")
@_ROOT
@click.option("--write", "writes", is_flag=True, help="Bring it up to date.")
def show_ledger(root: Path, *, writes: bool) -> None:
    """Says what the ledger of numbers and names lacks; with --write, adds it."""
    folder = root / "spec"
    with _one_line_each():
        spec = load(folder)
        path = folder / "ledger.yaml"
        before = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        after = ledger.text(spec, folder).splitlines()
        if writes:
            ledger.write(spec, folder)
    lines = list(difflib.unified_diff(before, after, "spec/ledger.yaml", "spec/ledger.yaml", n=0, lineterm=""))
    click.echo("\n".join(lines) or "the ledger is up to date")
    if lines and not writes:
        sys.exit(1)


@main.command()
@_ROOT
@click.argument("version", type=int)
def release(root: Path, version: int) -> None:
    """Freezes the present spec as VERSION: from now on it changes only by the rules of evolution."""
    folder = root / "spec"
    with _one_line_each():
        spec = load(folder)
        path = evolution.release(spec, version, folder)
        ledger.write(spec, folder, release=True)
        flipped = _flip_status(folder, next(item.place for item in spec.versions if item.number == version))
    click.echo(f"{path} written" if flipped else f"{path} written; now write status: released in spec/protocol.yaml")
    click.echo("run nox -s generate, and commit the spec, the lock and the ledger together")


def _flip_status(folder: Path, place: Place) -> bool:
    """Writes `released` for `draft` in the line of a version, so that nobody forgets it; whether it stood there."""
    path = folder / "protocol.yaml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    line = lines[place.line - 1]
    lines[place.line - 1] = line.replace("status: draft", "status: released")
    path.write_text("".join(lines), encoding="utf-8")
    return lines[place.line - 1] != line


@contextmanager
def _one_line_each() -> Iterator[None]:
    """Says what is refused in one line each, and that is all."""
    try:
        yield
    except SpecError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except OSError as error:
        click.echo(f"{error.filename}: {error.strerror}; check the path and its permissions", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="wiretask-codegen")
