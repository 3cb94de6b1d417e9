"""The guard language: what it says, what it means, and what it does not take."""

import pytest

from wiretask_codegen.guards import GuardError, holds, names, parse, written

KINDS = {"open": 1, "accept": 2, "ping": 3}
FIELDS = {"kind": KINDS, "priority": None, "floor": None, "ceiling": None}
TAGGED = {"versions": None, "role": None}

#: What is written -> how it is written back (None: the same).
TAKEN = {
    "kind == open": None,
    "open == kind": None,
    "priority <= 9": None,
    "priority<=0x09": "priority <= 9",
    "floor <= ceiling": None,
    "present role": None,
    "not present role": None,
    "not kind == open": None,
    "tag_count == 0": None,
    "kind == open and present role": None,
    "kind == open or kind == accept": None,
    "kind == open and present role or tag_count > 1": "(kind == open and present role) or tag_count > 1",
    "kind == open and (present role or tag_count > 1)": None,
    "((kind == open))": "kind == open",
    "not (present role and present versions)": None,
    "not not present role": None,
    "kind\n  ==\n  open": "kind == open",
}

REFUSED = {
    "": "empty",
    "   ": "empty",
    "kind": "ends too early",
    "kind ==": "ends too early",
    "kind = open": "'=' is not part of a guard",
    "kind == open kind": "'kind' is left over",
    "kind == shut": "'shut' is neither",
    "king == open": "'king' is neither",
    "kind == 'open'": '"\'" is not part of a guard',
    "1 == 1": "compares two numbers",
    "open == open": "neither",
    "floor < priority < ceiling": "'<' is left over",
    "floor + 1 == ceiling": "'+' is not part of a guard",
    "present kind": "'kind' is not a tagged field",
    "present": "ends too early",
    "(kind == open": "ends too early",
    "(kind == open]": "']' is not part of a guard",
    "(kind == open or)": "ends too early",
    "kind == open)": "')' is left over",
    "and kind == open": "no comparison",
    "kind is open": "'is' is no comparison",
    "kind in open": "'in' is no comparison",
    "__import__('os').system('true')": "is not part of a guard",
    "kind == open and " * 60 + "present role": "more than 100 words",
    "not " * 5000 + "present role": "more than 100 words",
    "(" * 5000: "more than 100 words",
}


@pytest.mark.parametrize("text", TAKEN)
def test_a_guard_is_written_as_it_is_read(text):
    guard = parse(text, FIELDS, TAGGED)
    assert written(guard) == (TAKEN[text] or text)
    assert parse(written(guard), FIELDS, TAGGED) == guard


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:40])
def test_what_is_no_guard_is_refused_with_its_reason(text):
    with pytest.raises(GuardError) as caught:
        parse(text, FIELDS, TAGGED)
    assert REFUSED[text] in str(caught.value)


def test_where_there_are_no_tags_there_is_no_count_of_them():
    with pytest.raises(GuardError, match="no tags here"):
        parse("tag_count == 0", FIELDS, None)
    with pytest.raises(GuardError, match="not a tagged field"):
        parse("present role", FIELDS, None)


def test_and_binds_tighter_than_or_and_not_tightest():
    guard = parse("not present role and kind == open or kind == ping", FIELDS, TAGGED)
    assert written(guard) == "(not present role and kind == open) or kind == ping"


def test_a_guard_holds_or_not():
    guard = parse("kind == open and not present role or tag_count > 1 or floor >= ceiling", FIELDS, TAGGED)
    low = {"kind": 1, "priority": 0, "floor": 1, "ceiling": 2}
    assert holds(guard, low, (), 0)
    assert not holds(guard, low, {"role"}, 1)
    assert holds(guard, low, {"role"}, 2)
    assert holds(guard, {**low, "floor": 2}, {"role"}, 1)


@pytest.mark.parametrize(
    ("sign", "true"),
    {"==": "5", "!=": "46", "<": "6", "<=": "56", ">": "4", ">=": "45"}.items(),
)
def test_a_comparison_is_what_its_sign_says(sign, true):
    guard = parse(f"priority {sign} floor", FIELDS, TAGGED)
    assert [other for other in "456" if holds(guard, {"priority": 5, "floor": int(other)}, (), 0)] == list(true)


def test_a_guard_knows_what_it_looks_at():
    guard = parse("kind == open and (present role or not floor < ceiling) and tag_count == 2", FIELDS, TAGGED)
    assert names(guard) == {"kind", "role", "floor", "ceiling"}
