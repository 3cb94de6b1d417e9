"""What all tests share: Hypothesis without chance, how many mutations the differential test makes, and certificates."""

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "derandomized",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
settings.load_profile("derandomized")

# What a developer has at home is not what is tested.
os.environ["WIRETASK_CONFIG"] = os.devnull

#: Seeded mutations of golden frames in one run; each is read by both codecs.
MUTATIONS = 200_000


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--mutations",
        type=int,
        default=int(os.environ.get("WIRETASK_MUTATIONS", MUTATIONS)),
        help="mutations of the differential test of the codecs (1000000 before a release)",
    )
    parser.addoption("--specs", type=int, default=25, help="random specs whose codecs are held against each other")
    parser.addoption("--mutants", action="store_true", help="write the table of which case kills which mutant anew")
    parser.addoption("--seeds", type=int, default=40, help="seeds of the simulation")
    parser.addoption("--seed", type=int, default=None, help="replay one seed of the simulation")


class Certificates:
    """Files with an authority, and with a certificate of it and its key."""

    def __init__(self, folder):
        import trustme

        authority = trustme.CA()
        made = authority.issue_cert("localhost")
        for name, blobs in (
            ("ca", [authority.cert_pem]),
            ("cert", made.cert_chain_pems),
            ("key", [made.private_key_pem]),
        ):
            path = folder / f"{name}.pem"
            path.write_bytes(b"".join(blob.bytes() for blob in blobs))
            setattr(self, name, str(path))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))
