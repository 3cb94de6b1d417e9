"""Where settings come from: a TOML file, the environment and flags, each stronger than the one before.

The file may hold the tables of the other parts, too; ours is `[worker]`. What is not known is refused, with what was
probably meant. Every error is one line that names the setting and where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from wiretask_worker.errors import ConfigError
from wiretask_worker.kinds import Kind, Many, Switch

PREFIX = "WIRETASK_WORKER_"
#: Names the file where no flag does.
FILE_VARIABLE = "WIRETASK_CONFIG"
TABLE = "worker"
#: Tables that a configuration file may have, one for each part.
TABLES = ("scheduler", "worker", "client")
DEFAULT = "default"

#: What Kubernetes says of a Service with the name of a part, in the environment of every pod.
_KUBERNETES = re.compile(r"(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)", re.ASCII)


class Setting(NamedTuple):
    """One thing that can be said."""

    name: str
    kind: Kind
    about: str
    #: As it would be written; None for what is not there unless it is said.
    default: Any = None
    #: What holds then, in words.
    otherwise: str | None = None
    #: Whether SIGHUP can change it.
    reloads: bool = False

    @property
    def flag(self) -> str:
        """Its flag."""
        return "--" + self.name.replace("_", "-")


class Said(NamedTuple):
    """A value, as it was written, and where."""

    value: Any
    written: Any
    source: str


def gather(
    settings: Sequence[Setting], file: str | None, environ: Mapping[str, str], flags: Mapping[str, Any]
) -> dict[str, Said]:
    """What holds of each setting. A flag of None was not given; an empty variable says nothing. Raises ConfigError."""
    known = {setting.name: setting for setting in settings}
    said = {setting.name: _default(setting) for setting in settings}
    path = file or environ.get(FILE_VARIABLE)
    if path:
        for name, written in _table(path).items():
            if name not in known:
                raise ConfigError(f"{path}: {_unknown(name, known)}")
            said[name] = _said(known[name], path, f"{path}: {name}", written)
    for variable, text in environ.items():
        if variable.startswith(PREFIX) and text and not _KUBERNETES.fullmatch(variable.removeprefix(PREFIX)):
            setting = known.get(variable.removeprefix(PREFIX).lower())
            if setting is None or not variable.isupper():
                raise ConfigError(_unknown(variable, [PREFIX + name.upper() for name in known]))
            said[setting.name] = _said(setting, f"${variable}", variable, text, setting.kind.untyped)
    for name, given in flags.items():
        if given is not None and given != ():
            flag = known[name].flag
            said[name] = _said(known[name], flag, flag, given, partial(_flag, known[name].kind))
    return said


def as_toml(settings: Sequence[Setting], said: Mapping[str, Said]) -> str:
    """What holds, as a file that says the same; a comment says where each value comes from."""
    lines = [f"[{TABLE}]"]
    for setting in settings:
        _, written, source = said[setting.name]
        if written is None:
            lines.append(f"# {setting.name} is not said: {setting.otherwise or 'none'}")
        else:
            lines.append(f"{setting.name} = {_shown(written)}  # {source}")
    return "\n".join(lines) + "\n"


def _shown(written: Any) -> str:
    if isinstance(written, bool):
        return "true" if written else "false"
    if isinstance(written, str):
        return f'"{"".join(map(_character, written))}"'
    if isinstance(written, list):
        return f"[{', '.join(map(_shown, written))}]"
    return repr(written)


def _character(each: str) -> str:
    if each in '"\\':
        return f"\\{each}"
    return each if each.isprintable() else f"\\U{ord(each):08x}"


def _default(setting: Setting) -> Said:
    if setting.default is None:
        return Said(() if isinstance(setting.kind, Many) else None, None, DEFAULT)
    return Said(setting.kind.read(setting.default), setting.default, DEFAULT)


def _said(
    setting: Setting, source: str, where: str, written: Any, untyped: Callable[[Any], Any] = lambda written: written
) -> Said:
    """Also what a stronger source overrules has to be right: it would be found out when that one goes."""
    try:
        written = untyped(written)
        return Said(setting.kind.read(written), written, source)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from None


def _flag(kind: Kind, given: Any) -> Any:
    if isinstance(kind, Switch):
        return given
    if isinstance(kind, Many):
        return [kind.kind.untyped(text) for text in given]
    return kind.untyped(given)


def _table(path: str) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 -- only where there is a file

    try:
        with open(path, "rb") as file:  # noqa: PTH123 -- pathlib is not needed to read a file
            tables = tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}; check --config") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {' '.join(str(error).split())}") from None
    for name, table in tables.items():
        if name not in TABLES:
            if not isinstance(table, dict):
                raise ConfigError(f"{path}: {name} stands in no table; write [{TABLE}] above the worker's settings")
            raise ConfigError(f"{path}: {_unknown(name, TABLES, 'table')}")
    table = tables.get(TABLE, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: {TABLE} is a table; write [{TABLE}] above its settings")
    return table


def _unknown(name: str, known: Iterable[str], what: str = "setting") -> str:
    import difflib  # noqa: PLC0415 -- where somebody has mistyped

    like = name.upper() if name.startswith(PREFIX) else name.lower()
    near = difflib.get_close_matches(like, list(known), 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return f"{name} is no {what} of the worker; {hint}"
