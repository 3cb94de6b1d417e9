"""What operators type, against an HTTP side that says what a test wants it to say."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest
from click.testing import CliRunner

from wiretask_client.api import parse_url
from wiretask_client.cli import main
from wiretask_client.errors import BadCall

NIGHTLY = {
    "name": "nightly",
    "cron": "30 2 * * 1-5",
    "every_ms": None,
    "zone": "Europe/Zurich",
    "next_ms": 946_684_800_000,
    "last_ms": 0,
    "overlap": "skip",
    "catch_up": "one",
}


def dead_task(number, **changed):
    task = {"id": f"{number:032x}", "type": "send", "queue": "mail", "ended_ms": None, "attempts": [{}, {}]}
    return {**task, "error_type": "TimeoutError", "error_message": "too late", **changed}


class HttpSide:
    """Answers each request with what was laid out for it, and remembers what was asked."""

    def __init__(self):
        self.asked = []
        self.answers = {}
        side = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self):
                url = urlsplit(self.path)
                length = int(self.headers.get("Content-Length", 0))
                said = json.loads(self.rfile.read(length)) if length else None
                side.asked.append((self.command, url.path, said or dict(parse_qsl(url.query)) or None))
                status, answer = side.answer(self.command, url.path)
                octets = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(octets)))
                self.end_headers()
                self.wfile.write(octets)

            do_GET = do_POST = do_DELETE = _answer  # noqa: N815 -- the names are http.server's

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, method, path):
        found = self.answers[method, path]
        if isinstance(found, list):
            found = found.pop(0)
        return found if isinstance(found, tuple) else (200, found)


@pytest.fixture
def http():
    side = HttpSide()
    yield side
    side.server.shutdown()
    side.server.server_close()


@pytest.fixture
def wiretask(http):
    def run(words, **environment):
        environment = {"WIRETASK_HTTP": http.url, **environment}
        return CliRunner(env=environment).invoke(main, words.split() if isinstance(words, str) else words)

    return run


def lines(done):
    assert (done.exit_code, done.stderr) == (0, "")
    return [line.split() for line in done.stdout.splitlines()]


# dead


def test_dead_tasks_are_listed_with_their_last_errors(wiretask, http):
    http.answers["GET", "/api/tasks"] = {"tasks": [dead_task(2), dead_task(1, error_message=None)], "next": None}
    head, second, first = lines(wiretask("dead list"))
    assert head == ["id", "type", "queue", "ended", "attempts", "error", "message"]
    assert second[1:] == ["send", "mail", "2", "TimeoutError", "too", "late"]
    assert first[0] == "00000000-0000-0000-0000-000000000001"


def test_all_pages_are_read_and_no_more_than_was_asked_for(wiretask, http):
    pages = [{"tasks": [dead_task(9)], "next": 9}, {"tasks": [], "next": 5}, {"tasks": [dead_task(4)], "next": None}]
    http.answers["GET", "/api/tasks"] = list(pages)
    assert len(lines(wiretask("dead list"))) == 3
    assert [said.get("before") for _, _, said in http.asked] == [None, "9", "5"]
    http.answers["GET", "/api/tasks"] = list(pages)
    done = wiretask("dead list --limit 1")
    assert len(done.stdout.splitlines()) == 2
    assert "there are more than 1; raise --limit" in done.stderr


def test_no_dead_tasks_are_no_lines(wiretask, http):
    http.answers["GET", "/api/tasks"] = {"tasks": [], "next": None}
    assert wiretask("dead list").stdout == ""
    http.answers["GET", "/api/tasks"] = {"tasks": [], "next": None}
    assert json.loads(wiretask("dead list --json").stdout) == []


def test_what_a_task_says_cannot_move_the_cursor(wiretask, http):
    http.answers["GET", "/api/tasks"] = {"tasks": [dead_task(1, error_message="a\x1b[2J\nb")], "next": None}
    assert "a\\x1b[2J\\nb" in wiretask("dead list").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--all", None),
        ("--queue mail", {"queue": "mail"}),
        ("--type send --error TimeoutError", {"type": "send", "error": "TimeoutError"}),
        ("--older-than 2h", {"older_ms": 7_200_000}),
    ],
)
def test_which_dead_tasks_are_meant_is_said_as_a_filter(wiretask, http, words, said):
    http.answers["POST", "/api/dead/retry"] = {"retried": 3}
    assert wiretask(f"dead retry {words}").stdout == "retried 3\n"
    http.answers["POST", "/api/dead/purge"] = {"purged": 2}
    assert wiretask(f"dead purge --yes {words}").stdout == "purged 2\n"
    assert [asked[2] for asked in http.asked] == [said, said]


def test_one_that_is_refused_is_a_line_and_the_others_go_on(wiretask, http):
    one, two = dead_task(1)["id"], dead_task(2)["id"]
    http.answers["POST", f"/api/tasks/{one}/retry"] = 404, {"error": "no task has this id"}
    http.answers["POST", f"/api/tasks/{two}/retry"] = {"retried": 1}
    done = wiretask(f"dead retry {one} {two}")
    assert (done.exit_code, done.stdout) == (4, "retried 1\n")
    assert done.stderr == f"wiretask: {one}: no task has this id\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("dead retry", "say which: IDs, or a filter"),
        ("dead retry --all --queue mail", "say which"),
        (f"dead retry --all {1:032x}", "say which"),
        ("dead retry x", "is not a task id"),
        ("dead retry --older-than soon", "write 90, 1.5, 15m, 2h or 7d"),
        ("dead purge --all", "then say --yes"),
        ("dead list --limit 0", "--limit"),
        ("dead list --all", "No such option"),
        ("dead", "Missing command"),
        ("queue pause", "Missing argument"),
        (["queue", "pause", "a b"], "the name of a queue"),
        ("queue stop mail", "No such command"),
        ("dead list --http ftp://x", "is not where a scheduler serves HTTP"),
        ("dead list --http http://u@x:1", "is not where a scheduler serves HTTP"),
    ],
)
def test_bad_usage_is_one_line_and_nothing_is_asked(wiretask, http, words, says):
    done = wiretask(words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert says in done.stderr
    assert http.asked == []


# queues and schedules


def test_queues_are_listed_with_their_modes(wiretask, http):
    queue = {"name": "mail", "mode": "paused", "live": 9, "ready": 7, "length_limit": None}
    http.answers["GET", "/api/queues"] = {"queues": [queue]}
    assert lines(wiretask("queue list"))[1] == ["mail", "paused", "7"]
    assert json.loads(wiretask("queue list --json").stdout) == [queue]


@pytest.mark.parametrize("verb", ["pause", "resume", "drain"])
def test_a_queue_is_told_what_to_do_by_its_name(wiretask, http, verb):
    queue = {"name": "a:b/c", "mode": "open", "live": 0, "ready": 0, "length_limit": 100}
    http.answers["POST", f"/api/queues/a%3Ab%2Fc/{verb}"] = queue
    assert lines(wiretask(f"queue {verb} a:b/c"))[1] == ["a:b/c", "open", "0", "100"]


def test_recurring_tasks_are_listed_with_their_next_run(wiretask, http):
    every = {**NIGHTLY, "name": "tick", "cron": None, "every_ms": 5_400_000, "last_ms": 10**18}
    http.answers["GET", "/api/schedules"] = {"schedules": [NIGHTLY, every]}
    _, nightly, tick = wiretask("schedule list").stdout.splitlines()
    assert "30 2 * * 1-5" in nightly
    assert "2000-01-01 00:00:00Z" in nightly
    assert "every 1 h 30 min" in tick
    assert str(10**18) in tick


# the HTTP side


def test_nobody_there_is_exit_code_3_and_says_where_to_look(wiretask):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        done = wiretask("queue list", WIRETASK_HTTP=f"127.0.0.1:{closed.getsockname()[1]}")
    assert done.exit_code == 3
    assert "no scheduler serves HTTP at 127.0.0.1:" in done.stderr
    assert "name another with --http or $WIRETASK_HTTP" in done.stderr


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"\xff"),
        (404, b"not found"),
        (500, {"problem": "?"}),
        (400, {"error": 7}),
        (200, b""),
    ],
)
def test_something_else_that_answers_there_is_exit_code_3(wiretask, http, answer):
    http.answers["GET", "/api/queues"] = answer
    done = wiretask("queue list")
    assert (done.exit_code, done.stdout) == (3, "")
    assert "is no Wiretask scheduler, or an older one" in done.stderr


def test_a_refusal_is_what_the_scheduler_says(wiretask, http):
    http.answers["POST", "/api/queues/mail/pause"] = 400, {"error": "mail is no name of a queue"}
    done = wiretask("queue pause mail")
    assert (done.exit_code, done.stderr) == (1, "wiretask: mail is no name of a queue\n")


def test_a_scheduler_that_says_nothing_is_left_after_a_while(wiretask):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = wiretask("queue list --timeout 0.05", WIRETASK_HTTP=f"127.0.0.1:{silent.getsockname()[1]}")
    assert (done.exit_code, "timed out" in done.stderr) == (3, True)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [("http://h:1", "h", 1), ("h:9002", "h", 9002), ("https://h/wiretask", "h", None), ("[::1]:80", "::1", 80)],
)
def test_where_http_is_served_is_a_url_or_an_address(url, host, port):
    parts = parse_url(url)
    assert (parts.hostname, parts.port) == (host, port)


@pytest.mark.parametrize(
    "url", ["", "http://", "h:0", "h:65536", "h:x", "http://h?q", "http://h#f", "http://h\n", "é:1"]
)
def test_what_is_no_url_is_refused(url):
    with pytest.raises(BadCall, match="write http://127"):
        parse_url(url)
