# Generated from spec/ (sha256 3716d4db8ffcf9f7); do not edit.
# Edit the spec and run: nox -s generate
"""The Wiretask protocol in Python: messages, codec, connections and machines, generated from the spec."""

from wiretask_protocol.codec import decode, encode
from wiretask_protocol.connection import Connection
from wiretask_protocol.errors import ERRORS, CodecDisagreement, ErrorCode, WireError, error_message

#: SHA-256 of the spec that this was generated from.
SPEC_DIGEST = "3716d4db8ffcf9f768216c5f68f835a4de210e1f9d916046102fa8e3f45c39d3"

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
