"""How people write what they want on the command line, and what of it is wrong."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import click
import msgspec

from wiretask_client.address import DEFAULT_ADDRESS, VARIABLE, default_address, parse_address
from wiretask_client.client import Client
from wiretask_client.connected import DEFAULT_TIMEOUT_SECONDS
from wiretask_client.errors import BadCall
from wiretask_client.ids import id_bytes

Command = Callable[..., None]


def seconds(text: str | float) -> float | None:
    """A number of seconds; "inf" is without end."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not number >= 0:
        raise click.BadParameter(f"{text!r} is not a number of seconds")
    return None if math.isinf(number) else number


def duration(text: str) -> float:
    """A time that ends: seconds, or a number with s, m, h or d after it."""
    number, unit = (text[:-1], text[-1:]) if text[-1:] in _UNITS else (text, "s")
    try:
        found = float(number) * _UNITS[unit]
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise click.BadParameter(f"{text!r} is not a number of seconds; write 90, 1.5, 15m, 2h or 7d for example")
    return found


#: Seconds of what can stand after a number.
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def host_port(text: str) -> str:
    """An address, unchanged."""
    return _checked(parse_address, text)


def task_id_text(text: str) -> str:
    """A task id, unchanged."""
    return _checked(id_bytes, text)


#: What can be said of every result.
prints = [
    click.option("--wait", type=seconds, help="Bounds the wait for the result; then the exit code is 4."),
    click.option("-n", "--no-newline", is_flag=True, help="Print the result without a newline after it."),
    click.option("--traceback", is_flag=True, help="Show where a task failed."),
]


def taking(options: Sequence[Callable[[Command], Command]]) -> Callable[[Command], Command]:
    """Gives a command several options."""
    return lambda command: functools.reduce(lambda made, option: option(made), reversed(options), command)


def reaches(command: Command) -> Command:
    """Gives a command the options that say where the scheduler is, and its client."""

    @click.option(
        "--scheduler",
        type=host_port,
        metavar="HOST:PORT",
        help=f"Where it is; else ${VARIABLE}, else {DEFAULT_ADDRESS}.",
    )
    @click.option("--timeout", type=seconds, default=DEFAULT_TIMEOUT_SECONDS, help="Bounds reaching it (10).")
    @functools.wraps(command)
    def reaching(*args: Any, scheduler: str | None, timeout: float | None, **kwargs: Any) -> None:
        command(Client(scheduler or host_port(default_address()), timeout=timeout), *args, **kwargs)

    return reaching


def arguments_of(text: str) -> tuple[list[Any], dict[str, Any] | None]:
    """Positional and keyword arguments, from JSON."""
    try:
        found = msgspec.json.decode(text)
    except ValueError as error:
        raise click.UsageError(f"--json is not JSON: {error}") from None
    if isinstance(found, list):
        return found, None
    if isinstance(found, dict):
        return [], found
    raise click.UsageError("--json must be an array (arguments in order) or an object (arguments by name)")


def _checked(check: Callable[[str], object], text: str) -> str:
    try:
        check(text)
    except BadCall as error:
        raise click.BadParameter(str(error)) from None
    return text
