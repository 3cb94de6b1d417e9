"""The benchmarks are a package in a folder beside their tests."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "suite")]
