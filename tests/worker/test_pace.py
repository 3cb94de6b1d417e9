"""How much may wait at a worker: what ends in 50 ms, within bounds, and never less than was promised is taken."""

import pytest

from wiretask_worker.core.pace import MOST, SECONDS, Pace


def test_before_anything_has_ended_the_least_may_wait():
    assert Pace(16).waiting == 16


@pytest.mark.parametrize(
    ("ended", "passed", "waits"),
    [(1, 1.0, 16), (6400, 1.0, 320), (40_000, 1.0, 2000), (10_000_000, 1.0, MOST), (32, SECONDS, 32), (3, 3600.0, 16)],
)
def test_what_may_wait_is_what_ends_in_a_moment(ended, passed, waits):
    pace = Pace(16)
    pace.end(ended, passed)
    assert pace.waiting == waits


def test_nothing_is_judged_by_less_than_a_moment():
    pace = Pace(16)
    pace.end(1000, SECONDS / 2)
    assert pace.waiting == 16
    pace.end(1000, SECONDS)
    assert pace.waiting == 2000


def test_when_tasks_become_long_less_may_wait_but_what_was_asked_for_is_taken():
    pace = Pace(16)
    pace.end(40_000, 1.0)
    pace.end(1, 11.0)
    assert pace.waiting == 16
    assert pace.promised == 2000


def test_who_has_said_how_much_may_wait_is_not_asked_again():
    pace = Pace(5, 0)
    pace.end(1_000_000, 1.0)
    assert (pace.waiting, pace.promised) == (5, 5)
