"""The decoder of the suite itself, which reads the spec while it works: the golden cases, and what it says besides."""

import json
import random
from typing import Any

import pytest

from wiretask_conformance import spec
from wiretask_conformance.spec import Spec
from wiretask_conformance.wire import HEADER, Mark, Refused, Wire

SPEC: Spec = spec.load()
WIRE = Wire(SPEC)
CASES: list[dict[str, Any]] = [
    case for name in json.loads(spec.read("manifest.json"))["files"] for case in json.loads(spec.read(name))["cases"]
]
ACCEPTED = "0800000009000000000000000700"
PING = "030000000a03000000000000000100"


def of(kind: str) -> list[dict[str, Any]]:
    return [case for case in CASES if case["kind"] == kind]


def said(function: Any, *arguments: Any) -> dict[str, Any] | None:
    """What it refuses them with, as a case writes it."""
    try:
        function(*arguments)
    except Refused as refused:
        return {"error": refused.error, "field": refused.field, "offset": refused.offset}
    return None


def decode(frame: str) -> dict[str, Any]:
    return WIRE.decode(bytes.fromhex(frame)).value


# Golden cases


@pytest.mark.slow
def test_it_says_of_every_frame_what_the_case_says() -> None:
    for case in of("decode"):
        frame = bytes.fromhex(case["frame"])
        assert said(WIRE.decode, frame) == case["expect"], case["name"]
        if case["expect"] is None:
            assert WIRE.decode(frame).value == case["value"], case["name"]


def test_it_says_of_every_relayed_struct_what_the_case_says() -> None:
    for case in of("relayed"):
        octets = bytes.fromhex(case["octets"])
        assert said(WIRE.decode_relayed, case["struct"], octets) == case["expect"], case["name"]
        if case["expect"] is None:
            assert WIRE.decode_relayed(case["struct"], octets).value == case["value"], case["name"]


@pytest.mark.parametrize("readable", [False, True])
def test_what_is_read_is_written_again(readable: bool) -> None:
    """Plain or readable: both are values that can be sent."""
    for case in of("decode"):
        if case["expect"] is None:
            frame = bytes.fromhex(case["frame"])
            name, value, _ = WIRE.decode(frame, readable=readable)
            assert WIRE.encode(name, value) == frame, case["name"]


def test_what_must_be_written_is() -> None:
    for case in of("encode"):
        if "frame" in case["expect"]:
            assert WIRE.encode(case["message"], case["value"]).hex() == case["expect"]["frame"], case["name"]
        elif "octets" in case["expect"]:
            assert WIRE.encode_relayed(case["struct"], case["value"]).hex() == case["expect"]["octets"], case["name"]


def test_octets_of_any_kind_are_read_or_refused_and_break_nothing() -> None:
    chance = random.Random(7)
    frames = [frame for case in of("decode") if len(frame := bytes.fromhex(case["frame"])) > HEADER]
    for _ in range(3_000):
        octets = bytearray(chance.choice(frames))
        for _ in range(chance.randrange(1, 4)):
            octets[chance.randrange(HEADER, len(octets))] = chance.randrange(256)
        spoilt = bytes(octets[: chance.randrange(HEADER, len(octets) + 1)])
        assert WIRE.marks(spoilt)[:2] == [Mark(0, 1, "command"), Mark(1, HEADER, "length")]
        said(WIRE.decode, spoilt)


# By hand: refusals


@pytest.mark.parametrize(
    ("frame", "error", "field", "offset"),
    [
        ("0800000000", "TRUNCATED", "seq", 0),
        ("080000000700000000000000", "TRUNCATED", "seq", 0),
        ("08000000080000000000000001", "TRUNCATED", "tags", 8),
        ("0800000009000000000000000000", "OUT_OF_RANGE", "seq", 0),
        ("080000000a00000000000000010000", "TRAILING_BYTES", "", 9),
        ("0800000009000000000000000101", "TRUNCATED", "tags[0]", 9),
        ("080000000f0000000000000001010001000000", "TRUNCATED", "tags[0]", 9),
        ("080000000f0000000000000001010000" + "00000000", "TAG_ORDER", "tags[0]", 9),
        ("080000000f0000000000000001018001" + "00000000", "CRITICAL_TAG", "tags[0]", 9),
        ("080000000f0000000000000001017001" + "00000001", "TRUNCATED", "tags[0]", 9),
        ("08000000150000000000000001027001" + "00000000" + "7001" + "00000000", "TAG_ORDER", "tags[1]", 15),
        ("030000000a63000000000000000100", "BAD_ENUM", "kind", 0),
        ("030000000a010000000000000001" + "00", "RULE_BROKEN", "", None),
    ],
)
def test_a_frame_is_refused_at_its_first_wrong_octet(frame: str, error: str, field: str, offset: int | None) -> None:
    assert said(decode, frame) == {"error": error, "field": field, "offset": offset}


@pytest.mark.parametrize("command", [0x00, 0xC3, 0xFF])
def test_a_command_that_is_not_known_is_nothing_to_decode(command: int) -> None:
    with pytest.raises(KeyError):
        WIRE.decode(bytes([command]) + bytes(4))


def test_a_refusal_says_where_in_words() -> None:
    assert str(Refused("TRUNCATED", "seq", 0)) == "TRUNCATED at seq (offset 0)"
    assert str(Refused("RULE_BROKEN", "", None)) == "RULE_BROKEN at the whole (offset None)"


# By hand: values


def test_a_plain_value_has_digits_and_a_readable_one_has_names() -> None:
    frame = bytes.fromhex(PING)
    assert WIRE.decode(frame).value == {"kind": "3", "nonce": "1"}
    assert WIRE.decode(frame, readable=True).value == {"kind": "ping", "nonce": 1}


def test_an_unknown_tag_is_kept_with_its_octets() -> None:
    frame = "080000001100000000000000070170010000" + "0002" + "beef"
    assert decode(frame) == {"seq": "7", "unknown": [{"tag": "28673", "value": "hex:beef"}]}


def test_what_the_spec_forbids_is_written_all_the_same() -> None:
    """That is what the suite is for: it sends what a peer must refuse."""
    assert WIRE.encode("Accepted", {"seq": 0}).hex() == "0800000009" + "00" * 9
    assert said(WIRE.decode, WIRE.encode("Hello", {"kind": 99, "nonce": 1})) is not None


@pytest.mark.parametrize("value", [{}, {"seq": -1}, {"seq": 1 << 64}, {"seq": "x"}, {"seq": None}])
def test_what_no_octets_can_say_is_not_written(value: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError, OverflowError, TypeError)):
        WIRE.encode("Accepted", value)


# Marks


def test_every_octet_has_a_name() -> None:
    assert WIRE.marks(bytes.fromhex(ACCEPTED)) == [
        Mark(0, 1, "command"),
        Mark(1, 5, "length"),
        Mark(5, 13, "seq"),
        Mark(13, 14, "tags"),
    ]


def test_the_marks_of_a_legal_frame_follow_each_other_to_its_end() -> None:
    for example in SPEC.examples:
        frame = bytes.fromhex(example["frame"])
        marks = WIRE.marks(frame)
        assert [mark.start for mark in marks[1:]] == [mark.end for mark in marks[:-1]], example["name"]
        assert marks[-1].end == len(frame), example["name"]


@pytest.mark.parametrize("octets", [b"", b"\x08", b"\x08\x00\x00\x00\x09", b"\xff\x00\x00\x00\x01\x01"])
def test_what_cannot_be_read_has_the_marks_of_its_header(octets: bytes) -> None:
    assert [mark.path for mark in WIRE.marks(octets)] == ["command", "length"]
