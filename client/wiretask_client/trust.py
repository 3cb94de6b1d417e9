"""From files: what proves who this is, whom it trusts in TLS, and what it shows there. A TrustError is a ValueError."""

from wiretask_protocol.trust import TrustError, read_credentials, tls_context

__all__ = ["TrustError", "read_credentials", "tls_context"]
