"""The core of a client with credentials: it proves, it wants a proof, and until then it says nothing (R-AUT-006)."""

import pytest
from msgspec.structs import replace

from wiretask_client.core import ReachRequest, SubmitRequest
from wiretask_client.errors import Refused, Untrusted
from wiretask_protocol.authentication import Secret, Transcript, credentials
from wiretask_protocol.codec import encode, encode_envelope
from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.machines import SchedulerConnectionEvent, SchedulerConnectionState
from wiretask_protocol.messages import Auth, AuthKind, Envelope, Error, Hello, HelloKind, Role, Submit

TOKEN = "t" * 40
SECRET = Secret(TOKEN)
CERTIFICATE = b"c" * 32
CHALLENGE = Auth(AuthKind.CHALLENGE, b"n" * 32)


class Handshake:
    """Plays a scheduler that wants tokens, as far as the test lets it."""

    def __init__(self, dialogue, certificate=CERTIFICATE):
        self.dialogue = dialogue
        dialogue.connect(certificate)
        (self.open,) = dialogue.heard()
        self.transcript = Transcript(self.open, CHALLENGE, certificate)

    def challenge(self):
        """Returns the proof that comes."""
        self.dialogue.peer.event(SchedulerConnectionEvent.CHALLENGE)
        self.dialogue.say(CHALLENGE)
        (self.proof,) = self.dialogue.heard()
        return self.proof

    def accepts(self, *, by=SECRET, nonce=None, changed=None, proof=...):
        """An accept with its proof; `changed` after it was proved."""
        accept = Hello(HelloKind.ACCEPT, self.open.nonce, version=1, in_flight=10)
        if proof is ...:
            proof = self.transcript.server_proof(by, nonce or self.proof.nonce, accept)
        return replace(accept, proof=proof, **(changed or {}))


@pytest.fixture
def dialogue(new_dialogue):
    seeds = iter(range(1, 1000))
    return new_dialogue(random_bits=lambda bits: next(seeds) % (1 << bits), credentials=credentials(f"ann:{TOKEN}"))


def left_with(dialogue, code):
    """The Error that a client has left with; whoever waited has got it, and nobody connects again."""
    if dialogue.peer.state in (SchedulerConnectionState.OPENING, SchedulerConnectionState.PROVING):
        dialogue.peer.event(SchedulerConnectionEvent.ACCEPT_CLIENT)
    (error,) = dialogue.heard()
    assert isinstance(error, Error)
    assert ErrorCode(error.code) is code
    assert dialogue.core.closing
    dialogue.lose()
    assert dialogue.core.connect_at is None
    (request,) = dialogue.settled()
    assert isinstance(request.answer, Refused)
    assert request.answer.of_connection
    assert request.answer.code is code
    return str(request.answer)


def test_a_client_names_its_key_and_proves_that_it_knows_the_token(dialogue):
    dialogue.add(ReachRequest())
    handshake = Handshake(dialogue)
    assert handshake.open.key_id == "ann"
    assert handshake.open.role == Role.CLIENT
    proof = handshake.challenge()
    assert proof.proof == handshake.transcript.client_proof(SECRET, proof.nonce)
    dialogue.peer.event(SchedulerConnectionEvent.ACCEPT_CLIENT)
    dialogue.say(handshake.accepts())
    (request,) = dialogue.settled()
    assert not isinstance(request.answer, Exception)
    assert dialogue.core.reached


def test_a_client_without_credentials_names_no_key_and_leaves_who_asks_for_a_proof(new_dialogue):
    dialogue = new_dialogue()
    dialogue.add(ReachRequest())
    handshake = Handshake(dialogue)
    assert handshake.open.key_id is None
    dialogue.say(CHALLENGE)
    assert "this scheduler wants a token; connect with credentials" in left_with(dialogue, ErrorCode.AUTH_REQUIRED)


def test_each_connection_has_a_nonce_of_its_own(dialogue):
    dialogue.add(ReachRequest())
    nonces = set()
    for _ in range(3):
        nonces.add(Handshake(dialogue).challenge().nonce)
        dialogue.lose()
    assert len(nonces) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"proof": None}, id="missing"),
        pytest.param({"proof": bytes(32)}, id="zeros"),
        pytest.param({"by": Secret("x" * 40)}, id="of another token"),
        pytest.param({"nonce": b"m" * 32}, id="of another connection"),
        pytest.param({"changed": {"in_flight": 11}}, id="of another accept"),
        pytest.param({"changed": {"unknown": ((0x7FA1, b""),)}}, id="of an accept without a tag"),
    ],
)
def test_an_accept_without_the_right_proof_is_not_believed(dialogue, wrong):
    dialogue.add(ReachRequest())
    handshake = Handshake(dialogue)
    handshake.challenge()
    dialogue.say(handshake.accepts(**wrong))
    assert not dialogue.core.reached
    said = left_with(dialogue, ErrorCode.AUTH_FAILED)
    assert "has not proved that it knows the token; check the address, and the credentials" in said
    assert TOKEN not in said


def test_a_proof_of_the_client_is_no_proof_of_the_scheduler(dialogue):
    dialogue.add(ReachRequest())
    handshake = Handshake(dialogue)
    proof = handshake.challenge()
    dialogue.say(handshake.accepts(proof=proof.proof))
    left_with(dialogue, ErrorCode.AUTH_FAILED)


def test_who_stands_between_with_another_certificate_proves_nothing(dialogue):
    dialogue.add(ReachRequest())
    handshake = Handshake(dialogue)
    handshake.transcript = Transcript(handshake.open, CHALLENGE, b"d" * 32)
    handshake.challenge()
    dialogue.say(handshake.accepts())
    left_with(dialogue, ErrorCode.AUTH_FAILED)


def test_who_accepts_without_a_challenge_is_left_although_it_shows_some_proof(dialogue):
    dialogue.add(ReachRequest())
    handshake = Handshake(dialogue)
    dialogue.say(handshake.accepts(nonce=bytes(32)))
    left_with(dialogue, ErrorCode.AUTH_FAILED)


def test_nothing_is_submitted_before_the_scheduler_has_proved_itself(dialogue):
    envelope = encode_envelope(Envelope("add", "default", 0, b"secret"))
    dialogue.add(SubmitRequest(task_id=bytes(16), envelope=envelope, priority=5))
    handshake = Handshake(dialogue)
    handshake.challenge()
    assert dialogue.heard() == []
    dialogue.say(handshake.accepts(proof=bytes(32)), Hello(HelloKind.PING, 1))
    octets = dialogue.core.data_to_send(dialogue.now, 1 << 20)
    assert octets == encode(error := dialogue.core._session.verdict)
    assert error.code == ErrorCode.AUTH_FAILED


def test_after_a_lost_connection_everything_is_proved_anew(dialogue):
    dialogue.add(SubmitRequest(task_id=bytes(16), envelope=encode_envelope(Envelope("add", "q", 0, b"")), priority=5))
    first = Handshake(dialogue)
    first.challenge()
    dialogue.peer.event(SchedulerConnectionEvent.ACCEPT_CLIENT)
    dialogue.say(first.accepts())
    assert [type(message) for message in dialogue.heard()] == [Submit]
    dialogue.lose()
    second = Handshake(dialogue)
    second.challenge()
    # An accept of the connection before is worth nothing.
    dialogue.say(replace(first.accepts(), nonce=second.open.nonce))
    left_with(dialogue, ErrorCode.AUTH_FAILED)


def test_a_refused_proof_is_final(dialogue):
    request = dialogue.add(ReachRequest())
    handshake = Handshake(dialogue)
    handshake.challenge()
    dialogue.say(error_message(ErrorCode.AUTH_FAILED, command=Auth.COMMAND))
    dialogue.lose()
    assert dialogue.settled() == [request]
    assert str(request.answer) == "the proof is wrong; check the key id and the token [AUTH_FAILED]"
    assert dialogue.core.connect_at is None


@pytest.mark.parametrize("octets", [b"\x15\x03\x03\x00\x02\x02\x16", b"\x16\x03\x01\x00\xa5"])
def test_who_answers_with_tls_is_to_be_connected_to_with_tls(new_dialogue, octets):
    dialogue = new_dialogue()
    request = dialogue.add(ReachRequest())
    dialogue.connect()
    dialogue.heard()
    dialogue.core.receive(octets, dialogue.now)
    dialogue.lose()
    assert dialogue.settled() == [request]
    assert "what answers at there:9001 speaks TLS; connect with TLS" in str(request.answer)


def test_without_trust_nobody_waits_and_nobody_connects_again(dialogue):
    request = dialogue.add(ReachRequest())
    dialogue.core.unreachable(dialogue.now, "certificate verify failed")
    dialogue.core.distrust("the certificate of the scheduler has expired; renew it there")
    assert dialogue.settled() == [request]
    assert isinstance(request.answer, Untrusted)
    assert str(request.answer) == "no TLS with there:9001: the certificate of the scheduler has expired; renew it there"
    assert dialogue.core.connect_at is None
