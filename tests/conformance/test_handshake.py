"""Proofs as the suite makes them: those of the document, and nothing of our codec."""

from __future__ import annotations

from typing import Any, cast

import pytest

from wiretask_conformance import handshake, spec
from wiretask_conformance.handshake import Handshake
from wiretask_conformance.verdicts import Failed
from wiretask_conformance.wire import HEADER, Wire
from wiretask_protocol.examples import EXAMPLES

WIRE = Wire(spec.load())
EXAMPLE = {
    name: cast("tuple[Any, bytes]", EXAMPLES[name])[1] for name in EXAMPLES if name.startswith(("Hello", "Auth"))
}
TOKEN = {"key_id": "billing", "token": "wiretask-example-token-0123456789abcdef"}


@pytest.fixture
def seen(monkeypatch):
    """The handshake of the document, up to the proof."""
    monkeypatch.setattr(handshake, "TOKENS", [TOKEN])
    made = Handshake()
    for name in ("Hello/open_with_a_key", "Auth/challenge", "Auth/proof"):
        message, value, _ = WIRE.decode(EXAMPLE[name], readable=True)
        made.see(message, value["kind"], EXAMPLE[name][HEADER:])
    return made


def accept():
    _, value, _ = WIRE.decode(EXAMPLE["Hello/accept_with_a_proof"], readable=True)
    return value, EXAMPLE["Hello/accept_with_a_proof"][HEADER:]


def test_the_proof_of_a_client_is_that_of_the_document(seen):
    _, value, _ = WIRE.decode(EXAMPLE["Auth/proof"], readable=True)
    assert "hex:" + seen.proof("client", "billing").hex() == value["proof"]


def test_the_proof_of_a_scheduler_is_that_of_the_document(seen):
    value, payload = accept()
    seen.judge_accept("billing", value, payload)
    assert (
        seen.proved(WIRE, {name: item for name, item in value.items() if name != "proof"}, "billing")["proof"]
        == value["proof"]
    )


def test_an_accept_without_a_proof_fails(seen):
    value, payload = accept()
    del value["proof"]
    with pytest.raises(Failed, match="has no proof of the scheduler"):
        seen.judge_accept("billing", value, payload)


@pytest.mark.parametrize(
    "change",
    [
        lambda seen: setattr(seen, "open", seen.open + b"\0"),
        lambda seen: setattr(seen, "challenge", bytes(len(seen.challenge))),
        lambda seen: setattr(seen, "nonce", bytes(32)),
        lambda seen: setattr(seen, "certificate", bytes(32)),
    ],
    ids=["open", "challenge", "nonce", "certificate"],
)
def test_a_proof_over_anything_else_fails(seen, change):
    change(seen)
    with pytest.raises(Failed, match="is not that of the token of billing"):
        seen.judge_accept("billing", *accept())


def test_an_accept_that_was_changed_fails(seen):
    value, payload = accept()
    with pytest.raises(Failed, match="is not that of the token"):
        seen.judge_accept("billing", value, payload.replace(b"\0\0\x13\x88", b"\0\0\x13\x89"))


def test_a_key_that_nobody_has_has_a_token_that_nobody_has():
    assert handshake.token("nobody") == handshake.OTHER.encode()
    assert handshake.token("ann") != handshake.token("ben")
    assert handshake.credentials("ann") == "ann:" + handshake.token("ann").decode()
