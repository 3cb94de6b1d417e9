"""What cannot be right in a spec is refused with file, line, a code and the remedy."""

import re
from pathlib import Path

import pytest

from wiretask_codegen.load import load
from wiretask_codegen.problems import SpecError

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "codegen" / "wiretask_codegen"

TASK, HELLO, SUBMIT, CREDIT = (
    "messages/01-task.yaml",
    "messages/03-hello.yaml",
    "messages/07-submit.yaml",
    "messages/10-credit.yaml",
)

#: Which text is replaced by what in which file, and the code of the refusal. It names the line of the change.
EDITS = {
    "a key twice": (TASK, "command: 1\n", "command: 1\ncommand: 1\n", "S009", 1),
    "a boolean of YAML 1.1": ("messages/02-result.yaml", "sequenced: true", "sequenced: yes", "S011", 0),
    "a boolean in capitals": ("messages/02-result.yaml", "sequenced: true", "sequenced: True", "S011", 0),
    "a number in base 60": (TASK, "command: 1\n", "command: 1:30\n", "S011", 0),
    "a date": (TASK, "since: 1\n", "since: 2026-11-23\n", "S011", 0),
    "a float": (TASK, "since: 1\n", "since: 1.5\n", "S011", 0),
    "an octal number": (TASK, "since: 1\n", "since: 010\n", "S011", 0),
    "an empty value": (TASK, "since: 1\n", "since:\n", "S010", 0),
    "an anchor": (TASK, "since: 1\n", "since: &one 1\n", "S006", 0),
    "a tag of YAML": (TASK, "since: 1\n", "since: !!python/name:os.system 1\n", "S007", 0),
    "broken YAML": (TASK, "since: 1\n", "since: [1\n", "S004", None),
    "an unknown key": (TASK, "since: 1\n", "since: 1\nsinse: 2\n", "S101", 1),
    "a key missing": (TASK, "since: 1\n", "", "S102", None),
    "a word that is not in the list": ("errors.yaml", "scope: task, retry: never", "scope: tasks, retry: never", "S103", 0),
    "a name in capitals": (TASK, "name: attempt, type: u16", "name: Attempt, type: u16", "S104", 0),
    "a text for a number": (TASK, "command: 1\n", "command: one\n", "S105", 0),
    "a number below its range": (TASK, "command: 1\n", "command: 0\n", "S106", 0),
    "an unknown type": (TASK, "name: attempt, type: u16", "name: attempt, type: u61", "T001", 0),
    "a bound that does not fit the type": (TASK, 'type: u16, min: 1, about: "Which', 'type: bool, min: 1, about: "Which', "T002", 0),
    "bounds upside down": (SUBMIT, "type: u8, max: 9", "type: u8, min: 10, max: 9", "T003", 0),
    "a bound wider than the type": (SUBMIT, "type: u8, max: 9", "type: u8, max: 900", "T003", 0),
    "a guard with a word too many": (HELLO, "when: kind == accept", "when: kind == accept kind", "G001", None),
    "a guard over a field that is not there": (HELLO, "when: kind == accept", "when: king == accept", "G001", None),
    "a guard that would be Python": (HELLO, "when: kind == accept", "when: __import__('os')", "G001", None),
    "a group of tags that is not there": (SUBMIT, "tag_group: task_options", "tag_group: options", "M001", 0),
    "a relayed struct that is not there": (TASK, "relay: Envelope", "relay: Envelop", "M002", 0),
    "a flow between peers": (SUBMIT, "client -> scheduler", "client -> worker", "S104", 0),
    "hex with a digit too few": (CREDIT, "00000008  # slots 8", "0000008  # slots 8", "M004", 0),
    "an event that is not there": ("machines.yaml", "on: Hello.open, to: opening", "on: Hello.opne, to: opening", "A001", 0),
    "a pair decided twice": (
        "machines.yaml",
        "- {from: ready, on: lease, to: leased}",
        "- {from: ready, on: lease, to: leased}\n      - {from: ready, on: lease, to: dead}",
        "A002",
        1,
    ),
    "a name of two types": ("types.yaml", "  HeldLease:\n", "  Millis:\n", "T004", 0),
    "tags counted in a struct": ("types.yaml", "require: min_version <= max_version", "require: tag_count == 0", "G001", 0),
    "two numbers compared": (HELLO, "when: kind == accept", "when: 1 == 1", "G001", 0),
    "a key in capitals": ("protocol.yaml", "  in_flight:\n", "  In_flight:\n", "S104", 0),
    "a list for a mapping": ("protocol.yaml", "versions:\n  1: {status: draft}", "versions:\n  - {status: draft}", "S105", 0),
    "an enum without values": ("types.yaml", "      cancel: {value: 1, about: Cancel this one too.}\n      run: {value: 2, about: Run it all the same.}", "      {}", "S106", -1),
    "an empty list": (TASK, "flows: [scheduler -> worker]", "flows: []", "S106", 0),
    "a flow twice": (TASK, "flows: [scheduler -> worker]", "flows: [scheduler -> worker, scheduler -> worker]", "S106", 0),
    "a relay by its field's name": (SUBMIT, "name: priority, type: u8", "name: envelope, type: u8", "L009", 0),
    "a body beside the body": ("types.yaml", "name: encoding, type: Encoding, about: How the body is written.}\n    tagged:\n      - {tag: 1, name: headers", "name: body, type: Encoding, about: How the body is written.}\n    tagged:\n      - {tag: 1, name: headers", "L009", 0),
    "a tag reserved by its number": (TASK, "tagged:\n  - {tag: 1,", "reserved:\n  - {number: 1, name: other, about: Used once.}\ntagged:\n  - {tag: 1,", "L003", 3),
    "a tag reserved by its name": (TASK, "tagged:\n  - {tag: 1,", "reserved:\n  - {number: 99, name: cost, about: Used once.}\ntagged:\n  - {tag: 1,", "L003", 3),
    "a value that is reserved": ("types.yaml", "    about: How hard to cancel.\n", "    about: How hard to cancel.\n    reserved:\n      - {number: 2, name: other, about: Used once.}\n", "L003", None),
    "an error that is reserved": ("errors.yaml", "reserved: []", "reserved:\n  - {number: 416, name: OTHER, about: Used once.}", "L003", None),
    "a number reserved twice": ("errors.yaml", "reserved: []", "reserved:\n  - {number: 1, name: ONE, about: Used once.}\n  - {number: 1, name: TWO, about: Used once.}", "L019", 2),
    "a seq that may be 0": (SUBMIT, "name: seq, type: Seq", "name: seq, type: u64", "L020", 0),
    "an about that is no sentence": (TASK, "about: The task.}", "about: the task}", "L021", 0),
    "an about without an end": (TASK, "about: The task.}", "about: The task}", "L021", 0),
    "a text of an error that is a sentence": ("errors.yaml", "the queue is full; submit later", "The queue is full; submit later.", "L021", 0),
    "a critical tag that may be dropped": (TASK, "tag: 1, name: cost", "tag: 0x8001, name: cost", "L022", 0),
    "a version that is not there": (TASK, "type: u16, min: 1, since: 1", "type: u16, min: 1, since: 2", "L023", 0),
    "a gap between versions": ("protocol.yaml", "  1: {status: draft}", "  2: {status: draft}", "L023", 0),
    "two drafts": ("protocol.yaml", "  1: {status: draft}", "  1: {status: draft}\n  2: {status: draft}", "L023", 0),
    "two names in one case": ("types.yaml", "  FairnessKey:\n    about: Tasks", "  TaskID:\n    about: A thing.\n    fields:\n      - {name: key, type: Name, about: The key.}\n  FairnessKey:\n    about: Tasks", "L024", 0),
    "a class of the generated code": ("types.yaml", "  FairnessKey:\n    about: Tasks", "  WireError:\n    about: A thing.\n    fields:\n      - {name: key, type: Name, about: The key.}\n  FairnessKey:\n    about: Tasks", "L024", 0),
    "a class of Python": ("types.yaml", "  FairnessKey:\n    about: Tasks", "  KeyError:\n    about: A thing.\n    fields:\n      - {name: key, type: Name, about: The key.}\n  FairnessKey:\n    about: Tasks", "L024", 0),
    "a pattern that is none": ("types.yaml", "[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", "[A-Za-z0-9_][A-Za-z0-9_.:/@+-*", "L027", None),
    "a pattern of one dialect": ("types.yaml", "[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", "\\\\w+", "L027", None),
    "a pattern that looks around": ("types.yaml", "[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", "(?!wiretask)[a-z]+", "L027", None),
    "a second pattern": (HELLO, "name: key_id, type: Name", "name: key_id, type: Name, max_bytes: 8", "L028", 0),
    "an error that the codecs raise": ("errors.yaml", "  BAD_PATTERN:", "  BAD_WORD:", "L029", None),
    "a limit that the codecs need": ("protocol.yaml", "  handshake_frame_limit:", "  hello_limit:", "L029", None),
    "an enum that errors are written in": ("types.yaml", "elsewhere: {value: 2,", "anywhere: {value: 2,", "L029", None),
    "an Error with other fields": ("messages/04-error.yaml", "{name: command, type: u8", "{name: about_command, type: u8", "L029", None),
    "an example that the document shows": (SUBMIT, "examples:\n  sha256:", "examples:\n  sha512:", "L029", None),
    "a machine that a connection walks": ("machines.yaml", "  client_connection:", "  customer_connection:", "L029", None),
    "an event that nothing is on": ("machines.yaml", "      - {from: dead, on: revive, to: ready}\n", "", "L030", None),
    "a message that is never taken": ("machines.yaml", "on: [Submit, Accepted, Cancel, Query, Await, Schedule]", "on: [Submit, Accepted, Cancel, Await, Schedule]", "L030", None),
    "two events of one name": ("machines.yaml", "      challenge: {about: The scheduler wants a proof.}", "      challenge: {about: The scheduler wants a proof.}\n      hello_open: {about: Another open.}", "L019", 1),
    "another header": ("protocol.yaml", "{name: length, type: u32,", "{name: length, type: u16,", "L032", 0),
    "a final state on the way": ("machines.yaml", 'leased: {about: "With a worker, which holds its lease."}', 'leased: {about: "With a worker, which holds its lease.", final: true}', "L018", 0),
    "a gap between ranges": ("protocol.yaml", "{from: 0x17, to: 0x40", "{from: 0x18, to: 0x40", "L001", 0),
    "a command that is never assigned": (TASK, "command: 1\n", "command: 0x47\n", "L002", None),
    "a command that is grease": (TASK, "command: 1\n", "command: 0xc3\n", "L002", None),
    "a command that is reserved": (TASK, "command: 1\n", "command: 23\n", "L003", None),
    "a first command that is no message": ("protocol.yaml", "first_command: 3", "first_command: 99", "L004", None),
    "an enum value too large": ("types.yaml", "proof: {value: 2,", "proof: {value: 256,", "L005", 0),
    "a limit with an unknown error": ("protocol.yaml", "error: TASK_TOO_LARGE", "error: TASK_TOO_BIG", "L006", None),
    "a limit below its floor": ("protocol.yaml", "value: 4194304", "value: 4194", "L007", None),
    "a sequenced message without a seq": (
        "messages/13-query.yaml",
        "- {name: seq, type: Seq, about: Position of this message.}",
        "- {name: number, type: Seq, about: Position of this message.}",
        "L008",
        None,
    ),
    "a relayed struct as a field": (TASK, "name: attempt, type: u16, min: 1", "name: attempt, type: Envelope", "L010", 0),
    "a tag above 255": (TASK, "tag: 1, name: cost", "tag: 300, name: cost", "L011", 0),
    "a critical tag where none is allowed": ("types.yaml", "tag: 3, name: traceback", "tag: 0x8003, name: traceback", "L012", 0),
    "a list of lists": (TASK, "type: list<Resource>", "type: list<list<Resource>>", "L014", 0),
    "a name of Python": (TASK, "name: attempt, type: u16", "name: lambda, type: u16", "L015", 0),
    "a name of construct": (TASK, "name: attempt, type: u16", "name: keys, type: u16", "L015", 0),
    "a name of a builtin": (TASK, "name: attempt, type: u16", "name: bytes, type: u16", "L015", 0),
    "an initial state that is not there": ("machines.yaml", "initial: greeting", "initial: greting", "L016", None),
    "a state that nothing leads to": ("machines.yaml", "- {from: ready, on: lease, to: leased}", "- {from: ready, on: lease, to: ready}", "L017", None),
    "a final state that is left": ("machines.yaml", "dead: {about: Ended without a result; kept for inspection.}", "dead: {about: Ended without a result; kept for inspection., final: true}", "L018", 0),
    "an error code twice": ("errors.yaml", "UNKNOWN_TASK: {code: 402,", "UNKNOWN_TASK: {code: 401,", "L019", 0),
    "a tag twice": (TASK, "tag: 2, name: resources", "tag: 1, name: resources", "L019", 0),
    "a requirement twice": (TASK, "id: R-TSK-002", "id: R-TSK-001", "L019", 0),
    "a field twice": (TASK, "name: remaining, type: Millis", "name: time_limit, type: Millis", "L019", 0),
}  # fmt: skip


@pytest.mark.parametrize("case", EDITS)
def test_a_spec_is_refused_with_file_line_code_and_remedy(spec, case):
    name, old, new, code, shift = EDITS[case]
    line = spec.edit(name, old, new)
    with pytest.raises(SpecError) as caught:
        load(spec.root)
    found = [problem for problem in caught.value.problems if problem.code == code]
    assert found, str(caught.value)
    assert found[0].file == f"spec/{name}" or shift is None
    if shift is not None:
        assert line + shift in {problem.line for problem in found}, str(caught.value)
    assert all(len(problem.text) > 10 for problem in found)
    assert str(found[0]) == f"{found[0].file}:{found[0].line}: {code}: {found[0].text}"


def test_the_spec_itself_is_taken():
    assert [message.command for message in load(ROOT / "spec").messages] == list(range(1, 20))


def test_all_problems_are_said_at_once(spec):
    spec.edit(TASK, "name: attempt, type: u16", "name: keys, type: u16")
    spec.edit("errors.yaml", "UNKNOWN_TASK: {code: 402,", "UNKNOWN_TASK: {code: 401,")
    with pytest.raises(SpecError) as caught:
        load(spec.root)
    assert {problem.code for problem in caught.value.problems} == {"L015", "L019"}


def test_a_missing_file_is_named(spec):
    (spec.root / "errors.yaml").unlink()
    with pytest.raises(SpecError, match=r"spec/errors.yaml:1: S001: cannot be read"):
        load(spec.root)


def test_a_file_that_is_not_utf_8_is_refused_at_its_line(spec):
    (spec.root / "errors.yaml").write_bytes(b"errors:\n  A: \xff\n")
    with pytest.raises(SpecError, match=r"spec/errors.yaml:2: S002"):
        load(spec.root)


def test_two_documents_are_refused(spec):
    spec.add("errors.yaml", "---\nerrors: {}\n")
    with pytest.raises(SpecError, match="S005"):
        load(spec.root)


def test_an_example_that_does_not_fit_its_fields_is_refused(spec):
    from wiretask_codegen.render import render

    spec.edit(CREDIT, "slots: 8", "slotz: 8")
    with pytest.raises(SpecError, match="X001"):
        render(load(spec.root))


def test_a_file_with_another_name_than_its_message_is_refused(spec):
    (spec.root / TASK).rename(spec.root / "messages" / "1-task.yaml")
    with pytest.raises(SpecError, match=r"1-task\.yaml:2: L026: Task belongs into 01-task\.yaml; rename the file"):
        load(spec.root)


def test_a_message_without_an_example_is_refused(spec):
    path = spec.root / "messages/13-query.yaml"
    path.write_text(path.read_text().partition("examples:")[0])
    with pytest.raises(SpecError, match=r"13-query\.yaml:2: L025: Query has no example"):
        load(spec.root)


def test_a_local_state_that_no_event_of_its_own_moves_on_is_refused(spec):
    spec.edit("machines.yaml", "challenged: {about: A proof is expected.}", "challenged: {about: Why., local: true}")
    spec.edit("machines.yaml", "- {from: any, on: close, to: closed}\n    otherwise: {to: closed, error: UNEXPECTED_MESSAGE}\n\n  worker", "- {from: greeting, on: close, to: closed}\n    otherwise: {to: closed, error: UNEXPECTED_MESSAGE}\n\n  worker")  # fmt: skip
    with pytest.raises(SpecError, match="L018: nothing is read in 'challenged' until"):
        load(spec.root)


@pytest.mark.parametrize("text", ["{", "[]", '{"type": 7}', '{"$ref": "other.schema.json"}'])
def test_a_schema_that_is_none_is_refused(spec, text):
    (spec.root / "meta" / "errors.schema.json").write_text(text)
    with pytest.raises(SpecError, match=r"spec/meta/errors\.schema\.json:1: S013: is no JSON Schema for errors"):
        load(spec.root)


def test_a_folder_that_holds_no_spec_is_refused(tmp_path):
    with pytest.raises(SpecError, match=r"protocol\.yaml:1: S001") as caught:
        load(tmp_path)
    assert len(caught.value.problems) == 5


CODE = re.compile(r"\b[ABDEGLMSTX][0-9]{2,3}\b")
CODE_IN_QUOTES = re.compile(rf"\"({CODE.pattern})\"")


def test_every_code_is_refused_in_some_test():
    """Codes that are never tested are promises; codes that no source has are gone and never come back."""
    source = {code for path in SOURCE.rglob("*.py") for code in CODE_IN_QUOTES.findall(path.read_text())}
    tested = {code for path in Path(__file__).parent.glob("test_*.py") for code in CODE.findall(path.read_text())}
    assert source - tested == set()
    assert tested - source == set()
