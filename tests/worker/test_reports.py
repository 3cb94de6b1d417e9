import asyncio
import dataclasses
import datetime as dt

import pytest

from wiretask_protocol.codec import decode_report
from wiretask_protocol.messages import Encoding, Envelope, Outcome
from wiretask_worker import Cancelled, NoRetry, Retry, attempts, reports
from wiretask_worker.context import Context, current
from wiretask_worker.core.texts import fit
from wiretask_worker.errors import ResultError
from wiretask_worker.handlers import Handler


@dataclasses.dataclass
class Point:
    x: int


@pytest.mark.parametrize(
    ("value", "encoding", "body"),
    [
        (b"octets", Encoding.RAW, b"octets"),
        (bytearray(b"octets"), Encoding.RAW, b"octets"),
        (memoryview(b"octets"), Encoding.RAW, b"octets"),
        (None, Encoding.JSON, b"null"),
        (5, Encoding.JSON, b"5"),
        (2**70, Encoding.JSON, b"1180591620717411303424"),
        ("é", Encoding.JSON, '"é"'.encode()),
        ({"a": [1, 2.5, True]}, Encoding.JSON, b'{"a":[1,2.5,true]}'),
        (Point(1), Encoding.JSON, b'{"x":1}'),
        (dt.date(2026, 11, 23), Encoding.JSON, b'"2026-11-23"'),
    ],
)
def test_what_a_function_returns_is_encoded(value, encoding, body):
    finished = reports.succeeded(value)
    report = decode_report(finished.report)
    assert (finished.outcome, report.encoding, report.body) == (Outcome.SUCCEEDED, encoding, body)


def endless():
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize("value", [object(), print, {(1, 2): 3}, "\ud800", endless(), (x for x in "abc")])
def test_what_cannot_be_encoded_is_refused(value):
    with pytest.raises(ResultError, match=r"cannot be encoded as JSON: .*; return JSON values"):
        reports.succeeded(value)


def run(function, **options):
    envelope = Envelope("t", "default", Encoding.RAW, b"")
    context = Context(bytes(16), 1, envelope, lambda *_: None)
    return attempts.run(Handler(function, name="t", **options), envelope, context)


def failure(function, **options):
    finished = run(function, **options)
    return finished, decode_report(finished.report)


def object_of_python():
    return object()


def raises(error):
    def handler():
        raise error

    return handler


def test_an_error_is_reported_with_its_type_its_message_and_where_it_was_raised():
    finished, report = failure(raises(ValueError("it is wrong")))
    assert (finished.outcome, finished.no_retry, finished.retry_after) == (Outcome.FAILED, None, None)
    assert (report.error_type, report.error_message, report.body) == ("ValueError", "it is wrong", b"")
    assert "raise error" in report.traceback
    assert report.traceback.endswith("ValueError: it is wrong\n")


def test_a_traceback_begins_at_the_users_own_frames():
    _, report = failure(raises(ValueError("it is wrong")))
    assert "wiretask_worker" not in report.traceback
    assert report.traceback.count("File ") == 1


def test_an_error_of_a_module_has_the_modules_name():
    class Mine(Exception):  # noqa: N818
        pass

    _, report = failure(raises(Mine()))
    assert report.error_type.startswith(f"{__name__}.")
    assert report.error_type.endswith("Mine")


def test_a_cause_is_told_too():
    def handler():
        try:
            {}["missing"]
        except KeyError as error:
            raise ValueError("it is wrong") from error

    _, report = failure(handler)
    assert "KeyError: 'missing'" in report.traceback


def test_the_words_of_a_handler_go_with_the_result():
    assert failure(raises(NoRetry("never")))[0].no_retry is True
    finished, report = failure(raises(Retry("later", after=1.5)))
    assert (finished.retry_after, finished.no_retry, report.error_message) == (1500, None, "later")
    assert failure(raises(Retry(after=dt.timedelta(minutes=1))))[0].retry_after == 60000
    assert failure(raises(Retry(after=1e12)))[0].retry_after == 2**32 - 1
    assert failure(raises(Retry()))[0].retry_after is None
    assert failure(raises(Cancelled("asked to")))[0].outcome == Outcome.CANCELLED
    with pytest.raises(ValueError, match="say how many seconds"):
        Retry(after=-1)


def test_some_errors_are_not_worth_another_attempt():
    assert failure(raises(KeyError("x")), no_retry_on=(LookupError,))[0].no_retry is True
    assert failure(raises(ValueError("x")), no_retry_on=(LookupError,))[0].no_retry is None


def test_arguments_that_do_not_fit_and_results_that_cannot_be_encoded_are_not_tried_again():
    def wants(x: int):
        return x

    finished, report = failure(wants)
    assert (finished.no_retry, report.error_type, report.traceback) == (True, "ArgumentsError", None)
    finished, report = failure(object_of_python)
    assert (finished.no_retry, report.error_type) == (True, "ResultError")
    assert "of type object" in report.error_message


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError()])
def test_nothing_that_a_handler_raises_escapes(error):
    assert failure(raises(error))[0].outcome == Outcome.FAILED


def test_a_handler_that_exits_is_told_what_to_do_instead():
    _, report = failure(raises(SystemExit(3)))
    assert report.error_message == "the handler called sys.exit(3); raise an exception, or return"


def test_an_error_that_cannot_be_read_is_still_reported():
    class Broken(Exception):  # noqa: N818
        def __str__(self):
            raise RuntimeError

    _, report = failure(raises(Broken()))
    assert report.error_message == "(its text cannot be read: RuntimeError)"


def test_long_and_odd_texts_are_made_to_fit():
    def deep(n):
        return deep(n - 1) if n else 1 / 0

    _, report = failure(raises(ValueError("x\0\ud800" + "y" * 100_000)))
    assert len(report.error_message.encode()) <= reports.MESSAGE_OCTETS
    assert "\0" not in report.error_message
    _, report = failure(lambda: deep(500))
    assert len(report.traceback.encode()) <= reports.TRACEBACK_OCTETS
    assert report.traceback.endswith("ZeroDivisionError: division by zero\n")


def test_a_text_is_cut_in_its_middle_and_between_characters():
    assert fit("short", 5) == "short"
    cut = fit("é" * 100, 51)
    assert len(cut.encode()) <= 51
    assert cut.startswith("éé")
    assert cut.endswith("éé")
    assert "…" in cut


def test_the_context_is_there_while_the_handler_runs():
    seen = []
    run(lambda: seen.append(current().type))
    assert seen == ["t"]
    with pytest.raises(RuntimeError, match="no task is running here"):
        current()
