"""Where settings come from: a TOML file, the environment and flags, each stronger than the one before.

The file may hold the tables of the other parts, too; ours is `[scheduler]`. In the environment each setting has the
prefix `WIRETASK_SCHEDULER_`. What is not known is refused, with what was probably meant. Every error is one line that
names the setting and where it stands.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

PREFIX = "WIRETASK_SCHEDULER_"
#: Names the file where no flag does.
FILE_VARIABLE = "WIRETASK_CONFIG"
TABLE = "scheduler"
#: Tables that a configuration file may have, one for each part.
TABLES = ("scheduler", "worker", "client")

#: What Kubernetes says of a Service with the name of a part, in the environment of every pod.
_KUBERNETES = re.compile(r"(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)", re.ASCII)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class ConfigError(Exception):
    """The configuration cannot be used; the text is one line with the remedy."""


class Sources:
    """What is said of each setting, and where. Each source has to be right, also where a stronger one overrules it."""

    def __init__(self, model: type[BaseSettings], file: Path | None, flags: Mapping[str, Any]) -> None:
        """Raises ConfigError."""
        self.values: dict[str, Any] = {}
        #: By setting: the strongest source that says it.
        self.named: dict[str, str] = {}
        self._model = model
        if file is None and os.environ.get(FILE_VARIABLE):
            file = Path(os.environ[FILE_VARIABLE])
        if file is not None:
            self._add(_table(file), lambda name: f"{file}: {name}", lambda _: str(file))
        self._add(self._environment(), variable, lambda name: f"${variable(name)}")
        self._add(flags, flag, flag)

    def _add(self, values: Mapping[str, Any], place: Callable[[str], str], source: Callable[[str], str]) -> None:
        for name in values:
            if name not in self._model.model_fields:
                raise ConfigError(_unknown(place(name), name, self._model.model_fields))
        try:
            self._model(**values)
        except ValidationError as error:
            raise ConfigError(_said(error.errors()[0], self._model, place)) from None
        self.values.update(values)
        self.named.update({name: source(name) for name in values})

    def _environment(self) -> dict[str, Any]:
        known = {variable(name) for name in self._model.model_fields}
        for name, text in os.environ.items():
            own = name.startswith(PREFIX) and text and not _KUBERNETES.fullmatch(name.removeprefix(PREFIX))
            if own and name.upper() not in known:
                raise ConfigError(_unknown(name, name.upper(), known))
        try:
            return EnvSettingsSource(self._model)()
        except SettingsError as error:
            found = re.search(r'field "(\w+)"', str(error))
            name = variable(found[1]) if found else PREFIX
            raise ConfigError(f"{name} is not JSON; write it in a file, or as JSON") from None


def variable(name: str) -> str:
    """The variable of a setting."""
    return PREFIX + name.upper()


def flag(name: str) -> str:
    """The flag of a setting."""
    return "--" + name.replace("_", "-")


def as_toml(config: BaseModel, named: Mapping[str, str]) -> str:
    """What holds, as a file that says the same; a comment says where each value comes from."""
    lines = [f"[{TABLE}]"]
    for name in type(config).model_fields:
        value = getattr(config, name)
        if value in (None, {}) and name not in named:
            lines.append(f"# {name} is not said")
        else:
            lines.append(f"{name} = {_toml(value)}  # {named.get(name, 'default')}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    match value:
        case None:
            return '"off"'
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case BaseModel():
            return _toml(value.model_dump(exclude_unset=True))
        case Mapping():
            return f"{{ {', '.join(f'{_key(key)} = {_toml(each)}' for key, each in value.items())} }}"
        case list() | tuple() if type(value) in (list, tuple):
            return f"[{', '.join(map(_toml, value))}]"
        case _:
            return _text(str(value))


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    return f'"{"".join(_character(each) for each in text)}"'


def _character(each: str) -> str:
    if each in '"\\':
        return f"\\{each}"
    return each if each.isprintable() else f"\\U{ord(each):08x}"


def _table(file: Path) -> dict[str, Any]:
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}; check --config") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not TOML: {' '.join(str(error).split())}") from None
    for name, table in tables.items():
        if name not in TABLES:
            if not isinstance(table, dict):
                raise ConfigError(f"{file}: {name} stands in no table; write [{TABLE}] above the scheduler's settings")
            raise ConfigError(f"{file}: {_unknown(name, name, TABLES, 'table')}")
    table = tables.get(TABLE, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{file}: {TABLE} is a table; write [{TABLE}] above its settings")
    return table


def _unknown(shown: str, name: str, known: Iterable[str], what: str = "setting") -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return f"{shown} is no {what} of the scheduler; {hint}"


def _said(error: ErrorDetails, model: type[BaseModel], place: Callable[[str], str]) -> str:
    """An error of pydantic in our words: the setting and where it stands, what is wrong, the remedy."""
    name, *path = map(str, error["loc"])
    where = ".".join([place(name), *path])
    said, bounds = repr(error["input"]), error.get("ctx", {})
    if error["type"] == "extra_forbidden":
        return _unknown(where, path[-1], _fields(model, name))
    for kind, words in _WORDS.items():
        if error["type"].startswith(kind):
            return f"{where}: {words.format(said, **bounds)}"
    return f"{where}: {error['msg'].removeprefix('Value error, ')}"


#: By the beginnings of pydantic's names of errors.
_WORDS = {
    "greater_than_equal": "{0} is too small; write {ge} or more",
    "greater_than": "{0} is too small; write more than {gt}",
    "less_than_equal": "{0} is too large; write {le} or less",
    "literal_error": "{0} is not one of {expected}",
    "bool": "{0} is neither yes nor no; write true or false",
    "int": "{0} is not a whole number; write one",
    "float": "{0} is not a number; write one",
    "string": "{0} is not a text; write it in quotes",
    "path": "{0} is not the name of a file; write it in quotes",
    "missing": "it is not said, and there is no default",
    "dict": "{0} is not a table",
    "model": "{0} is not a table",
    "list": "{0} is not a list",
    "tuple": "{0} is not a list",
}


def _fields(model: type[BaseModel], name: str) -> list[str]:
    """What can be said in a table of tables."""
    _, table = get_args(model.model_fields[name].annotation)
    return list(table.model_fields)
