"""File, environment and flags, in that order of strength, and every way to get them wrong."""

import os
import tomllib

import pytest

from wiretask_protocol.messages import QueueWeight
from wiretask_worker import sources
from wiretask_worker.errors import ConfigError
from wiretask_worker.settings import SETTINGS, Configured
from wiretask_worker.version import VERSION

TOKEN = "k:" + "t" * 40


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    for name in list(os.environ):
        if name.startswith("WIRETASK_"):
            monkeypatch.delenv(name)


@pytest.fixture
def file(tmp_path):
    def write(text, name="wiretask.toml"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def refusal(file=None, **flags):
    """The one line that says why these settings cannot be."""
    with pytest.raises(ConfigError) as caught:
        Configured(file, flags)
    assert "\n" not in str(caught.value)
    return str(caught.value)


TYPOS = [
    ("[worker]\nconcurency = 1\n", "concurency is no setting of the worker; did you mean concurrency?"),
    ("[worker]\nlog-level = 'info'\n", "log-level is no setting of the worker; did you mean log_level?"),
    ("[worker]\nzzz = 1\n", "zzz is no setting of the worker; there are scheduler, tasks, "),
    ("[wroker]\n", "wroker is no table of the worker; did you mean worker?"),
    ("[zzz]\n", "zzz is no table of the worker; there are scheduler, worker, client"),
    ("concurrency = 1\n", "concurrency stands in no table; write [worker] above the worker's settings"),
    ("worker = 1\n", "worker is a table; write [worker] above its settings"),
]


@pytest.mark.parametrize(("text", "words"), TYPOS)
def test_a_typo_in_the_file_is_refused_with_what_was_meant(file, text, words):
    path = file(text)
    assert refusal(path).startswith(f"{path}: {words}")


WRONG = [
    ("concurrency = '3'", "concurrency: '3' is not a whole number; write one from 1 to 16384, without quotes"),
    ("concurrency = 3.0", "concurrency: 3.0 is not a whole number; write one from 1 to 16384"),
    ("concurrency = true", "concurrency: True is not a whole number"),
    ("concurrency = 0", "concurrency: 0 is out of range; write a number from 1 to 16384"),
    ("max_tasks = 0", "max_tasks: 0 is out of range; write a number from 1 on"),
    ("executor = 'gpu'", "executor: 'gpu' is not one of thread, process, inline"),
    ("executor = ['thread']", "executor: ['thread'] is not one of"),
    ("tasks = 'mine'", "tasks: 'mine' is not a list; write ['mine']"),
    ("tasks = [1]", "tasks: 1 is not a text; write it in quotes"),
    ("queue = ['a b']", "queue: 'a b' is not the name of a queue"),
    ("scheduler = 9001", "scheduler: 9001 is not a text; write it in quotes"),
    ("scheduler = 'nowhere'", "scheduler: 'nowhere' is not an address; write HOST:PORT"),
    ("tls = 'yes'", "tls: 'yes' is neither yes nor no; write true or false"),
    ("max_memory = '1 GB'", "max_memory: '1 GB' is not a size"),
    ("log_level = 'loud'", "log_level: 'loud' is not one of debug, info, warning, error"),
]


@pytest.mark.parametrize(("line", "words"), WRONG)
def test_a_value_in_the_file_that_cannot_be_is_refused_with_its_name_and_a_remedy(file, line, words):
    path = file(f"[worker]\n{line}\n")
    assert refusal(path).startswith(f"{path}: {words}")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CONCURRENCY", "many", "WIRETASK_WORKER_CONCURRENCY: 'many' is not a whole number; write one from 1 to 16384"),
        ("CONCURRENCY", "\u0663", "is not a whole number"),
        ("CONCURRENCY", "-1", "WIRETASK_WORKER_CONCURRENCY: -1 is out of range"),
        ("RELOAD", "perhaps", "WIRETASK_WORKER_RELOAD: 'perhaps' is neither yes nor no; write true or false"),
        ("LABEL", "a \u00e9", "WIRETASK_WORKER_LABEL: '\u00e9' is not a label"),
        ("CONCURENCY", "1", "WIRETASK_WORKER_CONCURENCY is no setting of the worker; did you mean WIRETASK_WORKER_CONCURRENCY?"),
        ("concurrency", "1", "did you mean"),
        ("CONFIG", "x.toml", "is no setting of the worker"),
        ("PORTAL", "1", "is no setting of the worker"),
    ],
)  # fmt: skip
def test_a_variable_that_cannot_be_is_refused_with_its_name_and_a_remedy(monkeypatch, name, value, words):
    monkeypatch.setenv(f"WIRETASK_WORKER_{name}", value)
    assert words in refusal()


def test_a_flag_that_cannot_be_is_refused_with_its_name_and_a_remedy():
    assert refusal(concurrency="0") == "--concurrency: 0 is out of range; write a number from 1 to 16384"
    assert refusal(queue=("a", "b=0")) == "--queue: '0' is not a weight; write a number from 1 to 65535"


def test_files_that_cannot_be_read_are_refused(file, tmp_path, monkeypatch):
    assert refusal(str(tmp_path / "absent.toml")).endswith(
        "absent.toml cannot be read: No such file or directory; check --config"
    )
    assert refusal(str(tmp_path)).endswith("cannot be read: Is a directory; check --config")
    assert "is not TOML: " in refusal(file("[worker\n"))
    (tmp_path / "latin.toml").write_bytes(b"[worker]\nname = '\xe9'\n")
    assert "is not TOML: " in refusal(str(tmp_path / "latin.toml"))
    monkeypatch.setenv("WIRETASK_CONFIG", str(tmp_path / "said.toml"))
    assert "said.toml cannot be read" in refusal()


def test_what_may_not_be_read_is_refused(file, monkeypatch):
    def forbidden(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(sources, "open", forbidden, raising=False)  # root may read everything
    assert "cannot be read: Permission denied; check --config" in refusal("wiretask.toml")


def test_what_a_stronger_source_overrules_has_to_be_right_all_the_same(file):
    assert "concurrency: 0 is out of range" in refusal(file("[worker]\nconcurrency = 0\n"), concurrency="1")


# -- what holds


def held(file=None, **flags):
    return Configured(file, flags).config


def test_flags_are_stronger_than_the_environment_and_that_is_stronger_than_the_file(file, monkeypatch):
    path = file("[worker]\nconcurrency = 1\nprefetch = 1\nexecutor = 'inline'\ntasks = ['a']\n[scheduler]\nx = 1\n")
    monkeypatch.setenv("WIRETASK_WORKER_CONCURRENCY", "2")
    monkeypatch.setenv("WIRETASK_WORKER_PREFETCH", "2")
    monkeypatch.setenv("WIRETASK_WORKER_TASKS", "b,c d")
    config = held(path, concurrency="3")
    assert (config.concurrency, config.prefetch, config.executor) == (3, 2, "inline")
    assert config.tasks == ("b", "c", "d")
    assert held(path, tasks=("e",)).tasks == ("e",)


def test_a_flag_can_say_no_to_what_a_weaker_source_says(file):
    assert not held(file("[worker]\nreload = true\n"), reload=False).reload


def test_a_variable_names_the_file_and_a_flag_another_one(file, monkeypatch):
    monkeypatch.setenv("WIRETASK_CONFIG", file("[worker]\nname = 'one'\n"))
    assert held().name == "one"
    assert held(file("[worker]\nname = 'other'\n", "other.toml")).name == "other"


def test_an_empty_variable_says_nothing(monkeypatch):
    monkeypatch.setenv("WIRETASK_WORKER_CONCURRENCY", "")
    monkeypatch.setenv("WIRETASK_WORKER_UNHEARD_OF", "")
    monkeypatch.setenv("WIRETASK_CONFIG", "")
    assert held().concurrency is None


def test_what_kubernetes_says_of_a_service_is_not_taken_for_a_setting(monkeypatch):
    for name in ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_9003_TCP", "PORT_9003_TCP_ADDR"):
        monkeypatch.setenv(f"WIRETASK_WORKER_{name}", "tcp://10.0.0.1:9003")
    assert held().host == "127.0.0.1"


def test_everything_that_can_be_said_can_be_said_in_a_file(file):
    path = file(
        "[worker]\nqueue = ['a=2', 'b']\nlabel = ['gpu']\nresource = ['memory=1KiB']\nmax_memory = '1MiB'\nmax_tasks = 5\n"
        "name = 'n'\nhealth_file = 'h'\nlog_level = 'debug'\nlog_format = 'json'\nscheduler = '[::1]:1'\n"
    )
    config = held(path)
    assert config.queues == (QueueWeight("a", 2), QueueWeight("b", 1))
    assert (config.labels, config.resources[0].amount) == (("gpu",), 1024)
    assert (config.max_memory, config.max_tasks, config.name, config.health_file) == (1 << 20, 5, "n", "h")
    assert (config.log_level, config.log_format, config.host, config.port) == ("debug", "json", "::1", 1)


def test_what_is_printed_says_the_same_again_and_where_it_comes_from(file, monkeypatch):
    monkeypatch.setenv("WIRETASK_WORKER_CONCURRENCY", "2")
    path = file("[worker]\nexecutor = 'inline'\n")
    once = Configured(path, {"queue": ("a=2", "b"), "name": 'say "x"\\\n', "reload": True})
    text = once.shown()
    assert "concurrency = 2  # $WIRETASK_WORKER_CONCURRENCY\n" in text
    assert f'executor = "inline"  # {path}\n' in text
    assert 'queue = ["a=2", "b"]  # --queue\n' in text
    assert 'scheduler = "127.0.0.1:9001"  # default\n' in text
    assert "# prefetch is not said: fits the executor\n" in text
    assert set(tomllib.loads(text)["worker"]) <= {setting.name for setting in SETTINGS}
    monkeypatch.delenv("WIRETASK_WORKER_CONCURRENCY")
    assert Configured(file(text, "again.toml"), {}).config == once.config


# -- secrets


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "credentials"
    path.write_text(TOKEN + "\n")
    path.chmod(0o600)
    return path


def test_credentials_come_from_a_file_for_its_owner_alone(secret):
    assert held(credentials=str(secret)).credentials.key_id == "k"
    secret.chmod(0o604)
    said = refusal(credentials=str(secret))
    assert "others can read" in said
    assert f"chmod o= {secret}" in said


@pytest.mark.parametrize(
    "text", ["", "k", "k:short", ":" + "t" * 40, "k:" + "t" * 40 + "\n" + TOKEN, "k:\u00e9" + "t" * 40]
)
def test_what_are_no_credentials_is_refused_and_not_shown(secret, text):
    secret.write_text(text)
    said = refusal(credentials=str(secret))
    assert str(secret) in said
    assert "ttt" not in said


def test_credentials_that_cannot_be_read_are_refused(tmp_path):
    assert "No such file or directory" in refusal(credentials=str(tmp_path / "absent"))
    tmp_path.chmod(0o700)
    assert "Is a directory" in refusal(credentials=str(tmp_path))


def test_a_token_where_its_file_is_to_be_named_is_refused_and_not_shown(monkeypatch):
    for said in (refusal(credentials=TOKEN), (monkeypatch.setenv("WIRETASK_WORKER_CREDENTIALS", TOKEN), refusal())[1]):
        assert "write it into a file" in said
        assert "ttt" not in said


def test_what_is_printed_names_the_files_of_secrets_and_shows_none(secret):
    text = Configured(None, {"credentials": str(secret)}).shown()
    assert f'credentials = "{secret}"' in text
    assert "ttt" not in text


def test_certificates_make_a_context_that_trusts_and_shows_them(certificates):
    context = held(tls_ca=certificates.ca, tls_cert=certificates.cert, tls_key=certificates.key).tls
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1
    assert held(tls=True).tls is not None
    assert held().tls is None
    assert held(tls=False).tls is None


def test_certificates_that_cannot_be_are_refused(certificates, tmp_path, file, monkeypatch):
    assert refusal(tls_cert=certificates.cert) == "tls_cert and tls_key belong together; say both, or neither"
    assert refusal(tls_key=certificates.key) == "tls_cert and tls_key belong together; say both, or neither"
    assert "No such file or directory" in refusal(tls_ca=str(tmp_path / "absent"))
    assert "Is a directory" in refusal(tls_ca=str(tmp_path))
    (tmp_path / "empty").write_text("")
    assert str(tmp_path / "empty") in refusal(tls_ca=str(tmp_path / "empty"))
    assert certificates.ca in refusal(tls_cert=certificates.ca, tls_key=certificates.key)
    path = file(f"[worker]\ntls_ca = '{certificates.ca}'\n")
    monkeypatch.setenv("WIRETASK_WORKER_TLS", "no")
    assert refusal(path) == f"$WIRETASK_WORKER_TLS says that there is no TLS, but {path} names tls_ca; take one away"


# -- reading again


def test_what_can_be_reloaded_is_and_what_cannot_waits_for_a_restart(file, secret):
    path = file("[worker]\nname = 'one'\n")
    configured = Configured(path, {"credentials": str(secret)})
    assert configured.reload()[1] == "reloaded: nothing"
    file("[worker]\nname = 'two'\nlog_level = 'debug'\nconcurrency = 1\n")
    secret.write_text("other:" + "u" * 40)
    config, said = configured.reload()
    assert said == "reloaded: credentials, log_level; this takes a restart: concurrency, name"
    assert (config.name, config.concurrency, config.log_level) == ("one", None, "debug")
    assert config.credentials.key_id == "other"
    assert configured.reload()[1] == "reloaded: nothing; this takes a restart: concurrency, name"


def test_what_is_wrong_at_a_reload_changes_nothing(file):
    path = file("[worker]\nlog_level = 'error'\n")
    configured = Configured(path, {})
    file("[worker]\nlog_level = 'debug'\nname = 1\n")
    with pytest.raises(ConfigError, match="name: 1 is not a text"):
        configured.reload()
    assert configured.config.log_level == "error"
    assert 'log_level = "error"' in configured.shown()


def test_the_version_is_that_of_the_distribution():
    from importlib.metadata import version

    assert version("wiretask") == VERSION
