# Generated from spec/ (sha256 88f09ea445e52f83); do not edit.
# Edit the spec and run: nox -s generate
"""The Wiretask protocol in Python: messages, codec, connections and machines, generated from the spec."""

from wiretask_protocol.codec import decode, encode
from wiretask_protocol.connection import Connection
from wiretask_protocol.errors import ERRORS, CodecDisagreement, ErrorCode, WireError, error_message

#: SHA-256 of the spec that this was generated from.
SPEC_DIGEST = "88f09ea445e52f83beb3b517d379c0eaffc39c6a87d1ffaf210d944d997f5221"

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
