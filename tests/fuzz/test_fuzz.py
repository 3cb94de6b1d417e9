"""The short part of fuzzing that each run of the tests has: what is kept, and the same few inputs every time."""

import logging
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from wiretask_scheduler import server

sys.path.insert(0, str(Path(__file__).parent))

import fuzz
import live
import targets

#: Inputs of each target here; a session is a life of a scheduler, and a spec is read as a whole.
EXAMPLES = {"frames": 300, "session": 60, "spec": 5, "http": 40}


def close_all():
    """Lets go of the schedulers of this process."""
    for name, kept, entry in (("live", "_lives", lambda each: each[0]), ("web", "_webs", lambda each: each)):
        module = sys.modules.get(name)
        while module is not None and getattr(module, kept):
            entry(getattr(module, kept).pop()).close()


@pytest.fixture(autouse=True)
def no_scheduler_is_left(monkeypatch):
    # How long others wait is measured by `nox -s fuzz`; a machine that is busy with other tests says nothing of it.
    monkeypatch.setattr(live, "BLOCKED_SECONDS", 60.0)
    yield
    close_all()
    logging.disable(logging.NOTSET)
    assert server.time is time, "the clock of a simulated day has stayed behind"


@pytest.mark.parametrize("name", targets.TARGETS)
def test_what_is_kept_finds_nothing_any_more(name):
    run, kept = targets.target(name), targets.corpus(name)
    assert kept
    for octets in kept:
        run(octets)


@pytest.mark.parametrize("name", targets.TARGETS)
def test_a_few_inputs_find_nothing(name):
    run = targets.target(name)

    @settings(max_examples=EXAMPLES[name], suppress_health_check=list(HealthCheck))
    @given(fuzz.inputs(name))
    def one(octets):
        run(octets)

    one()


def test_frames_that_differ_by_their_pieces_are_found(monkeypatch):
    whole = targets._heard
    monkeypatch.setattr(targets, "_heard", lambda side, rest, piece: whole(side, rest[:piece], piece))
    with pytest.raises(AssertionError):
        targets.frames(targets.corpus("frames")[-1])


def test_a_spec_that_breaks_the_loader_is_found(monkeypatch):
    monkeypatch.setattr(targets, "load", lambda folder: {}["missing"])
    with pytest.raises(KeyError):
        targets.spec(b"\0\0\0\0\0")


def test_a_scheduler_that_stands_still_is_found(monkeypatch):
    monkeypatch.setattr(live, "BLOCKED_SECONDS", 0.0)
    with pytest.raises(AssertionError, match="others wait"):
        live.session(b"\1\0\2\0")


def test_a_scheduler_that_complains_is_found(monkeypatch):
    from wiretask_scheduler.core import Broker

    def breaks(self, peer, messages, now):
        raise RuntimeError("a bug")

    live.session(b"\1\0\2\0")
    monkeypatch.setattr(Broker, "receive_many", breaks)
    with pytest.raises(AssertionError, match="a bug"):
        live.session(b"\1\0\2\0")


def test_a_request_that_ends_in_an_error_of_ours_is_found(monkeypatch):
    import web

    monkeypatch.setattr(web.Web, "ask", lambda self, octets: b"HTTP/1.1 500 Internal Server Error\r\n\r\n")
    with pytest.raises(AssertionError, match="500"):
        web.http(b"\0\0\0\0")
