"""Bodies and what becomes of them: one line a case, refusals in the majority."""

import dataclasses
import datetime as dt
from typing import Literal

import msgspec
import pytest

from wiretask_protocol.codec import encode_report
from wiretask_protocol.messages import Encoding, Envelope, Gathered, MemberResult, Outcome, Report
from wiretask_worker.arguments import Arguments
from wiretask_worker.context import Context
from wiretask_worker.errors import ArgumentsError, DefinitionError
from wiretask_worker.gathering import MemberFailed

JSON, RAW = Encoding.JSON, Encoding.RAW


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


def add(x: int, y: int):
    return x, y


def greet(name: str, greeting: str = "Hello"):
    return greeting, name


def first(a, /, b=2, *, c: int = 3):
    return a, b, c


def many(head: int, *rest: int, **named: str):
    return head, rest, named


def typed(when: dt.date, mode: Literal["a", "b"], points: list[Point]):
    return when, mode, points


def anything(value):
    return value


def octets(body: bytes):
    return body


def text(body: str):
    return body


def nothing():
    return "called"


def defaulted(x: int = 7):
    return x


def after(context: Context, x: int, y: int = 5):
    return context.attempt, x, y


def keyword(x: int, *, context: Context | None = None):
    assert context is not None
    return x, context.attempt


def octets_and_context(body: bytes, context: Context):
    return body, context.attempt


def called(function, encoding, body, *, raw=None):
    context = Context(bytes(16), 4, Envelope("t", "q", encoding, body), lambda *_: None)
    call = Arguments(function, raw=raw, where="task t").fill(encoding, body, context)
    return function(*call.args, **call.kwargs)


@pytest.mark.parametrize(
    ("function", "encoding", "body", "expected"),
    [
        (add, JSON, b"[2, 3]", (2, 3)),
        (add, JSON, b' \n{"y": 3, "x": 2}', (2, 3)),
        (greet, JSON, b'["Ada"]', ("Hello", "Ada")),
        (greet, JSON, b'{"name": "Ada", "greeting": "Ave"}', ("Ave", "Ada")),
        (first, JSON, b"[1]", (1, 2, 3)),
        (first, JSON, b'{"a": 1, "c": 9}', (1, 2, 9)),
        (many, JSON, b"[1, 2, 3]", (1, (2, 3), {})),
        (many, JSON, b'{"head": 1, "k": "v"}', (1, (), {"k": "v"})),
        (
            typed,
            JSON,
            b'["2026-11-23", "b", [{"x": 1}]]',
            (dt.date(2026, 11, 23), "b", [Point(1)]),
        ),
        (anything, JSON, b'[{"a": [1, null, 1.5]}]', {"a": [1, None, 1.5]}),
        (nothing, JSON, b"[]", "called"),
        (nothing, JSON, b"{}", "called"),
        (nothing, RAW, b"", "called"),
        (defaulted, RAW, b"", 7),
        (octets, RAW, b"\x00\xff", b"\x00\xff"),
        (octets, RAW, b"", b""),
        (octets, JSON, b'["aGk="]', b"hi"),
        (text, RAW, "é".encode(), "é"),
        (text, JSON, b'["x"]', "x"),
        (after, JSON, b"[2]", (4, 2, 5)),
        (after, JSON, b'{"y": 1, "x": 2}', (4, 2, 1)),
        (keyword, JSON, b"[2]", (2, 4)),
        (octets_and_context, RAW, b"x", (b"x", 4)),
        (octets_and_context, JSON, b'{"body": "aGk="}', (b"hi", 4)),
    ],
)
def test_a_body_that_fits_becomes_arguments(function, encoding, body, expected):
    assert called(function, encoding, body) == expected


@pytest.mark.parametrize(
    ("function", "encoding", "body", "words"),
    [
        (add, JSON, b'[2, "x"]', "argument y: Expected `int`, got `str`"),
        (add, JSON, b"[2, 3.5]", "argument y: Expected `int`, got `float`"),
        (add, JSON, b"[2, null]", "argument y: Expected `int`, got `null`"),
        (add, JSON, b"[2]", "missing argument 'y'"),
        (add, JSON, b'{"y": 1}', "missing argument 'x'"),
        (add, JSON, b"[1, 2, 3]", "takes 2 positional arguments (x, y), got 3"),
        (add, JSON, b'{"x": 1, "y": 2, "z": 3}', "unexpected argument 'z'; it takes x, y"),
        (nothing, JSON, b"[1]", "takes 0 positional arguments (none), got 1"),
        (nothing, JSON, b'{"x": 1}', "unexpected argument 'x'; it takes none"),
        (nothing, RAW, b"x", "the body is raw, and this task takes JSON arguments (none)"),
        (add, RAW, b"[2, 3]", "the body is raw, and this task takes JSON arguments (x, y)"),
        (add, RAW, b"", "the body is raw, and this task takes JSON arguments (x, y)"),
        (add, JSON, b"", "JSON arguments are an array (by position) or an object (by name)"),
        (add, JSON, b"5", "JSON arguments are an array (by position) or an object (by name)"),
        (add, JSON, b'"text"', "JSON arguments are an array (by position) or an object (by name)"),
        (add, JSON, b"nonsense", "the body is not JSON: JSON is malformed"),
        (add, JSON, b"[2, 3", "the body is not JSON: Input data was truncated"),
        (add, JSON, b"[2, 3] x", "the body is not JSON: JSON is malformed: trailing characters"),
        (anything, JSON, b'["\xff"]', "argument value: "),
        (anything, JSON, b"[" * 5000 + b"]" * 5000, "recursion"),
        (many, JSON, b'[1, 2, "x"]', "argument rest[1]: Expected `int`, got `str`"),
        (many, JSON, b'{"head": 1, "k": 2}', "argument k: Expected `str`, got `int`"),
        (typed, JSON, b'["today", "a", []]', "argument when: Invalid RFC3339"),
        (typed, JSON, b'["2026-11-23", "c", []]', "argument mode: Invalid enum value 'c'"),
        (
            typed,
            JSON,
            b'["2026-11-23", "a", [{"x": 1}, {"x": "?"}]]',
            "argument points[1].x: Expected `int`, got `str`",
        ),
        (octets, JSON, b'["no base64!"]', "argument body: Invalid base64 encoded string"),
        (text, RAW, b"\xff", "argument body: the raw body is not UTF-8"),
        (keyword, JSON, b'{"x": 1, "context": null}', "unexpected argument 'context'; it takes x"),
        (add, 200, b"[2, 3]", "the body has the encoding 200, which this worker does not know"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_and_the_argument_named(function, encoding, body, words):
    with pytest.raises(ArgumentsError) as caught:
        called(function, encoding, body)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_raw_takes_the_body_as_it_is_whatever_its_encoding():
    assert called(anything, JSON, b"[1", raw=True) == b"[1"
    assert called(octets_and_context, JSON, b"[1", raw=True) == (b"[1", 4)


def test_octets_are_known_to_be_raw_by_their_annotation():
    assert Arguments(octets, raw=None, where="t").raw
    assert Arguments(octets_and_context, raw=None, where="t").raw
    assert not Arguments(octets, raw=False, where="t").raw
    assert not Arguments(text, raw=None, where="t").raw


def unknown_name(x: "Missing"):  # type: ignore[name-defined] # noqa: F821
    return x


def two_kinds(x: dict[int, int] | dict[str, int]):
    return x


def stars(*contexts: Context):
    return contexts


@pytest.mark.parametrize(
    ("function", "raw", "words"),
    [
        (
            unknown_name,
            None,
            "task t: an annotation cannot be read: name 'Missing' is not defined; import it at",
        ),
        (two_kinds, None, "task t: the parameter 'x' cannot be read from JSON"),
        (stars, None, "task t: write `contexts: Context` without stars"),
        (add, True, "task t: raw=True wants a function with one parameter"),
        (nothing, True, "task t: raw=True wants a function with one parameter"),
    ],
)
def test_a_signature_that_no_body_can_fill_is_refused_at_once(function, raw, words):
    with pytest.raises(DefinitionError) as caught:
        Arguments(function, raw=raw, where="task t")
    assert words in str(caught.value)


# -- callbacks


def member(value, encoding=JSON, outcome=Outcome.SUCCEEDED, **error):
    body = value if encoding == RAW else msgspec.json.encode(value)
    return MemberResult(outcome, encode_report(Report(encoding, body, **error)))


def gathered_call(function, gathered, body=b"[]", encoding=JSON):
    envelope = Envelope("work", "default", encoding, body)
    context = Context(bytes(16), 4, envelope, lambda *_: None, gathered)
    call = Arguments(function, raw=None, where="here").fill(encoding, body, context)
    return function(*call.args, **call.kwargs)


def sums(numbers: list[int], unit: str = "pieces", *, context: Context):
    return numbers, unit, context.attempt


def days(dates: list[dt.date]):
    return dates


def step(point: Point, factor: int = 1):
    return point, factor


def loose(results, *more):
    return results, more


NUMBERS = Gathered(1, (member(1), member(2)))
FAILED = member(None, JSON, Outcome.TIMED_OUT, error_type="TimeLimitExceeded", error_message="slow")


@pytest.mark.parametrize(
    ("function", "gathered", "body", "expected"),
    [
        (sums, NUMBERS, b"[]", ([1, 2], "pieces", 4)),
        (sums, NUMBERS, b'["x"]', ([1, 2], "x", 4)),
        (sums, NUMBERS, b'{"unit": "x"}', ([1, 2], "x", 4)),
        (sums, Gathered(1, ()), b"[]", ([], "pieces", 4)),
        (
            sums,
            Gathered(1, (member(1), FAILED)),
            b"[]",
            ([1, MemberFailed("timed_out", "TimeLimitExceeded", "slow")], "pieces", 4),
        ),
        (days, Gathered(1, (member("2026-11-23"),)), b"[]", [dt.date(2026, 11, 23)]),
        (step, Gathered(2, (member({"x": 1}),)), b"[]", (Point(1), 1)),
        (step, Gathered(2, (member({"x": 1}),)), b"[3]", (Point(1), 3)),
        (octets, Gathered(2, (member(b"raw", RAW),)), b"[]", b"raw"),
        (loose, NUMBERS, b"[3, 4]", ([1, 2], (3, 4))),
    ],
)
def test_a_callback_gets_the_results_of_its_group_before_its_own_arguments(function, gathered, body, expected):
    assert gathered_call(function, gathered, body) == expected


def test_a_callback_without_arguments_of_its_own_may_have_an_empty_raw_body():
    assert gathered_call(days, Gathered(1, ()), b"", RAW) == []


@pytest.mark.parametrize(
    ("function", "gathered", "body", "encoding", "words"),
    [
        (
            sums,
            Gathered(1, (member(1), member("two"))),
            b"[]",
            JSON,
            "argument numbers\\[1\\]: Expected `int`, got `str`",
        ),
        (step, Gathered(2, (member({"y": 1}),)), b"[]", JSON, "argument point: Object missing required field `x`"),
        (
            days,
            Gathered(1, (MemberResult(1, encode_report(Report(JSON, b"{"))),)),
            b"[]",
            JSON,
            "argument dates\\[0\\]",
        ),
        (nothing, NUMBERS, b"[]", JSON, "gets the results of its group as its first argument; give it one"),
        (sums, NUMBERS, b"raw", RAW, "the body of a callback is JSON arguments"),
        (sums, NUMBERS, b"[1, 2]", JSON, "takes 1 positional argument .unit., got 2"),
        (sums, NUMBERS, b'{"numbers": [3]}', JSON, "unexpected argument 'numbers'"),
    ],
)
def test_results_that_do_not_fit_are_refused(function, gathered, body, encoding, words):
    with pytest.raises(ArgumentsError, match=words):
        gathered_call(function, gathered, body, encoding)
