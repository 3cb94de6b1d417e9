"""HTTPS: with the certificate of the wire, and with certificates of who asks where those are wanted."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

from http_guarded import SIGN_IN, TOKENS, asked, bearer, refused  # type: ignore[import-not-found] # it lies beside

from wiretask_scheduler.http import HttpSettings
from wiretask_scheduler.tls import Tls


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
