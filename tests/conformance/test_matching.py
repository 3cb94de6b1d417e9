"""What a scenario expects of values: which fit, and - more of them - which do not."""

from typing import Any

import pytest

from wiretask_conformance.matching import filled, matches, merged, picked
from wiretask_conformance.verdicts import HarnessError

LEASE = {"lease": 1, "attempt": 2}


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        # As a whole
        (7, 7),
        ("ready", "ready"),
        (None, None),
        ([], []),
        ([1, 2], [1, 2]),
        # A mapping in part
        (LEASE, {}),
        (LEASE, {"lease": 1}),
        ({"report": {"body": "hex:01", "encoding": "raw"}}, {"report": {"body": "hex:01"}}),
        ([LEASE, LEASE], [{"lease": 1}, {"attempt": 2}]),
        # Operators
        (5, {">=": 5}),
        (5, {"<=": 5}),
        (6, {">": 5}),
        (4, {"<": 5}),
        (5, {"==": 5}),
        (4, {"!=": 5}),
        (2, {"in": [1, 2]}),
        ("b", {"in": ["a", "b"]}),
        (1, {"not": 0}),
        (LEASE, {"not": {"lease": 2}}),
        ([LEASE], {"has": {"lease": 1}}),
        ([1, 2, 3], {"has_all": [3, 1]}),
        ([1, 2, 3], {"has_all": []}),
        ([2, 1], {"items": [1, 2]}),
        ([], {"items": []}),
        ([1, 5, 1], {"items": [1, 1, {">": 1}]}),
        ("hex:000000", {"octets": 3}),
        ("hex:", {"octets": 0}),
        ("tasks.Broken", {"ends": "Broken"}),
        # What is there, and what is not
        (LEASE, {"outcome": {"absent": True}}),
        (LEASE, {"lease": {"absent": False}}),
        (LEASE, {"lease": {"any": True}}),
        ({"lease": None}, {"lease": {"any": True}}),
    ],
)
def test_a_value_fits(found: Any, wanted: Any) -> None:
    assert matches(found, wanted)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        # As a whole
        (7, 8),
        (7, "7"),
        ("ready", "read"),
        ("Ready", "ready"),
        (0, None),
        ([], None),
        ([1, 2], [2, 1]),
        ([1, 2], [1]),
        ([1], [1, 2]),
        ({"0": 1}, [1]),
        ("ab", ["a", "b"]),
        # A mapping in part
        (LEASE, {"lease": 2}),
        (LEASE, {"lease": 1, "attempt": 3}),
        (LEASE, {"outcome": "failed"}),
        (LEASE, {"outcome": None}),
        (LEASE, {"lease": {}}),
        (7, {}),
        ([LEASE], {"lease": 1}),
        (None, {"lease": 1}),
        ({"report": "hex:01"}, {"report": {"body": "hex:01"}}),
        # Operators
        (4, {">=": 5}),
        (6, {"<=": 5}),
        (5, {">": 5}),
        (5, {"<": 5}),
        (5, {"==": 6}),
        (5, {"!=": 5}),
        (3, {"in": [1, 2]}),
        (0, {"not": 0}),
        (LEASE, {"not": {"lease": 1}}),
        ([LEASE], {"has": {"lease": 2}}),
        ([], {"has": {}}),
        ([1, 2], {"has_all": [1, 3]}),
        ([1, 2, 3], {"items": [1, 2]}),
        ([1, 2], {"items": [1, 2, 3]}),
        ([1, 2], {"items": [1, 1]}),
        ([1, 1], {"items": [1, 2]}),
        ([1, 2], {"items": [{">=": 1}, 3]}),
        ([1, 1, 2], {"items": [2, 2, 1]}),
        ("hex:0000", {"octets": 3}),
        ("hex:00000000", {"octets": 3}),
        ("Broken.tasks", {"ends": "Broken"}),
        # What is there, and what is not
        (LEASE, {"lease": {"absent": True}}),
        (LEASE, {"outcome": {"absent": False}}),
        (LEASE, {"outcome": {"any": True}}),
        (LEASE, {"outcome": {"not": 1}}),
        (LEASE, {"outcome": {"!=": 1}}),
        (LEASE, {"outcome": {"in": [None, ""]}}),
        # Values of another kind than the operator is for: they do not fit, and nothing breaks
        ("5", {">=": 5}),
        (None, {"<": 5}),
        ([], {">": 0}),
        ({}, {">=": 0}),
        ([1], {"in": "1"}),
        (7, {"has": 7}),
        (None, {"has_all": [1]}),
        (7, {"items": [7]}),
        (7, {"ends": "7"}),
        (["Broken"], {"ends": "Broken"}),
        (7, {"octets": 1}),
        ([0], {"octets": 1}),
        (None, {"octets": 0}),
        ({"hex:": 1}, {"octets": 0}),
    ],
)
def test_a_value_does_not_fit(found: Any, wanted: Any) -> None:
    assert not matches(found, wanted)


def test_a_list_in_any_order_is_matched_whoever_comes_first() -> None:
    """The first of these fits both: it must leave the other one to who fits nothing else."""
    assert matches([{"lease": 1, "slot": 1}, {"lease": 1}], {"items": [{"lease": 1}, {"slot": 1}]})
    assert matches([{"lease": 1}, {"lease": 1, "slot": 1}], {"items": [{"lease": 1}, {"slot": 1}]})
    assert not matches([{"lease": 1}, {"slot": 1}], {"items": [{"slot": 1}, {"slot": 1}]})


def test_two_operators_are_names_of_fields() -> None:
    """Only a mapping of one operator compares; with two it would be open which of them."""
    assert matches({">=": 5, "<=": 9}, {">=": 5, "<=": 9})
    assert not matches(7, {">=": 5, "<=": 9})


# What is bound

BOUND = {"queue": "conformance.1", "task": "hex:01", "leases": [1, 2], "h.nonce": 7}


@pytest.mark.parametrize(
    ("value", "made"),
    [
        ("$queue", "conformance.1"),
        ("$leases", [1, 2]),
        ("$h.nonce", 7),
        ({"a": ["$task", {"b": "$queue"}]}, {"a": ["hex:01", {"b": "conformance.1"}]}),
        ("queue$", "queue$"),
        ({"$queue": 1}, {"$queue": 1}),
        (7, 7),
        (None, None),
        ({"zeros": 3}, "hex:000000"),
        ({"zeros": 0}, "hex:"),
        ([{"zeros": 1}], ["hex:00"]),
        ({"zeros": 1, "ones": 2}, {"zeros": 1, "ones": 2}),
    ],
)
def test_names_are_filled_in(value: Any, made: Any) -> None:
    assert filled(value, BOUND) == made


@pytest.mark.parametrize("value", ["$nobody", "$", "$$queue", "$Queue", "$queue ", ["$h"], {"a": {"b": "$nobody"}}])
def test_a_name_that_nobody_bound_is_an_error_of_the_scenario(value: Any) -> None:
    with pytest.raises(HarnessError, match=r"nothing is bound to \$"):
        filled(value, BOUND)


@pytest.mark.parametrize(
    ("base", "over", "made"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": None}, {}),
        ({}, {"a": None}, {}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}, {"a": {"c": 2}}),
        ({"a": {"b": 1}}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1}, {"a": 0}, {"a": 0}),
    ],
)
def test_a_mapping_is_laid_over_another(base: dict[str, Any], over: dict[str, Any], made: dict[str, Any]) -> None:
    before = repr(base)
    assert merged(base, over) == made
    assert repr(base) == before


# What lies at a path

VALUE = {"report": {"body": "hex:01"}, "leases": [{"lease": 1}, {"lease": 2}]}


@pytest.mark.parametrize(
    ("path", "found"), [("report.body", "hex:01"), ("report", {"body": "hex:01"}), ("leases.1.lease", 2)]
)
def test_a_path_leads_to_a_value(path: str, found: Any) -> None:
    assert picked(VALUE, path) == found


@pytest.mark.parametrize(
    "path",
    ["", "body", "report.", "report.error", "report.body.x", "report.0", "leases.2", "leases.lease", "leases.1.x", "."],
)
def test_a_path_that_leads_nowhere_is_an_error_of_the_scenario(path: str) -> None:
    with pytest.raises(HarnessError, match="there is no "):
        picked(VALUE, path)
