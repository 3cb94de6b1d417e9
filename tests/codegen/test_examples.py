"""A golden example is checked by the spec alone: its value fits, and its octets are those of its value."""

import pytest

from wiretask_codegen.load import load
from wiretask_codegen.problems import SpecError

ACCEPT, CREDIT, SUBMIT = "messages/03-hello.yaml", "messages/10-credit.yaml", "messages/07-submit.yaml"
CANCEL, RESUME, TASK = "messages/11-cancel.yaml", "messages/19-resume.yaml", "messages/01-task.yaml"

#: Which text is replaced by what, the code of the refusal, and what it says. It names the line of the change.
EDITS = {
    "a field that is not there": (CREDIT, "      begun: 4294967297", "      begin: 4294967297", "X001", "begun is missing", -2),
    "a field too many": (CREDIT, "      slots: 8", "      colour: 1\n      slots: 8", "X001", "there is no field colour", 0),
    "a text for a number": (CREDIT, "slots: 8", "slots: eight", "X001", "slots is 'eight', not a number from 0 to 4294967295", 0),
    "a number that is too large": (CREDIT, "slots: 8", "slots: 4294967296", "X001", "slots is 4294967296", 0),
    "a boolean for a number": (CREDIT, "slots: 8", "slots: true", "X001", "slots is True", 0),
    "a number for a boolean": (CANCEL, "      tree: true", "      tree: 1", "X001", "tree is true or false", 0),
    "octets without hex:": (CANCEL, '"hex:019aaf2e3c007a1b8c2d3e4f506137a8"', '"019aaf2e3c007a1b8c2d3e4f506137a8"', "X001", "task_id is octets", 0),
    "an odd digit": (CANCEL, '"hex:019aaf2e3c007a1b8c2d3e4f506137a8"', '"hex:019aaf2e3c007a1b8c2d3e4f506137a"', "X001", "task_id is octets", 0),
    "octets that are too short": (CANCEL, '"hex:019aaf2e3c007a1b8c2d3e4f506137a8"', '"hex:019aaf2e3c007a1b8c2d3e4f506137"', "X001", "task_id has 15 octets, not 16 to 16", 0),
    "a value of an enum that is not there": (CANCEL, "mode: cooperative", "mode: friendly", "X001", "mode is 'friendly', not one of cooperative", 0),
    "the number of a value that has a name": (CANCEL, "mode: cooperative", "mode: 1", "X001", "mode is 1, not one of", 0),
    "a list that is none": (RESUME, "leases: [{", "leases: {", "S004", "is not YAML", 0),
    "a struct with a field too many": (TASK, "{name: gpu, amount: 1}", "{name: gpu, amount: 1, colour: 2}", "X001", "Resource has no field colour", 0),
    "a name that is none": (TASK, "{name: gpu, amount: 1}", "{name: a gpu, amount: 1}", "X001", "name is 'a gpu', which does not match", 0),
    "an empty name": (TASK, "{name: gpu, amount: 1}", "{name: '', amount: 1}", "X001", "which does not match", 0),
    "a name that is too long": (TASK, "{name: gpu, amount: 1}", "{name: " + "g" * 129 + ", amount: 1}", "X001", "name has 129 octets, not 1 to 128", 0),
    "an unknown tag that is known": (ACCEPT, "unknown: [{tag: 32675,", "unknown: [{tag: 3,", "X001", "the tag 0x3 is known", 0),
    "an unknown tag that is critical": (ACCEPT, "unknown: [{tag: 32675,", "unknown: [{tag: 32775,", "X001", "tag is 32775", 0),
    "octets of another value": (CREDIT, "00000008  # slots 8", "00000009  # slots 9", "X002", "at octet 8 the value is 0800000000000000 and the hex says 0900000000000000", 0),
    "another command": (CREDIT, "0a  # command 10", "0b  # command 11", "X002", "at octet 0", 0),
    "another length": (CREDIT, "00000015  # length 21", "00000016  # length 22", "X002", "at octet 4", 0),
    "an octet too few": (CREDIT, "      00  # no tags\n", "", "X002", "the value is 00 and the hex says the end", -1),
    "an octet too many": (CREDIT, "00  # no tags", "0000  # no tags", "X002", "at octet 26 the value is the end and the hex says 00", 0),
    "a rule that is broken": (ACCEPT, "      role: worker\n", "", "X003", "Hello/open breaks R-HEL-001", None),
    "a rule of a struct that is broken": (ACCEPT, "min_version: 1\n        max_version: 1\n      role: worker\n", "min_version: 2\n        max_version: 1\n      role: worker\n", "X001", "VersionRange breaks R-HEL-005", 0),
}  # fmt: skip


@pytest.mark.parametrize("case", EDITS)
def test_an_example_that_is_not_what_it_says_is_refused_at_its_line(spec, case):
    name, old, new, code, text, shift = EDITS[case]
    line = spec.edit(name, old, new)
    with pytest.raises(SpecError) as caught:
        load(spec.root)
    found = [problem for problem in caught.value.problems if problem.code == code]
    assert found, str(caught.value)
    assert text in found[0].text
    assert shift is None or (found[0].file, found[0].line) == (f"spec/{name}", line + shift), str(caught.value)


def test_an_open_enum_shows_a_value_that_has_no_name(spec):
    spec.edit(CANCEL, "mode: cooperative", "mode: 200")
    spec.edit(CANCEL, "01  # mode cooperative", "c8  # mode 200")
    load(spec.root)


def test_a_closed_enum_shows_none(spec):
    spec.edit("messages/16-schedule.yaml", "action: delete\n      priority", "action: 9\n      priority")
    with pytest.raises(SpecError, match="X001: Schedule/delete: action is 9, not one of put, delete"):
        load(spec.root)


def test_flags_are_a_list_of_names(spec):
    text = (spec.root / SUBMIT).read_text()
    assert "flags: [want_result]" in text
    (spec.root / SUBMIT).write_text(text.replace("flags: [want_result]", "flags: [want_it_all]", 1))
    with pytest.raises(SpecError, match=r"X001.*flags is a list of some of want_result, want_progress, repeat"):
        load(spec.root)
    (spec.root / SUBMIT).write_text(text.replace("flags: [want_result]", "flags: 1", 1))
    with pytest.raises(SpecError, match=r"X001.*flags is a list"):
        load(spec.root)
