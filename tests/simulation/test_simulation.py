"""Days in the life of the core, and of all parts, each from one seed: whatever happens, what was accepted ends once.

`nox -s simulate` lives through many more of them; `python tests/simulation/simulate.py --seed N` tells one again.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from day import Day, live_through
from history import ViolatedError
from simulate import STEPS, kept, live
from world import World

#: Days of all parts that are lived through here.
DAYS = 40


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        one = metafunc.config.getoption("--seed")
        seeds = [one] if one is not None else range(metafunc.config.getoption("--seeds"))
        metafunc.parametrize("seed", list(seeds))


def test_what_was_accepted_ends_exactly_once(seed):
    assert live("core", seed).violated is None


@pytest.mark.parametrize("first", range(0, DAYS, 10))
def test_on_a_day_of_all_parts_nothing_is_lost(first):
    for seed in range(first, first + 10):
        assert live("parts", seed).violated is None


@pytest.mark.parametrize("day", kept(), ids=str)
def test_what_has_gone_wrong_once_goes_wrong_no_more(day):
    assert live(*day).violated is None


def test_a_seed_of_the_core_is_the_same_story_every_time():
    first, second = World(7), World(7)
    for world in (first, second):
        for _ in range(STEPS):
            world.step()
        world.heal()
    assert first.story == second.story
    assert first.store.rows == second.store.rows


def test_a_day_of_all_parts_is_the_same_story_every_time():
    first, second = live_through(7), live_through(7)
    assert first.history._stories == second.history._stories
    assert first.history._common == second.history._common
    assert first.machine.turns == second.machine.turns


def test_a_day_without_faults_does_everything_that_was_asked_for():
    day = live_through(3, faults=False)
    assert len(day.history.records) > 50
    assert {row.outcome for row in day.disk.rows.values()} >= {1, 2}
    assert not day.mischief.counts


def test_what_goes_wrong_is_told_with_the_story_of_its_task():
    day = Day(3, faults=False)
    day.history.verdict = lambda: (_ for _ in ()).throw(
        day.history.violated("it is gone", next(iter(day.history.by_id)))
    )
    with pytest.raises(ViolatedError) as told:
        day.live()
    lines = str(told.value).splitlines()
    assert lines[0].startswith("seed 3: it is gone (user ")
    assert any("submits it" in line for line in lines)
    assert any("is accepted" in line for line in lines)
