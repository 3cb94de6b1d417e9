"""The version that a client introduces itself with is that of the distribution."""

import tomllib
from pathlib import Path

from wiretask_client.version import VERSION


def test_the_version_is_that_of_the_distribution():
    pyproject = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert pyproject["project"]["version"] == VERSION
