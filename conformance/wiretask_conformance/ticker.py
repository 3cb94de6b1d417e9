"""One line that counts on a terminal while a run goes on; nowhere else."""

from __future__ import annotations

import sys
from types import TracebackType

from wiretask_conformance.results import Result

#: How far it goes back before it is written again: the width of any terminal.
_CLEAR = "\r\x1b[K"


class Ticker:
    """Says on standard error how many of so many cases are done, and how many of them somebody must look at."""

    def __init__(self, total: int, about: str = "") -> None:
        self._total = total
        self._about = about
        #: By their ids: a case that was late is played again, and may pass then.
        self._done: set[str] = set()
        self._failed: set[str] = set()
        self._shown = sys.stderr.isatty()

    def __enter__(self) -> Ticker:  # noqa: PYI034 -- Self came with Python 3.11
        self._show()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()

    def tick(self, result: Result) -> None:
        """A case is done."""
        self._done.add(result.id)
        (self._failed.add if result.failed else self._failed.discard)(result.id)
        self._show()

    def _show(self) -> None:
        if self._shown:
            failed = ", %d failed" % len(self._failed) if self._failed else ""
            sys.stderr.write("%s%s%d of %d%s" % (_CLEAR, self._about, len(self._done), self._total, failed))
            sys.stderr.flush()
