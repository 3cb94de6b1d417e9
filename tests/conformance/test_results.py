"""results.json: what is written is what is read, and nothing else is read."""

import json
from pathlib import Path

import jsonschema
import pytest

from wiretask_conformance import results
from wiretask_conformance.results import Implementation, Result, ResultsError, Run, Verdict, load, loads, printable

SPEC = "ab" * 32
FOLDER = Path(results.__file__).parent


def case(id="c-1", verdict="pass", level="MUST", kind="decode", **more):
    return Result(id, f"Task/{id}", kind, level, ("R-TSK-001",), verdict, 0.25, **more)


def run(*cases, **more):
    rest = {"command": ("./mine", "--flag"), "scale": 1.0, "started": "2026-11-23T14:00:00Z", "seconds": 3.5, **more}
    return Run(SPEC, "codec", Implementation("mine", "0.1", "go"), cases=cases, **rest)


def spoilt(*path, to):
    """The text of a good file in which one value is another; `...` takes it away."""
    body = json.loads(run(case()).to_json())
    place = body
    for key in path[:-1]:
        place = place[key]
    if to is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return json.dumps(body)


# What is written


def test_what_is_written_is_read_back():
    whole = run(
        case(),
        case("c-2", "fail", detail="must be é", log=("0.001 > Hello", "0.002 < Error ☠")),
        problems=("known.txt:3: matches nothing; delete the line",),
        command=(),
    )
    assert loads(whole.to_json(), "results.json", spec=SPEC) == whole


def test_a_file_is_written_in_one_go_and_read_back(tmp_path):
    path = tmp_path / "results.json"
    path.write_text("former")
    run(case()).write(path)
    assert load(path, spec=SPEC) == run(case())
    assert [file.name for file in tmp_path.iterdir()] == ["results.json"]


@pytest.mark.parametrize(
    "whole", [run(), run(case(), case("c-2", "fail", "SHOULD", detail="x", log=("0.1 > a",)), problems=("x",))]
)
def test_the_published_schema_accepts_what_is_written(whole):
    schema = json.loads((FOLDER / "results.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(whole.to_json()), schema)


def test_the_published_schema_names_our_schema_and_all_levels_kinds_and_verdicts():
    schema = json.loads((FOLDER / "results.schema.json").read_text())
    assert schema["properties"]["schema"]["const"] == results.SCHEMA
    assert tuple(schema["properties"]["kind"]["enum"]) == results.KINDS
    assert tuple(schema["$defs"]["level"]["enum"]) == results.LEVELS
    assert tuple(schema["$defs"]["verdict"]["enum"]) == Verdict.ALL


def test_a_case_is_one_line_of_the_file():
    lines = run(case(), case("c-2")).to_json().splitlines()
    assert [line.strip()[:13] for line in lines if '"id"' in line] == ['{"id": "c-1",', '{"id": "c-2",']


def test_a_detail_is_one_line_that_does_nothing_to_a_terminal():
    loud = run(case(verdict="fail", detail="two\nlines \x1b[31mred\x1b[0m \u202eback \udcff\x00"))
    (said,) = loads(loud.to_json(), "x", spec=SPEC).cases
    assert said.detail == r"two lines \x1b[31mred\x1b[0m \u202eback \udcff\x00"


def test_what_is_printable_stays_as_it_is():
    assert printable("is legal, and was refused with BAD_UTF8 — é ☠") == "is legal, and was refused with BAD_UTF8 — é ☠"


def test_the_suite_has_the_version_of_the_distribution():
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert f'\nversion = "{results.SUITE}"\n' in project


# The implementation


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"name": "mine", "version": "0.1", "language": "go"}, "mine 0.1 (go)"),
        ({"name": "mine", "version": "0.1"}, "mine 0.1"),
        ({"name": "mine", "language": "go"}, "mine (go)"),
        ({"name": "mine", "version": 7, "language": None, "more": "x"}, "mine"),
        ({}, ""),
    ],
)
def test_an_implementation_owes_its_name_alone(answer, text):
    assert str(Implementation.of(answer)) == text


# Counts and exit codes


def test_cases_are_counted_by_level_and_verdict():
    whole = run(case("a"), case("b"), case("c", "fail"), case("d", "pass", "SHOULD", "cell"))
    assert whole.counts == {"MUST": {"pass": 2, "fail": 1}, "SHOULD": {"pass": 1}}
    assert whole.counts_by_kind == {"decode": {"MUST": {"pass": 2, "fail": 1}}, "cell": {"SHOULD": {"pass": 1}}}
    assert run().counts == run().counts_by_kind == {}


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ("pass", 0),
        ("pass known_fail not_applicable", 0),
        ("known_fail", 0),
        ("flaky", 0),
        ("pass fail", 1),
        ("pass wrong_error", 1),
        ("pass timeout", 1),
        ("pass crash", 1),
        ("fail contract unexpected_pass", 1),
        ("pass unexpected_pass", 2),
        ("not_applicable", 2),
        ("", 2),
        ("pass contract", 3),
        ("contract unexpected_pass", 3),
        ("harness_error", 4),
        ("pass fail contract unexpected_pass harness_error", 4),
    ],
)
def test_the_exit_code_follows_from_the_verdicts(verdicts, code):
    assert run(*(case(str(at), verdict) for at, verdict in enumerate(verdicts.split()))).exit_code == code


def test_a_should_that_is_not_kept_leaves_it_conformant():
    assert run(case("a"), case("b", "fail", "SHOULD")).exit_code == 0


def test_a_wrong_list_of_known_failures_is_no_success():
    assert run(case(), problems=("known.txt:1: matches nothing; delete the line",)).exit_code == 2
    assert run(case("a", "fail"), problems=("known.txt:1: matches nothing; delete the line",)).exit_code == 1


def test_every_verdict_that_failed_has_an_exit_code_of_its_own():
    for verdict in Verdict.ALL:
        assert (run(case("a"), case("b", verdict)).exit_code != 0) == (verdict in Verdict.FAILED)
        assert case("b", verdict).failed == (verdict in Verdict.FAILED)


# What is not read


@pytest.mark.parametrize("text", ["", "{", "[1, 2", "\x00", "nonsense", "[" * 200_000, '{"a": 1}}', "1" * 5000])
def test_what_is_no_json_is_refused_in_one_line(text):
    with pytest.raises(ResultsError) as refused:
        loads(text, "out/results.json", spec=SPEC)
    said = str(refused.value)
    assert said.startswith("out/results.json: ")
    assert said.endswith(("; give the results.json of a run", "; run this suite again"))
    assert "\n" not in said


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        "7",
        '"x"',
        "{}",
        '{"schema": ["wiretask-conformance-results-1"]}',
        spoilt("schema", to="wiretask-conformance-results-2"),
    ],
)
def test_another_schema_is_refused(text):
    with pytest.raises(
        ResultsError, match=r"^old\.json: has the schema .*, not wiretask-conformance-results-1; run this suite again$"
    ):
        loads(text, "old.json", spec=SPEC)


def test_results_of_another_suite_are_refused():
    with pytest.raises(ResultsError, match=r"^r: is of the suite 0\.0\.9, this is 0\.1\.0; run the suite again$"):
        loads(spoilt("suite", to="0.0.9"), "r", spec=SPEC)
    with pytest.raises(ResultsError, match=r"is of the suite null"):
        loads(spoilt("suite", to=...), "r", spec=SPEC)


def test_results_of_another_spec_are_refused_with_the_beginning_of_both_digests():
    with pytest.raises(
        ResultsError, match=r"^r: is of the spec abababababab…, this is cdcdcdcdcdcd…; run the suite again$"
    ):
        loads(run(case()).to_json(), "r", spec="cd" * 32)


@pytest.mark.parametrize(
    ("path", "to", "said"),
    [
        (("kind",), "broker", "kind: is broker"),
        (("kind",), "Codec", "kind: is Codec"),
        (("kind",), None, "kind: is null"),
        (("kind",), ..., "kind: is not there"),
        (("implementation",), "mine", "implementation: is mine"),
        (("implementation", "name"), 7, "implementation.name: is 7"),
        (("implementation", "version"), ..., "implementation.version: is not there"),
        (("command",), "./mine", "command: is ./mine"),
        (("command",), ["./mine", 7], 'command: is ["./mine", 7'),
        (("scale",), True, "scale: is true"),
        (("scale",), float("nan"), "scale: is NaN"),
        (("seconds",), -1, "seconds: is -1"),
        (("seconds",), float("inf"), "seconds: is Infinity"),
        (("seconds",), 10**400, "seconds: is 100000000000…"),
        (("cases", 0, "seconds"), 10**400, "cases[0].seconds: is 100000000000…"),
        (("started",), "yesterday", "started: yesterday is no time"),
        (("started",), "2026-11-23T14:00:00+01:00", "started: 2026-11-23T"),
        (("problems",), ..., "problems: is not there"),
        (("cases",), {}, "cases: is {}"),
        (("cases", 0), "c-1", "cases[0]: is c-1"),
        (("cases", 0, "id"), 1, "cases[0].id: is 1"),
        (("cases", 0, "level"), "MAY", "cases[0].level: is MAY"),
        (("cases", 0, "verdict"), "passed", "cases[0].verdict: is passed"),
        (("cases", 0, "verdict"), "fail", "counts: is not what the cases say"),
        (("cases", 0, "requires"), "R-TSK-001", "cases[0].requires: is R-TSK-001"),
        (("cases", 0, "detail"), ..., "cases[0].detail: is not there"),
        (("cases", 0, "log"), "0.1 > Hello", "cases[0].log: is 0.1 > Hello"),
        (("counts",), {"MUST": {"pass": 2}}, "counts: is not what the cases say"),
        (("exit",), 1, "exit: is not what the cases say, 0"),
        (("exit",), ..., "exit: is not what the cases say, 0"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(path, to, said):
    with pytest.raises(ResultsError) as refused:
        loads(spoilt(*path, to=to), "r", spec=SPEC)
    assert str(refused.value).startswith("r: " + said)
    assert ";" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_two_cases_with_one_id_are_refused():
    with pytest.raises(ResultsError, match=r"cases: two of them have the same id"):
        loads(run(case(), case()).to_json(), "r", spec=SPEC)


def test_a_file_that_cannot_be_read_is_refused_in_one_line(tmp_path):
    with pytest.raises(ResultsError, match=r"No such file or directory; give the results.json of a run$"):
        load(tmp_path / "none.json", spec=SPEC)
    with pytest.raises(ResultsError, match=r"directory; give the results.json of a run$"):
        load(tmp_path, spec=SPEC)
    (tmp_path / "latin.json").write_bytes(b"\xff")
    with pytest.raises(ResultsError, match=r"is not UTF-8; give the results.json of a run$"):
        load(tmp_path / "latin.json", spec=SPEC)
