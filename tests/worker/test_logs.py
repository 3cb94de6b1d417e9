"""A line is a line, whoever wrote what is in it; and for programs it is JSON."""

import json
import logging
import sys

from wiretask_worker.logs import Json, about


def line(message, *arguments, error=None, **fields):
    info = error and (type(error), error, error.__traceback__)
    record = logging.LogRecord("x.y", logging.WARNING, "x.py", 1, message, arguments, info)
    record.__dict__.update(about(**fields) if fields else {})
    record.created, record.msecs = 1_700_000_000.25, 250.0
    text = Json().format(record)
    assert "\n" not in text
    return json.loads(text)


def test_a_line_for_programs_says_when_how_bad_and_what():
    assert line("it is %d", 5) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "warning",
        "event": "it is 5",
        "logger": "x.y",
    }


def test_what_a_line_is_about_stands_in_fields():
    assert line("ended", task="0190", attempt=2)["attempt"] == 2
    assert line("ended", odd={1}, task="a\nb")["task"] == "a\nb"


def test_an_error_shows_its_traceback_on_the_same_line():
    try:
        int("no\nway")
    except ValueError:
        found = line("went wrong", error=sys.exception())
    assert found["error"].startswith("ValueError(")
    assert "test_logs.py" in found["traceback"]
