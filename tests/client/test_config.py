"""File, environment and flags, in that order of strength, and every way to get them wrong."""

import json
import os
import subprocess
import sys
import tomllib

import pytest
from click.testing import CliRunner

from wiretask_client import blocking, sources
from wiretask_client.cli import main
from wiretask_client.client import Client
from wiretask_client.config import SETTINGS, load, shown
from wiretask_client.errors import BadCall

TOKEN = "k:" + "t" * 40


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith("WIRETASK_"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def file(tmp_path):
    def write(text, name="wiretask.toml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    return write


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "credentials"
    path.write_text(TOKEN + "\n")
    path.chmod(0o600)
    return path


def refusal(file=None, **flags):
    """The one line that says why these settings cannot be."""
    with pytest.raises(BadCall) as caught:
        load(file, flags)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[client]\nschedular = 'x'\n", "schedular is no setting of the client; did you mean scheduler?"),
        ("[client]\ntls-ca = 'x'\n", "tls-ca is no setting of the client; did you mean tls_ca?"),
        ("[client]\nzzz = 1\n", "zzz is no setting of the client; there are scheduler, http"),
        ("[clients]\n", "clients is no table of the client; did you mean client?"),
        ("timeout = 1\n", "timeout stands in no table; write [client] above the client's settings"),
        ("client = 1\n", "client is a table; write [client] above its settings"),
        ("[client]\ntimeout = '3'\n", "timeout: '3' is not a number of seconds; write 10, 0.5 or inf for example"),
        ("[client]\ntimeout = -1\n", "timeout: -1 is not a number of seconds"),
        ("[client]\ntimeout = nan\n", "timeout: nan is not a number of seconds"),
        ("[client]\ntimeout = true\n", "timeout: True is not a number of seconds"),
        ("[client]\nscheduler = 9001\n", "scheduler: 9001 is not a text; write it in quotes"),
        ("[client]\nscheduler = 'a:b:c'\n", "scheduler: 'a:b:c' is not an address; write HOST:PORT"),
        ("[client]\nhttp = 'ftp://x'\n", "http: 'ftp://x' is not where a scheduler serves HTTP"),
        ("[client]\ntls = 'yes'\n", "tls: 'yes' is neither yes nor no; write true or false"),
        ("[client]\nlog_format = 'xml'\n", "log_format: 'xml' is not one of text, json"),
        ("[client\n", ""),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_refused_with_its_name_and_a_remedy(file, text, words):
    path = file(text)
    said = refusal(path)
    assert said.startswith(f"{path}: {words}") if words else said.startswith(f"{path} is not TOML: ")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("WIRETASK_CLIENT_SCHEDULR", "a:1", "WIRETASK_CLIENT_SCHEDULR is no setting of the client; did you mean WIRETASK_CLIENT_SCHEDULER?"),
        ("WIRETASK_CLIENT_scheduler", "a:1", "did you mean WIRETASK_CLIENT_SCHEDULER?"),
        ("WIRETASK_CLIENT_TIMEOUT", "soon", "WIRETASK_CLIENT_TIMEOUT: 'soon' is not a number of seconds"),
        ("WIRETASK_CLIENT_TLS", "perhaps", "WIRETASK_CLIENT_TLS: 'perhaps' is neither yes nor no"),
        ("WIRETASK_SCHEDULER", "a:b:c", "WIRETASK_SCHEDULER: 'a:b:c' is not an address"),
        ("WIRETASK_HTTP", "ftp://x", "WIRETASK_HTTP: 'ftp://x' is not where"),
        ("WIRETASK_CONFIG", "absent.toml", "absent.toml cannot be read: No such file or directory; check --config"),
    ],
)  # fmt: skip
def test_a_variable_that_is_wrong_is_refused_with_its_name_and_a_remedy(monkeypatch, name, value, words):
    monkeypatch.setenv(name, value)
    assert words in refusal()


def test_files_that_cannot_be_read_are_refused(tmp_path, monkeypatch):
    assert refusal(str(tmp_path)).endswith("cannot be read: Is a directory; check --config")

    def forbidden(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(sources, "open", forbidden, raising=False)  # root may read everything
    assert "cannot be read: Permission denied" in refusal("wiretask.toml")


def test_flags_are_stronger_than_the_environment_and_that_is_stronger_than_the_file(file, monkeypatch):
    path = file("[client]\nscheduler = 'file:1'\nhttp = 'file:2'\ntimeout = inf\n[worker]\nx = 1\n")
    assert (load(path).scheduler, load(path).timeout) == ("file:1", None)
    monkeypatch.setenv("WIRETASK_SCHEDULER", "short:1")
    assert load(path).scheduler == "short:1"
    monkeypatch.setenv("WIRETASK_CLIENT_SCHEDULER", "long:1")
    monkeypatch.setenv("WIRETASK_CLIENT_TIMEOUT", "2.5")
    found = load(path, {"scheduler": "flag:1", "timeout": None})
    assert (found.scheduler, found.http, found.timeout) == ("flag:1", "file:2", 2.5)
    assert load(path).scheduler == "long:1"


def test_who_works_at_a_shell_says_it_once_at_home(file, monkeypatch, tmp_path):
    file("[client]\nscheduler = 'home:1'\n", ".config/wiretask/wiretask.toml")
    assert load().scheduler == "home:1"
    monkeypatch.setenv("WIRETASK_CONFIG", file("[client]\nscheduler = 'variable:1'\n"))
    assert load().scheduler == "variable:1"
    assert load(file("[client]\n", "other.toml")).scheduler == "127.0.0.1:9001"
    monkeypatch.delenv("WIRETASK_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "elsewhere"))
    assert load().scheduler == "127.0.0.1:9001"


def test_an_empty_variable_and_what_kubernetes_says_of_a_service_are_no_settings(monkeypatch):
    for name in ("SERVICE_HOST", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP_ADDR"):
        monkeypatch.setenv(f"WIRETASK_CLIENT_{name}", "10.0.0.1")
    monkeypatch.setenv("WIRETASK_CLIENT_TIMEOUT", "")
    monkeypatch.setenv("WIRETASK_SCHEDULER", "")
    assert load().timeout == 10


def test_what_is_printed_says_the_same_again_and_where_it_comes_from(file, monkeypatch, secret):
    monkeypatch.setenv("WIRETASK_SCHEDULER", "a:1")
    path = file(f"[client]\ncredentials = '{secret}'\ntimeout = inf\n")
    text = shown(path)
    assert 'scheduler = "a:1"  # $WIRETASK_SCHEDULER\n' in text
    assert f'credentials = "{secret}"  # {path}\n' in text
    assert "timeout = inf  # " in text
    assert "# tls is not said\n" in text
    assert "ttt" not in text
    assert set(tomllib.loads(text)["client"]) <= {setting.name for setting in SETTINGS}
    monkeypatch.delenv("WIRETASK_SCHEDULER")
    assert load(file(text, "again.toml")) == load(path, {"scheduler": "a:1"})


# -- secrets and certificates


@pytest.mark.parametrize("text", ["", "k", "k:short", ":" + "t" * 40, TOKEN + "\n" + TOKEN, "k:\u00e9" + "t" * 40])
def test_what_are_no_credentials_is_refused_and_not_shown(secret, text):
    secret.write_text(text)
    said = refusal(credentials=str(secret))
    assert str(secret) in said
    assert "ttt" not in said


def test_credentials_come_from_a_file_for_its_owner_alone(secret, tmp_path):
    assert load(None, {"credentials": str(secret)}).credentials.key_id == "k"
    secret.chmod(0o644)
    assert f"chmod o= {secret}" in refusal(credentials=str(secret))
    assert "No such file or directory" in refusal(credentials=str(tmp_path / "absent"))


def test_a_token_where_its_file_is_to_be_named_is_refused_and_not_shown(monkeypatch):
    for token in (TOKEN, "a/b:" + "t" * 40):
        monkeypatch.setenv("WIRETASK_CLIENT_CREDENTIALS", token)
        assert "write it into a file" in refusal()
        assert "ttt" not in refusal()


def test_certificates_make_a_context_and_what_cannot_be_is_refused(certificates, tmp_path, file):
    context = load(None, {"tls_ca": certificates.ca, "tls_cert": certificates.cert, "tls_key": certificates.key}).tls
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1
    assert load(None, {"tls": True}).tls is not None
    assert load(None, {"tls": False}).tls is None
    assert refusal(tls_cert=certificates.cert) == "tls_cert and tls_key belong together; say both, or neither"
    assert "No such file or directory" in refusal(tls_ca=str(tmp_path / "absent"))
    assert certificates.ca in refusal(tls_cert=certificates.ca, tls_key=certificates.key)
    path = file(f"[client]\ntls_ca = '{certificates.ca}'\n")
    assert refusal(path, tls=False) == f"--tls says that there is no TLS, but {path} names tls_ca; take one away"


def test_a_client_is_made_as_the_settings_say():
    found = load(None, {"scheduler": "a:1", "timeout": "3"})
    assert isinstance(found.client(), Client)
    assert (found.client().scheduler, found.client().timeout_seconds) == ("a:1", 3.0)
    assert isinstance(found.blocking(), blocking.Client)
    assert (found.arguments["credentials"], found.arguments["tls"]) == (None, None)


# -- the command


def command(*arguments):
    return CliRunner().invoke(main, arguments)


def test_settings_are_checked_and_printed_and_nothing_is_asked(file):
    path = file("[client]\ntimeout = 3\n")
    assert command("--config", path, "--check-config").output == "ok\n"
    assert f"timeout = 3  # {path}\n" in command("--config", path, "--print-config").output
    refused = command("--config", file("[client]\ntimout = 3\n"), "--check-config")
    assert (refused.exit_code, refused.output.count("\n")) == (2, 1)
    assert "did you mean timeout?" in refused.output


@pytest.mark.parametrize("which", ["ping", "queues"])
def test_a_command_knows_the_file_before_it_and_its_own(file, which):
    unusable = file("[client]\nlog_format = 'xml'\n")
    for arguments in (("--config", unusable, which), (which, "--config", unusable)):
        refused = command(*arguments)
        assert refused.exit_code == 2
        assert "'xml' is not one of text, json" in refused.output


def test_a_group_without_a_command_is_bad_usage():
    assert command().exit_code == 2
    assert "Missing command" in command().output


@pytest.mark.processes
@pytest.mark.slow
def test_errors_are_lines_of_json_for_programs():
    environment = {**os.environ, "WIRETASK_CLIENT_LOG_FORMAT": "json"}
    arguments = ("ping", "--scheduler", "127.0.0.1:1", "--timeout", "0.1")
    found = subprocess.run(
        [sys.executable, "-m", "wiretask_client", *arguments],
        env=environment,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert found.returncode == 3
    line = json.loads(found.stderr)
    assert line["level"] == "error"
    assert line["event"].startswith("no scheduler answers at 127.0.0.1:1")
