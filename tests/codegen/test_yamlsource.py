"""Strict YAML: what is read, and what is refused at its line."""

import pytest

from wiretask_codegen import yamlsource
from wiretask_codegen.problems import SpecError
from wiretask_codegen.yamlsource import MAX_DEPTH, MAX_FILE_BYTES, read

READ = {
    "a: 1": {"a": 1},
    "a: -1": {"a": -1},
    "a: 0": {"a": 0},
    "a: 0x7fa0": {"a": 0x7FA0},
    "a: 18446744073709551615": {"a": 2**64 - 1},
    "a: true": {"a": True},
    "a: false": {"a": False},
    "on: on": {"on": "on"},
    "off: off": {"off": "off"},
    "no: 'no'": {"no": "no"},
    'a: "yes"': {"a": "yes"},
    "a: '1'": {"a": "1"},
    "a: word # and a comment": {"a": "word"},
    "a: [1, two, {b: 3}]": {"a": [1, "two", {"b": 3}]},
    "a: |\n  one\n  two\n": {"a": "one\ntwo\n"},
    "a: >-\n  one\n  two\n": {"a": "one two"},
    "a: add@2": {"a": "add@2"},
    "a: R-HEL-001": {"a": "R-HEL-001"},
    "a: ''": {"a": ""},
    "\ufeffa: 1": {"a": 1},
    "'<<': 1": {"<<": 1},
}

#: Text -> code and line of the refusal.
REFUSED = {
    "a: 1\na: 2": ("S009", 2),
    "a: 1\nb:\n  c: 1\n  c: 2": ("S009", 4),
    "a: yes": ("S011", 1),
    "a: No": ("S011", 1),
    "a: y": ("S011", 1),
    "a: TRUE": ("S011", 1),
    "a: 1:30": ("S011", 1),
    "a: 190:20:30": ("S011", 1),
    "a: 2026-11-23": ("S011", 1),
    "a: 1.5": ("S011", 1),
    "a: .5": ("S011", 1),
    "a: 1e3": ("S011", 1),
    "a: .inf": ("S011", 1),
    "a: -.INF": ("S011", 1),
    "a: .nan": ("S011", 1),
    "a: 010": ("S011", 1),
    "a: 0o10": ("S011", 1),
    "a: 0b1": ("S011", 1),
    "a: 0X1f": ("S011", 1),
    "a: 0x1F": ("S011", 1),
    "a: 1_000": ("S011", 1),
    "a: +1": ("S011", 1),
    "a: " + "9" * 5000: ("S011", 1),
    "a:": ("S010", 1),
    "a: ~": ("S010", 1),
    "a: null": ("S010", 1),
    "a: Null": ("S010", 1),
    "a: &b 1": ("S006", 1),
    "a: {b: &c [1]}": ("S006", 1),
    "a: &b 1\nc: *b": ("S006", 2),
    "a: {b: 1}\nc:\n  <<: {d: 1}": ("S006", 3),
    "? &k a\n: 1": ("S006", 1),
    "a: !!int 1": ("S007", 1),
    "a: !!python/name:os.system x": ("S007", 1),
    "a: ! 1": ("S007", 1),
    "!!map {a: 1}": ("S007", 1),
    "? [a]\n: 1": ("S008", 1),
    "? {a: 1}\n: 1": ("S008", 1),
    "a: [1\n": ("S004", 2),
    "a:\n\tb: 1": ("S004", 2),
    "a: b: c": ("S004", 1),
    "a: 'b\n": ("S004", 2),
    "a: *nothing": ("S006", 1),
    "a: 1\n---\na: 2": ("S005", 2),
    "": ("S005", 1),
    "# nothing but a comment": ("S005", 1),
    "a: \x07": ("S004", 1),
    "a: 1\nb: \x00": ("S004", 2),
    "a: " + "[" * 200: ("S012", 1),
}


@pytest.fixture(params=["libyaml", "pure"])
def parser(request, monkeypatch):
    if request.param == "pure":
        monkeypatch.setattr(yamlsource, "_LOADER", yamlsource.yaml.SafeLoader)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "a.yaml"


@pytest.mark.parametrize("text", READ, ids=repr)
def test_what_is_plain_is_read(text, file, parser):
    file.write_text(text, encoding="utf-8")
    assert read(file, "a.yaml").plain() == READ[text]


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: repr(text[:40]))
def test_a_trap_is_refused_at_its_line(text, file, parser):
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        read(file, "spec/a.yaml")
    code, line = REFUSED[text]
    assert (code, line) in {(problem.code, problem.line) for problem in caught.value.problems}, str(caught.value)
    assert all(str(problem).startswith("spec/a.yaml:") for problem in caught.value.problems)


def test_every_trap_of_a_file_is_said_at_once(file, parser):
    file.write_text("a: yes\nb: 1.5\na: &x 1\n")
    with pytest.raises(SpecError) as caught:
        read(file, "a.yaml")
    assert [(problem.line, problem.code) for problem in caught.value.problems] == [
        (1, "S011"),
        (2, "S011"),
        (3, "S006"),
        (3, "S009"),
    ]


def test_lists_may_be_as_deep_as_a_spec_needs_and_no_deeper(file, parser):
    file.write_text("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    read(file, "a.yaml")
    file.write_text("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))
    with pytest.raises(SpecError, match="S012"):
        read(file, "a.yaml")


def test_what_is_too_deep_for_the_parser_itself_is_refused_in_its_words(file, parser):
    file.write_text("a: " + "[" * 2000)
    with pytest.raises(
        SpecError, match=r"a\.yaml:1: (S012: is nested more than|S004: is not YAML: exceeded maximum nesting)"
    ):
        read(file, "a.yaml")


def test_a_value_knows_its_line(file, parser):
    file.write_text("a: 1\nb:\n  - c: 1\n    d: 2\n  - {e: 3}\n")
    node = read(file, "a.yaml")
    assert [str(node.place_of(path)) for path in (["a"], ["b"], ["b", 0, "d"], ["b", 1, "e"])] == [
        "a.yaml:1",
        "a.yaml:2",
        "a.yaml:4",
        "a.yaml:5",
    ]
    assert str(node.place_of(["b", 7, "f"])) == "a.yaml:2"
    assert node.at(["b", 1, "e"]).value == 3


def test_a_file_that_is_not_utf_8_is_refused_at_its_line(file):
    file.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(SpecError, match=r"a\.yaml:2: S002: is not UTF-8"):
        read(file, "a.yaml")


def test_a_file_that_is_too_large_is_not_parsed(file):
    file.write_bytes(b"#" * MAX_FILE_BYTES + b"\xff")
    with pytest.raises(SpecError, match=r"a\.yaml:1: S003: has more than 1048576 bytes"):
        read(file, "a.yaml")


def test_a_file_that_is_not_there_is_named(file):
    with pytest.raises(SpecError, match=r"a\.yaml:1: S001: cannot be read \(No such file or directory\)"):
        read(file, "a.yaml")
