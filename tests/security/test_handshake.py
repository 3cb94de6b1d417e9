"""Tokens on the wire, against a real scheduler on a real socket: R-AUT-003 to R-AUT-009."""

from __future__ import annotations

import asyncio
import logging
from hashlib import sha256

import pytest
from guarded_place import TOKENS, guarded, secret, token  # type: ignore[import-not-found] # it lies beside

from wiretask_protocol import codec
from wiretask_protocol.authentication import Transcript
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import (
    Accepted,
    Auth,
    AuthKind,
    Envelope,
    Error,
    Hello,
    HelloKind,
    QueueWeight,
    Submit,
    Subscribe,
    TypeSupport,
)
from wiretask_scheduler.session import SessionSettings
from wiretask_scheduler.tokens import Keyring


def run(scenario, *arguments, **settings):
    """Plays a scenario against a scheduler that wants tokens."""

    async def play():
        async with guarded(*arguments, **settings) as place:
            await scenario(place)

    asyncio.run(play())


def submit(queue, seq=1):
    task_id = bytes(13) + bytes([seq]) + sha256(queue.encode()).digest()[:2]
    return Submit(seq, task_id, 1, 5, codec.encode_envelope(Envelope("add", queue, 0, b"")))


async def refused(peer, answer):
    """The code of the Error that ended a connection."""
    assert isinstance(answer, Error), answer
    with pytest.raises(EOFError):
        await peer.get()
    return ErrorCode(answer.code)


@pytest.mark.parametrize(("role", "key_id"), [("client", "ann"), ("worker", "worker")])
def test_who_knows_a_token_is_accepted_and_the_scheduler_proves_that_it_knows_it_too(role, key_id):
    async def scenario(place):
        peer = await place.peer(role)
        accept = await peer.join(key_id)
        assert (type(accept), accept.kind) == (Hello, HelloKind.ACCEPT)
        assert peer.is_proved(secret(key_id[0]))
        assert not peer.is_proved(secret("x"))

    run(scenario)


def test_a_peer_without_a_token_is_told_to_get_one():
    async def scenario(place):
        for role in ("client", "worker"):
            peer = await place.peer(role)
            assert await refused(peer, await peer.greet()) is ErrorCode.AUTH_REQUIRED

    run(scenario)


def test_a_key_where_there_are_no_tokens_is_an_error_and_no_open_door():
    async def scenario(place):
        peer = await place.peer()
        assert await refused(peer, await peer.greet("ann")) is ErrorCode.AUTH_FAILED

    run(scenario, None)


def test_a_wrong_token_is_refused():
    async def scenario(place):
        peer = await place.peer()
        assert await refused(peer, await peer.join("ann", secret("x"))) is ErrorCode.AUTH_FAILED

    run(scenario)


def test_a_key_that_nobody_has_is_answered_like_a_wrong_token():
    async def scenario(place):
        answers = []
        for key_id in ("ann", "nobody"):
            peer = await place.peer()
            error = await peer.join(key_id, secret("x"))
            assert isinstance(peer.challenge, Auth)
            answers.append((error.code, error.scope, error.retry, error.text, error.command))
            assert await refused(peer, error) is ErrorCode.AUTH_FAILED
        assert answers[0] == answers[1]

    run(scenario)


def test_a_key_that_nobody_has_costs_the_same_work(monkeypatch):
    """No clock is asked: what is counted are the hashes, and that they are compared in constant time."""
    compared = []
    monkeypatch.setattr("wiretask_scheduler.session.same", lambda one, other: compared.append((one, other)))

    async def scenario(place):
        for key_id in ("ann", "nobody"):
            peer = await place.peer()
            await peer.join(key_id, secret("x"))

    run(scenario)
    assert len(compared) == 2
    assert all(len(one) == len(other) == 32 for one, other in compared)


@pytest.mark.parametrize(("role", "key_id"), [("client", "worker"), ("worker", "ann")])
def test_a_token_for_another_role_is_refused_and_only_who_knows_it_hears_why(role, key_id):
    async def scenario(place):
        peer = await place.peer(role)
        error = await peer.join(key_id)
        assert error.text == f"the token {key_id} is not for the role {role}; use one that is"
        assert await refused(peer, error) is ErrorCode.ROLE_REFUSED
        peer = await place.peer(role)
        assert await refused(peer, await peer.join(key_id, secret("x"))) is ErrorCode.AUTH_FAILED

    run(scenario)


def test_a_proof_that_was_overheard_is_worth_nothing_on_another_connection():
    async def scenario(place):
        heard = await place.peer()
        assert (await heard.join("ann")).kind is HelloKind.ACCEPT
        thief = await place.peer()
        challenge = await thief.greet("ann")
        assert challenge.nonce != heard.challenge.nonce
        await thief.send(heard.proof)
        assert await refused(thief, await thief.get()) is ErrorCode.AUTH_FAILED

    run(scenario)


def test_a_challenge_that_is_passed_on_is_worth_nothing_in_another_role():
    """A relay lets ann prove herself to it, as a client, and opens as a worker with that."""

    async def scenario(place):
        relay = await place.peer("worker")
        challenge = await relay.greet("both")
        victim = relay.open.__class__(HelloKind.OPEN, 7, versions=relay.open.versions, role=2, key_id="both")
        nonce = bytes(32)
        await relay.send(
            Auth(AuthKind.PROOF, nonce, proof=Transcript(victim, challenge).client_proof(secret("b"), nonce))
        )
        assert await refused(relay, await relay.get()) is ErrorCode.AUTH_FAILED

    run(scenario, (token("both", "client", "worker"),))


def test_the_proof_of_the_scheduler_is_no_proof_of_a_client():
    async def scenario(place):
        peer = await place.peer()
        assert (await peer.join("ann")).kind is HelloKind.ACCEPT
        mirror = await place.peer()
        await mirror.greet("ann")
        await mirror.send(Auth(AuthKind.PROOF, peer.proof.nonce, proof=peer.accept.proof))
        assert await refused(mirror, await mirror.get()) is ErrorCode.AUTH_FAILED

    run(scenario)


@pytest.mark.parametrize("at", ["greeting", "challenged"])
@pytest.mark.parametrize(
    "message",
    [
        submit("default"),
        Subscribe((QueueWeight("default", 1),), (TypeSupport("add", 0, 0),)),
        Hello(HelloKind.PING, 1),
        Accepted(1),
        bytes([0x80, 0, 0, 0, 0]),
        bytes([0xC3, 0, 0, 0, 0]),
        bytes([5, 0, 0, 0x10, 1]),
        bytes(5),
    ],
    ids=["submit", "subscribe", "ping", "accepted", "skippable", "grease", "too long", "zeros"],
)
def test_who_has_not_proved_who_he_is_can_do_nothing_but_be_refused(at, message):
    async def scenario(place):
        peer = await place.peer()
        if at == "challenged":
            await peer.greet("ann")
        await peer.send(message)
        answer = await peer.get()
        assert isinstance(answer, Error)
        with pytest.raises(EOFError):
            await peer.get()
        assert place.flow.broker.state.clients == {}
        assert place.flow.broker.state.tasks.count == 0

    run(scenario)


def test_what_is_sent_behind_a_proof_does_not_go_before_the_decision():
    async def scenario(place):
        peer = await place.peer()
        peer.challenge = await peer.greet("ann")
        said = Transcript(peer.open, peer.challenge)
        wrong = Auth(AuthKind.PROOF, bytes(32), proof=said.client_proof(secret("x"), bytes(32)))
        await peer.send(codec.encode(wrong) + codec.encode(submit("default")))
        assert await refused(peer, await peer.get()) is ErrorCode.AUTH_FAILED
        assert place.flow.broker.state.tasks.count == 0

    run(scenario)


def test_a_proof_that_does_not_come_is_waited_for_as_long_as_the_whole_handshake():
    async def scenario(place):
        peer = await place.peer()
        await peer.greet("ann")
        assert await refused(peer, await peer.get()) is ErrorCode.HANDSHAKE_TIMEOUT

    run(scenario, settings=SessionSettings(handshake_seconds=0.1))


def test_a_token_for_other_queues_submits_nothing_and_subscribes_to_nothing():
    async def scenario(place):
        client = await place.peer()
        await client.join("ben")
        await client.send(submit("default"), submit("ben.eu", 2))
        error = await client.get()
        assert (ErrorCode(error.code), error.seq) == (ErrorCode.FORBIDDEN, 1)
        assert error.text == "the token is not for the queue default; choose another queue, or use another token"
        assert (await client.get()).seq == 2
        worker = await place.peer("worker")
        await worker.join("narrow", secret("n"))
        await worker.send(Subscribe((QueueWeight("ben.eu", 1),), (TypeSupport("add", 0, 0),)))
        error = await worker.get()
        assert (ErrorCode(error.code), error.command) == (ErrorCode.FORBIDDEN, Subscribe.COMMAND)
        await worker.send(Hello(HelloKind.PING, 5))
        assert (await worker.get()).kind is HelloKind.PONG

    run(scenario, (*TOKENS, token("narrow", "worker", queues=("narrow",))))


def test_many_wrong_proofs_close_the_door_for_a_while():
    async def scenario(place):
        for _ in range(3):
            peer = await place.peer()
            assert await refused(peer, await peer.join("ann", secret("x"))) is ErrorCode.AUTH_FAILED
        peer = await place.peer()
        error = await peer.get()
        assert "too many wrong proofs came from this address; check the token" in error.text
        assert await refused(peer, error) is ErrorCode.TOO_MANY_CONNECTIONS

    run(scenario, failures=3)


def test_many_unknown_connections_of_one_address_are_refused_and_known_ones_are_not_counted():
    async def scenario(place):
        for _ in range(5):
            peer = await place.peer()
            assert (await peer.join("ann")).kind is HelloKind.ACCEPT
        silent = [await place.peer() for _ in range(2)]
        for peer in silent:
            await peer.greet("ann")
        peer = await place.peer()
        assert await refused(peer, await peer.get()) is ErrorCode.TOO_MANY_CONNECTIONS
        silent[0].writer.close()
        while len(place.flow.server.links) > 6:  # noqa: ASYNC110 -- the server has nobody to tell
            await asyncio.sleep(0.001)
        assert (await (await place.peer()).join("ann")).kind is HelloKind.ACCEPT

    run(scenario, handshakes=2)


def test_a_token_that_is_withdrawn_ends_its_connections_and_no_others():
    async def scenario(place):
        ann, ben = await place.peer(), await place.peer()
        await ann.join("ann")
        await ben.join("ben")
        place.flow.server.doorkeeper.keyring = Keyring(TOKENS[1:])
        place.flow.server.recheck()
        error = await ann.get()
        assert error.text == "the token was withdrawn; use another one"
        assert await refused(ann, error) is ErrorCode.AUTH_FAILED
        await ben.send(Hello(HelloKind.PING, 1))
        assert (await ben.get()).kind is HelloKind.PONG

    run(scenario)


def test_a_token_that_allows_something_else_now_has_to_come_again():
    async def scenario(place):
        ann = await place.peer()
        await ann.join("ann")
        place.flow.server.doorkeeper.keyring = Keyring((token("ann", "client", queues=("a",)),))
        place.flow.server.recheck()
        error = await ann.get()
        assert error.text == "what the token allows has changed; connect again"
        assert await refused(ann, error) is ErrorCode.SHUTTING_DOWN
        ann = await place.peer()
        assert (await ann.join("ann")).kind is HelloKind.ACCEPT

    run(scenario)


def test_no_token_comes_into_the_log(caplog):
    async def scenario(place):
        for by in (secret("a"), secret("x")):
            peer = await place.peer()
            await peer.join("ann", by)

    with caplog.at_level(logging.DEBUG):
        run(scenario)
    assert "AUTH_FAILED" in caplog.text
    assert "a" * 40 not in caplog.text
    assert "x" * 40 not in caplog.text
