"""What a developer runs: `nox` checks everything and writes nothing; the other sessions are named with -s."""

from __future__ import annotations

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "tests", "conformance"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
FAST, REFERENCE = {"WIRETASK_CODEC": "fast"}, {"WIRETASK_CODEC": "reference"}


def install(session: nox.Session, *groups: str, extras: str = "all") -> None:
    """Installs the project for editing, with its extras and the dependency groups of pyproject."""
    dependencies = nox.project.dependency_groups(PYPROJECT, *groups)
    session.install("-q", "-e", f".[{extras}]", *dependencies)


@nox.session
def lint(session: nox.Session) -> None:
    """Style (ruff) and who may import whom (import-linter)."""
    install(session, "lint", "codegen")
    session.run("ruff", "check", "--quiet")
    session.run("ruff", "format", "--check", "--quiet")
    session.run("lint-imports", "--no-cache", silent=True)


@nox.session
def types(session: nox.Session) -> None:
    """Types (mypy --strict) of everything, the generated code and the tests' helpers included."""
    install(session, "types")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests with the fast codec, then all again with the reference codec; `-- ARGS` go to pytest instead."""
    install(session, "tests")
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    session.run("pytest", "-q", "-n", "2", "--no-header", env=FAST)
    # The same again on construct. The mutations compare both codecs already, so a few are enough here.
    session.run("pytest", "-q", "-n", "2", "--no-header", "--mutations", "8000", env=REFERENCE)


@nox.session
def conformance(session: nox.Session) -> None:
    """The conformance suite from the built wheel, against our codecs; `-- codec -- COMMAND` for another one."""
    session.install("-q", "build")
    wheels = Path(session.create_tmp())
    shutil.rmtree(wheels / "dist", ignore_errors=True)
    session.run("python", "-m", "build", "--wheel", "--outdir", str(wheels / "dist"), silent=True)
    (wheel,) = (wheels / "dist").glob("*.whl")
    session.install("-q", "--force-reinstall", str(wheel))
    # From elsewhere, so that the wheel is what is tested and not the checkout.
    session.chdir(wheels)
    session.run("python", "-m", "wiretask_conformance", *(session.posargs or ["codec"]))


@nox.session(default=False)
def generate(session: nox.Session) -> None:
    """Writes generated/ anew from spec/: all that a change of the protocol takes."""
    install(session, "codegen")
    session.run("python", "-m", "wiretask_codegen", "generate")


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Starts scheduler, worker and client from their own folders and runs a thousand tasks."""
    session.install("-q", "-e", ".[all]")
    session.run("python", "tests/system/demo.py")


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measures the throughput of everything beside a bare relay of the same frames, in one run."""
    session.install("-q", "-e", ".[all]")
    session.run("python", "tests/bench/throughput.py", *session.posargs)
