"""How people write what they want on the command line, and what of it is wrong."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import click
import msgspec

from wiretask_client import terminal
from wiretask_client.config import SETTINGS, Config, load
from wiretask_client.errors import BadCall
from wiretask_client.ids import id_bytes
from wiretask_client.kinds import Switch
from wiretask_client.sources import Setting

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


#: Settings that have a flag on every command: who we are to a scheduler, and whom we trust.
_SECURITY = ("credentials", "tls", "tls_ca", "tls_cert", "tls_key")


def configured(*names: str) -> Callable[[Command], Command]:
    """Gives a command flags for some settings, and the Config that follows from them and from all other sources."""
    named = [setting for setting in SETTINGS if setting.name in (*names, *_SECURITY)]

    def configuring(command: Command) -> Command:
        @functools.wraps(command)
        def asking(*args: Any, file: str | None, **kwargs: Any) -> None:
            flags = {setting.name: kwargs.pop(setting.name) for setting in named}
            config = load(file or click.get_current_context().find_root().obj, flags)
            terminal.say_as(config.log_format)
            command(config, *args, **kwargs)

        return taking([*map(_flag, named), _config_file])(asking)

    return configuring


_config_file = click.option("--config", "file", metavar="FILE", help="A TOML file; its table is [client].")


def _flag(setting: Setting) -> Callable[[Command], Command]:
    about = setting.about if setting.default is None else f"{setting.about}  [{setting.default}]"
    if isinstance(setting.kind, Switch):
        return click.option(f"{setting.flag}/--no-{setting.flag[2:]}", setting.name, default=None, help=about)
    return click.option(setting.flag, setting.name, metavar=setting.kind.metavar, help=about)


def reaches(command: Command) -> Command:
    """Gives a command the options that say where the scheduler is, and its client."""

    @configured("scheduler", "timeout")
    @functools.wraps(command)
    def reaching(config: Config, *args: Any, **kwargs: Any) -> None:
        command(config.client(), *args, **kwargs)

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
