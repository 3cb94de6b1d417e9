"""`python tests/bench`: see `nox -s bench`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "suite"))

from wiretask_bench.cli import main

main()
