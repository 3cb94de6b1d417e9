"""Who signs in at the page: what his session is worth and when it ends; and other sites, which do nothing with it."""

from __future__ import annotations

import pytest
from http_guarded import ANN, SIGN_IN, TOKENS, bearer, refused, run, sign_in, token  # type: ignore[import-not-found] # it lies beside

from wiretask_scheduler.http import sessions
from wiretask_scheduler.http.sessions import Sessions
from wiretask_scheduler.tokens import Keyring


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
