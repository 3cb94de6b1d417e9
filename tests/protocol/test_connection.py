"""One end of a connection: any split of the octets gives the same messages, and errors come in the prescribed order."""

import pytest

from wiretask_protocol import Connection, WireError, codec, machines
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.examples import EXAMPLES
from wiretask_protocol.limits import HANDSHAKE_FRAME_LIMIT
from wiretask_protocol.messages import (
    Accepted,
    Envelope,
    Goodbye,
    Hello,
    HelloKind,
    Query,
    Role,
    Submit,
    VersionRange,
)

Event = machines.SchedulerConnectionEvent
State = machines.SchedulerConnectionState
TASK_ID = EXAMPLES["Query/status"][1][13:29]
OPEN = codec.encode(Hello(HelloKind.OPEN, 1, versions=VersionRange(1, 1), role=Role.CLIENT))
PING = codec.encode(Hello(HelloKind.PING, 7))


def accepted(side="scheduler", event=Event.ACCEPT_CLIENT) -> Connection:
    connection = Connection(side)
    if side == "scheduler":
        connection.receive(OPEN)
        connection.event(event)
    else:
        connection.receive(codec.encode(Hello(HelloKind.ACCEPT, 1, version=1)))
    return connection


def everything(connection: Connection, *chunks: bytes) -> list:
    """All messages, as a shell that decides nothing reads them."""
    messages = []
    for chunk in chunks:
        messages += connection.receive(chunk)
        while connection.more:
            messages += connection.receive(b"")
    return messages


def refusal(connection: Connection, *chunks: bytes) -> WireError:
    with pytest.raises(WireError) as caught:
        everything(connection, *chunks)
    assert connection.closed
    return caught.value


SIDES = {
    "scheduler": lambda: accepted(event=Event.ACCEPT_CLIENT),
    "worker": lambda: accepted("worker"),
    "client": lambda: accepted("client"),
}
STREAMS = {
    "scheduler": [
        "Submit/sha256",
        "Query/status",
        "Hello/ping",
        "Submit/options",
        "Await/result",
        "Cancel/from_client",
    ],
    "worker": ["Task/sha256", "Hello/pong", "Task/costly", "Accepted/many", "Retract/retract", "Resume/two_leases"],
    "client": ["Accepted/many", "Result/to_client", "Status/history", "Progress/half", "Error/stale_lease"],
}


@pytest.mark.parametrize("side", SIDES)
def test_a_stream_is_read_the_same_at_every_split(side):
    stream = b"".join(EXAMPLES[name][1] for name in STREAMS[side])
    expected = [EXAMPLES[name][0] for name in STREAMS[side]]
    for at in range(len(stream) + 1):
        assert everything(SIDES[side](), stream[:at], stream[at:]) == expected
    assert everything(SIDES[side](), *(stream[at : at + 1] for at in range(len(stream)))) == expected


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_read_at_every_split_by_whoever_takes_it(name):
    message, frame = EXAMPLES[name]
    takers = [make for make in SIDES.values() if frame[0] in make()._rules.decoders and frame[0] != 3]
    for make in takers:
        for at in range(1, len(frame)):
            connection = make()
            assert everything(connection, frame[:at]) == []
            assert connection.partial == at
            assert everything(connection, frame[at:]) == [message]


def test_a_large_frame_comes_in_pieces():
    body = b"x" * 300_000
    envelope = codec.encode_envelope(Envelope("t", "q", 0, body))
    frame = codec.encode(Submit(1, TASK_ID, 0, 5, envelope)) + codec.encode(Query(2, TASK_ID))
    connection = accepted()
    messages = everything(connection, *(frame[at : at + 10_000] for at in range(0, len(frame), 10_000)))
    assert [type(message).__name__ for message in messages] == ["Submit", "Query"]
    assert messages[0].envelope == envelope
    assert connection.partial == 0


def test_what_follows_an_open_is_judged_after_the_decision():
    connection = Connection("scheduler")
    assert [message.kind for message in connection.receive(OPEN + PING)] == [HelloKind.OPEN]
    assert connection.more
    assert connection.state is State.OPENING
    assert connection.receive(b"") == []
    connection.event(Event.ACCEPT_CLIENT)
    assert connection.receive(b"") == [Hello(HelloKind.PING, 7)]
    assert not connection.more


def test_messages_before_a_bad_one_are_returned_first():
    connection = accepted()
    good = codec.encode(Query(1, TASK_ID))
    assert connection.receive(good + b"\x0d\0\0\0\x01\0") == [Query(1, TASK_ID)]
    assert connection.more
    with pytest.raises(WireError) as caught:
        connection.receive(b"")
    assert caught.value.code is ErrorCode.TRUNCATED
    assert caught.value.command == Query.COMMAND


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"\x01\0\0\0\0", ErrorCode.UNEXPECTED_MESSAGE),
        (b"\x02\xff\xff\xff\xff", ErrorCode.UNEXPECTED_MESSAGE),
        (b"\x20\xff\xff\xff\xff", ErrorCode.UNKNOWN_COMMAND),
        (b"\x00\0\0\0\0", ErrorCode.UNKNOWN_COMMAND),
        (b"\xd0\0\0\0\0", ErrorCode.UNKNOWN_COMMAND),
        (b"\xf0\0\0\0\0", ErrorCode.UNKNOWN_COMMAND),
        (b"\x07\x00\x40\x00\x01", ErrorCode.FRAME_TOO_LARGE),
        (b"\xc1\x00\x40\x00\x01", ErrorCode.FRAME_TOO_LARGE),
        (b"\x07\0\0\0\0", ErrorCode.TRUNCATED),
        (OPEN, ErrorCode.UNEXPECTED_MESSAGE),
    ],
)
def test_an_error_in_the_header_does_not_wait_for_the_payload(octets, code):
    assert refusal(accepted(), octets).code is code


def test_the_state_is_judged_before_the_length():
    assert refusal(accepted("worker"), b"\x07\xff\xff\xff\xff").code is ErrorCode.UNEXPECTED_MESSAGE


def test_before_the_accept_frames_are_short():
    header = b"\x03" + (HANDSHAKE_FRAME_LIMIT + 1).to_bytes(4, "big")
    assert refusal(Connection("scheduler"), header).code is ErrorCode.FRAME_TOO_LARGE


def test_after_the_accept_the_negotiated_limit_holds():
    connection = accepted()
    connection.limit = 100
    assert refusal(connection, b"\x07" + (101).to_bytes(4, "big")).code is ErrorCode.FRAME_TOO_LARGE


@pytest.mark.parametrize("command", [0x80, 0xBF, 0xC0, 0xCF])
def test_what_may_be_skipped_is_skipped_once_accepted(command):
    skipped = bytes([command]) + (3).to_bytes(4, "big") + b"abc"
    for at in range(len(skipped)):
        assert everything(accepted(), skipped[:at], skipped[at:] + PING) == [Hello(HelloKind.PING, 7)]
    connection = Connection("worker")
    assert refusal(connection, skipped).code is ErrorCode.UNEXPECTED_MESSAGE


@pytest.mark.parametrize(
    ("octets", "guess"),
    [
        (b"GET / HTTP/1.1\r\n", "HTTP"),
        (b"P", "HTTP"),
        (b"\x16\x03\x01\x02\0", "TLS"),
        (b"PROXY TCP4 ", "PROXY"),
        (b"\r\n\r\n\0\r\nQUIT\n", "PROXY"),
        (b"SSH-2.0-x", "SSH"),
        (b"\x07\0\0\0\0", "first message"),
        (b"\0", "check the address"),
        (b"\xff\xff", "check the address"),
    ],
)
def test_whatever_finds_the_port_is_told_what_it_seems_to_be(octets, guess):
    error = refusal(Connection("scheduler"), octets)
    assert error.code is ErrorCode.NOT_WIRETASK
    assert guess in error.text


def test_an_empty_hello_is_truncated():
    assert refusal(Connection("scheduler"), b"\x03\0\0\0\0").code is ErrorCode.TRUNCATED


@pytest.mark.parametrize("kind", [HelloKind.ACCEPT, HelloKind.PING, HelloKind.PONG])
def test_only_an_open_opens(kind):
    octets = codec.encode(Hello(kind, 1, version=1 if kind is HelloKind.ACCEPT else None))
    assert refusal(Connection("scheduler"), octets).code is ErrorCode.UNEXPECTED_MESSAGE


def test_the_end_of_the_stream_inside_a_frame_is_an_error():
    connection = accepted()
    everything(connection, PING[:-1])
    with pytest.raises(WireError) as caught:
        connection.eof()
    assert caught.value.code is ErrorCode.TRUNCATED
    accepted().eof()


def test_nothing_is_read_after_a_goodbye_of_a_client():
    connection = accepted()
    messages = everything(connection, codec.encode(Goodbye(3)) + PING)
    assert messages == [Goodbye(3)]
    assert connection.closed
    assert connection.receive(PING) == []


def test_an_event_that_the_machine_does_not_have_is_our_own_bug():
    with pytest.raises(ValueError, match="not possible in the state GREETING"):
        Connection("scheduler").event(Event.ACCEPT_CLIENT)


def test_an_error_becomes_the_message_that_is_sent_back():
    error = refusal(accepted(), b"\x0d\0\0\0\x01\0")
    message = error.to_message()
    assert (message.code, message.scope, message.command, message.field, message.offset) == (201, 3, 13, "seq", 0)
    assert "seq" in str(error)
    assert codec.decode(4, codec.encode(message)[5:]) == message


def test_accepted_is_read_on_every_side():
    for make in SIDES.values():
        assert everything(make(), codec.encode(Accepted(7))) == [Accepted(7)]
