"""Real processes with tokens and certificates: that they do their work, and how each of them ends that may not."""

from __future__ import annotations

import shutil
import signal
import socket
import threading
from contextlib import contextmanager

import pytest
from real_parts import TOKEN_FILE, TOKENS, Parts, parts  # type: ignore[import-not-found] # it lies beside

pytestmark = [pytest.mark.processes, pytest.mark.slow]

DIGEST = "dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f"


@pytest.fixture
def world(tmp_path):
    with parts(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def guarded(tmp_path_factory, papers):
    """One scheduler with tokens, TLS and certificates of peers; its parts, its port and how to come in."""
    with parts(tmp_path_factory.mktemp("guarded")) as made:
        certificate, key = papers.issue("guarded")
        arguments = ("--tls-cert", certificate, "--tls-key", key, "--tls-client-ca", papers.ca)
        _, port = made.scheduler("--tokens", made.tokens, *arguments)
        certificate, key = papers.issue("known")
        yield made, port, ("--tls-ca", papers.ca, "--tls-cert", certificate, "--tls-key", key)


def one_line(end, code):
    """The one line on standard error of a process that ended with this code, and printed nothing."""
    found, out, err = end
    # A worker may be told of its subscription after the pong that makes it ready: a pong waits for nothing.
    assert (found, out) in ((code, ""), (code, "ready\n")), (found, out, err)
    *others, line = err.splitlines()
    # A worker says what it does; nobody shows where in the program it was.
    assert all(" INFO " in other or " WARNING " in other for other in others), err
    assert "Traceback" not in err
    assert not any(token in err for token in TOKENS.values())
    return line


def test_everything_proves_and_encrypts_and_does_its_work_and_no_token_is_seen(world, papers):
    certificate, key = papers.issue("scheduler")
    tls = ("--tls-cert", certificate, "--tls-key", key, "--tls-client-ca", papers.ca)
    scheduler, port = world.scheduler("--tokens", world.tokens, *tls, "--log-level", "debug")
    certificate, key = papers.issue("peer")
    known = ("--tls-ca", papers.ca, "--tls-cert", certificate, "--tls-key", key)
    worker = world.worker(port, *world.credentials("crew"), *known, "--log-level", "debug")
    assert worker.ready() == "ready"
    assert world.submit(port, *world.credentials("billing"), *known) == (0, DIGEST + "\n", "")
    for process in (scheduler, worker):
        assert not any(token.encode() in process.seen_by_others for token in TOKENS.values())
    for process in (worker, scheduler):
        code, _, err = process.end(signal.SIGTERM)
        assert code == 0
        assert not any(token in err for token in TOKENS.values())


REFUSED = [
    ("a wrong token", ("billing", "x" * 40), 3, "the proof is wrong; check the key id and the token [AUTH_FAILED]"),
    (
        "a key that nobody has",
        ("nobody", "x" * 40),
        3,
        "the proof is wrong; check the key id and the token [AUTH_FAILED]",
    ),
    ("a token for another role", ("crew", None), 3, "the token crew is not for the role client; use one that is"),
    ("a token for another queue", ("narrow", None), 1, "the token is not for the queue default"),
]


@pytest.mark.parametrize(("key", "code", "said"), [pytest.param(*rest, id=name) for name, *rest in REFUSED])
def test_a_client_that_may_not_is_told_why_in_one_line(guarded, key, code, said):
    world, port, known = guarded
    assert said in one_line(world.submit(port, *world.credentials(*key), *known), code)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        pytest.param(("crew", "x" * 40), "AUTH_FAILED: the proof is wrong; check the key id and the token", id="wrong"),
        pytest.param(("billing", None), "ROLE_REFUSED: the token billing is not for the role worker", id="role"),
        pytest.param(("narrow", None), "FORBIDDEN: the token is not for the queue default", id="queue"),
    ],
)
def test_a_worker_that_may_not_ends_with_3_and_one_line(guarded, key, said):
    world, port, known = guarded
    assert said in one_line(world.worker(port, *world.credentials(*key), *known).end(), 3)


def test_nobody_comes_in_without_a_token(guarded):
    world, port, known = guarded
    said = "this scheduler wants a token; connect with credentials (KEY_ID:TOKEN)"
    assert said in one_line(world.submit(port, *known), 3)
    assert said in one_line(world.worker(port, *known).end(), 3)


def test_nobody_comes_in_without_a_certificate_that_the_scheduler_trusts(guarded, papers, strangers):
    world, port, _ = guarded
    certificate, key = strangers.issue("stranger")
    shown = ("--tls-ca", papers.ca, "--tls-cert", certificate, "--tls-key", key)
    not_taken = "the scheduler does not take the certificate of this side (tlsv1 alert unknown ca); show another one"
    assert not_taken in one_line(world.submit(port, *world.credentials("billing"), *shown), 3)
    assert not_taken in one_line(world.worker(port, *world.credentials("crew"), *shown).end(), 3)
    none = "the scheduler wants a certificate of this side"
    assert none in one_line(world.submit(port, *world.credentials("billing"), "--tls-ca", papers.ca), 3)
    assert none in one_line(world.worker(port, *world.credentials("crew"), "--tls-ca", papers.ca).end(), 3)


def test_nobody_trusts_a_scheduler_whose_certificate_a_stranger_has_signed(guarded, strangers):
    world, port, known = guarded
    trusting = ("--tls-ca", strangers.ca, *known[2:])
    said = "the certificate of the scheduler is signed by nobody that is trusted here"
    assert said in one_line(world.submit(port, *world.credentials("billing"), *trusting), 3)
    assert said in one_line(world.worker(port, *world.credentials("crew"), *trusting).end(), 3)


def test_nobody_trusts_a_scheduler_by_another_name_than_its_certificates(guarded):
    world, port, known = guarded
    said = "the certificate of the scheduler is for another host"
    assert said in one_line(world.submit(port, *world.credentials("billing"), *known, host="127.0.0.1"), 3)
    assert said in one_line(world.worker(port, *world.credentials("crew"), *known, host="127.0.0.1").end(), 3)


def test_who_forgets_tls_is_told_so(guarded):
    world, port, _ = guarded
    said = "this port speaks TLS, and these bytes are not it: connect with TLS"
    assert said in one_line(world.submit(port, *world.credentials("billing")), 3)
    assert said in one_line(world.worker(port, *world.credentials("crew")).end(), 3)


def test_a_certificate_that_has_expired_is_renewed_while_everything_runs(world, papers):
    shown = world.folder / "shown.pem", world.folder / "shown.key"
    for one, here in zip(papers.issue("expired", expired=True), shown, strict=True):
        shutil.copy(one, here)
    scheduler, port = world.scheduler("--tls-cert", shown[0], "--tls-key", shown[1])
    trusting = ("--tls-ca", papers.ca)
    said = "the certificate of the scheduler has expired; renew it there"
    assert said in one_line(world.submit(port, *trusting), 3)
    assert said in one_line(world.worker(port, *trusting).end(), 3)
    for one, here in zip(papers.issue("renewed"), shown, strict=True):
        shutil.copy(one, here)
    scheduler.process.send_signal(signal.SIGHUP)
    scheduler.says("reloaded")
    code, out, err = world.submit(port, *trusting, "--no-wait")
    assert (code, len(out), err) == (0, 37, "")


def test_a_token_that_is_withdrawn_ends_its_worker_with_3_and_one_line(world):
    scheduler, port = world.scheduler("--tokens", world.tokens)
    worker = world.worker(port, *world.credentials("crew"))
    worker.ready()
    world.secret("tokens.toml", TOKEN_FILE.partition("[crew]")[0])
    scheduler.process.send_signal(signal.SIGHUP)
    assert "AUTH_FAILED" in one_line(worker.end(), 3)


def test_credentials_where_the_scheduler_has_no_tokens_are_no_way_in(world):
    _, port = world.scheduler()
    assert "this scheduler has no tokens; connect without one" in one_line(
        world.submit(port, *world.credentials("billing")), 3
    )


def test_tls_where_the_scheduler_has_none_is_said(world, papers):
    _, port = world.scheduler()
    said = "what answers there does not speak TLS (wrong version number); check the address, or connect without TLS"
    assert said in one_line(world.submit(port, "--tls-ca", papers.ca), 3)
    assert said in one_line(world.worker(port, "--tls-ca", papers.ca).end(), 3)


@contextmanager
def listening(says):
    """Another program that has the port."""

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.sendall(says)
                while connection.recv(4096):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield str(server.getsockname()[1])


def test_another_program_at_the_address_is_no_scheduler(world):
    with listening(b"SSH-2.0-OpenSSH_9.2\r\n") as port:
        said = one_line(world.submit(port, *world.credentials("billing"), host="127.0.0.1"), 3)
        assert f"what answers at 127.0.0.1:{port} does not speak the Wiretask protocol" in said


def test_another_program_that_has_the_port_keeps_the_scheduler_from_beginning(world, papers):
    certificate, key = papers.issue("one")
    with listening(b"") as port:
        arguments = ("--listen", f"127.0.0.1:{port}", "--http", "off", "--store", "memory:")
        for tls in ((), ("--tls-cert", certificate, "--tls-key", key)):
            said = one_line(world.start("scheduler", *arguments, *tls).end(), 2)
            assert "address already in use; stop what listens there or choose another port" in said


FILES = [
    ("others can read it", lambda world: world.secret("open", f"billing:{TOKENS['billing']}", 0o644), "; chmod o= "),
    ("no credentials", lambda world: world.secret("none", TOKENS["billing"]), "credentials are written KEY_ID:TOKEN"),
    ("a token that is too short", lambda world: world.secret("short", "billing:bbbbbb"), "a token is 32 to 256"),
    ("no text", lambda world: world.secret("binary", "billing:" + "é" * 40), "credentials are written KEY_ID:TOKEN"),
    ("no file", lambda world: world.folder / "missing", "No such file or directory"),
]


@pytest.mark.parametrize(("file", "said"), [pytest.param(*rest, id=name) for name, *rest in FILES])
def test_a_file_that_is_no_credentials_is_said_and_nothing_of_it_is_shown(world, file, said):
    path = file(world)
    for end in (world.submit("1", "--credentials", path), world.worker("1", "--credentials", path).end()):
        line = one_line(end, 2)
        assert said in line
        assert str(path) in line
        assert "bbbb" not in line


def test_a_token_on_a_command_line_is_refused_and_not_shown_once_more(world):
    for end in (
        world.submit("1", "--credentials", f"billing:{TOKENS['billing']}"),
        world.worker("1", "--credentials", f"billing:{TOKENS['billing']}").end(),
    ):
        assert "file" in one_line(end, 2)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        pytest.param(lambda p, w: ("--tls-ca", w.folder / "missing"), "No such file or directory", id="no ca"),
        pytest.param(lambda p, w: ("--tls-ca", w.tokens), "an authority is a PEM file", id="a ca that is none"),
        pytest.param(lambda p, w: ("--tls-cert", p.issue("a")[0]), "tls_key", id="no key"),
        pytest.param(
            lambda p, w: ("--tls-cert", p.issue("a")[0], "--tls-key", p.issue("b")[1]),
            "key values mismatch",
            id="another key",
        ),
    ],
)
def test_files_of_certificates_that_cannot_be_used_are_said(world, papers, flags, said):
    for end in (world.submit("1", *flags(papers, world)), world.worker("1", *flags(papers, world)).end()):
        assert said in one_line(end, 2)


def test_a_scheduler_whose_tokens_others_can_read_does_not_begin(world):
    world.tokens.chmod(0o644)
    process = world.start("scheduler", "--listen", "127.0.0.1:0", "--http", "off", "--tokens", world.tokens)
    assert "others can read it, and it holds secrets; chmod o= " in one_line(process.end(), 2)


def test_other_machines_are_served_with_proofs_alone_unless_somebody_says_so(world):
    process = world.start("scheduler", "--listen", "0.0.0.0:0", "--http", "off", "--store", "memory:")
    assert "--insecure" in one_line(process.end(), 2)
    Parts.scheduler(world, "--listen", "0.0.0.0:0", "--tokens", world.tokens)
