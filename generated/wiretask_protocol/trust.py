# Generated from spec/ (sha256 cc8e984844d8e543); do not edit.
# Edit the spec and run: nox -s generate
"""What an opener is given in files: credentials, whom it trusts in TLS, and what it shows there. And what went wrong.

    credentials = trust.read_credentials("billing.credentials")
    tls = trust.tls_context("ca.pem", "billing.pem", "billing.key")

It opens no connections. No error has anything of a secret in it; each is one line with the remedy.
"""

from __future__ import annotations

import os
import ssl
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wiretask_protocol.authentication import Credentials, credentials, fingerprint

# Of OpenSSL's x509_vfy.h.
_NOT_YET_VALID, _HAS_EXPIRED = 9, 10
_OTHER_HOST = (62, 63, 64)
#: What a peer says (in an alert) of a certificate that it does not take.
_NOT_TAKEN = ("unknown ca", "bad certificate", "unsupported certificate", "revoked", "expired", "certificate unknown")


class TrustError(ValueError):
    """A file cannot be used."""


def read_credentials(path: str | os.PathLike[str]) -> Credentials:
    """Reads a file of one line, `KEY_ID:TOKEN`, that others than its owner and its group cannot read. Raises TrustError."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & stat.S_IRWXO:
                raise TrustError(f"{path}: others can read it, and it holds a secret; chmod o= {path}")
            return credentials(file.read().decode("ascii"))
    except OSError as error:
        raise TrustError(f"{path}: {error.strerror}; name a file with credentials") from None
    except UnicodeDecodeError:
        raise TrustError(f"{path}: credentials are written KEY_ID:TOKEN, in one line") from None
    except TrustError:
        raise
    except ValueError as error:
        raise TrustError(f"{path}: {error}") from None


def tls_context(
    ca: str | os.PathLike[str] | None = None,
    certificate: str | os.PathLike[str] | None = None,
    key: str | os.PathLike[str] | None = None,
) -> ssl.SSLContext:
    """TLS that trusts one authority, or where none is named those of the machine, and shows a certificate.

    Raises TrustError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca is None:
        context.load_default_certs()
    else:
        _load(context.load_verify_locations, ca, "an authority is a PEM file")
    if certificate is None and key is None:
        return context
    if certificate is None or key is None:
        raise TrustError("a certificate has a key: name both files, or none")
    _load(lambda path: Path(path).read_bytes(), key, "a key is a PEM file")
    # A key that wants a passphrase would ask the terminal for it.
    _load(lambda path: context.load_cert_chain(path, key, lambda: b""), certificate, f"it and its key {key} are PEM files")
    return context


def fingerprint_shown(inside: ssl.SSLObject | None) -> bytes:
    """What stands in proofs for the certificate that a scheduler has shown; of a connection without TLS, nothing."""
    return fingerprint(inside.getpeercert(binary_form=True)) if inside is not None else b""


def distrust(error: BaseException | None) -> str | None:
    """Why there is no TLS with a scheduler, now or later. None for what another try may mend, and for other errors."""
    if not isinstance(error, ssl.SSLError) or isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return None
    if isinstance(error, ssl.SSLCertVerificationError):
        return _not_trusted(error)
    reason = _reason(error)
    if any(reason.endswith(word) for word in _NOT_TAKEN):
        return f"the scheduler does not take the certificate of this side ({reason}); show another one"
    if reason.endswith(("certificate required", "handshake failure")):
        return f"the scheduler wants a certificate of this side ({reason}); show one"
    if reason in ("wrong version number", "http request", "record layer failure", "packet length too long"):
        return f"what answers there does not speak TLS ({reason}); check the address, or connect without TLS"
    return f"there is no TLS with what answers there: {reason}"


def _not_trusted(error: ssl.SSLCertVerificationError) -> str:
    said = error.verify_message.rstrip(".")
    if error.verify_code == _HAS_EXPIRED:
        return "the certificate of the scheduler has expired; renew it there"
    if error.verify_code == _NOT_YET_VALID:
        return "the certificate of the scheduler is not valid yet; check the clocks of both sides"
    if error.verify_code in _OTHER_HOST:
        return f"the certificate of the scheduler is for another host ({said}); connect by a name that is in it"
    return f"the certificate of the scheduler is signed by nobody that is trusted here ({said}); trust its authority"


def _load(load: Callable[[Any], object], path: str | os.PathLike[str], remedy: str) -> None:
    try:
        load(path)
    except ssl.SSLError as error:
        raise TrustError(f"{path}: {_reason(error)}; {remedy}") from None
    except OSError as error:
        raise TrustError(f"{path}: {error.strerror}; {remedy}") from None


def _reason(error: ssl.SSLError) -> str:
    """In the words of OpenSSL, without its places in C."""
    return (error.reason or "this is none").lower().replace("_", " ")
