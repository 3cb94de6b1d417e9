"""`python -m wiretask_codegen`: generate, check, release."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from wiretask_codegen import evolution, goldens, ledger
from wiretask_codegen.load import load
from wiretask_codegen.model import Spec
from wiretask_codegen.problems import SpecError
from wiretask_codegen.render import render, stale, write

_T = TypeVar("_T")
_ROOT = click.option(
    "--root", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="The repository. [.]"
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Turns spec/ into generated/."""


@main.command()
@_ROOT
@click.option("--bless", is_flag=True, help="Change golden cases that are there already.")
def generate(root: Path, *, bless: bool) -> None:
    """Writes what the spec asks for, and deletes what it does not."""
    spec = _loaded(root)
    ledger.write(spec, root / "spec")
    changed = [f"generated/{path}" for path in write(render(spec), root / "generated")]
    # After the binding, because the reference codec says what is expected of a golden case.
    cases = goldens.render(spec)
    if not bless:
        _refusing(lambda: goldens.check(cases, root))
    changed += [f"{goldens.FOLDER}/{path}" for path in write(cases, root / goldens.FOLDER)]
    for path in changed:
        click.echo(path)
    click.echo(f"{len(changed)} files written" if changed else "everything is fresh")


@main.command()
@_ROOT
def check(root: Path) -> None:
    """Says what is stale, and writes nothing."""
    spec = _loaded(root)
    old = [f"generated/{path}" for path in stale(render(spec), root / "generated")]
    old += [f"{goldens.FOLDER}/{path}" for path in stale(goldens.render(spec), root / goldens.FOLDER)]
    if old:
        click.echo("\n".join(f"{path} is stale; run nox -s generate" for path in old), err=True)
        sys.exit(1)


@main.command()
@_ROOT
@click.argument("version", type=int)
def release(root: Path, version: int) -> None:
    """Freezes the present spec as a released version: from now on it changes only by the rules of evolution."""
    spec = _loaded(root)
    path = _refusing(lambda: evolution.release(spec, version, root / "spec"))
    click.echo(f"{path} written; set the status of version {version} to released in spec/protocol.yaml and commit both")


def _loaded(root: Path) -> Spec:
    """The spec, if it may follow on everything that was released."""

    def checked() -> Spec:
        spec = load(root / "spec")
        ledger.check(spec, root / "spec")
        evolution.check(spec, root / "spec")
        return spec

    return _refusing(checked)


def _refusing(step: Callable[[], _T]) -> _T:
    """Says what a step refuses, and that is all."""
    try:
        return step()
    except SpecError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="wiretask-codegen")
