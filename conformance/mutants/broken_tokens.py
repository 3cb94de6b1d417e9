"""How our scheduler lets in who has no right to, or keeps nobody apart: more mutants of `broken_scheduler.py`."""

from __future__ import annotations

from typing import Any

import msgspec
from breaking import Mutants, before, wrapped

from wiretask_protocol import authentication, connection
from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.machines import SchedulerConnectionState
from wiretask_protocol.messages import Auth, Hello
from wiretask_scheduler import doorkeeper, doorway, link, session, tls, tokens
from wiretask_scheduler.core import grants

MUTANTS = Mutants()
mutant = MUTANTS.add
#: As things that can be written to.
_connection: Any = connection
_session: Any = session
_tls: Any = tls
_Doorway: Any = doorway.Doorway
_Session: Any = session.Session
_Link: Any = link.Link
_Keyring: Any = tokens.Keyring
_Token: Any = tokens.Token
_Doorkeeper: Any = doorkeeper.Doorkeeper
_Grant: Any = grants.Grant
_Transcript: Any = authentication.Transcript


@mutant
def takes_every_proof() -> None:
    _session.same = lambda one, other: True


@mutant
def lets_in_who_names_no_key() -> None:
    def make(greet: Any) -> Any:
        def greeting(self: Any, hello: Hello) -> None:
            if hello.key_id is None:
                self._decide(hello, None)
            else:
                greet(self, hello)

        return greeting

    wrapped(_Link, "_greet", make)


@mutant
def takes_a_key_where_there_are_no_tokens() -> None:
    def make(judge: Any) -> Any:
        def judging(self: Any, hello: Hello, *, guarded: bool = False) -> Any:
            return judge(self, hello if guarded else msgspec.structs.replace(hello, key_id=None), guarded=guarded)

        return judging

    wrapped(_Session, "judge", make)


@mutant
def refuses_a_key_that_it_does_not_know_without_a_challenge() -> None:
    def make(greet: Any) -> Any:
        def greeting(self: Any, hello: Hello) -> None:
            keyring = self._server.doorkeeper.keyring
            if keyring is not None and hello.key_id is not None and keyring.get(hello.key_id) is None:
                self._decide(hello, error_message(ErrorCode.AUTH_FAILED))
            else:
                greet(self, hello)

        return greeting

    wrapped(_Link, "_greet", make)


@mutant
def says_that_it_does_not_know_a_key() -> None:
    def make(prove: Any) -> Any:
        def proving(self: Any, proof: Auth, keyring: Any) -> Any:
            hello, error = prove(self, proof, keyring)
            if error is not None and keyring.get(hello.key_id) is None:
                error = msgspec.structs.replace(error, text="there is no such key")
            return hello, error

        return proving

    wrapped(_Session, "prove", make)


@mutant
def challenges_with_the_same_nonce() -> None:
    def make(real: Any) -> Any:
        def made(self: Any, *arguments: Any, **options: Any) -> None:
            real(self, *arguments, **options)
            self.nonce = lambda: bytes(32)

        return made

    wrapped(_Doorkeeper, "__init__", make)


@mutant
def takes_a_proof_of_its_own() -> None:
    """One under the label of schedulers, which anybody can have of it who relays."""

    def either(self: Any, secret: Any, nonce: bytes) -> tuple[bytes, ...]:
        return tuple(secret.digest(label + self._upto(nonce)) for label in (b"wiretask1 client", b"wiretask1 server"))

    _Transcript.client_proof = either
    _session.same = lambda one, other: other in one


def _accepts(change: Any) -> None:
    """Something done to each accept."""

    def make(accept: Any) -> Any:
        def accepting(self: Any, hello: Hello, token: bytes | None) -> Hello:
            made: Hello = accept(self, hello, token)
            return msgspec.structs.replace(made, **change(made)) if made.proof is not None else made

        return accepting

    wrapped(_Session, "accept", make)


@mutant
def proves_nothing_in_its_accept() -> None:
    _accepts(lambda accept: {"proof": None})


@mutant
def changes_its_accept_after_the_proof() -> None:
    _accepts(lambda accept: {"in_flight": 77})


@mutant
def proves_under_the_label_of_clients() -> None:
    _Transcript.server_proof = lambda self, secret, nonce, accept: self.client_proof(secret, nonce)


@mutant
def takes_a_token_for_every_role() -> None:
    _Token.serves = lambda self, role: True


@mutant
def takes_a_token_for_every_queue() -> None:
    _Grant.allows = lambda self, queue: True


@mutant
def shows_everybody_the_tasks_of_all() -> None:
    _Session.principal = property(lambda self: grants.NOBODY)


@mutant
def waits_for_ever_for_a_proof() -> None:
    def wait(self: Any, now: float) -> None:
        if self.connection.state is SchedulerConnectionState.CHALLENGED:
            self._began = now

    before(_Session, "tick", wait)


@mutant
def does_not_bind_proofs_to_its_certificate() -> None:
    _tls.fingerprint = lambda certificate: b""


@mutant
def keeps_quiet_to_who_forgets_tls() -> None:
    _Doorway._answer_plainly = lambda self, data: self.abort()


@mutant
def takes_long_frames_before_the_accept() -> None:
    _connection.HANDSHAKE_FRAME_LIMIT = 1 << 22
