"""What a principal may do: which queues are its own to use, and whose tasks it sees.

Who somebody is has been proved in the handshake, which is the shell's; here is what follows from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

#: The principal of everybody, where nobody has to prove who he is.
NOBODY = ""


class Grant:
    """The queues that a token is for, as patterns in which `*` stands for anything; and whether it sees all tasks."""

    __slots__ = ("_pattern", "admin", "queues")

    def __init__(self, queues: Iterable[str] = ("*",), *, admin: bool = False) -> None:
        self.queues = tuple(queues)
        self.admin = admin
        self._pattern = None if "*" in self.queues else re.compile("|".join(map(_pattern, self.queues)) or "(?!)")

    def allows(self, queue: str) -> bool:
        """Whether a queue may be submitted to, or taken from."""
        return self._pattern is None or self._pattern.fullmatch(queue) is not None

    @property
    def allows_all(self) -> bool:
        """Whether it is for every queue."""
        return self._pattern is None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Grant) and (self.queues, self.admin) == (other.queues, other.admin)

    def __hash__(self) -> int:
        return hash((self.queues, self.admin))


def _pattern(text: str) -> str:
    return ".*".join(re.escape(part) for part in text.split("*"))


#: What everybody may do where nobody has to prove who he is.
EVERYTHING = Grant()
