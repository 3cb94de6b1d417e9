"""TLS as the configuration wants it: the certificate that is shown, and those that peers must have.

What it stands for in proofs (PROTOCOL.md, "Authentication") is read with it, also when it is renewed.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from wiretask_protocol.authentication import fingerprint


class TlsError(Exception):
    """The certificates cannot be used; the text is one line with the remedy."""


class Tls:
    """A context for a listening socket. Raises TlsError."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None = None, *, required: bool = True) -> None:
        """`required` is whether a peer without a certificate is let go, and not only one with a bad one."""
        self._certificate, self._key = certificate, key
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        # Nobody resumes a connection of before: certificates are looked at each time.
        self.context.num_tickets = 0
        self.context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
        self.context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
        if client_ca is not None:
            self.context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
            try:
                self.context.load_verify_locations(client_ca)
            except (OSError, ssl.SSLError) as error:
                raise TlsError(f"{client_ca}: {_said(error)}; check the setting tls_client_ca") from None
        self.fingerprint = b""
        self.reload()

    def reload(self) -> None:
        """Reads the certificate and its key again; connections that are there keep theirs. Raises TlsError."""
        for path, setting in ((self._certificate, "tls_cert"), (self._key, "tls_key")):
            try:
                path.read_bytes()
            except OSError as error:
                raise TlsError(f"{path}: {error.strerror}; check the setting {setting}") from None
        try:
            # A key that wants a passphrase would ask the terminal for it.
            self.context.load_cert_chain(self._certificate, self._key, password=lambda: b"")
            self.fingerprint = fingerprint(_first(self._certificate.read_text("ascii")))
        except (OSError, ssl.SSLError, ValueError) as error:
            raise TlsError(f"{self._certificate}: {_said(error)}; it and tls_key {self._key} are PEM files") from None


def _first(text: str) -> bytes:
    """The first certificate of a chain, which is that of the scheduler itself."""
    begin, end = text.index(ssl.PEM_HEADER), text.index(ssl.PEM_FOOTER)
    return ssl.PEM_cert_to_DER_cert(text[begin : end + len(ssl.PEM_FOOTER)])


def _said(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "this is no certificate").lower().replace("_", " ")
    return getattr(error, "strerror", None) or "this is no certificate"
