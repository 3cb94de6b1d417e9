# Generated from spec/ (sha256 cc8e984844d8e543); do not edit.
# Edit the spec and run: nox -s generate
"""What proves that a peer knows a token: PROTOCOL.md, "Authentication". Nothing here is random, and nothing is sent."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import NamedTuple

from msgspec.structs import replace

from wiretask_protocol import codec
from wiretask_protocol.messages import Auth, AuthKind, Hello

NONCE_OCTETS = 32
PROOF_OCTETS = 32
#: What a token is made of: its octets are the key as they stand.
TOKEN = re.compile(r"[A-Za-z0-9_-]{32,256}")
_KEY_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*")
_KEY_ID_OCTETS = 128
_HEADER_OCTETS = 5


class Secret:
    """A token. It shows itself to nobody: neither a log nor an error has it by mistake."""

    __slots__ = ("_octets",)

    def __init__(self, text: str) -> None:
        """Raises ValueError for what is no token; the text of it does not say what it was."""
        if TOKEN.fullmatch(text) is None:
            raise ValueError("a token is 32 to 256 of the characters A-Z a-z 0-9 _ -")
        self._octets = text.encode("ascii")

    def __repr__(self) -> str:
        return "<a token>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._octets, other._octets)

    def __hash__(self) -> int:
        return hash(self._octets)

    def __reduce__(self) -> str:
        raise TypeError("a token is not copied to other places")

    def digest(self, octets: bytes) -> bytes:
        """HMAC-SHA-256 under this token."""
        return hmac.digest(self._octets, octets, "sha256")


class Credentials(NamedTuple):
    """What an opener has been given: the name of a key, and its token."""

    key_id: str
    secret: Secret

    def authorization(self) -> str:
        """What HTTP is asked with. It has the token in it: over TLS, or to this machine."""
        return f"Bearer {self.key_id}:{self.secret._octets.decode('ascii')}"


def credentials(text: str) -> Credentials:
    """Reads `KEY_ID:TOKEN`. Raises ValueError, whose text does not say what it was."""
    key_id, _, token = text.strip().rpartition(":")
    if _KEY_ID.fullmatch(key_id) is None or len(key_id) > _KEY_ID_OCTETS:
        raise ValueError("credentials are written KEY_ID:TOKEN, in one line")
    return Credentials(key_id, Secret(token))


class Transcript:
    """What both sides have seen of one handshake. Make it when the challenge is known; then prove, and compare."""

    def __init__(self, open_: Hello, challenge: Auth, certificate: bytes = b"") -> None:
        """`certificate` is what `fingerprint` says of the one that the scheduler has shown; empty without TLS."""
        self._said = _part(_payload(open_)) + _part(_payload(challenge))
        self._certificate = _part(certificate)

    def client_proof(self, secret: Secret, nonce: bytes) -> bytes:
        """What an opener proves, with its own nonce."""
        return secret.digest(b"wiretask1 client" + self._upto(nonce))

    def server_proof(self, secret: Secret, nonce: bytes, accept: Hello) -> bytes:
        """What a scheduler proves in its accept, whatever proof is in there already."""
        blank = replace(accept, proof=bytes(PROOF_OCTETS))
        return secret.digest(b"wiretask1 server" + self._upto(nonce) + _part(_payload(blank)))

    def _upto(self, nonce: bytes) -> bytes:
        return self._said + _part(nonce) + self._certificate


class Opening:
    """One handshake, as an opener with credentials lives through it: it answers the challenge, and judges the accept."""

    def __init__(self, open_: Hello, credentials: Credentials, nonce: bytes, certificate: bytes = b"") -> None:
        """`nonce` is 32 octets of a source fit for secrets, new for each connection; `certificate` as in Transcript."""
        self._open = open_
        self._secret = credentials.secret
        self._nonce = nonce
        self._certificate = certificate
        self._transcript: Transcript | None = None

    def prove(self, challenge: Auth) -> Auth:
        """The answer to a challenge."""
        self._transcript = Transcript(self._open, challenge, self._certificate)
        proof = self._transcript.client_proof(self._secret, self._nonce)
        return Auth(AuthKind.PROOF, self._nonce, proof=proof)

    def is_proved(self, accept: Hello) -> bool:
        """Whether who accepts knows the token, too. One who has not asked for a proof has none himself."""
        if self._transcript is None:
            return False
        return same(self._transcript.server_proof(self._secret, self._nonce, accept), accept.proof)


def same(one: bytes, other: bytes | None) -> bool:
    """Whether two proofs are the same, in constant time."""
    return other is not None and hmac.compare_digest(one, other)


def fingerprint(certificate: bytes | None) -> bytes:
    """What stands for a certificate (DER) in a proof."""
    return hashlib.sha256(certificate).digest() if certificate else b""


def _payload(message: Hello | Auth) -> bytes:
    # There is one encoding of each value, unknown tags included: these are the octets that were on the wire.
    return codec.encode(message)[_HEADER_OCTETS:]


def _part(octets: bytes) -> bytes:
    return len(octets).to_bytes(4, "big") + octets
