"""`python -m wiretask_codegen`: generate, check, release."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from wiretask_codegen import evolution, ledger
from wiretask_codegen.load import load
from wiretask_codegen.model import Spec
from wiretask_codegen.problems import SpecError
from wiretask_codegen.render import render, stale, write

_ROOT = click.option(
    "--root", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="The repository. [.]"
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Turns spec/ into generated/."""


@main.command()
@_ROOT
def generate(root: Path) -> None:
    """Writes what the spec asks for, and deletes what it does not."""
    spec = _loaded(root)
    ledger.write(spec, root / "spec")
    changed = write(render(spec), root / "generated")
    for path in changed:
        click.echo(f"generated/{path}")
    click.echo(f"{len(changed)} files written" if changed else "everything is fresh")


@main.command()
@_ROOT
def check(root: Path) -> None:
    """Says what is stale, and writes nothing."""
    old = stale(render(_loaded(root)), root / "generated")
    if old:
        click.echo("\n".join(f"generated/{path} is stale; run nox -s generate" for path in old), err=True)
        sys.exit(1)


@main.command()
@_ROOT
@click.argument("version", type=int)
def release(root: Path, version: int) -> None:
    """Freezes the present spec as a released version: from now on it changes only by the rules of evolution."""
    path = evolution.release(_loaded(root), version, root / "spec")
    click.echo(f"{path} written; set the status of version {version} to released in spec/protocol.yaml and commit both")


def _loaded(root: Path) -> Spec:
    """The spec, if it may follow on everything that was released; else the problems are said and that is all."""
    try:
        spec = load(root / "spec")
        ledger.check(spec, root / "spec")
        evolution.check(spec, root / "spec")
    except SpecError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    return spec


if __name__ == "__main__":
    main(prog_name="wiretask-codegen")
