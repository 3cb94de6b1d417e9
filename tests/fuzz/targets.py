"""What is fuzzed: each target takes octets, and raises for a bug and for nothing else.

frames    framing and codec: any octets, at any split, for each side
session   a live scheduler: a legal beginning, then messages that are nearly legal, beside somebody else's (`live`)
spec      the loader of the spec: its files with lines that are spoilt
http      the HTTP API of a live scheduler: requests that are nearly legal, and octets (`web`)
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from wiretask_codegen.load import load, spec_files
from wiretask_codegen.problems import SpecError
from wiretask_protocol import codec
from wiretask_protocol.connection import Connection
from wiretask_protocol.errors import WireError
from wiretask_protocol.machines import SchedulerConnectionEvent, SchedulerConnectionState
from wiretask_protocol.messages import AnyMessage, Hello, Role

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).with_name("corpus")

Target = Callable[[bytes], None]


def frames(octets: bytes) -> None:
    """Whatever comes is messages, or one WireError; it is the same however it is cut, and each message is what came."""
    if len(octets) < 2:
        return
    side = ("scheduler", "worker", "client")[octets[0] % 3]
    piece, rest = octets[1] % 64 + 1, octets[2:]
    whole, cut = _heard(side, rest, len(rest) + 1), _heard(side, rest, piece)
    assert whole == cut, f"{whole} in one piece, {cut} in pieces of {piece}"


def _heard(side: str, octets: bytes, piece: int) -> tuple[list[bytes], int | None]:
    """The messages as they are written again, and the code of the error after them."""
    connection = Connection(side)  # type: ignore[arg-type]
    said: list[bytes] = []
    try:
        for at in range(0, len(octets), piece):
            said += map(codec.encode, _received(connection, octets[at : at + piece]))
    except WireError as error:
        return said, int(error.code)
    return said, None


def _received(connection: Connection, octets: bytes) -> Iterator[AnyMessage]:
    messages = connection.receive(octets)
    while messages:
        yield from messages
        if connection.state is SchedulerConnectionState.OPENING and isinstance(messages[-1], Hello):
            # Nobody has to prove anything here.
            worker = messages[-1].role == Role.WORKER
            connection.event(
                SchedulerConnectionEvent.ACCEPT_WORKER if worker else SchedulerConnectionEvent.ACCEPT_CLIENT
            )
        messages = connection.receive(b"") if connection.more else []


@cache
def _copy() -> tuple[Path, list[Path], dict[Path, str]]:
    folder = Path(tempfile.mkdtemp(prefix="wiretask-fuzz-")) / "spec"
    shutil.copytree(ROOT / "spec", folder)
    files = spec_files(folder)
    return folder, files, {path: path.read_text() for path in files}


#: What stands in the place of a value.
_VALUES = (
    "", "0", "-1", "yes", "~", "[]", "{}", "[[]]", "1e9", "0x10", "18446744073709551616", '"\\0"', "'", "&a", "*a", "!!python/x",
    "{about: x}", "since", "- x", "\t", "\u2028", "a" * 300, "2026-01-01", "1:30", "<<", "? x", "| x", "u64", "list", "Task",
)  # fmt: skip


def spec(octets: bytes) -> None:
    """Whatever is spoilt is refused with all that is wrong, or taken."""
    folder, files, texts = _copy()
    if not octets:
        return
    path = files[octets[0] % len(files)]
    lines = texts[path].splitlines(keepends=True)
    for at in range(1, len(octets) - 3, 4):
        _spoil(lines, *octets[at : at + 4])
    path.write_text("".join(lines))
    try:
        load(folder)
    except SpecError:
        pass
    finally:
        path.write_text(texts[path])


def _spoil(lines: list[str], what: int, high: int, low: int, value: int) -> None:
    at = (high << 8 | low) % max(1, len(lines))
    if not lines:
        lines.append(chr(value))
    elif what % 6 == 0:
        del lines[at]
    elif what % 6 == 1:
        lines.insert(at, lines[(at + value) % len(lines)])
    elif what % 6 == 2:
        key, colon, _ = lines[at].partition(":")
        lines[at] = f"{key}{colon} {_VALUES[value % len(_VALUES)]}\n"
    elif what % 6 == 3:
        middle = value % (len(lines[at]) + 1)
        lines[at] = lines[at][:middle] + chr(what) + lines[at][middle:]
    elif what % 6 == 4:
        lines[at] = " " * (value % 9) + lines[at].lstrip(" ")
    else:
        lines[at] = lines[at].replace(":", "", 1) if value % 2 else lines[at].rstrip("\n")


def target(name: str) -> Target:
    """A target by its name; those with a scheduler take their time to load."""
    if name == "session":
        from live import session

        return session  # type: ignore[no-any-return]
    if name == "http":
        from web import http

        return http  # type: ignore[no-any-return]
    return {"frames": frames, "spec": spec}[name]


TARGETS = ("frames", "session", "spec", "http")


def corpus(name: str) -> list[bytes]:
    """What is kept for a target: its beginnings, and what has been found with it."""
    return [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]
