"""How cases are chosen by people: by id or by name; `*` stands for anything within a segment, `**` for anything."""

from __future__ import annotations

import re
from functools import cache

_STARS = re.compile(r"(\*+)")
_REGEX = {"*": "[^/]*", "**": ".*"}


def matches(pattern: str, *names: str) -> bool:
    """Whether one of the names is meant."""
    return pattern in names or any(map(_regex(pattern).fullmatch, names))


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_REGEX.get(part) or re.escape(part) for part in _STARS.split(pattern)))
