"""Tokens and proofs (PROTOCOL.md, "Authentication"), as the suite makes them and looks at them.

What the parties have seen is kept as the octets that were on the wire. Sans-IO, and nothing of our codec.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any

from wiretask_conformance.verdicts import Failed
from wiretask_conformance.wire import HEADER, Wire

PROOF_OCTETS = 32
LABELS = {"client": b"wiretask1 client", "server": b"wiretask1 server"}
#: What a scheduler under test is given where a scenario needs tokens; nobody else knows them, and nobody need not.
TOKENS: list[dict[str, Any]] = [
    {"key_id": key_id, "token": "wiretask-conformance-%s-0123456789abcdef" % key_id, **allowed}
    for key_id, allowed in (
        ("ann", {"roles": ["client"], "queues": ["*"], "principal": "ann"}),
        ("ben", {"roles": ["client"], "queues": ["*"], "principal": "ben"}),
        ("narrow", {"roles": ["client", "worker"], "queues": ["narrow.*"], "principal": "narrow"}),
        ("worker", {"roles": ["worker"], "queues": ["*"], "principal": "worker"}),
    )
]
#: What a worker or a client under test is given where a scenario needs it to prove.
KEYS = {"worker": "worker", "client": "ann"}
#: A token that no party has.
OTHER = "wiretask-conformance-nobody-0123456789abcdef"


def token(key_id: str) -> bytes:
    """The token of a key; of one that there is not, a token that nobody has."""
    return next((item["token"] for item in TOKENS if item["key_id"] == key_id), OTHER).encode()


def credentials(key_id: str) -> str:
    """A key and its token, as an implementation gets them."""
    return "%s:%s" % (key_id, token(key_id).decode())


def nonce() -> str:
    """32 octets of chance, as a value."""
    return "hex:" + os.urandom(PROOF_OCTETS).hex()


class Handshake:
    """The payloads of one handshake, in the order in which they were seen."""

    def __init__(self) -> None:
        self.open = self.challenge = self.nonce = b""
        #: The SHA-256 of the certificate that the scheduler has shown; empty without TLS.
        self.certificate = b""

    def see(self, message: str, kind: Any, payload: bytes) -> None:
        """A message has gone by, in either direction."""
        if (message, kind) == ("Hello", "open"):
            self.open = payload
        elif (message, kind) == ("Auth", "challenge"):
            self.challenge = payload
        elif (message, kind) == ("Auth", "proof"):
            self.nonce = payload[1 : 1 + PROOF_OCTETS]

    def proof(self, label: str, by: str, accept: bytes | None = None) -> bytes:
        """What somebody proves who knows the token of a key."""
        parts = [self.open, self.challenge, self.nonce, self.certificate, *([accept] if accept is not None else [])]
        said = LABELS[label] + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.new(token(by), said, hashlib.sha256).digest()

    def judge_accept(self, by: str, value: dict[str, Any], payload: bytes) -> None:
        """Raises Failed for an accept whose proof is missing or wrong."""
        proof = bytes.fromhex(value.get("proof", "hex:")[4:])
        if not proof:
            raise Failed("the accept has no proof of the scheduler (R-AUT-006)")
        if proof != self.proof("server", by, payload.replace(proof, bytes(PROOF_OCTETS), 1)):
            raise Failed("the proof of the scheduler is not that of the token of %s" % by)

    def proved(self, wire: Wire, accept: dict[str, Any], by: str, label: str = "server") -> dict[str, Any]:
        """An accept with its proof in it."""
        blank = wire.encode("Hello", {**accept, "proof": "hex:" + bytes(PROOF_OCTETS).hex()})[HEADER:]
        return {**accept, "proof": "hex:" + self.proof(label, by, blank).hex()}
