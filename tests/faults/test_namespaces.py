"""A real network between a scheduler and its peers: the kernel's TCP over a wire that loses, delays and doubles, or is cut."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from kept_history import History  # type: ignore[import-not-found] # it lies beside
from namespaces import PEERS, SCHEDULER, WHY_NOT, Namespaces  # type: ignore[import-not-found]
from noted import Noted  # type: ignore[import-not-found]
from place import scaled  # type: ignore[import-not-found]

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.skipif(bool(WHY_NOT), reason=f"no network namespaces ({WHY_NOT}); test_network.py has a TCP proxy"),
]

TASKS = scaled(600, 6000)
#: After the last fault everything must end within this time: what was lost last is sent again after a while.
CALM_SECONDS = 90

WEATHER = {
    "loss": {"loss": 0.05, "delay": 0.002},
    "delay": {"delay": 0.05},
    "another order": {"delay": 0.001, "jitter": 0.05},
    "all twice": {"double": 0.5, "delay": 0.002},
    "a storm": {"loss": 0.05, "double": 0.05, "delay": 0.01, "jitter": 0.05},
}


@pytest.fixture
def wired(place):
    """A scheduler on one side of a wire, which is not started yet."""
    with Namespaces() as wire:
        place.host, place.arguments = SCHEDULER, ("--insecure",)
        place.settings |= {"heartbeat_seconds": 0.5, "resume_grace_seconds": 1, "resume_window_seconds": 1}
        place.wire = wire
        yield place
        place.stop()


def crossing(place, mischief):
    """Two clients and two workers on the other side, and `mischief(wire, heard)` while they are at it."""
    noted = Noted(place, clients=2, tasks=TASKS)
    with place.wire.on(SCHEDULER):
        place.start()
    with place.wire.on(PEERS):
        noted.start_workers(2, place.address)
        noted.start_clients(place.address)
    try:
        mischief(place.wire, noted)
        place.wire.tell()
        for client in noted.clients:
            assert client.wait(CALM_SECONDS) == 0
        with place.wire.on(SCHEDULER):
            tasks = place.tasks()
    finally:
        noted.stop()
    history = noted.history(History())
    print(f"{place.wire.counts()}; {history.connections} connections, {sum(history.runs.values())} runs")
    assert history.impossible(tasks, noted.bodies)[:10] == []
    assert history.accepted == set(noted.bodies)
    assert "a bug" not in place.log
    return place.wire.counts()


@pytest.mark.parametrize("weather", scaled(["a storm"], list(WEATHER)))
def test_whatever_a_wire_does_to_packets_everything_comes_back_once(wired, weather):
    def mischief(wire, noted):
        noted.reach(TASKS // 10)
        wire.tell(**WEATHER[weather])
        noted.reach(TASKS)

    counts = crossing(wired, mischief)
    assert counts["lost"] > 0 or "loss" not in WEATHER[weather]
    assert counts["doubled"] > 0 or "double" not in WEATHER[weather]


def test_a_wire_that_is_cut_for_longer_than_anybody_waits_loses_nothing(wired):
    """Nobody hears of the end of a connection: both sides find out by the silence."""

    def mischief(wire, noted):
        for number in range(scaled(2, 10)):
            noted.reach(TASKS * (number + 1) // scaled(4, 12))
            wire.tell(cut=1)
            missed = wired.log.count("gone (silent)")
            noted.until(
                lambda missed=missed: wired.log.count("gone (silent)") > missed, "the scheduler hears the silence"
            )
            wire.tell()

    assert crossing(wired, mischief)["cut"] > 0
