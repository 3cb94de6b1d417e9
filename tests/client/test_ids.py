import hashlib
import uuid

import pytest

from wiretask_client.errors import BadCall
from wiretask_client.ids import TaskIds, id_bytes, id_text, placement


class Clock:
    def __init__(self, millis=1_700_000_000_000):
        self.millis = millis

    def __call__(self):
        return self.millis


def zeros(bits):
    return 0


def ones(bits):
    return (1 << bits) - 1


def test_an_id_is_a_uuid_of_version_7_with_the_time_in_front():
    made = TaskIds(Clock(0x0123456789AB), ones).make("default")
    read = uuid.UUID(bytes=made)
    assert (read.version, read.variant) == (7, uuid.RFC_4122)
    assert made[:6].hex() == "0123456789ab"


def test_an_id_ends_in_the_placement_of_its_queue():
    ids = TaskIds(Clock(), zeros)
    for queue in ("default", "mail", "a/b@2"):
        assert ids.make(queue)[-2:] == hashlib.sha256(queue.encode()).digest()[:2]
        assert placement(queue) == int.from_bytes(hashlib.sha256(queue.encode()).digest()[:2], "big")


def test_ids_of_one_millisecond_rise():
    ids = TaskIds(Clock(), ones)
    made = [ids.make("default") for _ in range(1000)]
    assert made == sorted(set(made))


def test_ids_rise_while_the_clock_goes_back():
    clock = Clock()
    ids = TaskIds(clock, zeros)
    first = ids.make("default")
    clock.millis -= 5000
    assert ids.make("default") > first


def test_ids_rise_over_the_end_of_the_counter():
    clock = Clock()
    ids = TaskIds(clock, ones)
    before = ids.make("default")
    ids._counter = (1 << 58) - 1
    after = ids.make("default")
    assert after > before
    assert after[:6] == (clock.millis + 1).to_bytes(6, "big")


def test_a_new_millisecond_begins_at_random():
    drawn = iter([3, 9])
    clock = Clock()
    ids = TaskIds(clock, lambda bits: next(drawn))
    first = ids.make("default")
    clock.millis += 1
    second = ids.make("default")
    assert (first[8:14].hex(), second[8:14].hex()) == ("800000000003", "800000000009")


def test_an_id_reads_back_from_its_text_with_and_without_dashes():
    made = TaskIds(Clock(), ones).make("default")
    assert id_bytes(id_text(made)) == made
    assert id_bytes(made.hex().upper()) == made
    assert id_text(made) == str(uuid.UUID(bytes=made))


@pytest.mark.parametrize("text", ["", "0190", "x" * 32, "0" * 31, "0" * 33, "00 " * 11, "é" * 32])
def test_what_is_no_id_is_refused_with_the_remedy(text):
    with pytest.raises(BadCall, match="32 hexadecimal digits"):
        id_bytes(text)
