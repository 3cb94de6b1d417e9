"""What is said of a run: on the terminal, to a build server, and on the page. Whatever an implementation says is only text."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiretask_conformance import results
from wiretask_conformance.reports.junit import junit
from wiretask_conformance.reports.matrix import columns, sections
from wiretask_conformance.reports.page import page
from wiretask_conformance.reports.summary import summary
from wiretask_conformance.results import Implementation, Result, Run, Verdict

SPEC = "ab" * 32
#: What a testee may say, of all places.
NASTY = "<script>alert(1)</script> \"'&amp; \x1b[31m\x00\u202e\ud800 ]]> -->"
REQUIREMENTS = [
    {"id": "R-TSK-001", "message": "Task", "level": "MUST", "about": "A worker answers each Task."},
    {"id": "R-HEL-010", "message": "Hello", "level": "SHOULD", "about": "A peer sends grease & more."},
    {"id": "R-HEL-003", "message": "Hello", "about": "A ping and a pong have no tags."},
]


def case(name, verdict="pass", kind="decode", level="MUST", requires=(), detail="", log=(), id=None):
    return Result(id or "c-" + name, name, kind, level, requires, verdict, 0.25, detail, log)


def run(*cases, name="mine", version="0.1", language="go", kind="codec", problems=(), started="2026-11-23T14:00:00Z"):
    return Run(SPEC, kind, Implementation(name, version, language), ("./mine",), 1.0, started, 3.5, cases, problems)


# The terminal


def test_a_run_that_passed_is_three_lines_and_the_counts():
    assert summary(run(case("Task/a"), case("Task/b"), case("stream/c", kind="stream"))) == [
        "mine 0.1 (go): codec, spec abababababab, suite 0.1.0, 3.5 s",
        "  decode  MUST    2 pass",
        "  stream  MUST    1 pass",
        "conformant",
        "3 passed, 0 failed, 0 not applicable",
    ]


def test_a_failure_is_said_with_its_detail_and_how_to_have_it_explained():
    lines = summary(
        run(case("Task/a", "wrong_error", detail="must be X, and was Y", id="c-7"), case("Task/b", "crash"))
    )
    assert lines[2:] == [
        "  WRONG_ERROR Task/a: must be X, and was Y",
        "    wiretask-conformance explain c-7",
        "  CRASH Task/b: ",
        "    wiretask-conformance explain c-Task/b",
        "not conformant",
        "0 passed, 2 failed, 0 not applicable",
    ]


def test_failures_are_shown_as_far_as_they_fit_and_counted_all_the_same():
    lines = summary(run(*(case(f"Task/{at}", "fail", detail="x" * 500) for at in range(100))), shown=2)
    assert len(lines) == 9
    assert lines[2] == "  FAIL Task/0: " + "x" * 239 + "…"
    assert lines[-3:] == [
        "  … and 98 more; --report FOLDER has all of them",
        "not conformant",
        "0 passed, 100 failed, 0 not applicable",
    ]


def test_what_leaves_it_conformant_is_said_all_the_same():
    cases = [
        case("a"),
        case("b", "fail", level="SHOULD"),
        case("c", "known_fail"),
        case("d", "flaky"),
        case("e", "not_applicable"),
    ]
    lines = summary(run(*cases))
    assert lines[1:3] == [
        "  decode  MUST    1 pass, 1 flaky, 1 known fail, 1 not applicable",
        "  decode  SHOULD  1 fail",
    ]
    assert "  SHOULD FAIL b: " in lines
    assert lines[-2:] == [
        "conformant (1 SHOULD not kept, 1 known to fail, 1 flaky)",
        "1 passed, 1 failed, 1 not applicable",
    ]


@pytest.mark.parametrize(
    ("cases", "problems", "conclusion", "last"),
    [
        (
            [case("a")],
            ("k:1: a matches no case; x",),
            "no verdict: the list of known failures is wrong, or nothing was judged",
            "1 passed, 0 failed, 0 not applicable",
        ),
        (
            [case("a", "unexpected_pass")],
            (),
            "no verdict: the list of known failures is wrong, or nothing was judged",
            "0 passed, 1 failed, 0 not applicable",
        ),
        (
            [case("a", "not_applicable")],
            (),
            "no verdict: the list of known failures is wrong, or nothing was judged",
            "0 passed, 0 failed, 1 not applicable",
        ),
        (
            [],
            (),
            "no verdict: the list of known failures is wrong, or nothing was judged",
            "0 passed, 0 failed, 0 not applicable",
        ),
        (
            [case("a"), case("b", "contract")],
            (),
            "no verdict: the adapter broke its contract",
            "1 passed, 1 failed, 0 not applicable",
        ),
        (
            [case("a"), case("b", "harness_error")],
            (),
            "no verdict: the harness failed",
            "1 passed, 1 failed, 0 not applicable",
        ),
    ],
)
def test_a_run_without_a_verdict_says_whose_fault_it_is(cases, problems, conclusion, last):
    lines = summary(run(*cases, problems=problems))
    assert lines[-2:] == [conclusion, last]
    assert [line for line in lines if line.startswith("  LIST")] == [f"  LIST {problem}" for problem in problems]


def test_nothing_that_a_testee_says_reaches_the_terminal_as_it_is():
    lines = summary(run(case(NASTY, "fail", detail=NASTY, id=NASTY), name=NASTY, problems=(NASTY,)))
    assert all(line.isprintable() for line in lines)
    assert len(lines) == 7


# The build server


def read(text):
    """The file, as a build server reads it."""
    root = ET.fromstring(text.encode("utf-8"))
    assert root.tag == "testsuites"
    for suite in root:
        assert suite.tag == "testsuite"
        for total, tag in (("tests", ""), ("failures", "/failure"), ("errors", "/error"), ("skipped", "/skipped")):
            assert int(suite.get(total)) == len(suite.findall("testcase" + tag))
    for total in ("tests", "failures", "errors", "skipped"):
        assert int(root.get(total)) == sum(int(suite.get(total)) for suite in root)
    return root


def test_a_suite_is_a_kind_and_a_testcase_is_a_case():
    root = read(junit(run(case("Task/a"), case("Task.x/b"), case("stream/c", kind="stream"))))
    assert [(suite.get("name"), suite.get("tests"), suite.get("time")) for suite in root] == [
        ("codec decode", "2", "0.500000"),
        ("codec stream", "1", "0.250000"),
    ]
    assert [(one.get("classname"), one.get("name")) for one in root.iter("testcase")] == [
        ("codec.decode.Task", "Task/a"),
        ("codec.decode.Task_x", "Task.x/b"),
        ("codec.stream.stream", "stream/c"),
    ]


def test_the_properties_say_what_was_tested_with_which_spec():
    root = read(junit(run(case("Task/a", requires=("R-TSK-001", "R-HEL-010")))))
    said = {one.get("name"): one.get("value") for one in root.findall("testsuite/properties/property")}
    assert said == {
        "implementation": "mine",
        "implementation.version": "0.1",
        "implementation.language": "go",
        "command": "./mine",
        "suite": results.SUITE,
        "spec": SPEC,
        "scale": "1",
    }
    said = {one.get("name"): one.get("value") for one in root.findall("testsuite/testcase/properties/property")}
    assert said == {"id": "c-Task/a", "level": "MUST", "requires": "R-TSK-001 R-HEL-010"}


def test_a_failure_carries_its_detail_and_its_log():
    root = read(
        junit(run(case("a", "timeout", kind="scenario", detail="nothing came", log=("0.1 > Hello", "0.2 < Error"))))
    )
    (failure,) = root.iter("failure")
    assert failure.attrib == {"type": "timeout", "message": "nothing came"}
    assert failure.text == "nothing came\n0.1 > Hello\n0.2 < Error"


@pytest.mark.parametrize(
    ("verdict", "level", "tag"),
    [
        ("pass", "MUST", None),
        ("fail", "MUST", "failure"),
        ("wrong_error", "MUST", "failure"),
        ("timeout", "MUST", "failure"),
        ("crash", "MUST", "failure"),
        ("unexpected_pass", "SHOULD", "failure"),
        ("contract", "SHOULD", "error"),
        ("harness_error", "MUST", "error"),
        ("fail", "SHOULD", "skipped"),
        ("crash", "SHOULD", "skipped"),
        ("known_fail", "MUST", "skipped"),
        ("flaky", "MUST", "skipped"),
        ("not_applicable", "MUST", "skipped"),
    ],
)
def test_a_build_fails_where_the_exit_code_does(verdict, level, tag):
    whole = run(case("good"), case("a", verdict, level=level, detail="why", log=("0.1 > Hello",)))
    one = read(junit(whole)).findall("testsuite/testcase")[1]
    assert [child.tag for child in one if child.tag not in ("properties", "system-out")] == ([tag] if tag else [])
    assert (tag in ("failure", "error")) == (whole.exit_code != 0)
    assert not tag or "0.1 > Hello" in "".join(one.itertext())


def test_a_wrong_list_fails_the_build_too():
    root = read(junit(run(case("a"), problems=("known.txt:3: b matches no case; delete the line",))))
    (failure,) = root.iter("failure")
    assert failure.get("message") == "b matches no case; delete the line"
    assert root.findall("testsuite/testcase")[1].get("name") == "known.txt:3"


def test_nothing_that_a_testee_says_breaks_the_xml():
    text = junit(
        run(case(NASTY, "fail", kind=NASTY, detail=NASTY, log=(NASTY, "\x0b\ufffe")), name=NASTY, problems=(NASTY,))
    )
    (failure, _) = read(text).iter("failure")
    assert failure.get("message").startswith("<script>alert(1)</script> \"'&amp; \\x1b[31m\\x00\\u202e\\ud800")
    assert "\\x0b\\ufffe" in failure.text


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_at_all_is_xml_in_the_end(text):
    read(junit(run(case(text, "fail", detail=text, log=(text,)), name=text)))


def test_an_empty_run_is_an_empty_file():
    assert list(read(junit(run()))) == []


# The matrix


def shape(*runs, requirements=REQUIREMENTS):
    """Each section with its rows: the title, and what every column has of it."""
    across = columns(runs)
    return {
        section.title: {row.title: [row.verdicts(at) for at in range(len(across))] for row in section.rows}
        for section in sections(across, requirements)
    }


def test_requirements_are_grouped_by_what_they_are_about_and_have_a_row_without_a_case():
    assert shape(run()) == {"Connection": {"R-HEL-003": [{}], "R-HEL-010": [{}]}, "Running tasks": {"R-TSK-001": [{}]}}


def test_cases_of_a_codec_stand_with_their_message_and_count_for_their_requirement_too():
    found = shape(
        run(
            case("Hello/ping", requires=("R-HEL-003",)),
            case("encode/Task/a", "fail", "encode"),
            case("Envelope/a", kind="relayed"),
        )
    )
    assert found["Connection"]["R-HEL-003"] == [{"pass": 1}]
    assert found["Messages, decoded"] == {"Hello": [{"pass": 1}]}
    assert found["Messages, encoded"] == {"Task": [{"fail": 1}]}
    assert found["Relayed structs, decoded"] == {"Envelope": [{"pass": 1}]}


def test_a_scenario_stands_with_its_first_requirement_and_a_cell_with_its_state():
    one = case("worker/drain", kind="scenario", requires=("R-TSK-001", "R-HEL-010"))
    across = columns([run(one, case("cell/worker/leaving/Task", kind="cell"), case("worker/else", kind="scenario"))])
    rows = {row.title: row for section in sections(across, REQUIREMENTS) for row in section.rows}
    assert [len(rows["R-TSK-001"].cases), len(rows["R-TSK-001"].elsewhere)] == [1, 0]
    assert [len(rows["R-HEL-010"].cases), len(rows["R-HEL-010"].elsewhere)] == [0, 1]
    assert list(rows)[-2:] == ["worker", "worker / leaving"]


def test_a_requirement_that_nobody_knows_and_a_kind_that_nobody_knows_are_not_lost():
    found = shape(run(case("a/b", requires=("R-NEW-001",)), case("c/d", kind="fuzz")))
    assert found["Other requirements"] == {"R-NEW-001": [{"pass": 1}]}
    assert found["fuzz"] == {"c": [{"pass": 1}]}


def test_parts_of_one_implementation_share_a_column_and_the_same_part_twice_does_not():
    runs = [run(kind="codec"), run(kind="worker"), run(kind="codec"), run(name="other"), run(version="0.2")]
    assert [(str(column.implementation), [one.kind for one in column.runs]) for column in columns(runs)] == [
        ("mine 0.1 (go)", ["codec", "worker"]),
        ("mine 0.1 (go)", ["codec"]),
        ("other 0.1 (go)", ["codec"]),
        ("mine 0.2 (go)", ["codec"]),
    ]


def test_the_same_id_in_two_parts_is_two_cases():
    found = shape(run(case("x/a"), kind="codec"), run(case("x/a", "fail"), kind="worker"))
    assert found["Messages, decoded"] == {"x": [{"fail": 1, "pass": 1}]}


def test_the_worst_comes_first():
    found = shape(run(*(case(f"Task/{verdict}", verdict) for verdict in Verdict.ALL)))
    (verdicts,) = found["Messages, decoded"]["Task"]
    assert list(verdicts)[:2] == ["harness_error", "crash"]
    assert list(verdicts)[-2:] == ["pass", "not_applicable"]
    assert set(verdicts) == set(Verdict.ALL)


# The page


class Reader(HTMLParser):
    """The page as a browser reads it: every element is closed, and its text is kept."""

    EMPTY = ("meta", "input", "br")

    def __init__(self, text):
        super().__init__()
        self.open = []
        self.tags = []
        self.texts = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.texts))

    def having(self, tag, attribute):
        return [attributes[attribute] for name, attributes in self.tags if name == tag and attribute in attributes]


def shown(*runs, explain=lambda identifier: ""):
    return Reader(page(runs, REQUIREMENTS, explain))


def test_the_page_says_of_each_implementation_what_it_is_and_of_each_level_the_counts():
    text = shown(
        run(case("Task/a"), case("Task/b", "fail"), case("Task/c", "known_fail"), case("Hello/d", level="SHOULD")),
        run(case("Task/a"), name="theirs", version="", language="rust", started="2026-11-25T14:00:00Z"),
    ).text
    assert "spec abababababab · suite 0.1.0 · 2026-11-23 to 2026-11-25" in text
    assert (
        "mine 0.1 go codec not conformant MUST 1 pass, 1 fail, 1 known to fail SHOULD 1 pass 2026-11-23 14:00 UTC 3.5 s"
        in text
    )
    assert "theirs rust codec conformant MUST 1 pass" in text


@pytest.mark.parametrize(
    ("cases", "problems", "conclusion"),
    [
        ([case("a")], (), "conformant"),
        ([case("a", "fail")], (), "not conformant"),
        ([case("a")], ("k:1: stale",), "the list of known failures is wrong"),
        ([case("a", "contract")], (), "the adapter broke its contract"),
        ([case("a", "harness_error")], (), "the harness failed"),
        ([case("a", "not_applicable")], (), "nothing was judged"),
        ([], (), "nothing was judged"),
    ],
)
def test_the_page_concludes_as_the_exit_code_does(cases, problems, conclusion):
    assert f" codec {conclusion} " in shown(run(*cases, problems=problems)).text


def test_a_case_opens_its_octets_and_what_each_column_that_has_not_passed_made_of_it():
    log = ("  0.001 it > Hello {kind: accept}", "  1.004 < Error", "and so on")
    failing = case("Task/a", "fail", detail="must be 7", log=log)
    reader = shown(
        run(failing), run(case("Task/a"), name="theirs"), explain=lambda identifier: f"of {identifier}:\n00 01\tx"
    )
    assert reader.text.count("of c-Task/a: 00 01 x") == 1
    assert "mine 0.1 (go) ✗ fail must be 7 0.001 it > Hello {kind: accept} 1.004 < Error and so on" in reader.text
    assert "theirs 0.1 (go) ✓" not in reader.text


def test_a_long_explanation_is_cut_and_says_where_the_rest_is():
    text = shown(run(case("Task/a")), explain=lambda identifier: "x" * 4001).text
    assert "x" * 4000 + "… all of it: wiretask-conformance explain c-Task/a" in text


def test_a_cell_says_how_many_and_the_failures_come_first():
    reader = shown(run(case("Task/a"), case("Task/b", "crash"), case("Task/c", "not_applicable")))
    assert "Task ✗ 1 of 2" in reader.text
    assert "mine 0.1 (go): 1\u00a0crash, 1\u00a0pass, 1\u00a0not\u00a0applicable" in reader.having("span", "title")
    assert reader.text.index("Task/b") < reader.text.index("Task/a")


def test_every_reference_leads_somewhere_and_every_place_is_there_once():
    cases = [
        case("Hello/ping", requires=("R-HEL-003", "R-NEW-001")),
        case("w/ä", kind="scenario", requires=("R-TSK-001", "R-HEL-010")),
    ]
    reader = shown(run(*cases), run(*cases, kind="worker"))
    places = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(places) == len(set(places))
    from urllib.parse import unquote

    references = {unquote(reference) for reference in reader.having("a", "href")}
    assert references <= {"#" + place for place in places}
    assert {"#R-NEW-001", "#codec.c-Hello/ping", "#worker.c-w/ä"} <= references


def test_nothing_that_a_testee_says_is_more_than_text_on_the_page():
    nasty = case(NASTY, "fail", kind=NASTY, requires=(NASTY,), detail=NASTY, log=(NASTY, "0.1 > " + NASTY), id=NASTY)
    reader = shown(
        run(nasty, name=NASTY, version=NASTY, language=NASTY, problems=(NASTY,)), explain=lambda identifier: NASTY
    )
    assert not {"script", "img", "link", "iframe", "b>"} & {tag for tag, _ in reader.tags}
    assert "".join(reader.texts).count("<script>alert(1)</script>") > 10
    everything = "".join(reader.texts) + "".join(
        value or "" for _, attributes in reader.tags for value in attributes.values()
    )
    assert not set("\x1b\x00\u202e\ud800") & set(everything)


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_at_all_is_a_page_in_the_end(text):
    nasty = case(text, "fail", requires=(text,), detail=text, log=(text,), id=text)
    page([run(nasty, name=text)], REQUIREMENTS, lambda identifier: text).encode("utf-8")


def test_the_page_loads_nothing_and_runs_nothing():
    text = page([run(case("Task/a", "fail", detail="see https://example.org"))], REQUIREMENTS, lambda identifier: "")
    reader = Reader(text)
    assert "default-src 'none'; style-src 'unsafe-inline'" in reader.having("meta", "content")
    assert not re.search(r"<script|\son\w+=|url\(|@import|src=", text)
    assert all(reference.startswith("#") for reference in reader.having("a", "href"))


def test_the_same_runs_give_the_same_page():
    runs = [run(case("Task/a"), case("Task/b", "fail"))]
    assert page(runs, REQUIREMENTS, str) == page(runs, REQUIREMENTS, str)


def test_the_page_of_the_spec_has_all_its_requirements():
    spec = json.loads((Path(results.__file__).parent / "golden" / "spec.json").read_text(encoding="utf-8"))
    text = page([run()], [*spec["requirements"], *spec["rules"]], lambda identifier: "")
    assert all(f'id="{requirement["id"]}"' in text for requirement in spec["requirements"])
    assert "Other requirements" not in text


def test_eight_thousand_cases_are_a_page_that_a_browser_opens():
    cases = [case(f"Task/{at}") for at in range(8000)]
    assert len(page([run(*cases), run(*cases, name="theirs")], REQUIREMENTS, lambda identifier: "x" * 500)) < 12 << 20
