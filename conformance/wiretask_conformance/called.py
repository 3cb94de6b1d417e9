"""How the suite was called: what people are told to type must work where they are."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

PROGRAM = "wiretask-conformance"


def command() -> str:
    """What stands before the arguments: the program of a wheel, the one file, or the module of a checkout."""
    path = Path(sys.argv[0])
    if path.suffix == ".pyz":
        return "python3 " + shlex.quote(sys.argv[0])
    if path.name == "__main__.py":
        return "python3 -m " + path.parent.name
    return PROGRAM
