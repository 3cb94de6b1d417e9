"""Who knows a token can prove it, and everybody else cannot: PROTOCOL.md, "Authentication"."""

from __future__ import annotations

import copy
import hashlib
import hmac
import pickle
import re
import struct
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from wiretask_protocol import codec
from wiretask_protocol.authentication import Secret, Transcript, credentials, fingerprint, same
from wiretask_protocol.examples import EXAMPLES
from wiretask_protocol.messages import Auth, Hello, Role, VersionRange

DOCUMENT = Path(__file__).parents[2] / "generated/docs/PROTOCOL.md"
TOKEN = "wiretask-example-token-0123456789abcdef"
SECRET = Secret(TOKEN)
OPEN, OPEN_FRAME = cast("tuple[Hello, bytes]", EXAMPLES["Hello/open_with_a_key"])
CHALLENGE, CHALLENGE_FRAME = cast("tuple[Auth, bytes]", EXAMPLES["Auth/challenge"])
PROOF, _ = cast("tuple[Auth, bytes]", EXAMPLES["Auth/proof"])
ACCEPT, ACCEPT_FRAME = cast("tuple[Hello, bytes]", EXAMPLES["Hello/accept_with_a_proof"])
assert PROOF.proof is not None
assert ACCEPT.proof is not None
CLIENT_PROOF, SERVER_PROOF = PROOF.proof, ACCEPT.proof


def transcript(open_=OPEN, challenge=CHALLENGE, certificate=b""):
    return Transcript(open_, challenge, certificate)


def test_the_example_of_the_document_is_what_the_code_proves() -> None:
    said = transcript()
    assert said.client_proof(SECRET, PROOF.nonce) == CLIENT_PROOF
    assert said.server_proof(SECRET, PROOF.nonce, ACCEPT) == SERVER_PROOF


def test_the_example_is_what_a_reader_of_the_document_computes() -> None:
    """Written from the text of the document, with nothing of the binding but the octets of its examples."""

    def part(octets: bytes) -> bytes:
        return struct.pack(">I", len(octets)) + octets

    seen = part(OPEN_FRAME[5:]) + part(CHALLENGE_FRAME[5:]) + part(PROOF.nonce) + part(b"")
    assert hmac.new(TOKEN.encode(), b"wiretask1 client" + seen, hashlib.sha256).digest() == CLIENT_PROOF
    blank = ACCEPT_FRAME[5:].replace(SERVER_PROOF, bytes(32))
    assert hmac.new(TOKEN.encode(), b"wiretask1 server" + seen + part(blank), hashlib.sha256).digest() == SERVER_PROOF


def test_the_document_names_the_token_of_its_example() -> None:
    assert f"`{TOKEN}`" in DOCUMENT.read_text()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda: transcript(open_=replace(OPEN, role=Role.WORKER)), id="the role"),
        pytest.param(lambda: transcript(open_=replace(OPEN, versions=VersionRange(1, 2))), id="the versions"),
        pytest.param(lambda: transcript(open_=replace(OPEN, frame_limit=65536)), id="the frame limit"),
        pytest.param(lambda: transcript(open_=replace(OPEN, unknown=((0x7FA0, b""),))), id="an unknown tag"),
        pytest.param(lambda: transcript(open_=replace(OPEN, nonce=1)), id="the nonce of the open"),
        pytest.param(lambda: transcript(challenge=replace(CHALLENGE, nonce=bytes(32))), id="the challenge"),
        pytest.param(lambda: transcript(certificate=fingerprint(b"another")), id="the certificate"),
    ],
)
def test_nothing_of_the_handshake_can_be_changed_on_the_way(other) -> None:
    assert other().client_proof(SECRET, PROOF.nonce) != CLIENT_PROOF
    assert other().server_proof(SECRET, PROOF.nonce, ACCEPT) != SERVER_PROOF


@pytest.mark.parametrize(
    "change", [{"in_flight": 1}, {"heartbeat": 100}, {"version": 2}, {"unknown": ((0x7FA0, b""),)}]
)
def test_the_proof_of_the_scheduler_covers_the_whole_accept(change) -> None:
    assert transcript().server_proof(SECRET, PROOF.nonce, replace(ACCEPT, **change)) != SERVER_PROOF


def test_a_proof_cannot_be_sent_back_to_who_made_it() -> None:
    said = transcript()
    assert said.client_proof(SECRET, PROOF.nonce) != said.server_proof(SECRET, PROOF.nonce, ACCEPT)


def test_an_accept_without_a_proof_is_no_proof() -> None:
    assert not same(transcript().server_proof(SECRET, PROOF.nonce, ACCEPT), None)
    assert not same(b"", None)


@given(cut=st.integers(0, 31), bit=st.integers(0, 7))
def test_one_bit_of_a_proof_is_enough_to_refuse_it(cut, bit) -> None:
    wrong = bytearray(CLIENT_PROOF)
    wrong[cut] ^= 1 << bit
    assert not same(transcript().client_proof(SECRET, PROOF.nonce), bytes(wrong))


def test_parts_have_lengths_so_that_octets_cannot_move_from_one_to_the_next() -> None:
    # The nonce is of a fixed length on the wire; the hash does not lean on that.
    one = transcript(certificate=b"b").client_proof(SECRET, b"a" * 32)
    assert one != transcript(certificate=b"").client_proof(SECRET, b"a" * 32 + b"b")


def test_a_secret_shows_itself_to_nobody() -> None:
    for shown in (repr(SECRET), str(SECRET), f"{SECRET}", repr(credentials(f"billing:{TOKEN}")), repr([SECRET])):
        assert TOKEN not in shown
    for copied in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            copied(SECRET)


@pytest.mark.parametrize(
    "text", ["", "short", "x" * 31, "x" * 257, f"{TOKEN} ", f"{TOKEN}\0", "ä" * 40, f"{TOKEN}=", f"{TOKEN}\n"]
)
def test_what_is_no_token_is_refused_and_not_shown(text) -> None:
    with pytest.raises(ValueError, match=re.escape("a token is 32 to 256 of the characters A-Z a-z 0-9 _ -")):
        Secret(text)


def test_credentials_are_a_key_id_and_a_token() -> None:
    key_id, secret = credentials(f"billing:eu:{TOKEN}\n")
    assert (key_id, secret) == ("billing:eu", SECRET)


@pytest.mark.parametrize("text", [TOKEN, f":{TOKEN}", f"two words:{TOKEN}", f"{'n' * 129}:{TOKEN}", "billing:short"])
def test_credentials_that_are_none_are_refused_without_a_word_of_them(text) -> None:
    with pytest.raises(ValueError, match=r"KEY_ID:TOKEN|a token is") as refused:
        credentials(text)
    assert text not in str(refused.value)
    assert TOKEN not in str(refused.value)


def test_secrets_are_equal_when_their_octets_are() -> None:
    assert Secret(TOKEN) == SECRET
    assert hash(Secret(TOKEN)) == hash(SECRET)
    assert Secret("x" * 32) != SECRET
    assert SECRET != TOKEN


def test_without_tls_there_is_no_certificate() -> None:
    assert fingerprint(None) == fingerprint(b"") == b""
    assert fingerprint(b"der") == hashlib.sha256(b"der").digest()


def test_what_is_proved_are_the_octets_that_were_on_the_wire() -> None:
    """A greasy open is decoded and encoded again: the same octets, so the same proof."""
    greasy = replace(OPEN, unknown=((0x7FA3, b"\xff\x00"),))
    again = codec.decode(Hello.COMMAND, codec.encode(greasy)[5:])
    assert isinstance(again, Hello)
    one = transcript(open_=greasy).client_proof(SECRET, PROOF.nonce)
    assert transcript(open_=again).client_proof(SECRET, PROOF.nonce) == one
