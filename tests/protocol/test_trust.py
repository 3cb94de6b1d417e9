"""Credentials and TLS from files, and why there is no TLS: one line each, without anything of a secret."""

from __future__ import annotations

import ssl

import pytest

from wiretask_protocol.authentication import Secret
from wiretask_protocol.trust import TrustError, distrust, fingerprint_shown, read_credentials, tls_context

TOKEN = "wiretask-example-token-0123456789abcdef"


@pytest.fixture
def secret(tmp_path):
    def write(text, mode=0o600):
        path = tmp_path / "credentials"
        path.touch()
        path.chmod(mode)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.mark.parametrize("text", [f"billing:{TOKEN}", f"billing:{TOKEN}\n", f"  billing:{TOKEN}\r\n"])
def test_credentials_are_read_from_a_file_of_one_line(secret, text):
    assert read_credentials(secret(text)) == ("billing", Secret(TOKEN))


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400])
def test_the_owner_and_his_group_may_read_credentials(secret, mode):
    path = secret(f"billing:{TOKEN}")
    path.chmod(mode)
    assert read_credentials(str(path)).key_id == "billing"


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o777])
def test_credentials_that_others_can_reach_are_refused_with_the_command_that_helps(secret, mode):
    path = secret(f"billing:{TOKEN}", mode)
    with pytest.raises(TrustError) as refused:
        read_credentials(path)
    assert str(refused.value) == f"{path}: others can read it, and it holds a secret; chmod o= {path}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "credentials are written KEY_ID:TOKEN, in one line"),
        (TOKEN, "credentials are written KEY_ID:TOKEN, in one line"),
        (f"a:{TOKEN}\nb:{TOKEN}", "credentials are written KEY_ID:TOKEN, in one line"),
        (b"billing:\xff" * 9, "credentials are written KEY_ID:TOKEN, in one line"),
        ("billing:short", "a token is 32 to 256 of the characters A-Z a-z 0-9 _ -"),
    ],
)
def test_what_is_no_credentials_is_named_by_its_file_and_not_shown(secret, text, said):
    path = secret(text)
    with pytest.raises(TrustError) as refused:
        read_credentials(path)
    assert str(refused.value) == f"{path}: {said}"


def test_files_that_are_not_there_are_named(tmp_path):
    with pytest.raises(TrustError, match="No such file or directory; name a file with credentials"):
        read_credentials(tmp_path / "missing")
    with pytest.raises(TrustError, match="No such file or directory; an authority is a PEM file"):
        tls_context(tmp_path / "missing")
    with pytest.raises(TrustError, match="No such file or directory; a key is a PEM file"):
        tls_context(None, tmp_path / "missing", tmp_path / "missing")


def test_a_certificate_and_its_key_go_together(certificates):
    for certificate, key in ((certificates.cert, None), (None, certificates.key)):
        with pytest.raises(TrustError, match="a certificate has a key: name both files, or none"):
            tls_context(certificates.ca, certificate, key)


def test_files_that_are_no_certificates_are_named(certificates, secret):
    nothing = secret("nothing\n")
    with pytest.raises(TrustError, match="; an authority is a PEM file"):
        tls_context(nothing)
    for certificate, key in ((nothing, certificates.key), (certificates.cert, nothing)):
        with pytest.raises(TrustError, match=r"; it and its key .* are PEM files") as refused:
            tls_context(certificates.ca, certificate, key)
        assert "\n" not in str(refused.value)


def test_tls_trusts_who_is_named_and_speaks_nothing_old(certificates):
    tls = tls_context(certificates.ca, certificates.cert, certificates.key)
    assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert tls.minimum_version is ssl.TLSVersion.TLSv1_2
    assert tls.cert_store_stats()["x509_ca"] == 1
    assert tls_context().verify_mode is ssl.CERT_REQUIRED


def failed(code, message):
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, message
    return error


def said_by_openssl(reason):
    error = ssl.SSLError(1, "[SSL] somewhere in C")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (failed(10, "certificate has expired"), "the certificate of the scheduler has expired; renew it there"),
        (
            failed(9, "certificate is not yet valid"),
            "the certificate of the scheduler is not valid yet; check the clocks",
        ),
        (failed(62, "Hostname mismatch."), "is for another host (Hostname mismatch); connect by a name that is in it"),
        (failed(64, "IP address mismatch."), "is for another host (IP address mismatch)"),
        (failed(18, "self-signed certificate"), "is signed by nobody that is trusted here (self-signed certificate)"),
        (
            said_by_openssl("TLSV1_ALERT_UNKNOWN_CA"),
            "does not take the certificate of this side (tlsv1 alert unknown ca)",
        ),
        (said_by_openssl("SSLV3_ALERT_CERTIFICATE_EXPIRED"), "does not take the certificate of this side"),
        (said_by_openssl("TLSV13_ALERT_CERTIFICATE_REQUIRED"), "wants a certificate of this side"),
        (said_by_openssl("SSLV3_ALERT_HANDSHAKE_FAILURE"), "wants a certificate of this side"),
        (said_by_openssl("WRONG_VERSION_NUMBER"), "does not speak TLS (wrong version number); check the address"),
        (said_by_openssl("NO_PROTOCOLS_AVAILABLE"), "there is no TLS with what answers there: no protocols available"),
        (said_by_openssl(None), "there is no TLS with what answers there: "),
    ],
)
def test_what_keeps_tls_from_being_is_said_with_the_remedy(error, said):
    text = distrust(error)
    assert text is not None
    assert said in text
    assert "\n" not in text


@pytest.mark.parametrize(
    "error",
    [None, OSError(111, "refused"), ssl.SSLEOFError(8, "EOF"), ssl.SSLZeroReturnError(6, "closed"), TimeoutError()],
)
def test_what_another_try_may_mend_is_no_distrust(error):
    assert distrust(error) is None


def test_without_tls_no_certificate_was_shown():
    assert fingerprint_shown(None) == b""
