# Generated from spec/ (sha256 cc8e984844d8e543); do not edit.
# Edit the spec and run: nox -s generate
"""The Wiretask protocol in Python: messages, codec, connections and machines, generated from the spec."""

from wiretask_protocol.codec import decode, encode
from wiretask_protocol.connection import Connection
from wiretask_protocol.errors import ERRORS, CodecDisagreement, ErrorCode, WireError, error_message

#: SHA-256 of the spec that this was generated from.
SPEC_DIGEST = "cc8e984844d8e543ab91720a5f710a597aa2456597edb32ea37c118664b7fa32"

#: The versions of the protocol that this speaks: the oldest and the newest.
MIN_VERSION = 1
MAX_VERSION = 1

__all__ = [
    "ERRORS",
    "MAX_VERSION",
    "MIN_VERSION",
    "SPEC_DIGEST",
    "CodecDisagreement",
    "Connection",
    "ErrorCode",
    "WireError",
    "decode",
    "encode",
    "error_message",
]
