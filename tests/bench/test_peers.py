"""The drivers of peers: what they need, and that they read what their servers say however it is split."""

import sys

import pytest

from wiretask_bench.peers import PEERS, Program, work
from wiretask_bench.peers.beanstalkd import _Consumer
from wiretask_bench.peers.gearmand import _Client as GearmanClient
from wiretask_bench.peers.gearmand import _packet, _Worker
from wiretask_bench.peers.nats import _Client as NatsClient
from wiretask_bench.peers.nats import _publish
from wiretask_bench.peers.pipelined import Window


class Transport:
    def __init__(self):
        self.written = b""

    def write(self, octets):
        self.written += octets


def split_everywhere(make, octets):
    """What a connection does with octets, for each place where they can be split in two."""
    seen = []
    for at in range(len(octets)):
        connection = make()
        transport = Transport()
        connection.connection_made(transport)
        greeting = len(transport.written)
        connection.data_received(octets[:at])
        connection.data_received(octets[at:])
        assert connection._rest == b""
        seen.append((transport.written[greeting:], connection))
    return seen


def test_a_gearman_worker_answers_a_job_and_grabs_the_next():
    octets = _packet(11, b"H:1", b"sha", b"Hello, World! 0")
    result = _packet(13, b"H:1", work.digest("Hello, World! 0").encode())
    for written, _ in split_everywhere(lambda: _Worker(1), octets):
        assert written == result + _packet(9)


def test_a_gearman_worker_sleeps_when_nothing_is_left_and_wakes():
    worker, transport = _Worker(2), Transport()
    worker.connection_made(transport)
    worker.grab()
    worker.data_received(_packet(10))
    assert transport.written == _packet(9) * 2
    worker.data_received(_packet(10))
    assert transport.written == _packet(9) * 2 + _packet(4)
    worker.data_received(_packet(6))
    assert transport.written == _packet(9) * 2 + _packet(4) + _packet(9) * 2


def test_a_gearman_client_knows_whose_result_it_is():
    digests = [work.digest(f"Hello, World! {number}").encode() for number in range(2)]
    octets = _packet(8, b"H:7") + _packet(8, b"H:8") + _packet(13, b"H:8", digests[1]) + _packet(13, b"H:7", digests[0])
    for _, client in split_everywhere(lambda: GearmanClient(Window(9)), octets):
        client.checked()


def test_a_beanstalk_consumer_handles_each_job_and_reserves_again():
    octets = b"WATCHING 1\r\nRESERVED 5 4\r\na\r\nb\r\nTIMED_OUT\r\nDELETED\r\n"

    def make():
        consumer = _Consumer(2, lambda job, data: b"<%s %s>" % (job, data))
        consumer.left = 2
        return consumer

    for written, _ in split_everywhere(make, octets):
        assert written == b"<5 a\r\nb>reserve\r\nreserve-with-timeout 0\r\n"


def test_what_beanstalkd_refuses_is_an_error():
    with pytest.raises(RuntimeError, match="beanstalkd says OUT_OF_MEMORY"):
        split_everywhere(lambda: _Consumer(1, lambda job, data: b""), b"OUT_OF_MEMORY\r\n")


def test_a_nats_client_takes_its_results_and_answers_pings():
    data = work.done(work.numbered(3))
    octets = b"INFO {}\r\nMSG _INBOX 1 %d\r\n%s\r\nPING\r\n" % (len(data), data)
    for written, client in split_everywhere(lambda: NatsClient(Window(9), False), octets):
        assert written == b"PONG\r\n"
        assert client.window.results == {b"3": work.digest("Hello, World! 3").encode()}


def test_a_nats_client_passes_over_headers():
    octets = b"HMSG _INBOX 1 4 9\r\nNATS7 abc\r\n"
    for _, client in split_everywhere(lambda: NatsClient(Window(9), False), octets):
        assert client.window.results == {b"7": b"abc"}


def test_what_nats_refuses_is_an_error():
    with pytest.raises(RuntimeError, match="nats-server says -ERR 'Unknown'"):
        split_everywhere(lambda: NatsClient(Window(9), False), b"-ERR 'Unknown'\r\n")


def test_nats_messages_are_written_with_their_reply():
    assert _publish(b"s", b"ab", b"r") == b"PUB s r 2\r\nab\r\n"


@pytest.mark.parametrize(
    "results",
    [
        {},
        {0: b"wrong"},
        {0: work.digest("Hello, World! 0"), 1: work.digest("Hello, World! 0")},
        {1: work.digest("Hello, World! 1")},
    ],
)
def test_results_that_are_missing_or_wrong_are_refused(results):
    with pytest.raises(RuntimeError, match=r"were to come|is wrong"):
        work.check(results, max(len(results), 1) if 0 in results else 2)


def test_right_results_pass_as_text_and_as_octets():
    digests = [work.digest(f"Hello, World! {number}") for number in range(2)]
    work.check({0: digests[0], 1: digests[1].encode()}, 2)


@pytest.mark.slow
@pytest.mark.processes
def test_what_is_not_installed_is_named():
    assert Program("x", ("no-such-server",)).missing(sys.executable) == "no no-such-server on the PATH"
    assert Program("x", (), ("no_such_module",)).missing(sys.executable) == f"{sys.executable} has no no_such_module"
    assert Program("x", (), ("json",)).missing(sys.executable) == ""


def test_every_peer_has_its_driver():
    import importlib.util

    for program in PEERS.values():
        assert importlib.util.find_spec(f"wiretask_bench.peers.{program.module}")
