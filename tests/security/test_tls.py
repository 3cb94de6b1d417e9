"""TLS and certificates, against a real scheduler: what is shown, what is wanted, and what is said of what is wrong."""

from __future__ import annotations

import asyncio
import logging
import shutil
import ssl

import pytest
import uvloop
from guarded_place import guarded, secret  # type: ignore[import-not-found] # it lies beside

from wiretask_protocol import codec
from wiretask_protocol.authentication import Transcript
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import Auth, AuthKind, Goodbye, GoodbyeReason, Hello, HelloKind, Role, VersionRange
from wiretask_scheduler.session import SessionSettings
from wiretask_scheduler.tls import Tls, TlsError


@pytest.fixture(params=["uvloop", "asyncio"])
def run(request):
    loop = uvloop.run if request.param == "uvloop" else asyncio.run

    def play(scenario, tokens=None, **rest):
        async def all_of_it():
            async with guarded(tokens, **rest) as place:
                await scenario(place)

        loop(all_of_it())

    return play


async def gone(place):
    """Returns when the server knows of nobody any more."""
    while place.flow.server.links or place.flow.server.doorways:  # noqa: ASYNC110 -- the server has nobody to tell
        await asyncio.sleep(0.001)


def test_everything_works_as_without_it(run, papers):
    async def scenario(place):
        peer = await place.peer()
        assert (await peer.greet()).kind is HelloKind.ACCEPT
        await peer.send(Hello(HelloKind.PING, 3))
        assert (await peer.get()).kind is HelloKind.PONG
        await peer.send(Goodbye(GoodbyeReason.DONE))
        with pytest.raises(EOFError):
            await peer.get()
        peer.writer.close()
        await gone(place)

    run(scenario, tls=Tls(*papers.issue("one")), trust=papers.trust())


def test_a_proof_is_bound_to_the_certificate_that_was_shown(run, papers):
    async def scenario(place):
        peer = await place.peer()
        assert (await peer.join("ann")).kind is HelloKind.ACCEPT
        assert len(peer.certificate) == 32
        assert peer.is_proved(secret("a"))
        relay = await place.peer()
        challenge = await relay.greet("ann")
        # What somebody proves who was shown another certificate, by one who stands between.
        said = Transcript(relay.open, challenge, bytes(32))
        await relay.send(Auth(AuthKind.PROOF, bytes(32), proof=said.client_proof(secret("a"), bytes(32))))
        assert ErrorCode((await relay.get()).code) is ErrorCode.AUTH_FAILED

    from guarded_place import TOKENS

    run(scenario, TOKENS, tls=Tls(*papers.issue("one")), trust=papers.trust())


@pytest.mark.parametrize("who", ["stranger", "expired", "another host"])
def test_nobody_trusts_a_scheduler_with_a_wrong_certificate(run, papers, strangers, who):
    certificate = {
        "stranger": lambda: strangers.issue("stranger"),
        "expired": lambda: papers.issue("expired", expired=True),
        "another host": lambda: papers.issue("other", "elsewhere.example"),
    }[who]()

    async def scenario(place):
        with pytest.raises(ssl.SSLCertVerificationError):
            await place.peer()
        await gone(place)

    run(scenario, tls=Tls(*certificate), trust=papers.trust())


@pytest.mark.parametrize("who", ["nobody", "stranger", "expired"])
def test_a_peer_without_a_good_certificate_is_not_even_greeted(run, papers, strangers, who, caplog):
    shown = {
        "nobody": lambda: None,
        "stranger": lambda: strangers.issue("stranger"),
        "expired": lambda: papers.issue("expired", expired=True),
    }[who]()

    async def scenario(place):
        with pytest.raises((OSError, EOFError)):
            await (await place.peer()).greet()
        await gone(place)

    with caplog.at_level(logging.INFO):
        run(scenario, tls=Tls(*papers.issue("one"), papers.ca), trust=papers.trust(shown))
    assert "is let go: " in caplog.text
    assert "Traceback" not in caplog.text


def test_a_peer_with_a_good_certificate_is_served(run, papers):
    async def scenario(place):
        peer = await place.peer()
        assert (await peer.greet()).kind is HelloKind.ACCEPT

    run(scenario, tls=Tls(*papers.issue("one"), papers.ca), trust=papers.trust(papers.issue("peer")))


@pytest.mark.parametrize(
    ("octets", "begins"),
    [
        pytest.param(bytes([3, 0, 0, 0, 10]), b"\x04\0\0\0", id="a Hello"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\n", id="HTTP"),
        pytest.param(bytes(300), b"\x04\0\0\0", id="zeros"),
        pytest.param(b"\x16\x03\x01\0\x05hello", b"\x15\x03", id="nearly TLS"),
        pytest.param(b"", b"", id="nothing"),
    ],
)
def test_what_is_no_tls_is_told_so_and_let_go(run, papers, octets, begins):
    async def scenario(place):
        peer = await place.peer(ssl=None, server_hostname=None)
        peer.writer.write(octets)
        if not octets:
            peer.writer.write_eof()
        answer = await peer.reader.read()
        assert answer.startswith(begins)
        assert bool(answer) == bool(octets)
        if octets and begins[0] != 0x15:
            assert b"this port speaks TLS, and these bytes are not it: connect with TLS" in answer
        peer.writer.close()
        await gone(place)

    run(scenario, tls=Tls(*papers.issue("one")))


def test_who_says_nothing_is_let_go_when_the_time_for_the_handshake_is_over(run, papers):
    async def scenario(place):
        peer = await place.peer(ssl=None, server_hostname=None)
        with pytest.raises((ConnectionResetError, EOFError)):
            await peer.get()
        await gone(place)

    run(scenario, tls=Tls(*papers.issue("one")), settings=SessionSettings(handshake_seconds=0.1))


def test_handshakes_of_tls_are_counted_before_they_cost_anything(run, papers):
    async def scenario(place):
        silent = [await place.peer(ssl=None, server_hostname=None) for _ in range(2)]
        with pytest.raises((OSError, ssl.SSLError)):
            await place.peer()
        for peer in silent:
            peer.writer.close()
        await gone(place)
        assert (await (await place.peer()).greet()).kind is HelloKind.ACCEPT

    run(scenario, tls=Tls(*papers.issue("one")), trust=papers.trust(), handshakes=2)


def test_what_comes_right_behind_the_handshake_is_not_lost(run, papers):
    """Fifty at once: the open is often in the same read as the end of the handshake."""

    async def one(place):
        peer = await place.peer()
        versions = VersionRange(1, 1)
        peer.writer.write(codec.encode(Hello(HelloKind.OPEN, 7, versions=versions, role=Role.CLIENT)))
        assert (await peer.get()).kind is HelloKind.ACCEPT

    async def scenario(place):
        await asyncio.gather(*(one(place) for _ in range(50)))

    run(scenario, tls=Tls(*papers.issue("one")), trust=papers.trust())


def test_old_versions_of_tls_are_not_spoken(run, papers):
    trust = papers.trust()
    trust.minimum_version = ssl.TLSVersion.TLSv1_2
    assert Tls(*papers.issue("one")).context.minimum_version == ssl.TLSVersion.TLSv1_2

    async def scenario(place):
        peer = await place.peer()
        assert peer.writer.get_extra_info("ssl_object").version() == "TLSv1.3"

    run(scenario, tls=Tls(*papers.issue("one")), trust=trust)


def test_a_certificate_is_renewed_while_the_scheduler_runs(run, papers):
    first, second = papers.issue("first"), papers.issue("second")
    shown = papers.folder / "shown.pem", papers.folder / "shown.key"
    for one, here in zip(first, shown, strict=True):
        shutil.copy(one, here)
    tls = Tls(*shown)

    async def scenario(place):
        before = await place.peer()
        assert (await before.greet()).kind is HelloKind.ACCEPT
        for one, here in zip(second, shown, strict=True):
            shutil.copy(one, here)
        tls.reload()
        after = await place.peer()
        assert (await after.greet()).kind is HelloKind.ACCEPT
        assert before.certificate != after.certificate == tls.fingerprint
        await before.send(Hello(HelloKind.PING, 1))
        assert (await before.get()).kind is HelloKind.PONG

    run(scenario, tls=tls, trust=papers.trust())


def wrong(match, *paths):
    with pytest.raises(TlsError, match=match) as refused:
        Tls(*paths)
    assert "\n" not in str(refused.value)
    assert "PRIVATE" not in str(refused.value)


def test_files_that_are_no_certificates_are_named(papers, tmp_path):
    certificate, key = papers.issue("one")
    _, other = papers.issue("two")
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("nothing\n")
    wrong("No such file or directory; check the setting tls_cert", tmp_path / "x", key)
    wrong("No such file or directory; check the setting tls_key", certificate, tmp_path / "x")
    wrong("; it and tls_key .* are PEM files", nothing, key)
    wrong("key values mismatch; it and tls_key", certificate, other)
    wrong("; it and tls_key", key, certificate)
    wrong("; check the setting tls_client_ca", certificate, key, nothing)
    wrong("; check the setting tls_client_ca", certificate, key, tmp_path / "x")
