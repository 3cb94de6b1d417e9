"""What operators type, against an HTTP side that says what a test wants it to say."""

import json
import socket

import pytest

from wiretask_client.address import parse_url
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
    "left_out": "the queue mail has 10 tasks",
}


def dead_task(number, **changed):
    task = {"id": f"{number:032x}", "type": "send", "queue": "mail", "ended_ms": None, "attempts": [{}, {}]}
    return {**task, "error_type": "TimeoutError", "error_message": "too late", **changed}


def queue_named(name, **changed):
    numbers = dict.fromkeys(("live", "ready", "leased", "scheduled", "waiting"), 0)
    return {"name": name, "mode": "open", **numbers, "oldest_ready_ms": None, "length_limit": None, **changed}


def a_worker(**changed):
    running = {"id": f"{7:032x}", "type": "send", "begun": True, "age_ms": 90_000}
    return {
        "name": "host:1",
        "connected": True,
        "stuck": None,
        "draining": False,
        "outstanding": 1,
        "running": 1,
        "concurrency": 4,
        "done": 1234,
        "tasks": [running],
        "heard_ms": 500,
        "round_trip_ms": 0.25,
        "agent": "wiretask-worker/0.1.0",
        **changed,
    }


STORY = {
    **dead_task(1, state="dead", priority=5, attempt=2, submitted_ms=0),
    "outcome": "failed",
    "worker": "host:1",
    "waits": None,
    "options": {"max_attempts": 2},
    "arguments": {"encoding": "json", "octets": 5, "text": "[2,3]", "cut": False},
    "report": {
        "error_type": "TimeoutError",
        "error_message": "too\x1b late",
        "traceback": "Traceback:\n  line 3\x1b[31m",
        "result": None,
    },
    "story": [
        {"what": "submitted", "at_ms": 0, "worker": None, "text": "submitted to the queue mail"},
        {"what": "dead", "at_ms": None, "worker": None, "text": "given up"},
    ],
}


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
    queue = queue_named("mail", mode="paused", live=7, ready=7, oldest_ready_ms=90_000)
    http.answers["GET", "/api/queues"] = {"queues": [queue]}
    assert lines(wiretask("queue list"))[1] == ["mail", "paused", "7", "0", "0", "90", "s"]
    assert lines(wiretask("queues"))[1] == ["mail", "paused", "7", "0", "0", "90", "s"]
    assert json.loads(wiretask("queues --output json").stdout) == [queue]
    assert json.loads(wiretask("queue list --json").stdout) == [queue]


@pytest.mark.parametrize("verb", ["pause", "resume", "drain"])
def test_a_queue_is_told_what_to_do_by_its_name(wiretask, http, verb):
    queue = queue_named("a:b/c", length_limit=100)
    http.answers["POST", f"/api/queues/a%3Ab%2Fc/{verb}"] = queue
    assert lines(wiretask(f"queue {verb} a:b/c"))[1] == ["a:b/c", "open", "0", "0", "0", "100"]


def test_recurring_tasks_are_listed_with_their_next_run(wiretask, http):
    every = {**NIGHTLY, "name": "tick", "cron": None, "every_ms": 5_400_000, "last_ms": 10**18, "left_out": None}
    http.answers["GET", "/api/schedules"] = {"schedules": [NIGHTLY, every]}
    _, nightly, tick = wiretask("schedule list").stdout.splitlines()
    assert "30 2 * * 1-5" in nightly
    assert "2000-01-01 00:00:00Z" in nightly
    assert nightly.rstrip().endswith("the queue mail has 10 tasks")
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


# tasks


def test_tasks_are_listed_by_their_state(wiretask, http):
    task = dead_task(1, state="leased", attempt=2, submitted_ms=0)
    http.answers["GET", "/api/tasks"] = {"tasks": [task], "next": None}
    head, first = lines(wiretask("tasks list --state leased --type send* --older-than 90"))
    assert head == ["id", "type", "queue", "state", "attempt", "submitted", "error"]
    assert first[1:5] == ["send", "mail", "leased", "2"]
    assert first[-3:] == ["TimeoutError:", "too", "late"]
    assert http.asked == [
        ("GET", "/api/tasks", {"state": "leased", "type": "send*", "older_ms": "90000", "limit": "1000"})
    ]
    assert json.loads(wiretask("tasks list --output json").stdout)[0]["state"] == "leased"


def test_a_list_says_that_there_is_more(wiretask, http):
    tasks = [dead_task(number, state="dead", attempt=1, submitted_ms=0) for number in range(3)]
    http.answers["GET", "/api/tasks"] = {"tasks": tasks, "next": None}
    done = wiretask("tasks list --limit 2")
    assert (done.exit_code, len(done.stdout.splitlines())) == (0, 3)
    assert "there are more than 2; raise --limit" in done.stderr


def test_a_task_is_shown_with_its_story_and_what_it_says_is_escaped(wiretask, http):
    task_id = "00000000-0000-0000-0000-000000000001"
    http.answers["GET", f"/api/tasks/{task_id}"] = STORY
    done = wiretask(f"tasks show {task_id}")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    said = [line.split(maxsplit=1) for line in done.stdout.splitlines() if line]
    assert said[0] == ["id", task_id]
    assert ["arguments", "[2,3]"] in said
    assert ["options", '{"max_attempts":2}'] in said
    assert "submitted to the queue mail" in done.stdout
    assert done.stdout.splitlines()[-2:] == ["Traceback:", "  line 3\\x1b[31m"]
    assert json.loads(wiretask(f"tasks show {task_id} --json").stdout)["id"] == task_id


def test_tasks_are_retried_and_cancelled_by_their_ids(wiretask, http):
    task_id = "00000000-0000-0000-0000-000000000001"
    http.answers["POST", f"/api/tasks/{task_id}/retry"] = {"retried": 1}
    http.answers["POST", f"/api/tasks/{task_id}/cancel"] = [{"cancelled": 1}, {"cancelled": 0}]
    assert wiretask(f"tasks retry {task_id}").stdout == "retried 1\n"
    assert wiretask(f"tasks cancel {task_id} --tree").stdout == "cancelled 1\n"
    assert wiretask(f"tasks cancel {task_id}").stdout == "cancelled 0\n"
    assert [said for _, _, said in http.asked] == [None, {"tree": "1"}, None]


# workers, and all of it


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({}, "working"),
        ({"outstanding": 0}, "idle"),
        ({"draining": True}, "draining"),
        ({"stuck": "restart it"}, "stuck"),
        ({"connected": False, "heard_ms": None, "round_trip_ms": None, "agent": None, "tasks": []}, "away"),
    ],
)
def test_workers_are_listed_with_how_they_are(wiretask, http, changed, word):
    http.answers["GET", "/api/workers"] = {"workers": [a_worker(**changed)]}
    head, first = lines(wiretask("workers"))
    assert head[:3] == ["name", "is", "running"]
    assert first[:6] == ["host:1", word, "1", "of", "4", "1234"]
    assert json.loads(wiretask("workers --output json").stdout)[0]["done"] == 1234


def test_top_looks_once_where_the_output_is_no_terminal(wiretask, http):
    http.answers["GET", "/api/overview"] = {
        "accepting": False,
        "last": {"submitted": 12.5, "succeeded": 1234.0, "failed": 0.0, "total_p50_ms": None, "total_p99_ms": 7.0},
        "states": {"ready": 7, "leased": 1},
        "workers": 1,
        "clients": 2,
    }
    http.answers["GET", "/api/queues"] = {"queues": [queue_named("mail"), queue_named("deep", live=7, ready=7)]}
    http.answers["GET", "/api/workers"] = {"workers": [a_worker()]}
    done = wiretask("top")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "takes no new tasks: its disk is full" in done.stdout
    assert "12.5 in/s   1,234 out/s" in done.stdout
    assert "p50 -   p99 7 ms" in done.stdout
    assert done.stdout.index("deep") < done.stdout.index("mail") < done.stdout.index("host:1")


# for programs, too


def test_what_was_done_is_told_to_programs_with_what_was_refused(wiretask, http):
    first, second = f"{1:032x}", f"{2:032x}"
    http.answers["POST", f"/api/tasks/{first}/retry"] = {"retried": 1}
    http.answers["POST", f"/api/tasks/{second}/retry"] = 409, {"error": "it is succeeded, not dead"}
    for group in ("tasks", "dead"):
        done = wiretask(f"{group} retry {first} {second} --output json")
        assert done.exit_code == 1
        assert json.loads(done.stdout) == {"retried": 1, "refused": {second: "it is succeeded, not dead"}}
    http.answers["POST", "/api/dead/purge"] = {"purged": 7}
    assert json.loads(wiretask("dead purge --all --yes --json").stdout) == {"purged": 7, "refused": {}}


def test_one_worker_is_shown_with_what_it_has(wiretask, http):
    whole = {"address": "10.0.0.7", "version": 1, "connected_seconds": 90.0, "queues": {"mail": 2}, "types": ["send"]}
    running = {**a_worker()["tasks"][0], "queue": "mail", "time_limit_ms": None}
    worker = a_worker(**whole, labels=["gpu"], resources={"memory": 8}, tasks=[running], stuck="restart\x1b[31m it")
    http.answers["GET", "/api/workers"] = {"workers": [worker, {**worker, "name": "other"}]}
    said = wiretask("workers host:1").stdout
    assert "other" not in said
    assert "restart\\x1b[31m it" in said
    assert "wiretask-worker/0.1.0, protocol 1" in said
    assert said.splitlines()[-1].split() == ["00000000-0000-0000-0000-000000000007", "send", "mail", "runs", "90", "s"]
    assert [each["name"] for each in json.loads(wiretask("workers other --json").stdout)] == ["other"]


def test_a_worker_that_is_not_there_is_refused_with_the_remedy(wiretask, http):
    http.answers["GET", "/api/workers"] = {"workers": []}
    done = wiretask("workers nobody")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "wiretask: no worker is called 'nobody'; `wiretask workers` lists those that there are\n"


def test_schedules_are_listed_under_both_names(wiretask, http):
    http.answers["GET", "/api/schedules"] = {"schedules": [NIGHTLY]}
    assert wiretask("schedules").stdout == wiretask("schedule list").stdout
    assert json.loads(wiretask("schedules --output json").stdout) == [NIGHTLY]


def test_one_look_of_top_is_for_programs_as_well(wiretask, http):
    for name in ("overview", "queues", "workers"):
        http.answers["GET", f"/api/{name}"] = {name: []} if name != "overview" else {"now_ms": 1}
    said = json.loads(wiretask("top --json").stdout)
    assert said == {"overview": {"now_ms": 1}, "queues": [], "workers": []}
