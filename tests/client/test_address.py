import pytest

from wiretask_client.address import DEFAULT_ADDRESS, VARIABLE, default_address, parse_address
from wiretask_client.errors import BadCall


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9001", ("127.0.0.1", 9001)),
        ("scheduler", ("scheduler", 9001)),
        (" scheduler.example:80 ", ("scheduler.example", 80)),
        ("[::1]:9002", ("::1", 9002)),
        ("[::1]", ("::1", 9001)),
    ],
)
def test_an_address_is_read(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", ":", ":9001", "a:", "a:0", "a:65536", "a:-1", "a:b", "::1", "::1:9001", "a:٩", "http://a:1", "[]:1"]
)
def test_what_is_no_address_is_refused_with_an_example(text):
    with pytest.raises(BadCall, match="write HOST:PORT"):
        parse_address(text)


def test_the_environment_names_the_scheduler_where_nothing_else_does(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert default_address() == DEFAULT_ADDRESS
    monkeypatch.setenv(VARIABLE, "there:1")
    assert default_address() == "there:1"
    monkeypatch.setenv(VARIABLE, "")
    assert default_address() == DEFAULT_ADDRESS
