"""How those who open a connection do not prove, or do not look at the proof of the other side: mutants of both."""

from __future__ import annotations

from typing import Any

import msgspec
from breaking import Mutants, wrapped

from wiretask_protocol import authentication, trust
from wiretask_protocol.authentication import PROOF_OCTETS, Transcript
from wiretask_protocol.messages import Auth, AuthKind, Hello

MUTANTS = Mutants()
mutant = MUTANTS.add
#: As things that can be written to.
_trust: Any = trust
_Opening: Any = authentication.Opening
_Transcript: Any = authentication.Transcript


def _also_takes(accepts: Any) -> None:
    """Some accepts are taken besides those that are proved."""
    wrapped(_Opening, "is_proved", lambda real: lambda self, accept: real(self, accept) or accepts(self, accept))


@mutant
def takes_every_proof_of_a_scheduler() -> None:
    _also_takes(lambda self, accept: self._transcript is not None and accept.proof is not None)


@mutant
def takes_an_accept_without_a_proof() -> None:
    _also_takes(lambda self, accept: self._transcript is not None and accept.proof is None)


@mutant
def takes_an_accept_without_a_challenge() -> None:
    _also_takes(lambda self, accept: self._transcript is None)


@mutant
def takes_its_own_proof_back() -> None:
    def own(self: Any, accept: Hello) -> bool:
        return self._transcript is not None and accept.proof == self._transcript.client_proof(self._secret, self._nonce)

    _also_takes(own)


def _over(change: Any) -> None:
    """The proof of the scheduler may be over something else that the one who looks does not look at."""

    def make(self: Any, accept: Hello) -> bool:
        if self._transcript is None:
            return False
        changed: Hello = change(accept)
        return bool(accept.proof == self._transcript.server_proof(self._secret, self._nonce, changed))

    _also_takes(make)


@mutant
def does_not_look_at_tags_that_it_does_not_know() -> None:
    _over(lambda accept: msgspec.structs.replace(accept, unknown=()))


@mutant
def does_not_look_at_the_limits_of_the_accept() -> None:
    _over(lambda accept: msgspec.structs.replace(accept, in_flight=1000))


@mutant
def does_not_look_at_the_certificate() -> None:
    _trust.fingerprint_shown = lambda inside: b""


@mutant
def proves_with_the_same_nonce() -> None:
    def make(real: Any) -> Any:
        def made(self: Any, open_: Hello, credentials: Any, nonce: bytes, certificate: bytes = b"") -> None:
            real(self, open_, credentials, bytes(len(nonce)), certificate)

        return made

    wrapped(_Opening, "__init__", make)


@mutant
def proves_under_the_label_of_schedulers() -> None:
    def proof(self: Transcript, secret: Any, nonce: bytes) -> bytes:
        digest: bytes = secret.digest(b"wiretask1 server" + self._upto(nonce))
        return digest

    _Transcript.client_proof = proof


@mutant
def proves_nothing() -> None:
    _Opening.prove = lambda self, challenge: Auth(AuthKind.PROOF, self._nonce, proof=bytes(PROOF_OCTETS))


@mutant
def proves_without_its_own_open() -> None:
    def make(real: Any) -> Any:
        def made(self: Any, open_: Hello, challenge: Auth, certificate: bytes = b"") -> None:
            real(self, msgspec.structs.replace(open_, unknown=()), challenge, certificate)

        return made

    wrapped(_Transcript, "__init__", make)
