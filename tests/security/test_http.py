"""HTTP under the tokens of the wire: who is let in, who is not and why, and what a session is worth."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import ssl
import sys
import tracemalloc
from pathlib import Path

import pytest

from wiretask_scheduler.doorkeeper import Doorkeeper
from wiretask_scheduler.http import HttpSettings, endpoints, guard, page, sessions
from wiretask_scheduler.http.sessions import Sessions
from wiretask_scheduler.session import SessionSettings
from wiretask_scheduler.tls import Tls
from wiretask_scheduler.tokens import Keyring

sys.path.insert(0, str(Path(__file__).parents[1] / "scheduler"))

from http_place import asked, bearer, token  # type: ignore[import-not-found] # it lies there

ANN = token("ann", "admin")
TOKENS = (
    ANN,
    token("ben", "client", "worker"),
    token("some", "admin", queues=("mail.*",)),
    token("prometheus", "metrics"),
)
SIGN_IN = {"key_id": "ann", "token": "a" * 40}


def run(story, tokens=TOKENS, **arguments):
    """Plays a story against a scheduler with tokens."""

    async def play():
        async with asked(tokens=tokens, **arguments) as (place, web):
            await story(place, web)

    asyncio.run(play())


async def refused(web, status, said, method="GET", path="/api/queues", **headers):
    answer = await web.ask(method, path, **headers)
    assert (answer.status, list(answer.json)) == (status, ["error"])
    assert said in answer.json["error"]
    return answer


async def sign_in(web):
    """The headers of a browser that has signed in."""
    answer = await web.ask("POST", "/api/session", SIGN_IN)
    assert answer.status == 200, answer.body
    return {"Cookie": answer.cookie}


# -- programs --

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


# -- browsers --


def test_who_signs_in_gets_a_cookie_that_no_script_reads_and_no_other_site_uses():
    async def story(place, web):
        answer = await web.ask("POST", "/api/session", SIGN_IN)
        assert answer.json == {"wants_tokens": True, "signed_in": True, "key_id": "ann", "principal": "ann's"}
        name, *attributes = answer.headers["set-cookie"].split("; ")
        assert name.startswith(f"wiretask-{web.port}=")
        assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Strict"]
        cookie = {"Cookie": answer.cookie}
        assert (await web.ask("GET", "/", **cookie)).status == 200
        assert (await web.ask("POST", "/api/queues/mail/pause", **cookie)).status == 200
        assert (await web.get("/api/session", **cookie))["signed_in"] is True

    run(story)


def test_two_sessions_are_never_the_same_and_one_that_was_brought_along_is_over():
    async def story(place, web):
        first = await sign_in(web)
        answer = await web.ask("POST", "/api/session", SIGN_IN, **first)
        assert answer.cookie != first["Cookie"]
        await refused(web, 401, "the session has ended", **first)
        planted = {"Cookie": f"wiretask-{web.port}=planted"}
        assert (await web.ask("POST", "/api/session", SIGN_IN, **planted)).cookie != planted["Cookie"]
        await refused(web, 401, "the session has ended", **planted)

    run(story)


@pytest.mark.parametrize(
    ("said", "status", "text"),
    [
        ({**SIGN_IN, "token": "x" * 40}, 401, "nobody has this key id with this token"),
        ({**SIGN_IN, "token": "short"}, 401, "this is no key id with its token"),
        ({**SIGN_IN, "more": 1}, 401, "this is no key id with its token"),
        ({"key_id": "ben", "token": "b" * 40}, 403, "use one with the role admin"),
        (b"{", 401, "this is no key id with its token"),
        (b'{"token":"\xff"}', 401, "this is no key id with its token"),
        ({**SIGN_IN, "token": "a" * 2000}, 413, "1024 octets at most"),
    ],
)
def test_who_does_not_know_a_token_cannot_sign_in(said, status, text):
    async def story(place, web):
        answer = await web.ask("POST", "/api/session", said)
        assert (answer.status, answer.cookie, answer.headers["connection"]) == (status, "", "close")
        assert text in answer.json["error"]

    run(story)


def test_who_signs_out_is_out_and_is_told_no_more():
    async def story(place, web):
        cookie = await sign_in(web)
        reader, writer = await web.connect("GET", "/api/events", **cookie)
        assert b" 200 " in await reader.readline()
        answer = await web.ask("DELETE", "/api/session", **cookie)
        assert answer.json["signed_in"] is False
        assert "Max-Age=0" in answer.headers["set-cookie"]
        await refused(web, 401, "the session has ended", **cookie)
        await reader.read()
        writer.close()

    run(story)


@pytest.mark.parametrize("who", ["session", "program"])
@pytest.mark.parametrize("now", [None, token("ann", "client"), token("ann", "admin", letter="z")])
def test_a_token_that_is_withdrawn_or_changed_ends_what_came_with_it(who, now):
    async def story(place, web):
        headers = await sign_in(web) if who == "session" else bearer("ann")
        reader, writer = await web.connect("GET", "/api/events", **headers)
        assert b" 200 " in await reader.readline()
        place.flow.server.doorkeeper.keyring = Keyring([now] if now is not None else [])
        assert (await web.ask("GET", "/api/queues", **headers)).status in {401, 403}
        await reader.read()
        writer.close()

    run(story)


def test_a_session_is_over_when_it_was_unused_for_long_and_after_long_in_all():
    held, keyring = Sessions(idle_seconds=10, longest_seconds=25), Keyring(TOKENS)
    said = held.begin(ANN, 0.0)
    for now in (9.0, 18.0, 25.0):
        assert held.use(said, keyring, now) is not None
    assert held.use(said, keyring, 25.1) is None
    idle = held.begin(ANN, 100.0)
    assert held.use(idle, keyring, 110.1) is None
    assert held.use(idle, keyring, 101.0) is None
    assert len(held) == 0


def test_sessions_are_bounded_and_the_one_that_was_unused_for_longest_goes_first(monkeypatch):
    monkeypatch.setattr(sessions, "SESSIONS", 2)
    held, keyring = Sessions(), Keyring(TOKENS)
    first, second = held.begin(ANN, 0.0), held.begin(ANN, 1.0)
    assert held.use(first, keyring, 2.0) is not None
    third = held.begin(ANN, 3.0)
    assert [held.use(each, keyring, 4.0) is not None for each in (first, second, third)] == [True, False, True]


# -- other sites --

FOREIGN = [
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Host": "evil.example"},
]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize(("method", "path"), [("POST", "/api/queues/mail/pause"), ("GET", "/api/tasks")])
def test_another_site_neither_changes_nor_reads_anything_through_a_browser_that_has_signed_in(method, path, headers):
    async def story(place, web):
        cookie = await sign_in(web)
        answer = await web.ask(method, path, **headers, **cookie)
        assert answer.status == 403
        assert place.flow.broker.state.queues["mail"].mode == 0

    run(story)


@pytest.mark.parametrize("headers", [*FOREIGN, {"Wiretask_Request": None}])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_another_site_signs_nobody_in_or_out(method, headers):
    async def story(place, web):
        cookie = await sign_in(web)
        answer = await web.ask(method, "/api/session", SIGN_IN, **headers, **cookie)
        assert (answer.status, answer.cookie) == (403, "")
        assert (await web.ask("GET", "/api/queues", **cookie)).status == 200

    run(story)


def test_a_link_of_another_site_may_lead_to_the_page():
    async def story(place, web):
        link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
        assert (await web.ask("GET", "/login", **link)).status == 200

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


# -- TLS --


def over_tls(story, papers, certificates=None, trust=None, **settings):
    async def play():
        tls = Tls(*papers.issue("http"), certificates, required=False)
        http = HttpSettings(tls=tls, certificates=certificates is not None, **settings)
        async with asked(tokens=TOKENS, http=http, trust=trust or papers.trust()) as (place, web):
            await story(place, web)

    asyncio.run(play())


def test_over_tls_a_cookie_is_for_tls_and_for_this_host_alone(papers):
    async def story(place, web):
        assert place.site.url.startswith("https://")
        answer = await web.ask("POST", "/api/session", SIGN_IN)
        name, *attributes = answer.headers["set-cookie"].split("; ")
        assert name.startswith(f"__Host-wiretask-{web.port}=")
        assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Strict", "Secure"]
        assert (await web.ask("GET", "/api/queues", Cookie=answer.cookie)).status == 200

    over_tls(story, papers)


def test_where_certificates_are_wanted_health_alone_is_for_who_shows_none(papers):
    async def story(place, web):
        assert (await web.ask("GET", "/healthz")).status == 200
        await refused(web, 403, "show a certificate", **bearer("ann"))
        answer = await web.ask("POST", "/api/session", SIGN_IN)
        assert (answer.status, answer.cookie) == (403, "")

    over_tls(story, papers, papers.ca)


def test_a_certificate_and_a_token_are_both_wanted_where_both_are_configured(papers):
    async def story(place, web):
        await refused(web, 401, "wants to know who asks")
        assert (await web.ask("GET", "/api/queues", **bearer("ann"))).status == 200

    over_tls(story, papers, papers.ca, papers.trust(papers.issue("operator")))


def test_a_certificate_of_an_unknown_authority_is_let_go(papers, strangers):
    async def story(place, web):
        # Over TLS 1.3 a client hears only after its own handshake that its certificate was not good.
        try:
            reader, writer = await web.connect("GET", "/healthz")
        except (ssl.SSLError, ConnectionError):
            return
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            assert await reader.read() == b""
        writer.close()
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            await writer.wait_closed()

    trust = papers.trust()
    trust.load_cert_chain(*strangers.issue("stranger"))
    over_tls(story, papers, papers.ca, trust)


def test_who_forgets_tls_is_told_so_and_let_go(papers):
    async def story(place, web):
        reader, writer = await asyncio.open_connection(web.host, web.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        said = await reader.read()
        assert said.startswith(b"HTTP/1.1 400 ")
        assert b"this port speaks TLS" in said
        writer.close()

    over_tls(story, papers)


def test_the_document_says_how_to_say_who_one_is():
    document = json.loads(json.dumps(endpoints.document()))
    assert set(document["components"]["securitySchemes"]) == {"token", "session"}
    for path in document["paths"].values():
        for operation in path.values():
            assert "401" in operation["responses"] or operation["operationId"] == "getEvents"
