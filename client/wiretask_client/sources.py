"""Where settings come from: a TOML file, the environment and flags, each stronger than the one before.

The file may hold the tables of the other parts, too; ours is `[client]`. What is not known is refused, with what was
probably meant. Every error is one line that names the setting and where it stands.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from wiretask_client.errors import BadCall
from wiretask_client.kinds import Kind

PREFIX = "WIRETASK_CLIENT_"
#: Names the file where no flag does.
FILE_VARIABLE = "WIRETASK_CONFIG"
#: Read where nobody names another one, if it is there: whoever works at a shell says it once.
HOME_FILE = "wiretask/wiretask.toml"
TABLE = "client"
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
    #: A shorter variable that says the same, if nothing else in the environment does.
    also: str | None = None

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
    """What holds of each setting. A flag of None was not given; an empty variable says nothing. Raises BadCall."""
    known = {setting.name: setting for setting in settings}
    said = {setting.name: _default(setting) for setting in settings}
    path = file or environ.get(FILE_VARIABLE) or _home_file(environ)
    if path:
        for name, written in _table(path).items():
            if name not in known:
                raise BadCall(f"{path}: {_unknown(name, known)}")
            said[name] = _said(known[name], path, f"{path}: {name}", written)
    for setting in settings:
        if setting.also is not None and (text := environ.get(setting.also)):
            said[setting.name] = _said(setting, f"${setting.also}", setting.also, text, setting.kind.untyped)
    for variable, text in environ.items():
        if variable.startswith(PREFIX) and text and not _KUBERNETES.fullmatch(variable.removeprefix(PREFIX)):
            named = known.get(variable.removeprefix(PREFIX).lower())
            if named is None or not variable.isupper():
                raise BadCall(_unknown(variable, [PREFIX + name.upper() for name in known]))
            said[named.name] = _said(named, f"${variable}", variable, text, named.kind.untyped)
    for name, given in flags.items():
        if given is not None:
            kind, flag = known[name].kind, known[name].flag
            said[name] = _said(known[name], flag, flag, given, kind.untyped if isinstance(given, str) else _as_it_is)
    return said


def as_toml(settings: Sequence[Setting], said: Mapping[str, Said]) -> str:
    """What holds, as a file that says the same; a comment says where each value comes from."""
    lines = [f"[{TABLE}]"]
    for setting in settings:
        _, written, source = said[setting.name]
        if written is None:
            lines.append(f"# {setting.name} is not said")
        else:
            lines.append(f"{setting.name} = {_shown(written)}  # {source}")
    return "\n".join(lines) + "\n"


def _shown(written: Any) -> str:
    if isinstance(written, bool):
        return "true" if written else "false"
    if isinstance(written, str):
        return f'"{"".join(map(_character, written))}"'
    return repr(written)


def _character(each: str) -> str:
    if each in '"\\':
        return f"\\{each}"
    return each if each.isprintable() else f"\\U{ord(each):08x}"


def _default(setting: Setting) -> Said:
    if setting.default is None:
        return Said(None, None, DEFAULT)
    return Said(setting.kind.read(setting.default), setting.default, DEFAULT)


def _as_it_is(written: Any) -> Any:
    return written


def _said(setting: Setting, source: str, where: str, written: Any, untyped: Callable[[Any], Any] = _as_it_is) -> Said:
    """Also what a stronger source overrules has to be right: it would be found out when that one goes."""
    try:
        written = untyped(written)
        return Said(setting.kind.read(written), written, source)
    except ValueError as error:
        raise BadCall(f"{where}: {error}") from None


def _home_file(environ: Mapping[str, str]) -> str | None:
    folder = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME") or "/", ".config")  # noqa: PTH118
    path = os.path.join(folder, HOME_FILE)  # noqa: PTH118 -- pathlib is not needed to name a file
    return path if os.path.isfile(path) else None  # noqa: PTH113 -- as above


def _table(path: str) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 -- only where there is a file

    try:
        with open(path, "rb") as file:  # noqa: PTH123 -- pathlib is not needed to read a file
            tables = tomllib.load(file)
    except OSError as error:
        raise BadCall(f"{path} cannot be read: {error.strerror}; check --config") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadCall(f"{path} is not TOML: {' '.join(str(error).split())}") from None
    for name, table in tables.items():
        if name not in TABLES:
            if not isinstance(table, dict):
                raise BadCall(f"{path}: {name} stands in no table; write [{TABLE}] above the client's settings")
            raise BadCall(f"{path}: {_unknown(name, TABLES, 'table')}")
    table = tables.get(TABLE, {})
    if not isinstance(table, dict):
        raise BadCall(f"{path}: {TABLE} is a table; write [{TABLE}] above its settings")
    return table


def _unknown(name: str, known: Iterable[str], what: str = "setting") -> str:
    import difflib  # noqa: PLC0415 -- where somebody has mistyped

    like = name.upper() if name.startswith(PREFIX) else name.lower()
    near = difflib.get_close_matches(like, list(known), 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return f"{name} is no {what} of the client; {hint}"
