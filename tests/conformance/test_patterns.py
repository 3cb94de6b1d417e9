"""Cases are chosen by patterns, and who has mistyped one is offered what there is."""

import pytest

from wiretask_conformance.patterns import matches, near

NAMES = ["Accepted/many", "Accepted/least/tags/twice", "Hello/open", "stream/hello/open", "c-b19d6636b0"]


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("Hello/open", "Hello/open"),
        ("Hello/*", "Hello/open"),
        ("*", "c-b19d6636b0"),
        ("**", "Hello/open"),
        ("**/open", "stream/hello/open"),
        ("a.b", "a.b"),
        ("a[0]", "a[0]"),
    ],
)
def test_a_pattern_chooses(pattern: str, name: str) -> None:
    assert matches(pattern, "nothing", name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("Hello", "Hello/open"), ("*", "Hello/open"), ("hello/open", "Hello/open"), ("a.b", "acb"), ("", "Hello/open")],
)
def test_a_pattern_does_not_choose(pattern: str, name: str) -> None:
    assert not matches(pattern, "no/thing", name)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("ACCEPTED/MANY", ["Accepted/many"]),
        ("Acepted/manny", ["Accepted/many"]),
        ("hello", ["Hello/open", "stream/hello/open"]),
        ("/Hello/open/", ["Hello/open", "stream/hello/open"]),
        ("accepted/*", ["Accepted/many"]),
        ("c-b19d6636b1", ["c-b19d6636b0"]),
        ("xyzzy", []),
        ("xyzzy/**", []),
    ],
)
def test_what_is_nearly_a_name_is_offered_names(wanted: str, found: list[str]) -> None:
    assert near(wanted, NAMES) == found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("Hello", ["Hello/**"]),
        ("hello/", ["Hello/**"]),
        ("ACCEPTED/Least", ["Accepted/least/**"]),
        ("Hello/*/", ["Hello/*"]),
        ("Hello/opn", ["Hello/open", "stream/hello/open"]),
        ("xyzzy/**", []),
    ],
)
def test_what_is_nearly_a_pattern_is_offered_one(wanted: str, found: list[str]) -> None:
    assert near(wanted, NAMES, patterns=True) == found


def test_no_more_than_three_are_offered() -> None:
    assert len(near("a", [f"a{number}" for number in range(9)])) == 3


def test_of_two_that_are_spelt_alike_the_first_is_offered() -> None:
    assert near("HELLO", ["Hello", "hello"]) == ["Hello"]
