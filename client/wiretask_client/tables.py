"""Tables for people: with rich where it is there, as wide as the terminal; in a pipe nothing is folded or cut."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence

from wiretask_client.terminal import escaped, is_terminal

#: In a pipe: wider than any row that a peer can make (texts of 1024 bytes, a few of them).
_ENDLESS = 100_000


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows under their columns, a line each. Texts of peers are escaped; None is an empty cell."""
    cells = [["" if cell is None else escaped(str(cell)) for cell in row] for row in rows]
    try:
        return _rich(columns, cells)
    except ImportError:
        return "".join("\t".join(row) + "\n" for row in (columns, *cells))


def _rich(columns: Sequence[str], cells: list[list[str]]) -> str:
    from rich.console import Console  # noqa: PLC0415 -- it takes its time to load, and is not everywhere
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    terminal = is_terminal(sys.stdout)
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for place, name in enumerate(columns):
        made.add_column(name, overflow="fold", no_wrap=place == 0 or not terminal)
    for row in cells:
        made.add_row(*map(Text, row))
    out = io.StringIO()
    Console(file=out, force_terminal=terminal, width=None if terminal else _ENDLESS).print(made)
    return "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())
