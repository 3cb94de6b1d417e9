"""File, environment and flags, in that order of strength, and every way to get them wrong."""

import pytest

from wiretask_scheduler.config import Address, Config, ConfigError, address, load


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "wiretask.toml"

    def write(text):
        path.write_text(text)
        return path

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
    monkeypatch.setenv("WIRETASK_SCHEDULER_STOR", "memory:")
    refused("WIRETASK_SCHEDULER_STOR is no setting of the scheduler; did you mean store?")


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
        ("frame_limit", 1, "frame_limit: .*greater than or equal to 65536"),
        ("frame_limit", 1 << 30, "frame_limit: .*less than or equal to 67108864"),
        ("heartbeat_seconds", 0.01, "heartbeat_seconds"),
        ("retention_seconds", "soon", "retention_seconds"),
        ("connections_per_address", 0, "connections_per_address"),
        ("log_level", "loud", "log_level"),
        ("insecure", "perhaps", "insecure"),
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
