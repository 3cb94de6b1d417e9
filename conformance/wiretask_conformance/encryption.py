"""TLS, as the suite speaks it: with certificates of its own, which nobody else trusts and which are no secret.

A proof is bound to the certificate that was shown (PROTOCOL.md, "Authentication"); that is what scenarios look at.
"""

from __future__ import annotations

import hashlib
import ssl
import tempfile
from functools import lru_cache
from pathlib import Path

from wiretask_conformance.spec import resource


def pem(name: str) -> str:
    """One of our files: ca.pem, scheduler.pem, scheduler.key."""
    return resource("certificates/" + name).decode("ascii")


def trusting() -> ssl.SSLContext:
    """What we connect with to a scheduler under test, which shows our certificate."""
    return ssl.create_default_context(cadata=pem("ca.pem"))


@lru_cache(maxsize=1)
def showing() -> ssl.SSLContext:
    """What we listen with for a worker or a client under test, which trusts our authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The library takes them from files alone.
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("scheduler.pem", "scheduler.key")]
        for path in paths:
            path.write_text(pem(path.name), encoding="ascii")
        context.load_cert_chain(paths[0], paths[1])
    return context


@lru_cache(maxsize=1)
def fingerprint() -> bytes:
    """What stands for our certificate in proofs."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem("scheduler.pem"))).digest()
