"""What a developer runs: `nox` checks everything and writes nothing; the other sessions are named with -s."""

from __future__ import annotations

import shutil
import zipapp
from collections.abc import Iterator
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "tests", "wheels", "docs", "simulate", "conformance"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
CONFORMANCE = Path(__file__).parent / "conformance"
ROLES = ("codec", "worker", "client", "scheduler")
LONG = {"WIRETASK_LONG": "1"}
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
    """All tests with the fast codec, then what runs on a codec again with the reference; `-- ARGS` go to pytest."""
    install(session, "tests")
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    session.run("pytest", "-q", "-n", "2", "--no-header", env=FAST)
    # The same again on construct. The mutations compare both codecs already, so a few are enough here; and what makes
    # codecs of its own, or only runs what others have built, has nothing to say a second time.
    own = [f"--ignore=tests/{which}" for which in ("bench", "codegen", "conformance", "shipping")]
    session.run("pytest", "-q", "-n", "2", "--no-header", "--mutations", "8000", *own, env=REFERENCE)


@nox.session
def simulate(session: nox.Session) -> None:
    """Simulated days, each from one seed, for two minutes; deaths at every boundary; bugs that are planted on purpose.

    `-- --minutes 60` for days alone, `-- --seed 17 --of parts` for one of them.
    """
    install(session, "tests")
    session.run("python", "tests/simulation/simulate.py", *session.posargs)
    if not session.posargs:
        session.run("python", "tests/simulation/crash_points.py")
        session.run("python", "tests/simulation/planted.py")


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """Real processes that are killed, stopped and cut off, for longer than in `tests`; `-- ARGS` are pytest's."""
    install(session, "tests")
    session.run("pytest", "--no-header", "-q", "-rA", "--timeout", "3600", "tests/faults", *session.posargs, env=LONG)


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Framing and codec, live sessions, the loader of the spec and the HTTP API, a minute each; `-- --seconds 600`."""
    install(session, "tests")
    try:
        session.install("-q", *nox.project.dependency_groups(PYPROJECT, "fuzz"))
    except CommandFailed:
        session.warn("Atheris cannot be installed here: Hypothesis takes its place")
    session.run("python", "tests/fuzz/fuzz.py", *session.posargs)


@nox.session
def conformance(session: nox.Session) -> None:
    """The conformance suite from the wheel, against all that is ours; `-- worker -- ./yours` for somebody else's."""
    suite = installed_suite(session)
    if session.posargs:
        # `./yours` is what it was where somebody has typed it.
        with session.chdir(session.invoked_from):
            session.run(*suite, *session.posargs)
        return
    for role, environment, command in implementations(session):
        report = f"reports/{len(list(Path('reports').glob('*'))) + 1}-{role}"
        session.run(*suite, role, "--report", report, "--", *command, env=environment)
    results = sorted(str(path) for path in Path("reports").glob("*/results.json"))
    session.run(*suite, "matrix", "--output", "reports/matrix.html", *results)
    session.run(*suite, "coverage")
    session.run("python", str(CONFORMANCE / "mutants" / "gate.py"))
    zipped, smallest = str(zipped_suite(session)), ["codec", "--run", "Hello/**", "--"]
    session.run("python", "-I", "-S", zipped, *smallest, "python", str(CONFORMANCE / "implementations/python/codec.py"))


@nox.session(name="zipapp", default=False)
def zipapp_(session: nox.Session) -> None:
    """Builds dist/wiretask-conformance.pyz: the whole suite in one file, for a machine with nothing but Python 3.9."""
    zipped_suite(session)


@nox.session(default=False)
def determinism(session: nox.Session) -> None:
    """The conformance suite five times in a row: each case must have the same verdict each time."""
    suite = installed_suite(session)
    for role, environment, command in implementations(session):
        session.run(*suite, role, "--times", "5", "--", *command, env=environment)


def installed_suite(session: nox.Session) -> tuple[str, ...]:
    """Builds and installs the wheel, and goes elsewhere, so that it is what is tested and not the checkout."""
    session.install("-q", "build")
    folder = Path(session.create_tmp())
    shutil.rmtree(folder / "dist", ignore_errors=True)
    shutil.rmtree(folder / "reports", ignore_errors=True)
    session.run("python", "-m", "build", "--wheel", "--outdir", str(folder / "dist"), silent=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    session.install("-q", "--force-reinstall", f"{wheel}[all]")
    session.chdir(folder)
    # Not `python -m`: that would import what lies in the folder of a user, such as a queue.py.
    return ("wiretask-conformance",)


def implementations(session: nox.Session) -> Iterator[tuple[str, dict[str, str], list[str]]]:
    """Everything that is tested here: the role, the environment and the command."""
    ours = {role: ["python", str(CONFORMANCE / "implementations" / "python" / f"{role}.py")] for role in ROLES}
    yield "codec", FAST, ours["codec"]
    yield "codec", REFERENCE, ours["codec"]
    for role in ("worker", "client", "scheduler"):
        yield role, FAST, ours[role]
    yield "both", FAST, [*ours["client"], "----", *ours["scheduler"]]
    if shutil.which("go") is None:
        session.warn("SKIPPED: the Go implementation, because this machine has no Go")
        return
    folder = Path.cwd()
    with session.chdir(CONFORMANCE / "implementations" / "go"):
        for words in ("vet ./...", "test ./...", f"build -o {folder} ./cmd/..."):
            session.run("go", *words.split(), external=True)
    yield "codec", {}, [str(folder / "codec-testee")]
    yield "worker", {}, [str(folder / "worker-testee")]


#: What the zipped suite begins with; an old Python is told so by the package itself.
ZIPPED = """\
import sys

from wiretask_conformance.__main__ import main

sys.exit(main())
"""


def zipped_suite(session: nox.Session, folder: Path = CONFORMANCE.parent / "dist") -> Path:
    """The suite as one file that needs nothing but Python: dist/wiretask-conformance.pyz."""
    staged = Path(session.create_tmp()) / "zipped"
    shutil.rmtree(staged, ignore_errors=True)
    source = CONFORMANCE / "wiretask_conformance"
    shutil.copytree(source, staged / source.name, ignore=shutil.ignore_patterns("__pycache__", "handmade.py"))
    (staged / "__main__.py").write_text(ZIPPED)
    target = folder / "wiretask-conformance.pyz"
    folder.mkdir(exist_ok=True)
    zipapp.create_archive(staged, target, interpreter="/usr/bin/env python3", compressed=True)
    session.log(f"{target}: {target.stat().st_size // 1024} KiB; python3 {target.name} --help")
    return target


@nox.session
def wheels(session: nox.Session) -> None:
    """Builds sdist and wheel, installs each extra alone, and runs the commands and a task from what is installed."""
    session.install("-q", "build", "virtualenv")
    session.run("python", "tests/shipping/wheels.py", "--folder", session.create_tmp())


@nox.session
def docs(session: nox.Session) -> None:
    """Builds the user guide into site/, strictly and without the network; `-- serve` shows it while you write."""
    install(session, "docs")
    session.run("mkdocs", *(session.posargs or ("build", "--quiet", "--clean")), env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session(default=False)
def images(session: nox.Session) -> None:
    """Builds the images with buildah, on a base made with debootstrap, and runs a task in them; needs root."""
    session.run("python", "tests/shipping/images.py", "--folder", session.create_tmp(), *session.posargs)


@nox.session(default=False)
def generate(session: nox.Session) -> None:
    """Writes generated/ anew from spec/: all that a change of the protocol takes."""
    install(session, "codegen")
    session.run("python", "-m", "wiretask_codegen", "generate", *session.posargs)


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Starts scheduler, workers and client, runs a thousand tasks, and says where to watch more; `-- --for SECONDS`."""
    session.install("-q", "-e", ".[all]")
    # Ctrl-C is a way to end it: it stops its parts then, which takes a moment.
    session.run("python", "tests/system/demo.py", *session.posargs, interrupt_timeout=30)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measures every row of "How fast" beside its floor in one run; `-- --help` says what else it can do.

    `-- --peers` adds the peers that are installed, `-- --guard` says what is slower than the committed results.
    """
    install(session, "bench")
    session.run("python", "tests/bench", *session.posargs)
