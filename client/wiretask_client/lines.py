"""`submit --lines`: a task per line in, a result per line out, in order, with bounded memory.

Only the newline is taken off a line; what is left is the body as it is. A task that fails prints an empty line and its
error goes to stderr. Reading and writing happen in threads, so that a slow pipe never silences the connection.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Protocol

from wiretask_client import outcomes
from wiretask_client.client import Client
from wiretask_client.errors import BadCall, ClientError
from wiretask_client.options import Options
from wiretask_client.patience import explain
from wiretask_client.stream import DEFAULT_IN_FLIGHT, Stream
from wiretask_client.terminal import complain, one_line, traceback_lines, write_without_waiting
from wiretask_client.threads import in_thread
from wiretask_protocol.limits import FRAME_LIMIT_CEILING
from wiretask_protocol.messages import Encoding, Report

_READ_OCTETS = 256 * 1024
#: Bodies on the way, all together: long lines narrow the window.
_MOST_OCTETS = 64 * 1024 * 1024
_LEAST_IN_FLIGHT = 16
_JSON = int(Encoding.JSON)


class Progress(Protocol):
    """Where progress is shown."""

    def advance(self, count: int) -> None:
        """So many more are done."""

    def aside(self) -> AbstractContextManager[None]:
        """While results are printed."""

    def say(self, text: str) -> None:
        """Says something beside it."""


class Quiet:
    """Progress where nobody looks."""

    def advance(self, count: int) -> None:
        """Nobody looks."""

    def aside(self) -> AbstractContextManager[None]:
        """Nothing is in the way."""
        return nullcontext()

    def say(self, text: str) -> None:
        """Says it on stderr."""
        complain(text)


async def submit_lines(
    client: Client, path: str, task_type: str, options: Options, progress: Progress, *, traceback: bool = False
) -> bool:
    """Submits every line of a file ("-" is stdin) and prints the results. Whether all succeeded."""
    wanted = options.get("want_result", True)
    stream = client.stream(task_type, read=outcomes.report_or_error, **options)
    with ExitStack() as stack:
        descriptor = 0 if path == "-" else os.open(path, os.O_RDONLY)
        if path != "-":
            stack.callback(os.close, descriptor)
        feeding = asyncio.create_task(_feed(stream, descriptor))
        explaining = asyncio.create_task(explain(client, _stalled(stream), progress.say))
        try:
            return await _print_all(stream, progress, wanted=wanted, traceback=traceback)
        finally:
            feeding.cancel()
            explaining.cancel()
            stream.abandon()


async def batches_of_lines(descriptor: int) -> AsyncIterator[list[bytes]]:
    """The lines of a file without their newlines, as they come. Raises BadCall for one that no frame could hold."""
    rest = bytearray()
    while octets := await in_thread(os.read, descriptor, _READ_OCTETS):
        rest += octets
        if b"\n" in octets:
            *lines, last = bytes(rest).split(b"\n")
            rest = bytearray(last)
            yield lines
        elif len(rest) > FRAME_LIMIT_CEILING:
            raise BadCall(f"a line is longer than {FRAME_LIMIT_CEILING} bytes, which no task can be; split it")
    if rest:
        yield [bytes(rest)]


def count_lines(path: str) -> int | None:
    """How many lines a file has; None where that cannot be known beforehand."""
    if not Path(path).is_file():
        return None
    count, last = 0, b"\n"
    with Path(path).open("rb") as file:
        while octets := file.read(_READ_OCTETS):
            count += octets.count(b"\n")
            last = octets[-1:]
    return count + (last != b"\n")


async def _feed(stream: Stream, descriptor: int) -> None:
    try:
        async for lines in batches_of_lines(descriptor):
            longest = max(map(len, lines))
            stream.in_flight = max(_LEAST_IN_FLIGHT, min(DEFAULT_IN_FLIGHT, _MOST_OCTETS // (longest + 1)))
            calls = ((line,) for line in lines)
            left = len(lines)
            while left:
                await stream.has_room()
                left -= stream.push_some(calls, left)
                await asyncio.sleep(0)
    except (ClientError, OSError) as error:
        stream.fail(error)
    stream.finish()


async def _print_all(stream: Stream, progress: Progress, *, wanted: bool, traceback: bool) -> bool:
    number, succeeded = 0, True
    while batch := await stream.take():
        printed = bytearray()
        for found in batch:
            number += 1
            if isinstance(found, ClientError):
                succeeded = False
                progress.say(f"line {number}: {one_line(found)}")
                for line in traceback_lines(found) if traceback else ():
                    progress.say(line)
            else:
                printed += _line(found) if wanted else found.encode()
            printed += b"\n"
        with progress.aside():
            await write_without_waiting(bytes(printed))
        progress.advance(len(batch))
    return succeeded


def _line(report: Report) -> bytes:
    # A newline in JSON is only ever space between its parts.
    return report.body.replace(b"\n", b" ") if report.encoding == _JSON else report.body


def _stalled(stream: Stream) -> Callable[[], str | None]:
    """The oldest task, if none has ended since it was asked for the last time."""
    before = -1

    def oldest() -> str | None:
        nonlocal before
        then, before = before, stream.taken
        return stream.oldest if then == before else None

    return oldest
