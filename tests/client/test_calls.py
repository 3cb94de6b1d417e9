import msgspec
import pytest

from wiretask_client.calls import Template, type_name
from wiretask_client.errors import BadCall
from wiretask_client.options import Options
from wiretask_protocol.codec import decode_envelope
from wiretask_protocol.messages import (
    ConcurrencyKey,
    Encoding,
    Envelope,
    FairnessKey,
    Header,
    RateKey,
    Resource,
    RetryPolicy,
)


class Declared:
    """A function as `@task` leaves it: what the client reads of it."""

    def __init__(self, name, queue=None, max_attempts=None, time_limit=None, **more):
        self.name, self.queue, self.max_attempts, self.time_limit = name, queue, max_attempts, time_limit
        self.__dict__ |= more
        self.__wiretask_task__ = self

    def __call__(self):
        raise AssertionError("a submission does not call it")


def call(*args, _options=None, **kwargs):
    return decode_envelope(Template("add", _options or Options()).envelope(args, kwargs))


@pytest.mark.parametrize("body", [b"", b"Hello", bytearray(b"Hello"), memoryview(b"Hello"), bytes(100_000)])
def test_one_argument_of_bytes_is_the_body_as_it_is(body):
    assert call(body) == Envelope("add", "default", Encoding.RAW, bytes(body))


@pytest.mark.parametrize(
    ("args", "kwargs", "body"),
    [
        ((), {}, b"[]"),
        ((2, 3), {}, b"[2,3]"),
        ((None,), {}, b"[null]"),
        (("é",), {}, '["é"]'.encode()),
        ((), {"a": 2, "b": [3]}, b'{"a":2,"b":[3]}'),
        ((b"x", 1), {}, b'["eA==",1]'),
    ],
)
def test_other_arguments_are_json(args, kwargs, body):
    assert call(*args, **kwargs) == Envelope("add", "default", Encoding.JSON, body)


def test_what_many_calls_share_is_in_each_envelope():
    options = Options(queue="mail", headers={"a": "1"}, trace_context="00-1")
    for body in (b"x", b"y"):
        assert call(body, _options=options) == Envelope(
            "add", "mail", Encoding.RAW, body, (Header("a", "1"),), trace_context="00-1"
        )


def test_positional_and_keyword_arguments_cannot_be_mixed():
    for args in ((1,), (b"x",)):
        with pytest.raises(BadCall, match="name all arguments, or none"):
            call(*args, a=1)


@pytest.mark.parametrize("value", [object(), {1, 2}.__iter__(), 1j, "\ud800"])
def test_what_json_does_not_have_is_refused(value):
    with pytest.raises(BadCall, match="cannot be written as JSON"):
        call(value)


def test_an_argument_that_holds_itself_is_refused():
    value: list[object] = []
    value.append(value)
    with pytest.raises(BadCall, match="cannot be written as JSON"):
        call(value)


@pytest.mark.parametrize(
    ("task_type", "options", "words"),
    [
        ("", Options(), "type"),
        ("a b", Options(), "type"),
        ("x" * 129, Options(), "type"),
        ("add", Options(queue="-"), "queue"),
        ("add", Options(queue="a\nb"), "queue"),
        ("add", Options(priority=10), "priority"),
        ("add", Options(priority=-1), "priority"),
        ("add", {"priority": "high"}, "priority is 'high'; it must be a whole number between 0 and 9"),
        ("add", {"priority": 1.5}, "priority is 1.5"),
        ("add", Options(queue=""), "queue is ''"),
        ("add", {"queue": 3}, "queue is 3"),
        ("add", Options(max_attempts=0), "max_attempts"),
        ("add", Options(max_attempts=65536), "max_attempts"),
        ("add", Options(cost=0), "cost"),
        ("add", Options(expires_in=0), "expires_in"),
        ("add", Options(note="x" * 1025), "note"),
        ("add", Options(headers={"a b": "1"}), "headers"),
        ("add", Options(headers={"a": "1\0"}), "headers"),
    ],
)
def test_what_the_protocol_does_not_take_is_refused_at_once_with_the_name_of_the_field(task_type, options, words):
    with pytest.raises(BadCall, match=words):
        Template(task_type, options)


def test_a_function_is_submitted_by_its_name():
    def add(a, b):
        raise AssertionError

    assert type_name(add) == "add"
    assert type_name("add@2") == "add@2"


@pytest.mark.parametrize("nameless", [lambda: None, 5, None, object()])
def test_what_has_no_name_is_refused(nameless):
    with pytest.raises(BadCall, match="give the type as a string"):
        type_name(nameless)


def test_what_the_task_says_holds_where_the_submission_says_nothing():
    add = Declared("add@2", queue="sums", max_attempts=3, time_limit=1.5)
    template = Template(add, Options())
    assert (template.type, template.queue, template.tags) == (
        "add@2",
        "sums",
        {"max_attempts": 3, "time_limit": 1500},
    )
    template = Template(add, Options(queue="other", max_attempts=1))
    assert (template.queue, template.tags) == ("other", {"max_attempts": 1, "time_limit": 1500})


def test_everything_that_a_task_can_say_is_read():
    add = Declared(
        "add", priority=7, retry={"base": 2}, retention=60, cost=2, requires=["gpu"], resources={"memory": 5},
        concurrency=("db", 3), rate=("api", 5, 1.0), fairness="acme",
    )  # fmt: skip
    template = Template(add, Options())
    assert template.priority == 7
    assert template.tags == {
        "retry": RetryPolicy(2000, 2000, 600_000, 100),
        "retention": 60_000,
        "cost": 2,
        "requires": ("gpu",),
        "resources": (Resource("memory", 5),),
        "concurrency": ConcurrencyKey("db", 3),
        "rate": RateKey("api", 5, 1000, 5),
        "fairness": FairnessKey("acme", 1),
    }


def test_an_empty_list_takes_back_what_the_task_says():
    add = Declared("add", requires=["gpu"], resources={"memory": 5})
    assert Template(add, Options(requires=[], resources={})).tags == {}


def test_a_priority_of_0_is_not_nothing():
    assert Template(Declared("add", priority=7), Options(priority=0)).priority == 0
    assert Template(Declared("add", priority=0), Options()).priority == 0


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"requires": "gpu"}, "give a list of labels"),
        ({"concurrency": ("db",)}, "concurrency is"),
        ({"rate": ("api", 0)}, "rate.limit"),
        ({"priority": 10}, "priority is 10"),
        ({"retry": {"bas": 1}}, "made of: base, factor, cap, jitter"),
        ({"cost": 0}, "cost is 0"),
    ],
)
def test_what_a_task_says_wrongly_is_refused_as_if_the_submission_said_it(said, words):
    with pytest.raises(BadCall, match=words):
        Template(Declared("add", **said), Options())


def test_dataclasses_and_structs_are_json_too():
    class Point(msgspec.Struct):
        x: int

    assert call(Point(1)).body == b'[{"x":1}]'
