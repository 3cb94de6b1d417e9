"""Builds what is published, installs each extra of it alone, and runs a task with what each extra brings: `nox -s wheels`.

The wheel is built from the sdist, so that the sdist is shown to be whole. Nothing of the checkout is on any path: the
environments are new, and the commands run in a folder of their own.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: The commands that each extra is for.
EXTRAS = {
    "scheduler": ("wiretask-scheduler",),
    "worker": ("wiretask-worker",),
    "client": ("wiretask",),
    "all": ("wiretask-scheduler", "wiretask-worker", "wiretask", "wiretask-conformance"),
}
PACKAGES = {"wiretask_protocol", "wiretask_scheduler", "wiretask_worker", "wiretask_client", "wiretask_conformance"}
#: What is not Python and must not be forgotten.
DATA = (
    "wiretask_scheduler/http/dashboard/index.html",
    "wiretask_conformance/scenarios/worker.json",
    *(f"{package}/py.typed" for package in sorted(PACKAGES)),
)
SECONDS = 120
TEXT = "Hello, World!"


def run(*words: str | Path, cwd: Path) -> str:
    """Runs a command to its end; what it has printed. Ends all with what it said if it fails."""
    # Nothing that this environment says of Wiretask or of Python's paths may help.
    env = {
        name: value for name, value in os.environ.items() if not name.startswith(("WIRETASK", "PYTHON", "VIRTUAL_ENV"))
    }
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def build(folder: Path) -> Path:
    """The sdist, and the wheel made of it."""
    shutil.rmtree(folder / "dist", ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", folder / "dist", ROOT, cwd=folder)
    (sdist,), (wheel,) = (folder / "dist").glob("*.tar.gz"), (folder / "dist").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES, f"the wheel has {sorted(tops)}"
    assert not set(DATA) - names, f"the wheel lacks {set(DATA) - names}"
    assert any(name.endswith("/licenses/LICENSE") for name in names), "the wheel lacks the licence"
    print(f"{sdist.name}: {sdist.stat().st_size >> 10} KiB; {wheel.name}: {wheel.stat().st_size >> 10} KiB")
    return wheel


def install(folder: Path, wheel: Path, extra: str) -> Path:
    """A new environment with one extra; where its commands are. They say who they are."""
    environment = folder / extra
    shutil.rmtree(environment, ignore_errors=True)
    run(sys.executable, "-m", "virtualenv", "-q", environment, cwd=folder)
    commands = environment / "bin"
    run(commands / "python", "-m", "pip", "install", "-q", f"{wheel}[{extra}]", cwd=folder)
    version = wheel.name.split("-")[1]
    for command in EXTRAS[extra]:
        said = run(commands / command, "--version", cwd=folder)
        assert version in said, f"{command} --version says {said!r}"
        assert "Usage" in (text := run(commands / command, "--help", cwd=folder)) or "usage" in text
    print(f"wiretask[{extra}]: {', '.join(EXTRAS[extra])}")
    return commands


@contextmanager
def running(cwd: Path, *words: str | Path) -> Iterator[str]:
    """A part that has said `ready`, and what stands behind that word; at the end it is asked to stop, and must."""
    with (cwd / f"{Path(words[0]).name}.log").open("w") as log:
        process = subprocess.Popen(words, cwd=cwd, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None
        try:
            said = process.stdout.readline()
            assert said.startswith("ready"), f"{words[0]} said {said!r}; {log.name} says more"
            yield said.removeprefix("ready").strip()
            process.terminate()
            code = process.wait(SECONDS)
            assert code == 0, f"{words[0]} ended with {code} when it was asked to stop"
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def task(folder: Path, scheduler: Path, worker: Path, client: Path) -> None:
    """A task from a client through a scheduler to a worker and back, each from an environment of its own."""
    place = folder / "place"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    serve = (scheduler / "wiretask-scheduler", "--listen", "127.0.0.1:0", "--http", "off")
    with running(place, *serve) as address, running(place, worker / "wiretask-worker", "--scheduler", address):
        said = run(client / "wiretask", "submit", TEXT, "--scheduler", address, cwd=place).strip()
    assert said == hashlib.sha256(TEXT.encode()).hexdigest(), f"the client printed {said!r}"
    print(f"sha256 of {TEXT!r}: {said}")


def refused(folder: Path, client: Path) -> None:
    """A scheduler where only a client was installed: one line says what to install."""
    done = subprocess.run([client / "wiretask-scheduler"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2, f"it ended with {done.returncode}"
    assert done.stderr.count("\n") == 1, done.stderr
    assert "pip install 'wiretask[scheduler]'" in done.stderr, done.stderr


def main(arguments: Sequence[str] | None = None) -> None:
    """Builds, installs, and runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where everything is made")
    folder = parser.parse_args(arguments).folder.resolve()
    wheel = build(folder)
    commands = {extra: install(folder, wheel, extra) for extra in EXTRAS}
    refused(folder, commands["client"])
    task(folder, commands["scheduler"], commands["worker"], commands["client"])
    task(folder, commands["all"], commands["all"], commands["all"])


if __name__ == "__main__":
    main()
