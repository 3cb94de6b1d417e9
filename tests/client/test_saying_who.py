"""Operators' commands where HTTP wants to know who asks: credentials, TLS, and what is said when they do not fit."""

import json
import ssl

import pytest
import trustme
from click.testing import CliRunner

from wiretask_client.api import Api
from wiretask_client.cli import main
from wiretask_client.errors import BadCall
from wiretask_protocol.authentication import credentials

from http_side import HttpSide  # type: ignore[import-not-found] # isort: skip # it lies beside

TOKEN = "t" * 40
COMMANDS = (
    "tasks list",
    "tasks show " + "0" * 32,
    "tasks retry " + "0" * 32,
    "tasks cancel " + "0" * 32,
    "dead list",
    "dead retry --all",
    "dead purge --all --yes",
    "dead retry " + "0" * 32,
    "queues",
    "queue list",
    "queue pause mail",
    "workers",
    "schedules",
    "schedule list",
    "top --once",
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "ann.credentials"
    path.write_text(f"ann:{TOKEN}\n")
    path.chmod(0o600)
    return str(path)


@pytest.fixture
def secure(tmp_path):
    """An HTTP side with TLS, and the file of who has signed its certificate."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    side = HttpSide(context)
    side.answers["GET", "/api/queues"] = {"queues": []}
    yield side, str(tmp_path / "ca.pem")
    side.close()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_operators_says_who_asks(wiretask, http, file, command):
    http.answer = lambda method, path: (401, {"error": "no"})
    done = wiretask([*command.split(), "--credentials", file])
    assert (done.exit_code, done.stdout, done.stderr) == (3, "", "wiretask: no\n")
    assert set(http.said_who) == {f"Bearer ann:{TOKEN}"}


@pytest.mark.parametrize("command", COMMANDS)
def test_who_has_no_credentials_where_some_are_wanted_is_told_how_to_give_them(wiretask, http, command):
    http.answer = lambda method, path: (401, {"error": "sign in"})
    done = wiretask(command)
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.endswith("wants to know who asks; name a file with a line KEY_ID:TOKEN with --credentials\n")
    assert set(http.said_who) == {None}


@pytest.mark.parametrize("status", [403, 429])
def test_a_token_for_another_role_and_too_many_wrong_ones_are_said_as_the_scheduler_says_them(
    wiretask, http, file, status
):
    http.answer = lambda method, path: (status, {"error": "the token ann is for client"})
    done = wiretask(["queues", "--credentials", file])
    assert (done.exit_code, done.stderr) == (3, "wiretask: the token ann is for client\n")


@pytest.mark.parametrize("url", ["http://192.0.2.1:9002", "http://scheduler.example:9002", "http://[2001:db8::1]:9002"])
def test_a_token_does_not_leave_this_machine_without_tls(wiretask, file, url):
    done = wiretask(["queues", "--credentials", file, "--http", url])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "a token would cross the network as it is on its way to" in done.stderr
    assert "say https:// in --http" in done.stderr
    assert TOKEN not in done.stderr


def test_over_tls_and_on_this_machine_it_does():
    known = credentials(f"ann:{TOKEN}")
    for url in ("https://scheduler.example", "http://localhost:1", "http://127.0.0.2:1", "http://[::1]:1"):
        Api(url, 1.0, known)
    with pytest.raises(BadCall):
        Api("http://127.0.0.1.example:1", 1.0, known)


def test_https_is_asked_where_the_url_says_so_and_its_authority_is_trusted(secure, file):
    side, authority = secure
    words = ["queues", "--json", "--http", side.url, "--credentials", file, "--tls-ca", authority]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, json.loads(done.stdout)) == (0, [])
    assert side.said_who == [f"Bearer ann:{TOKEN}"]


def test_a_certificate_of_an_unknown_authority_gets_no_token_and_is_one_line(secure, file):
    side, _ = secure
    done = CliRunner().invoke(main, ["queues", "--http", side.url, "--credentials", file])
    assert (done.exit_code, done.stdout) == (3, "")
    assert "the certificate of https://127.0.0.1:" in done.stderr
    assert done.stderr.endswith("name who has signed it with --tls-ca\n")
    assert side.said_who == []


def test_http_at_the_port_of_https_and_https_at_the_port_of_http_are_one_line(wiretask, http, secure):
    http.answer = lambda method, path: (400, b"400: this port speaks TLS, and these bytes are not it\n")
    done = wiretask("queues")
    assert (done.exit_code, done.stderr.endswith("speaks TLS; say https:// in --http\n")) == (3, True)
    done = wiretask(["queues", "--http", http.url.replace("http", "https"), "--tls-ca", secure[1]])
    assert (done.exit_code, done.stderr.count("\n")) == (3, 1)
    assert "see --http, --tls-ca and --tls-cert" in done.stderr
