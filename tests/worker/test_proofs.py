"""The core of a worker with credentials: it proves, it wants a proof, and until then it says nothing (R-AUT-006)."""

import pytest
from msgspec.structs import replace

from wiretask_protocol.authentication import Secret, Transcript, credentials
from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.messages import Auth, AuthKind, Error, Hello, HelloKind, Role, Subscribe

TOKEN = "t" * 40
SECRET = Secret(TOKEN)
CERTIFICATE = b"c" * 32
CHALLENGE = Auth(AuthKind.CHALLENGE, b"n" * 32)
NONCES = [bytes([number]) * 32 for number in range(9)]


class Handshake:
    """Plays a scheduler that wants tokens, as far as the test lets it."""

    def __init__(self, play, proof_nonce=NONCES[0], certificate=CERTIFICATE):
        self.play = play
        play.core.opened(77, play.now, proof_nonce=proof_nonce, certificate=certificate)
        (self.open,) = play.turn().sends
        self.transcript = Transcript(self.open, CHALLENGE, certificate)

    def challenge(self):
        """Returns the proof that comes."""
        (self.proof,) = self.play.hear(CHALLENGE).sends
        return self.proof

    def accepts(self, *, by=SECRET, nonce=None, changed=None, proof=...):
        """An accept with its proof; `changed` after it was proved."""
        accept = Hello(HelloKind.ACCEPT, self.open.nonce, version=1, session=b"session token 01", in_flight=10)
        if proof is ...:
            proof = self.transcript.server_proof(by, nonce or self.proof.nonce, accept)
        return replace(accept, proof=proof, **(changed or {}))


@pytest.fixture
def play(new_play):
    one = new_play(credentials=credentials(f"ann:{TOKEN}"))
    yield one
    one.check()


def left_with(turn, code):
    """What a worker says that has left with this Error, for good and without having said anything else."""
    (error,) = turn.sends
    assert isinstance(error, Error)
    assert ErrorCode(error.code) is code
    assert turn.grease == b""
    assert turn.close
    assert TOKEN not in turn.refused
    return turn.refused


def test_a_worker_names_its_key_and_proves_that_it_knows_the_token(play):
    handshake = Handshake(play)
    assert handshake.open.key_id == "ann"
    assert handshake.open.role == Role.WORKER
    proof = handshake.challenge()
    assert proof == Auth(AuthKind.PROOF, NONCES[0], proof=handshake.transcript.client_proof(SECRET, NONCES[0]))
    turn = play.hear(handshake.accepts())
    assert type(turn.sends[0]) is Subscribe
    assert play.core.serving


def test_a_worker_without_credentials_names_no_key_and_leaves_who_asks_for_a_proof(new_play):
    play = new_play()
    handshake = Handshake(play, b"")
    assert handshake.open.key_id is None
    refused = left_with(play.hear(CHALLENGE), ErrorCode.AUTH_REQUIRED)
    assert refused == "the scheduler wants a token, and this worker has no credentials; start it with some"


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"proof": None}, id="missing"),
        pytest.param({"proof": bytes(32)}, id="zeros"),
        pytest.param({"by": Secret("x" * 40)}, id="of another token"),
        pytest.param({"nonce": b"m" * 32}, id="of another connection"),
        pytest.param({"changed": {"in_flight": 11}}, id="of another accept"),
        pytest.param({"changed": {"session": b"session token 02"}}, id="of another session"),
        pytest.param({"changed": {"unknown": ((0x7FA1, b""),)}}, id="of an accept without a tag"),
    ],
)
def test_an_accept_without_the_right_proof_is_not_believed(play, wrong):
    handshake = Handshake(play)
    handshake.challenge()
    refused = left_with(play.hear(handshake.accepts(**wrong)), ErrorCode.AUTH_FAILED)
    said = "what answers there has not proved that it knows the token; check the address, and the credentials"
    assert refused == said
    assert not play.core.serving


def test_a_proof_of_the_worker_is_no_proof_of_the_scheduler(play):
    handshake = Handshake(play)
    proof = handshake.challenge()
    left_with(play.hear(handshake.accepts(proof=proof.proof)), ErrorCode.AUTH_FAILED)


def test_who_stands_between_with_another_certificate_proves_nothing(play):
    handshake = Handshake(play)
    handshake.transcript = Transcript(handshake.open, CHALLENGE, b"d" * 32)
    handshake.challenge()
    left_with(play.hear(handshake.accepts()), ErrorCode.AUTH_FAILED)


def test_who_accepts_without_a_challenge_is_left_although_it_shows_some_proof(play):
    handshake = Handshake(play)
    left_with(play.hear(handshake.accepts(nonce=NONCES[0])), ErrorCode.AUTH_FAILED)


def test_after_a_lost_connection_everything_is_proved_anew(play):
    first = Handshake(play)
    first.challenge()
    play.hear(first.accepts())
    play.lose()
    second = Handshake(play, NONCES[1])
    second.challenge()
    # An accept of the connection before is worth nothing, and hears nothing of what is held.
    left_with(play.hear(replace(first.accepts(), nonce=second.open.nonce)), ErrorCode.AUTH_FAILED)


def test_a_refused_proof_is_final(play):
    handshake = Handshake(play)
    handshake.challenge()
    turn = play.hear(error_message(ErrorCode.AUTH_FAILED, command=Auth.COMMAND))
    assert turn.close
    assert turn.refused == (
        "the scheduler refuses this worker: AUTH_FAILED: the proof is wrong; check the key id and the token"
    )


def test_settings_do_not_show_the_token(play):
    assert TOKEN not in repr(play.core._session._settings)


def test_renewed_credentials_prove_who_it_is_on_the_next_connection(play):
    Handshake(play)
    play.core.renew(credentials(f"bob:{TOKEN}"))
    play.lose()
    again = Handshake(play)
    assert again.open.key_id == "bob"
    play.hear(again.challenge() and again.accepts())
    play.lose()
    play.core.renew(None)
    assert Handshake(play).open.key_id is None
    assert "this worker has no credentials" in left_with(play.hear(CHALLENGE), ErrorCode.AUTH_REQUIRED)
