"""The task types that every worker knows."""

from __future__ import annotations

import hashlib

from wiretask_worker.handlers import Handler


def sha256(body: bytes) -> bytes:
    """The SHA-256 of the body, as hexadecimal digits in ASCII."""
    return hashlib.sha256(body).hexdigest().encode("ascii")


BUILTIN = (Handler(sha256),)
