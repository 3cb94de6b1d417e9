"""Three opinions on every golden case: both codecs, and a decoder that was written by hand and shares no code with them."""

import json
import random
import typing
from pathlib import Path

import pytest

import wiretask_conformance
from wiretask_conformance import handmade
from wiretask_protocol import Connection, fast, machines, messages, reference
from wiretask_protocol.errors import WireError

GOLDEN = Path(wiretask_conformance.__file__).parent / "golden"
MANIFEST = json.loads((GOLDEN / "manifest.json").read_text())
CASES = [case for name in MANIFEST["files"] for case in json.loads((GOLDEN / name).read_text())["cases"]]
CODECS = pytest.mark.parametrize("codec", [fast, reference], ids=["fast", "reference"])


def of(kind: str) -> list:
    return [case for case in CASES if case["kind"] == kind]


def refused(case) -> bool:
    expect = case["expect"]
    return expect is not None and expect.get("error") is not None


def test_the_cases_have_their_own_ids_and_names():
    assert len({case["id"] for case in CASES}) == len({case["name"] for case in CASES}) == len(CASES)


def test_a_retired_id_is_nobodys():
    retired = {entry["id"] for entry in json.loads((GOLDEN / "retired.json").read_text())["retired"]}
    assert not retired & {case["id"] for case in CASES}


@pytest.mark.parametrize("kind", ["decode", "relayed", "encode", "stream"])
def test_refusals_outnumber_acceptances(kind):
    count = sum(map(refused, of(kind)))
    assert count > len(of(kind)) - count > 0


def said_of(function, *arguments) -> dict | None:
    """The error that a function refuses its arguments with, as a case writes it."""
    try:
        function(*arguments)
    except WireError as error:
        return {"error": error.code.name, "field": error.field, "offset": error.offset}
    return None


@CODECS
def test_a_codec_says_of_a_frame_what_the_case_says(codec):
    for case in of("decode"):
        frame = bytes.fromhex(case["frame"])
        decode = codec.DECODERS[frame[0]]
        assert said_of(decode, frame, 5, len(frame)) == case["expect"], case["name"]
        if case["expect"] is None:
            message = decode(frame, 5, len(frame))
            assert type(message).__name__ == case["name"].partition("/")[0]
            assert codec.ENCODERS[type(message)](message) == frame
            assert plain(message) == comparable(case["value"]), case["name"]


@CODECS
def test_a_codec_says_of_a_relayed_struct_what_the_case_says(codec):
    for case in of("relayed"):
        octets = bytes.fromhex(case["octets"])
        decode = getattr(codec, f"decode_{case['struct'].lower()}")
        assert said_of(decode, octets) == case["expect"], case["name"]
        if case["expect"] is None:
            assert getattr(codec, f"encode_{case['struct'].lower()}")(decode(octets)) == octets
            assert plain(decode(octets)) == comparable(case["value"]), case["name"]


def plain(value) -> object:
    """A message as a case writes it, but without the kinds of its numbers: they are all texts of digits."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return f"hex:{value.hex()}"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    fields = {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    return {name: field for name, field in fields.items() if field is not None and (name, field) != ("unknown", [])}


def comparable(value):
    """The value of a case with unknown tags as the binding has them: pairs."""
    if "unknown" not in value:
        return value
    return {**value, "unknown": [[tag["tag"], tag["value"]] for tag in value["unknown"]]}


@CODECS
def test_a_codec_says_of_a_value_what_the_case_says(codec):
    for case in of("encode"):
        name = case.get("message") or case["struct"]
        encode = getattr(codec, f"encode_{name.lower()}")
        expect = case["expect"]
        message = built(getattr(messages, name), case["value"])
        if "error" in expect:
            assert said_of(encode, message)["error"] == expect["error"], case["name"]
        else:
            assert expect == {"frame" if "message" in case else "octets": encode(message).hex()}, case["name"]


def built(kind, value) -> object:
    """A message from a plain value, by the annotations of its class. What is absent is None."""
    hints = typing.get_type_hints(kind)
    required = len(kind.__struct_fields__) - len(kind.__struct_defaults__)
    absent = dict.fromkeys(kind.__struct_fields__[:required])
    fields = {name: python(hints[name], field) for name, field in value.items() if name != "unknown"}
    if "unknown" in value:
        fields["unknown"] = tuple((int(tag["tag"]), bytes.fromhex(tag["value"][4:])) for tag in value["unknown"])
    return kind(**{**absent, **fields})


def python(hint, value) -> object:
    choices = [choice for choice in typing.get_args(hint) if choice is not type(None)]
    if isinstance(value, dict):
        (struct,) = [choice for choice in [hint, *choices] if hasattr(choice, "__struct_fields__")]
        return built(struct, value)
    if isinstance(value, list):
        while typing.get_origin(hint) is not tuple:
            (hint,) = choices
            choices = [choice for choice in typing.get_args(hint) if choice is not type(None)]
        return tuple(python(typing.get_args(hint)[0], item) for item in value)
    if isinstance(value, str) and str not in [hint, *choices]:
        return bytes.fromhex(value[4:]) if value.startswith("hex:") else int(value)
    return value


def test_a_connection_says_of_a_stream_what_the_case_says():
    for case in of("stream"):
        assert streamed(case) == case["expect"], case["name"]


def streamed(case) -> dict:
    connection = Connection(case["side"], frame_limit=case["limit"])
    states = getattr(machines, f"{case['side'].capitalize()}ConnectionState")
    connection._greeted = connection.state is not states[case["state"].upper()]
    connection._enter(states[case["state"].upper()])
    local = getattr(machines, f"{case['side'].upper()}_CONNECTION_LOCAL")
    frames = []
    try:
        for chunk in case["chunks"]:
            frames += connection.receive(bytes.fromhex(chunk))
            while connection.more and connection.state not in local:
                frames += connection.receive(b"")
        if case["end"]:
            connection.eof()
    except WireError as error:
        return {"frames": hexes(frames), "error": error.code.name}
    return {"frames": hexes(frames), "error": None}


def hexes(frames) -> list[str]:
    return [reference.ENCODERS[type(frame)](frame).hex() for frame in frames]


def test_the_decoder_that_was_written_by_hand_agrees_on_every_frame():
    for case in of("decode"):
        frame = bytes.fromhex(case["frame"])
        assert handmade.decode(frame[0], frame[5:]) == (case["expect"] or {}).get("error"), case["name"]


def test_the_decoder_that_was_written_by_hand_agrees_on_every_relayed_struct():
    for case in of("relayed"):
        said = handmade.decode_relayed(case["struct"], bytes.fromhex(case["octets"]))
        assert said == (case["expect"] or {}).get("error"), case["name"]


def test_the_decoder_that_was_written_by_hand_agrees_on_every_stream():
    for case in of("stream"):
        octets = bytes.fromhex("".join(case["chunks"]))
        frames, error = handmade.stream(case["side"], case["state"], case["limit"], octets, end=case["end"])
        assert {"frames": [frame.hex() for frame in frames], "error": error} == case["expect"], case["name"]


def test_the_decoder_that_was_written_by_hand_takes_what_an_encoder_must_write():
    for case in of("encode"):
        if "frame" in case["expect"]:
            frame = bytes.fromhex(case["expect"]["frame"])
            assert handmade.decode(frame[0], frame[5:]) is None, case["name"]
        elif "octets" in case["expect"]:
            assert handmade.decode_relayed(case["struct"], bytes.fromhex(case["expect"]["octets"])) is None


def test_the_decoder_that_was_written_by_hand_agrees_on_spoilt_frames():
    chance = random.Random(5)
    frames = [frame for case in of("decode") if len(frame := bytes.fromhex(case["frame"])) > 5]
    for _ in range(20_000):
        frame = bytearray(chance.choice(frames))
        frame[chance.randrange(5, len(frame))] = chance.randrange(256)
        command, payload = frame[0], bytes(frame[5:])
        said = said_of(fast.DECODERS[command], payload, 0, len(payload))
        assert handmade.decode(command, payload) == (said or {}).get("error"), (command, payload.hex())
