"""What people write for each option of a submission: what goes over the wire for it, and what is refused."""

import os

import pytest
from click.testing import CliRunner

from wiretask_client.cli import main
from wiretask_protocol.codec import decode_envelope
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import (
    CatchUpPolicy,
    DependencyPolicy,
    FairnessKey,
    OverlapPolicy,
    RateKey,
    Resource,
    Schedule,
    ScheduleAction,
    Submit,
    UniqueKey,
    UniqueScope,
    UniqueUntil,
)

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
KNOWN = "0190aaaabbbb7ccc8dddeeeeffff37a8"


@pytest.fixture
def wiretask(served):
    """Runs a command against the fake scheduler, in this process."""

    def run(*args):
        return CliRunner(env={"WIRETASK_SCHEDULER": served.address}).invoke(main, args)

    return run


@pytest.fixture
def submitted(wiretask, served):
    """The Submit that a command sends; words of flags are split at spaces."""

    def submit(words):
        done = wiretask("submit", "x", "--no-wait", *words.split())
        assert (done.exit_code, done.stderr) == (0, "")
        return served.scheduler.of(Submit)[-1]

    return submit


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ("--priority 0", "priority", 0),
        ("--delay 1.5", "delay", 1500),
        ("--delay 2h", "delay", 7_200_000),
        ("--expires-in 7d", "expires_in", 604_800_000),
        ("--time-limit 15m", "time_limit", 900_000),
        ("--retention 90s", "retention", 90_000),
        ("--not-before 2000-01-01T00:00:00Z", "not_before", 946_684_800_000),
        ("--expires-at 4102444800", "expires_at", 4_102_444_800_000),
        ("--cost 3", "cost", 3),
        ("--require gpu --require eu", "requires", ("eu", "gpu")),
        ("--unique k", "unique", UniqueKey("k", UniqueScope.QUEUE, UniqueUntil.ENDED, 0)),
        (
            "--unique k --unique-scope body --unique-until begun",
            "unique",
            UniqueKey("k", UniqueScope.BODY, UniqueUntil.BEGUN, 0),
        ),
        ("--unique k --unique-until 1h", "unique", UniqueKey("k", UniqueScope.QUEUE, UniqueUntil.TIME, 3_600_000)),
        ("--rate api=100/1m --burst 5", "rate", RateKey("api", 100, 60_000, 5)),
        ("--rate api=10", "rate", RateKey("api", 10, 1000, 10)),
        ("--fairness acme", "fairness", FairnessKey("acme", 1)),
        ("--fairness acme=3", "fairness", FairnessKey("acme", 3)),
        ("--on-dependency-failure run --after " + KNOWN, "on_dependency_failure", DependencyPolicy.RUN),
        ("--after " + KNOWN, "after", (bytes.fromhex(KNOWN),)),
        ("--note why", "note", "why"),
    ],
)
def test_what_is_written_is_what_is_sent(submitted, words, name, value):
    found = getattr(submitted(words), name)
    assert (set(found) if name == "requires" else found) == (set(value) if name == "requires" else value)


def test_amounts_have_units(submitted):
    sent = submitted("--resource gpu=1 --resource memory=4GiB --resource rate=2k")
    assert set(sent.resources) == {Resource("gpu", 1), Resource("memory", 4 << 30), Resource("rate", 2000)}


def test_a_retry_policy_is_made_of_what_is_said_of_it(submitted):
    retry = submitted("--max-attempts 5 --retry-delay 2 --retry-factor 3 --retry-cap 1h --retry-jitter 0").retry
    assert (retry.base, retry.factor, retry.cap, retry.jitter) == (2000, 3000, 3_600_000, 0)
    assert submitted("--max-attempts 5 --retry-cap 1m").retry.cap == 60_000
    assert submitted("--max-attempts 5").retry is None


def test_a_concurrency_key_has_its_limit(submitted):
    key = submitted("--concurrency customer=2").concurrency
    assert (key.key, key.limit) == ("customer", 2)


def test_an_id_of_ones_own_is_the_id_of_the_task(wiretask, served):
    done = wiretask("submit", "x", "--no-wait", "--task-id", KNOWN)
    assert done.stdout.strip().replace("-", "") == KNOWN == served.scheduler.of(Submit)[0].task_id.hex()


def test_traces_travel_in_the_envelope(submitted):
    envelope = decode_envelope(submitted("--trace-context " + TRACE + " --trace-state a=b").envelope)
    assert (envelope.trace_context, envelope.trace_state) == (TRACE, "a=b")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--delay 3y", "write 90, 1.5, 15m, 2h or 7d"),
        ("--delay inf", "is not a number of seconds"),
        ("--delay 99999d", "delay"),
        ("--not-before tomorrow", "write 2030-01-31T12:00:00Z"),
        ("--not-before 2030-01-31T12:00:00", "with a time zone"),
        ("--expires-at -5", "expires_at"),
        ("--resource gpu", "write NAME=VALUE"),
        ("--resource gpu=many", "'many' in 'gpu=many' is not a whole number"),
        ("--resource gpu=-1", "is not a whole number"),
        ("--concurrency k", "write NAME=VALUE"),
        ("--concurrency k=0", "limit"),
        ("--rate k=1/0", "period"),
        ("--rate k=1/often", "is not a number of seconds"),
        ("--fairness k=0", "weight"),
        ("--burst 3", "say more of --rate"),
        ("--unique-scope body", "say more of --unique"),
        ("--unique-until 1h", "say more of --unique"),
        ("--unique k --unique-until later", "is not a number of seconds"),
        ("--unique k --unique-scope task", "--unique-scope"),
        ("--after x", "is not a task id"),
        ("--on-dependency-failure retry", "--on-dependency-failure"),
        ("--retry-factor 0.5", "factor"),
        ("--retry-jitter 2", "jitter"),
        ("--cost 0", "cost"),
        ("--require a,b", "label"),
        ("--task-id x", "is not a task id"),
    ],
)
def test_what_cannot_be_is_one_line_and_nothing_is_sent(wiretask, served, words, says):
    done = wiretask("submit", "x", *words.split())
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert says in done.stderr
    assert not served.scheduler.of(Submit)


def test_an_id_is_for_one_task(wiretask):
    done = wiretask("submit", "--lines", os.devnull, "--task-id", KNOWN)
    assert (done.exit_code, "leave it out with --lines" in done.stderr) == (2, True)


def test_a_task_that_is_kept_out_is_the_one_that_is_there(wiretask, served):
    def conflict(peer, message):
        if isinstance(message, Submit):
            peer.refuse(message, ErrorCode.UNIQUE_CONFLICT, existing_id=bytes.fromhex(KNOWN))
        return False

    served.scheduler.on_message = conflict
    done = wiretask("submit", "x", "--no-wait", "--unique", "k")
    assert done.exit_code == 0
    assert done.stdout.strip().replace("-", "") == KNOWN
    assert "there is a task with this unique key: " in done.stderr


# cancel


def test_a_tree_is_cancelled_on_request(wiretask, served):
    task_id = wiretask("submit", "x", "--type", "later", "--no-wait").stdout.strip()
    assert wiretask("cancel", "--tree", task_id).exit_code == 0
    (cancel,) = [message for message in served.scheduler.seen if type(message).__name__ == "Cancel"]
    assert cancel.tree


# schedule


def test_a_recurring_task_is_what_was_written(wiretask, served):
    done = wiretask(
        *("schedule", "put", "nightly", "hello", "--type", "report", "--cron", "30 2 * * 1-5", "--zone", "UTC"),
        *("--overlap", "queue", "--catch-up", "one", "--spread", "1m", "--priority", "7", "--max-attempts", "3"),
    )
    assert (done.exit_code, done.stdout) == (0, "nightly recurs\n")
    (put,) = served.scheduler.of(Schedule)
    assert (put.name, put.action, put.cron, put.zone) == ("nightly", ScheduleAction.PUT, "30 2 * * 1-5", "UTC")
    assert (put.overlap, put.catch_up, put.spread) == (OverlapPolicy.QUEUE, CatchUpPolicy.ONE, 60_000)
    assert (put.priority, put.max_attempts) == (7, 3)


def test_every_so_often_is_a_time_with_a_unit(wiretask, served):
    assert wiretask("schedule", "put", "tick", "--type", "add", "--json", "[1, 2]", "--every", "15m").exit_code == 0
    assert served.scheduler.of(Schedule)[0].every == 900_000


def test_a_recurring_task_is_ended_by_its_name(wiretask, served):
    assert wiretask("schedule", "delete", "tick").stdout == "tick recurs no more\n"
    assert served.scheduler.of(Schedule)[0].action == ScheduleAction.DELETE


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("put tick x", "--type"),
        ("put tick x --type a", "give cron or every"),
        ("put tick x --type a --every 1 --cron @daily", "cron"),
        ("put tick x --type a --every 0", "every"),
        ("put tick x --type a --every often", "is not a number of seconds"),
        ("put tick x --type a --every 1 --zone Europe/Zurich", "zone"),
        ("put tick x --type a --every 1 --overlap twice", "--overlap"),
        ("put tick x --type a --every 1 --catch-up none", "--catch-up"),
        ("put tick x --json [] --type a --every 1", "give one of TEXT and --json"),
        ("put every/night/\u00e9 x --type a --every 1", "the name of a recurring task"),
        ("put tick x --type a --every 1 --after " + KNOWN, "No such option"),
        ("delete", "Missing argument"),
        ("", "Missing command"),
    ],
)
def test_a_recurring_task_that_cannot_be_is_one_line(wiretask, served, words, says):
    done = wiretask("schedule", *words.split())
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert says in done.stderr
    assert not served.scheduler.of(Schedule)


def test_a_recurring_task_that_is_not_there_is_exit_code_4(wiretask, served):
    def refuse(peer, message):
        if isinstance(message, Schedule):
            peer.refuse(message, ErrorCode.UNKNOWN_SCHEDULE)
        return False

    served.scheduler.on_message = refuse
    done = wiretask("schedule", "delete", "tick")
    assert done.exit_code == 4
    assert "see which there are with `wiretask schedule list`" in done.stderr
