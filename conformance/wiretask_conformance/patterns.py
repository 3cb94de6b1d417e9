"""How cases are chosen by people: by id or by name; `*` stands for anything within a segment, `**` for anything."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from functools import cache

_STARS = re.compile(r"(\*+)")
#: Names that are offered for one that is none.
_NEAR = 3
_REGEX = {"*": "[^/]*", "**": ".*"}


def matches(pattern: str, *names: str) -> bool:
    """Whether one of the names is meant."""
    return pattern in names or any(map(_regex(pattern).fullmatch, names))


def near(wanted: str, names: Iterable[str], *, patterns: bool = False) -> list[str]:
    """What somebody may have meant who has named no case: at most three names, or a pattern where they may be given.

    A pattern stands for the names that it matches; a part of a name for those that have it, the shortest first; upper
    and lower case are alike.
    """
    spelt = {name.lower(): name for name in reversed(list(names))}
    lower = list(reversed(spelt))
    asked = wanted.lower().strip("/")
    if patterns and any(name.startswith(asked + "/") for name in lower):
        whole = next(name for name in lower if name.startswith(asked + "/"))
        return [spelt[whole][: len(asked)] + "/**"]
    if "*" in asked:
        inside = [name for name in lower if matches(asked, name)]
        if inside and patterns and asked != wanted.lower():
            return [wanted.strip("/")]
    else:
        inside = sorted((name for name in lower if asked in name), key=len)
    return [spelt[name] for name in inside[:_NEAR] or difflib.get_close_matches(asked, lower, _NEAR)]


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_REGEX.get(part) or re.escape(part) for part in _STARS.split(pattern)))
