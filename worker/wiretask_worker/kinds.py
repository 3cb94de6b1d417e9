"""How people write the values of settings: as TOML has them in a file, as text in the environment and in flags.

Each kind knows two steps: `untyped` makes of a text what TOML would have said, `read` makes of that the value. What is
wrong raises ValueError, in one line with the remedy.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_WHOLE = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_SWITCH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclass(frozen=True, slots=True)
class Kind:
    """A text as it is."""

    metavar: str = "TEXT"

    def untyped(self, text: str) -> Any:
        """What TOML would have said."""
        return text

    def read(self, said: Any) -> Any:
        """The value."""
        if not isinstance(said, str):
            raise ValueError(f"{said!r} is not a text; write it in quotes")  # noqa: TRY004 -- a mistake in a file
        return said


@dataclass(frozen=True, slots=True)
class Parsed(Kind):
    """A text that one of our functions reads."""

    parse: Callable[[str], Any] = str

    def read(self, said: Any) -> Any:
        """The value."""
        return self.parse(Kind.read(self, said))


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
class Whole(Kind):
    """A whole number in a range."""

    least: int = 0
    most: int | None = None

    def untyped(self, text: str) -> Any:
        """What TOML would have said."""
        if _WHOLE.fullmatch(text) is None:
            raise ValueError(f"{text!r} is not a whole number; write one {self._range}")
        return int(text)

    def read(self, said: Any) -> Any:
        """The value."""
        if not isinstance(said, int) or isinstance(said, bool):
            hint = ", without quotes" if isinstance(said, str) else ""
            raise ValueError(  # noqa: TRY004 -- as above
                f"{said!r} is not a whole number; write one {self._range}{hint}"
            )
        if said < self.least or (self.most is not None and said > self.most):
            raise ValueError(f"{said} is out of range; write a number {self._range}")
        return said

    @property
    def _range(self) -> str:
        return f"from {self.least} on" if self.most is None else f"from {self.least} to {self.most}"


@dataclass(frozen=True, slots=True)
class Many(Kind):
    """Several of a kind: a list in a file, words in the environment, a flag for each."""

    kind: Kind = Kind()

    def untyped(self, text: str) -> Any:
        """What TOML would have said."""
        return text.replace(",", " ").split()

    def read(self, said: Any) -> Any:
        """The value."""
        if not isinstance(said, list):
            raise ValueError(f"{said!r} is not a list; write [{said!r}]")  # noqa: TRY004 -- as above
        return tuple(self.kind.read(each) for each in said)
