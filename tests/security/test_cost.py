"""What somebody costs whom nobody knows: memory of a real scheduler, by the growth of what the system has given it.

Measured on Linux with CPython 3.11 and OpenSSL 3: without TLS 1.5 KB for a peer that says nothing, 3.3 KB for one that has
a challenge, 5.4 KB for one in the middle of a frame. With TLS 0.6 KB before its first octet, 47 KB in the middle of its
handshake, 20 KB after it, 29 KB with a challenge: that is OpenSSL's, and the limit of handshakes holds it down. The bounds
here are far above that, and far below what a buffer for each would be.
"""

from __future__ import annotations

import resource
import socket
import ssl
from contextlib import ExitStack
from pathlib import Path

import pytest
from real_parts import TOKENS, parts  # type: ignore[import-not-found] # it lies beside

from wiretask_protocol import codec
from wiretask_protocol.messages import Auth, Hello, HelloKind, Role, VersionRange

pytestmark = [pytest.mark.processes, pytest.mark.slow]

KIB = 1024
#: Beyond those, the allocator has room of its own; with them it is as large as it gets.
WARM, COUNTED = 200, 800
#: The longest open that fits: nobody may make more of it than its octets.
OPEN = codec.encode(
    Hello(
        HelloKind.OPEN,
        7,
        versions=VersionRange(1, 1),
        role=Role.CLIENT,
        key_id=next(iter(TOKENS)),
        agent="a" * 1000,
        name="n" * 1000,
        unknown=((0x7FA0, bytes(1900)),),
    )
)
CHALLENGE_OCTETS = 39
HALF_A_FRAME = b"\x03\0\0\x0f\xff" + bytes(4000)


def resident(process) -> int:
    """The memory that a process has, in octets."""
    pages = int(Path(f"/proc/{process.process.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def challenged(peer):
    """Greets, and reads the challenge to its end."""
    peer.sendall(OPEN)
    octets = b""
    while len(octets) < CHALLENGE_OCTETS:
        part = peer.recv(CHALLENGE_OCTETS - len(octets))
        assert part, "it is let go"
        octets += part
    assert octets[0] == Auth.COMMAND
    return peer


def cost(world, connect, *arguments):
    """Octets for each of many connections that `connect(port)` makes, and that stay."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    settings = world.folder / "settings.toml"
    settings.write_text("[scheduler]\nhandshake_seconds = 60\nhandshakes_per_address = 5000\n")
    try:
        with ExitStack() as peers:
            process, port = world.scheduler("--tokens", world.tokens, "--config", settings, *arguments)
            for number in range(WARM + COUNTED):
                if number == WARM:
                    before = resident(process)
                peers.enter_context(connect(int(port)))
            return (resident(process) - before) / COUNTED
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def plain(port):
    peer = socket.create_connection(("127.0.0.1", port))
    # As event loops do: else the open waits for 40 ms behind the end of the TLS handshake.
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


@pytest.fixture
def world(tmp_path):
    with parts(tmp_path) as made:
        yield made


def test_a_peer_that_says_nothing_costs_less_than_16_kib(world):
    assert cost(world, plain) < 16 * KIB


def test_a_peer_with_a_challenge_costs_less_than_16_kib(world):
    assert cost(world, lambda port: challenged(plain(port))) < 16 * KIB


def test_a_peer_in_the_middle_of_a_frame_costs_less_than_16_kib(world):
    def halfway(port):
        peer = plain(port)
        peer.sendall(HALF_A_FRAME)
        return peer

    assert cost(world, halfway) < 16 * KIB


@pytest.fixture
def tls(papers):
    certificate, key = papers.issue("cost")
    return "--tls-cert", certificate, "--tls-key", key


def test_a_peer_that_says_nothing_costs_less_than_16_kib_with_tls(world, tls):
    assert cost(world, plain, *tls) < 16 * KIB


def test_a_peer_in_the_middle_of_its_tls_handshake_costs_less_than_96_kib(world, papers, tls):
    context = papers.trust()

    def halfway(port):
        peer = plain(port)
        outgoing = ssl.MemoryBIO()
        with pytest.raises(ssl.SSLWantReadError):
            context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost").do_handshake()
        peer.sendall(outgoing.read())
        assert peer.recv(1)
        return peer

    assert cost(world, halfway, *tls) < 96 * KIB


def test_a_peer_with_a_challenge_costs_less_than_64_kib_with_tls(world, papers, tls):
    context = papers.trust()
    connect = lambda port: challenged(context.wrap_socket(plain(port), server_hostname="localhost"))  # noqa: E731
    assert cost(world, connect, *tls) < 64 * KIB
