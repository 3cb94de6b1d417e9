"""How much an address may ask before anybody knows who it is."""

import pytest

from wiretask_protocol.errors import ErrorCode
from wiretask_scheduler.doorkeeper import FAILURE_SECONDS, Doorkeeper


def entered(keeper, address, now=0.0):
    error = keeper.enter(address, now)
    return error is None or ErrorCode(error.code)


def test_an_address_has_so_many_connections_and_no_more():
    keeper = Doorkeeper(connections=2)
    for _ in range(2):
        assert entered(keeper, "1.1.1.1") is True
        keeper.accepted("1.1.1.1")
    assert entered(keeper, "1.1.1.1") is ErrorCode.TOO_MANY_CONNECTIONS
    assert entered(keeper, "1.1.1.2") is True
    keeper.left("1.1.1.1", accepted=False)
    keeper.left("1.1.1.1", accepted=True)
    assert entered(keeper, "1.1.1.1") is True


def test_those_that_nobody_knows_yet_are_counted_apart():
    keeper = Doorkeeper(handshakes=1)
    assert entered(keeper, "a") is True
    assert entered(keeper, "a") is ErrorCode.TOO_MANY_CONNECTIONS
    keeper.left("a", accepted=False)
    keeper.accepted("a")
    assert entered(keeper, "a") is True


def test_an_address_with_many_wrong_proofs_waits_and_the_others_do_not():
    keeper = Doorkeeper(failures=3)
    for second in range(3):
        assert entered(keeper, "a", second) is True
        keeper.failed("a", second)
    error = keeper.enter("a", 10.0)
    assert error.code == ErrorCode.TOO_MANY_CONNECTIONS
    assert error.text == "too many wrong proofs came from this address; check the token, and try again in 50 s"
    assert 50_000 <= error.retry_after <= 50_001
    assert entered(keeper, "b", 10.0) is True
    assert entered(keeper, "a", FAILURE_SECONDS + 0.1) is True


def test_wrong_proofs_of_long_ago_do_not_add_up():
    keeper = Doorkeeper(failures=2)
    for minute in range(10):
        keeper.failed("a", minute * (FAILURE_SECONDS + 1))
    assert entered(keeper, "a", 10 * (FAILURE_SECONDS + 1) - 1) is True


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr("wiretask_scheduler.doorkeeper._FAILED_ADDRESSES", 100)
    keeper = Doorkeeper()
    for number in range(1000):
        address = f"10.0.{number // 250}.{number % 250}"
        keeper.enter(address, 0.0)
        keeper.failed(address, 0.0)
        keeper.left(address, accepted=False)
    assert (len(keeper._failed), len(keeper._connections), len(keeper._handshakes)) == (100, 0, 0)
    assert "10.0.3.249" in keeper._failed


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("::ffff:1.2.3.4", "1.2.3.4", True),
        ("1.2.3.4", "1.2.3.5", False),
        ("not:an:address", "not:an:address", True),
        ("", "", True),
    ],
)
def test_a_network_of_ipv6_is_one_address(one, other, together):
    keeper = Doorkeeper(connections=1)
    assert entered(keeper, one) is True
    assert entered(keeper, other) is (ErrorCode.TOO_MANY_CONNECTIONS if together else True)


def test_nonces_are_never_the_same():
    keeper = Doorkeeper()
    assert len({keeper.nonce() for _ in range(1000)}) == 1000
    assert len(keeper.nonce()) == 32
