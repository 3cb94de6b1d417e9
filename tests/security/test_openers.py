"""Real clients and workers against a real scheduler: who comes in, and what the others are told, in one line, once."""

from __future__ import annotations

import asyncio
import logging
import ssl
from contextlib import asynccontextmanager

import pytest
import uvloop
from guarded_place import TOKENS, guarded, token  # type: ignore[import-not-found] # it lies beside

from wiretask_client import Client, Refused, Unreachable, Untrusted
from wiretask_protocol import trust
from wiretask_protocol.authentication import credentials
from wiretask_protocol.errors import ErrorCode
from wiretask_scheduler.session import SessionSettings
from wiretask_scheduler.tls import Tls
from wiretask_scheduler.tokens import Keyring
from wiretask_worker.builtin import sha256
from wiretask_worker.config import Config
from wiretask_worker.errors import RefusedError
from wiretask_worker.handlers import Catalog, Handler
from wiretask_worker.runtime import Runtime

ANN = credentials("ann:" + "a" * 40)
WORKER = credentials("worker:" + "w" * 40)
WRONG = credentials("ann:" + "x" * 40)
DIGEST = b"dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f"


@pytest.fixture(params=["uvloop", "asyncio"])
def run(request):
    loop = uvloop.run if request.param == "uvloop" else asyncio.run

    def play(scenario, tokens=TOKENS, **rest):
        async def all_of_it():
            async with guarded(tokens, **rest) as place, asyncio.timeout(60):
                await scenario(place)

        loop(all_of_it())

    return play


def client(place, **rest):
    return Client(f"{rest.pop('host', '127.0.0.1')}:{place.address[1]}", **rest)


def runtime(place, host="127.0.0.1", **rest):
    config = Config(host=host, port=place.address[1], name="worker")
    return Runtime(config, Catalog([Handler(sha256, name="sha256")]), asyncio.get_running_loop(), **rest)


@asynccontextmanager
async def working(place, **rest):
    """A worker that serves meanwhile."""
    subscribed = asyncio.Event()
    one = runtime(place, announce=subscribed.set, **rest)
    task = asyncio.create_task(one.run())
    waiting = asyncio.create_task(subscribed.wait())
    await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
    try:
        yield one
    finally:
        waiting.cancel()
        one.drain()
        assert await task == 0


async def kept_out(place, **rest):
    """What a client is told that does not come in; its scheduler has nothing of it."""
    with pytest.raises((Refused, Unreachable)) as raised:
        await client(place, **rest).connect()
    return raised.value


async def worker_kept_out(place, **rest):
    """What a worker ends with that does not come in."""
    with pytest.raises(RefusedError) as raised:
        await runtime(place, **rest).run()
    assert raised.value.exit_code == 3
    return str(raised.value)


def said_once(text):
    """One line, and no word of a token."""
    assert "\n" not in text
    assert not any(letter * 40 in text for letter in "axw")
    return text


async def digest(place, **rest):
    async with client(place, **rest) as one:
        return await one.submit("sha256", b"Hello, World!")


def test_a_client_and_a_worker_with_their_tokens_do_their_work(run):
    async def scenario(place):
        async with working(place, credentials=WORKER):
            assert await digest(place, credentials=ANN) == DIGEST

    run(scenario)


def test_a_client_and_a_worker_do_their_work_over_mutual_tls_with_their_tokens(run, papers):
    tls = trust.tls_context(papers.ca, *papers.issue("peer"))

    async def scenario(place):
        async with working(place, host="localhost", credentials=WORKER, tls=tls):
            assert await digest(place, host="localhost", credentials=ANN, tls=tls) == DIGEST

    run(scenario, tls=Tls(*papers.issue("one"), papers.ca))


def test_bodies_of_megabytes_go_through_tls_in_both_directions(run, papers):
    tls = trust.tls_context(papers.ca)
    body = bytes(range(256)) * 8192

    async def scenario(place):
        async with working(place, host="localhost", tls=tls), client(place, host="localhost", tls=tls) as one:
            found = await asyncio.gather(*(one.submit("sha256", body) for _ in range(16)))
            assert len(set(found)) == 1

    run(scenario, None, tls=Tls(*papers.issue("one")))


def test_who_has_no_token_is_told_to_get_one(run):
    async def scenario(place):
        error = await kept_out(place)
        assert error.code is ErrorCode.AUTH_REQUIRED
        assert said_once(str(error)) == (
            "this scheduler wants a token; connect with credentials (KEY_ID:TOKEN) [AUTH_REQUIRED]"
        )
        assert said_once(await worker_kept_out(place)) == (
            "the scheduler refuses this worker: AUTH_REQUIRED: "
            "this scheduler wants a token; connect with credentials (KEY_ID:TOKEN)"
        )

    run(scenario)


def test_a_wrong_token_is_final_and_is_not_tried_twice(run, caplog):
    async def scenario(place):
        error = await kept_out(place, credentials=WRONG)
        assert said_once(str(error)) == "the proof is wrong; check the key id and the token [AUTH_FAILED]"
        assert "AUTH_FAILED: the proof is wrong" in said_once(await worker_kept_out(place, credentials=WRONG))
        # One connection each: the scheduler has seen no third.
        assert place.flow.server._last_number == 2

    with caplog.at_level(logging.DEBUG):
        run(scenario)
    assert not any(letter * 40 in caplog.text for letter in "axw")


def test_a_token_for_the_other_role_says_so(run):
    async def scenario(place):
        error = await kept_out(place, credentials=WORKER)
        assert error.code is ErrorCode.ROLE_REFUSED
        assert str(error).startswith("the token worker is not for the role client; use one that is")
        said = await worker_kept_out(place, credentials=ANN)
        assert "ROLE_REFUSED: the token ann is not for the role worker; use one that is" in said

    run(scenario)


def test_credentials_where_the_scheduler_has_no_tokens_are_not_taken_for_an_open_door(run):
    async def scenario(place):
        assert (await kept_out(place, credentials=ANN)).code is ErrorCode.AUTH_FAILED
        assert "this scheduler has no tokens; connect without one" in await worker_kept_out(place, credentials=WORKER)

    run(scenario, None)


def test_a_token_for_another_queue_is_said_of_the_one_task(run):
    async def scenario(place):
        async with client(place, credentials=credentials("ben:" + "b" * 40)) as one:
            with pytest.raises(Refused, match="the token is not for the queue default") as raised:
                await one.submit("sha256", b"x").accepted()
            assert raised.value.code is ErrorCode.FORBIDDEN
            await one.submit("sha256", b"x", queue="ben.eu").accepted()

    run(scenario)


def test_a_worker_whose_token_is_for_other_queues_ends_with_that(run):
    async def scenario(place):
        said = await worker_kept_out(place, credentials=credentials("narrow:" + "n" * 40))
        assert "FORBIDDEN: the token is not for the queue default" in said

    run(scenario, (token("narrow", "worker", queues=("narrow",)),))


def test_a_scheduler_that_takes_any_proof_gets_nothing_from_a_client_nor_a_worker(run, monkeypatch):
    monkeypatch.setattr("wiretask_scheduler.session.same", lambda one, other: True)

    async def scenario(place):
        error = await kept_out(place, credentials=WRONG)
        assert error.code is ErrorCode.AUTH_FAILED
        assert "has not proved that it knows the token" in said_once(str(error))
        said = await worker_kept_out(place, credentials=credentials("worker:" + "x" * 40))
        assert "has not proved that it knows the token" in said_once(said)
        assert place.flow.broker.state.tasks.count == 0

    run(scenario)


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("stranger", "is signed by nobody that is trusted here (unable to get local issuer certificate)"),
        ("expired", "has expired; renew it there"),
        ("another host", "is for another host (Hostname mismatch, certificate is not valid for 'localhost')"),
    ],
)
def test_a_scheduler_with_a_wrong_certificate_is_left_with_one_line(run, papers, strangers, who, said, caplog):
    certificate = {
        "stranger": lambda: strangers.issue("stranger"),
        "expired": lambda: papers.issue("expired", expired=True),
        "another host": lambda: papers.issue("other", "elsewhere.example"),
    }[who]()
    tls = trust.tls_context(papers.ca)

    async def scenario(place):
        error = await kept_out(place, host="localhost", credentials=ANN, tls=tls)
        assert isinstance(error, Untrusted)
        assert f"the certificate of the scheduler {said}" in said_once(str(error))
        worker = await worker_kept_out(place, host="localhost", credentials=WORKER, tls=tls)
        assert f"the certificate of the scheduler {said}" in said_once(worker)

    run(scenario, tls=Tls(*certificate))
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("nobody", "the scheduler wants a certificate of this side"),
        ("stranger", "the scheduler does not take the certificate of this side (tlsv1 alert unknown ca)"),
        ("expired", "the scheduler does not take the certificate of this side (sslv3 alert certificate expired)"),
    ],
)
def test_a_peer_whose_certificate_is_not_taken_is_told_why(run, papers, strangers, who, said, version, caplog):
    shown = {
        "nobody": lambda: (None, None),
        "stranger": lambda: strangers.issue("stranger"),
        "expired": lambda: papers.issue("expired", expired=True),
    }[who]()
    tls = trust.tls_context(papers.ca, *shown)
    tls.maximum_version = version

    async def scenario(place):
        error = await kept_out(place, host="localhost", tls=tls)
        assert isinstance(error, Untrusted), error
        assert said in said_once(str(error))
        assert said in said_once(await worker_kept_out(place, host="localhost", tls=tls))

    with caplog.at_level(logging.INFO):
        run(scenario, None, tls=Tls(*papers.issue("one"), papers.ca))
    assert "Traceback" not in caplog.text
    assert caplog.text.count("is let go: ") == 2


def test_who_forgets_tls_is_told_so(run, papers):
    async def scenario(place):
        error = await kept_out(place)
        assert error.code is ErrorCode.NOT_WIRETASK
        assert "this port speaks TLS, and these bytes are not it: connect with TLS" in said_once(str(error))
        assert "this port speaks TLS" in said_once(await worker_kept_out(place))

    run(scenario, None, tls=Tls(*papers.issue("one")))


def test_who_wants_tls_where_there_is_none_is_told_so(run, papers):
    tls = trust.tls_context(papers.ca)

    async def scenario(place):
        said = "what answers there does not speak TLS (wrong version number); check the address, or connect without TLS"
        assert said in said_once(str(await kept_out(place, host="localhost", tls=tls)))
        assert said in said_once(await worker_kept_out(place, host="localhost", tls=tls))

    run(scenario, None)


def test_who_hangs_up_in_the_handshake_is_tried_again_as_it_may_be_about_to_start(run, papers):
    """It is not known what is wrong, so that the client waits as long as it was told to."""
    tls = trust.tls_context(papers.ca)

    async def scenario(place):
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        async with server:
            address = f"localhost:{server.sockets[0].getsockname()[1]}"
            with pytest.raises(Unreachable) as raised:
                await Client(address, timeout=0.1, tls=tls).connect()
            assert type(raised.value) is Unreachable

    run(scenario, None)


def test_a_connection_that_breaks_is_proved_anew_and_loses_nothing(run, papers):
    tls = trust.tls_context(papers.ca)

    async def scenario(place):
        async with client(place, host="localhost", credentials=ANN, tls=tls) as one:
            handles = [one.submit("sha256", b"Hello, World!") for _ in range(5)]
            await asyncio.gather(*(handle.accepted() for handle in handles))
            for link in list(place.flow.server.links.values()):
                link.abort()
            async with working(place, host="localhost", credentials=WORKER, tls=tls):
                assert await asyncio.gather(*handles) == [DIGEST] * 5
                for link in list(place.flow.server.links.values()):
                    link.abort()
                assert await one.submit("sha256", b"Hello, World!") == DIGEST

    run(scenario, tls=Tls(*papers.issue("one")))


def test_a_token_that_is_withdrawn_ends_who_has_it(run):
    async def scenario(place):
        one = runtime(place, credentials=WORKER)
        task = asyncio.create_task(one.run())
        async with client(place, credentials=ANN) as someone:
            assert await someone.submit("sha256", b"Hello, World!") == DIGEST
            place.flow.server.doorkeeper.keyring = Keyring(TOKENS[:1])
            place.flow.server.recheck()
            with pytest.raises(RefusedError, match="AUTH_FAILED: the proof is wrong"):
                await task
            assert await someone.ping() >= 0

    run(scenario, settings=SessionSettings())
