"""Hypothesis writes the stories of the core, and shortens those that go wrong to the fewest steps."""

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

sys.path.insert(0, str(Path(__file__).parent))

from world import HAPPENINGS, World

from wiretask_scheduler.core.peers import Worker

STORIES = settings(
    max_examples=150, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


class Story(RuleBasedStateMachine):
    """One of the happenings after the other, each with choices that Hypothesis makes; then everything must end."""

    def __init__(self):
        super().__init__()
        self.world = World(0)
        self._calm = self.world.chance
        for peer in self.world.everybody():
            self.world.connect(peer)

    @rule(happening=st.sampled_from([one for _, one in HAPPENINGS]), chance=st.randoms(use_true_random=False))
    def happens(self, happening, chance):
        self.world.chance = chance
        happening(self.world)
        self.world.chance = self._calm

    @invariant()
    def everything_is_counted_rightly(self):
        self.world.audit()

    def teardown(self):
        self.world.heal()
        self.world.verdict()


def test_whatever_happens_in_which_order_what_was_accepted_ends_exactly_once():
    run_state_machine_as_test(Story, settings=STORIES)


def test_a_story_that_goes_wrong_is_told_in_a_few_steps(monkeypatch):
    monkeypatch.setattr(Worker, "_free", lambda *_: None)
    with pytest.raises(AssertionError) as wrong:
        run_state_machine_as_test(Story, settings=settings(STORIES, stateful_step_count=15))
    told = [line for line in "\n".join(wrong.value.__notes__).splitlines() if "state.happens" in line]
    assert 0 < len(told) <= 8
