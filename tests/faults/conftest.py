"""What the tests of faults share: a place that is stopped for sure, and whose logs are told when a test fails."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from place import Place  # type: ignore[import-not-found] # it lies beside

_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
    return report


@pytest.fixture
def place(request, tmp_path):
    """A scheduler that is not started yet; `settings` may be set before."""
    place = Place(tmp_path)
    yield place
    place.stop()
    if request.node.stash.get(_FAILED, False):
        print(place.tell())
