import pytest

from wiretask_protocol.messages import CancelSupport, QueueWeight, Resource
from wiretask_worker import backoff, logs
from wiretask_worker.backoff import Backoff
from wiretask_worker.config import Config, parse_address, parse_label, parse_queue, parse_resource
from wiretask_worker.errors import DefinitionError
from wiretask_worker.handlers import Catalog, Handler


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9001", ("127.0.0.1", 9001)),
        ("scheduler.example:1", ("scheduler.example", 1)),
        (":9001", ("127.0.0.1", 9001)),
        ("[::1]:9001", ("::1", 9001)),
    ],
)
def test_an_address_is_a_host_and_a_port(text, address):
    assert parse_address(text) == address


NO_ADDRESSES = ["", "host", "9001", "host:", "host:x", "host:0", "host:65536", "host:-1", "::1:9001", "host:\uff19"]


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_no_address_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"as in (127\.0\.0\.1|\[::1\]):9001"):
        parse_address(text)


def test_a_queue_has_a_weight():
    assert parse_queue("mail") == QueueWeight("mail", 1)
    assert parse_queue("mail=5") == QueueWeight("mail", 5)


@pytest.mark.parametrize("text", ["", "=5", "a b", "mail=", "mail=0", "mail=x", "mail=65536", "x" * 129])
def test_what_is_no_queue_is_refused(text):
    with pytest.raises(ValueError, match=r"is not (the name of a queue|a weight)"):
        parse_queue(text)


def plain():
    pass


async def coroutine():
    pass


def catalog():
    return Catalog([Handler(plain, time_limit=1.5, queue="mail"), Handler(coroutine)])


@pytest.mark.parametrize(
    ("executor", "support"),
    [("thread", CancelSupport.COOPERATIVE), ("process", CancelSupport.HARD), ("inline", CancelSupport.NONE)],
)
def test_how_a_type_can_be_cancelled_follows_from_where_it_runs(executor, support):
    types = Config(executor=executor).core_settings(catalog()).types
    assert types["plain"] == (support, 1500, 0, False)
    assert types["coroutine"] == (CancelSupport.COOPERATIVE, 0, 0, False)


def test_a_worker_takes_the_default_queue_and_those_of_its_tasks_unless_it_is_told_others():
    assert Config().core_settings(catalog()).queues == (QueueWeight("default", 1), QueueWeight("mail", 1))
    told = (QueueWeight("other", 2),)
    assert Config(queues=told).core_settings(catalog()).queues == told


def test_slots_fit_the_executor_unless_they_are_told():
    for executor in ("thread", "process", "inline"):
        settings = Config(executor=executor).core_settings(catalog())
        assert settings.concurrency >= 1
        assert settings.prefetch >= settings.concurrency
    settings = Config(concurrency=3, prefetch=0).core_settings(catalog())
    assert (settings.concurrency, settings.prefetch) == (3, 0)


def test_more_tasks_than_a_subscription_can_name_are_refused():
    crowd = Catalog([Handler(plain, name=f"t{number}") for number in range(4097)])
    with pytest.raises(DefinitionError, match="4097 tasks are too many for one worker"):
        Config().core_settings(crowd)


def test_a_worker_has_a_name_that_people_know_it_by():
    assert Config(name="mine").label == "mine"
    assert ":" in Config().label
    assert len(Config(name="é" * 2000).label.encode()) <= 1024


def test_waits_double_up_to_a_bound_and_begin_anew_when_it_has_worked():
    waits = Backoff(lambda: 1.0)
    assert [waits.next() for _ in range(7)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.0, 3.0]
    waits.reset()
    assert waits.next() == 0.1


def test_waits_are_never_in_step():
    assert Backoff(lambda: 0.0).next() == backoff.FIRST_SECONDS / 2
    assert Backoff(lambda: 1.0).next() == backoff.FIRST_SECONDS


def test_what_peers_say_cannot_move_the_cursor():
    assert logs.escape("plain é") == "plain é"
    assert logs.escape("a\nb\x1b[2J\x00\u202e") == "a\\nb\\x1b[2J\\x00\\u202e"


def octets(body):
    return body


def test_a_handler_of_raw_bodies_takes_every_encoding():
    types = Config().core_settings(Catalog([Handler(octets, raw=True)])).types
    assert types["octets"].verbatim


@pytest.mark.parametrize(
    ("text", "resource"),
    [("gpu=2", Resource("gpu", 2)), ("memory=4GiB", Resource("memory", 4 << 30)), ("a=1KiB", Resource("a", 1024))],
)
def test_a_resource_has_an_amount(text, resource):
    assert parse_resource(text) == resource


@pytest.mark.parametrize(
    "text", ["gpu", "gpu=", "=2", "gpu=-1", "gpu=1.5", "gpu=2GB", "g u=1", "gpu=99999999999999999999"]
)
def test_what_is_no_resource_is_refused(text):
    with pytest.raises(ValueError, match=r"write NAME=AMOUNT|write a smaller one"):
        parse_resource(text)


@pytest.mark.parametrize("text", ["", "a b", "é", "x" * 129])
def test_what_is_no_label_is_refused(text):
    with pytest.raises(ValueError, match="is not a label"):
        parse_label(text)
