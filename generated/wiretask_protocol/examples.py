# Generated from spec/ (sha256 3e953e73256617aa); do not edit.
# Edit the spec and run: nox -s generate
"""The golden examples of the spec: each value and the frame that it is."""

from __future__ import annotations

from wiretask_protocol import codec, messages

#: Name -> (message, frame).
EXAMPLES: dict[str, tuple[messages.AnyMessage, bytes]] = {
}

__all__ = ["EXAMPLES", "codec"]
