"""File, environment and flags, in that order of strength, and every way to get them wrong."""

import os
import tomllib

import pytest

from wiretask_scheduler.assembly import check
from wiretask_scheduler.config import Address, Config, ConfigError, address, gather, load
from wiretask_scheduler.flags import FLAGS
from wiretask_scheduler.reloading import RELOADS
from wiretask_scheduler.sources import as_toml


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    for name in list(os.environ):
        if name.startswith("WIRETASK_"):
            monkeypatch.delenv(name)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "wiretask.toml"

    def write(text, name="wiretask.toml"):
        path.with_name(name).write_text(text)
        return path.with_name(name)

    return write


def refused(match, file=None, **flags):
    with pytest.raises(ConfigError, match=match) as caught:
        load(file, flags)
    assert "\n" not in str(caught.value)


def test_nothing_said_serves_this_machine_durably():
    config = load(None, {})
    assert (config.listen, config.http) == (Address("127.0.0.1", 9001), Address("127.0.0.1", 9002))
    assert config.store == "sqlite:wiretask.db"
    assert config.insecure is False


def test_the_environment_is_stronger_than_the_file_and_flags_are_stronger_than_both(file, monkeypatch):
    path = file('[scheduler]\nlisten = "127.0.0.1:1"\nstore = "memory:"\nlog_level = "error"\n')
    assert load(path, {}).listen == Address("127.0.0.1", 1)
    monkeypatch.setenv("WIRETASK_SCHEDULER_LISTEN", "127.0.0.1:2")
    monkeypatch.setenv("WIRETASK_SCHEDULER_LOG_LEVEL", "debug")
    config = load(path, {"listen": "127.0.0.1:3"})
    assert (config.listen, config.log_level, config.store) == (Address("127.0.0.1", 3), "debug", "memory:")
    assert load(path, {}).listen == Address("127.0.0.1", 2)


def test_values_of_every_kind_come_from_the_environment(monkeypatch):
    for name, value in {"HTTP": "off", "GREASE": "false", "FRAME_LIMIT": "65536", "HEARTBEAT_SECONDS": "0.5"}.items():
        monkeypatch.setenv(f"WIRETASK_SCHEDULER_{name}", value)
    config = load(None, {})
    assert (config.http, config.grease, config.frame_limit, config.heartbeat_seconds) == (None, False, 65536, 0.5)


def test_one_file_may_configure_all_parts(file):
    path = file('[worker]\nconcurrency = 3\n[scheduler]\nhttp = "off"\n[client]\n')
    assert load(path, {}).http is None


def test_an_unknown_setting_is_refused_with_what_was_meant(file, monkeypatch):
    refused("listn is no setting of the scheduler; did you mean listen?", file('[scheduler]\nlistn = "x"\n'))
    refused("zzz is no setting of the scheduler; there are listen, store", file("[scheduler]\nzzz = 1\n"))
    refused("schedular is no table of the scheduler; did you mean scheduler?", file("[schedular]\n"))
    refused(r"listen stands in no table; write \[scheduler\] above", file("listen = 'x:1'\n"))
    nested = file("[scheduler.queues.mail]\nlenght_limit = 1\n")
    refused("toml: queues.mail.lenght_limit is no setting of the scheduler; did you mean length_limit?", nested)
    nested = file("[scheduler.recurring.nightly]\ntype = 'x'\ncorn = '* * * * *'\n")
    refused("toml: recurring.nightly.corn is no setting of the scheduler; did you mean cron?", nested)
    monkeypatch.setenv("WIRETASK_SCHEDULER_STOR", "memory:")
    refused("WIRETASK_SCHEDULER_STOR is no setting of the scheduler; did you mean WIRETASK_SCHEDULER_STORE?")


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("listen", "9001", "'9001' is no address; write HOST:PORT, for example 127.0.0.1:9001"),
        ("listen", ":9001", "is no address"),
        ("listen", "localhost:", "is no address"),
        ("listen", "localhost:99999", "is no address"),
        ("listen", "localhost:٣", "is no address"),
        ("http", "on", "is no address"),
        ("store", "redis://here", "is no store; write sqlite:PATH or memory:"),
        ("store", "sqlite:", "is no store"),
        ("frame_limit", 1, "--frame-limit: 1 is too small; write 65536 or more"),
        ("frame_limit", "many", "--frame-limit: 'many' is not a whole number; write one"),
        ("frame_limit", 1 << 30, "--frame-limit: 1073741824 is too large; write 67108864 or less"),
        ("heartbeat_seconds", 0.01, "--heartbeat-seconds: 0.01 is too small; write 0.1 or more"),
        ("handshake_seconds", 0, "--handshake-seconds: 0 is too small; write more than 0"),
        ("retention_seconds", "soon", "--retention-seconds: 'soon' is not a number; write one"),
        ("connections_per_address", 0, "--connections-per-address: 0 is too small; write 1 or more"),
        ("log_level", "loud", "--log-level: 'loud' is not one of 'debug', 'info', 'warning' or 'error'"),
        ("log_format", "xml", "--log-format: 'xml' is not one of 'text' or 'json'"),
        ("insecure", "perhaps", "--insecure: 'perhaps' is neither yes nor no; write true or false"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_name(name, value, match):
    refused(match, **{name: value})


def test_files_that_cannot_be_read_are_refused(file, tmp_path):
    refused("No such file or directory; check --config", tmp_path / "missing.toml")
    refused("Is a directory; check --config", tmp_path)
    refused("is not TOML: ", file("[scheduler\n"))
    refused("scheduler is a table; write", file("scheduler = 1\n"))


def test_other_machines_are_served_only_if_that_is_said(file):
    for host in ("0.0.0.0", "192.168.0.1", "[::]", "scheduler.example"):
        refused("can be reached from other machines.*listen on 127.0.0.1, or say --insecure", listen=f"{host}:1")
        assert load(None, {"listen": f"{host}:1", "insecure": True}).listen.port == 1
    for host in ("127.0.0.1", "127.8.8.8", "localhost", "[::1]"):
        assert load(None, {"listen": f"{host}:0"}).listen.port == 0


def test_addresses_are_written_as_they_are_read():
    for text in ("127.0.0.1:9001", "[::1]:0", "scheduler.example:65535"):
        assert str(address(text)) == text


def test_every_setting_has_a_default_that_is_allowed():
    assert Config.model_validate(load(None, {}).model_dump())


def test_http_is_served_to_other_machines_only_to_who_proves_who_he_is_and_over_tls_only():
    tokens, tls = {"tokens": "t.toml"}, {"tls_cert": "c.pem", "tls_key": "k.pem"}
    for host in ("0.0.0.0", "192.168.0.1", "[::]", "scheduler.example"):
        http = {"http": f"{host}:1"}
        refused("http: .*nobody has to prove who he is; name a token file", **http)
        refused("http: .*nobody has to prove who he is; name a token file", **http, **tls)
        refused("http: .*a token that is sent there can be read on its way; say tls_cert", **http, **tokens)
        for enough in ({"insecure": True}, {**tokens, **tls}, {**tls, "tls_client_ca": "ca.pem"}):
            assert load(None, {**http, **enough}).http.port == 1
    for host in ("127.0.0.1", "localhost", "[::1]"):
        assert load(None, {"http": f"{host}:0", **tokens}).http.port == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("frame_limit = 1.5", "frame_limit: 1.5 is not a whole number; write one"),
        ("store = 5", "store: 5 is not a text; write it in quotes"),
        ("tokens = 5", "tokens: 5 is not the name of a file; write it in quotes"),
        ("queues = 5", "queues: 5 is not a table"),
        ("http_names = 5", "http_names: 5 is not a list"),
        ("queues.mail = 5", "queues.mail: 5 is not a table"),
        ("queues.mail.length_limit = -1", "queues.mail.length_limit: -1 is too small; write 0 or more"),
        ("recurring.x.cron = '* * * * *'", "recurring.x.type: it is not said, and there is no default"),
        ("recurring.x.type = 'x'", "recurring.x: say cron or every_seconds, one of them"),
    ],
)
def test_a_value_in_the_file_that_cannot_be_is_refused_with_its_name_and_a_remedy(file, line, words):
    path = file(f"[scheduler]\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert str(caught.value) == f"{path}: {words}"


def test_a_variable_that_cannot_be_is_refused_with_its_name_and_a_remedy(monkeypatch):
    monkeypatch.setenv("WIRETASK_SCHEDULER_FRAME_LIMIT", "1")
    refused("^WIRETASK_SCHEDULER_FRAME_LIMIT: '1' is too small; write 65536 or more")
    monkeypatch.setenv("WIRETASK_SCHEDULER_FRAME_LIMIT", "")
    monkeypatch.setenv("WIRETASK_SCHEDULER_QUEUES", "{mail")
    refused("^WIRETASK_SCHEDULER_QUEUES is not JSON; write it in a file, or as JSON")


def test_what_a_stronger_source_overrules_has_to_be_right_all_the_same(file):
    refused("toml: frame_limit: 1 is too small", file("[scheduler]\nframe_limit = 1\n"), frame_limit=65536)


def test_a_variable_names_the_file_and_a_flag_another_one(file, monkeypatch):
    monkeypatch.setenv("WIRETASK_CONFIG", str(file("[scheduler]\nstore = 'memory:'\n")))
    assert load(None, {}).store == "memory:"
    assert load(file("[scheduler]\nstore = 'sqlite:x'\n", "other.toml"), {}).store == "sqlite:x"
    monkeypatch.setenv("WIRETASK_CONFIG", "absent.toml")
    refused("absent.toml: No such file or directory; check --config")


def test_an_empty_variable_and_what_kubernetes_says_of_a_service_are_no_settings(monkeypatch):
    for name in ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_9001_TCP", "PORT_9001_TCP_PROTO"):
        monkeypatch.setenv(f"WIRETASK_SCHEDULER_{name}", "tcp://10.0.0.1:9001")
    monkeypatch.setenv("WIRETASK_SCHEDULER_LISTEN", "")
    assert load(None, {}).listen == Address("127.0.0.1", 9001)


def test_what_may_not_be_read_is_refused(file, monkeypatch):
    def forbidden(*_):
        raise PermissionError(13, "Permission denied")

    path = file("[scheduler]\n")
    monkeypatch.setattr(type(path), "read_text", forbidden)  # root may read everything
    refused("Permission denied; check --config", path)


def test_what_is_printed_says_the_same_again_and_where_it_comes_from(file, monkeypatch, tmp_path):
    path = file(
        "[scheduler]\nhttp_names = ['a.example', 'b']\ntokens = 'to\\\\k \"ens'\n"
        "[scheduler.queues.'mail.*']\nlength_limit = 5\n"
        "[scheduler.recurring.nightly]\ntype = 'report'\ncron = '30 2 * * *'\nargs = [1, true, 'x', [], {a = 0.5}]\n"
    )
    monkeypatch.setenv("WIRETASK_SCHEDULER_GREASE", "no")
    config, named = gather(path, {"http": "off", "listen": "[::1]:5"})
    text = as_toml(config, named)
    assert "grease = false  # $WIRETASK_SCHEDULER_GREASE\n" in text
    assert 'http = "off"  # --http\n' in text
    assert f'http_names = ["a.example", "b"]  # {path}\n' in text
    assert 'store = "sqlite:wiretask.db"  # default\n' in text
    assert "# tls_cert is not said\n" in text
    assert set(tomllib.loads(text)["scheduler"]) <= set(Config.model_fields)
    monkeypatch.delenv("WIRETASK_SCHEDULER_GREASE")
    assert load(file(text, "again.toml"), {}) == config


def test_a_check_reads_what_the_settings_name(file, tmp_path):
    for line, words in (
        ("tokens = '/absent/tokens'", "No such file or directory; check the setting tokens"),
        ("tls_cert = '/absent/cert'\ntls_key = 'x'", "No such file or directory; check the setting tls_cert"),
        ("recurring.x = { type = 'x', cron = 'yesterday' }", "recurring.x: "),
        ("recurring.x = { type = 'a b', every_seconds = 1 }", "recurring.x: "),
    ):
        with pytest.raises(ConfigError, match=words):
            check(load(file(f"[scheduler]\n{line}\n"), {}))
    check(load(file("[scheduler]\nrecurring.x = { type = 'x', cron = '0 0 * * *' }\n"), {}))


def test_each_setting_that_is_no_table_has_a_flag():
    assert {*FLAGS, "queues", "recurring"} == set(Config.model_fields)
    assert set(Config.model_fields) >= RELOADS
