"""The handshake, the heartbeat and every refusal of one connection, without a socket, under a hand-moved clock."""

import struct

import pytest

from wiretask_protocol import MAX_VERSION, codec
from wiretask_protocol.connection import Connection
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.limits import FRAME_LIMIT, FRAME_LIMIT_FLOOR
from wiretask_protocol.machines import SchedulerConnectionState
from wiretask_protocol.messages import (
    Accepted,
    Credit,
    Error,
    ErrorScope,
    Goodbye,
    GoodbyeReason,
    Hello,
    HelloKind,
    Role,
    Submit,
    VersionRange,
)
from wiretask_scheduler.session import MINIMUM_OCTETS_PER_SECOND, Session, SessionSettings

SETTINGS = SessionSettings(heartbeat_ms=1000, handshake_seconds=5, grease=False)
VERSIONS = VersionRange(1, MAX_VERSION)


def hello(**rest):
    return Hello(HelloKind.OPEN, 77, **{"versions": VERSIONS, "role": Role.CLIENT, **rest})


def open_(**rest):
    return codec.encode(hello(**rest))


def new(settings=SETTINGS):
    return Session(3, settings, 100.0)


def accepted(role=Role.CLIENT, settings=SETTINGS, token=None, **rest):
    session = new(settings)
    messages = session.receive(open_(role=role, **rest), 100.0)
    assert session.greeting
    session.first = session.accept(messages[-1], token)
    session.greeted()
    return session


def said(session):
    """The messages that the session has to say."""
    octets = b"".join(session.out)
    session.out.clear()
    peer = Connection("client")
    first = peer.receive(octets)
    assert not peer.more
    return first


def refusal(session):
    """The one Error that ends a session."""
    (error,) = said(session)
    assert isinstance(error, Error)
    assert error.scope == ErrorScope.CONNECTION
    assert session.closing
    return ErrorCode(error.code), error.text


# -- the handshake --


def test_an_open_is_judged_and_accepted_with_what_holds_from_now_on():
    session = new()
    (message,) = session.receive(open_(frame_limit=1 << 20), 100.0)
    assert session.greeting
    assert session.judge(message) is None
    accept = session.accept(message, b"t" * 16)
    assert (accept.kind, accept.nonce, accept.version, accept.session) == (HelloKind.ACCEPT, 77, 1, b"t" * 16)
    assert (accept.frame_limit, accept.heartbeat, accept.in_flight) == (FRAME_LIMIT, 1000, 100_000)
    assert accept.dedup_window == 3_600_000
    assert session.connection.limit == 1 << 20
    assert session.accepted
    assert session.connection.state is SchedulerConnectionState.CLIENT
    assert (session.out, session.closing) == ([], False)


def test_an_open_split_at_every_point_is_one_open():
    octets = open_(agent="x")
    for cut in range(1, len(octets)):
        session = new()
        assert session.receive(octets[:cut], 100.0) == []
        assert session.receive(octets[cut:], 100.0) == [hello(agent="x")]


def test_what_follows_an_open_is_judged_after_the_accept():
    session = new()
    messages = session.receive(open_() + codec.encode(Accepted(1)), 100.0)
    assert messages == [hello()]
    session.accept(messages[0], None)
    assert session.connection.more
    assert session.receive(b"", 100.0) == [Accepted(1)]


@pytest.mark.parametrize(
    ("rest", "code", "text"),
    [
        (
            {"versions": VersionRange(2, 9)},
            ErrorCode.VERSION_MISMATCH,
            "speaks versions 1 to 1; upgrade the older side",
        ),
        ({"role": 7}, ErrorCode.ROLE_REFUSED, "serves workers and clients, not role 7"),
        ({"key_id": "k1"}, ErrorCode.AUTH_FAILED, "has no tokens; connect without one"),
    ],
)
def test_an_open_that_cannot_be_served_is_refused(rest, code, text):
    session = new()
    (message,) = session.receive(open_(**rest), 100.0)
    error = session.judge(message)
    session.close(error)
    assert refusal(session) == (code, error.text)
    assert text in error.text
    assert not session.accepted


def test_grease_is_one_tag_in_the_accept_and_one_command_after_it():
    session = accepted(settings=SessionSettings(grease=True))
    ((tag, value),) = session.first.unknown
    assert (tag, value) == (0x7FA3, b"grease")
    fresh = Session(3, SessionSettings(grease=True), 0)
    frame = fresh.greeted()
    command, length = struct.unpack_from(">BI", frame)
    assert (command, length) == (0xC3, len(frame) - 5)
    assert fresh.greeted() == b""


def test_nothing_greasy_leaves_where_it_is_switched_off():
    assert accepted().first.unknown == ()
    assert new().greeted() == b""


# -- what is not the protocol --


@pytest.mark.parametrize(
    ("octets", "guess"),
    [
        (bytes.fromhex("16030100ca010000c6"), "TLS handshake: connect without TLS"),
        (b"SSH-2.0-OpenSSH_9\r\n", "SSH"),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "PROXY header: switch it off"),
        (b"\r\n\r\n\0\r\nQUIT\n!", "PROXY header"),
        (b"\0\0\0\0\0", "check the address and the port"),
        (b"\xff", "check the address and the port"),
        (codec.encode(Accepted(1)), "the first message of a connection is a Hello"),
    ],
)
def test_other_protocols_are_answered_with_a_guess(octets, guess):
    session = new()
    assert session.receive(octets, 100.0) == []
    code, text = refusal(session)
    assert code is ErrorCode.NOT_WIRETASK
    assert guess in text


@pytest.mark.parametrize("method", [b"GET / HTTP/1.1\r\n", b"POST /x HTTP/1.1\r\n", b"G", b"HEAD "])
def test_http_is_answered_in_http(method):
    session = new()
    session.receive(method, 100.0)
    head, _, body = b"".join(session.out).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 400 Bad Request"
    assert b"Content-Length: %d" % len(body) in lines
    assert b"Connection: close" in lines
    assert b"the HTTP interface has a port of its own" in body
    assert session.closing


BAD_FRAMES = [
    (b"\x03\0\0\0\0", ErrorCode.TRUNCATED),
    (b"\x03\0\0\x10\x01", ErrorCode.FRAME_TOO_LARGE),
    (b"\x03\xff\xff\xff\xff", ErrorCode.FRAME_TOO_LARGE),
    (b"\x03\0\0\0\x0a\x09" + bytes(9), ErrorCode.BAD_ENUM),
    (b"\x03\0\0\0\x0a\x01" + bytes(9), ErrorCode.RULE_BROKEN),
    (b"\x03\0\0\0\x0a\x03" + bytes(9), ErrorCode.UNEXPECTED_MESSAGE),
    (b"\x03\0\0\0\x0b\x03" + bytes(10), ErrorCode.TRAILING_BYTES),
]


@pytest.mark.parametrize(("octets", "code"), BAD_FRAMES)
def test_a_bad_first_frame_is_answered_with_its_error(octets, code):
    session = new()
    session.receive(octets, 100.0)
    assert refusal(session)[0] is code


ENVELOPE = b"\x03add\x07default\0\0\0\0\0\0"

BAD_AFTER_ACCEPT = [
    (b"\x20\0\0\0\0", ErrorCode.UNKNOWN_COMMAND),
    (b"\xd0\0\0\0\0", ErrorCode.UNKNOWN_COMMAND),
    (b"\x16\x03\x01\0\0", ErrorCode.UNKNOWN_COMMAND),
    (b"\x07\0\x40\0\x01", ErrorCode.FRAME_TOO_LARGE),
    (codec.encode(Credit(1, 0, 0)), ErrorCode.UNEXPECTED_MESSAGE),
    (open_(), ErrorCode.UNEXPECTED_MESSAGE),
    (b"\x08\0\0\0\x08" + bytes(8), ErrorCode.OUT_OF_RANGE),
    (b"\x08\0\0\0\x02\0\0", ErrorCode.TRUNCATED),
    (b"\x08\0\0\0\x0a" + bytes(7) + b"\x01\0\0", ErrorCode.TRAILING_BYTES),
]


@pytest.mark.parametrize(("octets", "code"), BAD_AFTER_ACCEPT)
def test_a_bad_frame_after_the_accept_is_answered_after_the_good_ones(octets, code):
    session = accepted()
    good = Submit(1, b"i" * 16, 0, 5, ENVELOPE)
    messages = session.receive(codec.encode(good) + octets, 100.0)
    assert messages == [good]
    assert not session.closing
    assert session.connection.more
    assert session.receive(b"", 100.0) == []
    assert refusal(session)[0] is code


def test_an_error_found_in_the_header_does_not_wait_for_the_payload():
    session = accepted()
    session.receive(b"\x07\xff\xff\xff\xff", 100.0)
    assert refusal(session)[0] is ErrorCode.FRAME_TOO_LARGE


def test_the_negotiated_limit_holds():
    session = accepted(frame_limit=FRAME_LIMIT_FLOOR)
    session.receive(struct.pack(">BI", 7, FRAME_LIMIT_FLOOR + 1), 100.0)
    assert refusal(session)[0] is ErrorCode.FRAME_TOO_LARGE


def test_unknown_skippable_and_grease_commands_are_skipped_once_accepted():
    skipped = b"\x90\0\0\0\x02xx\xc7\0\0\0\0"
    assert accepted().receive(skipped + codec.encode(Accepted(1)), 100.0) == [Accepted(1)]
    session = new()
    session.receive(skipped, 100.0)
    assert refusal(session)[0] is ErrorCode.NOT_WIRETASK


def test_a_stream_that_ends_inside_a_frame_is_told_so():
    session = accepted()
    session.receive(b"\x07\0\0\0\x50abc", 100.0)
    session.end()
    assert refusal(session)[0] is ErrorCode.TRUNCATED


def test_a_stream_that_ends_between_frames_needs_no_word():
    session = accepted()
    session.end()
    assert (session.out, session.closing) == ([], True)


# -- goodbye --


def test_a_client_that_says_goodbye_is_let_go():
    session = accepted()
    assert session.receive(codec.encode(Goodbye(GoodbyeReason.DONE)), 100.0) == [Goodbye(GoodbyeReason.DONE)]
    assert (session.closing, session.leaving) == (True, "goodbye")


def test_a_worker_that_says_goodbye_stays_until_its_stream_ends():
    session = accepted(Role.WORKER)
    session.receive(codec.encode(Goodbye(GoodbyeReason.DRAIN)), 100.0)
    assert (session.closing, session.leaving) == (False, "goodbye")


# -- time --


def test_a_ping_is_answered_at_once_and_a_pong_by_nobody():
    session = accepted()
    session.receive(codec.encode(Hello(HelloKind.PING, 5)) + codec.encode(Hello(HelloKind.PONG, 6)), 100.0)
    assert b"".join(session.out) == codec.encode(Hello(HelloKind.PONG, 5))


def test_a_ping_is_due_after_a_heartbeat_without_a_word_of_ours():
    session = accepted()
    session.sent(100.0)
    session.tick(101.0)
    assert session.out == []
    session.tick(101.01)
    assert len(session.out) == 1
    assert codec.decode(3, session.out[0][5:]).kind is HelloKind.PING
    session.tick(101.5)
    assert len(session.out) == 1


def test_no_ping_leaves_before_the_accept_has():
    session = new()
    (message,) = session.receive(open_(), 100.0)
    session.accept(message, None)
    session.tick(102.5)
    assert session.out == []


def test_a_peer_is_lost_after_three_silent_heartbeats_and_any_octet_is_a_word():
    session = accepted()
    session.tick(103.0)
    session.receive(b"\xc0", 103.0)
    session.tick(106.0)
    session.out.clear()
    session.tick(106.01)
    assert refusal(session)[0] is ErrorCode.SILENT
    assert session.leaving == "silent"


def test_silence_while_the_peer_was_not_read_from_was_ours():
    session = accepted()
    session.resumed(109.0)
    session.tick(110.0)
    assert not session.closing


def test_a_handshake_has_a_deadline_whatever_trickles_in():
    session = new()
    session.receive(b"\x03\0", 104.9)
    session.tick(105.0)
    assert not session.closing
    session.tick(105.01)
    assert refusal(session)[0] is ErrorCode.HANDSHAKE_TIMEOUT


def trickle(session, octets, seconds):
    """A frame of 10 000 octets, so many octets a second."""
    now = 100.0
    session.receive(struct.pack(">BI", 7, 10_000), now)
    for _ in range(seconds):
        now += 1
        session.receive(bytes(octets), now)
        session.tick(now)
        if session.closing:
            return now - 100
    return None


def test_a_frame_that_trickles_is_cut_off_and_one_that_flows_is_not():
    slow = accepted()
    assert trickle(slow, MINIMUM_OCTETS_PER_SECOND // 2, 8) == 4
    slow.out[:] = slow.out[-1:]
    assert refusal(slow)[0] is ErrorCode.FRAME_TOO_SLOW
    assert trickle(accepted(), MINIMUM_OCTETS_PER_SECOND + 1, 8) is None


def test_a_stream_that_always_ends_inside_a_frame_is_not_a_trickle():
    session = accepted()
    frame = codec.encode(Accepted(1))
    session.receive(frame[:3], 100.0)
    for second in range(1, 60):
        assert session.receive(frame[3:] + frame[:3], 100.0 + second) == [Accepted(1)]
        session.tick(100.0 + second)
    assert not session.closing


def test_the_round_trip_to_a_worker_is_measured_although_it_is_busy():
    session = accepted(Role.WORKER)
    for tenth in range(1, 20):
        session.sent(100 + tenth / 10)
        session.receive(b"", 100 + tenth / 10)
        session.tick(100 + tenth / 10)
    assert (session.out, session.round_trip) == ([], None)
    session.sent(102.1)
    session.tick(102.1)
    assert [codec.decode(3, octets[5:]).kind for octets in session.out] == [HelloKind.PING]
    session.receive(codec.encode(Hello(HelloKind.PONG, 6)), 102.25)
    assert session.round_trip == pytest.approx(0.15)
    assert session.heard == 102.25
