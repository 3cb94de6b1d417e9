"""Builds the three images and runs what is in them, on a machine without an engine: `nox -s images`.

buildah builds with `--isolation chroot`. No registry of images is needed: what the Dockerfiles name as their base is made
with debootstrap, Debian's Python in Debian's smallest system. That is what is *not* tested here: the official base, its
Python, and what an engine adds (networks, volumes, limits, the timing of health checks).

It needs root, and the Debian packages buildah and debootstrap; it says so where they are missing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = ("scheduler", "worker", "client")
SUITE, PACKAGES = "bookworm", "python3,python3-venv,python3-pip,ca-certificates"
#: A step that takes longer hangs.
BUILD_SECONDS, RUN_SECONDS, COMMAND_SECONDS = 600, 60, 60
TEXT = "Hello, World!"


class Store:
    """The images and containers of this run, in a folder of their own; the machine's are not touched."""

    def __init__(self, folder: Path) -> None:
        self._options = ["--root", str(folder / "root"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]

    def command(self, *words: str) -> list[str]:
        return ["buildah", *self._options, *words]

    def run(self, *words: str, seconds: float = COMMAND_SECONDS) -> str:
        """Runs buildah to its end; what it has printed."""
        done = subprocess.run(
            self.command(*words), cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False
        )
        if done.returncode:
            sys.exit(f"buildah {words[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    @contextmanager
    def container(self, image: str) -> Iterator[str]:
        """A container of an image, gone at the end."""
        name = self.run("from", "--pull-never", image).strip()
        try:
            yield name
        finally:
            self.run("rm", name)


class Image:
    """An image as it says itself what it is."""

    def __init__(self, store: Store, part: str) -> None:
        self.part, self.name = part, f"wiretask-{part}"
        said = json.loads(store.run("inspect", "--type", "image", self.name))
        self.config = said["Docker"]["config"]
        self.entrypoint: list[str] = self.config["Entrypoint"]
        self.health: list[str] = self.config["Healthcheck"]["Test"]

    def check(self) -> None:
        """What an image owes to who runs it."""
        assert self.config["User"] == "10001:10001", f"{self.name} runs as {self.config['User']}"
        if self.part == "scheduler":
            assert list(self.config["Volumes"]) == ["/data"], "the store has no volume"
        assert (self.health == ["NONE"]) == (self.part == "client"), f"{self.name} says no word of its health"


def base_image(store: Store, folder: Path) -> str:
    """What the Dockerfiles name as their base, made here. It is kept in the folder for the next time."""
    (name,) = {_base_of(part) for part in PARTS}
    if name in store.run("images", "--format", "{{.Name}}:{{.Tag}}").split():
        return name
    system = folder / "debian"
    shutil.rmtree(system, ignore_errors=True)
    print(f"debootstrap {SUITE}, which takes two minutes")
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(system)]
    with (folder / "debootstrap.log").open("w") as log:
        subprocess.run(command, stdout=log, stderr=log, timeout=BUILD_SECONDS, check=True)
    for rest in (*(system / "var/cache/apt/archives").glob("*.deb"), *(system / "var/lib/apt/lists").glob("*_*")):
        rest.unlink()
    container = store.run("from", "scratch").strip()
    store.run("add", "--quiet", container, str(system), "/", seconds=BUILD_SECONDS)
    store.run("config", "--env", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container)
    store.run("commit", "--quiet", container, name, seconds=BUILD_SECONDS)
    store.run("rm", container)
    shutil.rmtree(system)
    return name


def _base_of(part: str) -> str:
    found = re.search(r"^ARG PYTHON=(\S+)$", (ROOT / part / "Dockerfile").read_text(), re.MULTILINE)
    assert found is not None, f"{part}/Dockerfile names no base"
    return found[1]


def build(store: Store, part: str) -> Image:
    """Builds the image of a part, with this machine's way to PyPI and with nothing else of it."""
    ours = [path for path in ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt") if Path(path).exists()]
    volumes = [word for path in ours for word in ("--volume", f"{path}:{path}:ro")]
    options = ["--format", "docker", "--isolation", "chroot", "--pull-never", "--layers=false", *volumes]
    store.run("build", *options, "-f", f"{part}/Dockerfile", "-t", f"wiretask-{part}", ".", seconds=BUILD_SECONDS)
    image = Image(store, part)
    image.check()
    return image


@contextmanager
def running(store: Store, image: Image, *words: str) -> Iterator[tuple[str, str]]:
    """The command of an image until it is ready: its container and what it has said. At the end it is asked to stop."""
    with store.container(image.name) as container:
        command = store.command("run", "--isolation", "chroot", container, "--", *image.entrypoint, *words)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert process.stdout is not None
        try:
            said = process.stdout.readline()
            assert said.startswith("ready"), f"{image.name} did not get ready: {said!r}"
            yield container, said.removeprefix("ready").strip()
            os.kill(_inside(process.pid), getattr(signal, image.config.get("StopSignal", "SIGTERM")))
            code = process.wait(RUN_SECONDS)
            assert code == 0, f"{image.name} ended with {code} when it was asked to stop"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            process.stdout.close()


def _inside(pid: int) -> int:
    """The process of the image, below buildah and what it starts: it is told to stop, as an engine would tell it."""
    while children := [
        int(child)
        for thread in Path(f"/proc/{pid}/task").iterdir()
        for child in (thread / "children").read_text().split()
    ]:
        pid = children[0]
    return pid


def healthy(store: Store, image: Image, container: str, http: int) -> bool:
    """Runs an image's health check in a container, with the port that the scheduler has here."""
    kind, *words = image.health
    assert kind == "CMD", f"{image.name} has a health check of the kind {kind}"
    words = [word.replace("9002", str(http)) for word in words]
    command = store.command("run", "--isolation", "chroot", container, "--", *words)
    return subprocess.run(command, timeout=COMMAND_SECONDS, check=False, capture_output=True).returncode == 0


def try_out(store: Store, images: dict[str, Image], http: int) -> None:
    """A task from the client's image through the scheduler's to the worker's and back."""
    listen = ("--listen", "127.0.0.1:0", "--http", f"127.0.0.1:{http}")
    with running(store, images["scheduler"], *listen) as (scheduler, address):
        print(f"scheduler: ready {address}")
        assert healthy(store, images["scheduler"], scheduler, http), "the scheduler's health check fails"
        assert not healthy(store, images["scheduler"], scheduler, 1), "the scheduler's health check cannot fail"
        with running(store, images["worker"], "--scheduler", address) as (worker, _):
            # It writes the file that is looked at a moment after it is ready.
            end = time.monotonic() + RUN_SECONDS
            while not healthy(store, images["worker"], worker, http):
                assert time.monotonic() < end, "the worker's health check fails"
            with store.container("wiretask-client") as client:
                words = [*images["client"].entrypoint, "submit", TEXT, "--scheduler", address]
                said = store.run("run", "--isolation", "chroot", client, "--", *words, seconds=RUN_SECONDS)
        assert hashlib.sha256(TEXT.encode()).hexdigest() in said, f"the client printed {said!r}"
        print(f"client: {said.strip()}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Builds all, tries them out, and says how large they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--folder", type=Path, required=True, help="where everything is kept, the base for the next time"
    )
    parser.add_argument("--http", type=int, default=29002, help="a port that is free here")
    chosen = parser.parse_args(arguments)
    missing = [tool for tool in ("buildah", "debootstrap") if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        sys.exit(f"needs root and {' and '.join(missing or ['nothing else'])}: apt-get install buildah debootstrap")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    store = Store(chosen.folder.resolve())
    print(f"base: {base_image(store, chosen.folder.resolve())}, made with debootstrap")
    images = {}
    for part in PARTS:
        images[part] = build(store, part)
        print(f"built: {images[part].name}")
    try_out(store, images, chosen.http)
    # Those of the time before.
    store.run("rmi", "--prune", seconds=BUILD_SECONDS)
    print(store.run("images", "--format", "{{.Name}}:{{.Tag}} {{.Size}}"), end="")


if __name__ == "__main__":
    main()
