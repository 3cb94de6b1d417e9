"""The certificates of the suite: good for this machine, for long, and what stands for them in proofs."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import tempfile

from wiretask_conformance import encryption


def test_a_connection_with_our_certificates_is_trusted_and_has_our_fingerprint():
    async def meet():
        server = await asyncio.start_server(
            lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=encryption.showing()
        )
        async with server:
            for host in ("127.0.0.1", "localhost"):
                port = server.sockets[0].getsockname()[1]
                _, writer = await asyncio.open_connection(
                    "127.0.0.1", port, ssl=encryption.trusting(), server_hostname=host
                )
                shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
                assert hashlib.sha256(shown).digest() == encryption.fingerprint()
                writer.close()

    asyncio.run(meet())


def test_they_do_not_expire_while_anybody_uses_this():
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(encryption.pem("scheduler.pem"))
        file.flush()
        found = ssl._ssl._test_decode_cert(file.name)  # there is no public one
    assert found["notAfter"].endswith("2119 GMT")
    assert ("IP Address", "127.0.0.1") in found["subjectAltName"]
