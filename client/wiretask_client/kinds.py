"""How people write the values of settings: as TOML has them in a file, as text in the environment and in flags.

Each kind knows two steps: `untyped` makes of a text what TOML would have said, `read` makes of that the value. What is
wrong raises ValueError, in one line with the remedy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_SWITCH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclass(frozen=True, slots=True)
class Kind:
    """A text as it is, if `check` has nothing against it."""

    metavar: str
    check: Callable[[str], object] = str

    def untyped(self, text: str) -> Any:
        """What TOML would have said."""
        return text

    def read(self, said: Any) -> Any:
        """The value."""
        if not isinstance(said, str):
            raise ValueError(f"{said!r} is not a text; write it in quotes")  # noqa: TRY004 -- a mistake in a file
        self.check(said)
        return said


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """One of a few words."""

    words: tuple[str, ...] = ()

    def read(self, said: Any) -> Any:
        """The value."""
        if said not in self.words:
            raise ValueError(f"{said!r} is not one of {', '.join(self.words)}")
        return said


@dataclass(frozen=True, slots=True)
class Switch(Kind):
    """Yes or no."""

    def untyped(self, text: str) -> Any:
        """What TOML would have said."""
        try:
            return _SWITCH[text.lower()]
        except KeyError:
            raise ValueError(f"{text!r} is neither yes nor no; write true or false") from None

    def read(self, said: Any) -> Any:
        """The value."""
        if not isinstance(said, bool):
            raise ValueError(f"{said!r} is neither yes nor no; write true or false")  # noqa: TRY004 -- as above
        return said


@dataclass(frozen=True, slots=True)
class Seconds(Kind):
    """A number of seconds; inf is without end, which is None."""

    def untyped(self, text: str) -> Any:
        """What TOML would have said."""
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not number >= 0:
            raise ValueError(f"{text!r} is not a number of seconds; write 10, 0.5 or inf for example")
        return int(number) if number.is_integer() else number

    def read(self, said: Any) -> Any:
        """The value."""
        if not isinstance(said, int | float) or isinstance(said, bool) or not said >= 0:
            raise ValueError(f"{said!r} is not a number of seconds; write 10, 0.5 or inf for example")
        return None if math.isinf(said) else float(said)
