"""Whatever comes to the port of a running scheduler: a clear answer, and service for everybody else."""

import hashlib
import socket
import ssl
import urllib.error
import urllib.request

import pytest

from wiretask_protocol import codec, messages
from wiretask_protocol.connection import Connection
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import (
    Credit,
    Error,
    Hello,
    HelloKind,
    QueueWeight,
    Report,
    Result,
    Role,
    Submit,
    Subscribe,
    Task,
    TypeSupport,
    VersionRange,
)

pytestmark = [pytest.mark.processes, pytest.mark.slow]

PLACEMENT = hashlib.sha256(b"default").digest()[:2]
ENVELOPE = codec.encode_envelope(messages.Envelope("sha256", "default", 0, b"x"))


class Peer:
    """A peer of plain bytes."""

    def __init__(self, system, role: Role | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", system.port), timeout=20)
        system.sockets.append(self.socket)
        self.connection = Connection("client" if role is Role.CLIENT else "worker")
        self.messages: list = []
        if role is not None:
            self.send(Hello(HelloKind.OPEN, 1, versions=VersionRange(1, 1), role=role))
            assert self.expect(Hello).kind is HelloKind.ACCEPT

    def send(self, *sent) -> None:
        self.socket.sendall(b"".join(part if isinstance(part, bytes) else codec.encode(part) for part in sent))

    def expect(self, kind):
        """The next message of a kind; pings and Accepteds on the way are passed over."""
        while True:
            for index, message in enumerate(self.messages):
                if isinstance(message, kind):
                    del self.messages[: index + 1]
                    return message
            data = self.socket.recv(65536)
            assert data, f"closed before a {kind.__name__}; there was {self.messages}"
            self.messages += self.connection.receive(data)
            while self.connection.more:
                self.messages += self.connection.receive(b"")

    def rest(self) -> bytes:
        """Everything until the scheduler closes."""
        found = b""
        while data := self.socket.recv(65536):
            found += data
        return found

    def refused(self) -> Error:
        """The last Error before the scheduler closes."""
        data = self.rest()
        assert data[0] == Error.COMMAND, data
        error = codec.decode(4, data[5:])
        assert isinstance(error, Error)
        return error


def still_serves(system) -> None:
    assert system.client("ping").returncode == 0


GARBAGE = {
    "zeros": (bytes(64), "check the address"),
    "a TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00", "TLS"),
    "SSH": (b"SSH-2.0-OpenSSH\r\n", "SSH"),
    "a PROXY header": (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "PROXY"),
    "a Submit before any Hello": (codec.encode(Submit(1, bytes(16), 0, 5, ENVELOPE)), "first message"),
}


@pytest.mark.parametrize("case", GARBAGE)
def test_garbage_is_told_what_it_seems_to_be(system, case):
    octets, said = GARBAGE[case]
    peer = Peer(system)
    peer.send(octets)
    error = peer.refused()
    assert error.code == ErrorCode.NOT_WIRETASK
    assert said in error.text
    still_serves(system)


def test_a_tls_client_gets_an_error_and_the_others_are_served(system):
    context = ssl.create_default_context()
    with socket.create_connection(("127.0.0.1", system.port), timeout=20) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="localhost")
    still_serves(system)


def test_a_browser_gets_a_400_with_a_hint(system):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"http://{system.address}/")
    assert caught.value.code == 400
    assert b"HTTP interface has a port of its own" in caught.value.read()


def test_an_empty_hello_is_truncated(system):
    peer = Peer(system)
    peer.send(b"\x03\0\0\0\0")
    assert peer.refused().code == ErrorCode.TRUNCATED


def test_no_version_in_common_is_said(system):
    peer = Peer(system)
    peer.send(Hello(HelloKind.OPEN, 1, versions=VersionRange(7, 9), role=Role.CLIENT))
    error = peer.refused()
    assert error.code == ErrorCode.VERSION_MISMATCH
    assert "upgrade" in error.text


ACCEPTED_REFUSALS = {
    "a frame over the limit": (b"\x07" + (64 << 20).to_bytes(4, "big"), ErrorCode.FRAME_TOO_LARGE),
    "a message of another role": (b"\x02\0\0\0\0", ErrorCode.UNEXPECTED_MESSAGE),
    "an unknown command": (b"\x30\0\0\0\0", ErrorCode.UNKNOWN_COMMAND),
    "a payload that is cut": (b"\x0d\0\0\0\x01\0", ErrorCode.TRUNCATED),
    "a seq that is not the next one": (codec.encode(messages.Query(5, bytes(16))), ErrorCode.BAD_SEQUENCE),
}


@pytest.mark.parametrize("case", ACCEPTED_REFUSALS)
def test_what_an_accepted_client_does_wrong_ends_its_connection_and_no_other(system, case):
    octets, code = ACCEPTED_REFUSALS[case]
    other = Peer(system, Role.CLIENT)
    peer = Peer(system, Role.CLIENT)
    peer.send(octets)
    assert peer.expect(Error).code == code
    assert peer.rest() == b""
    other.send(Hello(HelloKind.PING, 42))
    assert other.expect(Hello) == Hello(HelloKind.PONG, 42)


def worker(system, slots: int = 4) -> Peer:
    peer = Peer(system, Role.WORKER)
    peer.send(Subscribe((QueueWeight("default", 1),), (TypeSupport("sha256", 0, 0),)), Credit(slots, 0, 0))
    return peer


def report() -> bytes:
    return codec.encode_report(Report(0, b"mine"))


def test_two_results_for_one_lease_and_the_first_one_counts(system):
    peer = worker(system)
    task_id = system.client("submit", "--no-wait", "x").stdout.strip()
    task = peer.expect(Task)
    peer.send(Result(1, task.task_id, task.lease, 1, report()))
    peer.send(Result(2, task.task_id, task.lease, 1, codec.encode_report(Report(0, b"late"))))
    error = peer.expect(Error)
    assert (error.code, error.seq) == (ErrorCode.STALE_LEASE, 2)
    assert system.client("result", task_id).stdout == "mine\n"


def test_a_stale_lease_changes_nothing(system):
    peer = worker(system)
    task_id = system.client("submit", "--no-wait", "x").stdout.strip()
    task = peer.expect(Task)
    peer.send(Result(1, task.task_id, task.lease + 1, 1, report()))
    assert peer.expect(Error).code == ErrorCode.STALE_LEASE
    assert "leased" in system.client("status", task_id).stdout


def test_a_client_that_vanishes_while_it_waits_finds_its_result_later(system):
    submitter = Peer(system, Role.CLIENT)
    task_id = bytes(13) + b"\x01" + PLACEMENT
    submitter.send(Submit(1, task_id, 1, 5, ENVELOPE))
    submitter.expect(messages.Accepted)
    submitter.socket.close()
    peer = worker(system)
    task = peer.expect(Task)
    peer.send(Result(1, task.task_id, task.lease, 1, report()))
    peer.expect(messages.Accepted)
    digits = task_id.hex()
    text = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    assert system.client("result", text).stdout == "mine\n"


def test_grease_is_skipped_and_kept(system):
    peer = Peer(system, Role.CLIENT)
    peer.send(b"\xc5\0\0\0\x03abc", b"\x81\0\0\0\0", Hello(HelloKind.PING, 7))
    assert peer.expect(Hello) == Hello(HelloKind.PONG, 7)


@pytest.mark.parametrize("which", ["listen", "http"])
def test_a_port_in_use_is_one_line(system, tmp_path, which):
    from parts import Part

    log = tmp_path / "second.log"
    flags = {"--listen": "127.0.0.1:0", "--http": "off", f"--{which}": system.address}
    words = [word for pair in flags.items() for word in pair]
    second = Part("scheduler", *words, "--store", "memory:", log=log)
    assert second.wait() == 2
    (said,) = [line for line in log.read_text().splitlines() if line.startswith("wiretask-scheduler: ")]
    assert "in use" in said
    assert said.endswith("stop what listens there or choose another port")
    assert "Traceback" not in log.read_text()


def test_a_second_scheduler_on_the_same_file_is_told_who_has_it(system, tmp_path):
    from parts import Part

    log = tmp_path / "second.log"
    store = f"sqlite:{system.folder / 'tasks.db'}"
    second = Part("scheduler", "--listen", "127.0.0.1:0", "--store", store, "--http", "off", log=log)
    assert second.wait() != 0
    said = log.read_text()
    assert f"process {system.scheduler.process.pid}" in said
    assert "Traceback" not in said
    still_serves(system)


BAD_STORES = {
    "a folder that is not there": "sqlite:/nowhere/tasks.db",
    "a store of another kind": "postgres:x",
    "nothing": "sqlite:",
}


@pytest.mark.parametrize("case", BAD_STORES)
def test_a_store_that_cannot_be_is_one_line(tmp_path, case):
    from parts import Part

    log = tmp_path / "bad.log"
    part = Part("scheduler", "--listen", "127.0.0.1:0", "--store", BAD_STORES[case], "--http", "off", log=log)
    assert part.wait() in (1, 2)
    assert len(log.read_text().splitlines()) == 1


def test_a_file_that_is_no_database_is_not_touched(tmp_path):
    from parts import Part

    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, not a database\n" * 50)
    log = tmp_path / "bad.log"
    part = Part("scheduler", "--listen", "127.0.0.1:0", "--store", f"sqlite:{path}", "--http", "off", log=log)
    assert part.wait() in (1, 2)
    assert "Traceback" not in log.read_text()
    assert path.read_text().startswith("these are my notes")
