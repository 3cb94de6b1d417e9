"""The list of known failures: what it excuses, and how it is kept from rotting."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiretask_conformance.known import KnownError, apply, load, parse, updated
from wiretask_conformance.results import Result, Verdict

TODAY = date(2026, 11, 23)
WRONG_ERROR = "must be refused with TRUNCATED field nonce offset 1, and was with BAD_ENUM field kind offset 0"


def case(name, verdict="fail", detail="is legal, and was refused with BAD_ENUM field kind offset 0", id=None):
    return Result(id or "c-" + name, name, "decode", "MUST", (), verdict, 0.1, "" if verdict == "pass" else detail)


def judged(text, *cases, **more):
    """The verdicts after the list was applied, and what is wrong with the list."""
    applied = apply(parse(text, "known.txt"), cases, TODAY, **more)
    return [result.verdict for result in applied.results], applied.problems


def refused(text):
    with pytest.raises(KnownError) as error:
        parse(text, "known.txt")
    assert str(error.value) == "\n".join(error.value.problems)
    return error.value.problems


# What is excused


@pytest.mark.parametrize(
    ("pattern", "excused"),
    [
        ("Task/sha256/cut-7", True),
        ("c-1", True),
        ("Task/*/cut-7", True),
        ("Task/sha*/cut-*", True),
        ("*/sha256/*", True),
        ("Task/**", True),
        ("**/cut-7", True),
        ("**cut-*", True),
        ("T**7", True),
        ("*-1", True),
        ("Task/*", False),
        ("*/cut-7", False),
        ("Task/sha256", False),
        ("ask/sha256/cut-7", False),
        ("Task/sha256/cut-70", False),
        ("task/sha256/cut-7", False),
        ("Task/sha256/cut.7", False),
        ("Task/sha256/cut-[0-9]", False),
        ("c-", False),
        ("c-1*/", False),
    ],
)
def test_a_pattern_is_of_an_id_or_a_name_and_a_star_stays_in_its_segment(pattern, excused):
    verdicts, problems = judged(pattern + "  # for now", case("Task/sha256/cut-7", id="c-1"), case("else"))
    assert verdicts == ["known_fail" if excused else "fail", "fail"]
    assert problems == ([] if excused else [f"known.txt:1: {pattern} matches no case; correct it or delete the line"])


def test_a_known_failure_says_why():
    applied = apply(parse("a expect=BAD_ENUM until=2027-01-01\t# they mend it #12", "k"), [case("a")], TODAY)
    assert (
        applied.results[0].detail
        == "is legal, and was refused with BAD_ENUM field kind offset 0 (known: they mend it #12)"
    )
    assert applied.problems == []


def test_comments_and_empty_lines_say_nothing():
    assert judged("# ours\n\n   \n  # indented\r\na  # x\r\n", case("a")) == (["known_fail"], [])
    assert judged("", case("a")) == (["fail"], [])


def test_two_entries_of_one_case_are_both_used():
    assert judged("Task/*  # all\nTask/a expect=timeout  # this\n", case("Task/a", "timeout")) == (["known_fail"], [])


@pytest.mark.parametrize("verdict", sorted(Verdict.FAILING))
def test_every_way_of_failing_can_be_known(verdict):
    assert judged("a  # x", case("a", verdict)) == (["known_fail"], [])


# What is not excused


@pytest.mark.parametrize("verdict", ["contract", "harness_error", "not_applicable", "flaky"])
def test_what_is_no_failure_of_the_implementation_is_not_excused(verdict):
    assert judged("a  # x", case("a", verdict)) == ([verdict], [])


def test_a_case_that_passes_is_unexpected_and_names_the_line_to_delete():
    known = parse("# ours\nTask/*  # x", "known.txt")
    (passing, failing), problems = apply(known, [case("Task/a", "pass"), case("Task/b")], TODAY)
    assert (passing.verdict, failing.verdict, problems) == ("unexpected_pass", "known_fail", [])
    assert passing.detail == "passes, and known.txt:2 says that it fails; delete the line"


def test_an_entry_that_matches_nothing_is_wrong_after_a_complete_run_only():
    assert judged("a  # x\nb  # y", case("b"))[1] == ["known.txt:1: a matches no case; correct it or delete the line"]
    assert judged("a  # x\nb  # y", case("b"), complete=False) == (["known_fail"], [])


@pytest.mark.parametrize(
    ("until", "expired"), [("2026-11-22", True), ("2026-11-23", False), ("2026-11-24", False), ("2025-12-31", True)]
)
def test_an_entry_is_wrong_once_its_day_has_gone(until, expired):
    verdicts, problems = judged(f"a until={until}  # x", case("a"))
    assert verdicts == ["known_fail"]
    assert problems == [f"known.txt:1: a was to fail until {until}; mend it or decide anew"] * expired


def test_an_entry_can_be_expired_and_match_nothing():
    assert len(judged("a until=2026-01-01  # x")[1]) == 2


@pytest.mark.parametrize(
    ("expect", "verdict", "detail", "excused"),
    [
        ("BAD_ENUM", "wrong_error", WRONG_ERROR, True),
        ("kind", "wrong_error", WRONG_ERROR, True),
        ("wrong_error", "wrong_error", WRONG_ERROR, True),
        ("accepted", "fail", "must be refused with TRUNCATED, and was accepted", True),
        ("TRUNCATED", "wrong_error", WRONG_ERROR, False),
        ("TRUNCATED", "fail", "must be refused with TRUNCATED, and was accepted", False),
        ("BAD_ENUM", "fail", "is legal, and was refused with BAD_ENUMS", False),
        ("BAD_ENUM", "crash", "it ended without an answer", False),
        ("fail", "crash", "it ended without an answer", False),
        ("wrong_error", "timeout", "no answer for 5 seconds", False),
    ],
)
def test_who_fails_otherwise_than_expected_fails(expect, verdict, detail, excused):
    text = f"a expect={expect}  # x"
    (result,), problems = apply(parse(text, "known.txt"), [case("a", verdict, detail)], TODAY)
    assert problems == []
    assert result.verdict == ("known_fail" if excused else verdict)
    assert result.detail == detail + (" (known: x)" if excused else f" (known.txt:1 expects {expect})")


# Lines that are not understood


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Task/a", "there is no reason; a line is: pattern [until=2027-01-01] [expect=BAD_ENUM]  # reason"),
        ("Task/a #", "there is no reason"),
        ("Task/a  #   ", "there is no reason"),
        ("Task/a# reason", "there is no reason"),
        ("Task/a Task/b  # x", "Task/b is not understood; a line is: pattern"),
        ("Task/a until  # x", "until is not understood"),
        ("Task/a Until=2027-01-01  # x", "Until=2027-01-01 is not understood"),
        ("Task/a until = 2027-01-01  # x", "until is not understood"),
        ("Task/a [until=2027-01-01]  # x", "[until=2027-01-01] is not understood"),
        ("Task/a owner=me  # x", "owner=me is not understood"),
        ("Task/a until=  # x", "until= is no day; write it as until=2027-01-01"),
        ("Task/a until=soon  # x", "until=soon is no day"),
        ("Task/a until=2027-02-30  # x", "until=2027-02-30 is no day"),
        ("Task/a until=20270101  # x", "until=20270101 is no day"),
        ("Task/a until=01/02/2027  # x", "until=01/02/2027 is no day"),
        ("Task/a until=\u0662027-01-01  # x", "is no day"),
        ("Task/a until=2027-01-01 until=2027-01-01  # x", "until= stands there twice; leave one of them"),
        ("Task/a expect=  # x", "expect= is no word; write a verdict or the name of an error, expect=BAD_ENUM"),
        ("Task/a expect=BAD-ENUM  # x", "expect=BAD-ENUM is no word"),
        ("Task/a expect=pass  # x", "expect=pass is no way to fail; write one of crash, fail,"),
        ("Task/a expect=contract  # x", "expect=contract is no way to fail"),
        ("Task/***  # x", "Task/*** has three stars; * is within a segment, ** across them"),
        ("**  # x", "** excuses every case; name what is known to fail"),
        ("*  # x", "* excuses every case"),
        ("**/*  # x", "**/* excuses every case"),
        ("*/*/*  # x", "*/*/* excuses every case"),
        (
            "\ufeffTask/a  # x",
            r"'\ufeffTask/a  # x' has characters that cannot be seen; write it with spaces and letters",
        ),
        ("Task/a\u00a0until=2027-01-01  # x", "has characters that cannot be seen"),
        ("Task/\x1b[31ma  # x", "has characters that cannot be seen"),
        ("Task/\u202ea  # x", "has characters that cannot be seen"),
    ],
)
def test_a_wrong_line_is_refused_with_its_place_and_the_remedy(line, said):
    (problem,) = refused("# ours\n" + line)
    assert problem.startswith("known.txt:2: ")
    assert said in problem
    assert ";" in problem
    assert problem.isprintable()


def test_all_wrong_lines_are_said_at_once():
    problems = refused("a\nb  # good\nc until=x  # y\n\nd owner=z  # y\n")
    assert [problem.split(": ")[0] for problem in problems] == ["known.txt:1", "known.txt:3", "known.txt:5"]


def test_a_pattern_stands_there_once():
    assert refused("a  # x\nb  # x\na until=2027-01-01  # x\n") == [
        "known.txt:3: a stands in line 1 already; leave one of them"
    ]


def test_a_list_that_cannot_be_read_is_refused_in_one_line(tmp_path):
    with pytest.raises(KnownError, match=r"No such file or directory; give a list of known failures$"):
        load(tmp_path / "none.txt")
    (tmp_path / "latin.txt").write_bytes(b"a  # \xff")
    with pytest.raises(KnownError, match=r"latin.txt: is not UTF-8; write it in UTF-8$"):
        load(tmp_path / "latin.txt")
    (tmp_path / "good.txt").write_text("a  # é\n", encoding="utf-8")
    assert load(tmp_path / "good.txt").entries[0].reason == "é"


# The list of what fails now


def now(text, *cases, **more):
    return updated(parse(text, "known.txt") if text else None, cases, **more)


def test_the_first_list_has_a_line_a_failure_with_what_it_did():
    text = now(
        "", case("Task/a", detail="was \x1b[31maccepted\n# or so"), case("Task/b", "pass"), case("Task/c", "crash", "")
    )
    assert text == "Task/a  # was \\x1b[31maccepted # or so\nTask/c  # not said\n"


def test_nothing_fails_and_nothing_stands_in_the_list():
    assert now("a  # x\n", case("a", "pass")) == ""
    assert now("") == ""


def test_comments_reasons_and_days_stay():
    text = "# ours\n\na until=2027-01-01  # x\n# theirs\nb expect=BAD_ENUM  # y\n"
    assert now(text, case("a"), case("b")) == text


def test_an_entry_whose_case_passes_goes():
    assert now("# ours\na  # x\nb  # y\n", case("a", "pass"), case("b")) == "# ours\nb  # y\n"


def test_a_pattern_of_which_some_pass_becomes_what_is_left_of_it():
    text = now("T/* until=2027-01-01  # x\n# end\n", case("T/a"), case("T/b", "pass"), case("T/c"))
    assert text == "T/a until=2027-01-01  # x\nT/c until=2027-01-01  # x\n# end\n"


def test_a_pattern_that_becomes_cases_leaves_the_lines_that_name_them_alone():
    assert now("T/*  # x\nT/a  # y\n", case("T/a"), case("T/b", "pass"), case("T/c")) == "T/c  # x\nT/a  # y\n"


def test_who_fails_otherwise_now_gets_a_line_of_its_own():
    assert now("a expect=crash  # x\n", case("a", detail="was accepted")) == "a  # was accepted\n"


def test_what_was_not_run_stays_after_a_run_of_chosen_cases():
    assert now("a  # x\nb  # y\n", case("b", "pass"), complete=False) == "a  # x\n"
    assert now("a  # x\nb  # y\n", case("b", "pass")) == ""


def test_a_day_that_has_gone_is_for_people_to_set():
    text = "a until=2026-01-01  # x\n"
    assert now(text, case("a")) == text


@given(
    st.dictionaries(
        st.sampled_from(["T/a", "T/b", "T/a/c", "U/a", "U/b"]),
        st.sampled_from(["pass", "fail", "crash", "not_applicable"]),
    ),
    st.dictionaries(
        st.sampled_from(["T/a", "c-T/b", "T/*", "T/**", "U/*", "**a", "U/b", "V"]),
        st.sampled_from(["", " expect=crash", " expect=BAD_ENUM"]),
    ),
)
def test_the_new_list_excuses_all_that_fails_and_nothing_else(cases, entries):
    results = [case(name, verdict) for name, verdict in cases.items()]
    before = parse("".join(f"{pattern}{expect}  # x\n" for pattern, expect in entries.items()), "known.txt")
    text = updated(before, results)
    applied, problems = apply(parse(text, "new.txt"), results, TODAY)
    assert problems == []
    assert {result.verdict for result in applied} <= {"pass", "known_fail", "not_applicable"}
    assert updated(parse(text, "new.txt"), results) == text
