"""HTTP under the tokens of the wire: which programs are let in, which are not and why, and what somebody unknown costs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import tracemalloc

import pytest
from http_guarded import SIGN_IN, TOKENS, bearer, refused, run, sign_in  # type: ignore[import-not-found] # it lies beside

from wiretask_scheduler.doorkeeper import Doorkeeper
from wiretask_scheduler.http import HttpSettings, endpoints, guard, page
from wiretask_scheduler.session import SessionSettings
from wiretask_scheduler.tokens import Keyring

EVERYTHING = [
    *((each.method, each.path) for each in endpoints.ENDPOINTS if each.path != "/api/session"),
    *(("GET", path) for path in ("/metrics", "/api/events", "/api/openapi.json", "/nothing", "/.git/config")),
    *(("GET", f"/{path}") for path in page.FILES if path not in {"", "login", "login.js", "style.css", "icon.svg"}),
    *((method, "/") for method in ("POST", "PUT", "OPTIONS", "HEAD", "TRACE")),
]


@pytest.mark.parametrize(("method", "path"), EVERYTHING)
def test_who_has_not_said_who_he_is_gets_nothing_and_one_answer(method, path):
    async def story(place, web):
        answer = await web.ask(method, path.format(id="00" * 16, name="mail"), Connection="keep-alive")
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="wiretask"'
        assert answer.headers["connection"] == "close"
        if method != "HEAD":
            assert "this scheduler wants to know who asks" in answer.json["error"]
        assert place.flow.broker.state.queues["mail"].mode == 0

    run(story)


def test_everybody_is_told_whether_it_runs_and_where_to_sign_in():
    async def story(place, web):
        for path in ("/healthz", "/readyz", "/login", "/login.js", "/style.css", "/icon.svg"):
            answer = await web.ask("GET", path)
            assert (path, answer.status, answer.headers["connection"]) == (path, 200, "close")
        page = await web.ask("GET", "/")
        assert (page.status, page.headers["location"]) == (303, "/login")
        said = await web.get("/api/session")
        assert said == {"wants_tokens": True, "signed_in": False, "key_id": None, "principal": ""}

    run(story)


def test_a_program_with_an_admins_token_may_see_and_change_everything():
    async def story(place, web):
        assert (await web.get("/api/queues", **bearer("ann")))["queues"] == []
        # No browser sends a token of itself, so no header is asked for that only our own page can send.
        answer = await web.ask("POST", "/api/queues/mail/pause", Wiretask_Request=None, **bearer("ann"))
        assert answer.json["mode"] == "paused"
        said = await web.get("/api/session", **bearer("ann"))
        assert said == {"wants_tokens": True, "signed_in": False, "key_id": "ann", "principal": "ann's"}

    run(story)


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        (bearer("ann", "x"), 401, "nobody has this key id with this token"),
        (bearer("nobody"), 401, "nobody has this key id with this token"),
        ({"Authorization": "Bearer ann"}, 401, "this is no Authorization: Bearer KEY_ID:TOKEN"),
        ({"Authorization": "Bearer ann:short"}, 401, "this is no Authorization: Bearer KEY_ID:TOKEN"),
        ({"Authorization": f"Basic ann:{'a' * 40}"}, 401, "this is no Authorization: Bearer KEY_ID:TOKEN"),
        ({"Authorization": f"Bearer ann:{'a' * 40}\tx"}, 401, "this is no Authorization: Bearer KEY_ID:TOKEN"),
        (bearer("ben"), 403, "the token ben is for client and worker; use one with the role admin"),
        (bearer("prometheus"), 403, "the token prometheus is for metrics; use one with the role admin"),
        (bearer("some"), 403, "the token some is for some queues only"),
        ({"Cookie": "wiretask-1=made-up"}, 401, "this scheduler wants to know who asks"),
        ({"Cookie": "wiretask-{port}=made-up"}, 401, "the session has ended; sign in again at /login"),
    ],
)
def test_what_is_no_admins_token_is_refused_with_the_remedy(headers, status, said):
    async def story(place, web):
        filled = {name: value.format(port=web.port) for name, value in headers.items()}
        answer = await refused(web, status, said, **filled)
        assert answer.headers["connection"] == "close"
        assert "aaaa" not in str(answer.json)

    run(story)


def test_a_token_of_another_role_is_told_so_only_to_who_knows_it():
    async def story(place, web):
        await refused(web, 401, "nobody has this key id with this token", **bearer("ben", "x"))

    run(story)


def test_a_key_that_nobody_has_costs_the_same_work_as_a_wrong_token(monkeypatch):
    """No clock is asked: what is counted are the hashes, and that they are compared in constant time."""
    compared = []
    monkeypatch.setattr(guard, "same", lambda one, other: compared.append((one, other)))

    async def story(place, web):
        for said in (bearer("ann", "x"), bearer("nobody"), bearer("ann")):
            await refused(web, 401, "nobody has this key id", **said)

    run(story)
    assert [(len(one), len(other)) for one, other in compared] == [(32, 32)] * 3


def test_what_scrapes_metrics_sees_them_and_nothing_else():
    async def story(place, web):
        assert (await web.ask("GET", "/metrics", **bearer("prometheus"))).status == 200
        assert (await web.ask("GET", "/metrics", **bearer("ann"))).status == 200
        await refused(web, 403, "the token ben is for client and worker", path="/metrics", **bearer("ben"))
        for method, path in EVERYTHING:
            if path != "/metrics" and method != "HEAD":
                await refused(web, 403, "", method, path.format(id="00" * 16, name="mail"), **bearer("prometheus"))

    run(story)


def test_metrics_are_for_everybody_where_the_setting_says_so():
    async def story(place, web):
        assert (await web.ask("GET", "/metrics")).status == 200
        await refused(web, 401, "wants to know who asks")

    run(story, http=HttpSettings(open_metrics=True))


def test_a_token_where_there_are_none_is_an_error_and_no_open_door():
    async def story(place, web):
        await refused(web, 401, "this scheduler knows no tokens; leave the credentials out", **bearer("ann"))
        answer = await web.ask("POST", "/api/session", SIGN_IN)
        assert (answer.status, answer.cookie) == (401, "")
        assert (await web.get("/api/session"))["wants_tokens"] is False

    run(story, tokens=None)


def test_many_wrong_tokens_close_the_door_for_a_while_but_not_to_who_has_signed_in():
    async def story(place, web):
        cookie = await sign_in(web)
        for _ in range(20):
            await refused(web, 401, "nobody has this key id", **bearer("ann", "x"))
        answer = await refused(web, 429, "too many wrong tokens came from this address", **bearer("ann"))
        assert 0 < int(answer.headers["retry-after"]) <= 61
        assert (await web.ask("POST", "/api/session", SIGN_IN)).status == 429
        assert (await web.ask("GET", "/api/queues", **cookie)).status == 200
        assert (await web.ask("GET", "/healthz")).status == 200
        # On the wire it is the same address.
        assert place.flow.server.doorkeeper.barred("127.0.0.1", asyncio.get_running_loop().time()) > 0

    run(story)


# -- what it costs, and what is told --


@pytest.mark.parametrize("octets", [b"", b"GET / HTTP/1.1\r\nHost: local", b"\x16\x03\x01", b"\x00" * 9000])
def test_who_never_says_a_whole_request_is_let_go_when_the_time_for_a_handshake_is_over(octets):
    async def story(place, web):
        reader, writer = await asyncio.open_connection(web.host, web.port)
        writer.write(octets)
        with contextlib.suppress(ConnectionResetError):  # what was not read of it resets the connection
            assert b" 200 " not in await reader.read()
        writer.close()

    run(story, settings=SessionSettings(handshake_seconds=0.1))


def test_connections_of_one_address_are_counted_with_those_of_peers_until_somebody_is_known():
    async def story(place, web):
        place.flow.server.doorkeeper = keeper = Doorkeeper(Keyring(TOKENS), handshakes=2)
        place.site.connections._doorkeeper = keeper
        held = [await asyncio.open_connection(web.host, web.port) for _ in range(3)]
        assert await held[2][0].read() == b""
        held[0][1].close()
        held[1][1].close()
        await held[0][0].read()
        known = [await web.connect("GET", "/api/events", **await sign_in(web)) for _ in range(2)]
        for reader, _ in known:
            assert b" 200 " in await reader.readline()
        assert (await web.ask("GET", "/healthz")).status == 200
        for _, writer in (*held, *known):
            writer.close()

    run(story)


def test_somebody_unknown_costs_less_than_16_kib():
    """Of the memory that Python hands out; what the kernel has for a socket is bounded by the kernel."""
    number = 200

    async def story(place, web):
        await web.ask("GET", "/api/queues")
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        held = [await asyncio.open_connection(web.host, web.port, limit=1024) for _ in range(number)]
        for _, writer in held:
            writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 4096)
            await writer.drain()
        while sum(len(each) for each in [place.site.connections._there]) < number:  # noqa: ASYNC110 -- it tells nobody
            await asyncio.sleep(0)
        # Both ends are in this process, so this is more than what one end takes.
        each = (tracemalloc.get_traced_memory()[0] - before) / number
        tracemalloc.stop()
        for _, writer in held:
            writer.close()
        assert each < 16 << 10

    run(story, per_address=1000)


def test_no_token_and_no_session_comes_into_the_log_or_an_answer(caplog):
    caplog.set_level(logging.DEBUG)

    async def story(place, web):
        cookie = await sign_in(web)
        pasted = {"key_id": "q" * 40, "token": "w" * 40}
        octets = [(await web.ask("POST", "/api/session", pasted)).body]
        for headers in (bearer("ann"), bearer("ann", "x"), bearer("q" * 40), cookie, {"Authorization": "q" * 40}):
            asks = [("GET", path) for path in ("/api/queues", "/api/session", "/nothing", "/metrics")]
            asks += [("POST", "/api/queues/mail/pause")]
            octets += [(await web.ask(*each, **headers)).body for each in asks]
        said = b"".join(octets).decode() + caplog.text
        for secret in ("a" * 40, "x" * 40, "q" * 40, "w" * 40, cookie["Cookie"].partition("=")[2]):
            assert secret not in said
        assert "a wrong token for ann came from 127.0.0.1" in caplog.text

    run(story)


def test_who_has_changed_something_is_in_the_log(caplog):
    caplog.set_level(logging.INFO)

    async def story(place, web):
        await web.ask("POST", "/api/queues/a%1b[31mb/pause", **bearer("ann"))

    run(story)
    assert "POST /api/queues/a\\x1b[31mb/pause: 200, by ann's" in caplog.text


def test_the_document_says_how_to_say_who_one_is():
    document = json.loads(json.dumps(endpoints.document()))
    assert set(document["components"]["securitySchemes"]) == {"token", "session"}
    for path in document["paths"].values():
        for operation in path.values():
            assert "401" in operation["responses"] or operation["operationId"] == "getEvents"
