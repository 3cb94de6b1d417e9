"""One file for all three parts, with TLS and tokens, and a token that is renewed while they run."""

import secrets
import signal
import time

import pytest
from parts import ROOT, Part

pytestmark = [pytest.mark.processes, pytest.mark.slow]

PATIENCE_SECONDS = 30
HELLO = "dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f"


class Settings:
    """The file, and the secrets that it names."""

    def __init__(self, folder, certificates):
        self.folder = folder
        self.tokens = {"app": secrets.token_urlsafe(32), "mill": secrets.token_urlsafe(32)}
        self.write_tokens()
        self.file = folder / "wiretask.toml"
        self.file.write_text(
            f"""
            [scheduler]
            listen = "127.0.0.1:0"
            http = "off"
            store = "memory:"
            tokens = "{folder}/tokens.toml"
            tls_cert = "{certificates.cert}"
            tls_key = "{certificates.key}"
            [worker]
            credentials = "{folder}/mill"
            tls_ca = "{certificates.ca}"
            executor = "inline"
            [client]
            credentials = "{folder}/app"
            tls_ca = "{certificates.ca}"
            """
        )

    def write_tokens(self):
        tables = [f'[{key}]\ntoken = "{token}"\nroles = ["client", "worker"]\n' for key, token in self.tokens.items()]
        self.write("tokens.toml", "".join(tables))
        for key, token in self.tokens.items():
            self.write(key, f"{key}:{token}\n")

    def write(self, name, text):
        path = self.folder / name
        path.touch(0o600)
        path.write_text(text)


class Place:
    """The parts, as processes that know one file."""

    def __init__(self, folder, settings):
        self.folder, self.parts = folder, []
        self.environment = {"WIRETASK_CONFIG": str(settings.file)}
        self.scheduler = self.start("scheduler")
        port = self.scheduler.ready().rpartition(":")[2]
        self.environment |= {f"WIRETASK_{part}_SCHEDULER": f"localhost:{port}" for part in ("WORKER", "CLIENT")}

    def start(self, name, *arguments):
        part = Part(name, *arguments, log=self.folder / f"{name}.log", env=self.environment, cwd=ROOT)
        self.parts.append(part)
        return part

    def hangs_up(self, part, words):
        """Sends SIGHUP, and waits for what the log says of it."""
        part.process.send_signal(signal.SIGHUP)
        self.says(part, words)

    @staticmethod
    def says(part, words, times=1):
        until = time.monotonic() + PATIENCE_SECONDS
        while part.log.read_text().count(words) < times:
            assert time.monotonic() < until, part.log.read_text()
            time.sleep(0.02)


@pytest.fixture
def settings(tmp_path, certificates):
    return Settings(tmp_path, certificates)


@pytest.fixture
def place(tmp_path, settings):
    place = Place(tmp_path, settings)
    yield place
    for part in place.parts:
        part.kill()


def hello(place):
    client = place.start("client", "submit", "Hello, World!")
    said = client.process.stdout.read()
    assert client.wait() == 0, client.log.read_text()
    return said.strip()


def test_a_token_is_renewed_and_nobody_restarts(place, settings):
    worker = place.start("worker")
    worker.ready()
    assert hello(place) == HELLO
    old = settings.tokens["mill"]
    settings.tokens["mill"] = secrets.token_urlsafe(32)
    settings.write_tokens()
    place.hangs_up(worker, "reloaded: certificates, credentials")
    place.hangs_up(place.scheduler, "reloaded: 2 tokens, certificates")
    place.says(place.scheduler, " is here: ", times=2)  # it was let go, and has come back with the new one
    assert hello(place) == HELLO
    assert worker.terminate() == 0
    for part in place.parts:
        for secret in (old, *settings.tokens.values()):
            assert secret not in part.log.read_text()


def test_who_has_the_former_token_is_refused_and_told_so(place, settings):
    settings.write("mill", f"mill:{'x' * 43}\n")
    worker = place.start("worker")
    assert worker.wait() == 3
    assert "the proof is wrong; check the key id and the token" in worker.log.read_text()
    assert "xxx" not in worker.log.read_text() + place.scheduler.log.read_text()
