"""Random days in the life of the core, each from one seed: whatever happens, what was accepted ends once.

`pytest tests/simulation --seeds 1000` tries more of them; `--seed N` tells one again.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from world import World

STEPS = 600


def live_through(seed: int) -> World:
    world = World(seed)
    for _ in range(STEPS):
        world.step()
    world.heal()
    world.verdict()
    return world


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        one = metafunc.config.getoption("--seed")
        seeds = [one] if one is not None else range(metafunc.config.getoption("--seeds"))
        metafunc.parametrize("seed", list(seeds))


def test_what_was_accepted_ends_exactly_once(seed):
    world = live_through(seed)
    assert world.made > 0


def test_a_seed_is_the_same_story_every_time():
    first, second = live_through(7), live_through(7)
    assert first.story == second.story
    assert first.store.rows == second.store.rows
