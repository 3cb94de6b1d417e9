"""The token file: what it says, and every way in which it can be wrong. No error shows a token."""

from __future__ import annotations

import secrets
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiretask_protocol.authentication import Secret
from wiretask_protocol.messages import Role
from wiretask_scheduler.tokens import Keyring, TokenError, read

TOKEN = "an-example-token-0123456789abcdefgh"
LINE = f'token = "{TOKEN}"\n'


@pytest.fixture
def file(tmp_path):
    def write(text, mode=0o600):
        path = tmp_path / "tokens.toml"
        path.write_text(text)
        path.chmod(mode)
        return path

    return write


def test_a_token_says_who_may_connect_as_what_and_to_which_queues(file):
    path = file(f'[api]\n{LINE}roles = ["client"]\nqueues = ["billing.*"]\nprincipal = "billing"\n')
    token = read(path).get("api")
    assert (token.key_id, token.principal, token.secret) == ("api", "billing", Secret(TOKEN))
    assert (token.grant.queues, token.grant.admin) == (("billing.*",), False)
    assert token.serves(Role.CLIENT)
    assert not token.serves(Role.WORKER)
    assert not token.serves(7)


def test_a_token_is_for_every_queue_and_is_its_own_principal_where_it_does_not_say(file):
    token = read(file(f'["a:b"]\n{LINE}roles = ["worker"]\n')).get("a:b")
    assert token.principal == "a:b"
    assert token.grant.allows("anything")
    assert token.serves(Role.WORKER)
    assert not token.serves(Role.CLIENT)


def test_an_admin_is_a_client_that_sees_all(file):
    token = read(file(f'[root]\n{LINE}roles = ["admin"]\n')).get("root")
    assert token.serves(Role.CLIENT)
    assert not token.serves(Role.WORKER)
    assert token.grant.admin


def test_an_empty_file_lets_nobody_in(file):
    assert len(read(file(""))) == 0


def test_a_key_that_is_not_there_has_a_secret_that_nobody_knows(file):
    one, other = Keyring(), Keyring()
    assert one.get("x") is None
    assert one.secret("x") == one.secret("y") != other.secret("x")


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o666, 0o601])
def test_a_file_that_others_can_read_is_refused(file, mode):
    with pytest.raises(TokenError, match=r"others can read it, and it holds secrets; chmod o= "):
        read(file("", mode))


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440, 0o640])
def test_a_file_of_its_owner_and_its_group_is_taken(file, mode):
    read(file("", mode))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (f"[a]\n{LINE}", "roles is a list of client, worker, admin, metrics; a token without a role is for nothing"),
        (f"[a]\n{LINE}roles = []", "roles is a list"),
        (f'[a]\n{LINE}roles = "client"', "roles is a list"),
        (f'[a]\n{LINE}roles = ["clients"]', "roles is a list"),
        (f'[a]\n{LINE}roles = ["client"]\nqueues = "x"', "queues is a list of names of queues"),
        (f'[a]\n{LINE}roles = ["client"]\nqueues = ["a b"]', "queues is a list of names of queues"),
        (f'[a]\n{LINE}roles = ["client"]\nqueues = [""]', "queues is a list of names of queues"),
        (f'[a]\n{LINE}roles = ["client"]\nprincipal = ""', "principal is a name"),
        (f'[a]\n{LINE}roles = ["client"]\nprincipal = 1', "principal is a name"),
        (
            f'[a]\n{LINE}roles = ["client"]\nrole = "client"',
            "no such setting; there are token, roles, queues, principal",
        ),
        ('[a]\nroles = ["client"]', "a token is 32 to 256 of the characters .*token_urlsafe"),
        ('[a]\ntoken = 1\nroles = ["client"]', "a token is 32 to 256"),
        (f'[a]\ntoken = "{TOKEN}!"\nroles = ["client"]', "a token is 32 to 256"),
        (f'["a b"]\n{LINE}roles = ["client"]', "a key id has 1 to 128 letters"),
        (f'api = "{TOKEN}"', r"each token is a table; write \[KEY_ID\]"),
        (f'[a]\ntoken = "{TOKEN}\n', r"is not TOML \(at line 2, column \d+\); see scheduler/README.md"),
        (f"{TOKEN}\n", "is not TOML"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_without_the_token(file, text, match):
    with pytest.raises(TokenError, match=match) as refused:
        read(file(text))
    assert TOKEN not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_or_is_no_text_is_refused(tmp_path, file):
    with pytest.raises(TokenError, match="No such file or directory; check the setting tokens"):
        read(tmp_path / "missing")
    path = file("")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(TokenError, match="is not TOML; see"):
        read(path)


@given(at=st.integers(0, 80), what=st.sampled_from(string.printable))
def test_no_mistake_in_the_file_shows_a_token(tmp_path_factory, at, what):
    token = secrets.token_urlsafe(32)
    text = f'[api]\ntoken = "{token}"\nroles = ["client"]\n'
    path = tmp_path_factory.mktemp("t") / "tokens.toml"
    path.write_text(text[:at] + what + text[at:], newline="")
    path.chmod(0o600)
    try:
        read(path)
    except TokenError as error:
        shown = str(error)
        assert not any(token[n : n + 8] in shown for n in range(len(token) - 8))
