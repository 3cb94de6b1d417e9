"""Both codecs are one codec: the same frames accepted, the same values, the same errors at the same places."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiretask_protocol import codec, fast, messages, reference
from wiretask_protocol.errors import ErrorCode, WireError
from wiretask_protocol.examples import EXAMPLES
from wiretask_protocol.strategies import MESSAGES, nearly_legal

FRAMES = [frame for _, frame in EXAMPLES.values()]


def read(module, command: int, payload: bytes):
    """What a codec says of a payload: the message, or the error with its place."""
    try:
        return module.DECODERS[command](payload, 0, len(payload))
    except WireError as error:
        return (error.code, error.field, error.offset, error.command, error.text)


def agree(command: int, payload: bytes) -> None:
    """Both say the same of a payload; and what they accept, they write back to the octet."""
    said = read(reference, command, payload)
    try:
        quick = read(fast, command, payload)
    except Exception as error:
        raise AssertionError(f"command {command} payload {payload.hex()}: {said!r}, but {error!r}") from error
    assert quick == said, f"command {command} payload {payload.hex()}"
    if not isinstance(said, tuple):
        frame = bytes([command]) + len(payload).to_bytes(4, "big") + payload
        assert fast.ENCODERS[type(said)](said) == frame
        assert reference.ENCODERS[type(said)](said) == frame


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("module", [fast, reference], ids=["fast", "reference"])
def test_an_example_is_its_frame(module, name):
    message, frame = EXAMPLES[name]
    assert module.ENCODERS[type(message)](message) == frame
    assert module.DECODERS[frame[0]](frame, 5, len(frame)) == message


@pytest.mark.parametrize("frame", FRAMES, ids=EXAMPLES)
def test_a_payload_cut_anywhere_is_refused_the_same_way(frame):
    for length in range(len(frame) - 5):
        agree(frame[0], frame[5 : 5 + length])
        assert isinstance(read(fast, frame[0], frame[5 : 5 + length]), tuple)


@pytest.mark.parametrize("frame", FRAMES, ids=EXAMPLES)
def test_a_byte_too_many_is_refused(frame):
    for extra in (b"\0", b"\x01\x02"):
        agree(frame[0], frame[5:] + extra)
        assert isinstance(read(fast, frame[0], frame[5:] + extra), tuple)


@pytest.mark.parametrize("frame", FRAMES, ids=EXAMPLES)
def test_every_single_changed_byte_is_read_the_same_way(frame):
    payload = bytearray(frame[5:])
    for at, octet in enumerate(payload):
        for other in {0, 1, octet ^ 0x80, octet ^ 0x01, 0xFF, (octet + 1) & 0xFF} - {octet}:
            payload[at] = other
            agree(frame[0], bytes(payload))
        payload[at] = octet


def mutations(seed: int, count: int) -> Iterator[tuple[int, bytes]]:
    """Payloads that are nearly right."""
    chance = random.Random(seed)
    words = [b"", b"\0", b"\xff", b"\xff\xff\xff\xff", b"\0\0\0\x01", b"\x80\x01", b"\xc3\x28", "é".encode()]
    for _ in range(count):
        frame = chance.choice(FRAMES)
        payload = bytearray(frame[5:])
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            at = chance.randrange(len(payload) + 1)
            match chance.randrange(6):
                case 0 if at < len(payload):
                    payload[at] = chance.randrange(256)
                case 1 if at < len(payload):
                    payload[at] ^= 1 << chance.randrange(8)
                case 2:
                    del payload[at : at + chance.randrange(1, 9)]
                case 3:
                    payload[at:at] = chance.choice(words)
                case 4:
                    other = chance.choice(FRAMES)
                    begin = chance.randrange(len(other))
                    payload[at : at + 8] = other[begin : begin + chance.randrange(1, 24)]
                case _:
                    payload[at : at + 4] = chance.choice(words)
        yield (frame[0] if chance.random() < 0.97 else chance.choice(FRAMES)[0]), bytes(payload)


@pytest.mark.parametrize("part", range(8))
def test_the_codecs_agree_on_mutated_frames(part, request):
    for command, payload in mutations(part, request.config.getoption("--mutations") // 8):
        agree(command, payload)


@pytest.mark.parametrize("name", MESSAGES)
def test_what_is_written_is_read_back(name):
    @given(MESSAGES[name])
    def check(message):
        frame = reference.ENCODERS[type(message)](message)
        assert fast.ENCODERS[type(message)](message) == frame
        assert codec.decode(frame[0], frame[5:]) == message
        assert read(reference, frame[0], frame[5:]) == message

    check()


TASK_ID = bytes(14) + b"\x37\xa8"
ENVELOPE = codec.encode_envelope(messages.Envelope("sha256", "default", 0, b"x"))
#: Values of the wrong type, as a caller without a type checker may pass them.
TEXT: Any = "7"
NINE: Any = 9
REFUSED = {
    "a lease of 0": (messages.Task(TASK_ID, 0, 1, 0, 0, ENVELOPE), ErrorCode.OUT_OF_RANGE, "lease"),
    "a lease of 65 bits": (messages.Task(TASK_ID, 1 << 64, 1, 0, 0, ENVELOPE), ErrorCode.OUT_OF_RANGE, "lease"),
    "a negative limit": (messages.Task(TASK_ID, 1, 1, -1, 0, ENVELOPE), ErrorCode.OUT_OF_RANGE, "time_limit"),
    "a short id": (messages.Query(1, bytes(15)), ErrorCode.OUT_OF_RANGE, "task_id"),
    "a long id": (messages.Query(1, bytes(17)), ErrorCode.OUT_OF_RANGE, "task_id"),
    "a seq of 0": (messages.Query(0, TASK_ID), ErrorCode.OUT_OF_RANGE, "seq"),
    "a text for a number": (messages.Accepted(TEXT), ErrorCode.OUT_OF_RANGE, "seq"),
    "a priority of 10": (messages.Submit(1, TASK_ID, 0, 10, ENVELOPE), ErrorCode.OUT_OF_RANGE, "priority"),
    "a flag without a name": (messages.Submit(1, TASK_ID, 8, 5, ENVELOPE), ErrorCode.OUT_OF_RANGE, "flags"),
    "a kind that is closed": (messages.Hello(NINE, 1), ErrorCode.BAD_ENUM, "kind"),
    "a ping with a tag": (messages.Hello(messages.HelloKind.PING, 1, role=1), ErrorCode.RULE_BROKEN, ""),
    "an open without a role": (
        messages.Hello(messages.HelloKind.OPEN, 1, versions=messages.VersionRange(1, 1)),
        ErrorCode.RULE_BROKEN,
        "",
    ),
    "versions upside down": (
        messages.Hello(messages.HelloKind.OPEN, 1, versions=messages.VersionRange(2, 1), role=1),
        ErrorCode.RULE_BROKEN,
        "versions",
    ),
    "a name with a space": (
        messages.Subscribe((messages.QueueWeight("a b", 1),), ()),
        ErrorCode.BAD_PATTERN,
        "queues[0].queue",
    ),
    "an empty name": (
        messages.Subscribe((messages.QueueWeight("", 1),), ()),
        ErrorCode.LIMIT_EXCEEDED,
        "queues[0].queue",
    ),
    "a text with NUL": (messages.Error(401, 1, 0, 0, 0, "a\0b"), ErrorCode.BAD_UTF8, "text"),
    "half a surrogate": (messages.Error(401, 1, 0, 0, 0, "\ud800"), ErrorCode.BAD_UTF8, "text"),
    "a text too long": (messages.Error(401, 1, 0, 0, 0, "x" * 1025), ErrorCode.LIMIT_EXCEEDED, "text"),
    "unknown tags out of order": (
        messages.Accepted(1, ((0x4002, b""), (0x4001, b""))),
        ErrorCode.TAG_ORDER,
        "tags",
    ),
    "an unknown tag that is critical": (messages.Accepted(1, ((0x8001, b""),)), ErrorCode.TAG_ORDER, "tags"),
    "an unknown tag that is known": (messages.Query(1, TASK_ID, ((0, b""),)), ErrorCode.TAG_ORDER, "tags"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_protocol_does_not_allow_is_not_written(case):
    message, code, field = REFUSED[case]
    for module in (fast, reference):
        with pytest.raises(WireError) as caught:
            module.ENCODERS[type(message)](message)
        assert (caught.value.code, caught.value.field) == (code, field)


def payload_of(name: str) -> bytes:
    return EXAMPLES[name][1][5:]


def test_a_tag_out_of_order_is_refused_before_its_value_is_read():
    payload = (1).to_bytes(8, "big") + b"\x02" + b"\x40\x02\0\0\0\0" + b"\x40\x01\0\0\0\0"
    assert read(fast, 8, payload)[:3] == (ErrorCode.TAG_ORDER, "tags[1]", 15)


def test_an_unknown_critical_tag_is_refused():
    payload = (1).to_bytes(8, "big") + b"\x01" + b"\x80\x09\0\0\0\0"
    assert read(fast, 8, payload)[:3] == (ErrorCode.CRITICAL_TAG, "tags[0]", 9)


def test_an_unknown_tag_is_kept_and_written_back():
    payload = (1).to_bytes(8, "big") + b"\x01" + b"\x40\x01\0\0\0\x03abc"
    message = read(fast, 8, payload)
    assert message.unknown == ((0x4001, b"abc"),)
    assert codec.encode(message)[5:] == payload


def test_a_declared_length_of_4_gib_is_refused_without_being_read():
    payload = payload_of("Progress/half")[:40] + b"\xff\xff\xff\xff"
    assert read(fast, 12, payload)[:2] == (ErrorCode.TRUNCATED, "body")


def test_a_boolean_is_0_or_1():
    payload = payload_of("Cancel/from_client")[:-1] + b"\x02"
    assert read(fast, 11, payload)[:2] == (ErrorCode.OUT_OF_RANGE, "tree")


def test_an_open_enum_keeps_what_it_does_not_know():
    payload = b"\xc8" + b"\0"
    assert read(fast, 6, payload) == messages.Goodbye(200)


def test_the_tags_of_an_envelope_are_the_workers_matter():
    bad = codec.encode_envelope(messages.Envelope("t", "q", 0, b"", trace_context="xx")).replace(b"xx", b"\xff\xff")
    submit = messages.Submit(1, TASK_ID, 0, 5, bad)
    assert codec.decode(7, codec.encode(submit)[5:]) == submit
    with pytest.raises(WireError) as caught:
        codec.decode_envelope(bad)
    assert caught.value.code is ErrorCode.BAD_UTF8


def test_a_report_has_no_critical_tags():
    report = b"\0" + b"\x01" + b"\x80\x01\0\0\0\0" + bytes(4)
    payload = (1).to_bytes(8, "big") + TASK_ID + (1).to_bytes(8, "big") + b"\x01\0" + report
    assert read(fast, 2, payload)[:2] == (ErrorCode.CRITICAL_TAG, "report.tags[0]")


@given(nearly_legal())
def test_what_is_nearly_legal_is_read_the_same_way(drawn):
    agree(*drawn)


@given(st.binary(max_size=60), st.sampled_from(sorted(fast.DECODERS)))
def test_random_bytes_are_read_the_same_way(payload, command):
    agree(command, payload)


@given(st.binary(max_size=60))
def test_random_envelopes_and_reports_are_read_the_same_way(octets):
    for name in ("decode_envelope", "decode_report"):
        said = []
        for module in (fast, reference):
            try:
                said.append(getattr(module, name)(octets))
            except WireError as error:
                said.append((error.code, error.field, error.offset))
        assert said[0] == said[1]


def test_the_route_of_an_envelope_is_its_type_and_queue():
    assert codec.envelope_route(ENVELOPE) == ("sha256", "default")
