"""Who wants to come in, and may not: the helpers lie beside the tests, and certificates are made when they are needed."""

from __future__ import annotations

import ssl
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

sys.path.insert(0, str(Path(__file__).parent))


class Papers:
    """A certification authority, and the files of what it has signed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
        self.ca = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(str(self.ca))

    def issue(self, name: str, host: str = "localhost", *, expired: bool = False) -> tuple[Path, Path]:
        """A certificate and its key."""
        yesterday = datetime.now(UTC) - timedelta(days=1)
        until = yesterday if expired else None
        signed = self.authority.issue_cert(host, not_after=until, key_type=trustme.KeyType.ECDSA)
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in signed.cert_chain_pems))
        key.write_bytes(signed.private_key_pem.bytes())
        key.chmod(0o600)
        return certificate, key

    def trust(self, certificate: tuple[Path, Path] | None = None) -> ssl.SSLContext:
        """What a peer trusts, and shows."""
        context = ssl.create_default_context(cafile=self.ca)
        if certificate is not None:
            context.load_cert_chain(*certificate)
        return context


@pytest.fixture(scope="session")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return Papers(tmp_path_factory.mktemp("papers"))


@pytest.fixture(scope="session")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    """An authority that nobody trusts."""
    return Papers(tmp_path_factory.mktemp("strangers"))
