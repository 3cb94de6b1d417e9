"""A line is a line, whoever wrote what is in it."""

import json
import logging

from wiretask_scheduler.logs import Json, OneLine, about, escaped


def line(message, *arguments, error=None):
    record = logging.LogRecord(
        "x", logging.ERROR, "x.py", 1, message, arguments, error and (type(error), error, error.__traceback__)
    )
    return OneLine().format(record)


def test_an_error_shows_its_last_words_and_its_place():
    try:
        int("no\nway")
    except ValueError as error:
        text = line("it went %s", "wrong", error=error)
    assert "ERROR it went wrong (ValueError: invalid literal" in text
    assert "no\\nway" in text
    assert "test_logs.py:" in text
    assert "\n" not in text


def test_a_record_without_an_error_is_its_message():
    assert line("hello").endswith(" ERROR hello")


def test_the_words_of_a_peer_cannot_leave_their_line_or_move_the_cursor():
    assert escaped("name\n\x1b[31mred\u202e\0") == "name\\n\\x1b[31mred\\u202e\\x00"
    assert len(escaped("x" * 10_000)) == 200


def test_a_line_for_programs_is_json_with_what_it_is_about_in_fields():
    try:
        int("no\nway")
    except ValueError as caught:
        record = logging.LogRecord(
            "x.y", logging.ERROR, "x.py", 1, "it is %d", (5,), (type(caught), caught, caught.__traceback__)
        )
    record.__dict__.update(about(peer=7, address="a\nb"))
    record.created, record.msecs = 1_700_000_000.25, 250.0
    text = Json().format(record)
    assert "\n" not in text
    found = json.loads(text)
    assert (found["time"], found["level"], found["event"]) == ("2023-11-14T22:13:20.250Z", "error", "it is 5")
    assert (found["logger"], found["peer"], found["address"]) == ("x.y", 7, "a\nb")
    assert "ValueError" in found["error"]
    assert "test_logs.py" in found["traceback"]
