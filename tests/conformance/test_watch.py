"""What the suite holds against a peer without a scenario saying so."""

import pytest

from wiretask_conformance import spec
from wiretask_conformance.actor import Actor
from wiretask_conformance.matching import matches
from wiretask_conformance.verdicts import Failed
from wiretask_conformance.watch import Received, Watch
from wiretask_conformance.wire import Wire

WIRE = Wire(spec.load())
OPEN = {"kind": "open", "nonce": 7, "versions": {"min_version": 1, "max_version": 1}, "role": "client"}
ACCEPT = {"kind": "accept", "nonce": 7, "version": 1}
FLOOR = 65536


def submit(octets: int) -> bytes:
    """A Submit whose payload has so many octets."""
    envelope = {"type": "x", "queue": "q", "encoding": "raw", "body": "hex:"}
    value = {"seq": 1, "task_id": "hex:" + "00" * 16, "flags": [], "priority": 5, "envelope": envelope}
    empty = len(WIRE.encode("Submit", value)) - 5
    return WIRE.encode("Submit", {**value, "envelope": {**envelope, "body": "hex:" + "00" * (octets - empty)}})


def accepted(**ours) -> Watch:
    """A client, as a scheduler watches it that has accepted it."""
    watch = Watch("c", "scheduler", "client", WIRE)
    for received in watch.take(WIRE.encode("Hello", OPEN)):
        watch.agree(received)
    accept = Received("Hello", {**ACCEPT, **ours})
    watch.decide(accept.event)
    watch.agree(accept)
    return watch


def test_a_frame_of_the_agreed_limit_may_come():
    assert [received.message for received in accepted(frame_limit=FLOOR).take(submit(FLOOR))] == ["Submit"]


def test_a_frame_over_the_agreed_limit_is_wrong_as_soon_as_its_header_is_here():
    with pytest.raises(Failed, match="a frame of 65537 octets came, and 65536 is the limit"):
        list(accepted(frame_limit=FLOOR).take(submit(FLOOR + 1)[:5]))


def test_the_smaller_limit_holds_whoever_has_said_it():
    watch = Watch("w", "scheduler", "client", WIRE)
    for message in (Received("Hello", {**OPEN, "frame_limit": FLOOR}), Received("Hello", ACCEPT)):
        watch.agree(message)
    assert watch.limit == FLOOR


def test_before_the_accept_frames_are_short():
    watch = Watch("c", "scheduler", "client", WIRE)
    with pytest.raises(Failed, match="4096 is the limit"):
        list(watch.take(bytes([3]) + (4097).to_bytes(4, "big")))


def test_grease_is_seen():
    watch = accepted()
    assert not watch.greased
    assert list(watch.take(bytes.fromhex("c300000000"))) == []
    assert watch.greased


@pytest.mark.parametrize(
    ("found", "wanted", "fits"),
    [
        (["a", "b", "c"], {"has_all": ["c", "a"]}, True),
        (["a", "b"], {"has_all": ["c", "a"]}, False),
        (["a", "b"], {"items": ["b", "a"]}, True),
        (["a", "b", "b"], {"items": ["b", "a"]}, False),
        ([{"lease": 1, "x": 2}], {"items": [{"lease": 1}]}, True),
        ("tasks.Broken", {"ends": "Broken"}, True),
        ("Broken.tasks", {"ends": "Broken"}, False),
        (None, {"items": ["a"]}, False),
    ],
)
def test_lists_are_compared_in_part_or_in_any_order(found, wanted, fits):
    assert matches(found, wanted) is fits


@pytest.mark.parametrize(
    ("message", "value", "said"),
    [
        ("Accepted", {"seq": 1}, "it accepts 1, and 0 was sent"),
        ("Error", {"code": 307, "scope": "connection", "retry": "never"}, "the Error 307 came with"),
        ("Error", {"code": 307, "scope": "connection", "retry": "later"}, None),
        ("Error", {"code": 4999, "scope": "request", "retry": "elsewhere"}, None),
    ],
)
def test_what_no_peer_may_say_is_seen_on_every_connection(message, value, said):
    actor = Actor("c", "scheduler", "client", WIRE, lambda line: None)
    wrong = None
    try:
        actor.judge(Received(message, value))
    except Failed as failed:
        wrong = str(failed)
    assert (wrong is None) if said is None else (said in wrong)
