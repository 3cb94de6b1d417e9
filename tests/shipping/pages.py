"""The pages of the guide as stories that can be run: files, commands, and what the commands print.

A block of a page is one of these:

    ```python          a file if its first line is `# NAME.py`; a later one of the name replaces it
    ```toml            a file if its first line is `# NAME.toml`
    ```console         commands behind `$`, each followed by what it prints; `…` stands for anything in a line, and a
                       line that is `…` alone for any lines
    ```console title="NAME"
                       a terminal of its own: its last command goes on (a scheduler, a worker), and has printed what is
                       shown; `^C` stops what goes on there, and `^\\` ends it at once
    ```pycon           as a doctest
    anything else      not run; `bash`, `yaml`, `ini`, `json`, `text` and `mermaid` are known

The words of a page that are addresses (127.0.0.1:9001 and :9002) become those of a scheduler on free ports.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

#: What has not been printed by then never will be.
SECONDS = 60
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<kind>\w+)(?P<options>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE
)
_TITLE = re.compile(r'title="([^"]+)"')
_LOOKS = re.compile(
    r"wiretask (status|tasks (list|show)|dead list|queues?|workers|schedule list)\b(?! (pause|resume|drain))"
)
#: The keys that end what goes on in a terminal: their signals, and the codes of a good end.
_KEYS = {"^C": (signal.SIGINT, {0, 130}), "^\\": (signal.SIGQUIT, {-signal.SIGQUIT})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of code of a page, where it stands, and what it is."""

    line: int
    kind: str
    title: str | None
    text: str

    @property
    def file(self) -> str | None:
        """The name of the file that it is."""
        found = re.match(r"# ([\w.-]+\.(?:py|toml))\n", self.text)
        return found[1] if found and self.kind in {"python", "toml"} else None


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page in their order."""
    text = page.read_text()
    for found in _FENCE.finditer(text):
        title = _TITLE.search(found["options"])
        yield Block(
            line=text.count("\n", 0, found.start()) + 1,
            kind=found["kind"],
            title=title[1] if title else None,
            text=textwrap.dedent(found["text"]),
        )


def commands(text: str) -> Iterator[tuple[str, str]]:
    """What is typed in a console, and what it prints. A line that ends with a backslash goes on."""
    for part in re.split(r"^(?=\$ |\^[C\\])", text, flags=re.MULTILINE):
        if not part:
            continue
        if part.startswith("^"):
            yield part.rstrip("\n"), ""
            continue
        typed, _, printed = re.sub(r"\\\n", "\\\0", part).partition("\n")
        yield typed.removeprefix("$ ").replace("\\\0", "\\\n"), printed


def like(shown: str) -> re.Pattern[str]:
    """What a command must have printed. Tables grow with what is in them: many spaces are as good as one."""
    lines = [_line(line) for line in shown.splitlines()]
    return re.compile("".join(r"(?:.*\n)*?" if line is None else f" *{line} *\n" for line in lines))


def _line(shown: str) -> str | None:
    if shown == "…":
        return None
    words = re.sub(r" +", " ", shown.strip())
    return ".*".join(re.escape(part).replace(r"\ ", " +") for part in words.split("…"))


class Terminal:
    """Something that goes on, and what it has printed."""

    def __init__(self, command: str, place: Place) -> None:
        self.command = command
        self.printed = ""
        self._process = subprocess.Popen(
            shlex.split(command), cwd=place.folder, env=place.env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self.printed += line

    def expect(self, printed: str) -> None:
        """Waits until it has printed something like this."""
        pattern, end = like(printed), time.monotonic() + SECONDS
        while pattern.search(self.printed) is None:
            over = self._process.poll() is not None or time.monotonic() > end
            self._reader.join(0.02)
            if over and pattern.search(self.printed) is None:
                raise AssertionError(f"$ {self.command}\nshould print\n{printed}\nand has printed\n{self.printed}")

    def press(self, key: str) -> None:
        """Sends the signal of a key, and waits for the end."""
        self._process.send_signal(_KEYS[key][0])
        code = self._process.wait(SECONDS)
        assert code in _KEYS[key][1], f"$ {self.command}\nended with {code}:\n{self.printed}"

    def kill(self) -> None:
        """Ends it and all that it has started."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


class Place:
    """A folder and its terminals, in which a page is lived through."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ports = dict(zip(("127.0.0.1:9001", "127.0.0.1:9002"), free_ports(2), strict=True))
        listen, http = (f"127.0.0.1:{port}" for port in self._ports.values())
        said = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("WIRETASK_") or name == "WIRETASK_CODEC"
        }
        self.env = {
            **said,
            "HOME": str(folder),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{said['PATH']}",
            "PYTHONPATH": str(folder),
            "PYTHONUNBUFFERED": "1",
            "COLUMNS": "100",
            "WIRETASK_SCHEDULER_LISTEN": listen,
            "WIRETASK_SCHEDULER_HTTP": http,
            "WIRETASK_WORKER_SCHEDULER": listen,
        }
        (folder / ".variables").touch()
        # Weaker than anything that a page says.
        config = folder / ".config" / "wiretask" / "wiretask.toml"
        config.parent.mkdir(parents=True)
        config.write_text(f'[client]\nscheduler = "{listen}"\nhttp = "http://{http}"\n')
        self._terminals: dict[str, Terminal] = {}

    def live(self, page: Path) -> None:
        """Does what a page says. Raises AssertionError where something else comes of it."""
        try:
            for block in blocks(page):
                try:
                    self._do(block)
                except AssertionError as error:
                    raise AssertionError(f"{page.name}:{block.line}: {error}") from None
        finally:
            for terminal in self._terminals.values():
                terminal.kill()

    def _do(self, block: Block) -> None:
        text = self._moved(block.text)
        if block.file is not None:
            (self.folder / block.file).write_text(text)
        elif block.kind == "console" and block.title is None:
            for typed, printed in commands(text):
                self._run(typed, printed)
        elif block.kind == "console":
            for typed, printed in commands(text):
                self._type(str(block.title), typed, printed)

    def _moved(self, text: str) -> str:
        for address, port in self._ports.items():
            text = text.replace(address, f"127.0.0.1:{port}")
        return text

    def _run(self, typed: str, printed: str) -> None:
        end = time.monotonic() + SECONDS
        while like(printed).fullmatch(said := self._said(typed)) is None:
            # What only looks may have looked too early.
            assert _LOOKS.match(typed), f"$ {typed}\nshould print\n{printed}\nand printed\n{said}"
            assert time.monotonic() < end, f"$ {typed}\nshould print\n{printed}\nand prints at last\n{said}"

    def _said(self, typed: str) -> str:
        """What a command prints. Variables live on, as they do in a terminal."""
        done = subprocess.run(
            ["bash", "-c", f". ./.variables\n{typed}\ndeclare -p | grep -E '^declare -- [a-z]+=' >.variables"],
            cwd=self.folder, env=self.env, text=True, timeout=SECONDS, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return done.stdout

    def _type(self, title: str, typed: str, printed: str) -> None:
        if typed in _KEYS:
            self._terminals[title].press(typed)
            return
        if title in self._terminals:
            self._terminals[title].kill()
        self._terminals[title] = Terminal(typed, self)
        self._terminals[title].expect(printed)


def free_ports(count: int) -> list[int]:
    """Ports that nobody has, for something that must know its port beforehand."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
