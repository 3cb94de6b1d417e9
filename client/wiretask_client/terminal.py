"""What the command line has in common: one line per error, exit codes, results byte for byte.

0    done
1    the task failed, or the scheduler refused it, or nobody reads the output any more
2    bad usage
3    no scheduler that serves us
4    not finished, or unknown
130  interrupted
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import select
import stat
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NoReturn, TextIO, TypeVar

import click
import msgspec

from wiretask_client.errors import (
    BadCall,
    ClientError,
    NotFinished,
    OperationRefused,
    Refused,
    TaskEnded,
    UnknownSchedule,
    UnknownTask,
    Unreachable,
)
from wiretask_client.threads import in_thread

T = TypeVar("T")

PROGRAM = "wiretask"

FAILED, USAGE, UNREACHABLE, NOT_THERE, INTERRUPTED = 1, 2, 3, 4, 130

_STDOUT = 1
#: HTTP's: there is no such thing; and who asks, or so often, is not served.
_NOT_FOUND, NOT_SERVED = 404, frozenset({401, 403, 429})


class Program(click.Group):
    """A group of commands whose errors are one line each, with the exit codes of this module."""

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Runs a command and exits."""
        _open_what_is_closed()
        try:
            super().main(args, PROGRAM, **{**extra, "standalone_mode": False})
        except click.UsageError as error:
            complain(_usage_text(error))
            sys.exit(USAGE)
        except click.ClickException as error:
            complain(error.format_message())
            sys.exit(USAGE)
        except ClientError as error:
            complain(one_line(error))
            sys.exit(exit_code(error))
        except (KeyboardInterrupt, click.Abort):
            sys.exit(INTERRUPTED)
        except OSError as error:
            if error.errno != errno.EPIPE:
                complain(f"{error.filename or 'the output'}: {error.strerror or error}")
            _let_go_of_stdout()
            sys.exit(FAILED)
        sys.exit(0)


def exit_code(error: ClientError) -> int:
    """The exit code of an error."""
    if isinstance(error, BadCall):
        return USAGE
    if isinstance(error, NotFinished | UnknownTask | UnknownSchedule):
        return NOT_THERE
    if isinstance(error, OperationRefused) and error.status == _NOT_FOUND:
        return NOT_THERE
    if isinstance(error, OperationRefused) and error.status in NOT_SERVED:
        return UNREACHABLE
    if isinstance(error, Unreachable):
        return UNREACHABLE
    if isinstance(error, Refused) and error.of_connection:
        return UNREACHABLE
    return FAILED


def complain(text: str) -> None:
    """Says something on stderr, as one line."""
    if _form == "json":
        import datetime as dt  # noqa: PLC0415 -- for programs

        when = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"time": when, "level": "error", "event": text, "logger": PROGRAM}
        click.echo(msgspec.json.encode(line).decode(), err=True)
    else:
        click.echo(f"{PROGRAM}: {escaped(text)}", err=True)


def say_as(form: str) -> None:
    """How `complain` says it from now on: as text for people, or as json for programs."""
    global _form  # noqa: PLW0603 -- there is one stderr
    _form = form


_form = "text"


def one_line(error: ClientError) -> str:
    """An error in one line, with the id of the task where there is one."""
    if isinstance(error, TaskEnded) and error.error_type:
        return f"{error} (task {error.task_id})"
    return str(error)


def traceback_lines(error: ClientError) -> list[str]:
    """Where a task failed, if its worker said so."""
    traceback = error.traceback if isinstance(error, TaskEnded) else None
    return traceback.rstrip("\n").split("\n") if traceback else []


def escaped(text: str) -> str:
    """A text of a peer as a terminal may see it: on one line, nothing that moves the cursor."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def write(octets: bytes) -> None:
    """Writes all of it to stdout, byte for byte. Raises BrokenPipeError when nobody reads."""
    try:
        descriptor = _stdout()
    except OSError:
        sys.stdout.buffer.write(octets)  # somebody has put something else in its place
        return
    rest = memoryview(octets)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            select.select([], [descriptor], [])


async def write_without_waiting(octets: bytes) -> None:
    """Writes all of it to stdout while the event loop goes on: in a thread, unless it cannot block."""
    try:
        descriptor = _stdout()
        # A pipe that is ready takes PIPE_BUF bytes for certain; a file takes everything.
        small = len(octets) <= select.PIPE_BUF or stat.S_ISREG(os.fstat(descriptor).st_mode)
        ready = small and bool(select.select([], [descriptor], [], 0)[1])
    except (OSError, ValueError):
        ready = True
    if ready:
        write(octets)
    else:
        await in_thread(write, octets)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether people see what is written there. A stream that was closed from the start is None."""
    return stream is not None and stream.isatty()


def run(work: Coroutine[Any, Any, T], *, many: bool = False) -> T:
    """Runs a command's work. For `many` tasks it is worth the time that the fast event loop takes to load."""
    try:
        with asyncio.Runner(loop_factory=_fast_loop() if many else None) as runner:
            return runner.run(work)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)  # here, before click makes an empty line of it


def _stdout() -> int:
    # The interpreter has no object for a descriptor that was closed when it started.
    return sys.stdout.fileno() if sys.__stdout__ is not None else _STDOUT


def _open_what_is_closed() -> None:
    """Puts /dev/null where a shell has closed stdin, stdout or stderr: else a socket would get their number."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 -- 36 ms, and not everywhere
    except ImportError:
        return None
    return uvloop.new_event_loop


def _usage_text(error: click.UsageError) -> str:
    command = error.ctx.command_path if error.ctx is not None else PROGRAM
    return f"{error.format_message().rstrip('.')} (see {command} --help)"


def _let_go_of_stdout() -> None:
    """Keeps the interpreter from complaining, on its way out, about a pipe that nobody reads."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), _stdout())
