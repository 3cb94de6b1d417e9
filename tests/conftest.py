"""What all tests share: Hypothesis without chance, and how many mutations the differential test makes."""

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "derandomized",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
settings.load_profile("derandomized")

#: Seeded mutations of golden frames in one run; each is read by both codecs.
MUTATIONS = 200_000


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--mutations",
        type=int,
        default=int(os.environ.get("WIRETASK_MUTATIONS", MUTATIONS)),
        help="mutations of the differential test of the codecs (1000000 before a release)",
    )
    parser.addoption("--specs", type=int, default=25, help="random specs whose codecs are held against each other")
    parser.addoption("--mutants", action="store_true", help="write the table of which case kills which mutant anew")
    parser.addoption("--seeds", type=int, default=40, help="seeds of the simulation")
    parser.addoption("--seed", type=int, default=None, help="replay one seed of the simulation")
